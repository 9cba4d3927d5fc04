//! Folders that only their owner can read.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use super::error::{Result, StoreError};

/// Rights of a new folder: for its owner only.
const FOLDER_MODE: u32 = 0o700;

/// Makes a folder, and those above it, readable for their owner only. One that exists stays as it is.
pub(super) fn ensure_private_folder(folder: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder);
    made.map_err(|cause| StoreError::from_io(folder.display(), &cause))
}

/// Makes a folder in one that exists, readable for its owner only. One that exists stays as it is.
pub(super) fn make_folder(folder: &Path) -> Result<()> {
    match DirBuilder::new().mode(FOLDER_MODE).create(folder) {
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map_err(|cause| StoreError::from_io(folder.display(), &cause)),
    }
}
