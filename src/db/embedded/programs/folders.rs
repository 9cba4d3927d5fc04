//! The folder of copies: its lock, its mode, and what is on the disk.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result};

use super::tell;

/// Locks `dir`, and removes what interrupted processes have left in it. Waits for a process that is fetching.
pub(super) fn lock_dir(dir: &Path) -> Result<File> {
    let locking = || format!("locking {}", dir.display());
    fs::create_dir_all(dir).with_context(locking)?;
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(dir.join("fetch.lock"))
        .with_context(locking)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            tell(&format!("Waiting for another process that prepares PostgreSQL in {}", dir.display()))?;
            lock.lock().with_context(locking)?;
        }
        Err(TryLockError::Error(cause)) => return Err(cause).with_context(locking),
    }
    for entry in fs::read_dir(dir).with_context(locking)?.flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(b"new-") {
            // A folder that cannot be removed does no harm.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(lock)
}

/// Creates a folder that is removed with the returned value, unless it is renamed.
pub(super) fn make_scratch(dir: &Path) -> Result<tempfile::TempDir> {
    let scratch = tempfile::Builder::new().prefix("new-").tempdir_in(dir);
    scratch.with_context(|| format!("creating a folder in {}", dir.display()))
}

/// Changes the mode of the folder `dir`. A link in its place is left alone, and so is what it leads to.
pub(super) fn change_mode(dir: &Path, mode: u32) -> io::Result<()> {
    if dir.is_symlink() {
        return Ok(());
    }
    // Whoever puts a link here meanwhile makes this fail.
    let flags = libc::O_NOFOLLOW | libc::O_DIRECTORY;
    OpenOptions::new().read(true).custom_flags(flags).open(dir)?.set_permissions(Permissions::from_mode(mode))
}

/// Waits until all files and folders below `folder`, and itself, are on the disk.
pub(super) fn sync_tree(folder: &Path) -> Result<()> {
    let syncing = || format!("writing {}", folder.display());
    for entry in fs::read_dir(folder).with_context(syncing)? {
        let entry = entry.with_context(syncing)?;
        let kind = entry.file_type().with_context(syncing)?;
        if kind.is_dir() {
            sync_tree(&entry.path())?;
        } else if kind.is_file() {
            File::open(entry.path()).and_then(|file| file.sync_all()).with_context(syncing)?;
        }
    }
    File::open(folder).and_then(|folder| folder.sync_all()).with_context(syncing)
}
