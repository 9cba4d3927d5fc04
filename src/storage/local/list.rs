//! Lists of the objects in a folder, read as they are asked for.

use std::fs::ReadDir;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::task::spawn_blocking;

use super::super::error::{Result, StoreError};
use super::super::name::ObjectName;
use super::super::reader::{ObjectEntry, ObjectList};
use super::paths::{found, parent};

/// Objects that one turn of a thread reads.
const BATCH_ENTRIES: usize = 256;

/// Lists the objects of a store, or those in one of its folders.
pub(super) fn list(root: &Path, folder: Option<&ObjectName>) -> ObjectList {
    let start = match folder {
        Some(folder) => (root.join(folder.as_str()), Some(folder.clone())),
        None => (root.to_owned(), None),
    };
    let walk = Walk { to_open: Some(start), open: Vec::new() };
    let batches = stream::try_unfold(walk, |mut walk| async move {
        let read = move || walk.read_batch().map(|batch| (batch, walk));
        let (batch, walk) = spawn_blocking(read).await??;
        Ok::<_, StoreError>((!batch.is_empty()).then_some((batch, walk)))
    });
    batches.map_ok(|batch| stream::iter(batch.into_iter().map(Ok))).try_flatten().boxed()
}

/// A walk through folders. It holds one open folder for each level, and no names.
struct Walk {
    /// The folder to be read next, with its name in the store.
    to_open: Option<(PathBuf, Option<ObjectName>)>,
    open: Vec<(ReadDir, PathBuf, Option<ObjectName>)>,
}

impl Walk {
    /// The next objects. Empty at the end.
    fn read_batch(&mut self) -> Result<Vec<ObjectEntry>> {
        let mut batch = Vec::new();
        while batch.len() < BATCH_ENTRIES {
            if let Some((path, name)) = self.to_open.take() {
                // It may have been removed since its name was read.
                if let Some(entries) = found(std::fs::read_dir(&path), &path)? {
                    self.open.push((entries, path, name));
                }
            }
            let Some((entries, folder, name)) = self.open.last_mut() else { break };
            let Some(entry) = entries.next() else {
                self.open.pop();
                continue;
            };
            let entry = entry.map_err(|cause| StoreError::from_io(folder.display(), &cause))?;
            let Some(name) = join_name(name.as_ref(), &entry) else { continue };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.to_open = Some((entry.path(), Some(name))),
                Ok(kind) if kind.is_file() => batch.extend(read_entry(&entry, name)?),
                _ => {}
            }
        }
        Ok(batch)
    }
}

/// The name of an entry in the store. `None` if no object is named so.
fn join_name(folder: Option<&ObjectName>, entry: &std::fs::DirEntry) -> Option<ObjectName> {
    let segment = entry.file_name().into_string().ok()?;
    let name = match folder {
        Some(folder) => format!("{folder}/{segment}"),
        None => segment,
    };
    ObjectName::new(name).ok()
}

/// Size and time of a file. `None` if it was deleted since its name was read.
fn read_entry(entry: &std::fs::DirEntry, name: ObjectName) -> Result<Option<ObjectEntry>> {
    let path = entry.path();
    let read = entry.metadata().and_then(|metadata| Ok((metadata.len(), metadata.modified()?)));
    let found: Option<(u64, std::time::SystemTime)> = found(read, parent(&path))?;
    Ok(found.map(|(size, modified)| ObjectEntry {
        name,
        size,
        last_modified: DateTime::<Utc>::from(modified),
    }))
}
