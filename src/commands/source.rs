//! The bytes of an import on their way to the engine or the server.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::web;
use futures_util::{Stream, stream};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

/// Bytes of a chunk of an upload.
const UPLOAD_CHUNK_BYTES: usize = 64 << 10;

/// Why a file could not be read further. A connection that breaks for it tells nothing of it.
#[derive(Clone, Debug, Default)]
pub struct SourceFault(Arc<Mutex<Option<String>>>);

impl SourceFault {
    /// Why the file could not be read further, if so.
    pub fn describe(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns `source`, whose fault will be noted here.
    pub fn watch(&self, source: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        Box::new(WatchedReader { source, fault: self.clone() })
    }
}

/// Notes the error at which reading ends.
struct WatchedReader {
    source: Box<dyn Read + Send>,
    fault: SourceFault,
}

impl Read for WatchedReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.source.read(into).inspect_err(|cause| {
            if cause.kind() != io::ErrorKind::Interrupted {
                let mut fault = self.fault.0.lock().unwrap_or_else(PoisonError::into_inner);
                fault.get_or_insert_with(|| cause.to_string());
            }
        })
    }
}

/// Reads `source` on a thread of its own and returns its bytes as a stream.
pub fn stream_source(mut source: Box<dyn Read + Send>) -> impl Stream<Item = io::Result<web::Bytes>> + Send {
    let (sender, receiver) = mpsc::channel(4);
    spawn_blocking(move || {
        loop {
            let mut chunk = vec![0; UPLOAD_CHUNK_BYTES];
            let read = source.read(&mut chunk);
            let is_last = !matches!(read, Ok(1..));
            let item = read.map(|length| {
                chunk.truncate(length);
                web::Bytes::from(chunk)
            });
            if sender.blocking_send(item).is_err() || is_last {
                return;
            }
        }
    });
    stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) })
}
