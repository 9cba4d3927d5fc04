//! The bytes of an answer, and the entity tag made from them (RFC 9110 §8.8).

use std::cell::Cell;
use std::io::{self, Write};
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

thread_local! {
    /// Whether what is being written now is a counter.
    static IN_COUNTER: Cell<bool> = const { Cell::new(false) };
}

/// A number that changes by being read, like the views of an article. The tag of an answer leaves
/// it out, and is weak then: an article does not become another one by being read.
#[derive(Clone, Copy, Debug, ToSchema)]
pub struct Counter(pub i64);

impl Serialize for Counter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        IN_COUNTER.set(true);
        let written = serializer.serialize_i64(self.0);
        IN_COUNTER.set(false);
        written
    }
}

/// An answer as it is sent.
#[derive(Debug, Default)]
pub struct TaggedBody {
    bytes: Vec<u8>,
    /// Where counters stand in the bytes.
    counters: Vec<Range<usize>>,
}

impl TaggedBody {
    /// Writes `body` as JSON.
    pub fn from_json(body: &impl Serialize) -> serde_json::Result<Self> {
        let mut tagged = Self { bytes: Vec::with_capacity(1024), counters: Vec::new() };
        serde_json::to_writer(&mut tagged, body)?;
        Ok(tagged)
    }

    /// The entity tag: `"<version>-<digest of the bytes>"`, weak if they hold a counter.
    ///
    /// The version before the digest is what `If-Match` compares.
    pub fn etag(&self, version: i32) -> String {
        let mut digest = Sha256::new();
        let mut from = 0;
        for counter in &self.counters {
            digest.update(&self.bytes[from..counter.start]);
            from = counter.end;
        }
        digest.update(&self.bytes[from..]);
        let weak = if self.counters.is_empty() { "" } else { "W/" };
        format!("{weak}{}", format_tag(version, digest))
    }

    /// Whether it holds counters.
    pub fn has_counters(&self) -> bool {
        !self.counters.is_empty()
    }

    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Write for TaggedBody {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        if IN_COUNTER.get() {
            self.counters.push(start..self.bytes.len());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The strong tag of ready-made bytes that have no version.
pub fn tag_bytes(bytes: &[u8]) -> String {
    format_tag(0, Sha256::new_with_prefix(bytes))
}

/// A strong tag with a version and a digest.
fn format_tag(version: i32, digest: Sha256) -> String {
    format!("\"{version}-{}\"", URL_SAFE_NO_PAD.encode(&digest.finalize()[..12]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Shown {
        title: &'static str,
        views: Counter,
        extra: serde_json::Value,
    }

    fn tag(title: &'static str, views: i64, inner: i64) -> String {
        let extra = serde_json::json!({"views": inner});
        TaggedBody::from_json(&Shown { title, views: Counter(views), extra }).unwrap().etag(7)
    }

    #[test]
    fn a_counter_changes_no_tag_and_makes_it_weak() {
        assert_eq!(tag("a", 1, 1), tag("a", 1_000, 1));
        assert!(tag("a", 1, 1).starts_with("W/\"7-"));
        assert_ne!(tag("a", 1, 1), tag("b", 1, 1));
        assert_ne!(tag("a", 1, 1), tag("a", 1, 2), "an author's own key of that name is content");
    }

    #[test]
    fn without_counters_the_tag_is_strong() {
        let tag = TaggedBody::from_json(&"shown").unwrap().etag(0);
        assert!(tag.starts_with("\"0-"));
        assert_eq!(tag, tag_bytes(b"\"shown\""));
    }
}
