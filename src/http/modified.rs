//! `Last-Modified` and `If-Modified-Since` (RFC 9110 §8.8.2, §13.1.3).
//!
//! The headers have whole seconds, so that two states of one second could have the same time, and processes notice a
//! change at slightly different times. So no answer has a time of the last two seconds before it was made: whoever got
//! a state that changed again within them has an earlier time than every later state, on every process.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::HttpRequest;
use actix_web::http::header::{HttpDate, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use chrono::{DateTime, TimeDelta, Utc};

/// How long before the answer the last change must be, for the client's copy to count as the same (RFC 9110 §8.8.2.2).
const MIN_AGE_SECONDS: i64 = 2;

/// When an answer's content last changed, or could have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Modified {
    second: i64,
    /// Whether the time is just passing at which the content changes by itself.
    is_changing: bool,
}

impl Modified {
    /// The time of a row that was written at `at` as its version `version`.
    pub fn of_version(at: DateTime<Utc>, version: i32) -> Self {
        // The first version is the only one of its second, or the later ones have the next.
        let second = if version <= 1 { at.timestamp() } else { round_up(at) };
        Self { second, is_changing: false }
    }

    /// The time of an answer made of both.
    pub fn and(self, other: Self) -> Self {
        Self { second: self.second.max(other.second), is_changing: self.is_changing || other.is_changing }
    }

    /// Returns the value of `Last-Modified`, which is two seconds before now at the latest.
    pub fn to_header(self) -> String {
        let second = self.second.min(Utc::now().timestamp() - MIN_AGE_SECONDS).max(0);
        HttpDate::from(UNIX_EPOCH + Duration::from_secs(second.unsigned_abs())).to_string()
    }

    /// Whether the client has this already, by `If-Modified-Since`. With an `If-None-Match` that header alone counts.
    pub fn is_known(self, req: &HttpRequest) -> bool {
        if req.headers().contains_key(IF_NONE_MATCH) || self.is_changing {
            return false;
        }
        let since = req.headers().get(IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
        let Some(Ok(since)) = since.map(str::parse::<HttpDate>) else { return false };
        let Ok(since) = SystemTime::from(since).duration_since(UNIX_EPOCH) else { return false };
        let is_old = self.second <= Utc::now().timestamp() - MIN_AGE_SECONDS;
        is_old && i64::try_from(since.as_secs()).is_ok_and(|since| self.second <= since)
    }
}

fn round_up(at: DateTime<Utc>) -> i64 {
    at.timestamp() + i64::from(at.timestamp_subsec_nanos() > 0)
}

/// When the lists of a feature could last have changed: by a change of any row, or by the passing of time.
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
        let second = passed.map(|at| round_up(*at)).fold(self.changed, i64::max);
        let is_near = |at: &&DateTime<Utc>| **at > now - margin && **at < now + margin;
        // Beyond the last known time, anything may have appeared.
        let is_beyond = self.upcoming.len() == Self::MAX_UPCOMING
            && self.upcoming.last().is_some_and(|last| *last < now + margin);
        Modified { second, is_changing: is_beyond || self.upcoming.iter().any(|at| is_near(&at)) }
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
            ListTimes::new(time(second, millis), Vec::new(), &last).modified(time(20, 0)).second
        });
        assert_eq!(seconds, [5, 6, 6, 7, 9]);
        assert_eq!(Modified::of_version(time(5, 100), 1).second, 5);
        assert_eq!(Modified::of_version(time(5, 200), 2).second, 6);
        assert_eq!(Modified::of_version(time(5, 0), 2).second, 5);
    }

    #[test]
    fn a_list_changes_when_an_upcoming_time_passes() {
        let times = ListTimes::new(time(5, 0), vec![time(10, 0), time(20, 500)], &AtomicI64::new(0));
        let modified = [7, 9, 10, 11, 12, 17, 20, 22, 23].map(|now| {
            let Modified { second, is_changing } = times.modified(time(now, 0));
            (second, is_changing)
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
            (21, false),
        ];
        assert_eq!(modified, expected);
        let many = vec![time(10, 0); ListTimes::MAX_UPCOMING];
        assert!(ListTimes::new(time(5, 0), many, &AtomicI64::new(0)).modified(time(90, 0)).is_changing);
    }

    #[test]
    fn a_copy_counts_two_seconds_after_the_last_change() {
        let now = Utc::now().timestamp();
        let request = |second: i64| {
            let date = Modified { second, is_changing: false }.to_header();
            TestRequest::default().insert_header((IF_MODIFIED_SINCE, date))
        };
        let is_known = |second, request: TestRequest| {
            Modified { second, is_changing: false }.is_known(&request.to_http_request())
        };
        assert!(is_known(now - 60, request(now - 60)) && is_known(now - 60, request(now - 50)));
        assert!(!is_known(now - 60, request(now - 61)) && !is_known(now, request(now)));
        assert!(!is_known(now - 60, request(now).insert_header((IF_NONE_MATCH, "\"x\""))));
        assert!(!is_known(now - 60, TestRequest::default().insert_header((IF_MODIFIED_SINCE, "yesterday"))));
        let changing = Modified { second: now - 60, is_changing: true };
        assert!(!changing.is_known(&request(now).to_http_request()));
    }
}
