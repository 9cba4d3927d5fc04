//! Large files into a bucket, in parts.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use object_store::aws::AmazonS3;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path as Key;
use object_store::{MultipartId, ObjectStoreExt};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::super::error::{Result, StoreError};
use super::super::outcome::PutOutcome;
use super::fault::classify_all;

/// Files up to this size are put in one request.
const MAX_SINGLE_BYTES: u64 = 8 << 20;
/// Bytes of a part. S3 asks for at least 5 MiB, and R2 for parts of one size.
const MIN_PART_BYTES: u64 = 5 << 20;
/// The most parts of an upload.
const MAX_PARTS: u64 = 10_000;
/// Parts that are on their way at a time. Each is in memory.
const PARALLEL_PARTS: usize = 3;

/// A file that is being put.
pub(super) struct Source {
    file: Arc<File>,
    size: u64,
}

impl Source {
    pub(super) async fn open(path: &Path) -> Result<Self> {
        let path = path.to_owned();
        let open = move || {
            let fail = |cause| StoreError::from_io(path.display(), &cause);
            let file = File::open(&path).map_err(fail)?;
            let size = file.metadata().map_err(fail)?.len();
            Ok(Self { file: Arc::new(file), size })
        };
        spawn_blocking(open).await?
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Reads `length` bytes at `start` into the memory of `buffer`. Fails if the file has become shorter.
    async fn read(&self, mut buffer: BytesMut, start: u64, length: u64) -> Result<Bytes> {
        let file = self.file.clone();
        buffer.resize(usize::try_from(length).unwrap_or_default(), 0);
        let read = move || file.read_exact_at(&mut buffer, start).map(|()| buffer.freeze());
        spawn_blocking(read).await?.map_err(|cause| StoreError::from_io("reading a file to store", &cause))
    }
}

/// Puts a file, in one request or in parts.
pub(super) async fn put(s3: &AmazonS3, key: &Key, source: Source) -> Result<PutOutcome> {
    if source.size <= MAX_SINGLE_BYTES {
        let bytes = source.read(BytesMut::new(), 0, source.size).await?;
        s3.put(key, bytes.into()).await.map_err(|cause| classify_all(&cause))?;
        return Ok(PutOutcome::Created);
    }
    let id = s3.create_multipart(key).await.map_err(|cause| classify_all(&cause))?;
    let mut upload = Upload { s3: s3.clone(), key: key.clone(), id, free: Mutex::default(), is_open: true };
    match upload.run(&source).await {
        Ok(()) => {
            upload.is_open = false;
            Ok(PutOutcome::Created)
        }
        // The answer to the last request may be lost although it succeeded; then a second try finds no upload.
        Err(_) if has_size(s3, key, source.size).await => Ok(PutOutcome::Created),
        Err(error) => Err(error),
    }
}

async fn has_size(s3: &AmazonS3, key: &Key, size: u64) -> bool {
    s3.head(key).await.is_ok_and(|meta| meta.size == size)
}

/// A multipart upload. It is aborted in the background if it is dropped before its end.
struct Upload {
    s3: AmazonS3,
    key: Key,
    id: MultipartId,
    /// Memory of parts that have arrived. The next ones reuse it: an allocator may keep what is given back to it.
    free: Mutex<Vec<BytesMut>>,
    is_open: bool,
}

impl Upload {
    async fn run(&self, source: &Source) -> Result<()> {
        let part_bytes = MIN_PART_BYTES.max(source.size.div_ceil(MAX_PARTS));
        let count = source.size.div_ceil(part_bytes);
        let parts = stream::iter(0..count).map(|index| self.put_part(source, index, part_bytes));
        let parts: Vec<PartId> = parts.buffered(PARALLEL_PARTS).try_collect().await?;
        let completed = self.s3.complete_multipart(&self.key, &self.id, parts).await;
        completed.map(|_| ()).map_err(|cause| classify_all(&cause))
    }

    async fn put_part(&self, source: &Source, index: u64, part_bytes: u64) -> Result<PartId> {
        let start = index * part_bytes;
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let bytes = source.read(free, start, part_bytes.min(source.size - start)).await?;
        let index = usize::try_from(index).unwrap_or_default();
        let put = self.s3.put_part(&self.key, &self.id, index, bytes.clone().into()).await;
        if let Ok(free) = bytes.try_into_mut() {
            self.free.lock().unwrap_or_else(PoisonError::into_inner).push(free);
        }
        put.map_err(|cause| classify_all(&cause))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Ok(runtime) = Handle::try_current() else { return };
        if self.is_open {
            let (s3, key, id) = (self.s3.clone(), self.key.clone(), self.id.clone());
            // What it cannot abort is aborted as stale later.
            runtime.spawn(async move {
                let _ = s3.abort_multipart(&key, &id).await;
            });
        }
    }
}
