//! Faults of a body: how many are told, and JSON pointers to their places (RFC 6901).

/// Faults that one answer tells at most.
pub const MAX_FAULTS: usize = 100;
/// Characters of a key that a fault shows: a hostile body must not make an answer larger than itself.
const MAX_KEY_CHARS: usize = 100;

/// Writes `segment` as a part of a JSON pointer.
pub fn escape(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

/// Cuts a key to its first 100 characters.
pub fn truncate_key(key: &str) -> String {
    key.chars().take(MAX_KEY_CHARS).collect()
}
