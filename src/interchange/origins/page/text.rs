//! A page as plain text: finds the title, the labels and the body by their lines.

use chrono_tz::Tz;

use super::breadcrumb::{add_breadcrumb, parse_breadcrumb};
use super::furniture::begins_site_text;
use super::labels::{PageLabels, is_filler};
use super::lines::is_prose;
use super::page_source::PageSource;
use crate::interchange::origins::dates;
use crate::interchange::origins::row_builder::{RowBuilder, RowResult, fold_whitespace};

/// Largest page, in bytes.
pub(super) const MAX_PAGE_BYTES: usize = 8 << 20;
/// Lines in which the breadcrumb and the labels are looked for.
const MAX_HEAD_LINES: usize = 300;

/// Reads an article from the text of a page.
///
/// The title is the line before the labels. The body is the lines after the labels, up to the site's own text
/// (`分享到`, `会员登录`) if no sentence follows it.
///
/// # Errors
///
/// The text is larger than 8 MiB, or empty, or has no date and must have one.
pub fn read_text(text: &str, source: &PageSource) -> RowResult {
    check_size(text)?;
    let page = PageText::new(text, source.options.timezone);
    let title = page.find_title().ok_or("The page has no text.")?;
    let row = source.begin_row(None, &fold_whitespace(title));
    let row = row.with("source_url", source.address.as_ref().map(|address| address.as_str().to_owned()));
    let row = source.add_date(page.add_labels_to(row, title), page.find_date())?;
    let (body, left_out) = page.extract_body();
    let row = row.with_body(body, "text");
    let row = match left_out {
        0 => row,
        lines => {
            row.warn("/body", "page_text_left_out", format!("is without {lines} lines after the article"))
        }
    };
    Ok(row.build(source.place))
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
            head.iter().enumerate().find_map(|(at, line)| Some((at + 1, parse_breadcrumb(line)?)));
        let (start, breadcrumb) = breadcrumb.unwrap_or_default();
        let mut page = Self {
            lines,
            breadcrumb,
            labels: PageLabels::default(),
            title_start: start,
            labels_start: start,
            body_start: start,
        };
        if let Some(labels_start) = page.find_labels(start, timezone) {
            page.labels_start = labels_start;
            page.read_labels(timezone);
        }
        page
    }

    /// The first line of labels. A single label that can be one of the text counts only directly below the title.
    fn find_labels(&self, start: usize, timezone: Tz) -> Option<usize> {
        let head = self.lines.iter().enumerate().take(MAX_HEAD_LINES).skip(start);
        let mut before = 0;
        for (at, line) in head.filter(|(_, line)| !line.is_empty()) {
            match PageLabels::parse(line, timezone) {
                Some(labels) if labels.is_certain() => return Some(at),
                Some(labels) if before == 1 && labels.date().is_some() && !self.names_event(at) => {
                    return Some(at);
                }
                _ if before == 1 && parse_lone_date(line, timezone).is_some() => return Some(at),
                _ => before += 1,
            }
            // After two sentences the text has begun.
            let sentences =
                self.lines[start..at].iter().filter(|line| is_prose(line, line.chars().count())).count();
            if sentences > 2 {
                return None;
            }
        }
        None
    }

    /// Whether the line after a label has a label that no page has, like `地点：`.
    fn names_event(&self, at: usize) -> bool {
        let next = self.lines[at + 1..].iter().find(|line| !line.is_empty());
        next.is_some_and(|line| {
            let label = line.split([':', '：']).next().unwrap_or_default();
            label.len() < line.len()
                && label.chars().count() <= 6
                && PageLabels::parse(line, chrono_tz::UTC).is_none()
        })
    }

    /// Reads the labels, which can span several lines. After a blank line, a single label can be the text's.
    fn read_labels(&mut self, timezone: Tz) {
        let mut is_apart = false;
        self.body_start = self.labels_start;
        for (at, line) in self.lines.iter().enumerate().skip(self.labels_start) {
            let lone = || {
                let bare_date = parse_lone_date(line, timezone)?;
                Some(PageLabels { bare_date: Some(bare_date), ..PageLabels::default() })
            };
            let labels = PageLabels::parse(line, timezone).or_else(lone);
            let belongs = |labels: &PageLabels| labels.is_certain() || !is_apart && !self.names_event(at);
            match labels.filter(|labels| at == self.labels_start || belongs(labels)) {
                Some(labels) => self.labels = std::mem::take(&mut self.labels).merge(labels),
                None if !line.is_empty() => break,
                None => is_apart = true,
            }
            self.body_start = at + 1;
        }
    }

    fn find_date(&self) -> Option<chrono::DateTime<chrono::Utc>> {
        self.labels.date()
    }

    pub(super) fn find_title(&self) -> Option<&'t str> {
        let is_text = |line: &&&str| !line.is_empty();
        let before = self.lines[self.title_start..self.labels_start].iter().rev().find(is_text);
        before.or_else(|| self.lines[self.body_start..].iter().find(is_text)).copied()
    }

    /// The lines after the labels without a repeated title and the site's own text, and how many sentences
    /// before the title and texts after the article are not in it.
    fn extract_body(&self) -> (String, usize) {
        let title = self.find_title().unwrap_or_default();
        let lines = &self.lines[self.body_start..];
        let end = find_end(lines);
        let mut body = String::new();
        let mut is_new_paragraph = false;
        for line in &lines[..end] {
            if line.is_empty() {
                is_new_paragraph = true;
            } else if !(body.is_empty() && *line == title) {
                if !body.is_empty() {
                    body.push_str(if is_new_paragraph { "\n\n" } else { "\n" });
                }
                body.push_str(line);
                is_new_paragraph = false;
            }
        }
        let is_told = |line: &&&str| line.chars().count() >= 10 && !begins_site_text(line);
        let before = self.lines[..self.labels_start].iter().filter(|line| **line != title);
        let before = before.filter(|line| is_prose(line, line.chars().count()));
        (body, lines[end..].iter().filter(is_told).count() + before.count())
    }

    /// Adds the breadcrumb and the labels to `row`.
    fn add_labels_to(&self, row: RowBuilder, title: &str) -> RowBuilder {
        add_breadcrumb(row, self.breadcrumb.clone(), title)
            .with_author(self.labels.author.as_deref().unwrap_or_default())
            .with_source_name(self.labels.source_name.as_deref().unwrap_or_default())
            .with("views", self.labels.views)
    }
}

/// The index of the first line of the site's own text after the last sentence.
fn find_end(lines: &[&str]) -> usize {
    let is_sentence = |line: &&str| is_prose(line, line.chars().count());
    let last = lines.iter().rposition(is_sentence).map_or(0, |last| last + 1);
    let site = lines[last..].iter().position(|line| begins_site_text(line));
    site.map_or(lines.len(), |at| last + at)
}

/// The date of a line that is nothing but a date.
fn parse_lone_date(line: &str, timezone: Tz) -> Option<chrono::DateTime<chrono::Utc>> {
    let found = dates::find_date(line, timezone)?;
    found.rest.trim_matches(is_filler).is_empty().then_some(found.at)
}
