//! The bytes of all answers that clients have not taken yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most bytes of answers that wait for clients in the whole process: 128 MiB.
pub const MAX_WAITING_BYTES: usize = 128 << 20;
/// The largest answer that is sent however much waits: 64 KiB.
const ALWAYS_SENT_BYTES: usize = 64 << 10;

/// Counts the bytes that wait for all clients of a process.
#[derive(Debug)]
pub struct Backlog {
    limit: usize,
    bytes: AtomicUsize,
}

/// Bytes that wait for one client. Dropping it takes them from the sum.
#[derive(Debug)]
pub struct WaitingBytes {
    backlog: Arc<Backlog>,
    bytes: usize,
}

impl Backlog {
    /// A backlog of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, bytes: AtomicUsize::new(0) }
    }

    /// Counts an answer of `bytes`. Returns `None` if too much waits already for an answer of this size.
    pub fn count(self: &Arc<Self>, bytes: usize) -> Option<WaitingBytes> {
        let others = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let waiting = WaitingBytes { backlog: Arc::clone(self), bytes };
        (bytes <= ALWAYS_SENT_BYTES || others.saturating_add(bytes) <= self.limit).then_some(waiting)
    }

    /// Whether so much waits that slow clients get less patience.
    pub fn is_pressed(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > self.limit / 2
    }
}

impl WaitingBytes {
    /// Notes that `bytes` wait no longer.
    pub fn take(&mut self, bytes: usize) {
        let taken = bytes.min(self.bytes);
        self.bytes -= taken;
        self.backlog.bytes.fetch_sub(taken, Ordering::Relaxed);
    }
}

impl Drop for WaitingBytes {
    fn drop(&mut self) {
        self.backlog.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_answer_is_refused_when_too_much_waits_and_a_small_one_never() {
        let backlog = Arc::new(Backlog::new(10 << 20));
        let mut first = backlog.count(9 << 20).unwrap();
        assert!(backlog.is_pressed());
        assert!(backlog.count(2 << 20).is_none() && backlog.count(2 << 20).is_none());
        let small = backlog.count(ALWAYS_SENT_BYTES);
        assert!(small.is_some());
        first.take(8 << 20);
        assert!(!backlog.is_pressed() && backlog.count(2 << 20).is_some());
        drop((first, small));
        assert_eq!(backlog.bytes.load(Ordering::Relaxed), 0);
    }
}
