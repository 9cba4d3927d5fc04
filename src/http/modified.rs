//! `Last-Modified` and `If-Modified-Since` (RFC 9110 §8.8.2, §13.1.3).
//!
//! A time of a row is that of the statement or of the transaction that wrote it. Whoever read the state before, between
//! that time and the commit, would be told that nothing has changed. So answers to readers have the time at which the
//! process noticed the last change of anything of their kind ([`ListTimes`]), which is after its commit. The headers have
//! whole seconds, and other processes notice a change up to a second later. So the time that counts is some seconds after
//! it, and an answer that is made before then has an earlier time, which never counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use actix_web::http::header::{HeaderMap, HeaderName, HttpDate, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE};
use chrono::{DateTime, TimeDelta, Utc};

/// How long before the answer the last change must be, for the client's copy to count as the same (RFC 9110 §8.8.2.2).
const MIN_AGE_SECONDS: i64 = 2;

/// Seconds after a change was noticed, rounded down, in which any process may have answered as before it.
const SETTLING_SECONDS: i64 = 3;

/// How far our reading of the database's clock may be off.
const CLOCK_MARGIN: TimeDelta = TimeDelta::milliseconds(250);

/// When an answer's content last changed, or could have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Modified {
    /// The second from which on nobody has got another content.
    settled: i64,
    /// The second that is told until then.
    changed: i64,
    /// Whether a copy is never known by this time.
    is_changing: bool,
    /// When that second is told, by a clock that nobody sets: that of the machine may be ahead of the database's.
    settles_at: Instant,
}

impl Modified {
    /// The time of a row that was written at `at`. It is told, and no copy is known by it.
    pub fn of_row(at: DateTime<Utc>) -> Self {
        Self {
            settled: at.timestamp(),
            changed: at.timestamp(),
            is_changing: true,
            settles_at: Instant::now(),
        }
    }

    /// The same for an answer that other changes make stale too: no copy is known by it.
    pub const fn proving_nothing(self) -> Self {
        Self { is_changing: true, ..self }
    }

    /// Returns the value of `Last-Modified`.
    pub fn to_header(self) -> String {
        let second = self.told_second(Utc::now().timestamp());
        HttpDate::from(UNIX_EPOCH + Duration::from_secs(second.max(0).unsigned_abs())).to_string()
    }

    fn told_second(self, now: i64) -> i64 {
        if self.is_settled(now) { self.settled } else { self.changed.min(now) }
    }

    /// Returns for how long the header stays as it is, unless something changes.
    pub fn holds_for(self) -> Duration {
        let now = Utc::now();
        if self.is_settled(now.timestamp()) {
            return Duration::MAX;
        }
        let millis = (self.settled + MIN_AGE_SECONDS) * 1_000 - now.timestamp_millis();
        let by_machine = Duration::from_millis(millis.max(0).unsigned_abs());
        by_machine.max(self.settles_at.saturating_duration_since(Instant::now()))
    }

    /// Whether two seconds have passed since it could last have changed. `now`: by the clock of this machine, which dates
    /// answers.
    fn is_settled(self, now: i64) -> bool {
        self.settled <= now - MIN_AGE_SECONDS && Instant::now() >= self.settles_at
    }

    /// Whether the client has this already, by `If-Modified-Since`.
    pub fn is_known(self, headers: &HeaderMap) -> bool {
        if self.is_changing {
            return false;
        }
        let since = read_date(headers, IF_MODIFIED_SINCE);
        self.is_settled(Utc::now().timestamp()) && since.is_some_and(|since| self.settled <= since)
    }

    /// Whether this was changed after the time in `If-Unmodified-Since`.
    pub fn is_after(self, headers: &HeaderMap) -> bool {
        let since = read_date(headers, IF_UNMODIFIED_SINCE);
        // A client may have been told either second.
        since.is_some_and(|since| self.changed.min(Utc::now().timestamp()) > since)
    }
}

