//! Why a store did not do what it was asked for.

use std::fmt;
use std::io;

use tokio::task::JoinError;

/// The result of asking a store.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// A failure of a store, by what can be done about it. An object that does not exist is no failure.
///
/// Its text is a sentence for the log of the server. It has no secrets, but names of folders and hosts.
#[derive(Clone, Debug)]
pub enum StoreError {
    /// The store did not answer, answered too slowly, or has a fault of its own. The same may succeed later.
    Unavailable(String),
    /// The store does not allow it: wrong keys, missing rights, no such bucket.
    Refused {
        /// The store's own code, as `AccessDenied` or `NoSuchBucket`. Of a local folder the name of the fault.
        code: String,
        /// What was refused.
        message: String,
    },
    /// The disk, or the share of it that is allowed, is full.
    Full(String),
    /// The bytes are more than the caller allows.
    TooLarge {
        /// The most bytes that are allowed.
        max_bytes: u64,
    },
    /// Anything else: a damaged disk, an answer that S3 does not have, a source that changed while it was read.
    Other(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(message) => write!(f, "The store is not available: {message}"),
            Self::Refused { code, message } => write!(f, "The store refused ({code}): {message}"),
            Self::Full(message) => write!(f, "The store is full: {message}"),
            Self::TooLarge { max_bytes } => write!(f, "The bytes are more than {max_bytes}."),
            Self::Other(message) => write!(f, "The store failed: {message}"),
        }
    }
}

impl std::error::Error for StoreError {}

impl StoreError {
    /// The failure of a system call while doing `what`, as "writing /srv/media/originals/ab".
    pub(super) fn from_io(what: impl fmt::Display, cause: &io::Error) -> Self {
        let message = format!("{what}: {cause}");
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full(message)
            }
            kind @ (io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => {
                Self::Refused { code: format!("{kind:?}"), message }
            }
            io::ErrorKind::TimedOut | io::ErrorKind::StaleNetworkFileHandle => Self::Unavailable(message),
            _ => Self::Other(message),
        }
    }
}

impl From<JoinError> for StoreError {
    fn from(cause: JoinError) -> Self {
        Self::Other(format!("a task of the store ended early: {cause}"))
    }
}

impl From<StoreError> for io::Error {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::Unavailable(_) => io::ErrorKind::TimedOut,
            StoreError::Refused { .. } => io::ErrorKind::PermissionDenied,
            StoreError::Full(_) => io::ErrorKind::StorageFull,
            StoreError::TooLarge { .. } => io::ErrorKind::FileTooLarge,
            StoreError::Other(_) => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
