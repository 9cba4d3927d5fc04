//! Cuts CSV into records (RFC 4180), and goes on after what is no record.
//!
//! A quote opens a cell only at its beginning, after blanks at most; elsewhere in a cell without quotes it is text. In a quoted cell
//! `""` is a quote, and any other quote ends the cell: only blanks may stand between it and the next delimiter
//! or the end of the line. A record of several lines has as many cells as the header.
//!
//! Text that breaks these rules is malformed. It costs its row, and reading goes on at the first later line
//! that is a record with the header's number of cells, and without quotes inside of unquoted cells: such a
//! line may be the end of a broken cell.

use std::io::{self, Read};

use csv::ByteRecord;

use super::body_errors::MAX_ROW_BYTES;
use super::lookahead::Lookahead;

/// Bytes kept of the first line of malformed text.
const MAX_SHOWN_BYTES: usize = 4 << 10;
/// Longest first cell of a line that looks like a row, in bytes.
const MAX_FIRST_CELL_BYTES: usize = 200;

/// What stands next in CSV.
#[derive(Debug)]
pub enum CsvItem {
    /// A record.
    Record {
        /// Its first line. The first line of the body is 1.
        line: u64,
        /// Its cells.
        cells: ByteRecord,
        /// Whether a quoted cell holds a line that looks like a row.
        holds_rows: bool,
    },
    /// Text that is no record.
    Malformed {
        /// Its first line.
        line: u64,
        /// The line at which reading went on, or that after the last.
        next_line: u64,
        /// What is wrong with it.
        reason: Malformed,
        /// The beginning of its first line.
        text: Vec<u8>,
    },
}

/// Why text is no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// A quoted cell does not end.
    OpenQuote,
    /// Text follows the end of a quoted cell.
    TextAfterQuote,
    /// A record of several lines has another number of cells than the header.
    CellCount,
}

/// A record as it was parsed, and its length.
struct Parsed {
    cells: ByteRecord,
    /// Bytes up to the next record.
    length: usize,
    /// Line breaks in it, with the one that ends it.
    line_breaks: u64,
    /// Whether a cell without quotes around it has one inside.
    has_stray_quote: bool,
}

/// Why a record could not be parsed.
enum ParseError {
    Io(io::Error),
    Malformed(Malformed),
}

impl From<io::Error> for ParseError {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

impl From<Malformed> for ParseError {
    fn from(reason: Malformed) -> Self {
        Self::Malformed(reason)
    }
}

/// Cuts CSV into records. Holds at most [`MAX_ROW_BYTES`] of it.
pub struct RecordCutter<R> {
    source: Lookahead<R>,
    delimiter: u8,
    /// Cells of the header, once it was read.
    width: Option<usize>,
    line: u64,
    /// Whether the text before ended in a carriage return, whose line feed may follow.
    is_after_return: bool,
}

impl<R: Read> RecordCutter<R> {
    /// Cuts `source` at commas, until another delimiter is set.
    pub fn new(source: R) -> Self {
        let source = Lookahead::new(source);
        Self { source, delimiter: b',', width: None, line: 1, is_after_return: false }
    }

    /// Sets the byte between cells.
    pub fn set_delimiter(&mut self, delimiter: u8) {
        self.delimiter = delimiter;
    }

    /// Takes the next record for the header. `None` if there is none, or if it is malformed.
    pub fn take_header(&mut self) -> io::Result<Option<ByteRecord>> {
        let Some(mut parsed) = self.try_parse()? else { return Ok(None) };
        let is_named = |cell: &[u8]| !cell.trim_ascii().is_empty();
        let width = parsed.cells.iter().rposition(is_named).map_or(1, |last| last + 1);
        parsed.cells.truncate(width);
        self.width = Some(width);
        self.advance(&parsed);
        Ok(Some(parsed.cells))
    }

    /// Reads the next record with another delimiter, and stays where it is.
    pub fn peek_with(&mut self, delimiter: u8) -> io::Result<Option<ByteRecord>> {
        let current = std::mem::replace(&mut self.delimiter, delimiter);
        let parsed = self.try_parse();
        self.delimiter = current;
        Ok(parsed?.map(|parsed| parsed.cells))
    }

    /// Skips a line.
    pub fn take_line(&mut self) -> io::Result<()> {
        self.skip_line(0).map(drop)
    }

    /// Whether nothing is left but blank lines.
    pub fn is_at_end(&mut self) -> io::Result<bool> {
        self.skip_blank_lines()?;
        Ok(self.source.byte(0)?.is_none())
    }

