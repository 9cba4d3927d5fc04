//! Metadata in the text of a page: labels with values.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::label_names::{LABELS, Label};
use crate::interchange::origins::dates;
use crate::interchange::text_filters;

/// Longest line that can hold labels, in bytes. Longer lines are content.
const MAX_LINE_BYTES: usize = 500;
/// Longest line that may hold a single label, in bytes.
const MAX_SHORT_LINE_BYTES: usize = 120;

/// Longest line with one label and a comma, in characters: a list of names. A longer one is a sentence.
const MAX_NAMES_CHARS: usize = 24;

/// The values of the labels in one or more lines. An empty string is a label without a value.
#[derive(Debug, Default)]
pub struct PageLabels {
    /// The time after a label that speaks of publication.
    pub published_at: Option<DateTime<Utc>>,
    /// The time after a label that speaks of another change of the page.
    pub made_at: Option<DateTime<Utc>>,
    /// The time after a label that can speak of anything.
    pub time: Option<DateTime<Utc>>,
    /// A date without a label beside others.
    pub bare_date: Option<DateTime<Utc>>,
    /// The author.
    pub author: Option<String>,
    /// The source.
    pub source_name: Option<String>,
    /// How often the page was read.
    pub views: Option<u64>,
    /// The number of labels.
    pub count: usize,
    /// Whether a label can speak of any time.
    pub is_time: bool,
}

impl PageLabels {
    /// Reads a line of labels. Such a line has two labels, or one label and a date, or it is
    /// short and begins with a label. Returns `None` for any other line, like a sentence.
    pub fn parse(line: &str, timezone: Tz) -> Option<Self> {
        if line.len() > MAX_LINE_BYTES || line.contains(['。', '！', '？', '；']) {
            return None;
        }
        let line = text_filters::strip_glosses(line, &mut 0);
        let found = find_labels(&line);
        let (first, ..) = *found.first()?;
        if found.len() == 1 && line.contains(['，', '…']) && line.chars().count() > MAX_NAMES_CHARS {
            return None;
        }
        let mut labels = Self { count: found.len(), ..Self::default() };
        for (at, (_, from, label)) in found.iter().enumerate() {
            let to = found.get(at + 1).map_or(line.len(), |next| next.0);
            labels.add(*label, line[*from..to].trim_matches(is_filler), timezone);
        }
        let bare = || dates::find_date(line[..first].trim_matches(is_filler), timezone);
        if labels.date().is_none() {
            labels.bare_date = bare().map(|found| found.at);
        }
        let is_short = first == 0 && line.len() <= MAX_SHORT_LINE_BYTES;
        (found.len() > 1 || is_short || labels.date().is_some()).then_some(labels)
    }

    fn add(&mut self, label: Label, value: &str, timezone: Tz) {
        let date = || dates::find_date(value, timezone).map(|found| found.at);
        match label {
            Label::Published => self.published_at = self.published_at.or_else(date),
            Label::Made => self.made_at = self.made_at.or_else(date),
            Label::Time => {
                self.is_time = true;
                self.time = self.time.or_else(date);
            }
            Label::Author => self.author = self.author.take().or_else(|| Some(take_first_part(value))),
            Label::Source => {
                self.source_name = self.source_name.take().or_else(|| Some(take_first_part(value)))
            }
            Label::Views => self.views = self.views.or_else(|| parse_count(value)),
            Label::Other => {}
        }
        // `作者：林 2019-09-20`.
        if matches!(label, Label::Author | Label::Source | Label::Other) && self.bare_date.is_none() {
            self.bare_date = date();
        }
    }

    /// The likeliest date of publication.
    pub fn date(&self) -> Option<DateTime<Utc>> {
        self.published_at.or(self.bare_date).or(self.made_at).or(self.time)
    }

    /// Whether the line can be of no article's text: several labels stand together, a date stands before one, or
    /// one speaks of publication.
    pub fn is_certain(&self) -> bool {
        self.count > 1 || self.published_at.is_some() || self.bare_date.is_some()
    }

    /// Whether the line says something of the page. `时间：` before an hour or before a date to come speaks of an event.
    pub fn is_of_page(&self) -> bool {
        let tomorrow = Utc::now() + TimeDelta::days(1);
        self.is_certain() || !self.is_time || self.time.is_some_and(|time| time < tomorrow)
    }

