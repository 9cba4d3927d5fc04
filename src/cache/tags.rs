//! Tags: what an answer was made from, in words.
//!
//! A tag is a kind (`articles`), or a kind with a name (`article:<id>`, `tag:<text>`). Triggers of the database write the
//! same words when rows change, and answers carry them as `Surrogate-Key`.

use std::fmt::{Display, Write};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// Characters that a surrogate key has percent-encoded.
const RESERVED: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b'"').add(b',').add(b';');
/// Tags of one kind that a header names one by one. With more, it names what stands for all of them.
const MAX_NAMED: usize = 12;
/// Bytes of a tag that a header names.
const MAX_KEY_BYTES: usize = 80;

/// The name of something that answers are made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    text: String,
    /// What stands for all tags of this kind.
    collection: &'static str,
}

impl Tag {
    /// All things of a kind.
    pub fn all(kind: &'static str) -> Self {
        Self { text: kind.to_owned(), collection: kind }
    }

    /// One thing of a kind. A change of it touches `collection` too.
    pub fn one(kind: &'static str, name: impl Display, collection: &'static str) -> Self {
        Self { text: format!("{kind}:{name}"), collection }
    }

    /// The tag as the database writes it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Writes tags as the value of `Surrogate-Key`: separated by spaces, percent-encoded where they hold other characters than
/// a header takes. It is kept short: of a kind with over 12 tags, and in the place of a long tag, it names what stands for
/// all of them.
pub fn write_surrogate_keys(tags: &[Tag]) -> String {
    let mut keys: Vec<&str> = Vec::new();
    for tag in tags {
        let is_many = tags.iter().filter(|other| other.collection == tag.collection).nth(MAX_NAMED).is_some();
        let is_short = tag.text.len() <= MAX_KEY_BYTES && !is_many;
        let key = if is_short { tag.as_str() } else { tag.collection };
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let mut header = String::new();
    for key in keys {
        let separator = if header.is_empty() { "" } else { " " };
        // Writing to a string does not fail.
        let _ = write!(header, "{separator}{}", utf8_percent_encode(key, RESERVED));
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_words_that_a_header_takes() {
        let tags = [Tag::all("site"), Tag::one("tag", "质量 a,b", "articles"), Tag::all("site")];
        assert_eq!(write_surrogate_keys(&tags), "site tag:%E8%B4%A8%E9%87%8F%20a%2Cb");
    }

    #[test]
    fn of_many_tags_of_a_kind_the_header_names_the_kind() {
        let tags: Vec<Tag> = (0..=MAX_NAMED).map(|id| Tag::one("category", id, "categories")).collect();
        assert_eq!(write_surrogate_keys(&tags), "categories");
        assert!(write_surrogate_keys(&tags[1..]).starts_with("category:1 category:2 "));
        let long = Tag::one("author", "a".repeat(MAX_KEY_BYTES), "articles");
        assert_eq!(write_surrogate_keys(&[long]), "articles");
    }
}
