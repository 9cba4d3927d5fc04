//! Pages as HTML: the main text is found by `dom_smoothie`, a port of Mozilla's Readability.

use chrono::{DateTime, Utc};
use dom_smoothie::{Config, Readability};
use serde_json::Value;

use super::facts;
use super::text::{Page, check_size};
use crate::interchange::origins::dates;
use crate::interchange::origins::row::{Found, Row, web_url, words};
use crate::interchange::text_filters;
use crate::markup::{Stripped, bounds, strip_raw_elements};

/// Longest text of an element that is more than running text, in bytes.
const LINE: usize = 500;
/// Most elements of a page.
const MOST_ELEMENTS: usize = 50_000;

/// Reads an article out of a page; `external_id` is what it shall be known as.
///
/// The body is HTML, not sanitised; where no main text can be made out it is
/// what [`read_text`](super::text::read_text) makes of the page's text.
///
/// # Errors
///
/// The page is larger than 8 MiB, has no text, or is beyond the [`bounds`] of what a parser bears.
pub fn read_html(html: &str, external_id: &str) -> Found {
    check_size(html)?;
    bounds::check(html, MOST_ELEMENTS).map_err(|beyond| format!("The page {beyond}."))?;
    let bare = strip_raw_elements(html);
    let text = text_filters::lines(&bare.html);
    let page = Page::new(&text);
    let mut site = Site::new(&bare);
    let title = site.title().or_else(|| page.title().map(words)).ok_or("The page has no text.")?;
    let row = page.add_to(Row::new(external_id).with("title", Some(title.as_str())), &title);
    let row = row.with("source_url", site.canonical()).with_moment("published_at", site.published_at());
    let row = if page.has_author() { row } else { row.with("author", site.meta("author")) };
    let row = match site.body(&title) {
        Some(body) => row.with_body(body, "html"),
        None => row.with_body(page.body(), "text"),
    };
    Ok(row.done())
}

/// What a page says in its markup.
struct Site<'b> {
    readability: Readability,
    linked_data: &'b [String],
}

impl<'b> Site<'b> {
    fn new(bare: &'b Stripped) -> Self {
        let mut readability = Readability::from(bare.html.as_str());
        readability.config =
            Config { disable_json_ld: true, max_elements_to_parse: 200_000, ..Config::default() };
        Self { readability, linked_data: &bare.linked_data }
    }

    fn meta(&self, name: &str) -> Option<String> {
        let selector = format!("meta[name='{name}'], meta[property='{name}']");
        let content = self.readability.doc.select(&selector).attr("content")?;
        Some(words(&content)).filter(|content| !content.is_empty())
    }

    fn canonical(&self) -> Option<String> {
        let link =
            self.readability.doc.select("link[rel='canonical']").attr("href").map(|link| link.to_string());
        let link = link.or_else(|| self.meta("og:url"))?;
        web_url(&link).map(str::to_owned)
    }

    /// The heading that the page's title repeats, or its only main heading, or its title up to
    /// the name of the site.
    fn title(&self) -> Option<String> {
        let doc = &self.readability.doc;
        let whole = words(&doc.select_single("title").text());
        let texts = |selector| {
            let nodes = doc.select(selector);
            let texts = nodes.nodes().iter().take(100).map(|node| words(&node.text()));
            texts.filter(|text| !text.is_empty() && text.len() <= LINE).collect::<Vec<_>>()
        };
        let repeated =
            texts("h1, h2, h3").into_iter().filter(|text| text.chars().count() >= 4 && whole.contains(text));
        let mut main = texts("h1");
        let only = main.pop().filter(|_| main.is_empty());
        let stem = whole.split(['_', '|', '｜']).next().and_then(|title| title.split(" - ").next());
        let stem = stem.map(words).filter(|stem| !stem.is_empty());
        repeated.max_by_key(String::len).or(only).or_else(|| self.meta("og:title")).or(stem)
    }

    fn published_at(&self) -> Option<DateTime<Utc>> {
        let meta = self.meta("article:published_time").and_then(|text| dates::read(&text));
        let linked = || {
            let all = self.linked_data.iter().filter_map(|data| serde_json::from_str::<Value>(data).ok());
            all.filter_map(|data| published(&data)).next()
        };
        let time = || dates::read(&self.readability.doc.select("time[datetime]").attr("datetime")?);
        meta.or_else(linked).or_else(time)
    }

    /// The main text, without what the row has elsewhere and what is the page's own.
    fn body(&mut self, title: &str) -> Option<String> {
        let article = self.readability.parse().ok()?;
        if article.text_content.trim().is_empty() {
            return None;
        }
        let root = self.readability.doc.select("#readability-page-1");
        for node in root.select("h1, h2, h3, p, div, ul, span, td").nodes() {
            let blocks = ["div", "h1", "h2", "h3", "p", "table", "ul"];
            let holds_blocks =
                node.children_it(false).any(|child| blocks.iter().any(|name| child.has_name(name)));
            if !holds_blocks && is_known(&node.text(), title) {
                node.remove_from_parent();
            }
        }
        Some(root.inner_html().trim().to_owned()).filter(|body| !body.is_empty())
    }
}

/// Whether a text is the title, a breadcrumb, a line of labels, or the page's own.
fn is_known(text: &str, title: &str) -> bool {
    let line = text.trim();
    line.len() <= LINE
        && (words(line) == title
            || facts::is_end(line)
            || facts::breadcrumb(line).is_some()
            || facts::Facts::read(line).is_some())
}

/// When the article was published that a page's JSON-LD describes.
fn published(data: &Value) -> Option<DateTime<Utc>> {
    let own = data.get("datePublished").and_then(Value::as_str).and_then(dates::read);
    let items = data.as_array().or_else(|| data.get("@graph")?.as_array());
    own.or_else(|| items?.iter().find_map(|item| dates::read(item.get("datePublished")?.as_str()?)))
}
