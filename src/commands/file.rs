//! The file of an import. It is read once to import it, and again to collect the rows that failed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, anyhow};
use chrono_tz::Tz;
use encoding_rs::Encoding;

use super::monitor::FailedRow;
use super::resume::sibling_path;
use super::to_anyhow;
use crate::config::bulk::{Import, RowFormat};
use crate::config::origins::Origin;
use crate::config::timezones::DEFAULT_TIMEZONE;
use crate::error::Code;
use crate::imports::csv_columns::ColumnMapping;
use crate::imports::payload;
use crate::imports::rows::{self, Format, RawText};
use crate::interchange::decode::{Compression, decode_body};
use crate::interchange::origins::notes::SharedNotes;
use crate::interchange::origins::reader::open_origin;
use crate::interchange::origins::reader_options::ReaderOptions;

/// The file of an import.
pub struct ImportFile {
    path: PathBuf,
    from: Option<Origin>,
    reader_options: ReaderOptions,
    /// What the reader of a foreign file notes beside its rows.
    pub notes: SharedNotes,
    /// A copy of standard input, which cannot be read again.
    spool: Option<File>,
    /// The format of its rows.
    pub format: RowFormat,
    /// Its compression.
    pub compression: Compression,
    /// Its length in bytes, if the progress can be measured by it.
    pub length: Option<u64>,
    /// Bytes read so far.
    pub bytes_read: Arc<AtomicU64>,
}

impl ImportFile {
    /// Opens the file named on the command line.
    /// Dates without a time zone are in `timezone`, if the command line names none.
    pub fn open(import: &Import, timezone: Option<Tz>) -> anyhow::Result<Self> {
        let path = import.file.clone();
        let is_stdin = path.as_os_str() == "-";
        let (name, compression) = split_compression(&path.to_string_lossy().to_lowercase());
        let by_name = || match name.rsplit('.').next() {
            Some("csv") => RowFormat::Csv,
            Some("json") if import.from.is_none() => RowFormat::Json,
            _ => RowFormat::Ndjson,
        };
        let format =
            if import.from.is_some() { RowFormat::Ndjson } else { import.format.unwrap_or_else(by_name) };
        let compression = if import.from.is_some() { Compression::Identity } else { compression };
        let length = match is_stdin {
            true => None,
            false => {
                let metadata =
                    std::fs::metadata(&path).with_context(|| format!("opening {}", path.display()))?;
                Some(metadata.len()).filter(|_| metadata.is_file() && import.from.is_none())
            }
        };
        let spool = is_stdin.then(tempfile::tempfile).transpose()?;
        let reader_options = ReaderOptions {
            timezone: import.origin.timezone.or(timezone).unwrap_or(DEFAULT_TIMEZONE),
            encoding: None,
            origin: import.origin.clone(),
        };
        Ok(Self {
            path,
            from: import.from,
            reader_options,
            notes: SharedNotes::default(),
            spool,
            format,
            compression,
            length,
            bytes_read: Arc::default(),
        })
    }

    /// Opens the file for the import. Counts the bytes and keeps a copy of standard input.
    pub fn open_source(&self) -> anyhow::Result<Box<dyn Read + Send>> {
        let bytes_read = self.bytes_read.clone();
        Ok(match (&self.spool, self.from) {
            (Some(spool), None) => Box::new(CountingReader {
                source: SpoolingReader { from: io::stdin(), into: spool.try_clone()? },
                bytes_read,
            }),
            _ => Box::new(CountingReader { source: self.reopen(self.notes.clone())?, bytes_read }),
        })
    }

    /// Opens the same bytes again.
    fn reopen(&self, notes: SharedNotes) -> anyhow::Result<Box<dyn Read + Send>> {
        if let Some(origin) = self.from {
            return open_origin(origin, &self.path, self.reader_options.clone(), notes);
        }
        if let Some(spool) = &self.spool {
            let mut spool = spool.try_clone()?;
            spool.rewind()?;
            return Ok(Box::new(spool));
        }
        Ok(Box::new(File::open(&self.path).with_context(|| format!("opening {}", self.path.display()))?))
    }

    /// The format, for the import engine.
    pub fn row_format(&self, columns: ColumnMapping) -> Format {
        match self.format {
            RowFormat::Ndjson => Format::Ndjson,
            RowFormat::Json => Format::Json,
            RowFormat::Csv => Format::Csv(columns),
        }
    }

    /// The character set, if the command line names one.
    pub fn find_encoding(&self, import: &Import) -> anyhow::Result<Option<&'static Encoding>> {
        let name = import.encoding.as_deref().filter(|_| self.from.is_none());
        name.map(|name| payload::find_encoding(name).ok_or_else(|| anyhow!("unknown character set {name}")))
            .transpose()
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
        let body =
            decode_body(self.reopen(SharedNotes::default())?, self.compression, self.find_encoding(import)?)?;
        let mut out =
            BufWriter::new(File::create(&path).with_context(|| format!("writing {}", path.display()))?);
        let (mut remaining, mut write_result) = (failed.len(), Ok(()));
        let read_result = rows::read_rows(format, body.text, &mut |row| {
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

/// Splits the name of a file into the name of what it holds, and its compression.
fn split_compression(name: &str) -> (String, Compression) {
    match (name.strip_suffix(".gz"), name.strip_suffix(".zst")) {
        (Some(name), _) => (name.to_owned(), Compression::Gzip),
        (_, Some(name)) => (name.to_owned(), Compression::Zstd),
        _ => (name.to_owned(), Compression::Identity),
    }
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
            out.write_all(&line)?;
        }
        RawText::Record(row) => {
            let cells = row.columns.keys.iter().zip(&row.cells).filter_map(|(key, cell)| {
                Some((key.clone()?, String::from_utf8_lossy(cell).into_owned().into()))
            });
            write!(out, "{}", serde_json::Value::Object(cells.collect()))?;
        }
        RawText::Malformed(row) => write!(out, "# {}", String::from_utf8_lossy(&row.text))?,
        RawText::TooLarge => write!(out, "# (too large to be written here)")?,
    }
    writeln!(out)
}

/// Counts the bytes read.
struct CountingReader<R> {
    source: R,
    bytes_read: Arc<AtomicU64>,
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(into)?;
        self.bytes_read.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// Copies the bytes read to a file.
struct SpoolingReader<R> {
    from: R,
    into: File,
}

impl<R: Read> Read for SpoolingReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.from.read(into)?;
        self.into.write_all(&into[..length])?;
        Ok(length)
    }
}
