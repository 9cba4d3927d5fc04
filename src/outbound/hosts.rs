//! What is known of the hosts that are fetched from: when the next request may start, and whether they are down.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::error::FetchError;

/// A host.
pub(super) struct Host {
    name: String,
    /// Requests that may run at a time.
    pub(super) permits: Semaphore,
    state: Mutex<HostState>,
}

struct HostState {
    /// The next request starts at this time at the earliest.
    next_start: Instant,
    /// Failures in a row that looked as if the host were down.
    failures: u32,
    /// The sentence of the failure after which the host was given up.
    last_failure: Option<String>,
}

/// Whether a request may start.
pub(super) enum Start {
    Now,
    NotBefore(Instant),
}

impl Host {
    pub(super) fn new(name: &str, max_parallel: usize) -> Self {
        let state = HostState { next_start: Instant::now(), failures: 0, last_failure: None };
        Self { name: name.to_owned(), permits: Semaphore::new(max_parallel.max(1)), state: Mutex::new(state) }
    }

    /// When the next request may start. Fails if the host was given up.
    pub(super) fn find_next_start(&self) -> Result<Instant, FetchError> {
        let state = self.lock();
        self.check_state(&state)?;
        Ok(state.next_start)
    }

    /// Starts a request, if it may start already; the next may start `interval` later. Fails if the host was given up.
    pub(super) fn start(&self, interval: Duration) -> Result<Start, FetchError> {
        let mut state = self.lock();
        self.check_state(&state)?;
        let now = Instant::now();
        if now < state.next_start {
            return Ok(Start::NotBefore(state.next_start));
        }
        state.next_start = now + interval;
        Ok(Start::Now)
    }

    /// Whether the host was given up.
    pub(super) fn is_given_up(&self) -> bool {
        self.lock().last_failure.is_some()
    }

    /// Records that a request succeeded.
    pub(super) fn record_success(&self) {
        self.lock().failures = 0;
    }

    /// Records a failure. Gives the host up after `max_failures` in a row that look as if it were down, and leaves it
    /// alone for as long as it asks for, but not longer than `max_pause`.
    pub(super) fn record_failure(&self, failure: &FetchError, max_failures: u32, max_pause: Duration) {
        let mut state = self.lock();
        if let Some(pause) = failure.retry_after() {
            state.next_start = state.next_start.max(Instant::now() + pause.min(max_pause));
        }
        match failure.find_down_host() {
            Some(host) if host == self.name => state.failures += 1,
            _ if says_nothing_of_host(failure) => {}
            _ => state.failures = 0,
        }
        if state.failures >= max_failures && state.last_failure.is_none() {
            state.last_failure = Some(failure.to_string());
        }
    }

    fn check_state(&self, state: &HostState) -> Result<(), FetchError> {
        match &state.last_failure {
            Some(last_failure) => {
                Err(FetchError::HostGivenUp { host: self.name.clone(), last_failure: last_failure.clone() })
            }
            None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HostState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a failure came about without the host.
fn says_nothing_of_host(failure: &FetchError) -> bool {
    matches!(
        failure,
        FetchError::RefusedUrl(_)
            | FetchError::InvalidRequest(_)
            | FetchError::NotWritten(_)
            | FetchError::HostGivenUp { .. }
    )
}
