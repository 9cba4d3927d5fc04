//! Dates and times as foreign files write them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, TimeZone, Utc};
use chrono_tz::Tz;

/// Formats a time for an import row: RFC 3339 in UTC, to the second.
pub fn format_rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Parses the date at the beginning of `text`.
///
/// Accepts RFC 3339, RFC 2822, and year, month, day with an optional time: `2019-09-20`,
/// `2019年9月20日 08:30`, `2019/9/20T08:30:00`. Text after the date is ignored. A date
/// without a time zone is in `timezone`. Years before 1900 and after 2199 are refused.
pub fn parse_date(text: &str, timezone: Tz) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let exact = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_rfc2822(text))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%z"));
    let at = match exact {
        Ok(at) => at.to_utc(),
        Err(_) => from_local_time(parse_local(text)?, timezone)?,
    };
    check_year(at)
}

/// Parses a `YYYY-MM-DD hh:mm:ss` that is in UTC.
pub fn parse_utc(text: &str) -> Option<DateTime<Utc>> {
    check_year(parse_local(text.trim())?.and_utc())
}

/// Converts milliseconds since 1970.
pub fn parse_millis(millis: i64) -> Option<DateTime<Utc>> {
    check_year(DateTime::from_timestamp_millis(millis)?)
}

fn check_year(at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let first = NaiveDate::from_ymd_opt(1900, 1, 1)?;
    let last = NaiveDate::from_ymd_opt(2199, 12, 31)?;
    (first..=last).contains(&at.date_naive()).then_some(at)
}

/// The first of two times that a clock showed twice; the time before a gap that the clock skipped, as if
/// it had not.
fn from_local_time(local: NaiveDateTime, timezone: Tz) -> Option<DateTime<Utc>> {
    let found = timezone.from_local_datetime(&local).earliest();
    let hour = chrono::TimeDelta::hours(1);
    let before_gap = || timezone.from_local_datetime(&(local - hour)).earliest().map(|at| at + hour);
    Some(found.or_else(before_gap)?.to_utc())
}

fn parse_local(text: &str) -> Option<NaiveDateTime> {
    let mut rest = text;
    let mut next = |separators: &str| {
        let number = rest.trim_start_matches(|c| separators.contains(c));
        let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
        let is_separated = separators.is_empty() || number.len() < rest.len();
        let value = number.get(..end.min(5)).filter(|_| is_separated)?.parse::<u32>().ok()?;
        rest = &number[end..];
        Some(value)
    };
    let year = next("")?;
    let day = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, next("-/.年")?, next("-/.月")?)?;
    let time = next("日号號 T\u{3000}\u{a0}").zip(next(":：时時"));
    let second = time.and_then(|_| next(":：分")).unwrap_or(0);
    let (hour, minute) = time.unwrap_or((0, 0));
    day.and_hms_opt(hour, minute, second).or_else(|| day.and_hms_opt(0, 0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_without_a_zone_is_in_the_given_one() {
        let cases = [
            ("2019-09-20", "2019-09-19T16:00:00Z"),
            ("2019年9月20日 08:30", "2019-09-20T00:30:00Z"),
            ("2019年9月20日8时30分05秒", "2019-09-20T00:30:05Z"),
            ("2019/9/20 08:30:09 来源", "2019-09-20T00:30:09Z"),
            ("2019-09-20T08:30:00+00:00", "2019-09-20T08:30:00Z"),
            ("2019-09-20T08:30+0100", "2019-09-20T07:30:00Z"),
            ("Fri, 20 Sep 2019 08:30:00 +0000", "2019-09-20T08:30:00Z"),
            ("2019-09-20 99:00", "2019-09-19T16:00:00Z"),
        ];
        for (text, expected) in cases {
            assert_eq!(
                parse_date(text, chrono_tz::Asia::Shanghai).map(format_rfc3339).as_deref(),
                Some(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "昨天", "2019", "2019-13-01", "0000-00-00 00:00:00", "1-1-1", "20190920"] {
            assert_eq!(parse_date(text, chrono_tz::Asia::Shanghai), None, "{text}");
        }
        assert_eq!(parse_millis(i64::MAX), None);
        assert_eq!(parse_utc("Mon, 30 Nov -0001 00:00:00 +0000"), None);
    }
}
