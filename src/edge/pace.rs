//! Patience with a client that is waited for.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A floor on a rate. Waiting uses up patience, bytes give it back.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    most: Duration,
    left: Duration,
    bytes_per_second: u32,
    waiting_since: Option<Instant>,
}

impl Pace {
    /// Waits at most `most` for any byte, and on average for no more than a second per `bytes_per_second`.
    pub fn new(most: Duration, bytes_per_second: u32) -> Self {
        Self { most, left: most, bytes_per_second, waiting_since: None }
    }

    /// Notes that the client is waited for; returns when the patience ends.
    pub fn wait(&mut self, now: Instant) -> Instant {
        *self.waiting_since.get_or_insert(now) + self.left
    }

    /// Returns since when the client is waited for.
    pub fn waiting_since(&self) -> Option<Instant> {
        self.waiting_since
    }

    /// Notes that `bytes` have moved.
    pub fn progress(&mut self, now: Instant, bytes: usize) {
        let waited = self.waiting_since.take().map_or(Duration::ZERO, |since| now - since);
        let earned = Duration::from_secs_f64(bytes as f64 / f64::from(self.bytes_per_second.max(1)));
        self.left = self.left.saturating_sub(waited).saturating_add(earned).min(self.most);
    }
}

/// A timer that is set anew less often than its deadline changes.
#[derive(Default)]
pub struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Whether `deadline` has passed. If not, the task is woken when it passes.
    pub fn has_passed(&mut self, deadline: Instant, cx: &mut Context<'_>) -> bool {
        if deadline <= Instant::now() {
            return true;
        }
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        // A timer for an earlier deadline is let run out, and is then set to this one.
        while sleep.as_mut().poll(cx) == Poll::Ready(()) {
            if deadline <= Instant::now() {
                return true;
            }
            sleep.as_mut().reset(deadline);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_uses_up_patience_and_bytes_give_it_back() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut pace = Pace::new(Duration::from_secs(10), 100);
        assert_eq!(pace.wait(at(0)), at(10));
        assert_eq!(pace.wait(at(4)), at(10), "it still waits");
        pace.progress(at(4), 200);
        assert_eq!(pace.wait(at(50)), at(58), "10 - 4 + 2; nobody waited from 4 to 50");
        pace.progress(at(51), 1 << 20);
        assert_eq!(pace.wait(at(60)), at(70), "never more than at first");
    }
}
