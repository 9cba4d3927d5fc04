//! An index in its folder: made, opened, checked, and locked against other processes.

use std::fs::{File, TryLockError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tantivy::index::SegmentComponent;
use tantivy::{IndexReader, IndexSettings, ReloadPolicy, SegmentMeta};

use super::folder::Folder;
use super::schema::{self, Columns};
use super::segment::{CommonLabels, no_labels};
use super::{IndexError, OpenError, Result};

/// The format of the files. It grows with each change of the schema, the folding or the tokens.
const FORMAT: &str = "inkstone index 1";
/// The file with the format and the identity.
const IDENTITY_FILE: &str = "identity";
/// The file whose lock says that a process has the folder.
const LOCK_FILE: &str = "lock";

/// Documents in a folder. Cheap to clone.
#[derive(Clone)]
pub struct Index(Arc<Store>);

/// The writer of Tantivy, once there is something to write.
#[derive(Default)]
pub(super) struct WriterState {
    pub(super) writer: Option<tantivy::IndexWriter>,
    /// Bytes of texts that may wait for the indexing thread.
    pub(super) waiting_bytes: usize,
}

/// What all clones of an [`Index`] share.
pub(super) struct Store {
    pub(super) index: tantivy::Index,
    pub(super) reader: IndexReader,
    pub(super) columns: Columns,
    pub(super) common_labels: CommonLabels,
    pub(super) writer: Mutex<WriterState>,
    pub(super) generation: AtomicU64,
    position: Mutex<Option<String>>,
    folder: PathBuf,
    _lock: File,
}

/// Runs `work`. What Tantivy panics about is a fault, as what it returns is.
pub(super) fn guard<T>(work: impl FnOnce() -> tantivy::Result<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| IndexError(error.to_string())),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(IndexError(text.unwrap_or("it panicked").to_owned()))
        }
    }
}

/// Takes the lock of `folder`.
fn lock(folder: &Path) -> std::result::Result<File, OpenError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join(LOCK_FILE))
        .map_err(OpenError::Io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked),
        Err(TryLockError::Error(error)) => Err(OpenError::Io(error)),
    }
}

/// The content of the file with the identity.
fn describe(identity: &str) -> String {
    format!("{FORMAT}\n{identity}\n")
}

/// A position as it is committed: with a digest, since the file that has it has none.
pub(super) fn seal_position(position: &str) -> String {
    format!("{:08x} {position}", crc32fast::hash(position.as_bytes()))
}

/// The position of a commit. `None` if it is damaged.
fn open_position(sealed: &str) -> Option<&str> {
    let (_, position) = sealed.split_once(' ')?;
    (seal_position(position) == sealed).then_some(position)
}

/// The files of a segment. It has one more if documents of it were removed.
const FILES: [SegmentComponent; 6] = [
    SegmentComponent::Postings,
    SegmentComponent::Positions,
    SegmentComponent::FastFields,
    SegmentComponent::FieldNorms,
    SegmentComponent::Terms,
    SegmentComponent::Store,
];

/// A file of `segments` whose digest is not that of its content. Fails if one is not there.
///
/// Tantivy's own check passes over files that its list of files does not have, and that list may be damaged too.
fn find_damaged(index: &tantivy::Index, segments: &[SegmentMeta]) -> tantivy::Result<Option<PathBuf>> {
    for segment in segments {
        let removed = segment.has_deletes().then_some(SegmentComponent::Delete);
        for component in FILES.into_iter().chain(removed) {
            let path = segment.relative_path(component);
            if !index.directory().validate_checksum(&path)? {
                return Ok(Some(path));
            }
        }
    }
    Ok(None)
}

impl Index {
    /// Opens the index in `folder`, if it is one of this identity and format, and undamaged.
    pub fn open(folder: &Path, identity: &str) -> std::result::Result<Self, OpenError> {
        let unusable = |reason: String| OpenError::NotUsable(reason);
        if !folder.join(IDENTITY_FILE).exists() {
            return Err(unusable("there is none".to_owned()));
        }
        let lock = lock(folder)?;
        let found = std::fs::read(folder.join(IDENTITY_FILE)).map_err(OpenError::Io)?;
        if found != describe(identity).as_bytes() {
            return Err(unusable("it is of another site or version".to_owned()));
        }
        let (schema, columns) = schema::build();
        let opened = guard(|| {
            let index = tantivy::Index::open(Folder::open(folder)?)?;
            let metas = index.load_metas()?;
            let damaged = find_damaged(&index, &metas.segments)?;
            Ok((index, damaged, metas.payload))
        });
        let (index, damaged, payload) = opened.map_err(|error| unusable(error.0))?;
        if let Some(file) = damaged {
            return Err(unusable(format!("{} is damaged", file.display())));
        }
        if index.schema() != schema {
            return Err(unusable("it has other columns".to_owned()));
        }
        let position = match payload {
            None => None,
            Some(sealed) => {
                let position =
                    open_position(&sealed).ok_or_else(|| unusable("its position is damaged".to_owned()))?;
                Some(position.to_owned())
            }
        };
        Self::start(folder, index, columns, position, lock)
    }

    /// Makes a new, empty index in `folder`, which is made if it is not there.
    pub fn create(folder: &Path, identity: &str) -> std::result::Result<Self, OpenError> {
        std::fs::create_dir_all(folder).map_err(OpenError::Io)?;
        let lock = lock(folder)?;
        let (schema, columns) = schema::build();
        let created =
            guard(|| tantivy::Index::create(Folder::open(folder)?, schema, IndexSettings::default()));
        let index = created.map_err(|error| OpenError::NotUsable(error.0))?;
        std::fs::write(folder.join(IDENTITY_FILE), describe(identity)).map_err(OpenError::Io)?;
        Self::start(folder, index, columns, None, lock)
    }

    fn start(
        folder: &Path,
        mut index: tantivy::Index,
        columns: Columns,
        position: Option<String>,
        lock: File,
    ) -> std::result::Result<Self, OpenError> {
        index.set_tokenizers(schema::make_tokenizers());
        let reader = guard(|| index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into());
        let reader = reader.map_err(|error| OpenError::NotUsable(error.0))?;
        Ok(Self(Arc::new(Store {
            index,
            reader,
            columns,
            common_labels: no_labels(),
            writer: Mutex::default(),
            generation: AtomicU64::new(1),
            position: Mutex::new(position),
            folder: folder.to_owned(),
            _lock: lock,
        })))
    }

    /// Whether `other` is a clone of this one.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn store(&self) -> &Store {
        &self.0
    }

    /// The position that was committed with the documents.
    pub fn position(&self) -> Option<String> {
        self.0.position.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes a commit visible to searches.
    pub(super) fn show_commit(&self, position: &str) -> tantivy::Result<()> {
        self.0.reader.reload()?;
        *self.0.position.lock().unwrap_or_else(PoisonError::into_inner) = Some(position.to_owned());
        self.0.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Grows with each commit that searches see.
    pub fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    /// The number of documents.
    pub fn documents(&self) -> u64 {
        self.0.reader.searcher().num_docs()
    }

    /// The bytes that the index takes in its folder. It reads the folder, and blocks while it does.
    pub fn bytes_on_disk(&self) -> u64 {
        let Ok(files) = std::fs::read_dir(&self.0.folder) else { return 0 };
        files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len())).sum()
    }
}
