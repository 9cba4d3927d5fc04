//! What a path of a local store and the answers about it mean.

use std::io;
use std::path::Path;

use super::super::error::{Result, StoreError};

/// A failure of the disk at a path.
pub(super) fn fail(path: &Path, cause: &io::Error) -> StoreError {
    StoreError::from_io(path.display(), cause)
}

/// The folder of a file. An object's path always has one.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// `None` for what does not exist: also for `a/b` if `a` is a file.
pub(super) fn found<T>(result: io::Result<T>, path: &Path) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(cause) if matches!(cause.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(cause) => Err(fail(path, &cause)),
    }
}
