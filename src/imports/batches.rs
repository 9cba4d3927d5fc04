//! Reads the rows of a body and gathers them into batches.
//!
//! A thread reads rows and waits for memory for each; a task gathers them. A batch ends when it is
//! full, when its rows have waited for two seconds while nothing was written, and when the thread
//! waits for memory, which the batches before may have to give back first.

use std::cell::Cell;
use std::io::Read;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::body_errors;
use super::payload::PayloadFormat;
use super::rows::{self, RawRow, RawText};
use crate::error::Result;
use crate::interchange::decode::decode_body;
use crate::permits::{MemoryBudget, MemoryShare};

/// Most rows of a batch.
const MAX_BATCH_ROWS: usize = 2_000;
/// A batch is full when its rows need at least this much memory.
const FULL_BATCH_BYTES: usize = 24 << 20;
/// A row waits at most this long for the rest of its batch, not counting the time in which others are written.
const MAX_BATCH_AGE: Duration = Duration::from_secs(2);
/// Rows that wait to be gathered.
const MAX_QUEUED_ROWS: usize = 256;
/// Copies of a row at a time, in all stages: its text, its parsed form, its rendered form, and what
/// the database sends and gets.
const COPIES_OF_ROW: usize = 8;
/// Bytes of a parsed value besides its text.
const VALUE_BYTES: usize = 100;
/// Bytes of a row besides its text and its values.
const ROW_BYTES: usize = 512;

/// The memory that a row needs in all stages, in bytes.
fn memory_of(text: &RawText) -> usize {
    ROW_BYTES + COPIES_OF_ROW * text.byte_size() + VALUE_BYTES * text.max_values()
}

/// The unparsed rows of a batch.
#[derive(Default)]
pub struct RawBatch {
    /// The rows.
    pub rows: Vec<RawRow>,
    /// The memory of the rows, to be kept until they are written.
    pub memory: MemoryShare,
    bytes: usize,
}

/// A message from the thread that reads.
enum Message {
    Row {
        row: RawRow,
        memory: MemoryShare,
        bytes: usize,
    },
    /// The thread waits for memory.
    Waiting,
    /// The body was read to its end.
    End,
}

/// What becomes of the batches that were gathered.
pub struct WriteProgress {
    unwritten: Cell<usize>,
    written_at: Cell<Instant>,
}

impl WriteProgress {
    /// Notes that a batch is written.
    pub fn note_batch_written(&self) {
        self.unwritten.set(self.unwritten.get().saturating_sub(1));
        self.written_at.set(Instant::now());
    }

    /// When the rows gathered so far have waited long enough.
    fn find_deadline(&self, gathered_at: Instant) -> Instant {
        let since = if self.unwritten.get() > 0 { Instant::now() } else { self.written_at.get() };
        since.max(gathered_at) + MAX_BATCH_AGE
    }
}

/// Gathers rows into batches.
pub struct Batches {
    messages: mpsc::Receiver<Message>,
    progress: Rc<WriteProgress>,
}

impl Batches {
    /// Waits for the next batch. `None` after the last.
    ///
    /// If the body fails midway, the rows of the incomplete batch are dropped.
    pub async fn next_batch(&mut self) -> Option<RawBatch> {
        let batch = self.gather_batch().await;
        self.progress.unwritten.update(|count| count + usize::from(batch.is_some()));
        batch
    }

    async fn gather_batch(&mut self) -> Option<RawBatch> {
        let mut batch = RawBatch::default();
        let mut gathered_at = None;
        loop {
            let message = match gathered_at.map(|at| self.progress.find_deadline(at)) {
                None => self.messages.recv().await,
                Some(deadline) => match timeout_at(deadline, self.messages.recv()).await {
                    Ok(message) => message,
                    // A batch was written meanwhile, or is still being written: the wait begins again.
                    Err(_)
                        if gathered_at.is_some_and(|at| self.progress.find_deadline(at) > Instant::now()) =>
                    {
                        continue;
                    }
                    Err(_) => return Some(batch),
                },
            };
            match message? {
                Message::Row { row, memory, bytes } => {
                    batch.rows.push(row);
                    batch.memory.add(memory);
                    batch.bytes += bytes;
                    gathered_at.get_or_insert_with(Instant::now);
                    if batch.rows.len() >= MAX_BATCH_ROWS || batch.bytes >= FULL_BATCH_BYTES {
                        return Some(batch);
                    }
                }
                Message::Waiting | Message::End if !batch.rows.is_empty() => return Some(batch),
                Message::Waiting => {}
                Message::End => return None,
            }
        }
    }
}

/// Sends the rows of a body, each with its memory. Blocks its thread.
pub struct RowSender {
    memory: MemoryBudget,
    messages: mpsc::Sender<Message>,
    /// Drives the timer of a wait for memory.
    runtime: Handle,
}

/// Returns both ends of the queue of rows, and where to note the batches that are written. To be
/// called on a runtime.
pub fn row_queue(memory: MemoryBudget) -> (RowSender, Batches, Rc<WriteProgress>) {
    let (messages, receiver) = mpsc::channel(MAX_QUEUED_ROWS);
    let progress = Rc::new(WriteProgress { unwritten: Cell::new(0), written_at: Cell::new(Instant::now()) });
    let batches = Batches { messages: receiver, progress: progress.clone() };
    (RowSender { memory, messages, runtime: Handle::current() }, batches, progress)
}

impl RowSender {
    /// Reads the body and sends its rows but the first `skip`, until the receiver is gone.
    pub fn read_body(
        &self,
        source: impl Read + Send + 'static,
        format: PayloadFormat,
        skip: u64,
    ) -> Result<()> {
        let decoded =
            decode_body(source, format.compression, format.encoding).map_err(body_errors::map_read_error)?;
        let (mut count, mut stopped_by) = (0_u64, None);
        rows::read_rows(&format.format, decoded, &mut |row| {
            count += 1;
            if count <= skip {
                return ControlFlow::Continue(());
            }
            match self.send(row) {
                Ok(true) => ControlFlow::Continue(()),
                Ok(false) => ControlFlow::Break(()),
                Err(error) => {
                    stopped_by = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        match stopped_by {
            Some(error) => Err(error),
            None => {
                // Sending fails if the import has stopped for another reason.
                let _ = self.messages.blocking_send(Message::End);
                Ok(())
            }
        }
    }

    /// Sends a row when there is memory for it. Returns whether there is a receiver.
    fn send(&self, row: RawRow) -> Result<bool> {
        let bytes = memory_of(&row.text);
        let memory = match self.memory.try_take(bytes) {
            Some(memory) => memory,
            None if self.messages.blocking_send(Message::Waiting).is_err() => return Ok(false),
            None => self.runtime.block_on(self.memory.take(bytes))?,
        };
        Ok(self.messages.blocking_send(Message::Row { row, memory, bytes }).is_ok())
    }
}