/// The second in a header. A date that cannot be read counts as absent (RFC 9110 §13.1.3).
fn read_date(headers: &HeaderMap, name: HeaderName) -> Option<i64> {
    let date: HttpDate = headers.get(name)?.to_str().ok()?.parse().ok()?;
    let since = SystemTime::from(date).duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

/// When the things of a feature, and lists of them, last changed for their readers.
///
/// It is made anew at the first read after each change, and must be had before the rows are read.
#[derive(Clone, Copy, Debug)]
pub struct LastChange {
    second: i64,
    noticed_at: Instant,
}

impl LastChange {
    /// A change that was noticed at `noticed_at`. `last` keeps the time before this one.
    pub fn new(noticed_at: DateTime<Utc>, last: &AtomicI64) -> Self {
        let second = noticed_at.timestamp();
        let next = |last| Some(if last < second { second } else { second + 1 });
        let before = last.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        let second = before.map_or(second, |last| if last < second { second } else { second + 1 });
        Self { second, noticed_at: Instant::now() }
    }
}

/// The times at which rows appear or disappear by themselves: the last one that has passed, and the next ones in order.
#[derive(Clone, Debug, Default)]
pub struct Upcoming {
    passed: Option<DateTime<Utc>>,
    next: Vec<DateTime<Utc>>,
}

impl Upcoming {
    /// The most times that are kept.
    pub const MAX: usize = 100;

    /// Keeps the first of the `next` times, and the last one that has `passed`.
    pub fn new(passed: Option<DateTime<Utc>>, mut next: Vec<DateTime<Utc>>) -> Self {
        next.sort_unstable();
        next.truncate(Self::MAX);
        Self { passed, next }
    }

    /// Whether anything may have appeared at `now`, as it is after the last known time.
    pub fn is_exhausted(&self, now: DateTime<Utc>) -> bool {
        self.next.len() == Self::MAX && self.next.last().is_some_and(|last| *last < now)
    }
}

/// When the things of a feature, and lists of them, could last have changed: by a change of any row, or by the passing of
/// time.
#[derive(Clone, Debug)]
pub struct ListTimes {
    change: LastChange,
    upcoming: Arc<Upcoming>,
}

impl ListTimes {
    /// The times after `change`, with those to come.
    pub const fn new(change: LastChange, upcoming: Arc<Upcoming>) -> Self {
        Self { change, upcoming }
    }

    /// Returns when the lists could last have changed, at the time `now` of the database.
    pub fn modified(&self, now: DateTime<Utc>) -> Modified {
        // The clocks of the machines may differ by as much.
        let margin = TimeDelta::seconds(MIN_AGE_SECONDS);
        let times = || self.upcoming.passed.iter().chain(&self.upcoming.next);
        let passed = times().take_while(|at| **at <= now - margin).last();
        let changed = passed.map_or(self.change.second, |at| self.change.second.max(at.timestamp()));
        let is_near = |at: &DateTime<Utc>| *at > now - margin && *at < now + margin;
        let is_changing = self.upcoming.is_exhausted(now + margin) || times().any(is_near);
        let settling = Duration::from_secs((SETTLING_SECONDS + MIN_AGE_SECONDS).unsigned_abs());
        let since_passed = passed.map(|at| (now - *at).to_std().unwrap_or_default());
        let left = since_passed.map_or(Duration::ZERO, |since| settling.saturating_sub(since));
        let settles_at = (self.change.noticed_at + settling).max(Instant::now() + left);
        Modified { settled: changed + SETTLING_SECONDS, changed, is_changing, settles_at }
    }

    /// Returns for how long an answer of the time `now` of the database stays right, unless something changes. `None` if
    /// a row is just about to appear or to disappear.
    pub fn lifetime(&self, now: DateTime<Utc>) -> Option<Duration> {
        let margin = TimeDelta::seconds(MIN_AGE_SECONDS);
        if self.upcoming.is_exhausted(now + margin) {
            return None;
        }
        let times = || self.upcoming.next.iter();
        if times().any(|at| (*at - now).abs() <= CLOCK_MARGIN) {
            return None;
        }
        // At these moments rows change, and conditions are judged otherwise.
        let moments = times().flat_map(|at| [*at - margin, *at - CLOCK_MARGIN, *at + margin]);
        let next = moments.filter(|at| *at > now).min();
        Some(next.map_or(Duration::MAX, |at| (at - now).to_std().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn time(second: i64, millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(second * 1000 + millis).unwrap()
    }

    /// The times after a change that was noticed a while ago.
    fn times(changed: i64, upcoming: Vec<DateTime<Utc>>) -> ListTimes {
        let noticed_at = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
        let change = LastChange { second: changed, noticed_at };
        ListTimes::new(change, Arc::new(Upcoming::new(None, upcoming)))
    }

    #[test]
    fn two_changes_of_one_second_have_different_times() {
        let last = AtomicI64::new(0);
        let seconds = [(5, 100), (5, 200), (5, 900), (6, 100), (9, 0)]
            .map(|(second, millis)| LastChange::new(time(second, millis), &last).second);
        assert_eq!(seconds, [5, 6, 6, 7, 9]);
    }

    #[test]
    fn a_list_changes_when_an_upcoming_time_passes() {
        let times_with_two = times(5, vec![time(10, 0), time(20, 500)]);
        let modified = [7, 9, 10, 11, 12, 17, 20, 22, 23].map(|now| {
            let Modified { settled, changed, is_changing, .. } = times_with_two.modified(time(now, 0));
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
        // What is to come can be read anew, and what has passed stays.
        let later = ListTimes::new(
            times(5, Vec::new()).change,
            Arc::new(Upcoming::new(Some(time(20, 500)), Vec::new())),
        );
        assert_eq!(later.modified(time(23, 0)).changed, 20);
        let many = times(5, vec![time(10, 0); Upcoming::MAX]);
        assert!(many.modified(time(90, 0)).is_changing && many.lifetime(time(90, 0)).is_none());
    }

    #[test]
    fn an_answer_ends_before_the_next_time_at_which_a_row_appears() {
        let times = times(5, vec![time(10, 0)]);
        let lifetimes =
            [(7, 0), (8, 0), (9, 700), (9, 800), (10, 200), (10, 300), (12, 100)].map(|(second, millis)| {
                times.lifetime(time(second, millis)).map(|lifetime| lifetime.as_millis())
            });
        let for_ever = Some(Duration::MAX.as_millis());
        assert_eq!(lifetimes, [Some(1000), Some(1750), Some(50), None, None, Some(1700), for_ever]);
    }

    #[test]
    fn a_copy_counts_when_its_time_is_settled() {
        let now = Utc::now().timestamp();
        let made = |second: i64| times(second, Vec::new()).modified(time(second + 100, 0));
        let is_known = |modified: Modified, since: String| {
            let request = TestRequest::default().insert_header((IF_MODIFIED_SINCE, since));
            modified.is_known(request.to_http_request().headers())
        };
        let old = made(now - 60);
        assert!(is_known(old, old.to_header()) && is_known(old, made(now - 50).to_header()));
        assert!(!is_known(old, made(now - 61).to_header()) && !is_known(old, "yesterday".to_owned()));
        // A date before the change was noticed everywhere is no proof, and neither is what was told until then.
        let date =
            |second: i64| HttpDate::from(UNIX_EPOCH + Duration::from_secs(second.unsigned_abs())).to_string();
        let second = now - 60;
        for since in second - 1..second + SETTLING_SECONDS {
            assert!(!is_known(old, date(since)), "{since}");
        }
        assert!(is_known(old, date(second + SETTLING_SECONDS)));
        let noticed_now = LastChange { second: now - 60, noticed_at: Instant::now() };
        let by_clock_ahead = ListTimes::new(noticed_now, Arc::default()).modified(time(now, 0));
        assert!(
            !is_known(by_clock_ahead, date(now)),
            "noticed just now, whatever the clock of the machine says"
        );
        let new = made(now - 3);
        assert!(!is_known(new, new.to_header()) && new.to_header() == date(now - 3));
        assert!(!is_known(Modified::of_row(time(now - 60, 0)), date(now)));
        assert!(new.holds_for() <= Duration::from_secs(2) && old.holds_for() > Duration::from_secs(1_000));
    }
}
