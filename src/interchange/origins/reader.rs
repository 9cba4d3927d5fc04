//! Reads a foreign file on its own thread and returns its articles as a stream of NDJSON.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::Context;
use serde_json::json;

use super::found::{Found, FoundRow, Sink};
use super::notes::{RowNotes, SharedNotes};
use super::page::folder::read_pages;
use super::reader_options::ReaderOptions;
use super::{ghost, wordpress};
use crate::config::origins::Origin;

/// Rows that wait for the importer. The reading thread blocks while the queue is full.
const MAX_QUEUED_ROWS: usize = 64;

/// Opens the file or folder at `path` and returns its articles as NDJSON. The notes grow while it is read.
///
/// An unreadable article becomes a row `{"unreadable": reason}`, which the import refuses with that reason.
/// So does the end of a file that cannot be read further.
pub fn open_origin(
    origin: Origin,
    path: &Path,
    options: ReaderOptions,
    notes: SharedNotes,
) -> anyhow::Result<Box<dyn Read + Send>> {
    let path = path.to_owned();
    // Report a missing file before the import begins.
    std::fs::metadata(&path).with_context(|| format!("opening {}", path.display()))?;
    let (rows, receiver) = sync_channel(MAX_QUEUED_ROWS);
    std::thread::spawn(move || {
        let mut sender = RowSender { rows, notes, line: 0 };
        let reading = || read_articles(origin, &path, &options, &mut |found| sender.send(found));
        let end = catch_unwind(AssertUnwindSafe(reading));
        // Without a word, the end of a reader that panics would be the end of the file.
        let end =
            end.unwrap_or_else(|_| Err("The reader failed at what follows; please report it.".to_owned()));
        if let Err(reason) = end {
            sender.break_off(&path, reason);
        }
    });
    Ok(Box::new(RowReader { rows: receiver, current: io::Cursor::default() }))
}

fn read_articles(
    origin: Origin,
    path: &Path,
    options: &ReaderOptions,
    each: &mut Sink,
) -> Result<(), String> {
    let file = || File::open(path).map(BufReader::new).map_err(|cause| cause.to_string());
    match origin {
        Origin::Wordpress => wordpress::read_export(file, options, each),
        Origin::Ghost => ghost::read_export(file()?, options, each),
        Origin::Html => read_pages(path, options, each),
    }
}

/// Sends rows to the importer, and notes the rest.
struct RowSender {
    rows: SyncSender<Vec<u8>>,
    notes: SharedNotes,
    line: u64,
}

impl RowSender {
    fn send(&mut self, found: Found) -> ControlFlow<()> {
        let (place, row, warnings) = match found {
            Found::Row(FoundRow { place, row, warnings }) => (place, row.into(), warnings),
            Found::Unreadable { place, reason } => (place, json!({ "unreadable": reason }), Vec::new()),
            Found::PassedOver { kind } => {
                self.notes.lock().count_passed_over(&kind);
                return ControlFlow::Continue(());
            }
        };
        self.line += 1;
        let warnings = warnings.into_iter().map(Into::into).collect();
        let noted = self.notes.lock().add_row(self.line, RowNotes { place, warnings });
        // Sending fails if the import has stopped already.
        match noted {
            Ok(()) if self.rows.send(format!("{row}\n").into_bytes()).is_ok() => ControlFlow::Continue(()),
            Ok(()) => ControlFlow::Break(()),
            Err(cause) => {
                let reason = format!("Notes cannot be kept in a temporary file: {cause}.");
                self.notes.lock().broken_off = Some(reason.clone());
                // Fails an atomic import too.
                let _ = self.rows.send(format!("{}\n", json!({ "unreadable": reason })).into_bytes());
                ControlFlow::Break(())
            }
        }
    }

    fn break_off(&mut self, path: &Path, reason: String) {
        self.notes.lock().broken_off = Some(reason.clone());
        let _ = self.send(Found::Unreadable { place: path.display().to_string(), reason });
    }
}

/// Joins rows from a channel into one stream of bytes.
struct RowReader {
    rows: Receiver<Vec<u8>>,
    current: io::Cursor<Vec<u8>>,
}

impl Read for RowReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.current.read(into)? {
                0 => match self.rows.recv() {
                    Err(_) => return Ok(0),
                    Ok(line) => self.current = io::Cursor::new(line),
                },
                length => return Ok(length),
            }
        }
    }
}
