//! The folders of a local store: made durably, and removed when they have been empty for long.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::super::error::{Result, StoreError};
use super::super::private_folder::{ensure_private_folder, make_folder};

/// Folders that are remembered as durable. About 100 bytes each.
const MAX_KNOWN_FOLDERS: usize = 4_096;

/// The folders of a store, and which of them are known to be on the disk.
pub(super) struct Folders {
    root: PathBuf,
    /// Folders that this process has seen to be durable, so that not every put syncs all folders above its file.
    known: Mutex<HashSet<PathBuf>>,
}

/// Folders that may not be on the disk yet, the innermost first.
#[must_use]
pub(super) struct UnsyncedFolders(Vec<PathBuf>);

impl Folders {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, known: Mutex::default() }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Makes a folder of the store, and those above it. They are on the disk when it returns.
    pub(super) fn ensure(&self, folder: &Path) -> Result<()> {
        self.make(folder).and_then(|made| self.sync(made))
    }

    /// Makes a folder of the store, and those above it, as far as they are not known to be on the disk.
    ///
    /// To be synced when the object has its name: the first sync then writes all of it, and the others find nothing
    /// left to write.
    pub(super) fn make(&self, folder: &Path) -> Result<UnsyncedFolders> {
        let inside = folder.ancestors().take_while(|above| above.starts_with(&self.root));
        let unknown: Vec<PathBuf> =
            inside.take_while(|above| !self.is_known(above)).map(Path::to_owned).collect();
        for folder in unknown.iter().rev() {
            match *folder == self.root {
                true => ensure_private_folder(folder)?,
                // It may be there: the process that made it may not have synced it yet.
                false => make_folder(folder)?,
            }
        }
        Ok(UnsyncedFolders(unknown))
    }

    /// Waits until folders are on the disk.
    pub(super) fn sync(&self, made: UnsyncedFolders) -> Result<()> {
        for folder in &made.0 {
            let Some(above) = folder.parent() else { continue };
            match *folder == self.root {
                // The folder above the root is not the store's: it may be forbidden to open it.
                true => drop(sync_folder(above)),
                false => sync_folder(above)?,
            }
        }
        made.0.iter().for_each(|folder| self.remember(folder));
        Ok(())
    }

    fn is_known(&self, folder: &Path) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(folder)
    }

    fn remember(&self, folder: &Path) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN_FOLDERS {
            known.clear();
        }
        known.insert(folder.to_owned());
    }

    /// Forgets which folders are on the disk, because one was removed.
    pub(super) fn forget(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Removes the folders below the root that have been empty for `min_age`. Returns how many.
    pub(super) fn remove_empty(&self, min_age: Duration) -> Result<u64> {
        let mut removed = 0;
        remove_empty_in(&self.root, min_age, &mut removed)?;
        self.forget();
        Ok(removed)
    }
}

/// Removes long empty folders in `folder`. Returns whether nothing is left in it.
fn remove_empty_in(folder: &Path, min_age: Duration, removed: &mut u64) -> Result<bool> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(cause) => return Err(StoreError::from_io(folder.display(), &cause)),
    };
    let mut is_empty = true;
    for entry in entries {
        let entry = entry.map_err(|cause| StoreError::from_io(folder.display(), &cause))?;
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !is_folder || entry.file_name().as_encoded_bytes().starts_with(b".") {
            is_empty = false;
            continue;
        }
        // Its age is read first: what is removed inside makes it young.
        let is_old = is_older(&entry, min_age);
        if remove_empty_in(&entry.path(), min_age, removed)? && is_old {
            // A put may have filled it meanwhile. Then it stays.
            let is_gone = std::fs::remove_dir(entry.path()).is_ok();
            *removed += u64::from(is_gone);
            is_empty &= is_gone;
        } else {
            is_empty = false;
        }
    }
    Ok(is_empty)
}

/// Whether nothing was added to a folder, or removed from it, for `min_age`.
fn is_older(entry: &std::fs::DirEntry, min_age: Duration) -> bool {
    let modified = entry.metadata().and_then(|metadata| metadata.modified());
    let age = modified.ok().and_then(|time| SystemTime::now().duration_since(time).ok());
    age.unwrap_or_default() >= min_age
}

/// Waits until the names in a folder are on the disk.
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    match synced {
        // Some file systems cannot sync a folder. They keep its names as well as they can.
        Err(cause) if matches!(cause.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        synced => synced.map_err(|cause| StoreError::from_io(folder.display(), &cause)),
    }
}
