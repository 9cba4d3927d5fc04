//! The bytes of an import on their way to the engine or the server.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::web;
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long an upload pauses before white space is sent. Servers end a body that brings nothing for some seconds.
pub const MAX_PAUSE: Duration = Duration::from_secs(1);
/// White space for such a pause: twice what a server asks for in a second.
const FILLER: &[u8] = &[b' '; 2 << 10];
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

/// Fills pauses of over `max_pause` of `source`, which has lines of JSON, with white space before the next line. A reader can take minutes
/// to find the first post of a large file.
pub fn fill_pauses(
    source: impl Stream<Item = io::Result<web::Bytes>> + Send + 'static,
    max_pause: Duration,
) -> impl Stream<Item = io::Result<web::Bytes>> + Send {
    stream::unfold((Box::pin(source), true), move |(mut source, mut is_between_lines)| async move {
        loop {
            match timeout(max_pause, source.next()).await {
                Ok(chunk) => {
                    let chunk = chunk?;
                    if let Ok(bytes) = &chunk {
                        is_between_lines = bytes.last().is_none_or(|last| *last == b'\n');
                    }
                    return Some((chunk, (source, is_between_lines)));
                }
                Err(_) if is_between_lines => {
                    return Some((Ok(web::Bytes::from_static(FILLER)), (source, true)));
                }
                Err(_) => {}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn pauses_between_lines_are_filled_with_white_space() {
        const PAUSE: Duration = Duration::from_millis(20);
        let chunks = ["{\"a\":1}\n", "{\"b\":", "2}\n"];
        let source = stream::iter(chunks).then(|text| async move {
            tokio::time::sleep(PAUSE).await;
            Ok(web::Bytes::from_static(text.as_bytes()))
        });
        let sent: Vec<_> = fill_pauses(source, PAUSE / 20).collect().await;
        let sent: String =
            sent.into_iter().map(|chunk| String::from_utf8(chunk.unwrap().to_vec()).unwrap()).collect();
        assert!(sent.starts_with(' ') && sent.contains("\n "), "{} bytes", sent.len());
        assert!(sent.ends_with("{\"b\":2}\n"));
        assert_eq!(sent.replace(' ', ""), chunks.concat());
    }
}
