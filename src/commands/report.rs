//! The report of an import: a JSON document with what became of each row.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use uuid::Uuid;

use super::fetched_media::FetchCounts;
use super::images::ImageFinder;
use crate::imports::view::{OutcomeKind, PlacedFault, Summary};
use crate::interchange::line_queue::LineQueue;
use crate::interchange::origins::notes::FileWarning;

/// Addresses remembered to list each once. Bounds memory; beyond them, an address can be listed again.
const MAX_TRACKED_ADDRESSES: usize = 1_000_000;
/// Outcomes of rows that left no article behind.
const UNWRITTEN_OUTCOMES: [OutcomeKind; 3] =
    [OutcomeKind::Failed, OutcomeKind::Superseded, OutcomeKind::SkippedDuplicate];

/// What became of a row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RowReport {
    /// Its line, or its number in an array or in a foreign file.
    pub line: u64,
    /// Where it is in a foreign file: line, title, id.
    pub place: Option<String>,
    /// Its external id or slug, if it could be read.
    pub external_id: Option<String>,
    /// What became of it, like `created`. `None` if the server did not tell.
    pub outcome: Option<OutcomeKind>,
    /// The id of its article.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// The slug of its article.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// Why it failed.
    pub faults: Vec<PlacedFault>,
    /// What of it was dropped or changed.
    pub warnings: Vec<PlacedFault>,
    /// The addresses of its images.
    pub images: Vec<String>,
}

/// Names a row for a person: by its place in a foreign file, else by its line.
pub fn name_row(line: u64, place: Option<&str>, external_id: Option<&str>) -> String {
    match (place, external_id) {
        (Some(place), _) if !place.is_empty() => place.to_owned(),
        (_, Some(id)) => format!("line {line} ({id})"),
        (_, None) => format!("line {line} (without an id)"),
    }
}

/// What a report says beside its rows.
pub struct Conclusion<'c> {
    /// The summary of the server, if there is one.
    pub summary: Option<&'c Summary>,
    /// What stopped the import.
    pub stopped_by: Option<&'c str>,
    /// How many things of each kind were passed over.
    pub passed_over: &'c BTreeMap<String, u64>,
    /// How many warnings there are of each kind.
    pub warnings: &'c BTreeMap<String, u64>,
    /// What became of the pictures, if they were fetched.
    pub fetched: Option<&'c FetchCounts>,
}

/// A report that is being written. It replaces the file of its name when it is complete.
pub struct ReportFile {
    path: PathBuf,
    out: BufWriter<NamedTempFile>,
    /// Rows that are done, and wait for their images.
    done: LineQueue<RowReport>,
    images: Option<ImageFinder>,
    /// Warnings that are about no row.
    file_warnings: LineQueue<FileWarning>,
    /// All addresses, one a line as JSON.
    addresses: BufWriter<File>,
    known_addresses: HashSet<u64>,
    rows: u64,
}

