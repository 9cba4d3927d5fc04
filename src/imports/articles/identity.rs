//! What tells one article from another.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// What tells a row's article from all others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// Its id where it comes from, given or made from the row itself.
    External(String),
    /// Its slug, in rows without an external id.
    Slug(String),
}

impl Identity {
    /// As reports name it.
    pub fn name(&self) -> &str {
        let (Self::External(name) | Self::Slug(name)) = self;
        name
    }
}

/// An id made from all that a row says: the same row again is the same article.
pub fn own_id(value: &Value) -> String {
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    let digest = Sha256::digest(sorted.to_string());
    format!("row:{}", digest[..16].iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
