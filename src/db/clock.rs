//! The database's clock, as this process knows it.
//!
//! Stored times are times of the database. What this process judges by itself, such as the end
//! of an access token, it judges by the same clock, which it has read a while ago.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryResult;

use super::connection::Connection;

/// How often the clock is read again.
pub const MEASURE_INTERVAL: Duration = Duration::from_secs(2);
/// The skew above which the clocks count as wrong.
const MAX_SKEW: TimeDelta = TimeDelta::seconds(30);

/// How wrong a reading may be by the time that it took, where there is one already.
const MAX_ERROR: TimeDelta = TimeDelta::milliseconds(50);
/// The step of a clock beyond which what was timed by it is made anew.
const MAX_STEP: TimeDelta = TimeDelta::milliseconds(200);

/// The database's clock.
///
/// Between two measurements it goes on by the time that passes, whatever is done to the clock of this machine.
pub struct Clock {
    began: Instant,
    /// The time of the database at `began`, in microseconds of the epoch; that of this machine until it is measured.
    base: AtomicI64,
    is_measured: AtomicBool,
    /// Whether the log has told of a large skew.
    is_warned: AtomicBool,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            base: AtomicI64::new(Utc::now().timestamp_micros()),
            is_measured: AtomicBool::new(false),
            is_warned: AtomicBool::new(false),
        }
    }
}

impl Clock {
    /// Returns the time by the database's clock, as last measured.
    pub fn now(&self) -> DateTime<Utc> {
        let base = DateTime::from_timestamp_micros(self.base.load(Ordering::Acquire)).unwrap_or_default();
        base + self.passed()
    }

    fn passed(&self) -> TimeDelta {
        TimeDelta::from_std(self.began.elapsed()).unwrap_or_default()
    }

    /// Returns by how many seconds the database's clock is ahead of that of this machine.
    pub fn skew(&self) -> f64 {
        self.offset().num_milliseconds() as f64 / 1000.0
    }

    fn offset(&self) -> TimeDelta {
        self.now() - Utc::now()
    }

    /// Returns by how many seconds the clocks differ, if that is over 30.
    pub fn large_skew(&self) -> Option<i64> {
        let skew = self.offset().abs();
        (skew > MAX_SKEW).then(|| (skew + TimeDelta::milliseconds(500)).num_seconds())
    }

    /// Reads the database's clock. A log line tells when the skew becomes large, and when it no longer is.
    ///
    /// Returns whether the clock was set since it was last read: what was timed by it is no longer right.
    pub async fn measure(&self, conn: &Connection) -> QueryResult<bool> {
        let began = Instant::now();
        let reading = super::read_clock(conn).await?;
        // The reading was taken somewhere between the question and the answer.
        let half = TimeDelta::from_std(began.elapsed() / 2).unwrap_or_default();
        let base = (reading + half - self.passed()).timestamp_micros();
        let step = TimeDelta::microseconds(base - self.base.load(Ordering::Acquire));
        let is_measured = self.is_measured.load(Ordering::Acquire);
        // A slow answer tells nothing new, unless the clock must have been set.
        if is_measured && half > MAX_ERROR && step.abs() <= MAX_STEP + half {
            return Ok(false);
        }
        self.base.store(base, Ordering::Release);
        self.is_measured.store(true, Ordering::Release);
        let was_set = is_measured && step.abs() > MAX_STEP + half;
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
        Ok(was_set)
    }
}
