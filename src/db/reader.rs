//! The reading connection of each worker thread.
//!
//! Short reads of a worker share one connection that the worker's own runtime
//! drives: statements are pipelined on it, and no other thread has a part in a
//! round trip. Nothing that writers do can take it away. Reads that may take
//! long go through the pool instead, so that no short one waits behind them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use thread_local::ThreadLocal;

use super::connection::Connection;
use super::pool::{self, OpenError};

/// How long an unanswered connection is used further; then a new one takes its place.
const MAX_SILENCE: Duration = Duration::from_secs(2);
/// How long after a failed attempt the next one is made.
const RETRY_DELAY: Duration = Duration::from_millis(250);

/// The reading connections of a process, one for each thread that asks.
pub struct Readers {
    url: String,
    slots: ThreadLocal<Slot>,
}

#[derive(Default)]
struct Slot {
    current: Mutex<Option<Arc<Connection>>>,
    /// Held by whoever opens a connection; the time of the last failure.
    opening: tokio::sync::Mutex<Option<Instant>>,
}

impl Readers {
    /// Readers of the database at `url`.
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned(), slots: ThreadLocal::new() }
    }

    /// The connection of this thread, opened if there is none that answers.
    ///
    /// Fails at once for 250 ms after an attempt to open one has failed.
    pub async fn get(&self) -> Result<Arc<Connection>, OpenError> {
        let slot = self.slots.get_or_default();
        if let Some(conn) = slot.usable() {
            return Ok(conn);
        }
        let mut failed_at = slot.opening.lock().await;
        if let Some(conn) = slot.usable() {
            return Ok(conn);
        }
        if failed_at.is_some_and(|at| at.elapsed() < RETRY_DELAY) {
            return Err(OpenError::new("it was not to be had a moment ago"));
        }
        match pool::open(self.url.clone()).await {
            Ok(conn) => {
                let conn = Arc::new(conn);
                *slot.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(conn.clone());
                *failed_at = None;
                Ok(conn)
            }
            Err(cause) => {
                *failed_at = Some(Instant::now());
                Err(cause)
            }
        }
    }
}

impl Slot {
    fn usable(&self) -> Option<Arc<Connection>> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner).clone();
        current.filter(|conn| conn.is_usable() && !conn.is_silent_for(MAX_SILENCE))
    }
}
