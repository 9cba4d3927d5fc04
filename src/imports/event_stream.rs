//! The way of events from an import to the client that reads its live stream.
//!
//! An import that is committed batch by batch waits for its client, for a while. A transaction of a whole import waits
//! for nobody: its events are kept in a file until the client has read them.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::web::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::{Notify, mpsc};
use tokio::task::spawn_blocking;

use super::view::Event;

/// Events that wait to be sent, where the import waits for its client.
const MAX_QUEUED_EVENTS: usize = 10_000;
/// A live stream ends if the client reads nothing for this long. The import goes on.
const READER_STALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of the newest events that are in memory. Older ones wait in the file.
const MAX_TAIL_BYTES: usize = 1 << 20;
/// Most bytes of events that wait in the file. Beyond them, events are left out until the client has read some.
const MAX_FILE_BYTES: u64 = 1 << 30;
/// Bytes that are read from the file at a time.
const READ_BYTES: u64 = 64 << 10;

/// Takes the events of an import.
pub enum EventSender {
    /// Waits for the client. Closed when the client has gone, or reads too slowly.
    Queue(Option<mpsc::Sender<Event>>),
    /// Waits for nobody.
    Spool(SpoolWriter),
}

impl EventSender {
    /// Sends events.
    pub async fn send(&mut self, events: Vec<Event>) {
        match self {
            Self::Queue(sender) => {
                for event in events {
                    let Some(open) = sender else { return };
                    let sent = tokio::time::timeout(READER_STALL_TIMEOUT, open.send(event)).await;
                    if !sent.is_ok_and(|sent| sent.is_ok()) {
                        *sender = None;
                    }
                }
            }
            Self::Spool(writer) => {
                let lines: Vec<u8> = events.iter().flat_map(write_line).collect();
                let spool = Arc::clone(&writer.0);
                // A write that fails is noted in the spool.
                let _ = spawn_blocking(move || spool.lock().push(&lines)).await;
                writer.0.changed.notify_one();
            }
        }
    }

    /// Sends the last events, which are not left out.
    pub async fn finish(mut self, events: Vec<Event>) {
        if let Self::Spool(writer) = &self {
            let lines = events.iter().flat_map(write_line);
            writer.0.lock().tail.extend(lines);
        } else {
            self.send(events).await;
        }
    }
}

