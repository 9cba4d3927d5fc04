//! Bodies cut into rows: NDJSON, a JSON array, or CSV (RFC 4180).

use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::ByteRecord;
use serde_json::Value;

use crate::error::{Code, Error, Fault, Result};
use crate::http::json;
use crate::http::schema::did_you_mean;
use crate::interchange::cells;

/// Largest row, in bytes: twice the largest body of a single write.
pub const ROW_MAX: u64 = 8 << 20;
/// How much of a row that is too large is passed over before the body is given up.
const PASS_OVER_MAX: u64 = 256 << 20;

/// How rows are written one after another.
#[derive(Clone, Debug)]
pub enum Format {
    /// A JSON value a line. Blank lines and those that begin with `#` are passed over.
    Ndjson,
    /// A JSON array of rows.
    Json,
    /// A header line, and a record a row.
    Csv(Columns),
}

/// Which keys the columns of CSV are.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    mapping: Vec<(String, String)>,
    /// The keys that rows can have.
    known: &'static [&'static str],
}

impl Columns {
    /// Columns whose header is the first of a pair have the second as their key; empty: none.
    pub fn new(mapping: Vec<(String, String)>) -> Self {
        Self { mapping, known: &[] }
    }

    /// The same for rows that can have these keys.
    pub fn of(self, known: &'static [&'static str]) -> Self {
        Self { known, ..self }
    }

    /// The key of each header; `None` for one that is left out.
    fn keys(&self, headers: &ByteRecord) -> Result<Vec<Option<String>>> {
        let mut faults = Vec::new();
        let mut keys: Vec<Option<String>> = Vec::new();
        for header in headers {
            let header = String::from_utf8_lossy(header).trim().to_owned();
            let mapped = self.mapping.iter().find(|(name, _)| *name == header).map(|(_, key)| key.as_str());
            let key = mapped.unwrap_or(&header);
            if key.is_empty() {
                keys.push(None);
                continue;
            }
            let shown = json::escape(&json::truncate_key(&header));
            if !self.known.contains(&key) {
                let hint = did_you_mean(key, self.known.iter().copied());
                faults.push(Fault::body(
                    format!("/{shown}"),
                    Code::UnknownField,
                    format!("unknown column{hint}"),
                ));
            } else if keys.iter().flatten().any(|known| known == key) {
                faults.push(Fault::body(
                    format!("/{shown}"),
                    Code::DuplicateField,
                    "is given more than once",
                ));
            }
            keys.push(Some(key.to_owned()));
        }
        Error::body(faults)?;
        Ok(keys)
    }
}

/// A row as it was cut out, and where it stood.
#[derive(Debug)]
pub struct RawRow {
    /// Its line, or its number in an array; from 1.
    pub line: u64,
    /// What stands there.
    pub text: Text,
}

/// What stands in a row's place.
#[derive(Debug)]
pub enum Text {
    /// A line that should be JSON.
    Line(Vec<u8>),
    /// An item of a JSON array, with the faults found in reading it.
    Value(Value, Vec<Fault>),
    /// A record of CSV, and the keys of its cells.
    Record(ByteRecord, Arc<Vec<Option<String>>>),
    /// Something that is too large to be a row.
    TooLarge,
}

impl Text {
    /// Roughly how many bytes it takes.
    pub fn size(&self) -> usize {
        match self {
            Self::Line(line) => line.len(),
            Self::Value(value, _) => value.as_object().map_or(0, |object| {
                object.values().map(|value| value.as_str().map_or(32, str::len)).sum::<usize>() + 512
            }),
            Self::Record(record, _) => record.as_slice().len(),
            Self::TooLarge => 0,
        }
    }

    /// The row as an object, with the faults found in reading it; a fault alone if it is none.
    ///
    /// Unless it came as UTF-8, U+FFFD stands for bytes that are no text.
    pub fn parse(&self, is_utf8: bool) -> Result<(Value, Vec<Fault>), Fault> {
        let (value, faults) = match self {
            Self::Line(line) => json::parse(line).map_err(|error| not_json(line, &error))?,
            Self::Value(value, faults) => (value.clone(), faults.clone()),
            Self::Record(record, keys) => from_record(record, keys)?,
            Self::TooLarge => {
                let detail = format!("a row may have at most {ROW_MAX} bytes");
                return Err(Fault::body("", Code::TooLong, detail));
            }
        };
        if !is_utf8 && value.to_string().contains('\u{fffd}') {
            Err(Fault::body("", Code::InvalidEncoding, "holds bytes that are no text"))
        } else if !value.is_object() {
            Err(Fault::body("", Code::WrongType, "must be an object"))
        } else {
            Ok((value, faults))
        }
    }
}