    fn try_parse(&mut self) -> io::Result<Option<Parsed>> {
        self.skip_blank_lines()?;
        if self.source.byte(0)?.is_none() {
            return Ok(None);
        }
        match self.parse() {
            Ok(parsed) => Ok(Some(parsed)),
            Err(ParseError::Malformed(_)) => Ok(None),
            Err(ParseError::Io(cause)) => Err(cause),
        }
    }

    /// The next record or malformed text. `None` at the end.
    pub fn next_item(&mut self) -> io::Result<Option<CsvItem>> {
        loop {
            self.skip_blank_lines()?;
            if self.source.byte(0)?.is_none() {
                return Ok(None);
            }
            let line = self.line;
            match self.parse() {
                Ok(parsed) => {
                    self.advance(&parsed);
                    if parsed.cells.iter().all(|cell| cell.trim_ascii().is_empty()) {
                        continue;
                    }
                    let holds_rows = parsed.line_breaks > 1 && self.holds_rows(&parsed.cells);
                    return Ok(Some(CsvItem::Record { line, cells: parsed.cells, holds_rows }));
                }
                Err(ParseError::Malformed(reason)) => return self.skip_malformed(reason).map(Some),
                Err(ParseError::Io(cause)) => return Err(cause),
            }
        }
    }

    /// Skips malformed text up to the next line that is a record with the header's number of cells.
    fn skip_malformed(&mut self, reason: Malformed) -> io::Result<CsvItem> {
        let line = self.line;
        let text = self.skip_line(MAX_SHOWN_BYTES)?;
        loop {
            self.skip_blank_lines()?;
            let is_end = self.source.byte(0)?.is_none();
            let is_record = !is_end
                && match self.parse() {
                    Ok(parsed) => Some(parsed.cells.len()) == self.width && !parsed.has_stray_quote,
                    Err(ParseError::Malformed(_)) => false,
                    Err(ParseError::Io(cause)) => return Err(cause),
                };
            if is_end || is_record {
                return Ok(CsvItem::Malformed { line, next_line: self.line, reason, text });
            }
            self.skip_line(0)?;
        }
    }

    /// Parses the record at the beginning of the unread text, and stays there.
    fn parse(&mut self) -> Result<Parsed, ParseError> {
        let (mut cells, mut cell) = (ByteRecord::new(), Vec::new());
        let (mut at, mut line_breaks, mut has_stray_quote) = (0, 0, false);
        loop {
            cell.clear();
            let text_at = self.skip_blanks(at)?;
            if self.source.byte(text_at)? == Some(b'"') {
                at = self.parse_quoted(text_at + 1, &mut cell, &mut line_breaks)?;
            } else {
                at = self.parse_plain(at, line_breaks, &mut cell)?;
                has_stray_quote |= cell.contains(&b'"');
            }
            cells.push_field(&cell);
            match self.source.byte(at)? {
                Some(byte) if byte == self.delimiter => at += 1,
                Some(b'\r' | b'\n') | None => break,
                Some(_) => return Err(Malformed::TextAfterQuote.into()),
            }
            // Without this bound, broken text would be parsed to its end from each of its lines.
            if line_breaks > 0 && self.width.is_some_and(|width| cells.len() > 2 * width) {
                return Err(Malformed::CellCount.into());
            }
        }
        self.drop_empty_cells(&mut cells);
        if line_breaks > 0 && self.width.is_some_and(|width| cells.len() != width) {
            return Err(Malformed::CellCount.into());
        }
        Ok(Parsed { cells, length: at + 1, line_breaks: line_breaks + 1, has_stray_quote })
    }

    /// Drops the empty cells at the end that the header does not have.
    fn drop_empty_cells(&self, cells: &mut ByteRecord) {
        let Some(width) = self.width.filter(|width| cells.len() > *width) else { return };
        if cells.iter().skip(width).all(|cell| cell.trim_ascii().is_empty()) {
            cells.truncate(width);
        }
    }

    /// Parses the rest of a quoted cell. Returns where the text after it begins.
    fn parse_quoted(
        &mut self,
        mut at: usize,
        cell: &mut Vec<u8>,
        line_breaks: &mut u64,
    ) -> Result<usize, ParseError> {
        loop {
            let chunk = self.source.available(at)?;
            if chunk.is_empty() {
                return Err(Malformed::OpenQuote.into());
            }
            let length = chunk.iter().position(|byte| *byte == b'"').unwrap_or(chunk.len());
            let is_end = length < chunk.len();
            cell.extend_from_slice(&chunk[..length]);
            *line_breaks += count_line_breaks(&chunk[..length]);
            at += length;
            if at as u64 > MAX_ROW_BYTES {
                // A line that is too long is refused as such.
                return Err(if *line_breaks > 0 { Malformed::OpenQuote.into() } else { too_long().into() });
            }
            if is_end {
                if self.source.byte(at + 1)? != Some(b'"') {
                    break;
                }
                cell.push(b'"');
                at += 2;
            }
        }
        Ok(self.skip_blanks(at + 1)?)
    }

