//! What the readers of foreign files find.

use std::borrow::Cow;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a reader finds in a foreign file, in the file's order.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// An article.
    Row(FoundRow),
    /// An article that cannot be read. The reader goes on with the next.
    Unreadable {
        /// Where it is in the file, for a person: line, title, id.
        place: String,
        /// Why it cannot be read: a sentence.
        reason: String,
    },
    /// Something that no article has was dropped or changed, like the description of a tag.
    Warning {
        /// Where it is in the file, for a person.
        place: String,
        /// What was dropped or changed.
        warning: ReaderWarning,
    },
    /// A thing that is no article, or was not asked for, like `page` or `comment`.
    PassedOver {
        /// Its kind.
        kind: String,
    },
}

/// An article as an import row.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundRow {
    /// Where it is in the file, for a person: line, title, id.
    pub place: String,
    /// The row.
    pub row: Map<String, Value>,
    /// What of the article is not in the row, or was changed.
    pub warnings: Vec<ReaderWarning>,
}

/// What of an article was dropped or changed by a reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaderWarning {
    /// The place in the row: a JSON pointer (RFC 6901).
    pub pointer: Cow<'static, str>,
    /// The stable name of the kind of warning, like `undated`.
    pub code: Cow<'static, str>,
    /// What was dropped or changed: a clause about the place, like `was cut after 50 tags`.
    pub detail: String,
}

impl ReaderWarning {
    /// A warning about the place `pointer` of a row.
    pub fn new(pointer: &'static str, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: code.into(), detail: detail.into() }
    }
}

/// Takes what a reader finds. The reader ends when it returns `Break`.
pub type Sink<'s> = dyn FnMut(Found) -> ControlFlow<()> + 's;
