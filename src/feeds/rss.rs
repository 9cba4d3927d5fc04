//! RSS 2.0, with the namespaces of Atom, content and Dublin Core.

use std::io;

use super::model::{Enclosure, Entry, Feed, to_urn};
use super::names::FeedFormat;
use crate::http::xml::{XmlWriter, keep_xml_chars};

const NAMESPACES: [(&str, &str); 4] = [
    ("version", "2.0"),
    ("xmlns:atom", "http://www.w3.org/2005/Atom"),
    ("xmlns:content", "http://purl.org/rss/1.0/modules/content/"),
    ("xmlns:dc", "http://purl.org/dc/elements/1.1/"),
];

/// Writes a feed.
pub fn write_feed(feed: &Feed) -> io::Result<Vec<u8>> {
    let mut xml = XmlWriter::with_capacity(feed.estimate_bytes())?;
    xml.open("rss", &NAMESPACES)?;
    xml.open("channel", &[])?;
    xml.text("title", &feed.title)?;
    xml.text("link", &feed.page)?;
    // A channel has a description always.
    xml.text("description", if feed.subtitle.is_empty() { &feed.title } else { &feed.subtitle })?;
    xml.text("language", &feed.language)?;
    xml.text("lastBuildDate", &feed.updated_at.to_rfc2822())?;
    xml.text("generator", "Inkstone")?;
    let own = [("rel", "self"), ("type", FeedFormat::Rss.media_type()), ("href", feed.address.as_str())];
    xml.empty("atom:link", &own)?;
    if !feed.hub.is_empty() {
        xml.empty("atom:link", &[("rel", "hub"), ("href", &feed.hub)])?;
    }
    feed.entries.iter().try_for_each(|entry| write_item(&mut xml, entry))?;
    xml.close("channel")?;
    xml.close("rss")?;
    Ok(xml.finish())
}

fn write_item(xml: &mut XmlWriter, entry: &Entry) -> io::Result<()> {
    xml.open("item", &[])?;
    xml.text("title", &entry.title)?;
    xml.text("link", &entry.page)?;
    if let Some(Enclosure { address, media_type }) = &entry.enclosure {
        // How long a picture is is not known before it is made.
        xml.empty("enclosure", &[("url", address), ("length", "0"), ("type", media_type)])?;
    }
    xml.text_with("guid", &[("isPermaLink", "false")], &to_urn(entry.id))?;
    xml.text("pubDate", &entry.published_at.to_rfc2822())?;
    // The author of RSS itself is an e-mail address.
    if !keep_xml_chars(&entry.author).trim().is_empty() {
        xml.text("dc:creator", &entry.author)?;
    }
    for term in &entry.terms {
        xml.text("category", &term.label)?;
    }
    if !entry.summary.is_empty() {
        // What is in a description is read as HTML.
        xml.text("description", &html_escape::encode_text(&entry.summary))?;
    }
    if let Some(html) = &entry.html {
        xml.text("content:encoded", html)?;
    }
    xml.close("item")
}
