//! Metadata in the text of a page: labels with values, and the breadcrumb.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::interchange::origins::dates;
use crate::interchange::text_filters;

/// Longest line that can hold labels, in bytes. Longer lines are content.
const MAX_LINE_BYTES: usize = 500;
/// Longest line that may hold a single label, in bytes.
const MAX_SHORT_LINE_BYTES: usize = 120;
/// Most steps of a breadcrumb that are kept.
const MAX_BREADCRUMB_STEPS: usize = 10;

#[derive(Clone, Copy)]
enum Label {
    Published,
    Author,
    Source,
    Views,
}

/// Labels in Simplified and Traditional. If one label is the end of another, the longer comes first.
const LABELS: [(Label, &[&str]); 4] = [
    (
        Label::Published,
        &[
            "发布时间",
            "發布時間",
            "發佈時間",
            "发表时间",
            "發表時間",
            "发布日期",
            "發布日期",
            "發佈日期",
            "日期",
            "时间",
            "時間",
        ],
    ),
    (Label::Author, &["作者"]),
    (
        Label::Source,
        &["文章来源", "文章來源", "信息来源", "信息來源", "稿件来源", "稿件來源", "来源", "來源"],
    ),
    (
        Label::Views,
        &[
            "浏览次数",
            "瀏覽次數",
            "浏览量",
            "瀏覽量",
            "浏览",
            "瀏覽",
            "点击次数",
            "點擊次數",
            "点击量",
            "點擊量",
            "点击数",
            "點擊數",
            "点击",
            "點擊",
            "阅读次数",
            "閱讀次數",
            "阅读量",
            "閱讀量",
            "阅读",
            "閱讀",
        ],
    ),
];

/// The values of the labels in one or more lines. An empty string is a label without a value.
#[derive(Default)]
pub struct PageLabels {
    pub published_at: Option<DateTime<Utc>>,
    pub author: Option<String>,
    pub source_name: Option<String>,
    pub views: Option<u64>,
}

impl PageLabels {
    /// Reads a line of labels. Such a line has two labels, or one label and a date, or it is
    /// short and begins with a label. Returns `None` for any other line.
    pub fn parse(line: &str, timezone: Tz) -> Option<Self> {
        if line.len() > MAX_LINE_BYTES {
            return None;
        }
        let line = text_filters::strip_glosses(line, &mut 0);
        let found = find_labels(&line);
        let (first, ..) = *found.first()?;
        let mut labels = Self::default();
        for (at, (_, from, label)) in found.iter().enumerate() {
            let to = found.get(at + 1).map_or(line.len(), |next| next.0);
            labels.add(*label, line[*from..to].trim_matches(is_filler), timezone);
        }
        labels.published_at = labels.published_at.or_else(|| dates::parse_date(&line, timezone));
        let is_short = first == 0 && line.len() <= MAX_SHORT_LINE_BYTES;
        (found.len() > 1 || is_short || labels.published_at.is_some()).then_some(labels)
    }

    fn add(&mut self, label: Label, value: &str, timezone: Tz) {
        match label {
            Label::Published => {
                self.published_at = self.published_at.or_else(|| dates::parse_date(value, timezone))
            }
            Label::Author => self.author = self.author.take().or_else(|| Some(take_first_part(value))),
            Label::Source => {
                self.source_name = self.source_name.take().or_else(|| Some(take_first_part(value)))
            }
            Label::Views => self.views = self.views.or_else(|| parse_count(value)),
        }
    }

    /// Fills missing values from `others`.
    pub fn merge(self, others: Self) -> Self {
        Self {
            published_at: self.published_at.or(others.published_at),
            author: self.author.or(others.author),
            source_name: self.source_name.or(others.source_name),
            views: self.views.or(others.views),
        }
    }
}

/// The labels of a line: start of the label, start of its value, kind.
fn find_labels(line: &str) -> Vec<(usize, usize, Label)> {
    let colons = line.match_indices([':', '：']);
    let found = colons.filter_map(|(at, colon)| {
        let before = line[..at].trim_end();
        let all = LABELS.iter().flat_map(|(label, names)| names.iter().map(move |name| (*label, name)));
        let starts = all.filter_map(|(label, name)| Some((before.strip_suffix(name)?, label)));
        let mut standalone = starts.filter(|(rest, _)| !rest.ends_with(text_filters::is_han));
        standalone.next().map(|(rest, label)| (rest.len(), at + colon.len(), label))
    });
    found.collect()
}

fn is_filler(c: char) -> bool {
    c.is_whitespace() || matches!(c, '|' | '｜' | '/' | '[' | ']' | '【' | '】' | '(' | ')' | '（' | '）')
}

