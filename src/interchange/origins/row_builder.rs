//! Builds the rows that the readers of foreign files return, within the limits of an article.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::dates;
use super::found::{FoundRow, ReaderWarning};
use crate::config::origins::Undated;

/// One article of a foreign file, or why it cannot be read: a sentence.
pub type RowResult = Result<FoundRow, String>;

/// Longest slug, in bytes.
const MAX_SLUG_BYTES: usize = 120;
/// Longest title, summary, author and name of a source, in characters.
const MAX_TITLE_CHARS: usize = 300;
const MAX_SUMMARY_CHARS: usize = 1000;
const MAX_AUTHOR_CHARS: usize = 200;
const MAX_SOURCE_NAME_CHARS: usize = 200;
/// Longest tag, in characters.
const MAX_TAG_CHARS: usize = 64;
/// Most tags of an article.
const MAX_TAGS: usize = 50;

/// Builds a row. Absent and empty values are left out.
#[derive(Default)]
pub struct RowBuilder {
    row: Map<String, Value>,
    warnings: Vec<ReaderWarning>,
}

impl RowBuilder {
    /// A row with this external id.
    pub fn new(id: impl Into<String>) -> Self {
        Self::default().with("external_id", Some(id.into()))
    }

    /// Sets a key, unless the value is absent or an empty string.
    pub fn with(mut self, key: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value.map(Into::into).filter(|value| value.as_str() != Some("")) {
            self.row.insert(key.to_owned(), value);
        }
        self
    }

    /// Sets a key to a time.
    pub fn with_time(self, key: &str, at: Option<DateTime<Utc>>) -> Self {
        self.with(key, at.map(dates::format_rfc3339))
    }

    /// Sets a key to a list, unless the list is empty.
    pub fn with_list(self, key: &str, list: Vec<Value>) -> Self {
        self.with(key, (!list.is_empty()).then_some(list))
    }

    /// Sets the title, cut with a warning if it is too long.
    pub fn with_title(self, title: &str) -> Self {
        self.with_cut("title", ("/title", "title_cut"), title, MAX_TITLE_CHARS)
    }

    /// Sets the summary, cut with a warning if it is too long.
    pub fn with_summary(self, summary: &str) -> Self {
        self.with_cut("summary", ("/summary", "summary_cut"), summary, MAX_SUMMARY_CHARS)
    }

    /// Sets the author, cut with a warning if the name is too long.
    pub fn with_author(self, author: &str) -> Self {
        self.with_cut("author", ("/author", "author_cut"), author, MAX_AUTHOR_CHARS)
    }

    /// Sets the name of the source, cut with a warning if it is too long.
    pub fn with_source_name(self, name: &str) -> Self {
        self.with_cut("source_name", ("/source_name", "source_name_cut"), name, MAX_SOURCE_NAME_CHARS)
    }

    fn with_cut(self, key: &str, warning: (&'static str, &'static str), text: &str, max: usize) -> Self {
        let Some((end, _)) = text.char_indices().nth(max) else { return self.with(key, Some(text)) };
        let (kept, lost) = text.split_at(end);
        let detail = format!("was cut after {max} characters; left out: {}", lost.trim());
        self.with(key, Some(kept.trim_end())).warn(warning.0, warning.1, detail)
    }

    /// Sets the time of publication. Without one, the article is a draft or is published at the import, with a warning.
    /// Returns `None` if it must have one.
    pub fn with_publication(self, at: Option<DateTime<Utc>>, undated: Undated) -> Option<Self> {
        if at.is_some() {
            return Some(self.with_time("published_at", at));
        }
        let (row, what) = match undated {
            Undated::Fail => return None,
            Undated::Now => (self, "it becomes the time of the import"),
            Undated::Draft => (self.with("status", Some("draft")), "the article is a draft"),
        };
        Some(row.warn("/published_at", "undated", format!("is not in the file; {what}")))
    }

