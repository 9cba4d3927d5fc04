//! The file of an import: opened, counted, marked, and gone through again for what failed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use anyhow::{Context, anyhow};
use encoding_rs::Encoding;
use serde::{Deserialize, Serialize};

use super::to_anyhow;
use crate::config::bulk::{Import, Origin, RowFormat};
use crate::imports::body;
use crate::imports::rows::{self, Columns, Format, Text};
use crate::imports::view::RowProblem;
use crate::interchange::decode::{Compression, decoded};

/// The file of an import.
pub struct Input {
    path: PathBuf,
    from: Option<Origin>,
    /// What came by standard input, kept so that it can be gone through again.
    spool: Option<File>,
    /// How rows are written.
    pub format: RowFormat,
    /// How it is compressed.
    pub compression: Compression,
    /// Its length in bytes, where that says how far one is.
    pub length: Option<u64>,
    /// Bytes read so far.
    pub read: Arc<AtomicU64>,
}

impl Input {
    /// Opens the file that the command line names.
    pub fn open(import: &Import) -> anyhow::Result<Self> {
        let path = import.file.clone();
        let is_stdin = path.as_os_str() == "-";
        let name = path.to_string_lossy().to_lowercase();
        let (name, compression) = match (name.strip_suffix(".gz"), name.strip_suffix(".zst")) {
            (Some(name), _) => (name.to_owned(), Compression::Gzip),
            (_, Some(name)) => (name.to_owned(), Compression::Zstd),
            _ => (name, Compression::Identity),
        };
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
                let about =
                    std::fs::metadata(&path).with_context(|| format!("opening {}", path.display()))?;
                Some(about.len()).filter(|_| about.is_file() && import.from.is_none())
            }
        };
        let spool = is_stdin.then(tempfile::tempfile).transpose()?;
        Ok(Self { path, from: import.from, spool, format, compression, length, read: Arc::default() })
    }

    /// The bytes of the body, counted as they are read.
    pub fn source(&self) -> anyhow::Result<Box<dyn Read + Send>> {
        let read = self.read.clone();
        Ok(match (&self.spool, self.from) {
            (Some(spool), None) => {
                Box::new(Counted { source: Spooled { from: io::stdin(), into: spool.try_clone()? }, read })
            }
            _ => Box::new(Counted { source: self.again()?, read }),
        })
    }

    /// The same bytes once more.
    fn again(&self) -> anyhow::Result<Box<dyn Read + Send>> {
        if let Some(origin) = self.from {
            return crate::interchange::origins::reader::open(origin, &self.path);
        }
        if let Some(spool) = &self.spool {
            let mut spool = spool.try_clone()?;
            spool.rewind()?;
            return Ok(Box::new(spool));
        }
        Ok(Box::new(File::open(&self.path).with_context(|| format!("opening {}", self.path.display()))?))
    }

    /// How rows are written, for the reader of rows.
    pub fn rows(&self, columns: Columns) -> Format {
        match self.format {
            RowFormat::Ndjson => Format::Ndjson,
            RowFormat::Json => Format::Json,
            RowFormat::Csv => Format::Csv(columns),
        }
    }

    /// The character set, if the command line names one.
    pub fn encoding(&self, import: &Import) -> anyhow::Result<Option<&'static Encoding>> {
        let name = import.encoding.as_deref().filter(|_| self.from.is_none());
        name.map(|name| body::encoding(name).ok_or_else(|| anyhow!("there is no character set {name}")))
            .transpose()
    }

    /// Where it is kept how far an import of this file is; there is no such place for standard input.
    pub fn mark(&self, import: &Import) -> anyhow::Result<Option<Mark>> {
        if self.spool.is_some() {
            return Ok(None);
        }
        let about = std::fs::metadata(&self.path)?;
        let changed = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let file = beside(&import.file, "resume.json");
        Ok(Some(Mark { file, length: about.len(), changed }))
    }

    /// Writes the rows that failed into a file of their own, each below a line that says why.
    ///
    /// The file is NDJSON whatever the body was, so that it can be mended and imported.
    pub fn write_failed(
        &self,
        import: &Import,
        format: &Format,
        failed: &BTreeMap<u64, RowProblem>,
    ) -> anyhow::Result<PathBuf> {
        let path = import.errors.clone().unwrap_or_else(|| beside(&import.file, "failed.ndjson"));
        let body = decoded(self.again()?, self.compression, self.encoding(import)?)?;
        let mut out =
            BufWriter::new(File::create(&path).with_context(|| format!("writing {}", path.display()))?);
        let (mut left, mut written) = (failed.len(), Ok(()));
        let read = rows::read(format, body.text, &mut |row| {
            if let Some(problem) = failed.get(&row.line) {
                left -= 1;
                written = write_row(&mut out, problem, &row.text);
            }
            if left == 0 || written.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        written?;
        // A body that broke off does so again, after all the rows that failed before.
        if left > 0 {
            read.map_err(to_anyhow)?;
        }
        out.flush()?;
        Ok(path)
    }
}

fn write_row(out: &mut impl Write, problem: &RowProblem, text: &Text) -> io::Result<()> {
    writeln!(out, "# line {}: {} {}", problem.line, problem.pointer, problem.detail)?;
    for more in &problem.more {
        writeln!(out, "#   {} {}", more.pointer, more.detail)?;
    }
    match text {
        Text::Line(line) => out.write_all(line.trim_ascii_end())?,
        Text::Value(value, _) => write!(out, "{value}")?,
        Text::Record(record, keys) => {
            let cells = keys.iter().zip(record).filter_map(|(key, cell)| {
                Some((key.clone()?, String::from_utf8_lossy(cell).into_owned().into()))
            });
            write!(out, "{}", serde_json::Value::Object(cells.collect()))?;
        }
        Text::TooLarge => write!(out, "# (too large to be repeated here)")?,
    }
    writeln!(out)
}

/// `path` with another ending after its own.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = match path.as_os_str() == "-" {
        true => "import".into(),
        false => path.as_os_str().to_owned(),
    };
    name.push(".");
    name.push(ending);
    name.into()
}

