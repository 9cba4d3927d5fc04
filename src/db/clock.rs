//! The database's clock, as this process knows it.
//!
//! Stored times are times of the database. What this process judges by itself, such as the end
//! of an access token, it judges by the same clock: its own, plus an offset that it has measured.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryResult;

use super::connection::Connection;

/// How often the offset is measured again.
pub const MEASURE_INTERVAL: Duration = Duration::from_secs(10);
/// The skew above which the clocks count as wrong.
const MAX_SKEW: TimeDelta = TimeDelta::seconds(30);

/// The offset of the database's clock.
#[derive(Default)]
pub struct Clock {
    /// Milliseconds that the database's clock is ahead of that of this machine.
    offset: AtomicI64,
    /// Whether the log has told of a large skew.
    is_warned: AtomicBool,
}

impl Clock {
    /// Returns the time by the database's clock, as last measured.
    pub fn now(&self) -> DateTime<Utc> {
        Utc::now() + self.offset()
    }

    /// Returns by how many seconds the database's clock is ahead, as last measured.
    pub fn skew(&self) -> f64 {
        self.offset.load(Ordering::Acquire) as f64 / 1000.0
    }

    fn offset(&self) -> TimeDelta {
        TimeDelta::milliseconds(self.offset.load(Ordering::Acquire))
    }

    /// Returns by how many seconds the clocks differ, if that is over 30.
    pub fn large_skew(&self) -> Option<i64> {
        let skew = self.offset().abs();
        (skew > MAX_SKEW).then(|| (skew + TimeDelta::milliseconds(500)).num_seconds())
    }

    /// Measures the offset. A log line tells when it becomes large, and when it no longer is.
    pub async fn measure(&self, conn: &Connection) -> QueryResult<()> {
        let (asked, began) = (Utc::now(), Instant::now());
        let reading = super::read_clock(conn).await?;
        // The reading was taken somewhere between the question and the answer.
        let half = TimeDelta::from_std(began.elapsed() / 2).unwrap_or_default();
        let offset = reading - (asked + half);
        self.offset.store(offset.num_milliseconds(), Ordering::Release);
        let skew = self.large_skew();
        if skew.is_some() != self.is_warned.swap(skew.is_some(), Ordering::AcqRel) {
            match skew {
                Some(seconds) => {
                    tracing::warn!(
                        seconds,
                        "The clocks of the database and of this machine differ by {seconds} s"
                    );
                }
                None => tracing::info!("The clocks of the database and of this machine agree again"),
            }
        }
        Ok(())
    }
}
