//! Reads a date, a time and a zone from the beginning of a text.

use chrono::{Days, FixedOffset, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;

/// The beginnings of the months' English names.
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
/// The beginnings of the weekdays' English names.
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Words for the hours before noon.
const BEFORE_NOON: [&str; 6] = ["上午", "凌晨", "早上", "清晨", "早晨", "a.m."];
/// Words for the hours after noon.
const AFTER_NOON: [&str; 7] = ["下午", "晚上", "傍晚", "午后", "午後", "晚间", "p.m."];
/// Names of zones that are written beside a time, and their minutes east of UTC. `CST` is China's.
const ZONES: [(&str, i32); 24] = [
    ("北京时间", 480),
    ("北京時間", 480),
    ("utc", 0),
    ("gmt", 0),
    ("z", 0),
    ("cst", 480),
    ("bjt", 480),
    ("hkt", 480),
    ("sgt", 480),
    ("jst", 540),
    ("kst", 540),
    ("ist", 330),
    ("msk", 180),
    ("eet", 120),
    ("cest", 120),
    ("cet", 60),
    ("bst", 60),
    ("wet", 0),
    ("est", -300),
    ("edt", -240),
    ("cdt", -300),
    ("mst", -420),
    ("pst", -480),
    ("pdt", -420),
];

/// A time zone that stands in a text.
#[derive(Clone, Copy)]
pub enum Zone {
    /// Its distance from UTC.
    Offset(FixedOffset),
    /// Its name.
    Named(Tz),
}

/// Reads a text from its beginning on.
#[derive(Clone, Copy)]
pub struct Scanner<'t> {
    rest: &'t str,
}

