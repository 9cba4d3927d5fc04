//! Bytes of unknown size, received into a temporary file while they are hashed.

use std::io::Write;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempPath};
use tokio::task::{JoinHandle, spawn_blocking};

use super::error::{Result, StoreError};
use super::temporary::create_temporary;

/// Bytes that are collected before a thread writes and hashes them.
const BLOCK_BYTES: usize = 256 << 10;
/// Bytes from the beginning that are kept in memory, for telling the type of the file.
const HEAD_BYTES: usize = 4 << 10;

/// A temporary file that receives bytes, hashes them with SHA-256, and counts them.
///
/// Threads of their own write and hash, while the next bytes are received: about 512 KiB are in memory. The file is
/// readable for its owner only. It is removed when the spool is dropped; after kill -9 it stays until
/// [`remove_stale_files`](super::remove_stale_files) finds it.
#[derive(Debug)]
pub struct Spool {
    max_bytes: u64,
    size: u64,
    head: Vec<u8>,
    buffer: BytesMut,
    sink: Sink,
}

/// Where the bytes go.
#[derive(Debug)]
enum Sink {
    Idle(Box<Writer>),
    Writing(JoinHandle<Result<Box<Writer>>>),
    /// A write failed, or its task was cancelled.
    Failed(StoreError),
}

#[derive(Debug)]
struct Writer {
    file: NamedTempFile,
    hash: Sha256,
}

impl Writer {
    fn create(folder: &Path) -> Result<Self> {
        Ok(Self { file: create_temporary(folder)?, hash: Sha256::new() })
    }

    fn write(&mut self, block: &[u8]) -> Result<()> {
        let written = self.file.as_file_mut().write_all(block);
        written.map_err(|cause| StoreError::from_io(self.file.path().display(), &cause))?;
        self.hash.update(block);
        Ok(())
    }

    fn finish(self) -> Result<(TempPath, [u8; 32])> {
        let synced = self.file.as_file().sync_all();
        synced.map_err(|cause| StoreError::from_io(self.file.path().display(), &cause))?;
        Ok((self.file.into_temp_path(), self.hash.finalize().into()))
    }
}

impl Spool {
    /// Makes an empty file in `folder`, which is made if it does not exist. At most `max_bytes` fit in.
    ///
    /// In the folder of [`Store::temporary_folder`](super::Store::temporary_folder) the file becomes an object without
    /// being copied.
    pub async fn create(folder: &Path, max_bytes: u64) -> Result<Self> {
        let folder = folder.to_owned();
        let writer = spawn_blocking(move || Writer::create(&folder)).await??;
        let sink = Sink::Idle(Box::new(writer));
        Ok(Self { max_bytes, size: 0, head: Vec::new(), buffer: BytesMut::new(), sink })
    }

    /// Bytes that were received so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The first bytes that were received, at most 4 KiB.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Receives bytes. Fails with [`StoreError::TooLarge`] if there are more than allowed, and keeps none of these.
    ///
    /// If the future is dropped before it ends, some of the bytes may be missing: drop the spool too.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        let size = self.size.saturating_add(bytes.len() as u64);
        if size > self.max_bytes {
            return Err(StoreError::TooLarge { max_bytes: self.max_bytes });
        }
        self.size = size;
        let missing_head = HEAD_BYTES - self.head.len();
        self.head.extend_from_slice(&bytes[..bytes.len().min(missing_head)]);
        while !bytes.is_empty() {
            let room = BLOCK_BYTES - self.buffer.len();
            let (now, later) = bytes.split_at(bytes.len().min(room));
            self.buffer.extend_from_slice(now);
            bytes = later;
            if self.buffer.len() == BLOCK_BYTES {
                self.write_block().await?;
            }
        }
        Ok(())
    }

    /// Writes what is still in memory, and waits until the file is on the disk.
    pub async fn finish(mut self) -> Result<Spooled> {
        self.write_block().await?;
        let writer = self.wait_for_writer().await?;
        let (path, sha256) = spawn_blocking(move || writer.finish()).await??;
        Ok(Spooled { path, size: self.size, sha256, head: self.head })
    }

    /// Waits for the block before, and has a thread write this one.
    async fn write_block(&mut self) -> Result<()> {
        let mut writer = self.wait_for_writer().await?;
        let block = std::mem::take(&mut self.buffer);
        // A file that filled a block will probably fill another one; a small file needs no such buffer.
        self.buffer.reserve(if block.len() == BLOCK_BYTES { BLOCK_BYTES } else { 0 });
        self.sink = Sink::Writing(spawn_blocking(move || writer.write(&block).map(|()| writer)));
        Ok(())
    }

    /// Waits until no thread writes. A failure is final.
    async fn wait_for_writer(&mut self) -> Result<Box<Writer>> {
        let cancelled = StoreError::Other("a write to the spool was cancelled".to_owned());
        if let Sink::Writing(writing) = &mut self.sink {
            // Awaited in its place, so that a cancelled wait loses nothing.
            self.sink = match writing.await.map_err(StoreError::from).flatten() {
                Ok(writer) => Sink::Idle(writer),
                Err(error) => Sink::Failed(error),
            };
        }
        match std::mem::replace(&mut self.sink, Sink::Failed(cancelled)) {
            Sink::Idle(writer) => Ok(writer),
            Sink::Failed(error) => {
                self.sink = Sink::Failed(error.clone());
                Err(error)
            }
            Sink::Writing(_) => Err(StoreError::Other("the spool is still being written".to_owned())),
        }
    }
}

/// A complete temporary file, on the disk. It is removed when this is dropped.
#[derive(Debug)]
pub struct Spooled {
    path: TempPath,
    size: u64,
    sha256: [u8; 32],
    head: Vec<u8>,
}

impl Spooled {
    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The SHA-256 of its bytes.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// The SHA-256 of its bytes in small hexadecimal digits.
    pub fn sha256_hex(&self) -> String {
        HEXLOWER.encode(&self.sha256)
    }

    /// Its first bytes, at most 4 KiB.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Reads the whole file. Fails with [`StoreError::TooLarge`] if it is larger than `max_bytes`.
    pub async fn read(&self, max_bytes: u64) -> Result<Bytes> {
        if self.size > max_bytes {
            return Err(StoreError::TooLarge { max_bytes });
        }
        let path = self.path.to_path_buf();
        let read = move || std::fs::read(&path).map_err(|cause| StoreError::from_io(path.display(), &cause));
        Ok(Bytes::from(spawn_blocking(read).await??))
    }

    /// Keeps the file from being removed. The caller removes it.
    pub fn keep(self) -> Result<PathBuf> {
        let path = self.path.to_path_buf();
        self.path.keep().map_err(|cause| StoreError::from_io(path.display(), &cause.error))
    }

    /// The path, for a store that renames the file.
    pub(super) fn into_path(self) -> TempPath {
        self.path
    }
}

#[cfg(test)]
impl Spool {
    /// The temporary file, when no thread writes to it.
    pub(super) async fn sync_path(&mut self) -> PathBuf {
        self.write_block().await.unwrap();
        let writer = self.wait_for_writer().await.unwrap();
        let path = writer.file.path().to_owned();
        self.sink = Sink::Idle(writer);
        path
    }

    /// Makes all later writes fail.
    pub(super) async fn fail_writes(&mut self) {
        let mut writer = self.wait_for_writer().await.unwrap();
        *writer.file.as_file_mut() = std::fs::File::open(writer.file.path()).unwrap();
        self.sink = Sink::Idle(writer);
    }
}
