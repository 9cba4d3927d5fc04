//! The folder of an index: one for each process, so that two on one machine do not share one.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::index::{Index, OpenError};

/// Processes on one machine that can have an index below one folder.
const MAX_PROCESSES: usize = 64;
/// How the names of indexes begin; a number follows, which grows.
const PREFIX: &str = "index-";

/// A folder that no other process uses.
pub struct IndexFolder {
    path: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
}

impl IndexFolder {
    /// Takes the first folder below `root` that nobody uses.
    pub fn take(root: &Path) -> io::Result<Self> {
        for number in 0..MAX_PROCESSES {
            let path = root.join(number.to_string());
            fs::create_dir_all(&path)?;
            let lock = File::create(path.join("lock"))?;
            match lock.try_lock() {
                Ok(()) => return Ok(Self { path, _lock: lock }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(cause)) => return Err(cause),
            }
        }
        Err(io::Error::other("all folders are in use"))
    }

    /// The newest index here that is whole and of `identity`, and how long ago it was written. The others are removed.
    pub fn open(&self, identity: &str) -> io::Result<Option<(Index, Duration)>> {
        let mut found = None;
        for (_, path) in self.list()?.into_iter().rev() {
            if found.is_none() {
                match Index::open(&path, identity) {
                    Ok(index) if index.position().is_some_and(|position| !position.is_empty()) => {
                        found = Some((index, age(&path)?));
                        continue;
                    }
                    Ok(_) => {}
                    Err(OpenError::Io(cause)) => return Err(cause),
                    Err(cause) => tracing::info!(%cause, "The search index is built anew"),
                }
            }
            fs::remove_dir_all(&path)?;
        }
        Ok(found)
    }

    /// A new, empty index.
    pub fn create(&self, identity: &str) -> anyhow::Result<Index> {
        let number = self.list()?.last().map_or(0, |(number, _)| number + 1);
        let path = self.path.join(format!("{PREFIX}{number}"));
        fs::create_dir(&path)?;
        Ok(Index::create(&path, identity)?)
    }

    /// Removes all indexes but the newest.
    pub fn remove_old(&self) -> io::Result<()> {
        let mut all = self.list()?;
        all.pop();
        all.into_iter().try_for_each(|(_, path)| fs::remove_dir_all(path))
    }

    /// Removes the newest index.
    pub fn remove_newest(&self) -> io::Result<()> {
        self.list()?.pop().map_or(Ok(()), |(_, path)| fs::remove_dir_all(path))
    }

    /// The indexes, the newest last.
    fn list(&self) -> io::Result<Vec<(u64, PathBuf)>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let number = entry.file_name().to_str().and_then(|name| name.strip_prefix(PREFIX)?.parse().ok());
            all.extend(number.map(|number| (number, entry.path())));
        }
        all.sort();
        Ok(all)
    }
}

/// How long ago something in a folder was written last.
fn age(folder: &Path) -> io::Result<Duration> {
    let mut newest = SystemTime::UNIX_EPOCH;
    for entry in fs::read_dir(folder)? {
        newest = newest.max(entry?.metadata()?.modified()?);
    }
    Ok(newest.elapsed().unwrap_or_default())
}