/// How far an import of a file is, kept beside it until it is done.
pub struct Mark {
    file: PathBuf,
    length: u64,
    changed: u64,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    rows: u64,
    length: u64,
    changed: u64,
}

impl Mark {
    /// Rows that are done of this very file; none if it has changed since.
    pub fn get(&self) -> anyhow::Result<u64> {
        let Ok(text) = std::fs::read(&self.file) else { return Ok(0) };
        let kept: Kept =
            serde_json::from_slice(&text).with_context(|| format!("reading {}", self.file.display()))?;
        Ok(if (kept.length, kept.changed) == (self.length, self.changed) { kept.rows } else { 0 })
    }

    /// Keeps that so many rows are done.
    pub fn set(&self, rows: u64) -> anyhow::Result<()> {
        let kept = Kept { rows, length: self.length, changed: self.changed };
        let fresh = self.file.with_extension("tmp");
        std::fs::write(&fresh, serde_json::to_vec(&kept)?)
            .and_then(|()| std::fs::rename(&fresh, &self.file))
            .with_context(|| format!("writing {}", self.file.display()))
    }

    /// Forgets it.
    pub fn clear(&self) -> anyhow::Result<()> {
        match std::fs::remove_file(&self.file) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause.into()),
            _ => Ok(()),
        }
    }
}

/// Counts what is read.
struct Counted<R> {
    source: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(into)?;
        self.read.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// Keeps a copy of what is read.
struct Spooled<R> {
    from: R,
    into: File,
}

impl<R: Read> Read for Spooled<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.from.read(into)?;
        self.into.write_all(&into[..length])?;
        Ok(length)
    }
}
