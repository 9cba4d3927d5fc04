//! A page as HTML. `dom_smoothie`, a port of Mozilla's Readability, finds the main text.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use dom_smoothie::{Config, Readability};
use serde_json::Value;

use super::labels;
use super::text::{PageText, check_size};
use crate::interchange::html_text;
use crate::interchange::origins::dates;
use crate::interchange::origins::row_builder::{RowBuilder, RowResult, accept_web_url, fold_whitespace};
use crate::markup::{Stripped, bounds, strip_raw_elements};

/// Longest element text that can be metadata, in bytes. Longer text is content.
const MAX_LINE_BYTES: usize = 500;
/// Most elements of a page that is parsed.
const MAX_ELEMENTS: usize = 50_000;

/// Reads an article from a page. The article gets the given external id.
///
/// The body is unsanitised HTML. If no main text is found, the body is plain text, as
/// [`read_text`](super::text::read_text) returns it.
///
/// # Errors
///
/// The page is larger than 8 MiB, has no text, or exceeds the parser's [`bounds`].
pub fn read_html(html: &str, external_id: &str, timezone: Tz) -> RowResult {
    check_size(html)?;
    let check = |html| bounds::check(html, MAX_ELEMENTS).map_err(|beyond| format!("The page {beyond}."));
    check(html)?;
    let stripped = strip_raw_elements(html);
    // More tags are found in it: those after a frame that was not closed.
    check(&stripped.html)?;
    let text = html_text::html_to_lines(&stripped.html);
    let page = PageText::new(&text, timezone);
    let mut markup = PageMarkup::new(&stripped, timezone);
    let title = markup
        .find_title()
        .or_else(|| page.find_title().map(fold_whitespace))
        .ok_or("The page has no text.")?;
    let row = page.add_labels_to(RowBuilder::new(external_id).with("title", Some(title.as_str())), &title);
    let row = row
        .with("source_url", markup.find_canonical_url())
        .with_time("published_at", markup.find_published_at());
    let row = if page.has_author() { row } else { row.with("author", markup.find_meta("author")) };
    let row = match markup.extract_body(&title) {
        Some(body) => row.with_body(body, "html"),
        None => row.with_body(page.extract_body(), "text"),
    };
    Ok(row.build(external_id))
}

/// The parsed markup of a page.
struct PageMarkup<'b> {
    readability: Readability,
    linked_data: &'b [String],
    timezone: Tz,
}

impl<'b> PageMarkup<'b> {
    fn new(stripped: &'b Stripped, timezone: Tz) -> Self {
        let mut readability = Readability::from(stripped.html.as_str());
        readability.config =
            Config { disable_json_ld: true, max_elements_to_parse: 200_000, ..Config::default() };
        Self { readability, linked_data: &stripped.linked_data, timezone }
    }

    fn find_meta(&self, name: &str) -> Option<String> {
        let selector = format!("meta[name='{name}'], meta[property='{name}']");
        let content = self.readability.doc.select(&selector).attr("content")?;
        Some(fold_whitespace(&content)).filter(|content| !content.is_empty())
    }

    fn find_canonical_url(&self) -> Option<String> {
        let link =
            self.readability.doc.select("link[rel='canonical']").attr("href").map(|link| link.to_string());
        let link = link.or_else(|| self.find_meta("og:url"))?;
        accept_web_url(&link).map(str::to_owned)
    }

    /// The heading that is part of `<title>`; or else the only `h1`; or else `og:title`; or else
    /// `<title>` without the site's name.
    fn find_title(&self) -> Option<String> {
        let doc = &self.readability.doc;
        let whole = fold_whitespace(&doc.select_single("title").text());
        let texts = |selector| {
            let nodes = doc.select(selector);
            let texts = nodes.nodes().iter().take(100).map(|node| fold_whitespace(&node.text()));
            texts.filter(|text| !text.is_empty() && text.len() <= MAX_LINE_BYTES).collect::<Vec<_>>()
        };
        let repeated =
            texts("h1, h2, h3").into_iter().filter(|text| text.chars().count() >= 4 && whole.contains(text));
        let mut main = texts("h1");
        let only = main.pop().filter(|_| main.is_empty());
        let stem = whole.split(['_', '|', '｜']).next().and_then(|title| title.split(" - ").next());
        let stem = stem.map(fold_whitespace).filter(|stem| !stem.is_empty());
        repeated.max_by_key(String::len).or(only).or_else(|| self.find_meta("og:title")).or(stem)
    }

    fn find_published_at(&self) -> Option<DateTime<Utc>> {
        let meta =
            self.find_meta("article:published_time").and_then(|text| dates::parse_date(&text, self.timezone));
        let linked = || {
            let all = self.linked_data.iter().filter_map(|data| serde_json::from_str::<Value>(data).ok());
            all.filter_map(|data| find_date_published(&data, self.timezone)).next()
        };
        let time = || {
            let text = self.readability.doc.select("time[datetime]").attr("datetime")?;
            dates::parse_date(&text, self.timezone)
        };
        meta.or_else(linked).or_else(time)
    }

    /// The main text, without repeated metadata and the site's own text.
    fn extract_body(&mut self, title: &str) -> Option<String> {
        let article = self.readability.parse().ok()?;
        if article.text_content.trim().is_empty() {
            return None;
        }
        let root = self.readability.doc.select("#readability-page-1");
        for node in root.select("h1, h2, h3, p, div, ul, span, td").nodes() {
            let blocks = ["div", "h1", "h2", "h3", "p", "table", "ul"];
            let holds_blocks =
                node.children_it(false).any(|child| blocks.iter().any(|name| child.has_name(name)));
            if !holds_blocks && repeats_metadata(&node.text(), title, self.timezone) {
                node.remove_from_parent();
            }
        }
        Some(root.inner_html().trim().to_owned()).filter(|body| !body.is_empty())
    }
}

/// Whether `text` is the title, a breadcrumb, a line of labels, or the site's own text.
fn repeats_metadata(text: &str, title: &str, timezone: Tz) -> bool {
    let line = text.trim();
    line.len() <= MAX_LINE_BYTES
        && (fold_whitespace(line) == title
            || labels::ends_article(line)
            || labels::parse_breadcrumb(line).is_some()
            || labels::PageLabels::parse(line, timezone).is_some())
}

/// The `datePublished` of JSON-LD, at the top level or in `@graph`.
fn find_date_published(data: &Value, timezone: Tz) -> Option<DateTime<Utc>> {
    let own = data.get("datePublished").and_then(Value::as_str);
    let own = own.and_then(|text| dates::parse_date(text, timezone));
    let items = data.as_array().or_else(|| data.get("@graph")?.as_array());
    own.or_else(|| {
        let texts = items?.iter().filter_map(|item| item.get("datePublished")?.as_str());
        texts.filter_map(|text| dates::parse_date(text, timezone)).next()
    })
}
