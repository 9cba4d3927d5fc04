//! Reads a foreign file on its own thread and returns its articles as a stream of NDJSON.

use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{SyncSender, sync_channel};

use serde_json::{Value, json};

use super::found::{Found, FoundRow, ReaderWarning, Sink};
use super::notes::{RowNotes, SharedNotes};
use super::page::folder::read_pages;
use super::reader_options::ReaderOptions;
use super::{ghost, wordpress};
use crate::config::charsets::EncodingErrors;
use crate::config::origins::Origin;
use crate::interchange::channel_reader::ChannelReader;
use crate::interchange::charsets::marks::{Resolved, Undecoded, resolve_marks};
use crate::interchange::source_file::SourceFile;

/// Rows that wait for the importer. The reading thread blocks while the queue is full.
const MAX_QUEUED_ROWS: usize = 64;

/// Opens a file or folder and returns its articles as NDJSON. The notes grow while it is read.
///
/// An article with bytes that are no characters fails, unless `options` accept that. An unreadable article becomes a
/// row `{"unreadable": reason}`, which the import refuses with that reason. So does the end of a file that cannot be
/// read further.
pub fn open_origin(
    origin: Origin,
    source: SourceFile,
    options: ReaderOptions,
    notes: SharedNotes,
) -> Box<dyn Read + Send> {
    let (rows, receiver) = sync_channel(MAX_QUEUED_ROWS);
    std::thread::spawn(move || {
        let mut sender = RowSender { rows, notes, line: 0, encoding_errors: options.encoding_errors };
        let reading = || read_articles(origin, &source, &options, &mut |found| sender.send(found));
        let end = catch_unwind(AssertUnwindSafe(reading));
        // Without a word, the end of a reader that panics would be the end of the file.
        let end =
            end.unwrap_or_else(|_| Err("The reader failed at what follows; please report it.".to_owned()));
        if let Err(reason) = end {
            sender.break_off(&source, reason);
        }
    });
    Box::new(ChannelReader::new(receiver))
}

fn read_articles(
    origin: Origin,
    source: &SourceFile,
    options: &ReaderOptions,
    each: &mut Sink,
) -> Result<(), String> {
    let text = || source.open_text(options.encoding).map(BufReader::new).map_err(|cause| cause.to_string());
    match origin {
        Origin::Wordpress => wordpress::read_export(text, options, each),
        Origin::Ghost => ghost::read_export(text()?, options, each),
        Origin::Html => read_pages(source, options, each),
    }
}

/// Sends rows to the importer, and notes the rest.
struct RowSender {
    rows: SyncSender<Vec<u8>>,
    notes: SharedNotes,
    line: u64,
    encoding_errors: EncodingErrors,
}

impl RowSender {
    fn send(&mut self, found: Found) -> ControlFlow<()> {
        let (place, row, mut warnings) = match found {
            Found::Row(FoundRow { place, row, warnings }) => (place, Value::from(row), warnings),
            Found::Unreadable { place, reason } => (place, unreadable(&reason), Vec::new()),
            Found::PassedOver { kind } => {
                self.notes.lock().count_passed_over(&kind);
                return ControlFlow::Continue(());
            }
            Found::Warning { place, warning } => return self.note_warning(&place, warning),
        };
        let text = row.to_string();
        let Resolved { text, undecoded } = resolve_marks(&text);
        let fails = undecoded.count > 0 && self.encoding_errors == EncodingErrors::Fail;
        let text = if fails { unreadable(&explain(undecoded)).to_string().into() } else { text };
        self.line += 1;
        let mut notes = self.notes.lock();
        if undecoded.count > 0 && !fails {
            notes.replaced_characters += undecoded.count;
            warnings.push(warn_of_replacement(undecoded));
        }
        let place = resolve_marks(&place).text.into_owned();
        let noted = notes.add_row(self.line, RowNotes { place, warnings });
        drop(notes);
        // Sending fails if the import has stopped already.
        match noted {
            Ok(()) if self.rows.send(format!("{text}\n").into_bytes()).is_ok() => ControlFlow::Continue(()),
            Ok(()) => ControlFlow::Break(()),
            Err(cause) => self.fail_notes(&cause),
        }
    }

    /// Notes a warning that is about no article.
    fn note_warning(&mut self, place: &str, warning: ReaderWarning) -> ControlFlow<()> {
        let mut notes = self.notes.lock();
        let detail = resolve_marks(&warning.detail).text.into_owned();
        let warning = ReaderWarning { detail, ..warning };
        match notes.add_warning(resolve_marks(place).text.into_owned(), warning) {
            Ok(()) => ControlFlow::Continue(()),
            Err(cause) => {
                drop(notes);
                self.fail_notes(&cause)
            }
        }
    }

    /// Ends the import, because notes cannot be kept.
    fn fail_notes(&mut self, cause: &io::Error) -> ControlFlow<()> {
        let reason = format!("Notes cannot be kept in a temporary file: {cause}.");
        self.notes.lock().broken_off = Some(reason.clone());
        // Fails an atomic import too.
        let _ = self.rows.send(format!("{}\n", json!({ "unreadable": reason })).into_bytes());
        ControlFlow::Break(())
    }

    fn break_off(&mut self, source: &SourceFile, reason: String) {
        self.notes.lock().broken_off = Some(reason.clone());
        let _ = self.send(Found::Unreadable { place: source.path().display().to_string(), reason });
    }
}

/// The row of an article that cannot be read. What its reason quotes of the article has no marks any more.
fn unreadable(reason: &str) -> Value {
    json!({ "unreadable": resolve_marks(reason).text })
}

/// Why an article with bytes that are no characters fails.
fn explain(undecoded: Undecoded) -> String {
    format!(
        "{} of its characters cannot be decoded, the first{}; --encoding=NAME names the character set, and \
         --encoding-errors=replace accepts U+FFFD in their place",
        undecoded.count,
        undecoded.describe_place()
    )
}

fn warn_of_replacement(undecoded: Undecoded) -> ReaderWarning {
    let place = undecoded.describe_place();
    let detail =
        format!("has U+FFFD in place of {} undecodable characters, the first{place}", undecoded.count);
    ReaderWarning::new("", "characters_replaced", detail)
}
