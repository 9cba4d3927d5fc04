//! The time by which a request must be answered, and what an answer after it means.
//!
//! A failure that a client is told means that nothing has happened. So a transaction is not begun
//! to be committed after the deadline, and once it is being committed its outcome is waited for.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// How long after the deadline the outcome of a commit is waited for. The server ends each
/// statement after 5 s, a lost connection is noticed after 6 s.
const COMMIT_GRACE: Duration = Duration::from_secs(7);

tokio::task_local! {
    /// The deadline of the request being served.
    static CURRENT: Deadline;
}

/// The time by which a request must be answered.
#[derive(Clone, Debug)]
pub struct Deadline {
    at: Instant,
    /// Whether a transaction of the request is being committed, or has been.
    is_decided: Arc<AtomicBool>,
}

/// Why work within a deadline was not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// Nothing was committed, and nothing will be.
    NothingHappened,
    /// A commit was sent, and its outcome has not come back.
    OutcomeUnknown,
}

impl Deadline {
    /// The deadline of work that may take `limit` from now on.
    pub fn after(limit: Duration) -> Self {
        Self { at: Instant::now() + limit, is_decided: Arc::default() }
    }

    /// The deadline of the request being served, if there is one.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    /// Runs the work of a request, until the deadline or the outcome of its commit.
    pub async fn bound<T>(&self, work: impl Future<Output = T>) -> Result<T, Late> {
        let mut work = pin!(CURRENT.scope(self.clone(), work));
        if let Ok(done) = timeout_at(self.at, &mut work).await {
            return Ok(done);
        }
        if !self.is_decided.load(Ordering::Acquire) {
            return Err(Late::NothingHappened);
        }
        timeout_at(self.at + COMMIT_GRACE, work).await.map_err(|_| Late::OutcomeUnknown)
    }

    /// Runs one step until the deadline. Returns `None` when it has passed.
    pub async fn bound_step<T>(&self, step: impl Future<Output = T>) -> Option<T> {
        timeout_at(self.at, step).await.ok()
    }

    /// Decides that the work is to be committed. Returns `false` when the deadline has passed: the
    /// client may have been told already that nothing happened.
    pub fn decide(&self) -> bool {
        let in_time = Instant::now() < self.at;
        if in_time {
            self.is_decided.store(true, Ordering::Release);
        }
        in_time
    }
}
