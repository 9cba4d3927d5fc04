//! A feed and its entries, whatever the format.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Entries of a feed.
pub const MAX_ENTRIES: i64 = 30;
/// Bytes of bodies in a feed, but for its last entry.
pub const MAX_BODY_BYTES: i64 = 4 << 20;

/// Which articles a feed is of.
#[derive(Clone, Debug)]
pub enum ArticleSet {
    /// All.
    All,
    /// Those in a category and below it.
    Category(Uuid),
    /// Those with a tag.
    Tag(String),
    /// Those with a byline.
    Author(String),
}

/// A feed.
#[derive(Clone, Debug)]
pub struct Feed {
    /// Its own id, which never changes.
    pub id: Uuid,
    /// What it is of.
    pub title: String,
    /// A line below the title; may be empty.
    pub subtitle: String,
    /// Its own address.
    pub address: String,
    /// The page with the same content.
    pub page: String,
    /// The hub that tells what is new; may be empty.
    pub hub: String,
    /// Its language, as a BCP 47 tag.
    pub language: String,
    /// The name of the site, which stands for an author that is not named.
    pub site: String,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Its entries, the newest first.
    pub entries: Vec<Entry>,
}

/// An entry of a feed.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Never changes.
    pub id: Uuid,
    /// Its title, as plain text.
    pub title: String,
    /// The address of its page.
    pub page: String,
    /// From when it is out.
    pub published_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// The byline; may be empty.
    pub author: String,
    /// Its category and its tags.
    pub terms: Vec<Term>,
    /// A short version of it, as plain text.
    pub summary: String,
    /// Its body with absolute addresses, if the feed has bodies.
    pub html: Option<String>,
    /// The address of its picture.
    pub image: Option<String>,
    /// Its picture as a file, if that is media.
    pub enclosure: Option<Enclosure>,
}

/// A file of an entry.
#[derive(Clone, Debug)]
pub struct Enclosure {
    /// Its address.
    pub address: String,
    /// Its media type.
    pub media_type: &'static str,
}

/// A category or a tag of an entry.
#[derive(Clone, Debug)]
pub struct Term {
    /// For programs.
    pub name: String,
    /// For people.
    pub label: String,
}

impl Feed {
    /// About how many bytes it takes.
    pub fn estimate_bytes(&self) -> usize {
        let bytes =
            |entry: &Entry| 1024 + entry.summary.len() + entry.html.as_ref().map_or(0, String::len) * 5 / 4;
        2048 + self.entries.iter().map(bytes).sum::<usize>()
    }
}

/// An id as a URI (RFC 9562 §4).
pub fn to_urn(id: Uuid) -> String {
    id.urn().to_string()
}
