//! Rows as records of CSV: a header line, then a record per row.

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;

use csv::ByteRecord;
use serde_json::Value;

use super::body_errors::map_read_error;
use super::csv_columns::{ColumnMapping, Columns};
use super::csv_records::{CsvItem, Malformed, RecordCutter};
use super::row_text::RowText;
use crate::error::{Code, Fault, Result};
use crate::interchange::cells;

/// A record, and what is known of it beside its cells.
#[derive(Debug)]
pub struct CsvRow {
    /// Its cells.
    pub cells: ByteRecord,
    /// The columns of the body.
    pub columns: Arc<Columns>,
    /// Whether a cell holds a line that looks like a row.
    holds_rows: bool,
    /// Whether this is the first row with a cell in a column without a name.
    has_unnamed_cell: bool,
}

/// Text that is no record.
#[derive(Debug)]
pub struct MalformedRow {
    /// The beginning of its first line.
    pub text: Vec<u8>,
    reason: Malformed,
    line: u64,
    next_line: u64,
}

/// What stands in CSV: a row, or text that is none.
pub(super) type CsvRowResult = std::result::Result<CsvRow, MalformedRow>;

impl CsvRow {
    /// Parses the record to an object, with the faults of its cells.
    pub fn parse(&self, row_text: &mut RowText) -> Result<(Value, Vec<Fault>), Fault> {
        let (record, keys) = (&self.cells, &self.columns.keys);
        if record.len() > keys.len() {
            let fault =
                Fault::body("", Code::InvalidFormat, "has {cells} cells, more than the header's {max}");
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
        Ok(cells::parse_cells(cells.iter().map(|(key, cell)| (*key, cell.as_ref())), &self.columns.dates))
    }

    /// What is odd about the record.
    pub fn warnings(&self) -> Vec<Fault> {
        let mut warnings = Vec::new();
        let (cells, width) = (self.cells.len(), self.columns.keys.len());
        if cells < width {
            let warning =
                Fault::body("", Code::MissingCells, "has {cells} cells, fewer than the header's {min}");
            warnings.push(warning.with("cells", cells).with("min", width));
        }
        if self.holds_rows {
            let detail = "a cell holds lines that look like rows; a quote may be missing";
            warnings.push(Fault::body("", Code::RowsInCell, detail));
        }
        if let Some(column) = self.columns.unnamed.filter(|_| self.has_unnamed_cell) {
            let detail = "column {column} has no name; its cells are left out, here and in later rows";
            warnings.push(Fault::body("", Code::UnnamedColumn, detail).with("column", column));
        }
        warnings
    }
}

impl MalformedRow {
    /// Why it is no row, and what was passed over.
    pub fn fault(&self) -> Fault {
        let detail = match self.reason {
            Malformed::OpenQuote => {
                "is not CSV: a quoted cell does not end; lines {line} to {last_line} were passed over"
            }
            Malformed::TextAfterQuote => {
                "is not CSV: text follows a quoted cell, or a quote in it is not doubled; lines {line} to \
                 {last_line} were passed over"
            }
            Malformed::CellCount => {
                "is not CSV: its quoted cells span lines, and it has not as many cells as the header; lines \
                 {line} to {last_line} were passed over"
            }
        };
        let last_line = self.next_line.saturating_sub(1).max(self.line);
        Fault::body("", Code::MalformedCsv, detail).with("line", self.line).with("last_line", last_line)
    }
}

/// Splits CSV into records and calls `each` with the line and the row, until `each` breaks.
pub(super) fn read_records(
    source: impl Read,
    mapping: &ColumnMapping,
    each: &mut dyn FnMut(u64, CsvRowResult) -> ControlFlow<()>,
) -> Result<()> {
    let mut cutter = RecordCutter::new(source);
    let columns = Arc::new(mapping.read_header(&mut cutter).map_err(map_read_error)??);
    let mut has_told_unnamed = false;
    while let Some(item) = cutter.next_item().map_err(map_read_error)? {
        let (line, row) = match item {
            CsvItem::Record { line, cells, holds_rows } => {
                let has_unnamed_cell = !has_told_unnamed && has_cell(&cells, columns.unnamed);
                has_told_unnamed |= has_unnamed_cell;
                (line, Ok(CsvRow { cells, columns: columns.clone(), holds_rows, has_unnamed_cell }))
            }
            CsvItem::Malformed { line, next_line, reason, text } => {
                (line, Err(MalformedRow { text, reason, line, next_line }))
            }
        };
        if each(line, row).is_break() {
            break;
        }
    }
    Ok(())
}

/// Whether a record has text in a column, counted from 1.
fn has_cell(cells: &ByteRecord, column: Option<usize>) -> bool {
    let cell = column.and_then(|column| cells.get(column - 1));
    cell.is_some_and(|cell| !cell.trim_ascii().is_empty())
}
