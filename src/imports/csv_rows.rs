//! Rows as records of CSV (RFC 4180): a header line, then a record per row.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::ByteRecord;
use serde_json::Value;

use super::body_errors::{MAX_ROW_BYTES, map_read_error};
use super::row_text::RowText;
use crate::config::charsets::EncodingErrors;
use crate::error::{Code, Error, Fault, Result};
use crate::http::pointer::{escape, truncate_key};
use crate::http::schema::find_nearest;
use crate::interchange::cells;

/// The key of each column. `None` leaves the column out.
pub type ColumnKeys = Vec<Option<String>>;

/// Maps the columns of CSV to keys of rows.
#[derive(Clone, Debug, Default)]
pub struct ColumnMapping {
    mapping: Vec<(String, String)>,
    /// The keys that rows can have.
    known: &'static [&'static str],
}

impl ColumnMapping {
    /// Maps the header of each pair to its key. An empty key leaves the column out.
    pub fn new(mapping: Vec<(String, String)>) -> Self {
        Self { mapping, known: &[] }
    }

    /// Sets the keys that rows can have.
    pub fn with_known_keys(self, known: &'static [&'static str]) -> Self {
        Self { known, ..self }
    }

    /// The key of each header, or `None` if the column is left out. Returns the faults of all headers.
    fn map_headers(&self, headers: &ByteRecord) -> Result<ColumnKeys> {
        let mut faults = Vec::new();
        let mut keys = ColumnKeys::new();
        for header in headers {
            let header = RowText::new(EncodingErrors::Fail).resolve(header, "")?.trim().to_owned();
            let mapped = self.mapping.iter().find(|(name, _)| *name == header).map(|(_, key)| key.as_str());
            let key = mapped.unwrap_or(&header);
            if key.is_empty() {
                keys.push(None);
                continue;
            }
            let pointer = escape(&truncate_key(&header));
            if !self.known.contains(&key) {
                let fault = Fault::body(format!("/{pointer}"), Code::UnknownField, "unknown column");
                faults.push(fault.suggest(find_nearest(key, self.known.iter().copied())));
            } else if keys.iter().flatten().any(|known| known == key) {
                faults.push(Fault::body(format!("/{pointer}"), Code::DuplicateField, "duplicate column"));
            }
            keys.push(Some(key.to_owned()));
        }
        Error::body(faults)?;
        Ok(keys)
    }
}

/// Parses a record to an object, with the faults of its cells.
pub(super) fn parse_record(
    record: &ByteRecord,
    keys: &[Option<String>],
    row_text: &mut RowText,
) -> Result<(Value, Vec<Fault>), Fault> {
    if record.len() > keys.len() {
        let fault = Fault::body("", Code::InvalidFormat, "has {cells} cells, more than the header's {max}");
        return Err(fault.with("cells", record.len()).with("max", keys.len()));
    }
    let mut cells = Vec::with_capacity(keys.len());
    for (key, cell) in keys.iter().zip(record) {
        let Some(key) = key else { continue };
        let cell = row_text.resolve(cell, &format!("/{key}"))?;
        if cell.contains('\0') {
            let detail = "must not contain the NUL character";
            return Err(Fault::body(format!("/{key}"), Code::InvalidFormat, detail));
        }
        cells.push((key.as_str(), cell));
    }
    Ok(cells::parse_cells(cells.iter().map(|(key, cell)| (*key, cell.as_ref()))))
}

/// Splits CSV into records and calls `each` with the line, the record and the keys of the columns, until
/// `each` breaks.
pub(super) fn read_records(
    source: impl Read,
    columns: &ColumnMapping,
    each: &mut dyn FnMut(u64, ByteRecord, Arc<ColumnKeys>) -> ControlFlow<()>,
) -> Result<()> {
    let budget = Arc::new(AtomicU64::new(MAX_ROW_BYTES));
    let metered = BudgetReader { source, budget: budget.clone() };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(metered);
    let map_csv_error = |cause: csv::Error| match cause.into_kind() {
        csv::ErrorKind::Io(cause) => map_read_error(cause),
        _ => Error::Refused(Code::BadRequest, "The body is not CSV.".into()),
    };
    let keys = Arc::new(columns.map_headers(reader.byte_headers().map_err(map_csv_error)?)?);
    let mut record = ByteRecord::new();
    loop {
        budget.store(MAX_ROW_BYTES, Ordering::Relaxed);
        if !reader.read_byte_record(&mut record).map_err(map_csv_error)? {
            return Ok(());
        }
        let line = record.position().map_or(0, csv::Position::line);
        if each(line, record.clone(), keys.clone()).is_break() {
            return Ok(());
        }
    }
}

/// Limits the bytes read for one row. The reader of rows resets the budget after each row.
struct BudgetReader<R> {
    source: R,
    budget: Arc<AtomicU64>,
}

impl<R: Read> Read for BudgetReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(into)?;
        let left = self.budget.load(Ordering::Relaxed);
        if left < read as u64 {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a row is too long"));
        }
        self.budget.store(left - read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
