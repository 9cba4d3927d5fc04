//! Moments as foreign files write them.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, SecondsFormat, TimeZone, Utc};

/// Hours east of Greenwich where a date is from that names no zone: China.
const HOME: i32 = 8;

/// A moment as the rows of an import write it: RFC 3339 in UTC, to the second.
pub fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The moment that `text` begins with, in a machine's spelling or a reader's.
///
/// Read are RFC 3339 and RFC 2822, and from left to right year, month, day, and
/// perhaps hour, minute and second: `2019-09-20`, `2019年9月20日 08:30`,
/// `2019/9/20T08:30:00`. What comes after those is not looked at. Without a zone
/// it is Chinese time; years before 1900 and after 2199 are none at all.
pub fn read(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let exact = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_rfc2822(text))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%z"));
    let at = match exact {
        Ok(at) => at.to_utc(),
        Err(_) => at_home(local(text)?)?,
    };
    in_print(at)
}

/// A `YYYY-MM-DD hh:mm:ss` that is known to be in UTC.
pub fn read_utc(text: &str) -> Option<DateTime<Utc>> {
    in_print(local(text.trim())?.and_utc())
}

/// Milliseconds since 1970.
pub fn read_millis(millis: i64) -> Option<DateTime<Utc>> {
    in_print(DateTime::from_timestamp_millis(millis)?)
}

fn in_print(at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let first = NaiveDate::from_ymd_opt(1900, 1, 1)?;
    let last = NaiveDate::from_ymd_opt(2199, 12, 31)?;
    (first..=last).contains(&at.date_naive()).then_some(at)
}

fn at_home(local: NaiveDateTime) -> Option<DateTime<Utc>> {
    let zone = FixedOffset::east_opt(HOME * 3600)?;
    Some(zone.from_local_datetime(&local).single()?.to_utc())
}

fn local(text: &str) -> Option<NaiveDateTime> {
    let mut rest = text;
    let mut next = |separators: &str| {
        let number = rest.trim_start_matches(|c| separators.contains(c));
        let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
        let is_apart = separators.is_empty() || number.len() < rest.len();
        let value = number.get(..end.min(5)).filter(|_| is_apart)?.parse::<u32>().ok()?;
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
    fn a_date_without_a_zone_is_chinese_time() {
        let moments = [
            ("2019-09-20", "2019-09-19T16:00:00Z"),
            ("2019年9月20日 08:30", "2019-09-20T00:30:00Z"),
            ("2019年9月20日8时30分05秒", "2019-09-20T00:30:05Z"),
            ("2019/9/20 08:30:09 来源", "2019-09-20T00:30:09Z"),
            ("2019-09-20T08:30:00+00:00", "2019-09-20T08:30:00Z"),
            ("2019-09-20T08:30+0100", "2019-09-20T07:30:00Z"),
            ("Fri, 20 Sep 2019 08:30:00 +0000", "2019-09-20T08:30:00Z"),
            ("2019-09-20 99:00", "2019-09-19T16:00:00Z"),
        ];
        for (text, moment) in moments {
            assert_eq!(read(text).map(written).as_deref(), Some(moment), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in ["", "昨天", "2019", "2019-13-01", "0000-00-00 00:00:00", "1-1-1", "20190920"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read_millis(i64::MAX), None);
        assert_eq!(read_utc("Mon, 30 Nov -0001 00:00:00 +0000"), None);
    }
}
