//! A store in a local folder: each object is a file under its name.
//!
//! A new object is written to `.tmp` in the same folder, synced, renamed, and then its folder is synced. Files have the
//! rights 0600 and folders 0700. Symbolic links below the root are not followed when objects are listed.

mod folders;
mod list;
mod paths;

use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tempfile::TempPath;
use tokio::task::spawn_blocking;

use super::error::{Result, StoreError};
use super::name::ObjectName;
use super::outcome::PutOutcome;
use super::reader::{ObjectList, ObjectReader, clamp_range};
use super::spool::Spooled;
use super::temporary::{create_temporary, remove_stale_files};
use folders::Folders;
use paths::{fail, found, parent};

/// The folder of the temporary files. No object's name can begin with it.
const TEMPORARY_FOLDER: &str = ".tmp";
/// Bytes that are copied before a cancelled put notices it.
const COPY_BYTES: u64 = 4 << 20;
/// Bytes of one part of an object that is read.
const READ_BYTES: u64 = 256 << 10;
/// How often a folder is made again that another process removed because it was empty.
const MAX_RENAMES: usize = 4;

/// A store in a local folder.
pub(super) struct LocalStore {
    temporary: PathBuf,
    folders: Arc<Folders>,
}

impl LocalStore {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { temporary: root.join(TEMPORARY_FOLDER), folders: Arc::new(Folders::new(root)) }
    }

    pub(super) fn root(&self) -> &Path {
        self.folders.root()
    }

    pub(super) fn temporary_folder(&self) -> &Path {
        &self.temporary
    }

    pub(super) fn path(&self, name: &ObjectName) -> PathBuf {
        self.root().join(name.as_str())
    }

    pub(super) async fn check(&self) -> Result<()> {
        let (temporary, folders) = (self.temporary.clone(), self.folders.clone());
        let check = move || {
            folders.ensure(folders.root())?;
            let (file, path) = create_temporary(&temporary)?.into_parts();
            write_synced(file, &path, b"check")?;
            std::fs::read_dir(folders.root()).map_err(|cause| fail(folders.root(), &cause))?;
            path.close().map_err(|cause| fail(&temporary, &cause))
        };
        spawn_blocking(check).await?
    }

    pub(super) async fn put_file(&self, name: &ObjectName, source: &Path) -> Result<PutOutcome> {
        let (put, source) = (self.put(name), source.to_owned());
        run_cancellable(move |cancelled| {
            let file = File::open(&source).map_err(|cause| fail(&source, &cause))?;
            let size = file.metadata().map_err(|cause| fail(&source, &cause))?.len();
            if put.exists(size)? {
                return Ok(PutOutcome::Existed);
            }
            put.copy(file, size, &cancelled)
        })
        .await
    }

    pub(super) async fn put_spooled(&self, name: &ObjectName, spooled: Spooled) -> Result<PutOutcome> {
        let put = self.put(name);
        run_cancellable(move |cancelled| {
            let size = spooled.size();
            if put.exists(size)? {
                return Ok(PutOutcome::Existed);
            }
            match put.publish(spooled.into_path(), &cancelled)? {
                None => Ok(PutOutcome::Created),
                Some(path) => {
                    let file = File::open(&path).map_err(|cause| fail(&path, &cause))?;
                    put.copy(file, size, &cancelled)
                }
            }
        })
        .await
    }

    pub(super) async fn put_bytes(&self, name: &ObjectName, bytes: Bytes) -> Result<PutOutcome> {
        let put = self.put(name);
        run_cancellable(move |cancelled| {
            if put.exists(bytes.len() as u64)? {
                return Ok(PutOutcome::Existed);
            }
            let (file, path) = create_temporary(&put.temporary)?.into_parts();
            write_synced(file, &path, &bytes)?;
            put.publish_here(path, &cancelled)
        })
        .await
    }

    pub(super) async fn open_object(
        &self,
        name: &ObjectName,
        range: Option<Range<u64>>,
    ) -> Result<Option<ObjectReader>> {
        let path = self.path(name);
        let open = move || {
            let Some(file) = found(File::open(&path), &path)? else { return Ok(None) };
            let metadata = file.metadata().map_err(|cause| fail(&path, &cause))?;
            if !metadata.is_file() {
                return Ok(None);
            }
            let modified = metadata.modified().map_err(|cause| fail(&path, &cause))?;
            let (size, modified) = (metadata.len(), DateTime::<Utc>::from(modified));
            let range = clamp_range(range.as_ref(), size);
            let stream = read_range(Arc::new(file), Arc::from(path), range.clone());
            Ok(Some(ObjectReader::new(size, range, modified, stream)))
        };
        spawn_blocking(open).await?
    }

    pub(super) async fn size(&self, name: &ObjectName) -> Result<Option<u64>> {
        let path = self.path(name);
        spawn_blocking(move || find_size(&path)).await?
    }

    pub(super) async fn delete_many(&self, names: &[ObjectName]) -> Result<()> {
        let paths: Vec<PathBuf> = names.iter().map(|name| self.path(name)).collect();
        let delete = move || paths.iter().try_for_each(|path| delete_file(path));
        spawn_blocking(delete).await?
    }

    pub(super) fn list(&self, folder: Option<&ObjectName>) -> ObjectList {
        list::list(self.root(), folder)
    }

    pub(super) async fn remove_stale_temporaries(&self, min_age: Duration) -> Result<u64> {
        let files = remove_stale_files(&self.temporary, min_age).await?;
        let folders = self.folders.clone();
        let removed = spawn_blocking(move || folders.remove_empty(min_age)).await??;
        Ok(files + removed)
    }

    fn put(&self, name: &ObjectName) -> Put {
        Put { path: self.path(name), temporary: self.temporary.clone(), folders: self.folders.clone() }
    }
}

