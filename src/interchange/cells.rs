//! Cells of CSV: what they mean as values, and how values are written into them.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::error::{Code, Fault};

/// The value of a row's key in a cell; `None` for an empty cell, which says nothing.
///
/// Texts are themselves. Lists are separated by commas, or JSON as `extra` is.
pub fn value(key: &str, cell: &str) -> Result<Option<Value>, Fault> {
    let text = unguarded(cell);
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Ok(None);
    }
    let fault = |code, detail: &str| Fault::body(format!("/{key}"), code, detail);
    Ok(Some(match key {
        "views" | "position" => {
            let number: Result<i64, _> = trimmed.parse();
            number.map_err(|_| fault(Code::WrongType, "must be a whole number"))?.into()
        }
        "pinned" => match trimmed {
            "true" => true.into(),
            "false" => false.into(),
            _ => return Err(fault(Code::WrongType, "must be true or false")),
        },
        "extra" => json(trimmed).ok_or_else(|| fault(Code::WrongType, "must be a JSON object"))?,
        "tags" | "category" if trimmed.starts_with('[') => json(trimmed)
            .ok_or_else(|| fault(Code::WrongType, "must be a JSON array, as it begins with ["))?,
        "tags" => trimmed.split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect(),
        // What stands in one line is what was meant; a title or a body is kept to the letter.
        "title" | "body" | "summary" => Value::String(text.into_owned()),
        _ => Value::String(trimmed.to_owned()),
    }))
}

fn json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

/// `value` as the text of a cell.
pub fn text(value: &Value) -> String {
    let plain = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(is_plain) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    };
    guarded(&plain).into_owned()
}

fn is_plain(item: &Value) -> bool {
    item.as_str().is_some_and(|text| !text.starts_with('[') && text.trim() == text && !text.contains(','))
}

/// Whether a spreadsheet would execute a cell that begins like this (OWASP, CSV
/// injection), guards in front of it not counted.
fn is_executed(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// A cell that a spreadsheet would execute gets an apostrophe, which makes it text.
fn guarded(text: &str) -> Cow<'_, str> {
    if is_executed(text) { format!("'{text}").into() } else { text.into() }
}

/// The text before it was guarded.
fn unguarded(cell: &str) -> Cow<'_, str> {
    match cell.strip_prefix('\'') {
        Some(text) if is_executed(text) => text.into(),
        _ => cell.into(),
    }
}

/// A row from its cells, each under its key; the faults of all cells together.
pub fn row<'c>(cells: impl Iterator<Item = (&'c str, &'c str)>) -> (Value, Vec<Fault>) {
    let (mut row, mut faults) = (Map::new(), Vec::new());
    for (key, cell) in cells {
        match value(key, cell) {
            Ok(None) => {}
            Ok(Some(value)) => {
                row.insert(key.to_owned(), value);
            }
            Err(fault) => faults.push(fault),
        }
    }
    (Value::Object(row), faults)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_spreadsheet_would_execute_becomes_text_and_comes_back() {
        for text in ["=1+1", "+86 10", "-1", "@me", "\tx", "\rx", "'=1", "''@x"] {
            let cell = super::text(&json!(text));
            assert!(cell.starts_with('\''), "{cell}");
            assert_eq!(value("title", &cell).unwrap(), Some(json!(text)));
        }
        for text in ["plain", "'quoted'", "1-1", "质量"] {
            assert_eq!(super::text(&json!(text)), text);
            assert_eq!(value("title", text).unwrap(), Some(json!(text)));
        }
    }

    #[test]
    fn cells_have_the_type_of_their_key() {
        assert_eq!(value("tags", "质量, 标准,,").unwrap(), Some(json!(["质量", "标准"])));
        assert_eq!(value("views", " 2600 ").unwrap(), Some(json!(2600)));
        assert_eq!(value("extra", r#"{"a": 1}"#).unwrap(), Some(json!({"a": 1})));
        assert_eq!(value("category", r#"["新闻", "地方"]"#).unwrap(), Some(json!(["新闻", "地方"])));
        assert_eq!(value("category", "新闻/地方").unwrap(), Some(json!("新闻/地方")));
        assert_eq!(value("author", "").unwrap(), None);
        assert_eq!(value("views", "many").unwrap_err().code, Code::WrongType);
        assert_eq!(text(&json!(["a", "b"])), "a,b");
        assert_eq!(text(&json!([" a", "b"])), r#"[" a","b"]"#);
    }
}
