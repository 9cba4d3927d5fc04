//! The file of an import. It is read once to import it, and again to collect the rows that failed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use anyhow::Context;
use chrono_tz::Tz;
use encoding_rs::{Encoding, UTF_8};

use super::monitor::FailedRow;
use super::resume::sibling_path;
use super::to_anyhow;
use crate::config::bulk::{Import, RowFormat};
use crate::config::origins::Origin;
use crate::config::timezones::DEFAULT_TIMEZONE;
use crate::error::Code;
use crate::imports::csv_columns::ColumnMapping;
use crate::imports::rows::{self, Format, RawText};
use crate::interchange::charsets::choice::Choice;
use crate::interchange::charsets::declared::Declaration;
use crate::interchange::charsets::marks::resolve_marks_as;
use crate::interchange::decode::{Compression, CountingReader, decode_body};
use crate::interchange::origins::notes::SharedNotes;
use crate::interchange::origins::reader::open_origin;
use crate::interchange::origins::reader_options::ReaderOptions;
use crate::interchange::source_file::{SourceFile, strip_compression};

/// The file of an import.
pub struct ImportFile {
    source: SourceFile,
    from: Option<Origin>,
    reader_options: ReaderOptions,
    /// What the reader of a foreign file notes beside its rows.
    pub notes: SharedNotes,
    /// The format of its rows.
    pub format: RowFormat,
    /// Its compression.
    pub compression: Compression,
    /// The character set of its rows, if it was named or is not UTF-8.
    pub encoding: Option<&'static Encoding>,
    /// What a person should know of how its character set was chosen.
    pub remark: Option<String>,
    /// Its length in bytes, if the progress can be measured by it.
    pub length: Option<u64>,
    /// Bytes read so far.
    pub bytes_read: Arc<AtomicU64>,
}

impl ImportFile {
    /// Opens the file named on the command line, and finds out its compression and its character set.
    /// Dates without a time zone are in `timezone`, if the command line names none.
    pub fn open(import: &Import, timezone: Option<Tz>) -> anyhow::Result<Self> {
        let path = &import.file;
        let opening = || format!("opening {}", path.display());
        let source = SourceFile::open(path).with_context(opening)?;
        let format = if import.from.is_some() { RowFormat::Ndjson } else { choose_format(import) };
        let choice = match import.from {
            Some(Origin::Html) => None,
            from => {
                let declaration =
                    if from == Some(Origin::Wordpress) { Declaration::Xml } else { Declaration::None };
                Some(source.choose_charset(import.encoding, declaration).with_context(opening)?)
            }
        };
        let reader_options = ReaderOptions {
            timezone: import.origin.timezone.or(timezone).unwrap_or(DEFAULT_TIMEZONE),
            encoding: choice.as_ref().map(|choice| choice.encoding).or(import.encoding),
            encoding_errors: import.encoding_errors.unwrap_or_default(),
            origin: import.origin.clone(),
        };
        let rows_choice = choice.as_ref().filter(|_| import.from.is_none());
        let is_needed = |encoding: &&'static Encoding| import.encoding.is_some() || **encoding != *UTF_8;
        let encoding = rows_choice.map(|choice| choice.encoding).filter(is_needed);
        let (mut compression, mut length) = (Compression::Identity, None);
        if import.from.is_none() {
            let mut beginning = Vec::new();
            source.open_bytes()?.take(8).read_to_end(&mut beginning).with_context(opening)?;
            (compression, length) = (Compression::of_beginning(&beginning), source.length()?);
        }
        Ok(Self {
            remark: choice.and_then(|choice| describe_choice(path, choice)),
            from: import.from,
            notes: SharedNotes::default(),
            bytes_read: Arc::default(),
            source,
            reader_options,
            format,
            compression,
            encoding,
            length,
        })
    }

    /// Opens the file for the import. Counts the bytes.
    pub fn open_source(&self) -> anyhow::Result<Box<dyn Read + Send>> {
        let source = self.reopen(self.notes.clone())?;
        Ok(Box::new(CountingReader::new(source, self.bytes_read.clone())))
    }

    /// Opens the same bytes again.
    fn reopen(&self, notes: SharedNotes) -> anyhow::Result<Box<dyn Read + Send>> {
        if let Some(origin) = self.from {
            return Ok(open_origin(origin, self.source.clone(), self.reader_options.clone(), notes));
        }
        self.source.open_bytes().with_context(|| format!("opening {}", self.source.path().display()))
    }

