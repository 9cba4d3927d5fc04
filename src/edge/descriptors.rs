//! File descriptors: each connection takes one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors kept for all but clients: the database, files, logs, and what a library opens for a moment.
const RESERVED_DESCRIPTORS: u64 = 256;

/// Raises the limit of file descriptors to the highest that this process may have.
pub fn raise_descriptor_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(cause) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%cause, "The limit of file descriptors stays as it is");
    }
}

/// Returns how many connections the limit of file descriptors leaves room for.
pub fn count_free_descriptors() -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit - RESERVED_DESCRIPTORS.min(limit / 2)).unwrap_or(usize::MAX)
}
