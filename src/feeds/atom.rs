//! Atom (RFC 4287).

use std::io;

use chrono::{DateTime, SecondsFormat, Utc};

use super::model::{Enclosure, Entry, Feed, to_urn};
use super::names::FeedFormat;
use crate::http::xml::{XmlWriter, keep_xml_chars};

/// Writes a feed.
pub fn write_feed(feed: &Feed) -> io::Result<Vec<u8>> {
    let mut xml = XmlWriter::with_capacity(feed.estimate_bytes())?;
    let language = ("xml:lang", feed.language.as_str());
    xml.open("feed", &[("xmlns", "http://www.w3.org/2005/Atom"), language])?;
    xml.text("id", &to_urn(feed.id))?;
    xml.text("title", &feed.title)?;
    if !feed.subtitle.is_empty() {
        xml.text("subtitle", &feed.subtitle)?;
    }
    xml.text("updated", &format_time(feed.updated_at))?;
    // Stands for the author of each entry that names none (§4.2.1).
    write_author(&mut xml, &feed.site)?;
    xml.empty("link", &[("rel", "self"), ("type", FeedFormat::Atom.media_type()), ("href", &feed.address)])?;
    xml.empty("link", &[("rel", "alternate"), ("type", "text/html"), ("href", &feed.page)])?;
    if !feed.hub.is_empty() {
        xml.empty("link", &[("rel", "hub"), ("href", &feed.hub)])?;
    }
    xml.text("generator", "Inkstone")?;
    feed.entries.iter().try_for_each(|entry| write_entry(&mut xml, entry))?;
    xml.close("feed")?;
    Ok(xml.finish())
}

fn write_entry(xml: &mut XmlWriter, entry: &Entry) -> io::Result<()> {
    xml.open("entry", &[])?;
    xml.text("id", &to_urn(entry.id))?;
    xml.text("title", &entry.title)?;
    xml.empty("link", &[("rel", "alternate"), ("type", "text/html"), ("href", &entry.page)])?;
    if let Some(Enclosure { address, media_type }) = &entry.enclosure {
        xml.empty("link", &[("rel", "enclosure"), ("type", media_type), ("href", address)])?;
    }
    xml.text("published", &format_time(entry.published_at))?;
    xml.text("updated", &format_time(entry.updated_at))?;
    if !keep_xml_chars(&entry.author).trim().is_empty() {
        write_author(xml, &entry.author)?;
    }
    for term in &entry.terms {
        xml.empty("category", &[("term", &term.name), ("label", &term.label)])?;
    }
    if !entry.summary.is_empty() {
        xml.text("summary", &entry.summary)?;
    }
    if let Some(html) = &entry.html {
        xml.text_with("content", &[("type", "html")], html)?;
    }
    xml.close("entry")
}

fn write_author(xml: &mut XmlWriter, name: &str) -> io::Result<()> {
    xml.open("author", &[])?;
    xml.text("name", name)?;
    xml.close("author")
}

fn format_time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
