//! Articles and notices as documents of the index.

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;

use super::labels;
use super::queries::TextRow;
use crate::index::Document;
use crate::index::completions::make_keys;
use crate::index::fold::fold;
use crate::index::likeness::fingerprint;
use crate::markup::html_text::html_to_lines;

/// How the completions of tags begin. Those of titles have nothing before them.
pub const TAG_COMPLETION: &str = "tag ";

/// The document of an article or a notice. Years are those of `timezone`.
pub fn make_document(row: TextRow, timezone: Tz) -> Document {
    let labels = list_labels(&row, timezone);
    let body = split_blocks(&row.body);
    let (completions, likeness) = match row.notice_kind {
        None => (list_completions(&row), make_fingerprint(&row.title, &body)),
        Some(_) => (Vec::new(), Vec::new()),
    };
    Document {
        id: row.id,
        title: row.title,
        summary: row.summary,
        body,
        tags: row.tags,
        author: row.author,
        source: row.source_name,
        labels,
        begins_at: to_micros(row.published_at),
        ends_at: to_micros(row.expires_at),
        updated_at: row.updated_at.timestamp_micros(),
        created_at: row.created_at.timestamp_micros(),
        popularity: row.views.try_into().unwrap_or_default(),
        completions,
        likeness,
    }
}

/// The fingerprint by which an article is compared with others.
pub fn make_fingerprint(title: &str, blocks: &[String]) -> Vec<u64> {
    let blocks: Vec<String> = blocks.iter().map(|block| fold(block)).collect();
    fingerprint(&fold(title), &blocks)
}

/// What the title and the tags are found by while they are typed.
fn list_completions(row: &TextRow) -> Vec<String> {
    let tags = row.tags.iter().flat_map(|tag| make_keys(tag));
    let tags = tags.map(|key| format!("{TAG_COMPLETION}{key}"));
    make_keys(&row.title).into_iter().chain(tags).collect()
}

/// The blocks of a body as plain text.
pub fn split_blocks(html: &str) -> Vec<String> {
    let lines = html_to_lines(html);
    let blocks = lines.lines().map(str::trim).filter(|block| !block.is_empty());
    blocks.map(|block| block.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// A time as the index has it; none is later than all.
fn to_micros(at: Option<DateTime<Utc>>) -> i64 {
    at.map_or(i64::MAX, |at| at.timestamp_micros())
}

fn list_labels(row: &TextRow, timezone: Tz) -> Vec<String> {
    let mut all = vec![
        if row.notice_kind.is_none() { labels::ARTICLE } else { labels::NOTICE }.to_owned(),
        if row.is_deleted { labels::IN_TRASH } else { labels::NOT_IN_TRASH }.to_owned(),
        labels::status(&row.status),
    ];
    all.extend(row.category_id.map(labels::category));
    all.extend(row.created_by.map(labels::owner));
    all.extend(row.notice_kind.as_deref().map(labels::notice_kind));
    all.extend(row.audience.as_deref().map(labels::audience));
    all.extend(row.tags.iter().map(|tag| labels::tag(tag)));
    all.push(labels::author(&row.author));
    all.push(labels::source(&row.source_name));
    all.extend(row.published_at.map(|at| labels::year(at.with_timezone(&timezone).year())));
    all
}