impl ReportFile {
    /// Begins a report. Fails if its file cannot be written.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let writing = || format!("writing the report {}", path.display());
        let file = NamedTempFile::new_in(folder).with_context(writing)?;
        let mut out = BufWriter::new(file);
        out.write_all(b"{\"rows\": [").with_context(writing)?;
        Ok(Self {
            path: path.to_owned(),
            out,
            done: LineQueue::default(),
            images: None,
            file_warnings: LineQueue::default(),
            addresses: BufWriter::new(tempfile::tempfile()?),
            known_addresses: HashSet::new(),
            rows: 0,
        })
    }

    /// Takes the images of rows from `finder`.
    pub fn set_images(&mut self, finder: ImageFinder) {
        self.images = Some(finder);
    }

    /// Adds a row that is done. Rows come in the order of their lines.
    pub fn add_row(&mut self, row: RowReport) -> anyhow::Result<()> {
        self.done.push(row.line, row).with_context(|| self.describe())?;
        self.write_rows().with_context(|| self.describe())
    }

    /// Adds a warning that is about no row.
    pub fn add_file_warning(&mut self, warning: FileWarning) -> anyhow::Result<()> {
        self.file_warnings.push(0, warning).with_context(|| self.describe())
    }

    fn describe(&self) -> String {
        format!("writing the report {}", self.path.display())
    }

    /// Writes the rows whose images are known.
    fn write_rows(&mut self) -> io::Result<()> {
        while let Some(line) = self.done.first_line()? {
            let images = match &mut self.images {
                Some(finder) => finder.take_images(line)?,
                None => Some(Vec::new()),
            };
            let Some(images) = images else { return Ok(()) };
            let Some((_, mut row)) = self.done.pop_through(line)? else { return Ok(()) };
            row.images = images;
            if !row.outcome.is_some_and(|outcome| UNWRITTEN_OUTCOMES.contains(&outcome)) {
                row.images.iter().try_for_each(|address| self.add_address(address))?;
            }
            self.out.write_all(if self.rows > 0 { b",\n" } else { b"\n" })?;
            self.rows += 1;
            serde_json::to_writer(&mut self.out, &row)?;
        }
        Ok(())
    }

    fn add_address(&mut self, address: &str) -> io::Result<()> {
        let mut hasher = DefaultHasher::new();
        address.hash(&mut hasher);
        let hash = hasher.finish();
        let is_new = !self.known_addresses.contains(&hash);
        if is_new {
            if self.known_addresses.len() < MAX_TRACKED_ADDRESSES {
                self.known_addresses.insert(hash);
            }
            let separator = if self.addresses.stream_position()? == 0 { "\n" } else { ",\n" };
            self.addresses.write_all(separator.as_bytes())?;
            serde_json::to_writer(&mut self.addresses, address)?;
        }
        Ok(())
    }

    /// Writes the end of the report, and puts it in its place.
    pub fn finish(mut self, conclusion: &Conclusion<'_>) -> anyhow::Result<()> {
        if let Some(finder) = &mut self.images {
            finder.finish();
        }
        let writing = self.describe();
        self.write_rows().and_then(|()| self.write_conclusion(conclusion)).context(writing.clone())?;
        let file = self.out.into_inner().map_err(|cause| anyhow!("{writing}: {cause}"))?;
        file.persist(&self.path).map_err(|cause| anyhow!("{writing}: {cause}"))?;
        Ok(())
    }

    fn write_conclusion(&mut self, conclusion: &Conclusion<'_>) -> io::Result<()> {
        self.out.write_all(b"\n],\n\"images\": [")?;
        self.addresses.flush()?;
        let mut addresses = self.addresses.get_ref();
        addresses.rewind()?;
        io::copy(&mut addresses, &mut self.out)?;
        self.out.write_all(b"\n],\n\"file_warnings\": [")?;
        let mut is_first = true;
        while let Some((_, warning)) = self.file_warnings.pop_through(0)? {
            self.out.write_all(if std::mem::take(&mut is_first) { b"\n" } else { b",\n" })?;
            serde_json::to_writer(&mut self.out, &warning)?;
        }
        self.out.write_all(b"\n]")?;
        let mut summary = conclusion.summary.map(serde_json::to_value).transpose()?.unwrap_or(json!({}));
        if let Some(summary) = summary.as_object_mut() {
            // Each stands with its row.
            summary.retain(|key, _| !["errors", "warnings"].contains(&key.as_str()));
        }
        // An earlier server leaves events out that a slow client does not take.
        let missing = conclusion.summary.map_or(0, |summary| summary.rows.saturating_sub(self.rows));
        if missing > 0 {
            summary["rows_not_told"] = missing.into();
        }
        summary["stopped_by"] = conclusion.stopped_by.map_or(Value::Null, Value::from);
        let parts = [
            ("summary", summary),
            ("passed_over", json!(conclusion.passed_over)),
            ("warnings", json!(conclusion.warnings)),
            ("fetched_media", json!(conclusion.fetched)),
        ];
        for (name, part) in parts {
            write!(self.out, ",\n\"{name}\": {part}")?;
        }
        self.out.write_all(b"}\n")
    }
}
