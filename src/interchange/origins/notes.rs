//! What a reader of a foreign file has noted beside its rows, for the report of the import.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::found::ReaderWarning;

/// The notes of a reader. Rows are numbered as the import counts them: by their line, from 1.
#[derive(Debug, Default)]
pub struct ReaderNotes {
    /// Where the row of each line is in the file.
    pub places: BTreeMap<u64, String>,
    /// The warnings about the row of each line.
    pub warnings: BTreeMap<u64, Vec<ReaderWarning>>,
    /// How many things of each kind were passed over.
    pub passed_over: BTreeMap<String, u64>,
    /// Characters that could not be decoded and became U+FFFD.
    pub replaced_characters: u64,
    /// Why the file could not be read to its end.
    pub broken_off: Option<String>,
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
