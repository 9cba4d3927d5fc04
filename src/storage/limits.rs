//! How long a store is waited for, and how often it is asked again.

use std::time::Duration;

/// Limits of the requests to an S3-compatible store. A local folder has none.
///
/// A failed request takes at most `retry_window` + `stall` + `connect`, however the store fails. A request that makes
/// progress is never cut off.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest wait for a connection, with TLS.
    pub connect: Duration,
    /// The longest wait in which no byte is sent and none is received.
    ///
    /// A byte counts as sent when the connection has taken it. That may then hold some hundred KB, and up to about
    /// 4 MB where the network is fast, which must pass in this time too.
    pub stall: Duration,
    /// The most retries of a request after its first failure.
    pub max_retries: usize,
    /// The time since the first try of a request after which it is not tried again.
    pub retry_window: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            stall: Duration::from_secs(30),
            max_retries: 4,
            retry_window: Duration::from_secs(20),
        }
    }
}