fn not_json(line: &[u8], error: &Error) -> Fault {
    if std::str::from_utf8(line).is_err() {
        return Fault::body("", Code::InvalidEncoding, "is not UTF-8");
    }
    let detail = match error {
        Error::Refused(_, detail) => detail.replace("The body is", "is").trim_end_matches('.').to_owned(),
        _ => "is not JSON".to_owned(),
    };
    Fault::body("", Code::MalformedJson, detail)
}

fn from_record(record: &ByteRecord, keys: &[Option<String>]) -> Result<(Value, Vec<Fault>), Fault> {
    if record.len() > keys.len() {
        let detail = format!("has {} cells, more than the header's {}", record.len(), keys.len());
        return Err(Fault::body("", Code::InvalidFormat, detail));
    }
    let mut cells = Vec::with_capacity(keys.len());
    for (key, cell) in keys.iter().zip(record) {
        let Some(key) = key else { continue };
        let Ok(cell) = std::str::from_utf8(cell) else {
            return Err(Fault::body(format!("/{key}"), Code::InvalidEncoding, "is not UTF-8"));
        };
        if cell.contains('\0') {
            let detail = "must not contain the NUL character";
            return Err(Fault::body(format!("/{key}"), Code::InvalidFormat, detail));
        }
        cells.push((key.as_str(), cell));
    }
    Ok(cells::row(cells.into_iter()))
}

/// Cuts `source` into rows and hands them to `each`, until that breaks.
///
/// Fails where the body as a whole cannot be read (any further).
pub fn read(
    format: &Format,
    source: impl Read,
    each: &mut dyn FnMut(RawRow) -> ControlFlow<()>,
) -> Result<()> {
    match format {
        Format::Ndjson => lines(BufReader::with_capacity(1 << 16, source), each),
        Format::Json => items(source, each),
        Format::Csv(columns) => records(source, columns, each),
    }
}

fn lines(mut source: impl BufRead, each: &mut dyn FnMut(RawRow) -> ControlFlow<()>) -> Result<()> {
    for line in 1.. {
        let mut bytes = Vec::new();
        let length = source.by_ref().take(ROW_MAX).read_until(b'\n', &mut bytes).map_err(broken)?;
        if length == 0 {
            break;
        }
        let is_whole = bytes.ends_with(b"\n") || (length as u64) < ROW_MAX;
        let text = match is_whole {
            true if is_passed_over(&bytes) => continue,
            true => Text::Line(bytes),
            false => {
                pass_over_line(&mut source)?;
                Text::TooLarge
            }
        };
        if each(RawRow { line, text }).is_break() {
            break;
        }
    }
    Ok(())
}

fn is_passed_over(line: &[u8]) -> bool {
    let text = line.trim_ascii();
    text.is_empty() || text.starts_with(b"#")
}

/// Passes over the rest of a line, so that the next one can be read.
fn pass_over_line(source: &mut impl BufRead) -> Result<()> {
    let passed = source.by_ref().take(PASS_OVER_MAX).skip_until(b'\n').map_err(broken)?;
    if passed as u64 == PASS_OVER_MAX { Err(too_large("a line without an end")) } else { Ok(()) }
}

fn items(source: impl Read, each: &mut dyn FnMut(RawRow) -> ControlFlow<()>) -> Result<()> {
    let budget = Arc::new(AtomicU64::new(ROW_MAX));
    let metered = Metered { source, budget: budget.clone() };
    let mut line = 0;
    let read = json::items(BufReader::with_capacity(1 << 16, metered), &mut |value, faults| {
        budget.store(ROW_MAX, Ordering::Relaxed);
        line += 1;
        each(RawRow { line, text: Text::Value(value, faults) })
    });
    read.map_err(|cause| match cause.is_io() {
        true => broken(cause.into()),
        false => Error::Refused(Code::MalformedJson, format!("The body is not a JSON array: {cause}.")),
    })
}

