//! How many imports and exports a process runs at once.

use std::sync::{Arc, LazyLock};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};

/// Imports and exports a process runs at once; more are asked to come back.
const AT_ONCE: usize = 4;

/// A place among the imports and exports of this process; 503 when all are taken.
pub fn turn() -> Result<OwnedSemaphorePermit> {
    static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(AT_ONCE)));
    let turn = TURNS.clone().try_acquire_owned();
    turn.map_err(|_| Error::Unavailable("too many imports and exports at once".to_owned()))
}
