//! A page as plain text: finds the title, the labels and the body by their lines.

use chrono_tz::Tz;

use super::labels::{self, PageLabels};
use crate::interchange::origins::row_builder::{RowBuilder, RowResult, fold_whitespace};
use crate::interchange::text_filters;

/// Largest page, in bytes.
pub(super) const MAX_PAGE_BYTES: usize = 8 << 20;
/// Lines in which the breadcrumb and the labels are looked for.
const MAX_HEAD_LINES: usize = 300;

/// Reads an article from the text of a page. The article gets the given external id.
///
/// The title is the line before the labels. The body is the lines after the labels,
/// up to the first line of the site's own text (`分享到`, `公告`, `会员登录`).
///
/// # Errors
///
/// The text is larger than 8 MiB, or empty.
pub fn read_text(text: &str, external_id: &str, timezone: Tz) -> RowResult {
    check_size(text)?;
    let page = PageText::new(text, timezone);
    let title = page.find_title().ok_or("The page has no text.")?;
    let row = RowBuilder::new(external_id).with("title", Some(fold_whitespace(title)));
    Ok(page.add_labels_to(row, title).with_body(page.extract_body(), "text").build(external_id))
}

pub(super) fn check_size(page: &str) -> Result<(), String> {
    if page.len() > MAX_PAGE_BYTES { Err("The page is larger than 8 MiB.".into()) } else { Ok(()) }
}

/// The lines of a page, with the breadcrumb and the labels found in them.
pub(super) struct PageText<'t> {
    lines: Vec<&'t str>,
    /// The steps of the breadcrumb.
    breadcrumb: Vec<String>,
    labels: PageLabels,
    /// Index of the first line after the breadcrumb.
    title_start: usize,
    /// Index of the first line with a label.
    labels_start: usize,
    /// Index of the first line after the labels.
    body_start: usize,
}

impl<'t> PageText<'t> {
    pub(super) fn new(text: &'t str, timezone: Tz) -> Self {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let head = &lines[..lines.len().min(MAX_HEAD_LINES)];
        let breadcrumb =
            head.iter().enumerate().find_map(|(at, line)| Some((at + 1, labels::parse_breadcrumb(line)?)));
        let (start, breadcrumb) = breadcrumb.unwrap_or_default();
        let labels_start = (start..head.len()).find(|at| PageLabels::parse(lines[*at], timezone).is_some());
        let mut page = Self {
            lines,
            breadcrumb,
            labels: PageLabels::default(),
            title_start: start,
            labels_start: start,
            body_start: start,
        };
        if let Some(labels_start) = labels_start {
            page.labels_start = labels_start;
            page.read_labels(timezone);
        }
        page
    }

    /// Reads the labels, which can span several lines.
    fn read_labels(&mut self, timezone: Tz) {
        self.body_start = self.labels_start;
        for line in &self.lines[self.labels_start..] {
            match PageLabels::parse(line, timezone) {
                Some(labels) => self.labels = std::mem::take(&mut self.labels).merge(labels),
                None if !line.is_empty() => break,
                None => {}
            }
            self.body_start += 1;
        }
    }

    pub(super) fn find_title(&self) -> Option<&'t str> {
        let is_text = |line: &&&str| !line.is_empty();
        let before = self.lines[self.title_start..self.labels_start].iter().rev().find(is_text);
        before.or_else(|| self.lines[self.body_start..].iter().find(is_text)).copied()
    }

    /// Whether the page has an author label. Its value can be empty.
    pub(super) fn has_author(&self) -> bool {
        self.labels.author.is_some()
    }

    /// The lines between the labels and the site's own text, without a repeated title.
    pub(super) fn extract_body(&self) -> String {
        let title = self.find_title().unwrap_or_default();
        let mut body = String::new();
        let mut is_new_paragraph = false;
        for line in &self.lines[self.body_start..] {
            if line.is_empty() {
                is_new_paragraph = true;
            } else if labels::ends_article(line) {
                break;
            } else if !(body.is_empty() && *line == title) {
                if !body.is_empty() {
                    body.push_str(if is_new_paragraph { "\n\n" } else { "\n" });
                }
                body.push_str(line);
                is_new_paragraph = false;
            }
        }
        body
    }

    /// Adds the breadcrumb and the labels to `row`. The last step of the breadcrumb is left
    /// out if it names the article itself.
    pub(super) fn add_labels_to(&self, row: RowBuilder, title: &str) -> RowBuilder {
        let mut steps: Vec<&String> = self.breadcrumb.iter().collect();
        let title = text_filters::strip_glosses(title, &mut 0);
        steps.pop_if(|last| {
            let stem = last.trim_end_matches(['.', '…']);
            matches!(stem, "正文" | "内容" | "")
                || **last == *title
                || (stem.len() < last.len() && title.starts_with(stem))
        });
        let category = steps.iter().map(|name| serde_json::json!({ "name": name })).collect();
        row.with_list("category", category)
            .with("author", self.labels.author.as_deref())
            .with("source_name", self.labels.source_name.as_deref())
            .with("views", self.labels.views)
            .with_time("published_at", self.labels.published_at)
    }
}
