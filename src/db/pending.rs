//! The statements of a connection that wait for their answers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The statements that wait for their answers, which come in the order of the statements.
#[derive(Default)]
pub struct PendingAnswers {
    /// How many wait, and when the server last answered, or was first asked after a silence.
    state: Mutex<(usize, Option<Instant>)>,
    /// Whether somebody has stopped waiting for an answer that is still to come.
    pub is_abandoned: AtomicBool,
}

/// One statement that waits for its answer.
pub struct PendingAnswer<'c> {
    pending: &'c PendingAnswers,
    /// To be set when the answer has come.
    pub is_answered: bool,
}

impl PendingAnswers {
    /// Counts a statement that is about to be sent.
    pub fn expect_one(&self) -> PendingAnswer<'_> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 += 1;
        state.1.get_or_insert_with(Instant::now);
        PendingAnswer { pending: self, is_answered: false }
    }

    /// Whether statements have waited longer than `limit` while the server answered none.
    pub fn is_silent_for(&self, limit: Duration) -> bool {
        let since = self.state.lock().unwrap_or_else(PoisonError::into_inner).1;
        since.is_some_and(|since| since.elapsed() > limit)
    }
}

impl Drop for PendingAnswer<'_> {
    fn drop(&mut self) {
        let mut state = self.pending.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 -= 1;
        if self.is_answered {
            state.1 = (state.0 > 0).then(Instant::now);
        } else {
            // The answer still comes, if the server is there: until then it counts as silent.
            self.pending.is_abandoned.store(true, Ordering::Release);
        }
    }
}
