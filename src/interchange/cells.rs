//! Converts between CSV cells and JSON values.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::cell_dates::{DATE_KEYS, DateStyle, looks_like_serial};
use crate::error::{At, Code, Fault};
use crate::http::json::{self, ParseError};
use crate::text::is_hidden;

/// What separates tags in a cell without commas.
const OTHER_SEPARATORS: [char; 5] = ['，', '、', ';', '；', '|'];

/// Parses the cell of a key. Returns `None` for an empty cell: the key is absent then.
///
/// The key decides the type. Lists are JSON, or names with commas between them; if there is no comma, `，`, `、`,
/// `;`, `；` and `|` separate tags. `extra` is JSON. Dates are read as `dates` says.
pub fn parse_cell(key: &str, cell: &str, dates: &DateStyle) -> Result<Option<Value>, Fault> {
    let text = unguard_formula(cell);
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Ok(None);
    }
    let fault = |code, detail: &'static str| Fault::body(format!("/{key}"), code, detail);
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
        "extra" => parse_json(key, trimmed, "must be a JSON object")?,
        "tags" | "former_slugs" | "category" if trimmed.starts_with('[') => {
            parse_json(key, trimmed, "must be a JSON array, because it begins with [")?
        }
        "tags" => split_tags(trimmed),
        "former_slugs" => trimmed.split(',').map(str::trim).filter(|slug| !slug.is_empty()).collect(),
        key if DATE_KEYS.contains(&key) => {
            read_date(trimmed, dates).map_err(|detail| fault(Code::InvalidFormat, detail))?
        }
        // White space at the ends is kept in these three only.
        "title" | "body" | "summary" => Value::String(text.into_owned()),
        _ => Value::String(trimmed.to_owned()),
    }))
}

/// Reads a date. Fails with what a date must be.
fn read_date(cell: &str, dates: &DateStyle) -> Result<Value, &'static str> {
    dates.read(cell).map(Value::String).ok_or(match looks_like_serial(cell) {
        true => {
            "is a number, which may be a day of a spreadsheet: dates=excel reads it, on the command line --excel-dates"
        }
        false => "must be a date like 2019-09-20, 2019/9/20 8:30 or 2019年9月20日, or a time as in RFC 3339",
    })
}

fn split_tags(cell: &str) -> Value {
    let has_comma = cell.contains(',');
    let is_separator = |c: char| if has_comma { c == ',' } else { OTHER_SEPARATORS.contains(&c) };
    cell.split(is_separator).map(str::trim).filter(|tag| !tag.is_empty()).collect()
}

/// Parses a cell of JSON as strictly as a body. `expected` is the fault of a cell that is not JSON.
fn parse_json(key: &str, text: &str, expected: &'static str) -> Result<Value, Fault> {
    let in_cell = |fault: Fault| {
        let (At::Pointer(pointer) | At::Parameter(pointer)) = &fault.at;
        Fault { at: At::Pointer(format!("/{key}{pointer}")), ..fault }
    };
    match json::parse(text.as_bytes()) {
        Ok((value, faults)) => match faults.into_iter().next() {
            None => Ok(value),
            Some(fault) => Err(in_cell(fault)),
        },
        Err(ParseError::Malformed(_)) => Err(Fault::body(format!("/{key}"), Code::WrongType, expected)),
        Err(error @ ParseError::TooManyValues) => Err(in_cell(error.into_fault())),
    }
}

/// Formats `value` for a cell.
pub fn format_cell(value: &Value) -> String {
    let plain = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(fits_comma_list) && !is_split_otherwise(items) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    };
    guard_formula(&plain).into_owned()
}

fn fits_comma_list(item: &Value) -> bool {
    item.as_str().is_some_and(|text| !text.starts_with('[') && text.trim() == text && !text.contains(','))
}

/// Whether a list of one item would be read as several.
fn is_split_otherwise(items: &[Value]) -> bool {
    matches!(items, [only] if only.as_str().is_some_and(|text| text.contains(OTHER_SEPARATORS)))
}

/// Whether a spreadsheet could execute this cell (OWASP, CSV injection). Ignores leading apostrophes.
///
/// Spreadsheets drop blanks and invisible characters before a formula, and some read full-width signs.
fn is_formula(text: &str) -> bool {
    let text = text.trim_start_matches('\'');
    let begins = text.trim_start_matches(|c: char| c.is_whitespace() || is_hidden(c));
    text.starts_with(['\t', '\r', '\n']) || begins.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

/// Puts an apostrophe before a cell that a spreadsheet would execute. The apostrophe makes it text.
fn guard_formula(text: &str) -> Cow<'_, str> {
    if is_formula(text) { format!("'{text}").into() } else { text.into() }
}