    /// Fills missing values from `others`.
    pub fn merge(self, others: Self) -> Self {
        Self {
            published_at: self.published_at.or(others.published_at),
            made_at: self.made_at.or(others.made_at),
            time: self.time.or(others.time),
            bare_date: self.bare_date.or(others.bare_date),
            author: self.author.filter(|author| !author.is_empty()).or(others.author),
            source_name: self.source_name.filter(|source| !source.is_empty()).or(others.source_name),
            views: self.views.or(others.views),
            count: self.count + others.count,
            is_time: self.is_time || others.is_time,
        }
    }
}

/// The labels of a line: start of the label, start of its value, kind.
fn find_labels(line: &str) -> Vec<(usize, usize, Label)> {
    let lower = line.to_ascii_lowercase();
    let colons = lower.match_indices([':', '：']);
    let found = colons.filter_map(|(at, colon)| {
        let before = lower[..at].trim_end();
        let all = LABELS.iter().flat_map(|(label, names)| names.iter().map(move |name| (*label, *name)));
        let starts = all.filter_map(|(label, name)| Some((before.strip_suffix(name)?, label, name)));
        let is_apart = |rest: &str, name: &str| match name.is_ascii() {
            true => !rest.ends_with(|c: char| c.is_alphanumeric()),
            false => !rest.ends_with(text_filters::is_han),
        };
        let apart = starts.filter(|(rest, _, name)| is_apart(rest, name));
        let longest = apart.max_by_key(|(_, _, name)| name.len());
        longest.map(|(rest, label, _)| (rest.len(), at + colon.len(), label))
    });
    found.collect()
}

/// Whether a character stands between labels, and is of none.
pub fn is_filler(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '|' | '｜' | '/' | '[' | ']' | '【' | '】' | '(' | ')' | '（' | '）' | '·' | '•' | '-' | ','
        )
}

/// The value up to a gap, a bar or a date. Text after that belongs to no label.
fn take_first_part(value: &str) -> String {
    let gaps = ["  ", "\u{3000}", "\t", "|", "｜", " / ", "【", "[", " 20", " 19"];
    let ends = gaps.iter().filter_map(|gap| value.find(gap));
    value[..ends.min().unwrap_or(value.len())].trim().to_owned()
}

fn parse_count(value: &str) -> Option<u64> {
    let digits = value.chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(|c| *c != ',');
    digits.collect::<String>().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: Tz = chrono_tz::Asia::Shanghai;

    fn date_of(labels: &PageLabels) -> Option<String> {
        labels.date().map(dates::format_rfc3339)
    }

    #[test]
    fn labels_are_read_in_both_scripts_with_glosses_and_without_values() {
        let labels =
            PageLabels::parse("發(fā)布時間:2021-03-04 作者: 來源：省計量院 瀏覽(lǎn)：1,250次", ZONE)
                .unwrap();
        assert_eq!(date_of(&labels).as_deref(), Some("2021-03-03T16:00:00Z"));
        assert_eq!(labels.author.as_deref(), Some(""));
        assert_eq!(labels.source_name.as_deref(), Some("省計量院"));
        assert_eq!(labels.views, Some(1250));
    }

    #[test]
    fn a_date_can_have_no_label() {
        for line in [
            "2021年3月4日 08:30 | 来源：计量报  字号",
            "来源：计量报 2021年3月4日 08:30",
            "来源：计量报 编辑：周 2021-03-04 08:30",
        ] {
            let labels = PageLabels::parse(line, ZONE).unwrap();
            assert_eq!(date_of(&labels).as_deref(), Some("2021-03-04T00:30:00Z"), "{line}");
            assert_eq!(labels.source_name.as_deref(), Some("计量报"), "{line}");
        }
    }

    #[test]
    fn other_labels_are_known() {
        for line in
            ["Published: 2021-03-04 08:30", "发稿时间：2021-03-04 08:30", "更新时间 : 2021-03-04 08:30"]
        {
            let labels = PageLabels::parse(line, ZONE).unwrap();
            assert_eq!(date_of(&labels).as_deref(), Some("2021-03-04T00:30:00Z"), "{line}");
        }
        let labels = PageLabels::parse("稿源：计量报 责任编辑：周 点击率：31", ZONE).unwrap();
        assert_eq!((labels.source_name.as_deref(), labels.views), (Some("计量报"), Some(31)));
    }

    #[test]
    fn running_text_is_not_a_line_of_labels() {
        for line in [
            "作者：李白认为，月亮在诗里比在天上更亮，也更近，我们都……",
            "会议时间:上午九点",
            "他说:资金来源:财政。",
            "",
            "8:30",
            "standby: yes",
        ] {
            assert!(PageLabels::parse(line, ZONE).is_none(), "{line}");
        }
    }
}