    /// Sets the tags: no commas, no duplicates, at most 64 characters each. Warns of those that are changed, and of
    /// those after the first 50.
    pub fn with_tags(mut self, names: Vec<String>) -> Self {
        let is_changed =
            |name: &&String| name.contains([',', '，']) || name.chars().nth(MAX_TAG_CHARS).is_some();
        let changed: Vec<&str> = names.iter().filter(is_changed).map(String::as_str).collect();
        if !changed.is_empty() {
            let detail =
                format!("lost commas, or what follows {MAX_TAG_CHARS} characters: {}", changed.join("; "));
            self = self.warn("/tags", "tags_changed", detail);
        }
        let mut tags = make_tags(names);
        if tags.len() <= MAX_TAGS {
            return self.with_list("tags", tags);
        }
        let dropped: Vec<_> =
            tags.drain(MAX_TAGS..).map(|tag| tag.as_str().unwrap_or_default().to_owned()).collect();
        let detail = format!("has more than {MAX_TAGS} tags; left out: {}", dropped.join(", "));
        self.with_list("tags", tags).warn("/tags", "tags_dropped", detail)
    }

    /// Sets the body, even an empty one, and its format: `html` or `text`.
    pub fn with_body(mut self, body: impl Into<String>, format: &str) -> Self {
        self.row.insert("body".to_owned(), body.into().into());
        self.with("body_format", Some(format))
    }

    /// Notes what of the article is not in the row, or was changed.
    pub fn warn(mut self, pointer: &'static str, code: &'static str, detail: impl Into<String>) -> Self {
        self.warnings.push(ReaderWarning::new(pointer, code, detail));
        self
    }

    /// The finished row. `place` says where the article is in the file, for a person.
    pub fn build(self, place: impl Into<String>) -> FoundRow {
        FoundRow { place: place.into(), row: self.row, warnings: self.warnings }
    }
}

/// Returns `text` if it is a valid slug: words of `a-z` and digits, joined by single hyphens.
pub fn accept_slug(text: &str) -> Option<&str> {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    (text.len() <= MAX_SLUG_BYTES && text.split('-').all(is_word)).then_some(text)
}

/// Returns `text`, trimmed, if it is an `http` or `https` address.
pub fn accept_web_url(text: &str) -> Option<&str> {
    let text = text.trim();
    let url = url::Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(text)
}

/// Replaces each run of white space by one space and trims the text.
pub fn fold_whitespace(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A summary on one line, cut after 1000 characters.
pub fn make_summary(text: &str) -> String {
    fold_whitespace(text).chars().take(MAX_SUMMARY_CHARS).collect()
}

/// Turns names into tags: no commas, no duplicates, at most 64 characters each.
fn make_tags(names: impl IntoIterator<Item = String>) -> Vec<Value> {
    let mut seen = HashSet::new();
    let names = names.into_iter().map(|name| {
        let name = name.replace([',', '，'], " ");
        let name: String = fold_whitespace(&name).chars().take(MAX_TAG_CHARS).collect();
        name.trim_end().to_owned()
    });
    let distinct = names.filter(|name| !name.is_empty() && seen.insert(name.to_lowercase()));
    distinct.map(Value::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_slugs_are_accepted() {
        assert_eq!(accept_slug("quality-2019"), Some("quality-2019"));
        for text in ["", "-a", "a--b", "A", "a_b", "%e8%b4%a8", "质量"] {
            assert_eq!(accept_slug(text), None, "{text}");
        }
        assert_eq!(accept_slug(&"a".repeat(121)), None);
    }

    #[test]
    fn tags_are_few_short_distinct_and_without_commas() {
        let names = ["质量,计量", "Metro", "metro ", " ", &"长".repeat(80)].map(str::to_owned);
        assert_eq!(make_tags(names), ["质量 计量", "Metro", &"长".repeat(64)].map(Value::from));
        let found = RowBuilder::default().with_tags((0..52).map(|n| n.to_string()).collect()).build("");
        assert_eq!(found.row["tags"].as_array().unwrap().len(), 50);
        assert!(found.warnings[0].detail.ends_with("left out: 50, 51"), "{:?}", found.warnings);
    }

    #[test]
    fn only_web_addresses_are_links() {
        assert_eq!(accept_web_url(" https://example.org/质量 "), Some("https://example.org/质量"));
        for text in ["", "/a", "javascript:x()", "ftp://example.org/"] {
            assert_eq!(accept_web_url(text), None, "{text}");
        }
    }
}