/// Removes the apostrophe that [`guard_formula`] has added.
fn unguard_formula(cell: &str) -> Cow<'_, str> {
    match cell.strip_prefix('\'') {
        Some(text) if is_formula(text) => text.into(),
        _ => cell.into(),
    }
}

/// Builds a row from keys and cells. Returns the faults of all cells.
pub fn parse_cells<'c>(
    cells: impl Iterator<Item = (&'c str, &'c str)>,
    dates: &DateStyle,
) -> (Value, Vec<Fault>) {
    let (mut row, mut faults) = (Map::new(), Vec::new());
    for (key, cell) in cells {
        match parse_cell(key, cell, dates) {
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

    fn parse_cell(key: &str, cell: &str) -> Result<Option<Value>, Fault> {
        super::parse_cell(key, cell, &DateStyle::default())
    }

    #[test]
    fn formulas_become_text_and_are_read_back() {
        for text in [
            "=1+1",
            "+86 10",
            "-1",
            "@me",
            "\tx",
            "\rx",
            "'=1",
            "''@x",
            "\nx",
            " =1",
            "\u{3000}=1",
            "\u{a0}+1",
            "\u{feff}=1",
            "\u{200b}-1",
            "＝1",
            "＋1",
            "－1",
            "＠x",
            "' ＝1",
        ] {
            let cell = format_cell(&json!(text));
            assert!(cell.starts_with('\''), "{cell}");
            assert_eq!(parse_cell("title", &cell).unwrap(), Some(json!(text)));
        }
        for text in ["plain", "'quoted'", "1-1", "质量"] {
            assert_eq!(format_cell(&json!(text)), text);
            assert_eq!(parse_cell("title", text).unwrap(), Some(json!(text)));
        }
    }

    #[test]
    fn cells_have_the_type_of_their_key() {
        assert_eq!(parse_cell("tags", "质量, 标准,,").unwrap(), Some(json!(["质量", "标准"])));
        assert_eq!(parse_cell("views", " 2600 ").unwrap(), Some(json!(2600)));
        assert_eq!(parse_cell("extra", r#"{"a": 1}"#).unwrap(), Some(json!({"a": 1})));
        assert_eq!(parse_cell("category", r#"["新闻", "地方"]"#).unwrap(), Some(json!(["新闻", "地方"])));
        assert_eq!(parse_cell("category", "新闻/地方").unwrap(), Some(json!("新闻/地方")));
        assert_eq!(parse_cell("author", "").unwrap(), None);
        assert_eq!(parse_cell("views", "many").unwrap_err().code, Code::WrongType);
        for (cell, pointer, code) in [
            ("{", "/extra", Code::WrongType),
            (r#"{"a": 1, "a": 2}"#, "/extra/a", Code::DuplicateField),
            (r#"{"a": ["\u0000"]}"#, "/extra/a/0", Code::InvalidFormat),
            (&format!("[{}0]", "0,".repeat(10_000)), "/extra", Code::TooLong),
        ] {
            let fault = parse_cell("extra", cell).unwrap_err();
            assert_eq!((fault.at, fault.code), (At::Pointer(pointer.to_owned()), code));
        }
        for cell in ["质量，计量、标准", "质量;计量；标准", "质量 | 计量|标准|"] {
            assert_eq!(parse_cell("tags", cell).unwrap(), Some(json!(["质量", "计量", "标准"])), "{cell}");
        }
        assert_eq!(parse_cell("tags", "a;b,c").unwrap(), Some(json!(["a;b", "c"])));
        assert_eq!(parse_cell("published_at", "2019/9/20").unwrap(), Some(json!("2019-09-19T16:00:00Z")));
        let serial = parse_cell("published_at", "43728.5").unwrap_err().sentence();
        assert!(serial.contains("dates=excel"), "{serial}");
        for tags in [json!(["a;b"]), json!(["a|b", "c"]), json!(["a、b"]), json!(["a"])] {
            assert_eq!(parse_cell("tags", &format_cell(&tags)).unwrap(), Some(tags));
        }
        assert_eq!(format_cell(&json!(["a", "b"])), "a,b");
        assert_eq!(format_cell(&json!([" a", "b"])), r#"[" a","b"]"#);
    }
}