fn write_line(event: &Event) -> Vec<u8> {
    let mut line = serde_json::to_vec(event).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Opens the way of events. `waits` says whether the import waits for its client; if not, a file is kept in `folder`.
pub fn open_stream(waits: bool, folder: &Path) -> (EventSender, impl Stream<Item = Bytes> + use<>) {
    let (sender, receiver) = match waits {
        true => {
            let (sender, receiver) = mpsc::channel(MAX_QUEUED_EVENTS);
            (EventSender::Queue(Some(sender)), EventReceiver::Queue(receiver))
        }
        false => {
            let spool = Arc::new(SharedSpool { state: Mutex::default(), changed: Notify::new() });
            spool.lock().folder = folder.to_owned();
            let reader = SpoolReader(Arc::clone(&spool));
            (EventSender::Spool(SpoolWriter(spool)), EventReceiver::Spool(reader))
        }
    };
    let lines =
        stream::unfold(
            receiver,
            |mut receiver| async move { Some((receiver.next_bytes().await?, receiver)) },
        );
    (sender, lines)
}

enum EventReceiver {
    Queue(mpsc::Receiver<Event>),
    Spool(SpoolReader),
}

impl EventReceiver {
    async fn next_bytes(&mut self) -> Option<Bytes> {
        match self {
            Self::Queue(events) => events.recv().await.map(|event| write_line(&event).into()),
            Self::Spool(reader) => reader.next_bytes().await,
        }
    }
}

/// Events that wait for their client, shared by both ends.
struct SharedSpool {
    state: Mutex<Spool>,
    changed: Notify,
}

impl SharedSpool {
    fn lock(&self) -> MutexGuard<'_, Spool> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of a spool that the import writes. The stream ends when it is dropped.
pub struct SpoolWriter(Arc<SharedSpool>);

impl Drop for SpoolWriter {
    fn drop(&mut self) {
        self.0.lock().is_ended = true;
        self.0.changed.notify_one();
    }
}

/// The end of a spool that the client reads.
struct SpoolReader(Arc<SharedSpool>);

impl Drop for SpoolReader {
    fn drop(&mut self) {
        let mut spool = self.0.lock();
        // Nobody reads what would be written.
        *spool = Spool { is_abandoned: true, ..Spool::default() };
    }
}

impl SpoolReader {
    async fn next_bytes(&mut self) -> Option<Bytes> {
        loop {
            let spool = Arc::clone(&self.0);
            // A file that cannot be read ends the stream without a summary, as a lost connection does.
            let (bytes, is_ended) = spawn_blocking(move || {
                let mut spool = spool.lock();
                spool.take().map(|bytes| (bytes, spool.is_ended))
            })
            .await
            .ok()?
            .ok()?;
            if !bytes.is_empty() {
                return Some(bytes.into());
            }
            if is_ended {
                return None;
            }
            self.0.changed.notified().await;
        }
    }
}

/// Lines that wait: the older ones in a file without a name, the newest in memory.
#[derive(Default)]
struct Spool {
    folder: PathBuf,
    file: Option<File>,
    /// The end of what is in the file, and of what of it was read.
    written: u64,
    read: u64,
    tail: Vec<u8>,
    is_ended: bool,
    is_abandoned: bool,
}

impl Spool {
    /// Adds lines. Leaves them out if there is no room for them.
    fn push(&mut self, lines: &[u8]) {
        let is_full = self.tail.len() + lines.len() > MAX_TAIL_BYTES;
        if self.is_abandoned || is_full && self.move_tail_to_file().is_err() {
            return;
        }
        self.tail.extend_from_slice(lines);
    }

    fn move_tail_to_file(&mut self) -> io::Result<()> {
        if self.written + self.tail.len() as u64 > MAX_FILE_BYTES {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if self.file.is_none() {
            self.file = Some(tempfile::tempfile_in(&self.folder).or_else(|_| tempfile::tempfile())?);
        }
        if let Some(file) = &self.file {
            file.write_all_at(&self.tail, self.written)?;
            self.written += self.tail.len() as u64;
            self.tail.clear();
        }
        Ok(())
    }

    /// Takes the oldest lines, or parts of them. Nothing if there are none.
    fn take(&mut self) -> io::Result<Vec<u8>> {
        let left = self.written - self.read;
        let Some(file) = self.file.as_ref().filter(|_| left > 0) else {
            return Ok(std::mem::take(&mut self.tail));
        };
        let mut bytes = vec![0; left.min(READ_BYTES) as usize];
        file.read_exact_at(&mut bytes, self.read)?;
        self.read += bytes.len() as u64;
        if self.read == self.written {
            file.set_len(0)?;
            (self.read, self.written) = (0, 0);
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;
    use crate::imports::view::{OutcomeKind, RowEvent};

    #[test]
    fn lines_come_back_in_their_order_however_far_the_reader_is_behind() {
        let mut spool = Spool { folder: std::env::temp_dir(), ..Spool::default() };
        let (mut expected, mut taken) = (Vec::new(), Vec::new());
        for line in 0..60_000 {
            let text = format!("{line} {}\n", "质量".repeat(20)).into_bytes();
            spool.push(&text);
            expected.extend(text);
            if line == 40_000 {
                taken.extend(spool.take().unwrap());
            }
        }
        assert!(spool.written > 4 << 20 && spool.tail.len() <= MAX_TAIL_BYTES);
        loop {
            let bytes = spool.take().unwrap();
            if bytes.is_empty() {
                break;
            }
            taken.extend(bytes);
        }
        assert!(taken == expected && spool.written == 0);
    }

    #[actix_web::test]
    async fn an_import_that_waits_for_nobody_loses_no_event_of_a_client_that_reads_late() {
        let row = |line| {
            let (external_id, outcome) = (Some("x".repeat(200)), OutcomeKind::Created);
            Event::Row(RowEvent { line, external_id, outcome, id: None, slug: None })
        };
        let (mut sender, lines) = open_stream(false, &std::env::temp_dir());
        // More than the queue of an import that waits would take.
        for batch in 0..20 {
            sender.send((1..=1_000).map(|at| row(batch * 1_000 + at)).collect()).await;
        }
        sender.finish(vec![row(20_001)]).await;
        let chunks: Vec<Bytes> = lines.collect().await;
        let text = chunks.concat();
        let events = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let numbers: Vec<_> =
            events.map(|event| serde_json::from_slice::<RowEvent>(event).unwrap().line).collect();
        assert!(numbers.into_iter().eq(1..=20_001));
    }

    #[actix_web::test]
    async fn a_reader_that_has_gone_keeps_no_file() {
        let (mut sender, lines) = open_stream(false, &std::env::temp_dir());
        drop(lines);
        let EventSender::Spool(writer) = &mut sender else { unreachable!() };
        writer.0.lock().push(&vec![b'x'; 3 << 20]);
        writer.0.lock().push(b"y");
        assert!(writer.0.lock().tail.is_empty() && writer.0.lock().file.is_none());
    }
}
