//! Converts WordPress posts to rows.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Value, json};

use super::wxr::{Field, Record};
use crate::interchange::html_text;
use crate::interchange::origins::dates;
use crate::interchange::origins::found::{Found, FoundRow};
use crate::interchange::origins::reader_options::ReaderOptions;
use crate::interchange::origins::row_builder::{RowBuilder, accept_slug, accept_web_url, make_summary};

/// Most steps of a category's path. Bounds damaged exports.
const MAX_CATEGORY_DEPTH: usize = 32;

/// Authors and categories. An export lists them before its items.
#[derive(Default)]
pub struct SiteTerms {
    /// Display names by login.
    authors: HashMap<String, String>,
    /// Categories by their nicename (WordPress' word for a slug).
    categories: HashMap<String, Category>,
}

struct Category {
    name: String,
    parent: String,
}

impl SiteTerms {
    /// Adds an author or a category.
    pub fn add_record(&mut self, record: &Record) {
        match record.name.as_str() {
            "wp:author" => {
                let name = html_text::html_to_text(record.text("wp:author_display_name"));
                self.authors.insert(record.text("wp:author_login").to_owned(), name);
            }
            "wp:category" => {
                let name = html_text::html_to_text(record.text("wp:cat_name"));
                let parent = record.text("wp:category_parent").to_owned();
                self.categories
                    .insert(record.text("wp:category_nicename").to_owned(), Category { name, parent });
            }
            _ => {}
        }
    }

    fn find_author<'a>(&'a self, login: &'a str) -> &'a str {
        self.authors.get(login).filter(|name| !name.is_empty()).map_or(login, String::as_str)
    }

    /// The path to a category, root first.
    fn build_path<'a>(&'a self, field: &'a Field) -> Vec<Step<'a>> {
        let name = Cow::Owned(html_text::html_to_text(&field.text));
        let mut path = vec![Step { nicename: &field.nicename, name }];
        let mut at = self.categories.get(&field.nicename);
        while let Some(parent) = at.map(|category| category.parent.as_str())
            && !parent.is_empty()
            && path.len() < MAX_CATEGORY_DEPTH
            && path.iter().all(|step| step.nicename != parent)
        {
            at = self.categories.get(parent);
            let name = at.map_or(parent, |category| category.name.as_str());
            path.push(Step { nicename: parent, name: Cow::Borrowed(name) });
        }
        path.reverse();
        path
    }
}

struct Step<'a> {
    nicename: &'a str,
    name: Cow<'a, str>,
}

impl Step<'_> {
    fn to_json(&self) -> Value {
        match accept_slug(self.nicename) {
            Some(slug) => json!({ "name": self.name, "slug": slug }),
            None => json!({ "name": self.name }),
        }
    }
}

/// Converts an item to a row, if it is a post that is not in the trash.
pub fn convert_item(item: &Record, terms: &SiteTerms, options: &ReaderOptions) -> Found {
    let kind = item.text("wp:post_type");
    let status = item.text("wp:status");
    if !matches!(kind, "" | "post") || matches!(status, "trash" | "inherit") {
        let kind = if kind.is_empty() { "item" } else { kind };
        return Found::PassedOver { kind: kind.to_owned() };
    }
    let id = item.text("wp:post_id");
    let place = format!("post {id} {:?}", item.text("title"));
    if let Some(fault) = &item.fault {
        return Found::Unreadable { place, reason: format!("Post {id:?} cannot be read: {fault}") };
    }
    if id.is_empty() || id.len() > 20 || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Found::Unreadable { place, reason: "An item has no valid wp:post_id.".to_owned() };
    }
    Found::Row(build_row(item, id, status, terms, options, place))
}

fn build_row(
    item: &Record,
    id: &str,
    status: &str,
    terms: &SiteTerms,
    options: &ReaderOptions,
    place: String,
) -> FoundRow {
    let is_open = item.text("wp:post_password").is_empty();
    let is_published = is_open && matches!(status, "publish" | "future");
    let parse_date = |name| dates::parse_date(item.text(name), options.timezone);
    let at = dates::parse_utc(item.text("wp:post_date_gmt"))
        .or_else(|| parse_date("pubDate"))
        .or_else(|| parse_date("wp:post_date"));
    let (category, tags) = split_terms(item, terms);
    RowBuilder::new(format!("wordpress:{id}"))
        .with("title", Some(html_text::html_to_text(item.text("title"))))
        .with("slug", accept_slug(item.text("wp:post_name")))
        .with("summary", Some(make_summary(&html_text::html_to_text(item.text("excerpt:encoded")))))
        .with_body(format_body(item.text("content:encoded")), "html")
        .with_list("category", category)
        .with_tags(tags)
        .with("author", Some(terms.find_author(item.text("dc:creator"))))
        .with("source_url", accept_web_url(item.text("link")))
        .with("status", Some(if is_published { "published" } else { "draft" }))
        .with_time("published_at", at.filter(|_| is_published))
        .with_time("created_at", at)
        .build(place)
}

/// The path to the post's deepest category; its tags, to which its other categories are added.
fn split_terms(item: &Record, terms: &SiteTerms) -> (Vec<Value>, Vec<String>) {
    let fields = || item.fields.iter().filter(|field| field.name == "category");
    let categories = || fields().filter(|field| field.domain == "category");
    // The first of equally deep ones; `max_by_key` would return the last.
    let path = categories()
        .map(|field| terms.build_path(field))
        .reduce(|deepest, path| if path.len() > deepest.len() { path } else { deepest });
    let path = path.unwrap_or_default();
    let is_step = |field: &Field| path.iter().any(|step| step.nicename == field.nicename);
    let others = categories().filter(|field| !is_step(field));
    let names = fields().filter(|field| field.domain == "post_tag").chain(others);
    let tags = names.map(|field| html_text::html_to_text(&field.text)).collect();
    (path.iter().map(Step::to_json).collect(), tags)
}

/// Makes HTML paragraphs of the classic editor's text: a blank line ends a paragraph, a single
/// newline is a `<br>`. Content with paragraphs or blocks is returned unchanged.
fn format_body(content: &str) -> Cow<'_, str> {
    if content.contains("<p") || content.contains("<!-- wp:") {
        return Cow::Borrowed(content);
    }
    let content = content.replace("\r\n", "\n").replace('\r', "\n");
    let mut html = String::with_capacity(content.len() + content.len() / 8);
    let mut paragraph: Vec<&str> = Vec::new();
    for line in content.lines().chain([""]) {
        if !line.trim().is_empty() {
            paragraph.push(line.trim());
        } else if paragraph.first().is_some_and(|line| starts_with_block(line)) {
            html.push_str(&paragraph.join("\n"));
            html.push('\n');
            paragraph.clear();
        } else if !paragraph.is_empty() {
            html.push_str(&format!("<p>{}</p>\n", paragraph.join("<br>\n")));
            paragraph.clear();
        }
    }
    Cow::Owned(html)
}

/// Whether a line begins with an element that cannot be inside a paragraph.
fn starts_with_block(line: &str) -> bool {
    const BLOCKS: [&str; 20] = [
        "blockquote",
        "div",
        "dl",
        "figure",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "iframe",
        "ol",
        "pre",
        "script",
        "section",
        "table",
        "ul",
        "video",
    ];
    let Some(tag) = line.strip_prefix('<') else {
        return false;
    };
    let tag = tag.trim_start_matches('/');
    let name = tag.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    BLOCKS.iter().any(|block| name.eq_ignore_ascii_case(block))
}
