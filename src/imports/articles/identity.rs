//! Which article a row is about.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

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

/// Batches that may not be committed when a snapshot is loaded: one is being written, one is queued.
const MAX_BATCHES_AHEAD: usize = 2;
/// Identities remembered of an import in one transaction. Bounds memory.
const MAX_TRACKED_IDENTITIES: usize = 250_000;

/// The identities of earlier rows of the import whose writes a new snapshot may not show.
pub struct UnseenWrites {
    /// The number of the last batch with each identity, by the identity's hash.
    last_batches: HashMap<u64, usize>,
    batch: usize,
    /// Whether the import is one transaction: no snapshot shows any of its writes.
    in_one_tx: bool,
}

impl UnseenWrites {
    /// Those of an import that begins now.
    pub fn new(in_one_tx: bool) -> Self {
        Self { last_batches: HashMap::new(), batch: 0, in_one_tx }
    }

    /// Whether the import may have written to this article without the snapshot showing it.
    pub fn may_include(&self, identity: &Identity) -> bool {
        self.is_full() || self.last_batches.contains_key(&hash(identity))
    }

    /// Adds the identities of a batch, and forgets those that the next snapshot will show.
    pub fn add_batch<'i>(&mut self, identities: impl Iterator<Item = &'i Identity>) {
        self.batch += 1;
        if !self.in_one_tx {
            let oldest = (self.batch + 1).saturating_sub(MAX_BATCHES_AHEAD);
            self.last_batches.retain(|_, batch| *batch >= oldest);
        }
        if !self.is_full() {
            self.last_batches.extend(identities.map(|identity| (hash(identity), self.batch)));
        }
    }

    fn is_full(&self) -> bool {
        self.last_batches.len() >= MAX_TRACKED_IDENTITIES
    }
}

fn hash(identity: &Identity) -> u64 {
    let mut hasher = DefaultHasher::new();
    identity.hash(&mut hasher);
    hasher.finish()
}