fn records(
    source: impl Read,
    columns: &Columns,
    each: &mut dyn FnMut(RawRow) -> ControlFlow<()>,
) -> Result<()> {
    let budget = Arc::new(AtomicU64::new(ROW_MAX));
    let metered = Metered { source, budget: budget.clone() };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(metered);
    let of_csv = |cause: csv::Error| match cause.into_kind() {
        csv::ErrorKind::Io(cause) => broken(cause),
        _ => Error::Refused(Code::BadRequest, "The body is not CSV.".to_owned()),
    };
    let keys = Arc::new(columns.keys(reader.byte_headers().map_err(of_csv)?)?);
    let mut record = ByteRecord::new();
    loop {
        budget.store(ROW_MAX, Ordering::Relaxed);
        if !reader.read_byte_record(&mut record).map_err(of_csv)? {
            return Ok(());
        }
        let line = record.position().map_or(0, csv::Position::line);
        if each(RawRow { line, text: Text::Record(record.clone(), keys.clone()) }).is_break() {
            return Ok(());
        }
    }
}

/// Reads no more than a budget that is filled again with each row.
struct Metered<R> {
    source: R,
    budget: Arc<AtomicU64>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(into)?;
        let left = self.budget.load(Ordering::Relaxed);
        if left < read as u64 {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a row without an end"));
        }
        self.budget.store(left - read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

fn too_large(what: &str) -> Error {
    Error::Refused(Code::PayloadTooLarge, format!("The body holds more than an import takes: {what}."))
}

/// What a body that cannot be read any further means to the client.
pub fn broken(cause: io::Error) -> Error {
    match cause.kind() {
        io::ErrorKind::FileTooLarge => too_large(&cause.to_string()),
        io::ErrorKind::TimedOut => {
            Error::Refused(Code::RequestTimeout, "The body stopped arriving.".to_owned())
        }
        _ => Error::Refused(Code::BadRequest, format!("The body broke off: {cause}.")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::interchange::decode::{Compression, decoded};

    /// The rows of `bytes`, whatever they are: their lines, and whether they parse.
    fn parsed(format: &Format, bytes: &[u8]) -> Vec<(u64, bool)> {
        let mut rows = Vec::new();
        let body = decoded(Cursor::new(bytes.to_vec()), Compression::Identity, None);
        // What cannot be read to its end is as good a case.
        let _ = read(format, body.unwrap().text, &mut |row| {
            rows.push((row.line, row.text.parse(true).is_ok()));
            ControlFlow::Continue(())
        });
        rows
    }

    fn formats() -> [Format; 3] {
        [
            Format::Ndjson,
            Format::Json,
            Format::Csv(Columns::default().of(&["title", "tags", "extra", "views"])),
        ]
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        let lines = |format: &Format, text: &str| {
            parsed(format, text.as_bytes()).into_iter().map(|(line, _)| line).collect::<Vec<_>>()
        };
        let [ndjson, json, csv] = formats();
        assert_eq!(lines(&ndjson, "# note\n{}\n\n{}"), [2, 4]);
        assert_eq!(lines(&json, "[{}, {},\n{}]"), [1, 2, 3]);
        assert_eq!(lines(&csv, "title\n\"a\nb\"\nc\n"), [2, 4]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn any_bytes_are_rows_or_faults(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            for format in formats() {
                prop_assert!(parsed(&format, &bytes).len() <= bytes.len() + 1);
            }
        }

        #[test]
        fn bodies_with_damage_are_rows_or_faults(
            at in 0..400_usize,
            damage in prop::collection::vec(any::<u8>(), 1..8),
        ) {
            let bodies = [
                "{\"title\": \"质量\", \"tags\": [\"a\"], \"views\": 7}\n".repeat(8),
                format!("[{}]", ["{\"title\": \"质量\", \"extra\": {\"a\": [1, 2.5]}}"; 8].join(",")),
                format!("title,tags,extra,views\n{}", "\"a \"\"b\"\"\",\"x,y\",\"{\"\"a\"\": 1}\",3\n".repeat(10)),
            ];
            for (format, body) in formats().into_iter().zip(bodies) {
                let mut bytes = body.into_bytes();
                let at = at.min(bytes.len());
                bytes.splice(at..at, damage.clone());
                prop_assert!(parsed(&format, &bytes).len() <= bytes.len());
            }
        }
    }
}