    /// Where the blanks of a line end that begin at `at`.
    fn skip_blanks(&mut self, mut at: usize) -> io::Result<usize> {
        let delimiter = self.delimiter;
        let is_blank = |byte| matches!(byte, b' ' | b'\t') && byte != delimiter;
        while (at as u64) < MAX_ROW_BYTES && self.source.byte(at)?.is_some_and(is_blank) {
            at += 1;
        }
        Ok(at)
    }

    /// Parses a cell without quotes. Returns where it ends.
    fn parse_plain(
        &mut self,
        mut at: usize,
        line_breaks: u64,
        cell: &mut Vec<u8>,
    ) -> Result<usize, ParseError> {
        let delimiter = self.delimiter;
        loop {
            let chunk = self.source.available(at)?;
            let ends = |byte: &u8| *byte == delimiter || matches!(byte, b'\r' | b'\n');
            let length = chunk.iter().position(ends).unwrap_or(chunk.len());
            let is_end = length < chunk.len() || chunk.is_empty();
            cell.extend_from_slice(&chunk[..length]);
            at += length;
            if at as u64 > MAX_ROW_BYTES {
                return Err(if line_breaks > 0 { Malformed::OpenQuote.into() } else { too_long().into() });
            }
            if is_end {
                return Ok(at);
            }
        }
    }

    /// Whether a cell holds a line, after its first, that has as many cells as the header.
    fn holds_rows(&self, cells: &ByteRecord) -> bool {
        let Some(width) = self.width.filter(|width| *width > 1) else { return false };
        cells.iter().any(|cell| {
            let mut lines = cell.split(|byte| matches!(byte, b'\r' | b'\n')).skip(1);
            lines.any(|line| self.looks_like_row(line, width))
        })
    }

    fn looks_like_row(&self, line: &[u8], width: usize) -> bool {
        let mut parts = line.split(|byte| *byte == self.delimiter);
        let first = parts.next().unwrap_or_default();
        let starts_like_row = !first.trim_ascii().is_empty()
            && first.len() <= MAX_FIRST_CELL_BYTES
            && !first.trim_ascii_start().starts_with(b"<");
        // In prose, a blank follows a comma.
        starts_like_row
            && line.iter().filter(|byte| **byte == self.delimiter).count() + 1 == width
            && parts.all(|part| !part.starts_with(b" "))
    }

    fn skip_blank_lines(&mut self) -> io::Result<()> {
        if self.is_after_return {
            match self.source.byte(0)? {
                Some(b'\n') => self.source.pass(1),
                Some(_) => {}
                None => return Ok(()),
            }
            self.is_after_return = false;
        }
        loop {
            let length = self.skip_blanks(0)?;
            match self.source.byte(length)? {
                Some(b'\r' | b'\n') => drop(self.skip_line(0)?),
                None => {
                    self.source.pass(length);
                    return Ok(());
                }
                Some(_) => return Ok(()),
            }
        }
    }

    /// Skips the rest of a line. Returns its first `kept` bytes.
    fn skip_line(&mut self, kept: usize) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        loop {
            let chunk = self.source.available(0)?;
            let length = chunk.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(chunk.len());
            let end = chunk.get(length).copied();
            let is_last = end.is_some() || chunk.is_empty();
            text.extend_from_slice(&chunk[..length.min(kept - text.len())]);
            self.source.pass(length);
            if is_last {
                self.end_line(end);
                return Ok(text);
            }
        }
    }

    /// Passes over the end of a line.
    fn end_line(&mut self, end: Option<u8>) {
        let Some(byte) = end else { return };
        self.source.pass(1);
        self.line += 1;
        self.is_after_return = byte == b'\r';
        // The next byte is not waited for: a slow sender may send it much later.
        if self.is_after_return && self.source.read_byte(0).is_some() {
            self.source.pass(usize::from(self.source.read_byte(0) == Some(b'\n')));
            self.is_after_return = false;
        }
    }

    /// Passes over a record that was parsed.
    fn advance(&mut self, parsed: &Parsed) {
        self.line += parsed.line_breaks - 1;
        self.source.pass(parsed.length - 1);
        self.end_line(self.source.read_byte(0));
    }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "a row is too long")
}

/// Counts the ends of lines: line feeds, and carriage returns without one.
fn count_line_breaks(text: &[u8]) -> u64 {
    let feeds = text.iter().filter(|byte| **byte == b'\n').count();
    let lone_returns = text.windows(2).filter(|pair| pair[0] == b'\r' && pair[1] != b'\n').count();
    (feeds + lone_returns) as u64
}

#[cfg(test)]
mod tests;
