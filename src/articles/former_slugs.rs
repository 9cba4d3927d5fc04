//! Former slugs: last segments of addresses that lead to an article beside its slug.
//!
//! Slugs that an article has had, and those of its addresses on another site, in any script.

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;

use super::model::Row;
use crate::error::{Code, Fault};
use crate::slug;

/// The most former slugs that a request may name.
pub const MAX_FORMER_SLUGS: usize = 50;
/// The most characters of a former slug.
const MAX_CHARS: usize = 200;

/// The last segment of an address that leads to the article, percent-encoded or not.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(min_length = 1, max_length = 2000, pattern = r"^[^/?#\x00-\x1f\x7f]+$", example = "质量提升行动")]
pub struct FormerSlug(String);

/// The text as it is stored and looked up: percent-decoded, in NFC.
pub fn normalize(text: &str) -> String {
    let mut text = text.to_owned();
    // Until nothing is left to decode, so that a stored one is stored as it is again.
    while let Ok(decoded) = percent_decode_str(&text).decode_utf8()
        && decoded != text
    {
        text = decoded.into_owned();
    }
    text.nfc().collect()
}

/// Returns why `text`, which is normalized, cannot be a former slug: a fault at `pointer`.
pub fn refusal(text: &str, pointer: &str) -> Option<Fault> {
    let fault = |detail: &'static str| Some(Fault::body(pointer, Code::InvalidFormat, detail));
    if text.trim().is_empty() {
        fault("must not be blank")
    } else if text.chars().any(|c| matches!(c, '/' | '?' | '#') || c.is_control()) {
        fault("must have no /, ?, # or control characters")
    } else if matches!(text, "." | "..") {
        fault("is reserved")
    } else if text.chars().nth(MAX_CHARS).is_some() {
        let fault = Fault::body(pointer, Code::TooLong, "must have at most {max} characters");
        Some(fault.with("max", MAX_CHARS))
    } else {
        slug::refusal(text).and_then(fault)
    }
}

/// The former slugs as they are stored, in the order in which they are given; and the faults of those that cannot be.
pub fn parse_all(given: &[FormerSlug]) -> (Vec<String>, Vec<Fault>) {
    let slugs: Vec<String> = given.iter().map(|FormerSlug(text)| normalize(text)).collect();
    let check = |(index, slug): (usize, &String)| refusal(slug, &format!("/former_slugs/{index}"));
    let faults = slugs.iter().enumerate().filter_map(check).collect();
    (slugs, faults)
}

/// What a change does to the former slugs of an article.
#[derive(Clone, Debug)]
pub enum FormerSlugs {
    /// It adds these to them.
    Add(Vec<String>),
    /// It replaces them by these.
    Replace(Vec<String>),
}

impl FormerSlugs {
    /// Those that the change names.
    pub fn named(&self) -> &[String] {
        let (Self::Add(slugs) | Self::Replace(slugs)) = self;
        slugs
    }

    /// Those of the article `row` after the change, in order, when its slug is `slug`. One that it has had until
    /// then is always among them.
    pub fn apply(&self, row: &Row, slug: &str) -> Vec<String> {
        let kept = match self {
            Self::Add(_) => &row.former_slugs[..],
            Self::Replace(_) => &[],
        };
        let all = kept.iter().chain(self.named()).chain([&row.content.slug]);
        let mut slugs: Vec<String> = all.filter(|former| *former != slug).cloned().collect();
        slugs.sort_unstable();
        slugs.dedup();
        slugs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_slug_and_a_decomposed_one_are_the_plain_one() {
        for text in ["质量", "%E8%B4%A8%E9%87%8F", "%e8%b4%a8量", "%25E8%25B4%25A8%25E9%2587%258F"] {
            assert_eq!(normalize(text), "质量", "{text}");
        }
        assert_eq!(normalize("Cafe\u{301}"), "Caf\u{e9}");
        for text in ["100%", "a+b", "%ff", "Old_Post.html"] {
            assert_eq!(normalize(text), text);
        }
    }

    #[test]
    fn what_no_path_can_hold_is_refused() {
        let long = "长".repeat(200);
        for text in ["质量", "Old_Post.html", "2019-09-20", "a b", &long] {
            assert_eq!(refusal(text, ""), None, "{text}");
        }
        let id = "0199f0a2-b6c5-7d3e-9f0a-1b2c3d4e5f60";
        for text in ["", " ", "a/b", "a?b", "a#b", "a\nb", "a\u{85}b", ".", "..", id, &format!("{long}长")] {
            assert!(refusal(text, "").is_some(), "{text}");
        }
    }
}