    /// The format, for the import engine.
    pub fn row_format(&self, columns: ColumnMapping) -> Format {
        match self.format {
            RowFormat::Ndjson => Format::Ndjson,
            RowFormat::Json => Format::Json,
            RowFormat::Csv => Format::Csv(columns),
        }
    }

    /// Writes the failed rows to a file of their own, each after a comment with its faults.
    ///
    /// The file is always NDJSON, so that it can be corrected and imported.
    pub fn write_failed(
        &self,
        import: &Import,
        format: &Format,
        failed: &BTreeMap<u64, FailedRow>,
    ) -> anyhow::Result<PathBuf> {
        let path = import.errors.clone().unwrap_or_else(|| sibling_path(&import.file, "failed.ndjson"));
        let body = decode_body(self.reopen(SharedNotes::default())?, self.compression, self.encoding)?;
        let mut out =
            BufWriter::new(File::create(&path).with_context(|| format!("writing {}", path.display()))?);
        let (mut remaining, mut write_result) = (failed.len(), Ok(()));
        let read_result = rows::read_rows(format, body, &mut |row| {
            if let Some(failed) = failed.get(&row.line) {
                remaining -= 1;
                write_result = write_failed_row(&mut out, failed, &row.text);
            }
            if remaining == 0 || write_result.is_err() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        write_result?;
        // A body that ends early does so again, but only after all failed rows were read.
        if remaining > 0 {
            read_result.map_err(to_anyhow)?;
        }
        out.flush()?;
        Ok(path)
    }
}

/// The format that the command line names, or else the extension of the file, or else NDJSON.
fn choose_format(import: &Import) -> RowFormat {
    let name = strip_compression(&import.file);
    let extension = name.extension().unwrap_or_default().to_ascii_lowercase();
    import.format.unwrap_or(match extension.to_str() {
        Some("csv") => RowFormat::Csv,
        Some("json") => RowFormat::Json,
        _ => RowFormat::Ndjson,
    })
}

/// What a person should know of a choice: that a file is not what it declares, or that it is not UTF-8.
fn describe_choice(path: &Path, choice: Choice) -> Option<String> {
    let (path, name) = (path.display(), choice.encoding.name());
    match choice.contradiction {
        Some(contradiction) => Some(format!("{path} {contradiction}; --encoding=NAME names another")),
        None if choice.is_guessed && choice.encoding != UTF_8 => Some(format!(
            "{path} is read as {name}, which its bytes look like; --encoding=NAME names another"
        )),
        None => None,
    }
}

/// Writes what could not be decoded as `\ud800`: an escape that no character has, so that the row fails again
/// until it is corrected.
fn spell_marks(json: &str) -> String {
    resolve_marks_as(json, "\\ud800").text.into_owned()
}

fn write_failed_row(out: &mut impl Write, failed: &FailedRow, text: &RawText) -> io::Result<()> {
    let FailedRow { place, problem } = failed;
    // A title must not end the comment.
    let comment = |text: String| text.replace(['\r', '\n'], " ");
    let name = place.clone().unwrap_or_else(|| format!("line {}", problem.line));
    writeln!(out, "# {}", comment(format!("{name}: {} {}", problem.pointer, problem.detail)))?;
    for more in &problem.more {
        writeln!(out, "#   {}", comment(format!("{} {}", more.pointer, more.detail)))?;
    }
    // There is nothing to correct in an article that could not be read.
    if problem.code == Code::UnreadableRow.as_str() {
        return Ok(());
    }
    match text {
        // NDJSON has one line a row; in an array, line breaks can stand between the tokens of an item.
        RawText::Json(text) => {
            let is_break = |byte: &u8| matches!(byte, b'\r' | b'\n');
            let line: Vec<u8> =
                text.trim_ascii_end().iter().map(|byte| if is_break(byte) { b' ' } else { *byte }).collect();
            write!(out, "{}", spell_marks(&String::from_utf8_lossy(&line)))?;
        }
        RawText::Record(row) => {
            let cells = row.columns.keys.iter().zip(&row.cells).filter_map(|(key, cell)| {
                Some((key.clone()?, String::from_utf8_lossy(cell).into_owned().into()))
            });
            write!(out, "{}", spell_marks(&serde_json::Value::Object(cells.collect()).to_string()))?;
        }
        RawText::Malformed(row) => write!(out, "# {}", String::from_utf8_lossy(&row.text))?,
        RawText::TooLarge => write!(out, "# (too large to be written here)")?,
    }
    writeln!(out)
}