impl<'t> Scanner<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { rest: text }
    }

    /// The text that was not read.
    pub fn rest(&self) -> &'t str {
        self.rest
    }

    /// Reads a day, the time and the zone that can follow it.
    pub fn read_date(&mut self) -> Option<(NaiveDateTime, Option<Zone>)> {
        let numeric = self.attempt(Self::read_numeric_day).or_else(|| self.attempt(Self::read_day_first));
        let Some(day) = numeric else { return self.read_english_date() };
        let local = self.read_time(day);
        Some((local, self.attempt(Self::read_zone)))
    }

    /// Reads `2019-09-20`, `2019/9/20`, `2019.9.20`, `2019年9月20日` or `民國108年9月20日`.
    pub fn read_numeric_day(&mut self) -> Option<NaiveDate> {
        let is_republic = self.take_any(&["中華民國", "中华民国", "民國", "民国"]);
        self.skip_spaces();
        let year = if is_republic { self.read_number(1, 3)? + 1911 } else { self.read_number(4, 4)? };
        self.read_separator(&["-", "/", ".", "年"])?;
        let month = self.read_number(1, 2)?;
        self.read_separator(&["-", "/", ".", "月"])?;
        let day = self.read_day_number()?;
        let read = *self;
        self.skip_spaces();
        if !self.take_any(&["日", "号", "號"]) {
            *self = read;
        }
        NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
    }

    /// Reads `20.9.2019`, or `20/9/2019` if the first number can be no month.
    fn read_day_first(&mut self) -> Option<NaiveDate> {
        let day = self.read_number(1, 2)?;
        let is_dotted = self.rest.starts_with('.');
        self.read_separator(&[".", "/", "-"])?;
        let month = self.read_number(1, 2)?;
        self.read_separator(&[".", "/", "-"])?;
        let year = self.read_number(4, 4)?;
        NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day).filter(|_| is_dotted || day > 12)
    }

    /// Reads `Fri, 20 Sep 2019 08:30:00 GMT`, `September 20th, 2019 8:30 am` or `Fri Sep 20 08:30:00 CST 2019`.
    fn read_english_date(&mut self) -> Option<(NaiveDateTime, Option<Zone>)> {
        if self.attempt(|scanner| scanner.read_name(&WEEKDAYS)).is_some() {
            self.skip_any(&[" ", ","]);
        }
        let (month, day) = match self.attempt(|scanner| scanner.read_name(&MONTHS)) {
            Some(month) => {
                self.skip_any(&[" ", "."]);
                (month, self.read_ordinal()?)
            }
            None => {
                let day = self.read_ordinal()?;
                self.skip_any(&[" ", "-", ".", "of "]);
                (self.read_name(&MONTHS)?, day)
            }
        };
        self.skip_any(&[" ", ",", ".", "-"]);
        let to_day = |year: u32| NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month as u32 + 1, day);
        if let Some(year) = self.attempt(|scanner| scanner.read_number(4, 4)) {
            let local = self.read_time(to_day(year)?);
            return Some((local, self.attempt(Self::read_zone)));
        }
        // The year comes last: the time is read again when the day is known.
        let mut later = *self;
        later.read_time(NaiveDate::default());
        let zone = later.attempt(Self::read_zone);
        later.skip_spaces();
        let local = self.read_time(to_day(later.read_number(4, 4)?)?);
        *self = later;
        Some((local, zone))
    }

    /// Reads the time of `day`, if one follows. The time is midnight otherwise, and nothing is read.
    pub fn read_time(&mut self, day: NaiveDate) -> NaiveDateTime {
        let midnight = day.and_time(chrono::NaiveTime::MIN);
        self.attempt(|scanner| scanner.read_clock(day)).unwrap_or(midnight)
    }

    fn read_clock(&mut self, day: NaiveDate) -> Option<NaiveDateTime> {
        self.skip_any(&[" ", "T", ",", "at ", "星期", "周", "週"]);
        if self.take_any(&["一", "二", "三", "四", "五", "六", "日", "天"])
            || self.take_any(&["(周", "(星期", "(週"])
        {
            self.skip_any(&["一", "二", "三", "四", "五", "六", "日", "天", ")", " "]);
        }
        let (mut is_morning, mut is_evening) = (self.take_any(&BEFORE_NOON), self.take_any(&AFTER_NOON));
        let is_noon = self.take_any(&["中午"]);
        self.skip_spaces();
        let mut hour = self.read_number(1, 2)?;
        let (minute, second) = self.read_minutes()?;
        let read = *self;
        self.skip_spaces();
        is_morning |= self.take_word(&["am", "a.m."]);
        is_evening |= !is_morning && self.take_word(&["pm", "p.m."]);
        if !is_morning && !is_evening {
            *self = read;
        }
        if (is_evening || is_noon && hour < 3) && hour < 12 {
            hour += 12;
        } else if is_morning && hour == 12 {
            hour = 0;
        }
        match (hour, minute) {
            (24, 0) => day.checked_add_days(Days::new(1))?.and_hms_opt(0, 0, 0),
            _ => day.and_hms_opt(hour, minute, second.min(59)),
        }
    }

    /// Reads the minutes and the seconds after an hour: `:30`, `:30:05.123`, `时30分05秒`, `点半` or `时`.
    fn read_minutes(&mut self) -> Option<(u32, u32)> {
        if self.take_any(&["时", "時", "点", "點"]) {
            self.skip_spaces();
            if self.take_any(&["半"]) {
                return Some((30, 0));
            }
            let Some(minute) = self.attempt(|scanner| scanner.read_number(1, 2)) else { return Some((0, 0)) };
            let second = self.take_any(&["分"]).then(|| self.attempt(|scanner| scanner.read_number(1, 2)));
            self.take_any(&["秒"]);
            return Some((minute, second.flatten().unwrap_or(0)));
        }
        self.skip_spaces();
        self.take_any(&[":"]).then_some(())?;
        self.skip_spaces();
        let minute = self.read_number(2, 2)?;
        let second =
            self.take_any(&[":"]).then(|| self.attempt(|scanner| scanner.read_number(1, 2))).flatten();
        if second.is_some() && self.take_any(&[".", ","]) {
            self.rest = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        Some((minute, second.unwrap_or(0)))
    }

    fn read_zone(&mut self) -> Option<Zone> {
        self.skip_any(&[" ", "("]);
        if let Some(offset) = self.attempt(Self::read_offset) {
            return Some(Zone::Offset(offset));
        }
        for (name, minutes) in ZONES {
            if self.take_word(&[name]) {
                let is_base = matches!(name, "utc" | "gmt");
                let further = is_base.then(|| self.attempt(Self::read_offset)).flatten();
                let offset = further.or_else(|| FixedOffset::east_opt(minutes * 60))?;
                return Some(Zone::Offset(offset));
            }
        }
        let end =
            self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+')));
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let zone = name.contains('/').then(|| name.parse::<Tz>().ok()).flatten()?;
        self.rest = rest;
        Some(Zone::Named(zone))
    }

    /// Reads `+08:00`, `+0800`, `+08` or `+8`.
    fn read_offset(&mut self) -> Option<FixedOffset> {
        let sign = if self.take_any(&["-"]) { -1 } else { self.take_any(&["+"]).then_some(1)? };
        let (hours, minutes) = match self.attempt(|scanner| scanner.read_number(4, 4)) {
            Some(both) => (both / 100, both % 100),
            None => {
                let hours = self.read_number(1, 2)?;
                (hours, self.attempt(|scanner| scanner.read_offset_minutes()).unwrap_or(0))
            }
        };
        let total = i32::try_from(hours * 60 + minutes).ok()?;
        FixedOffset::east_opt(sign * total * 60).filter(|_| hours <= 14 && minutes < 60)
    }

    fn read_offset_minutes(&mut self) -> Option<u32> {
        self.take_any(&[":"]).then_some(())?;
        self.read_number(2, 2)
    }

    /// Does what `read` does if it succeeds, and nothing otherwise.
    fn attempt<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let mut ahead = *self;
        let found = read(&mut ahead)?;
        *self = ahead;
        Some(found)
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start_matches(' ');
    }

    fn skip_any(&mut self, words: &[&str]) {
        while self.take_any(words) {}
    }

    /// Takes the first of `words` with which the rest begins, in any case.
    fn take_any(&mut self, words: &[&str]) -> bool {
        let starts =
            |word: &&&str| self.rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        let Some(word) = words.iter().find(starts) else { return false };
        self.rest = &self.rest[word.len()..];
        true
    }

    /// Takes the first of `words`, unless a letter follows it.
    fn take_word(&mut self, words: &[&str]) -> bool {
        let mut ahead = *self;
        let is_taken = ahead.take_any(words) && !ahead.rest.starts_with(|c: char| c.is_ascii_alphabetic());
        if is_taken {
            *self = ahead;
        }
        is_taken
    }

    /// Reads a number of so many digits. More digits are no such number.
    fn read_number(&mut self, min_digits: usize, max_digits: usize) -> Option<u32> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        (min_digits..=max_digits).contains(&digits).then_some(())?;
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        number.parse().ok()
    }

    /// Reads the number of a day. The hour can follow without a space: `2019-09-2008:30`.
    fn read_day_number(&mut self) -> Option<u32> {
        let bytes = self.rest.as_bytes();
        let is_joined = bytes.get(4) == Some(&b':') && bytes[..4].iter().all(u8::is_ascii_digit);
        let Some((day, rest)) = self.rest.split_at_checked(2).filter(|_| is_joined) else {
            return self.read_number(1, 2);
        };
        self.rest = rest;
        day.parse().ok()
    }

    fn read_ordinal(&mut self) -> Option<u32> {
        let day = self.read_number(1, 2)?;
        self.take_word(&["st", "nd", "rd", "th"]);
        Some(day)
    }

    fn read_separator(&mut self, separators: &[&str]) -> Option<()> {
        self.skip_spaces();
        self.take_any(separators).then_some(())?;
        self.skip_spaces();
        Some(())
    }

    /// Reads a word that begins with one of `names`. Returns which.
    fn read_name(&mut self, names: &[&str]) -> Option<usize> {
        let found = names.iter().position(|name| self.take_any(&[name]))?;
        self.rest = self.rest.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        Some(found)
    }
}
