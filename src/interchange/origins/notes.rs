//! What a reader of a foreign file has noted beside its rows, for the report of the import.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::found::ReaderWarning;
use crate::interchange::line_queue::LineQueue;

/// Kinds of things passed over that are counted apart. Further ones count as [`OTHER_KINDS`].
const MAX_KINDS: usize = 200;
/// The name of all further kinds.
const OTHER_KINDS: &str = "other thing";
/// Most characters of a kind's name.
const MAX_KIND_CHARS: usize = 60;

/// What a reader has noted of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowNotes {
    /// Where it is in the file, for a person: line, title, id.
    pub place: String,
    /// What of the article is not in the row, or was changed.
    pub warnings: Vec<ReaderWarning>,
}

/// A warning that is about no row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileWarning {
    /// Where in the file it is, for a person.
    pub place: String,
    /// The stable name of the kind of warning.
    pub code: String,
    /// What was dropped or changed.
    pub detail: String,
}

/// The notes of a reader. Rows are numbered as the import counts them: by their line, from 1.
///
/// The notes of rows are taken out as the rows are done. Their memory is bounded: a file of a million articles has
/// a million notes, and an atomic import takes none of them before the last row was read.
#[derive(Debug, Default)]
pub struct ReaderNotes {
    rows: LineQueue<RowNotes>,
    /// Warnings that are about no row, in the file's order.
    file_warnings: LineQueue<FileWarning>,
    /// How many things of each kind were passed over.
    pub passed_over: BTreeMap<String, u64>,
    /// Characters that could not be decoded and became U+FFFD.
    pub replaced_characters: u64,
    /// Why the file could not be read to its end.
    pub broken_off: Option<String>,
}

impl ReaderNotes {
    /// Adds the notes of the row at a line.
    pub fn add_row(&mut self, line: u64, notes: RowNotes) -> io::Result<()> {
        self.rows.push(line, notes)
    }

    /// Takes the notes of the next row, if its line is at most `line`.
    pub fn take_row(&mut self, line: u64) -> io::Result<Option<(u64, RowNotes)>> {
        self.rows.pop_through(line)
    }

    /// Adds a warning that is about no row.
    pub fn add_warning(&mut self, place: String, warning: ReaderWarning) -> io::Result<()> {
        let ReaderWarning { code, detail, .. } = warning;
        self.file_warnings.push(0, FileWarning { place, code: code.into_owned(), detail })
    }

    /// Takes the next warning that is about no row.
    pub fn take_warning(&mut self) -> io::Result<Option<FileWarning>> {
        Ok(self.file_warnings.pop_through(0)?.map(|(_, warning)| warning))
    }

    /// Counts a thing that was passed over.
    pub fn count_passed_over(&mut self, kind: &str) {
        let mut kind: String = kind.chars().take(MAX_KIND_CHARS).collect();
        if self.passed_over.len() >= MAX_KINDS && !self.passed_over.contains_key(&kind) {
            OTHER_KINDS.clone_into(&mut kind);
        }
        *self.passed_over.entry(kind).or_default() += 1;
    }
}

/// Notes that the reading thread writes and the command reads.
#[derive(Clone, Debug, Default)]
pub struct SharedNotes(Arc<Mutex<ReaderNotes>>);

impl SharedNotes {
    /// The notes so far.
    pub fn lock(&self) -> MutexGuard<'_, ReaderNotes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
