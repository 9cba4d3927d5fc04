//! `Last-Modified` and `If-Modified-Since` (RFC 9110 §8.8.2, §13.1.3).
//!
//! A time of a row is that of the statement or of the transaction that wrote it. Whoever read the state before, between
//! that time and the commit, would be told that nothing has changed. So answers to readers have the time at which the
//! process noticed the last change of anything of their kind ([`ListTimes`]), which is after its commit. The headers have
//! whole seconds, and other processes notice a change up to a second later. So the time that counts is some seconds after
//! it, and an answer that is made before then has an earlier time, which never counts.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::HttpRequest;
use actix_web::http::header::{HttpDate, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use chrono::{DateTime, TimeDelta, Utc};

/// How long before the answer the last change must be, for the client's copy to count as the same (RFC 9110 §8.8.2.2).
const MIN_AGE_SECONDS: i64 = 2;

/// Seconds after a change was noticed, rounded down, in which any process may have answered as before it.
const SETTLING_SECONDS: i64 = 3;

/// When an answer's content last changed, or could have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modified {
    /// The second from which on nobody has got another content.
    settled: i64,
    /// The second that is told until then.
    changed: i64,
    /// Whether a copy is never known by this time.
    is_changing: bool,
}

impl Modified {
    /// The time of a row that was written at `at`. It is told, and no copy is known by it.
    pub fn of_row(at: DateTime<Utc>) -> Self {
        Self { settled: at.timestamp(), changed: at.timestamp(), is_changing: true }
    }

    /// Returns the value of `Last-Modified`.
    pub fn to_header(self) -> String {
        let now = Utc::now().timestamp();
        let second = if self.is_settled(now) { self.settled } else { self.changed.min(now) };
        HttpDate::from(UNIX_EPOCH + Duration::from_secs(second.max(0).unsigned_abs())).to_string()
    }

    /// Whether two seconds have passed since it could last have changed.
    fn is_settled(self, now: i64) -> bool {
        self.settled <= now - MIN_AGE_SECONDS
    }

    /// Whether the client has this already, by `If-Modified-Since`. With an `If-None-Match` that header alone counts.
    pub fn is_known(self, req: &HttpRequest) -> bool {
        if req.headers().contains_key(IF_NONE_MATCH) || self.is_changing {
            return false;
        }
        let since = req.headers().get(IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
        let Some(Ok(since)) = since.map(str::parse::<HttpDate>) else { return false };
        let Ok(since) = SystemTime::from(since).duration_since(UNIX_EPOCH) else { return false };
        self.is_settled(Utc::now().timestamp())
            && i64::try_from(since.as_secs()).is_ok_and(|since| self.settled <= since)
    }
}

/// When the things of a feature, and lists of them, could last have changed: by a change of any row, or by the passing of
/// time.
///
/// It is made anew at the first read after each change, and must be had before the rows are read.
#[derive(Clone, Debug)]
pub struct ListTimes {
    changed: i64,
    upcoming: Vec<DateTime<Utc>>,
}

impl ListTimes {
    /// The most upcoming times that are kept.
    pub const MAX_UPCOMING: usize = 100;

    /// The times after a change that was noticed at `noticed_at`, with the next times at which rows appear or
    /// disappear. `last` keeps the time before this one.
    pub fn new(noticed_at: DateTime<Utc>, upcoming: Vec<DateTime<Utc>>, last: &AtomicI64) -> Self {
        let second = noticed_at.timestamp();
        let next = |last| Some(if last < second { second } else { second + 1 });
        let before = last.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        let changed = before.map_or(second, |last| if last < second { second } else { second + 1 });
        Self { changed, upcoming }
    }

    /// Returns when the lists could last have changed, at the time `now` of the database.
    pub fn modified(&self, now: DateTime<Utc>) -> Modified {
        // The clocks of the machines may differ by as much.
        let margin = TimeDelta::seconds(MIN_AGE_SECONDS);
        let passed = self.upcoming.iter().take_while(|at| **at <= now - margin);
        let changed = passed.map(|at| at.timestamp()).fold(self.changed, i64::max);
        let is_near = |at: &&DateTime<Utc>| **at > now - margin && **at < now + margin;
        // Beyond the last known time, anything may have appeared.
        let is_beyond = self.upcoming.len() == Self::MAX_UPCOMING
            && self.upcoming.last().is_some_and(|last| *last < now + margin);
        let is_changing = is_beyond || self.upcoming.iter().any(|at| is_near(&at));
        Modified { settled: changed + SETTLING_SECONDS, changed, is_changing }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn time(second: i64, millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(second * 1000 + millis).unwrap()
    }

    #[test]
    fn two_changes_of_one_second_have_different_times() {
        let last = AtomicI64::new(0);
        let seconds = [(5, 100), (5, 200), (5, 900), (6, 100), (9, 0)].map(|(second, millis)| {
            ListTimes::new(time(second, millis), Vec::new(), &last).modified(time(20, 0)).changed
        });
        assert_eq!(seconds, [5, 6, 6, 7, 9]);
    }

    #[test]
    fn a_list_changes_when_an_upcoming_time_passes() {
        let times = ListTimes::new(time(5, 0), vec![time(10, 0), time(20, 500)], &AtomicI64::new(0));
        let modified = [7, 9, 10, 11, 12, 17, 20, 22, 23].map(|now| {
            let Modified { settled, changed, is_changing } = times.modified(time(now, 0));
            assert_eq!(settled, changed + SETTLING_SECONDS);
            (changed, is_changing)
        });
        let expected = [
            (5, false),
            (5, true),
            (5, true),
            (5, true),
            (10, false),
            (10, false),
            (10, true),
            (10, true),
            (20, false),
        ];
        assert_eq!(modified, expected);
        let many = vec![time(10, 0); ListTimes::MAX_UPCOMING];
        assert!(ListTimes::new(time(5, 0), many, &AtomicI64::new(0)).modified(time(90, 0)).is_changing);
    }

    #[test]
    fn a_copy_counts_when_its_time_is_settled() {
        let now = Utc::now().timestamp();
        let made = |second: i64| {
            let times = ListTimes::new(time(second, 0), Vec::new(), &AtomicI64::new(0));
            times.modified(time(second + 100, 0))
        };
        let is_known = |modified: Modified, since: String| {
            let request = TestRequest::default().insert_header((IF_MODIFIED_SINCE, since));
            modified.is_known(&request.to_http_request())
        };
        let old = made(now - 60);
        assert!(is_known(old, old.to_header()) && is_known(old, made(now - 50).to_header()));
        assert!(!is_known(old, made(now - 61).to_header()) && !is_known(old, "yesterday".to_owned()));
        let tagged = TestRequest::default().insert_header((IF_MODIFIED_SINCE, old.to_header()));
        assert!(!old.is_known(&tagged.insert_header((IF_NONE_MATCH, "\"x\"")).to_http_request()));
        // A date before the change was noticed everywhere is no proof, and neither is what was told until then.
        let date =
            |second: i64| HttpDate::from(UNIX_EPOCH + Duration::from_secs(second.unsigned_abs())).to_string();
        let second = now - 60;
        for since in second - 1..second + SETTLING_SECONDS {
            assert!(!is_known(old, date(since)), "{since}");
        }
        assert!(is_known(old, date(second + SETTLING_SECONDS)));
        let new = made(now - 3);
        assert!(!is_known(new, new.to_header()) && new.to_header() == date(now - 3));
        assert!(!is_known(Modified::of_row(time(now - 60, 0)), date(now)));
    }
}
