//! JSON Feed 1.1 (<https://www.jsonfeed.org/version/1.1/>).

use std::io;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::model::{Entry, Feed, to_urn};

#[derive(Serialize)]
struct JsonFeed<'f> {
    version: &'static str,
    title: &'f str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'f str,
    home_page_url: &'f str,
    feed_url: &'f str,
    language: &'f str,
    authors: [Author<'f>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hubs: Vec<Hub<'f>>,
    items: Vec<Item<'f>>,
}

#[derive(Serialize)]
struct Author<'f> {
    name: &'f str,
}

#[derive(Serialize)]
struct Hub<'f> {
    #[serde(rename = "type")]
    kind: &'static str,
    url: &'f str,
}

#[derive(Serialize)]
struct Attachment<'f> {
    url: &'f str,
    mime_type: &'static str,
}

/// An item has its content as HTML, or as text.
#[derive(Serialize)]
struct Item<'f> {
    id: String,
    url: &'f str,
    title: &'f str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_html: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_text: Option<&'f str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    summary: &'f str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'f str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attachments: Option<[Attachment<'f>; 1]>,
    date_published: DateTime<Utc>,
    date_modified: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authors: Option<[Author<'f>; 1]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<&'f str>,
}

/// Writes a feed.
pub fn write_feed(feed: &Feed) -> io::Result<Vec<u8>> {
    let hub = Some(feed.hub.as_str()).filter(|hub| !hub.is_empty());
    let feed = JsonFeed {
        version: "https://jsonfeed.org/version/1.1",
        title: &feed.title,
        description: &feed.subtitle,
        home_page_url: &feed.page,
        feed_url: &feed.address,
        language: &feed.language,
        authors: [Author { name: &feed.site }],
        hubs: hub.map(|url| Hub { kind: "WebSub", url }).into_iter().collect(),
        items: feed.entries.iter().map(describe_item).collect(),
    };
    Ok(serde_json::to_vec(&feed)?)
}

fn describe_item(entry: &Entry) -> Item<'_> {
    let author = Some(entry.author.as_str()).filter(|author| !author.trim().is_empty());
    Item {
        id: to_urn(entry.id),
        url: &entry.page,
        title: &entry.title,
        content_html: entry.html.as_deref(),
        content_text: entry.html.is_none().then_some(&entry.summary),
        summary: &entry.summary,
        image: entry.image.as_deref(),
        attachments: entry
            .enclosure
            .as_ref()
            .map(|file| [Attachment { url: &file.address, mime_type: file.media_type }]),
        date_published: entry.published_at,
        date_modified: entry.updated_at,
        authors: author.map(|name| [Author { name }]),
        tags: entry.terms.iter().map(|term| term.label.as_str()).collect(),
    }
}
