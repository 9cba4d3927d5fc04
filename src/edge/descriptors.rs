//! File descriptors: each connection takes one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors kept for files, logs, and what a library opens for a moment.
const RESERVED_DESCRIPTORS: u64 = 256;

/// Raises the limit of file descriptors to the highest that this process may have.
pub fn raise_descriptor_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(cause) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%cause, "The limit of file descriptors stays as it is");
    }
}

/// Returns how many clients the limit of file descriptors leaves room for, beside `database_connections`.
pub fn count_free_descriptors(database_connections: usize) -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let reserved = RESERVED_DESCRIPTORS.saturating_add(database_connections as u64);
    usize::try_from(limit - reserved.min(limit / 2)).unwrap_or(usize::MAX)
}
