//! What a store hands out: an object being read, and lists of objects.

use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt};

use super::error::{Result, StoreError};
use super::name::ObjectName;

/// An object that is being read: a stream of its bytes, in parts of at most some hundred KiB.
///
/// The stream fails, instead of ending early, if fewer bytes arrive than [`ObjectReader::range`] has.
pub struct ObjectReader {
    /// The size of the whole object in bytes.
    pub size: u64,
    /// The bytes that are read: what was asked for, cut to the size of the object.
    pub range: Range<u64>,
    /// When the object was written.
    pub last_modified: DateTime<Utc>,
    /// Bytes of the range that have not been read yet.
    missing: u64,
    stream: BoxStream<'static, Result<Bytes>>,
}

impl ObjectReader {
    /// Reads `stream`, which has the bytes of `range`.
    pub(super) fn new(
        size: u64,
        range: Range<u64>,
        last_modified: DateTime<Utc>,
        stream: BoxStream<'static, Result<Bytes>>,
    ) -> Self {
        let missing = range.end - range.start;
        Self { size, range, last_modified, missing, stream }
    }

    /// Reads all that is left. Fails if it is more than `max_bytes`, before it reads anything.
    pub async fn read_to_end(mut self, max_bytes: usize) -> Result<Bytes> {
        let length = usize::try_from(self.missing).unwrap_or(usize::MAX);
        if length > max_bytes {
            return Err(StoreError::TooLarge { max_bytes: max_bytes as u64 });
        }
        let mut all = BytesMut::with_capacity(length);
        while let Some(part) = self.next().await {
            all.extend_from_slice(&part?);
        }
        Ok(all.freeze())
    }

    /// Ends the stream after a failure.
    fn fail(&mut self, error: StoreError) -> Poll<Option<Result<Bytes>>> {
        self.missing = 0;
        self.stream = futures_util::stream::empty().boxed();
        Poll::Ready(Some(Err(error)))
    }
}

impl Stream for ObjectReader {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.missing == 0 {
            return Poll::Ready(None);
        }
        match self.stream.poll_next_unpin(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(part))) => match self.missing.checked_sub(part.len() as u64) {
                Some(missing) => {
                    self.missing = missing;
                    Poll::Ready(Some(Ok(part)))
                }
                None => self.fail(StoreError::Other("more bytes than the object has arrived".to_owned())),
            },
            Poll::Ready(Some(Err(error))) => self.fail(error),
            Poll::Ready(None) => {
                let message = format!("{} bytes of an object are missing", self.missing);
                self.fail(StoreError::Other(message))
            }
        }
    }
}

impl fmt::Debug for ObjectReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut reader = f.debug_struct("ObjectReader");
        reader.field("size", &self.size).field("range", &self.range).finish_non_exhaustive()
    }
}

/// The part of an object of `size` bytes that `range` asks for. Empty if the range lies behind the end.
pub(super) fn clamp_range(range: Option<&Range<u64>>, size: u64) -> Range<u64> {
    let Some(range) = range else { return 0..size };
    let start = range.start.min(size);
    start..range.end.clamp(start, size)
}

/// An object in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectEntry {
    /// The name of the object.
    pub name: ObjectName,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written.
    pub last_modified: DateTime<Utc>,
}

/// A stream of objects in no certain order. It holds at most some thousand of them in memory.
///
/// Objects that are put or deleted meanwhile may be in it or not. It ends after its first failure.
pub type ObjectList = BoxStream<'static, Result<ObjectEntry>>;
