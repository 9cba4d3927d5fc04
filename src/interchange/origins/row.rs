//! The rows that the readers of foreign files hand over, and what may be in them.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::dates;

/// One article found in a foreign file, or why it cannot be read (the others go on).
pub type Found = Result<Map<String, Value>, String>;

/// Longest slug, in bytes.
const SLUG: usize = 120;
/// Longest summary and longest tag, in characters, and most tags of an article.
const SUMMARY: usize = 1000;
const TAG: usize = 64;
const TAGS: usize = 50;

/// A row in the making. What is absent or empty is left out.
#[derive(Default)]
pub struct Row(Map<String, Value>);

impl Row {
    /// A row for the article that its system knows as `id`.
    pub fn new(id: impl Into<String>) -> Self {
        Self::default().with("external_id", Some(id.into()))
    }

    /// Sets a key to a value, unless there is none or an empty text.
    pub fn with(mut self, key: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value.map(Into::into).filter(|value| value.as_str() != Some("")) {
            self.0.insert(key.to_owned(), value);
        }
        self
    }

    /// Sets a key to a moment.
    pub fn with_moment(self, key: &str, at: Option<DateTime<Utc>>) -> Self {
        self.with(key, at.map(dates::written))
    }

    /// Sets a key to a list, unless that is empty.
    pub fn with_list(self, key: &str, list: Vec<Value>) -> Self {
        self.with(key, (!list.is_empty()).then_some(list))
    }

    /// Sets the body, which may be empty, and what it is written in: `html` or `text`.
    pub fn with_body(mut self, body: impl Into<String>, format: &str) -> Self {
        self.0.insert("body".to_owned(), body.into().into());
        self.with("body_format", Some(format))
    }

    /// The row as it is handed over.
    pub fn done(self) -> Map<String, Value> {
        self.0
    }
}

/// `text` if it can be a slug: words of `a-z` and digits joined by single hyphens.
pub fn slug(text: &str) -> Option<&str> {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    (text.len() <= SLUG && text.split('-').all(is_word)).then_some(text)
}

/// `text` if it is an address that a browser can open.
pub fn web_url(text: &str) -> Option<&str> {
    let text = text.trim();
    let url = url::Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(text)
}

/// The words of a text, white space folded.
pub fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words of a summary, at most 1000 characters of them.
pub fn summary(text: &str) -> String {
    words(text).chars().take(SUMMARY).collect()
}

/// Names as tags: without commas, at most 64 characters each, each once, at most 50.
pub fn tags(names: impl IntoIterator<Item = String>) -> Vec<Value> {
    let mut seen = HashSet::new();
    let names = names.into_iter().map(|name| {
        let name = name.replace([',', '，'], " ");
        let name: String = words(&name).chars().take(TAG).collect();
        name.trim_end().to_owned()
    });
    let distinct = names.filter(|name| !name.is_empty() && seen.insert(name.to_lowercase()));
    distinct.take(TAGS).map(Value::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_a_slug_is_one() {
        assert_eq!(slug("quality-2019"), Some("quality-2019"));
        for text in ["", "-a", "a--b", "A", "a_b", "%e8%b4%a8", "质量"] {
            assert_eq!(slug(text), None, "{text}");
        }
        assert_eq!(slug(&"a".repeat(121)), None);
    }

    #[test]
    fn tags_are_few_short_distinct_and_without_commas() {
        let names = ["质量,计量", "Metro", "metro ", " ", &"长".repeat(80)].map(str::to_owned);
        assert_eq!(tags(names), ["质量 计量", "Metro", &"长".repeat(64)].map(Value::from));
        assert_eq!(tags((0..99).map(|n| n.to_string())).len(), 50);
    }

    #[test]
    fn only_web_addresses_are_links() {
        assert_eq!(web_url(" https://example.org/质量 "), Some("https://example.org/质量"));
        for text in ["", "/a", "javascript:x()", "ftp://example.org/"] {
            assert_eq!(web_url(text), None, "{text}");
        }
    }
}
