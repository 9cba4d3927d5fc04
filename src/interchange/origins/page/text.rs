//! The text of a page, in lines, and what they say about its article.

use super::facts::{self, Facts};
use crate::interchange::origins::row::{Found, Row, words};
use crate::interchange::text_filters;

/// Largest page, in bytes.
pub(super) const LARGEST: usize = 8 << 20;
/// How many lines there may be before the article begins.
const HEAD: usize = 300;

/// Reads an article out of the text of a page; `external_id` is what it shall be known as.
///
/// The title is the line before that with the labels. The body's paragraphs are
/// the lines after it, up to where the page itself goes on (`分享到`, `公告`, `会员登录`).
///
/// # Errors
///
/// The text is larger than 8 MiB, or empty.
pub fn read_text(text: &str, external_id: &str) -> Found {
    check_size(text)?;
    let page = Page::new(text);
    let title = page.title().ok_or("The page has no text.")?;
    let row = Row::new(external_id).with("title", Some(words(title)));
    Ok(page.add_to(row, title).with_body(page.body(), "text").done())
}

pub(super) fn check_size(page: &str) -> Result<(), String> {
    if page.len() > LARGEST { Err("The page is larger than 8 MiB.".into()) } else { Ok(()) }
}

/// The lines of a page, and what they say about its article.
pub(super) struct Page<'t> {
    lines: Vec<&'t str>,
    /// The steps of its breadcrumb.
    steps: Vec<String>,
    facts: Facts,
    /// The first line after the breadcrumb, that of the first label, and the first after the labels.
    top: usize,
    labels: usize,
    rest: usize,
}

impl<'t> Page<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let head = &lines[..lines.len().min(HEAD)];
        let crumb = head.iter().enumerate().find_map(|(at, line)| Some((at + 1, facts::breadcrumb(line)?)));
        let (top, steps) = crumb.unwrap_or_default();
        let labels = (top..head.len()).find(|at| Facts::read(lines[*at]).is_some());
        let mut page = Self { lines, steps, facts: Facts::default(), top, labels: top, rest: top };
        if let Some(labels) = labels {
            page.labels = labels;
            page.read_labels();
        }
        page
    }

    /// Reads the labels, which may go on over several lines.
    fn read_labels(&mut self) {
        self.rest = self.labels;
        for line in &self.lines[self.labels..] {
            match Facts::read(line) {
                Some(facts) => self.facts = std::mem::take(&mut self.facts).or(facts),
                None if !line.is_empty() => break,
                None => {}
            }
            self.rest += 1;
        }
    }

    pub(super) fn title(&self) -> Option<&'t str> {
        let is_text = |line: &&&str| !line.is_empty();
        let before = self.lines[self.top..self.labels].iter().rev().find(is_text);
        before.or_else(|| self.lines[self.rest..].iter().find(is_text)).copied()
    }

    /// Whether a label says who wrote it, or that nobody says.
    pub(super) fn has_author(&self) -> bool {
        self.facts.author.is_some()
    }

    /// What comes after the title and the labels, and before what is the page's own.
    pub(super) fn body(&self) -> String {
        let title = self.title().unwrap_or_default();
        let mut body = String::new();
        let mut is_parted = false;
        for line in &self.lines[self.rest..] {
            if line.is_empty() {
                is_parted = true;
            } else if facts::is_end(line) {
                break;
            } else if !(body.is_empty() && *line == title) {
                if !body.is_empty() {
                    body.push_str(if is_parted { "\n\n" } else { "\n" });
                }
                body.push_str(line);
                is_parted = false;
            }
        }
        body
    }

    /// Adds what the page says in words. The breadcrumb's last step may be the article itself.
    pub(super) fn add_to(&self, row: Row, title: &str) -> Row {
        let mut steps: Vec<&String> = self.steps.iter().collect();
        let title = text_filters::without_glosses(title, &mut 0);
        steps.pop_if(|last| {
            let stem = last.trim_end_matches(['.', '…']);
            matches!(stem, "正文" | "内容" | "")
                || **last == *title
                || (stem.len() < last.len() && title.starts_with(stem))
        });
        let category = steps.iter().map(|name| serde_json::json!({ "name": name })).collect();
        row.with_list("category", category)
            .with("author", self.facts.author.as_deref())
            .with("source_name", self.facts.source_name.as_deref())
            .with("views", self.facts.views)
            .with_moment("published_at", self.facts.published_at)
    }
}
