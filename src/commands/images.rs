//! Finds the addresses of the images of rows while an import reads them.

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use serde_json::Value;

use crate::config::charsets::EncodingErrors;
use crate::db::types::BodyFormat;
use crate::imports::payload::PayloadFormat;
use crate::imports::rows::{self, RawRow, RowValue};
use crate::interchange::channel_reader::ChannelReader;
use crate::interchange::decode::decode_body;
use crate::interchange::line_queue::LineQueue;
use crate::markup::images::find_images;

/// Chunks of the file that wait to be looked through. The import waits while the queue is full.
const MAX_QUEUED_CHUNKS: usize = 16;

/// Looks through a copy of the bytes that an import reads, on a thread of its own.
pub struct ImageFinder {
    found: Arc<Mutex<LineQueue<Vec<String>>>>,
    /// The way to the thread, until it is closed.
    chunks: ChunkSender,
    thread: Option<JoinHandle<()>>,
}

type ChunkSender = Arc<Mutex<Option<SyncSender<Vec<u8>>>>>;

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ImageFinder {
    /// Begins to look through `source`. Returns what the import is to read in its place. `skip` rows are passed over.
    pub fn start(
        source: Box<dyn Read + Send>,
        format: PayloadFormat,
        skip: u64,
    ) -> (Self, Box<dyn Read + Send>) {
        let (sender, receiver) = sync_channel(MAX_QUEUED_CHUNKS);
        let (found, chunks) = (Arc::default(), Arc::new(Mutex::new(Some(sender))));
        let finder = Self {
            found: Arc::clone(&found),
            chunks: Arc::clone(&chunks),
            thread: Some(std::thread::spawn(move || find_images_of_rows(receiver, format, skip, &found))),
        };
        (finder, Box::new(CopyingReader { source, chunks }))
    }

    /// Takes the images of the row at `line`. `None` if the thread has not come to the row yet.
    pub fn take_images(&mut self, line: u64) -> io::Result<Option<Vec<String>>> {
        let mut found = lock(&self.found);
        while let Some((found_at, images)) = found.pop_through(line)? {
            if found_at == line {
                return Ok(Some(images));
            }
        }
        let is_beyond = found.first_line()?.is_some() || self.thread.is_none();
        Ok(is_beyond.then(Vec::new))
    }

    /// Waits until all that the import has read is looked through.
    pub fn finish(&mut self) {
        lock(&self.chunks).take();
        if let Some(thread) = self.thread.take() {
            // A thread that has panicked has found what it has found.
            let _ = thread.join();
        }
    }
}

/// Notes the images of each row. Faults of the file are those of the import, which tells them.
fn find_images_of_rows(
    chunks: Receiver<Vec<u8>>,
    format: PayloadFormat,
    skip: u64,
    found: &Mutex<LineQueue<Vec<String>>>,
) {
    let source = ChannelReader::new(chunks);
    let Ok(body) = decode_body(source, format.compression, format.encoding) else { return };
    let mut count = 0_u64;
    let _ = rows::read_rows(&format.format, body, &mut |row| {
        count += 1;
        if count > skip && lock(found).push(row.line, images_of_row(&row)).is_err() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
}

/// The addresses of the cover and of the images of the body.
fn images_of_row(row: &RawRow) -> Vec<String> {
    let Ok(RowValue { value, .. }) = row.text.parse(EncodingErrors::Replace) else { return Vec::new() };
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let format = match text("body_format") {
        "markdown" => BodyFormat::Markdown,
        "text" => BodyFormat::Text,
        _ => BodyFormat::Html,
    };
    let mut images = find_images(text("body"), format);
    let cover = text("cover_url").trim();
    if !cover.is_empty() && !images.iter().any(|image| image == cover) {
        images.insert(0, cover.to_owned());
    }
    images
}

/// Sends a copy of what is read.
struct CopyingReader {
    source: Box<dyn Read + Send>,
    chunks: ChunkSender,
}

impl Read for CopyingReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.source.read(into)?;
        let sender = lock(&self.chunks).clone();
        // The thread may have ended at a fault of the file.
        let is_sent = sender.is_some_and(|sender| length > 0 && sender.send(into[..length].to_vec()).is_ok());
        if !is_sent {
            lock(&self.chunks).take();
        }
        Ok(length)
    }
}
