//! What a reader of a list by relevance has been shown: scores differ a little between processes and moments, so the cursor
//! of such a list names its hits.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Hits that a list by relevance has at most.
pub const MAX_HITS: usize = 500;
/// Bytes that stand for a hit. Two of 500 hits have the same ones once in ten million lists.
const BYTES: usize = 5;

/// The hits that were shown.
#[derive(Debug, Default)]
pub struct Shown(Vec<[u8; BYTES]>);

impl Shown {
    /// Reads the text of a cursor.
    pub fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (marks, rest) = bytes.as_chunks::<BYTES>();
        rest.is_empty().then(|| Self(marks.to_vec()))
    }

    /// The text of a cursor.
    pub fn write(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.concat())
    }

    /// Whether this hit was shown.
    pub fn has(&self, id: Uuid) -> bool {
        self.0.contains(&mark(id))
    }

    /// Adds a hit.
    pub fn add(&mut self, id: Uuid) {
        self.0.push(mark(id));
    }

    /// How many hits were shown.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none was shown.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn mark(id: Uuid) -> [u8; BYTES] {
    let digest = Sha256::digest(id.as_bytes());
    let mut mark = [0; BYTES];
    mark.copy_from_slice(&digest[..BYTES]);
    mark
}
