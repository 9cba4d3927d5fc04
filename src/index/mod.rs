//! The search engine: documents in a folder, found by their words. It knows no feature, no HTTP and no database.
//!
//! A text is folded ([`fold`]) and cut into units ([`tokens`]); Han, kana and hangul are found by each pair of
//! neighbours, so that no dictionary decides what a word is. A [`Query`] is what somebody typed. [`Index::search`]
//! answers it. Nothing of a text is stored: callers load what they show by its id.

pub mod completions;
pub mod fold;
pub mod highlight;
pub mod likeness;
pub mod live;
pub mod query;
pub mod tokens;

mod docs;
mod folder;
mod matching;
mod merging;
mod plan;
mod ranking;
mod related;
mod schema;
mod searcher;
mod segment;
mod spelling;
mod store;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::HashSet;
use std::fmt;

use uuid::Uuid;

pub use highlight::{cut_snippets, highlight, mark};
pub use query::{Query, QueryFault};
pub use store::Index;
pub use writer::IndexWriter;

/// A part of a document that words are searched in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// The title.
    Title,
    /// The summary.
    Summary,
    /// The blocks of the body.
    Body,
    /// The tags.
    Tags,
    /// The author's name.
    Author,
    /// The name of the source.
    Source,
}

impl Field {
    /// All fields.
    pub const ALL: [Self; 6] =
        [Self::Title, Self::Tags, Self::Author, Self::Source, Self::Summary, Self::Body];
}

/// A document of the index.
#[derive(Clone, Debug)]
pub struct Document {
    /// The id; a document replaces the one with the same id.
    pub id: Uuid,
    /// The title.
    pub title: String,
    /// The summary.
    pub summary: String,
    /// Blocks of plain text. No phrase crosses from one to the next.
    pub body: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// The author's name.
    pub author: String,
    /// The name of the source.
    pub source: String,
    /// Exact words to filter and count by, as `kind:article`; opaque to the index.
    pub labels: Vec<String>,
    /// When the document becomes visible, in microseconds since 1970. `i64::MAX` for never.
    pub begins_at: i64,
    /// When the document stops being visible. `i64::MAX` for never.
    pub ends_at: i64,
    /// When the document was last changed.
    pub updated_at: i64,
    /// When the document was created.
    pub created_at: i64,
    /// Views when the document was indexed.
    pub popularity: u64,
    /// Opaque words that [`Index::complete`] finds by their beginnings.
    pub completions: Vec<String>,
    /// Opaque numbers that [`Index::find_alike`] finds by equality.
    pub likeness: Vec<u64>,
}

/// A condition on documents.
#[derive(Clone, Debug)]
pub enum Filter {
    /// Every document.
    Everything,
    /// Documents with this label.
    Label(String),
    /// Documents with one of these labels; none if there are none.
    AnyOf(Vec<String>),
    /// Documents with a smaller `begins_at`.
    BeginsBefore(i64),
    /// Documents with this `begins_at` or a greater one.
    BeginsFrom(i64),
    /// Documents with a greater `ends_at`.
    EndsAfter(i64),
    /// Documents that meet all of these.
    All(Vec<Filter>),
    /// Documents that meet one of these.
    Any(Vec<Filter>),
    /// Documents that do not meet this.
    Not(Box<Filter>),
}

impl Filter {
    /// The filters that a document must pass, all of them, to pass this one.
    fn list_conditions(&self) -> Vec<&Self> {
        match self {
            Self::All(filters) => filters.iter().flat_map(Self::list_conditions).collect(),
            one => vec![one],
        }
    }

    /// Whether it asks for a time alone.
    const fn is_of_time(&self) -> bool {
        matches!(self, Self::BeginsBefore(_) | Self::BeginsFrom(_) | Self::EndsAfter(_))
    }
}

/// The order of hits. Equal ones are ordered by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Best first.
    Relevance,
    /// By `begins_at`.
    BeginsAt {
        /// Whether the latest is first.
        descending: bool,
    },
    /// By `updated_at`.
    UpdatedAt {
        /// Whether the latest is first.
        descending: bool,
    },
    /// By `created_at`.
    CreatedAt {
        /// Whether the latest is first.
        descending: bool,
    },
}

/// What is searched for, and how it is answered.
#[derive(Clone, Copy, Debug)]
pub struct Search<'s> {
    /// The words. `None` finds everything that passes the filter.
    pub query: Option<&'s Query>,
    /// The condition on documents.
    pub filter: &'s Filter,
    /// Documents that are left out of hits, totals and counts.
    pub without: &'s HashSet<Uuid>,
    /// The order of the hits.
    pub order: Order,
    /// For orders by time: only what comes after this time and id in the order.
    pub after: Option<(i64, Uuid)>,
    /// The number of hits wanted.
    pub top: usize,
    /// Whether the exact total is wanted. The total does not depend on `after`.
    pub count: bool,
    /// Beginnings of the labels that are counted over all hits, as `category:`.
    pub count_labels: &'s [&'s str],
    /// The present, in microseconds since 1970.
    pub now: i64,
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct Hits {
    /// The first hits in the order.
    pub hits: Vec<Hit>,
    /// The number of all hits, if it was wanted.
    pub total: Option<u64>,
    /// Labels and how many hits have them, most first.
    pub labels: Vec<(String, u64)>,
}

/// A document that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The document's id.
    pub id: Uuid,
    /// How well it fits; only the order of scores of one search means anything.
    pub score: f32,
    /// The time that the order is by; `begins_at` for the order by relevance.
    pub time: i64,
}

/// Why a folder cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// Another process, or another [`Index`] of this one, has the folder.
    Locked,
    /// The folder has no index, one of another identity or format, or a damaged one. A new one has to be built.
    NotUsable(String),
    /// The folder cannot be read or written.
    Io(std::io::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked => f.write_str("another process uses this index"),
            Self::NotUsable(reason) => write!(f, "not a usable index: {reason}"),
            Self::Io(error) => write!(f, "cannot open the index: {error}"),
        }
    }
}

impl std::error::Error for OpenError {}

/// A fault of the index: its files cannot be read or written, or are damaged.
#[derive(Debug)]
pub struct IndexError(pub String);

impl fmt::Display for IndexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the search index failed: {}", self.0)
    }
}

impl std::error::Error for IndexError {}

/// A result of the index.
pub type Result<T> = std::result::Result<T, IndexError>;
