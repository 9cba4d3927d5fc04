//! Limits how many imports and exports a process runs in parallel.

use std::sync::{Arc, LazyLock};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};

/// Imports and exports that one process runs in parallel. Each holds a database connection.
const MAX_PARALLEL_TRANSFERS: usize = 4;

/// Returns a permit to import or export, or 503 if all are in use.
pub fn acquire_permit() -> Result<OwnedSemaphorePermit> {
    static PERMITS: LazyLock<Arc<Semaphore>> =
        LazyLock::new(|| Arc::new(Semaphore::new(MAX_PARALLEL_TRANSFERS)));
    let permit = PERMITS.clone().try_acquire_owned();
    permit.map_err(|_| Error::Unavailable("too many imports and exports in parallel".to_owned()))
}
