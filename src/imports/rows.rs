//! Splits bodies into rows: NDJSON, a JSON array, or CSV (RFC 4180).

use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;

use serde_json::Value;

use super::body_errors::{MAX_ROW_BYTES, map_read_error, payload_too_large};
use super::csv_columns::ColumnMapping;
use super::csv_rows::{self, CsvRow, MalformedRow};
use super::json_items::{CutError, ItemReader};
use super::row_text::RowText;
use crate::config::charsets::EncodingErrors;
use crate::error::{Code, Error, Fault, Result, Sentence};
use crate::http::json::{self, MAX_VALUES};

/// Most bytes skipped of a line that is too large. The body is refused beyond that.
const MAX_SKIPPED_LINE_BYTES: u64 = 256 << 20;

/// The format of the rows of a body.
#[derive(Clone, Debug)]
pub enum Format {
    /// One JSON object per line. Blank lines and lines that begin with `#` are skipped.
    Ndjson,
    /// A JSON array of rows.
    Json,
    /// A header line, then one record per row.
    Csv(ColumnMapping),
}

/// An unparsed row and its position.
#[derive(Debug)]
pub struct RawRow {
    /// Its line, or its number in the array. The first is 1.
    pub line: u64,
    /// Its text.
    pub text: RawText,
}

/// The text of a row.
#[derive(Debug)]
pub enum RawText {
    /// A line of NDJSON, or an item of a JSON array.
    Json(Vec<u8>),
    /// A record of CSV.
    Record(CsvRow),
    /// Text that is no record of CSV.
    Malformed(MalformedRow),
    /// A row that is larger than 8 MiB. Its text is discarded.
    TooLarge,
}

impl RawText {
    /// Its size in the body, in bytes.
    pub fn byte_size(&self) -> usize {
        self.bytes().len()
    }

    /// An upper bound of the values that its parsing makes. Counts commas and opening brackets.
    pub fn max_values(&self) -> usize {
        let marks = self.bytes().iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
        marks.min(MAX_VALUES)
    }

    /// What is odd about its form.
    pub fn warnings(&self) -> Vec<Fault> {
        match self {
            Self::Record(row) => row.warnings(),
            Self::Json(_) | Self::Malformed(_) | Self::TooLarge => Vec::new(),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Json(text) => text,
            Self::Record(row) => row.cells.as_slice(),
            Self::Malformed(_) | Self::TooLarge => &[],
        }
    }

    /// Parses the row to an object. Fails if it is not an object, and as `errors` says if some of it could not
    /// be decoded.
    pub fn parse(&self, errors: EncodingErrors) -> Result<RowValue, Fault> {
        let mut row_text = RowText::new(errors);
        let (value, faults) = match self {
            Self::Json(text) => {
                let text = row_text.resolve(text, "")?;
                // Files that were joined have byte-order marks at the beginning of lines.
                let text = text.trim_start_matches('\u{feff}');
                json::parse(text.as_bytes()).map_err(json::ParseError::into_fault)?
            }
            Self::Record(row) => row.parse(&mut row_text)?,
            Self::Malformed(row) => return Err(row.fault()),
            Self::TooLarge => {
                let fault = Fault::body("", Code::TooLong, "must have at most {max} bytes");
                return Err(fault.with("max", MAX_ROW_BYTES));
            }
        };
        if !value.is_object() {
            return Err(Fault::body("", Code::WrongType, "must be an object"));
        }
        // What a reader of foreign files sends in place of an article that it could not read.
        if let Some(reason) = value.get("unreadable").and_then(Value::as_str) {
            return Err(
                Fault::body("", Code::UnreadableRow, "cannot be read: {reason}").with("reason", reason)
            );
        }
        Ok(RowValue { value, faults, warning: row_text.into_warning() })
    }
}

/// A row as an object.
#[derive(Debug)]
pub struct RowValue {
    /// The object.
    pub value: Value,
    /// The faults of its keys.
    pub faults: Vec<Fault>,
    /// The warning of a row in which U+FFFD took the place of what could not be decoded.
    pub warning: Option<Fault>,
}

/// Splits `source` into rows and calls `each` with every row, until `each` breaks.
///
/// Fails if the body cannot be read to its end.
pub fn read_rows(
    format: &Format,
    source: impl Read,
    each: &mut dyn FnMut(RawRow) -> ControlFlow<()>,
) -> Result<()> {
    match format {
        Format::Ndjson => read_lines(BufReader::with_capacity(1 << 16, source), each),
        Format::Json => read_items(source, each),
        Format::Csv(columns) => csv_rows::read_records(source, columns, &mut |line, row| {
            each(RawRow { line, text: row.map_or_else(RawText::Malformed, RawText::Record) })
        }),
    }
}