/// One put of one object, on a thread that may wait for the disk.
struct Put {
    path: PathBuf,
    temporary: PathBuf,
    folders: Arc<Folders>,
}

impl Put {
    /// Whether an object of this size is there. If so, it is durable afterwards.
    fn exists(&self, size: u64) -> Result<bool> {
        if find_size(&self.path)? != Some(size) {
            return Ok(false);
        }
        // A file is synced before it has its name, but another process may not have synced the folders yet.
        // If that fails, because the object was deleted meanwhile or for good, the put goes on and tells.
        let folder = parent(&self.path);
        Ok(self.folders.ensure(folder).and_then(|()| folders::sync_folder(folder)).is_ok())
    }

    /// Copies `size` bytes from `source` into a new object.
    fn copy(&self, source: File, size: u64, cancelled: &AtomicBool) -> Result<PutOutcome> {
        let (mut target, path) = create_temporary(&self.temporary)?.into_parts();
        let mut copied = 0;
        loop {
            check_cancelled(cancelled)?;
            let part = io::copy(&mut (&source).take(COPY_BYTES), &mut target);
            match part.map_err(|cause| fail(&path, &cause))? {
                0 => break,
                part => copied += part,
            }
        }
        if copied != size {
            return Err(StoreError::Other(format!("a file of {size} bytes changed while it was stored")));
        }
        target.sync_all().map_err(|cause| fail(&path, &cause))?;
        self.publish_here(path, cancelled)
    }

    /// Gives a temporary file of the store its name.
    fn publish_here(&self, temporary: TempPath, cancelled: &AtomicBool) -> Result<PutOutcome> {
        match self.publish(temporary, cancelled)? {
            None => Ok(PutOutcome::Created),
            Some(path) => Err(StoreError::Other(format!(
                "{} and {} are on two disks",
                path.display(),
                self.path.display()
            ))),
        }
    }

    /// Gives a synced file its name, durably. Returns the file if it is on another file system.
    fn publish(&self, mut temporary: TempPath, cancelled: &AtomicBool) -> Result<Option<TempPath>> {
        check_cancelled(cancelled)?;
        for last in (0..MAX_RENAMES).rev() {
            let made = match self.folders.make(parent(&self.path)) {
                Ok(made) => made,
                Err(error) if last == 0 => return Err(error),
                Err(_) => {
                    self.folders.forget();
                    continue;
                }
            };
            match temporary.persist(&self.path) {
                Ok(()) => {
                    folders::sync_folder(parent(&self.path))?;
                    return self.folders.sync(made).map(|()| None);
                }
                Err(failed) if failed.error.kind() == io::ErrorKind::CrossesDevices => {
                    return Ok(Some(failed.path));
                }
                Err(failed) if failed.error.kind() == io::ErrorKind::NotFound => {
                    self.folders.forget();
                    temporary = failed.path;
                }
                Err(failed) => return Err(fail(&self.path, &failed.error)),
            }
        }
        Err(StoreError::Other(format!("{}: its folder vanishes again and again", self.path.display())))
    }
}

fn find_size(path: &Path) -> Result<Option<u64>> {
    let metadata = found(std::fs::metadata(path), path)?;
    Ok(metadata.filter(|metadata| metadata.is_file()).map(|metadata| metadata.len()))
}

/// Deletes a file. A folder has no object's bytes, so it stays.
fn delete_file(path: &Path) -> Result<()> {
    match found(std::fs::remove_file(path), path) {
        Err(_) if path.is_dir() => Ok(()),
        result => result.map(|_| ()),
    }
}

fn write_synced(mut file: File, path: &Path, bytes: &[u8]) -> Result<()> {
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|cause| fail(path, &cause))
}

fn check_cancelled(cancelled: &AtomicBool) -> Result<()> {
    match cancelled.load(Ordering::Relaxed) {
        true => Err(StoreError::Other("the put was cancelled".to_owned())),
        false => Ok(()),
    }
}

/// Tells a thread that nobody waits for its result any more.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `work` on a thread of its own. Its flag is set if this future is dropped.
async fn run_cancellable<T: Send + 'static>(
    work: impl FnOnce(Arc<AtomicBool>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let _guard = CancelOnDrop(cancelled.clone());
    spawn_blocking(move || work(cancelled)).await?
}

/// Reads a range of a file, a part at a time. It ends early if the file does.
fn read_range(file: Arc<File>, path: Arc<Path>, range: Range<u64>) -> BoxStream<'static, Result<Bytes>> {
    let next = move |range: Range<u64>| {
        let (file, path) = (file.clone(), path.clone());
        async move {
            if range.is_empty() {
                return Ok(None);
            }
            let start = range.start;
            let wanted = (range.end - start).min(READ_BYTES);
            let part = spawn_blocking(move || read_part(&file, start, wanted)).await?;
            let part = part.map_err(|cause| fail(&path, &cause))?;
            let rest = start + part.len() as u64..range.end;
            Ok((!part.is_empty()).then_some((part, rest)))
        }
    };
    stream::try_unfold(range, next).boxed()
}

/// Reads at most `wanted` bytes, at most 256 KiB. Fewer only at the end of the file.
fn read_part(file: &File, start: u64, wanted: u64) -> io::Result<Bytes> {
    let mut part = BytesMut::zeroed(usize::try_from(wanted).unwrap_or_default());
    let mut length = 0;
    while length < part.len() {
        match file.read_at(&mut part[length..], start + length as u64) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
    part.truncate(length);
    Ok(part.freeze())
}
