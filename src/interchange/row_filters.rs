//! The cleanings that an import asks for, over the texts of a row.

use serde_json::Value;

use super::text_filters::{Clean, Cleaned, Cleaning, html, simplified, without_glosses};

/// Texts that are shown as they are.
const TEXTS: &[&str] = &["title", "summary", "author", "source_name", "name", "description", "parent"];

/// Cleans the texts of a row in these ways, and counts what was done.
/// Names for machines, addresses and a frontend's own fields stay as they are.
pub fn row(row: &mut Value, cleanings: &[Cleaning]) -> Cleaned {
    let mut cleaned = Cleaned::default();
    // Glosses first: they are recognised by the character before them.
    if cleanings.contains(&Cleaning::PinyinGlosses) {
        clean(row, without_glosses, &mut cleaned.pinyin_glosses);
    }
    if cleanings.contains(&Cleaning::Simplified) {
        clean(row, simplified, &mut cleaned.simplified);
    }
    cleaned
}

fn clean(row: &mut Value, with: Clean, changes: &mut u64) {
    let is_html = row["body_format"].as_str().is_none_or(|format| format == "html");
    let Some(row) = row.as_object_mut() else { return };
    for (key, value) in row.iter_mut() {
        match (key.as_str(), value) {
            ("body", Value::String(body)) if is_html => *body = html(body, changes, with).into_owned(),
            ("body", Value::String(body)) => *body = with(body, changes).into_owned(),
            ("tags" | "category", value) => names(value, with, changes),
            (key, Value::String(text)) if TEXTS.contains(&key) => *text = with(text, changes).into_owned(),
            _ => {}
        }
    }
}

/// Cleans the names in a list, or in the steps of a breadcrumb.
fn names(value: &mut Value, with: Clean, changes: &mut u64) {
    match value {
        Value::String(name) => *name = with(name, changes).into_owned(),
        Value::Array(items) => items.iter_mut().for_each(|item| names(item, with, changes)),
        Value::Object(step) => {
            if let Some(name) = step.get_mut("name") {
                names(name, with, changes);
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
    fn texts_are_cleaned_and_nothing_else_is() {
        let both = [Cleaning::Simplified, Cleaning::PinyinGlosses];
        let mut dirty = json!({
            "title": "計量網(wǎng)（WTO）(2019)", "slug": "a", "body": "<p title=\"計(jì)\">計(jì)劃</p>",
            "category": ["新聞", {"name": "動態(tài)", "slug": "x"}], "tags": ["質量"], "extra": {"a": "計"},
        });
        let cleaned = row(&mut dirty, &both);
        assert_eq!(
            dirty,
            json!({
                "title": "计量网（WTO）(2019)", "slug": "a", "body": "<p title=\"計(jì)\">计划</p>",
                "category": ["新闻", {"name": "动态", "slug": "x"}], "tags": ["质量"], "extra": {"a": "計"},
            })
        );
        assert_eq!((cleaned.pinyin_glosses, cleaned.simplified), (3, 8));
        assert_eq!(row(&mut json!({"title": "計"}), &[]), Cleaned::default());
    }
}