fn read_lines(mut source: impl BufRead, each: &mut dyn FnMut(RawRow) -> ControlFlow<()>) -> Result<()> {
    for line in 1.. {
        let mut bytes = Vec::new();
        let length =
            source.by_ref().take(MAX_ROW_BYTES).read_until(b'\n', &mut bytes).map_err(map_read_error)?;
        if length == 0 {
            break;
        }
        let is_complete = bytes.ends_with(b"\n") || (length as u64) < MAX_ROW_BYTES;
        let text = match is_complete {
            true if is_blank_or_comment(&bytes) => continue,
            true => RawText::Json(bytes),
            false => {
                skip_line(&mut source)?;
                RawText::TooLarge
            }
        };
        if each(RawRow { line, text }).is_break() {
            break;
        }
    }
    Ok(())
}

fn is_blank_or_comment(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    text.is_empty() || text.starts_with(b"#")
}

/// Skips the rest of a line.
fn skip_line(source: &mut impl BufRead) -> Result<()> {
    let passed = source.by_ref().take(MAX_SKIPPED_LINE_BYTES).skip_until(b'\n').map_err(map_read_error)?;
    if passed as u64 == MAX_SKIPPED_LINE_BYTES {
        Err(payload_too_large("The body is too large: a line is too long."))
    } else {
        Ok(())
    }
}

fn read_items(source: impl Read, each: &mut dyn FnMut(RawRow) -> ControlFlow<()>) -> Result<()> {
    let mut items = ItemReader::new(BufReader::with_capacity(1 << 16, source), MAX_ROW_BYTES);
    for line in 1.. {
        let item = items.next_item().map_err(|error| match error {
            CutError::Io(cause) => map_read_error(cause),
            CutError::TooLong => payload_too_large("The body is too large: a row is too long."),
            CutError::Malformed(at, reason) => Error::Refused(
                Code::MalformedJson,
                Sentence::from("The body is not a JSON array: item {item}: {reason}.")
                    .with("item", at)
                    .with("reason", reason),
            ),
        })?;
        let Some(text) = item else { break };
        if each(RawRow { line, text: RawText::Json(text) }).is_break() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::interchange::decode::{Compression, decode_body};

    /// The lines of the rows in `bytes`, and whether each row parses.
    fn parse_body(format: &Format, bytes: &[u8]) -> Vec<(u64, bool)> {
        let mut rows = Vec::new();
        let body = decode_body(Cursor::new(bytes.to_vec()), Compression::Identity, None);
        // A body that cannot be read to its end is a valid test case.
        let _ = read_rows(format, body.unwrap(), &mut |row| {
            rows.push((row.line, row.text.parse(EncodingErrors::Fail).is_ok()));
            ControlFlow::Continue(())
        });
        rows
    }

    fn all_formats() -> [Format; 3] {
        [
            Format::Ndjson,
            Format::Json,
            Format::Csv(ColumnMapping::default().with_known_keys(&["title", "tags", "extra", "views"])),
        ]
    }

    #[test]
    fn lines_are_counted_as_in_an_editor() {
        let lines = |format: &Format, text: &str| {
            parse_body(format, text.as_bytes()).into_iter().map(|(line, _)| line).collect::<Vec<_>>()
        };
        let [ndjson, json, csv] = all_formats();
        assert_eq!(lines(&ndjson, "# note\n{}\n\n{}"), [2, 4]);
        assert_eq!(lines(&json, "[{}, {},\n{}]"), [1, 2, 3]);
        assert_eq!(lines(&csv, "title\n\"a\nb\"\nc\n"), [2, 4]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_bytes_become_rows_or_faults(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            for format in all_formats() {
                prop_assert!(parse_body(&format, &bytes).len() <= bytes.len() + 1);
            }
        }

        #[test]
        fn damaged_bodies_become_rows_or_faults(
            at in 0..400_usize,
            damage in prop::collection::vec(any::<u8>(), 1..8),
        ) {
            let bodies = [
                "{\"title\": \"质量\", \"tags\": [\"a\"], \"views\": 7}\n".repeat(8),
                format!("[{}]", ["{\"title\": \"质量\", \"extra\": {\"a\": [1, 2.5]}}"; 8].join(",")),
                format!("title,tags,extra,views\n{}", "\"a \"\"b\"\"\",\"x,y\",\"{\"\"a\"\": 1}\",3\n".repeat(10)),
            ];
            for (format, body) in all_formats().into_iter().zip(bodies) {
                let mut bytes = body.into_bytes();
                let at = at.min(bytes.len());
                bytes.splice(at..at, damage.clone());
                prop_assert!(parse_body(&format, &bytes).len() <= bytes.len());
            }
        }
    }
}
