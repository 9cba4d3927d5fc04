//! Applies text filters to the texts of a row.

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use crate::error::{Code, Fault};
use crate::text::strip_hidden;

use super::text_filters::{
    FilterCounts, FilterFn, TextFilter, filter_html, fold_to_simplified, strip_glosses,
};

/// Keys of plain text. Bodies, tags and categories are filtered besides.
const TEXT_KEYS: &[&str] = &["title", "summary", "author", "source_name", "name", "description", "parent"];

/// Keys of names and titles. Tags and categories are names besides.
const NAME_KEYS: &[&str] = &["title", "author", "source_name", "name", "parent"];

/// Composes the characters of titles and names (NFC), and trims tags and the names of categories.
pub fn normalise_names(row: &mut Value) {
    for (key, value) in row.as_object_mut().into_iter().flatten() {
        match (key.as_str(), value) {
            ("tags" | "category" | "name" | "parent", value) => normalise_name(value),
            ("title", Value::String(title)) => *title = title.nfc().collect(),
            _ => {}
        }
    }
}

fn normalise_name(value: &mut Value) {
    match value {
        Value::String(name) => *name = name.trim().nfc().collect(),
        Value::Array(items) => items.iter_mut().for_each(normalise_name),
        Value::Object(step) => step.get_mut("name").into_iter().for_each(normalise_name),
        _ => {}
    }
}

/// Removes invisible characters from the names of a row, and applies `filters` to its texts. Returns how many
/// changes the filters made, and a warning of each change.
pub fn clean_row(row: &mut Value, filters: &[TextFilter]) -> (FilterCounts, Vec<Fault>) {
    let mut warnings = remove_hidden_characters(row);
    let counts = filter_row(row, filters);
    warnings.extend(warn_of_filters(counts));
    (counts, warnings)
}

/// Removes characters that nobody sees from the names and titles of a row. Returns a warning for each
/// key that was changed.
fn remove_hidden_characters(row: &mut Value) -> Vec<Fault> {
    let mut warnings = Vec::new();
    for (key, value) in row.as_object_mut().into_iter().flatten() {
        let mut count = 0;
        match (key.as_str(), value) {
            ("tags" | "category", value) => filter_names(value, strip_hidden, &mut count),
            (key, Value::String(text)) if NAME_KEYS.contains(&key) => {
                *text = strip_hidden(text, &mut count).into_owned();
            }
            _ => {}
        }
        if count > 0 {
            let detail = "{count} invisible characters were removed";
            let warning = Fault::body(format!("/{key}"), Code::CharactersRemoved, detail);
            warnings.push(warning.with("count", count));
        }
    }
    warnings
}

/// Applies `filters` to the texts of a row and returns the number of changes.
/// Slugs, ids, addresses and `extra` are not changed.
fn filter_row(row: &mut Value, filters: &[TextFilter]) -> FilterCounts {
    let mut counts = FilterCounts::default();
    // Glosses come first: they are recognised by the character before them, in its original form.
    if filters.contains(&TextFilter::PinyinGlosses) {
        apply_filter(row, strip_glosses, &mut counts.pinyin_glosses);
    }
    if filters.contains(&TextFilter::Simplified) {
        apply_filter(row, fold_to_simplified, &mut counts.simplified);
    }
    counts
}

/// The changes of a row by text filters, as a warning.
fn warn_of_filters(counts: FilterCounts) -> Option<Fault> {
    let FilterCounts { pinyin_glosses, simplified } = counts;
    let detail = "text filters removed {pinyin_glosses} glosses and folded {simplified} characters";
    let warning = Fault::body("", Code::TextFiltered, detail)
        .with("pinyin_glosses", pinyin_glosses)
        .with("simplified", simplified);
    (counts != FilterCounts::default()).then_some(warning)
}

fn apply_filter(row: &mut Value, filter: FilterFn, changes: &mut u64) {
    let is_html = row["body_format"].as_str().is_none_or(|format| format == "html");
    let Some(row) = row.as_object_mut() else { return };
    for (key, value) in row.iter_mut() {
        match (key.as_str(), value) {
            ("body", Value::String(body)) if is_html => {
                *body = filter_html(body, changes, filter).into_owned()
            }
            ("body", Value::String(body)) => *body = filter(body, changes).into_owned(),
            ("tags" | "category", value) => filter_names(value, filter, changes),
            (key, Value::String(text)) if TEXT_KEYS.contains(&key) => {
                *text = filter(text, changes).into_owned()
            }
            _ => {}
        }
    }
}

/// Filters a name, a list of names, or the names in the steps of a breadcrumb.
fn filter_names(value: &mut Value, filter: FilterFn, changes: &mut u64) {
    match value {
        Value::String(name) => *name = filter(name, changes).into_owned(),
        Value::Array(items) => items.iter_mut().for_each(|item| filter_names(item, filter, changes)),
        Value::Object(step) => {
            if let Some(name) = step.get_mut("name") {
                filter_names(name, filter, changes);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_texts_are_filtered() {
        let both = [TextFilter::Simplified, TextFilter::PinyinGlosses];
        let mut dirty = json!({
            "title": "計量網(wǎng)（WTO）(2019)", "slug": "a", "body": "<p title=\"計(jì)\">計(jì)劃</p>",
            "category": ["新聞", {"name": "動態(tài)", "slug": "x"}], "tags": ["質量"], "extra": {"a": "計"},
        });
        let counts = filter_row(&mut dirty, &both);
        assert_eq!(
            dirty,
            json!({
                "title": "计量网（WTO）(2019)", "slug": "a", "body": "<p title=\"計(jì)\">计划</p>",
                "category": ["新闻", {"name": "动态", "slug": "x"}], "tags": ["质量"], "extra": {"a": "計"},
            })
        );
        assert_eq!((counts.pinyin_glosses, counts.simplified), (3, 8));
        assert_eq!(filter_row(&mut json!({"title": "計"}), &[]), FilterCounts::default());
    }
}
