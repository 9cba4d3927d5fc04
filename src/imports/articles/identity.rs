//! Which article a row is about.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The key by which a row finds its article.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// The external id, given or derived from the row.
    ExternalId(String),
    /// The slug, in rows that have one and no external id.
    Slug(String),
}

impl Identity {
    /// The external id or slug, for reports.
    pub fn as_str(&self) -> &str {
        let (Self::ExternalId(key) | Self::Slug(key)) = self;
        key
    }
}

/// Derives an external id from the content of a row. Equal rows get the same id.
pub fn derive_external_id(value: &Value) -> String {
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    let digest = Sha256::digest(sorted.to_string());
    format!("row:{}", digest[..16].iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}
