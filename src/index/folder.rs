//! The files of an index in a folder. They are not forced to the disk.
//!
//! An index can be made again from the tables, and whoever opens one checks the digest of each file
//! ([`Index::open`](super::Index::open)). What a machine that loses its power would keep is therefore not worth waiting
//! for at each commit: the database forces its own files to the same disk.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::Directory;
use tantivy::directory::error::{DeleteError, LockError, OpenDirectoryError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    AntiCallToken, DirectoryLock, FileHandle, Lock, MmapDirectory, TerminatingWrite, WatchCallback,
    WatchHandle, WritePtr,
};

/// A folder whose files are mapped into memory when they are read.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
    reading: MmapDirectory,
}

/// A file that is written once, from its beginning to its end.
struct Written(File);

impl Folder {
    /// The folder at `path`, which must be there.
    pub(super) fn open(path: &Path) -> Result<Self, OpenDirectoryError> {
        Ok(Self { path: path.to_owned(), reading: MmapDirectory::open(path)? })
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl TerminatingWrite for Written {
    fn terminate_ref(&mut self, _: AntiCallToken) -> io::Result<()> {
        self.0.flush()
    }
}

impl Directory for Folder {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.reading.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.reading.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.reading.exists(path)
    }

    /// A file of this name is left of a commit that did not come to its end, whose numbers are given again. Nobody reads it.
    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        let full = self.path.join(path);
        let created = File::create_new(&full).or_else(|cause| match cause.kind() {
            io::ErrorKind::AlreadyExists => fs::remove_file(&full).and_then(|()| File::create_new(&full)),
            _ => Err(cause),
        });
        let file = created.map_err(|cause| OpenWriteError::wrap_io_error(cause, path.to_owned()))?;
        Ok(BufWriter::new(Box::new(Written(file))))
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        self.reading.atomic_read(path)
    }

    fn atomic_write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.path)?;
        file.write_all(content)?;
        file.persist(self.path.join(path))?;
        Ok(())
    }

    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        self.reading.acquire_lock(lock)
    }

    fn watch(&self, changed: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.reading.watch(changed)
    }
}
