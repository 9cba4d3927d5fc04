//! Dates as spreadsheets and people write them, in rows of imports.

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::origins::dates::from_local_time;

/// The keys of rows that hold times.
pub const DATE_KEYS: &[&str] = &["published_at", "created_at", "expires_at"];

/// The first serial number of a day that no spreadsheet has: the first of January 10000.
const END_OF_SERIALS: f64 = 2_958_466.0;

/// The marks of halves of the day, and whether they stand for its second half.
const HALVES: &[(&str, bool)] = &[
    ("上午", false),
    ("早上", false),
    ("凌晨", false),
    ("下午", true),
    ("中午", true),
    ("晚上", true),
    ("am", false),
    ("pm", true),
];

/// How dates in rows are read.
#[derive(Clone, Copy, Debug)]
pub struct DateStyle {
    /// The time zone of dates without one.
    pub timezone: Tz,
    /// Whether numbers are the days of a spreadsheet.
    pub has_serials: bool,
}

impl Default for DateStyle {
    fn default() -> Self {
        Self { timezone: chrono_tz::Asia::Shanghai, has_serials: false }
    }
}

impl DateStyle {
    /// The date as RFC 3339. `None` if it is no date. RFC 3339 itself stays as it is.
    ///
    /// Reads year, month and day with an optional time and an optional zone: `2019-09-20`, `2019/9/20 8:30`,
    /// `2019年9月20日 上午8:30`, `20190920`. A date without a time is the beginning of its day.
    pub fn read(&self, text: &str) -> Option<String> {
        let text = text.trim();
        if DateTime::parse_from_rfc3339(text).is_ok() {
            return Some(text.to_owned());
        }
        let at = match self.has_serials.then(|| parse_serial(text)).flatten() {
            Some(local) => from_local_time(local, self.timezone)?,
            None => self.parse(&normalise(text))?,
        };
        Some(at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }

    /// Replaces the dates of a row by RFC 3339. What is no date stays, and is refused later.
    pub fn read_row(&self, row: &mut Value) {
        for key in DATE_KEYS {
            let Some(value) = row.get_mut(*key) else { continue };
            let read = match &*value {
                Value::String(text) => self.read(text),
                Value::Number(serial) if self.has_serials => self.read(&serial.to_string()),
                _ => None,
            };
            if let Some(read) = read {
                *value = Value::String(read);
            }
        }
    }

    fn parse(&self, text: &str) -> Option<DateTime<Utc>> {
        let mut rest = Rest(text);
        let day = rest.take_day()?;
        rest.skip_blanks_and("t,");
        rest.skip_weekday();
        let Some(time) = rest.take_time() else {
            return rest
                .0
                .is_empty()
                .then(|| from_local_time(day.and_time(NaiveTime::MIN), self.timezone))?;
        };
        let local = day.and_time(time?);
        rest.skip_blanks_and("");
        if rest.0.is_empty() {
            return from_local_time(local, self.timezone);
        }
        Some((local - Duration::seconds(rest.take_offset()?)).and_utc())
    }
}

/// Whether text is a number that a spreadsheet may mean as a day.
pub fn looks_like_serial(text: &str) -> bool {
    text.trim().parse::<f64>().is_ok_and(|days| (10_000.0..END_OF_SERIALS).contains(&days))
}

/// Lower-cases text, and makes its digits, signs and blanks those of ASCII.
fn normalise(text: &str) -> String {
    let fold = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c if c.is_whitespace() => ' ',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        c => c,
    };
    text.chars().map(fold).collect::<String>().to_ascii_lowercase()
}

/// Parses days since the beginning of 1900, as spreadsheets count them: they have a 29 February 1900.
fn parse_serial(text: &str) -> Option<NaiveDateTime> {
    let days: f64 = text.parse().ok().filter(|days| (1.0..END_OF_SERIALS).contains(days))?;
    let first = NaiveDate::from_ymd_opt(1899, 12, if days < 60.0 { 31 } else { 30 })?;
    let seconds = (days * 86_400.0).round();
    first.and_time(NaiveTime::MIN).checked_add_signed(Duration::seconds(seconds as i64))
}