/// The value up to a gap or a bar. Text after that belongs to no label.
fn take_first_part(value: &str) -> String {
    let ends = ["  ", "\u{3000}", "\t", "|", "｜"].iter().filter_map(|gap| value.find(gap));
    value[..ends.min().unwrap_or(value.len())].trim_end().to_owned()
}

fn parse_count(value: &str) -> Option<u64> {
    let digits = value.chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(|c| *c != ',');
    digits.collect::<String>().parse().ok()
}

/// The steps of a breadcrumb, without the home page. Returns `None` if the line is no breadcrumb.
///
/// A breadcrumb begins with a label, as in `当前位置: 首页 > 新闻`, or with the home page.
pub fn parse_breadcrumb(line: &str) -> Option<Vec<String>> {
    const HOME: [&str; 8] = ["首页", "首頁", "主页", "主頁", "网站首页", "網站首頁", "home", "index"];
    if line.len() > MAX_LINE_BYTES {
        return None;
    }
    let line = text_filters::strip_glosses(line, &mut 0);
    let labelled = line.split_once("位置").map(|(_, after)| after.trim_start_matches(is_filler));
    let labelled = labelled.and_then(|after| after.strip_prefix([':', '：']));
    let steps = labelled.unwrap_or(&line).split(['>', '＞', '›', '»', '→']).map(str::trim);
    let steps: Vec<&str> = steps.filter(|step| !step.is_empty()).collect();
    let is_home = |step: &&str| HOME.contains(&step.to_lowercase().as_str());
    if labelled.is_none() && !(steps.len() > 1 && is_home(&steps[0])) {
        return None;
    }
    let inner = steps.into_iter().filter(|step| !is_home(step)).take(MAX_BREADCRUMB_STEPS);
    Some(inner.map(str::to_owned).collect())
}

/// Whether this line ends the article. The site's own text begins here.
pub fn ends_article(line: &str) -> bool {
    const BEGIN: [&str; 12] = [
        "分享到",
        "分享至",
        "会员注册",
        "會員注冊",
        "會員註冊",
        "会员登",
        "會員登",
        "上一篇",
        "下一篇",
        "相关阅读",
        "相關閱讀",
        "版权所有",
    ];
    const ALONE: [&str; 2] = ["通知", "公告"];
    if line.len() > MAX_SHORT_LINE_BYTES {
        return false;
    }
    let line = text_filters::strip_glosses(line.trim(), &mut 0);
    let first = line.split_whitespace().next().unwrap_or_default();
    BEGIN.iter().any(|word| line.starts_with(word)) || ALONE.contains(&first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_in_both_scripts_with_glosses_and_without_values() {
        let labels = PageLabels::parse(
            "發(fā)布時間:2021-03-04 作者: 來源：省計量院 瀏覽(lǎn)：1,250次",
            chrono_tz::Asia::Shanghai,
        )
        .unwrap();
        assert_eq!(labels.published_at.map(dates::format_rfc3339).as_deref(), Some("2021-03-03T16:00:00Z"));
        assert_eq!(labels.author.as_deref(), Some(""));
        assert_eq!(labels.source_name.as_deref(), Some("省計量院"));
        assert_eq!(labels.views, Some(1250));
    }

    #[test]
    fn a_date_can_have_no_label() {
        let labels =
            PageLabels::parse("2021年3月4日 08:30 | 来源：计量报  字号", chrono_tz::Asia::Shanghai).unwrap();
        assert_eq!(labels.published_at.map(dates::format_rfc3339).as_deref(), Some("2021-03-04T00:30:00Z"));
        assert_eq!(labels.source_name.as_deref(), Some("计量报"));
    }

    #[test]
    fn running_text_is_not_a_line_of_labels() {
        for line in ["会议时间:上午九点", "他说:资金来源:财政。", "", "8:30"] {
            assert!(PageLabels::parse(line, chrono_tz::Asia::Shanghai).is_none(), "{line}");
        }
    }

    #[test]
    fn a_breadcrumb_is_known_by_its_label_or_its_home() {
        let steps = |line: &str| parse_breadcrumb(line).map(|steps| steps.join("/"));
        assert_eq!(steps("您當(dāng)前的位置: 首頁 > 新聞 > 行業動態").as_deref(), Some("新聞/行業動態"));
        assert_eq!(steps("Home » News").as_deref(), Some("News"));
        for line in ["位置精度优于1米", "a > b", "首页", ""] {
            assert_eq!(steps(line), None, "{line}");
        }
    }

    #[test]
    fn only_the_sites_own_text_ends_an_article() {
        for line in ["分享到:", "通知 點擊查看", "公告", "會員登陸", "下一篇：秤"] {
            assert!(ends_article(line), "{line}");
        }
        for line in ["通知要求各地核查衡器。", "公告称", ""] {
            assert!(!ends_article(line), "{line}");
        }
    }
}
