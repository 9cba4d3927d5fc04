//! What a Ghost export says of its tags and authors, for which articles have no place.

use std::ops::ControlFlow;

use serde_json::Value;

use super::names::read_id;
use super::tables::Tables;
use crate::interchange::origins::found::{Found, ReaderWarning, Sink};
use crate::markup::html_text::html_to_text;

/// What of tags and authors is counted: its table, its field and its kind.
const PASSED_OVER: &[(&str, &str, &str)] = &[
    ("tags", "feature_image", "picture of a tag"),
    ("tags", "image", "picture of a tag"),
    ("tags", "meta_title", "text for search engines"),
    ("tags", "meta_description", "text for search engines"),
    ("tags", "og_title", "text for networks"),
    ("tags", "og_description", "text for networks"),
    ("tags", "twitter_title", "text for networks"),
    ("tags", "twitter_description", "text for networks"),
    ("tags", "codeinjection_head", "code injection"),
    ("tags", "codeinjection_foot", "code injection"),
    ("users", "profile_image", "picture of an author"),
    ("users", "cover_image", "picture of an author"),
    ("users", "image", "picture of an author"),
    ("users", "cover", "picture of an author"),
];

/// Tells the descriptions of tags and authors, each once, and counts what else is said of them.
pub fn tell_descriptions(tables: &Tables<'_>, each: &mut Sink) -> ControlFlow<()> {
    for (table, kind, key) in [("tags", "tag", "description"), ("users", "author", "bio")] {
        for row in tables.rows(table).unwrap_or_default() {
            let Ok(row) = serde_json::from_slice::<Value>(row) else { continue };
            for (_, field, kind) in PASSED_OVER.iter().filter(|(of, ..)| *of == table) {
                if row[*field].as_str().is_some_and(|text| !text.trim().is_empty()) {
                    each(Found::PassedOver { kind: (*kind).to_owned() })?;
                }
            }
            let text = html_to_text(row[key].as_str().unwrap_or_default());
            if text.is_empty() {
                continue;
            }
            let id = read_id(&row["id"]).unwrap_or_default();
            let place = format!("{kind} {id} {:?}", row["name"].as_str().unwrap_or_default());
            let detail = format!("has a description, which is left out: {text}");
            each(Found::Warning { place, warning: ReaderWarning::new("", "description_dropped", detail) })?;
        }
    }
    ControlFlow::Continue(())
}
