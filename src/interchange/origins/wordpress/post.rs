//! What is known of a WordPress post, as a row.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Value, json};

use super::wxr::{Field, Record};
use crate::interchange::origins::dates;
use crate::interchange::origins::row::{Found, Row, slug, summary, tags, web_url};
use crate::interchange::text_filters;

/// Deepest that categories are nested.
const DEEPEST: usize = 32;

/// What an export says before its first item.
#[derive(Default)]
pub struct Head {
    /// Display names by login.
    authors: HashMap<String, String>,
    /// Categories by the name they have in addresses.
    categories: HashMap<String, Category>,
}

struct Category {
    name: String,
    parent: String,
}

impl Head {
    /// Adds an author or a category.
    pub fn add(&mut self, record: &Record) {
        match record.name.as_str() {
            "wp:author" => {
                let name = text_filters::plain(record.text("wp:author_display_name"));
                self.authors.insert(record.text("wp:author_login").to_owned(), name);
            }
            "wp:category" => {
                let name = text_filters::plain(record.text("wp:cat_name"));
                let parent = record.text("wp:category_parent").to_owned();
                self.categories
                    .insert(record.text("wp:category_nicename").to_owned(), Category { name, parent });
            }
            _ => {}
        }
    }

    fn author<'a>(&'a self, login: &'a str) -> &'a str {
        self.authors.get(login).filter(|name| !name.is_empty()).map_or(login, String::as_str)
    }

    /// A category and those above it, root first.
    fn path<'a>(&'a self, field: &'a Field) -> Vec<Step<'a>> {
        let named = Cow::Owned(text_filters::plain(&field.text));
        let mut path = vec![Step { nicename: &field.nicename, name: named }];
        let mut at = self.categories.get(&field.nicename);
        while let Some(parent) = at.map(|category| category.parent.as_str())
            && !parent.is_empty()
            && path.len() < DEEPEST
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
    fn value(&self) -> Value {
        match slug(self.nicename) {
            Some(slug) => json!({ "name": self.name, "slug": slug }),
            None => json!({ "name": self.name }),
        }
    }
}

/// The row for an item; none if it is no post, or one in the trash.
pub fn found(item: &Record, head: &Head) -> Option<Found> {
    let kind = item.text("wp:post_type");
    let status = item.text("wp:status");
    if !matches!(kind, "" | "post") || matches!(status, "trash" | "inherit") {
        return None;
    }
    let id = item.text("wp:post_id");
    if let Some(fault) = &item.fault {
        return Some(Err(format!("Post {id:?} cannot be read: {fault}")));
    }
    if id.is_empty() || id.len() > 20 || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Err("An item has no wp:post_id.".to_owned()));
    }
    Some(Ok(row(item, id, status, head).done()))
}

fn row(item: &Record, id: &str, status: &str, head: &Head) -> Row {
    let is_open = item.text("wp:post_password").is_empty();
    let is_published = is_open && matches!(status, "publish" | "future");
    let at = dates::read_utc(item.text("wp:post_date_gmt"))
        .or_else(|| dates::read(item.text("pubDate")))
        .or_else(|| dates::read(item.text("wp:post_date")));
    let (category, tags) = terms(item, head);
    Row::new(format!("wordpress:{id}"))
        .with("title", Some(text_filters::plain(item.text("title"))))
        .with("slug", slug(item.text("wp:post_name")))
        .with("summary", Some(summary(&text_filters::plain(item.text("excerpt:encoded")))))
        .with_body(body(item.text("content:encoded")), "html")
        .with_list("category", category)
        .with_list("tags", tags)
        .with("author", Some(head.author(item.text("dc:creator"))))
        .with("source_url", web_url(item.text("link")))
        .with("status", Some(if is_published { "published" } else { "draft" }))
        .with_moment("published_at", at.filter(|_| is_published))
        .with_moment("created_at", at)
}

/// The steps to the deepest of a post's categories, and its tags with what other categories it has.
fn terms(item: &Record, head: &Head) -> (Vec<Value>, Vec<Value>) {
    let fields = || item.fields.iter().filter(|field| field.name == "category");
    let categories = || fields().filter(|field| field.domain == "category");
    // Of equally deep ones the first: `max_by_key` would take the last.
    let path = categories()
        .map(|field| head.path(field))
        .reduce(|deepest, path| if path.len() > deepest.len() { path } else { deepest });
    let path = path.unwrap_or_default();
    let is_step = |field: &Field| path.iter().any(|step| step.nicename == field.nicename);
    let others = categories().filter(|field| !is_step(field));
    let names = fields().filter(|field| field.domain == "post_tag").chain(others);
    let tags = tags(names.map(|field| text_filters::plain(&field.text)));
    (path.iter().map(Step::value).collect(), tags)
}

/// A body as HTML. The classic editor leaves paragraphs to blank lines and
/// breaks to single ones; what has paragraphs or blocks of its own stays.
fn body(content: &str) -> Cow<'_, str> {
    if content.contains("<p") || content.contains("<!-- wp:") {
        return Cow::Borrowed(content);
    }
    let content = content.replace("\r\n", "\n").replace('\r', "\n");
    let mut html = String::with_capacity(content.len() + content.len() / 8);
    let mut paragraph: Vec<&str> = Vec::new();
    for line in content.lines().chain([""]) {
        if !line.trim().is_empty() {
            paragraph.push(line.trim());
        } else if paragraph.first().is_some_and(|line| is_block(line)) {
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

/// Whether a line begins with an element that cannot be in a paragraph.
fn is_block(line: &str) -> bool {
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
