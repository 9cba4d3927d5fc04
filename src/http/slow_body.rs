//! Bodies that are read as they arrive, from clients that may be slow.

use std::io;
use std::time::{Duration, Instant};

use actix_web::web;
use futures_util::StreamExt;
use tokio::time::timeout;

/// A body ends if no bytes of it arrive for this long.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// The time over which the rate of a body is measured. Only waiting for the client counts.
const RATE_WINDOW: Duration = Duration::from_secs(60);
/// Least bytes of a body that arrive in [`RATE_WINDOW`]. What a slower client holds is free then.
const MIN_WINDOW_BYTES: usize = 6_000;

/// A body that is read as it arrives.
///
/// Fails with `ConnectionAborted` if the client disconnects early, and with `TimedOut` if nothing arrives for 30 seconds,
/// or less than 6,000 bytes in a minute.
pub struct SlowBody {
    payload: web::Payload,
    rate: Rate,
}

impl SlowBody {
    /// Reads `payload`.
    pub fn new(payload: web::Payload) -> Self {
        Self { payload, rate: Rate::default() }
    }

    /// Waits for the next bytes. `None` at the end.
    pub async fn next(&mut self) -> Option<io::Result<web::Bytes>> {
        let began_at = Instant::now();
        Some(match timeout(STALL_TIMEOUT, self.payload.next()).await {
            Ok(None) => return None,
            Ok(Some(Ok(chunk))) if self.rate.add(began_at.elapsed(), chunk.len()) => Ok(chunk),
            Ok(Some(Ok(_))) | Err(_) => Err(io::ErrorKind::TimedOut.into()),
            Ok(Some(Err(_))) => Err(io::ErrorKind::ConnectionAborted.into()),
        })
    }

    /// Discards what is still to come, for at most `time`, so that the client reads the answer.
    pub async fn discard(mut self, time: Duration) {
        let _ = timeout(time, async { while let Some(Ok(_)) = self.payload.next().await {} }).await;
    }
}

/// The rate at which a client sends.
#[derive(Default)]
struct Rate {
    waited: Duration,
    bytes: usize,
}

impl Rate {
    /// Adds bytes, and the time that they were waited for. Returns whether the client sends fast enough.
    fn add(&mut self, waited: Duration, bytes: usize) -> bool {
        self.waited += waited;
        self.bytes += bytes;
        if self.waited < RATE_WINDOW {
            return true;
        }
        let is_enough = self.bytes >= MIN_WINDOW_BYTES;
        *self = Self::default();
        is_enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_every_29_seconds_ends_a_body_within_a_minute_and_a_half() {
        let mut rate = Rate::default();
        let drip = Duration::from_secs(29);
        assert_eq!((0..9).position(|_| !rate.add(drip, 1)), Some(2));
        // A row a second is fast enough; so is a pause after much.
        let mut rate = Rate::default();
        assert!((0..600).all(|_| rate.add(Duration::from_secs(1), 150)));
        assert!(rate.add(Duration::ZERO, 1 << 20) && rate.add(drip, 1) && rate.add(drip, 1));
    }
}
