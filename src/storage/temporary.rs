//! Temporary files: how they are named, made, and removed when nobody needs them any more.

use std::path::Path;
use std::time::{Duration, SystemTime};

use tempfile::{Builder, NamedTempFile};
use tokio::task::spawn_blocking;

use super::error::{Result, StoreError};
use super::private_folder::ensure_private_folder;

/// How the names of temporary files begin.
const TEMPORARY_PREFIX: &str = "tmp-";

/// Makes an empty file in `folder`, which is made if it does not exist. The file is removed when it is dropped.
pub(super) fn create_temporary(folder: &Path) -> Result<NamedTempFile> {
    ensure_private_folder(folder)?;
    let file = Builder::new().prefix(TEMPORARY_PREFIX).tempfile_in(folder);
    file.map_err(|cause| StoreError::from_io(folder.display(), &cause))
}

/// Removes the temporary files directly in `folder` that nobody wrote to for `min_age`. Returns how many.
///
/// Only files named as those of a [`Spool`](super::Spool) or of a store. A folder that does not exist has none.
pub async fn remove_stale_files(folder: &Path, min_age: Duration) -> Result<u64> {
    let folder = folder.to_owned();
    spawn_blocking(move || remove_stale(&folder, min_age)).await?
}

fn remove_stale(folder: &Path, min_age: Duration) -> Result<u64> {
    let fail = |path: &Path, cause: &std::io::Error| StoreError::from_io(path.display(), cause);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(cause) => return Err(fail(folder, &cause)),
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry.map_err(|cause| fail(folder, &cause))?;
        let is_temporary = entry.file_name().to_string_lossy().starts_with(TEMPORARY_PREFIX);
        if !is_temporary || !is_stale_file(&entry, min_age) {
            continue;
        }
        match std::fs::remove_file(entry.path()) {
            Ok(()) => removed += 1,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {}
            Err(cause) => return Err(fail(&entry.path(), &cause)),
        }
    }
    Ok(removed)
}

/// Whether an entry is a file that was last written `min_age` ago or earlier.
fn is_stale_file(entry: &std::fs::DirEntry, min_age: Duration) -> bool {
    let Ok(metadata) = entry.metadata() else { return false };
    let age = metadata.modified().ok().and_then(|time| SystemTime::now().duration_since(time).ok());
    metadata.is_file() && age.unwrap_or_default() >= min_age
}
