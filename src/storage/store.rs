//! The one interface of both kinds of store.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::error::Result;
use super::local::LocalStore;
use super::name::ObjectName;
use super::outcome::PutOutcome;
use super::reader::{ObjectList, ObjectReader};
use super::s3::S3Store;
use super::settings::StoreSettings;
use super::spool::Spooled;

/// A store of named bytes. Clones share it.
#[derive(Clone)]
pub struct Store(Arc<Backend>);

enum Backend {
    Local(LocalStore),
    S3(S3Store),
}

impl Store {
    /// Makes a store from its settings. Neither a disk nor a network is touched: see [`Store::check`].
    pub fn open(settings: &StoreSettings) -> Result<Self> {
        Ok(Self(Arc::new(match settings {
            StoreSettings::Folder(root) => Backend::Local(LocalStore::new(root.clone())),
            StoreSettings::S3(settings) => Backend::S3(S3Store::new(settings)?),
        })))
    }

    /// Tries whether the store is there, and can be written, read, listed and cleaned. For the start of a server.
    pub async fn check(&self) -> Result<()> {
        match &*self.0 {
            Backend::Local(store) => store.check().await,
            Backend::S3(store) => store.check().await,
        }
    }

    /// Stores the bytes of a file, which stays as it is. Durable when it returns.
    ///
    /// The object is complete or absent at every moment, also for other processes that put the same name. If the
    /// future is dropped, no object appears, unless it was complete already. An object of the same size is left as it
    /// is; one of another size is replaced. A file that changes meanwhile fails or is stored as it was read.
    pub async fn put_file(&self, name: &ObjectName, file: &Path) -> Result<PutOutcome> {
        match &*self.0 {
            Backend::Local(store) => store.put_file(name, file).await,
            Backend::S3(store) => store.put_file(name, file).await,
        }
    }

    /// Stores a spooled file, as [`Store::put_file`]. The file is gone afterwards.
    ///
    /// It is renamed and not copied if the store is a folder on the same file system.
    pub async fn put_spooled(&self, name: &ObjectName, spooled: Spooled) -> Result<PutOutcome> {
        match &*self.0 {
            Backend::Local(store) => store.put_spooled(name, spooled).await,
            Backend::S3(store) => store.put_file(name, spooled.path()).await,
        }
    }

    /// Stores bytes, as [`Store::put_file`].
    pub async fn put_bytes(&self, name: &ObjectName, bytes: Bytes) -> Result<PutOutcome> {
        match &*self.0 {
            Backend::Local(store) => store.put_bytes(name, bytes).await,
            Backend::S3(store) => store.put_bytes(name, bytes).await,
        }
    }

    /// Opens an object, or a range of it, for reading in constant memory. `None` if it does not exist.
    ///
    /// A range behind the end has no bytes; one that begins before it is cut to the end. An object that is deleted
    /// meanwhile can be read to its end from a folder.
    pub async fn open_object(
        &self,
        name: &ObjectName,
        range: Option<Range<u64>>,
    ) -> Result<Option<ObjectReader>> {
        match &*self.0 {
            Backend::Local(store) => store.open_object(name, range).await,
            Backend::S3(store) => store.open_object(name, range).await,
        }
    }

    /// Reads a whole object. `None` if it does not exist.
    ///
    /// Fails with [`TooLarge`](super::StoreError::TooLarge) if it is larger than `max_bytes`, before it is read.
    pub async fn read(&self, name: &ObjectName, max_bytes: usize) -> Result<Option<Bytes>> {
        match self.open_object(name, None).await? {
            Some(reader) => reader.read_to_end(max_bytes).await.map(Some),
            None => Ok(None),
        }
    }

    /// The size of an object in bytes. `None` if it does not exist.
    pub async fn size(&self, name: &ObjectName) -> Result<Option<u64>> {
        match &*self.0 {
            Backend::Local(store) => store.size(name).await,
            Backend::S3(store) => store.size(name).await,
        }
    }

    /// Deletes an object. One that does not exist is no failure.
    pub async fn delete(&self, name: &ObjectName) -> Result<()> {
        self.delete_many(std::slice::from_ref(name)).await
    }

    /// Deletes objects. Ends at the first failure, after which some are deleted and some are not.
    pub async fn delete_many(&self, names: &[ObjectName]) -> Result<()> {
        match &*self.0 {
            Backend::Local(store) => store.delete_many(names).await,
            Backend::S3(store) => store.delete_many(names).await,
        }
    }

    /// Lists all objects, or those whose names begin with `folder` and `/`.
    ///
    /// Files and objects with names that [`ObjectName`] does not allow are left out: they are not the store's.
    pub fn list(&self, folder: Option<&ObjectName>) -> ObjectList {
        match &*self.0 {
            Backend::Local(store) => store.list(folder),
            Backend::S3(store) => store.list(folder),
        }
    }

    /// Removes what puts left behind that were cut off `min_age` ago or earlier. Returns how many things.
    ///
    /// In a folder these are temporary files and empty folders; in S3 incomplete multipart uploads and objects of
    /// [`Store::check`]. To be called about once a day, with a day. A put that takes longer than `min_age` fails.
    pub async fn remove_stale_temporaries(&self, min_age: Duration) -> Result<u64> {
        match &*self.0 {
            Backend::Local(store) => store.remove_stale_temporaries(min_age).await,
            Backend::S3(store) => store.remove_stale_temporaries(min_age).await,
        }
    }

    /// Where an object is on this machine, if the store is a folder. The object need not exist.
    pub fn local_path(&self, name: &ObjectName) -> Option<PathBuf> {
        match &*self.0 {
            Backend::Local(store) => Some(store.path(name)),
            Backend::S3(_) => None,
        }
    }

    /// The folder for a [`Spool`](super::Spool) whose file becomes an object without being copied.
    ///
    /// `None` if the store is no folder: any folder will do then, cleaned with
    /// [`remove_stale_files`](super::remove_stale_files).
    pub fn temporary_folder(&self) -> Option<&Path> {
        match &*self.0 {
            Backend::Local(store) => Some(store.temporary_folder()),
            Backend::S3(_) => None,
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Backend::Local(store) => write!(f, "Store({})", store.root().display()),
            Backend::S3(store) => write!(f, "Store({})", store.address()),
        }
    }
}
