//! Slugs of rows that cannot be used, made anew (with `slug_conflicts=suffix`).

use serde_json::Value;

use crate::articles::former_slugs;
use crate::slug;

/// Why the slug of another article cannot be used.
pub const TAKEN: &str = "is used by another article: {from} became {to}";

/// A slug of a row that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedSlug {
    /// The slug, as the row has it.
    pub text: String,
    /// Why it cannot be used, as a sentence about `from` and `to`.
    pub reason: &'static str,
}

impl RefusedSlug {
    /// The slug as a former slug of the article. `None` if it cannot be one.
    pub fn to_former_slug(&self) -> Option<String> {
        let slug = former_slugs::normalize(&self.text);
        former_slugs::refusal(&slug, "").is_none().then_some(slug)
    }
}

/// Replaces the slug of a row, if it cannot be used, by one that is made of it; removes it if that is not possible,
/// so that one is made from the title. Returns the slug that cannot be used.
pub fn repair_slug(row: &mut Value) -> Option<RefusedSlug> {
    let row = row.as_object_mut()?;
    let text = row.get("slug")?.as_str()?.to_owned();
    let reason = find_reason(&text)?;
    let made = match slug::from_title(&former_slugs::normalize(&text), "") {
        made if !made.is_empty() => Some(made),
        _ if slug::is_well_formed(&text) => Some(slug::with_suffix(&text)),
        _ => None,
    };
    match made {
        Some(made) => row.insert("slug".to_owned(), made.into()),
        None => row.shift_remove("slug"),
    };
    (!text.trim().is_empty()).then_some(RefusedSlug { text, reason })
}

/// Why a slug cannot be used, as a sentence about `from` and `to`.
pub fn find_reason(text: &str) -> Option<&'static str> {
    if !slug::is_well_formed(text) {
        Some("is no slug: {from} became {to}")
    } else if text.len() > slug::MAX {
        Some("is too long: {from} became {to}")
    } else if slug::is_reserved(text) {
        Some("is reserved: {from} became {to}")
    } else {
        slug::refusal(text).map(|_| "looks like an id: {from} became {to}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_slug_that_cannot_be_used_is_made_anew_from_its_own_text() {
        let cases = [
            ("质量提升", Some("zhi-liang-ti-sheng")),
            ("%E8%B4%A8%E9%87%8F", Some("zhi-liang")),
            ("Old_Post.html", Some("old-post-html")),
            ("a--b-", Some("a-b")),
            ("!!!", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let mut row = json!({"slug": text});
            repair_slug(&mut row);
            assert_eq!(row.get("slug").and_then(Value::as_str), expected, "{text}");
        }
        let long = "zhi-liang-".repeat(20) + "x";
        let mut row = json!({"slug": long});
        let refused = repair_slug(&mut row).unwrap();
        assert_eq!((refused.text.len(), refused.to_former_slug()), (201, None));
        assert!(row["slug"].as_str().unwrap().len() <= slug::MAX);
        let id = "0199f0a2-b6c5-7d3e-9f0a-1b2c3d4e5f60";
        let mut row = json!({"slug": id});
        assert_eq!(repair_slug(&mut row).unwrap().to_former_slug(), None);
        assert!(row["slug"].as_str().unwrap().starts_with(&format!("{id}-")));
    }

    #[test]
    fn a_slug_that_can_be_used_stays() {
        for value in [json!({"slug": "a-1"}), json!({}), json!({"slug": null}), json!({"slug": 7})] {
            let mut row = value.clone();
            assert_eq!((repair_slug(&mut row), row), (None, value));
        }
    }
}
