//! Dates and times as foreign files write them.

mod scanner;
#[cfg(test)]
mod tests;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, TimeZone, Utc};
use chrono_tz::Tz;

use scanner::{Scanner, Zone};

/// Longest beginning of a text in which a date is looked for, in characters.
const MAX_DATE_CHARS: usize = 120;

/// A date in a line of text.
#[derive(Debug, PartialEq, Eq)]
pub struct FoundDate {
    /// The date.
    pub at: DateTime<Utc>,
    /// The line without it.
    pub rest: String,
}

/// Formats a time for an import row: RFC 3339 in UTC, to the second.
pub fn format_rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Parses the date at the beginning of `text`. Text after the date is ignored.
///
/// Accepts year, month, day with an optional time, as `2019-09-20`, `2019年9月20日 08:30`, `2019/9/20T08:30:00`,
/// `2019.9.20 下午3时`, `民國108年9月20日`; RFC 3339 and RFC 2822; English dates, as `September 20, 2019 8:30 am`; and
/// `20190920` or `20190920083000` alone. A time zone can follow: `Z`, `+08:00`, `+0800`, `GMT+8`, `UTC`, `北京时间`,
/// `CST` (China's), `PST` and others, `Asia/Shanghai`. A date without one is in `timezone`. Years before 1900 and after
/// 2199 are refused.
pub fn parse_date(text: &str, timezone: Tz) -> Option<DateTime<Utc>> {
    let text = fold_width(text);
    scan_date(&text, timezone).or_else(|| scan_compact_date(&text, timezone)).map(|(at, _)| at)
}

/// Parses a date as the metadata of a page holds it: as [`parse_date`], or seconds or milliseconds since 1970.
pub fn parse_stamp(text: &str, timezone: Tz) -> Option<DateTime<Utc>> {
    let digits = text.trim();
    let number = || digits.parse::<i64>().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()));
    match digits.len() {
        10 => number().and_then(|seconds| parse_millis(seconds * 1000)),
        13 => number().and_then(parse_millis),
        _ => parse_date(text, timezone),
    }
}

/// Finds the first date in a line of text that names its year.
pub fn find_date(line: &str, timezone: Tz) -> Option<FoundDate> {
    let line = fold_width(line);
    let starts = line.char_indices().scan(' ', |before, (at, c)| {
        let is_start = !before.is_ascii_alphanumeric() && c.is_ascii_alphanumeric();
        *before = c;
        Some((at, is_start || matches!(c, '民' | '中')))
    });
    starts.filter(|(_, is_start)| *is_start).find_map(|(from, _)| {
        let (at, rest) = scan_date(&line[from..], timezone)?;
        Some(FoundDate { at, rest: format!("{} {rest}", &line[..from]) })
    })
}

/// Parses a `YYYY-MM-DD hh:mm:ss` that is in UTC.
pub fn parse_utc(text: &str) -> Option<DateTime<Utc>> {
    let text = fold_width(text);
    let mut scanner = Scanner::new(&text);
    let day = scanner.read_numeric_day()?;
    check_year(scanner.read_time(day).and_utc())
}

/// Converts milliseconds since 1970.
pub fn parse_millis(millis: i64) -> Option<DateTime<Utc>> {
    check_year(DateTime::from_timestamp_millis(millis)?)
}

/// The date at the beginning of `text`, and the text after it.
fn scan_date(text: &str, timezone: Tz) -> Option<(DateTime<Utc>, &str)> {
    let mut scanner = Scanner::new(text);
    let (local, zone) = scanner.read_date()?;
    let at = match zone.unwrap_or(Zone::Named(timezone)) {
        Zone::Offset(offset) => offset.from_local_datetime(&local).earliest()?.to_utc(),
        Zone::Named(zone) => from_local_time(local, zone)?,
    };
    Some((check_year(at)?, scanner.rest()))
}

/// A date of nothing but digits: `20190920`, `201909200830` or `20190920083000`, or with a `T` and a zone.
fn scan_compact_date(text: &str, timezone: Tz) -> Option<(DateTime<Utc>, &'static str)> {
    let digits: String = text.chars().filter(char::is_ascii_digit).take(15).collect();
    let is_compact = text.bytes().take(8).filter(u8::is_ascii_digit).count() == 8
        && text.bytes().skip(8).all(|byte| byte.is_ascii_digit() || matches!(byte, b'T' | b' ' | b'Z'));
    if !is_compact || !matches!(digits.len(), 8 | 12 | 14) {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to).filter(|part| !part.is_empty()).unwrap_or("00");
    let zone = if text.ends_with('Z') { "Z" } else { "" };
    let (day, time) =
        ([part(0, 4), part(4, 6), part(6, 8)].join("-"), [part(8, 10), part(10, 12), part(12, 14)].join(":"));
    scan_date(&format!("{day} {time}{zone}"), timezone).map(|(at, _)| (at, ""))
}

fn check_year(at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let first = NaiveDate::from_ymd_opt(1900, 1, 1)?;
    let last = NaiveDate::from_ymd_opt(2199, 12, 31)?;
    (first..=last).contains(&at.date_naive()).then_some(at)
}

/// The time at which the clocks of a zone show `local`. Of two such times it is the first; a time in a gap
/// that the clocks skipped is read as if they had not.
pub fn from_local_time(local: NaiveDateTime, timezone: Tz) -> Option<DateTime<Utc>> {
    let found = timezone.from_local_datetime(&local).earliest();
    let hour = chrono::TimeDelta::hours(1);
    let before_gap = || timezone.from_local_datetime(&(local - hour)).earliest().map(|at| at + hour);
    Some(found.or_else(before_gap)?.to_utc())
}

/// The beginning of `text`, trimmed, with full-width digits and signs as ASCII.
fn fold_width(text: &str) -> String {
    let fold = |c: char| match c {
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{3000}' => ' ',
        '\u{2212}' => '-',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c if c.is_whitespace() => ' ',
        c => c,
    };
    text.trim().chars().take(MAX_DATE_CHARS).map(fold).collect()
}