/// The rest of the text of a date.
struct Rest<'t>(&'t str);

impl Rest<'_> {
    fn take_number(&mut self, max_digits: usize) -> Option<u32> {
        let length = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) =
            self.0.split_at_checked(length).filter(|_| (1..=max_digits).contains(&length))?;
        self.0 = rest;
        number.parse().ok()
    }

    fn skip_blanks_and(&mut self, marks: &str) {
        self.0 = self.0.trim_start_matches(|c: char| c == ' ' || marks.contains(c));
    }

    /// Takes one of the marks, with blanks around it.
    fn take_mark(&mut self, marks: &[&str]) -> bool {
        let trimmed = self.0.trim_start();
        let found = marks.iter().find_map(|mark| trimmed.strip_prefix(mark));
        if let Some(rest) = found {
            self.0 = rest.trim_start();
        }
        found.is_some()
    }

    fn take_day(&mut self) -> Option<NaiveDate> {
        let digits = self.0.bytes().take_while(u8::is_ascii_digit).count();
        if matches!(digits, 8 | 14) {
            let (text, rest) = self.0.split_at(8);
            self.0 = rest;
            return NaiveDate::parse_from_str(text, "%Y%m%d").ok();
        }
        let year = self.take_number(4).filter(|_| digits == 4)?;
        let separator = ["-", "/", ".", "年"].into_iter().find(|mark| self.take_mark(&[mark]))?;
        let month = self.take_number(2)?;
        let next = if separator == "年" { "月" } else { separator };
        let day = self.take_mark(&[next]).then(|| self.take_number(2))??;
        let is_marked = self.take_mark(&["日", "号", "號"]);
        let is_split = is_marked || self.0.is_empty() || self.0.starts_with([' ', 't', ',']);
        NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day).filter(|_| is_split)
    }

    /// Skips the name of a day of the week, with or without brackets.
    fn skip_weekday(&mut self) {
        let bare = self.0.trim_start_matches(['(', '[']);
        let name = ["星期", "周", "週", "礼拜"].iter().find_map(|word| bare.strip_prefix(word));
        if let Some(rest) =
            name.and_then(|rest| rest.strip_prefix(['一', '二', '三', '四', '五', '六', '日', '天']))
        {
            self.0 = rest.trim_start_matches([')', ']', ' ']);
        }
    }

    fn take_half(&mut self) -> Option<bool> {
        HALVES.iter().find(|(mark, _)| self.take_mark(&[mark])).map(|(_, is_second)| *is_second)
    }

    /// Takes a time. `None` if there is none, `Some(None)` if it is not valid.
    fn take_time(&mut self) -> Option<Option<NaiveTime>> {
        let before = self.take_half();
        if self.0.len() == 6 && self.0.bytes().all(|byte| byte.is_ascii_digit()) {
            let compact = NaiveTime::parse_from_str(self.0, "%H%M%S").ok();
            self.0 = "";
            return Some(compact);
        }
        let hour = self.take_number(2)?;
        let minute;
        let (mut second, mut nanos) = (0, 0);
        if self.take_mark(&[":"]) {
            minute = self.take_number(2)?;
            if self.take_mark(&[":"]) {
                second = self.take_number(2)?;
                nanos = self.take_fraction();
            }
        } else if self.take_mark(&["时", "時", "点", "點"]) {
            minute = self.take_number(2).unwrap_or(0);
            if self.take_mark(&["分", ":"]) {
                second = self.take_number(2).unwrap_or(0);
                self.take_mark(&["秒"]);
            }
        } else {
            return Some(None);
        }
        let hour = match before.or_else(|| self.take_half()) {
            Some(true) if hour < 12 => hour + 12,
            Some(false) if hour == 12 => 0,
            _ => hour,
        };
        Some(NaiveTime::from_hms_nano_opt(hour, minute, second, nanos))
    }

    /// Takes a fraction of a second, in nanoseconds.
    fn take_fraction(&mut self) -> u32 {
        let Some(digits) = self.0.strip_prefix(['.', ',']) else { return 0 };
        let length = digits.bytes().take_while(u8::is_ascii_digit).count();
        self.0 = &digits[length..];
        format!("{:0<9}", &digits[..length.min(9)]).parse().unwrap_or(0)
    }

    /// Takes an offset from UTC at the end, in seconds.
    fn take_offset(&mut self) -> Option<i64> {
        let is_named = self.take_mark(&["utc", "gmt", "z"]);
        if self.0.is_empty() {
            return is_named.then_some(0);
        }
        let sign = if self.take_mark(&["+"]) { 1 } else { -i64::from(self.take_mark(&["-"])) };
        let digits = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (hours, minutes) = match digits {
            4 => {
                let both = self.take_number(4)?;
                (both / 100, both % 100)
            }
            1 | 2 => {
                let hours = self.take_number(2)?;
                (hours, if self.take_mark(&[":"]) { self.take_number(2)? } else { 0 })
            }
            _ => return None,
        };
        let is_valid = sign != 0 && self.0.is_empty() && hours <= 14 && minutes < 60;
        is_valid.then(|| sign * i64::from(hours * 3600 + minutes * 60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_spreadsheets_and_people_are_read() {
        for (text, expected) in [
            ("2019-09-20", "2019-09-19T16:00:00Z"),
            ("2019/9/20 8:30", "2019-09-20T00:30:00Z"),
            ("2019-09-20 08:30:05", "2019-09-20T00:30:05Z"),
            ("2019年9月20日", "2019-09-19T16:00:00Z"),
            ("2019年9月20日 8时30分", "2019-09-20T00:30:00Z"),
            ("2019年9月20日8点", "2019-09-20T00:00:00Z"),
            ("2019 年 9 月 20 日 星期五 下午 8:30", "2019-09-20T12:30:00Z"),
            ("２０１９．９．２０　８：３０", "2019-09-20T00:30:00Z"),
            ("2019/9/20 8:30 PM", "2019-09-20T12:30:00Z"),
            ("2019-09-20T08:30", "2019-09-20T00:30:00Z"),
            ("2019-09-20 08:30:00.250", "2019-09-20T00:30:00.250Z"),
            ("2019-09-20 08:30:00 +0900", "2019-09-19T23:30:00Z"),
            ("2019-09-20 08:30 UTC", "2019-09-20T08:30:00Z"),
            ("2019-09-20 08:30 GMT-5", "2019-09-20T13:30:00Z"),
            ("20190920", "2019-09-19T16:00:00Z"),
            ("20190920083000", "2019-09-20T00:30:00Z"),
            ("2019-09-20T08:30:00+08:00", "2019-09-20T08:30:00+08:00"),
        ] {
            assert_eq!(DateStyle::default().read(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_not_read() {
        for text in [
            "",
            "昨天",
            "2019",
            "2019-13-01",
            "2019-02-30",
            "9/20/2019",
            "20/9/2019",
            "19-9-20",
            "2019-09-20 25:00",
            "2019-09-20 8",
            "2019-09-20x",
            "2019-09-20 08:30 来源",
            "43728",
            "2019-9/20",
            "2019-09-20 08:30 +99",
            "0000-00-00 00:00:00",
            "2019年9月",
            "2019-09-201",
        ] {
            assert_eq!(DateStyle::default().read(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_days_on_request() {
        let style = DateStyle { timezone: chrono_tz::UTC, has_serials: true };
        for (text, expected) in [
            ("43728", Some("2019-09-20T00:00:00Z")),
            ("43728.354166666664", Some("2019-09-20T08:30:00Z")),
            ("1", Some("1900-01-01T00:00:00Z")),
            ("61", Some("1900-03-01T00:00:00Z")),
            ("2019-09-20", Some("2019-09-20T00:00:00Z")),
            ("-1", None),
            ("3000000", None),
            ("1e300", None),
            ("NaN", None),
        ] {
            assert_eq!(style.read(text).as_deref(), expected, "{text}");
        }
    }
}
