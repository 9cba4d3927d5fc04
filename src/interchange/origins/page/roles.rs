//! What each line of a page is: text of the article, a value for one of its fields, or the site's own.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::breadcrumb::{find_breadcrumb, parse_breadcrumb};
use super::furniture::{Furniture, begins_site_text, is_annex};
use super::label_names::speaks_of_publication;
use super::labels::{PageLabels, is_filler};
use super::lines::Line;
use super::main_text::MainText;
use crate::interchange::origins::dates;

/// Lines before the title or the text in which labels can stand.
const LINES_BEFORE: usize = 15;
/// Lines after the text in which labels can stand.
const LINES_AFTER: usize = 15;
/// Lines directly below the text of which each can be a single label.
const LINES_OF_SIGNATURE: usize = 2;
/// Longest text beside a date that is no label, in characters.
const MAX_BESIDE_DATE_CHARS: usize = 30;
/// Shortest text that is told when it is left out, in characters.
const MIN_TOLD_CHARS: usize = 10;

/// Words of a date that is one of a person.
const PERSON_WORDS: [&str; 9] =
    ["注册", "註冊", "登录", "登錄", "生日", "出生", "joined", "registered", "last visit"];
/// Words before the date of a post of a forum.
const POSTED_WORDS: [&str; 6] = ["发表于", "發表於", "发布于", "發佈於", "posted on", "published on"];
/// Words after the date of a post of a forum.
const POST_WORDS: [&str; 14] = [
    "只看", "显示", "顯示", "倒序", "来自", "來自", "回复", "回復", "查看", "浏览", "瀏覽", "楼主", "编辑",
    "举报",
];

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is no part of the article.
    Outside,
    /// It is text of the article.
    Kept,
    /// The article has it as its title, category, date, author or source.
    Field,
    /// It belongs to the site.
    Site,
    /// It is left out of the article, and that is told.
    LeftOut,
}

/// The lines of a page, with what they are and what they say.
pub struct Roles {
    /// What each line is.
    pub roles: Vec<Role>,
    /// The labels of the article.
    pub labels: PageLabels,
    /// The time of an element `time` beside the title.
    pub time: Option<DateTime<Utc>>,
    /// A date that stands alone beside the title.
    pub bare_date: Option<DateTime<Utc>>,
    /// The steps of the breadcrumb.
    pub breadcrumb: Vec<String>,
    /// First and last line of the core.
    core: Option<(usize, usize)>,
}

impl Roles {
    /// Decides on all lines.
    pub fn assign(main: &MainText, title: &str, timezone: Tz) -> Self {
        let mut roles = vec![Role::Outside; main.lines.len()];
        for (_, first, last) in &main.pieces {
            roles[*first..=*last].fill(Role::Kept);
        }
        let mut found = Self {
            roles,
            labels: PageLabels::default(),
            time: None,
            bare_date: None,
            breadcrumb: find_breadcrumb(&main.lines),
            core: main.core,
        };
        found.drop_furniture(main);
        let is_text = |at: &usize| found.roles[*at] == Role::Kept && main.is_text[*at];
        let text = (0..main.lines.len()).filter(is_text).collect::<Vec<_>>();
        let end = main.lines.len();
        let (first, last) = (text.first().copied().unwrap_or(end), text.last().copied().unwrap_or(end));
        found.read_head(main, first, timezone);
        found.sort_head(main, title, first);
        found.sort_tail(main, last);
        found.read_tail(main, last, timezone);
        found.tell_prose(main);
        found
    }

    /// Takes the furniture within the article's elements out of it.
    fn drop_furniture(&mut self, main: &MainText) {
        for (at, line) in main.lines.iter().enumerate() {
            if self.roles[at] != Role::Kept {
                continue;
            }
            let is_menu = line.own_chars() == 0 && line.media == 0 || begins_site_text(&line.text);
            match main.furniture[at] {
                None => continue,
                Some(_) if has_annex(line) => continue,
                Some(Furniture::Perhaps) if !is_menu => continue,
                Some(Furniture::Likely) if !is_menu && line.own_chars() >= MIN_TOLD_CHARS => {
                    self.roles[at] = Role::LeftOut
                }
                _ => self.roles[at] = Role::Site,
            }
        }
    }

    /// Reads the labels between the title and the text, and before the title.
    fn read_head(&mut self, main: &MainText, first: usize, timezone: Tz) {
        let (start, before) = match main.title.filter(|title| *title < first) {
            Some(title) => (title + 1, title.saturating_sub(LINES_BEFORE)..title),
            None => (first.saturating_sub(LINES_BEFORE).min(first), 0..0),
        };
        for at in (start..first).chain(before.rev()) {
            let line = &main.lines[at];
            let is_before = main.title.is_some_and(|title| at < title);
            if is_before && main.furniture[at] == Some(Furniture::Likely) || line.is_prose() {
                continue;
            }
            self.time = self.time.or_else(|| read_time_element(line, timezone));
            let is_kept = self.roles[at] == Role::Kept;
            match PageLabels::parse(&line.text, timezone).filter(PageLabels::is_of_page) {
                Some(labels)
                    if (self.is_inside(at) || follows_sentence(main, start, at))
                        && !labels.is_certain()
                        && !self.is_beside_labels(main, at) => {}
                Some(labels) if is_before && labels.date().is_none() && labels.count < 2 => {}
                Some(labels) => {
                    self.labels = std::mem::take(&mut self.labels).merge(labels);
                    if is_kept {
                        self.roles[at] = Role::Field;
                    }
                }
                None if !is_before || main.title.is_some_and(|title| title - at <= 3) => {
                    self.read_bare_date(line, at, timezone)
                }
                None => {}
            }
        }
    }

    /// Whether a line is in the core of the article, where a single label can be a line of the text.
    fn is_inside(&self, at: usize) -> bool {
        self.core.is_some_and(|(first, last)| (first..=last).contains(&at))
    }

    /// Whether a line of a single label stands directly beside another line of labels.
    fn is_beside_labels(&self, main: &MainText, at: usize) -> bool {
        let is_labels = |at: usize| {
            let line = main.lines.get(at).filter(|_| self.roles[at] != Role::Outside);
            self.roles.get(at) == Some(&Role::Field)
                || line.is_some_and(|line| {
                    PageLabels::parse(&line.text, chrono_tz::UTC).is_some_and(|labels| labels.is_of_page())
                })
        };
        at > 0 && is_labels(at - 1) || is_labels(at + 1)
    }

    fn read_bare_date(&mut self, line: &Line, at: usize, timezone: Tz) {
        let Some(found) = dates::find_date(&line.text, timezone).filter(|_| line.text.len() <= 200) else {
            return;
        };
        let rest = found.rest.trim_matches(|c: char| is_filler(c) || c == ':');
        let is_today =
            ["今天", "今日", "今天是", "today", "现在"].iter().any(|word| rest.to_lowercase().contains(word));
        let is_empty = rest.is_empty() || speaks_of_publication(rest) || is_floor(rest);
        let is_of_person = PERSON_WORDS.iter().any(|word| rest.to_lowercase().contains(word));
        if is_of_person || self.is_inside(at) && !is_empty && !says_posted(&line.text, timezone) {
            return;
        }
        if rest.chars().count() <= MAX_BESIDE_DATE_CHARS && !is_today && !line.is_linked() {
            self.bare_date = self.bare_date.or(Some(found.at));
            if self.roles[at] == Role::Kept && is_empty {
                self.roles[at] = Role::Field;
            }
        }
    }

    /// Takes what the page repeats before the text out of the article.
    fn sort_head(&mut self, main: &MainText, title: &str, first: usize) {
        let squash = |text: &str| text.split_whitespace().collect::<String>();
        let title_text = squash(title);
        for (at, line) in main.lines.iter().enumerate().take(first) {
            if self.roles[at] != Role::Kept {
                continue;
            }
            let is_before = main.title.is_some_and(|title| at < title && title < first);
            self.roles[at] = if squash(&line.text) == title_text || parse_breadcrumb(&line.text).is_some() {
                Role::Field
            } else if begins_site_text(&line.text) || is_before && line.own_chars() < MIN_TOLD_CHARS {
                Role::Site
            } else if is_before {
                Role::LeftOut
            } else {
                continue;
            };
        }
    }

    /// Takes the site's own text after the article out of it.
    fn sort_tail(&mut self, main: &MainText, last: usize) {
        let mut is_over = false;
        for (at, line) in main.lines.iter().enumerate().skip(last.saturating_add(1)) {
            if self.roles[at] != Role::Kept {
                continue;
            }
            let begins = begins_site_text(&line.text);
            is_over |= begins;
            if is_over {
                let is_told = !begins && !line.is_linked() && line.own_chars() >= MIN_TOLD_CHARS;
                self.roles[at] = if is_told { Role::LeftOut } else { Role::Site };
            }
        }
    }

    /// Reads labels after the text, which stay in it.
    fn read_tail(&mut self, main: &MainText, last: usize, timezone: Tz) {
        for (at, line) in main.lines.iter().enumerate().skip(last.saturating_add(1)).take(LINES_AFTER) {
            let labels = PageLabels::parse(&line.text, timezone).filter(PageLabels::is_certain);
            if let Some(labels) = labels.filter(|_| main.furniture[at] != Some(Furniture::Likely)) {
                self.labels = std::mem::take(&mut self.labels).merge(labels);
            } else if at <= last + LINES_OF_SIGNATURE && main.furniture[at] != Some(Furniture::Likely) {
                self.read_signature(&main.lines[at], at, timezone);
            }
        }
    }

    /// Reads a single label directly below the text, which is not in it: `作者：林`. One that gives no value is told.
    fn read_signature(&mut self, line: &Line, at: usize, timezone: Tz) {
        let labels = PageLabels::parse(&line.text, timezone).filter(|labels| labels.is_of_page());
        let Some(labels) = labels.filter(|_| self.roles[at] == Role::Outside) else { return };
        let known = (self.labels.author.clone(), self.labels.source_name.clone());
        self.labels = std::mem::take(&mut self.labels).merge(labels);
        let is_used = known != (self.labels.author.clone(), self.labels.source_name.clone());
        self.roles[at] = if is_used { Role::Field } else { Role::LeftOut };
    }

    /// Notes the sentences that are not in the article.
    fn tell_prose(&mut self, main: &MainText) {
        for (at, line) in main.lines.iter().enumerate() {
            let is_lost = self.roles[at] == Role::Outside && Some(at) != main.title;
            if is_lost && line.is_prose() && PageLabels::parse(&line.text, chrono_tz::UTC).is_none() {
                self.roles[at] = Role::LeftOut;
            }
        }
    }
}

/// Whether a sentence stands before the line `at`, from the line `start` on.
fn follows_sentence(main: &MainText, start: usize, at: usize) -> bool {
    let lines = main.lines.get(start..at).unwrap_or_default();
    lines.iter().any(|line| line.text.trim_end().ends_with(['。', '！', '？']))
}

/// The time of an element `time` in a line, or the one that a text like `3 天前` has as its title.
fn read_time_element(line: &Line, timezone: Tz) -> Option<DateTime<Utc>> {
    let around = || line.nodes.iter().flat_map(|node| node.ancestors_it(Some(3)).collect::<Vec<_>>());
    let times = around().filter(|element| element.has_name("time")).filter_map(|time| time.attr("datetime"));
    let titles =
        around().filter(|element| is_relative(&element.text())).filter_map(|time| time.attr("title"));
    times.chain(titles).find_map(|text| dates::parse_stamp(&text, timezone))
}

/// Whether a text says how long ago something was.
fn is_relative(text: &str) -> bool {
    const WORDS: [&str; 6] = ["前", "昨天", "刚刚", "剛剛", "ago", "yesterday"];
    text.chars().count() <= MAX_BESIDE_DATE_CHARS && WORDS.iter().any(|word| text.contains(word))
}

/// Whether a text is the number of a post of a forum, or that of the first one.
fn is_floor(text: &str) -> bool {
    let is_number = |number: &str| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    text == "楼主" || text == "樓主" || text.strip_suffix(['楼', '樓', '#']).is_some_and(is_number)
}

/// Whether a line says when a post of a forum was written: `发表于 2019-9-24 09:10 | 只看该作者`.
fn says_posted(line: &str, timezone: Tz) -> bool {
    let lower = line.to_ascii_lowercase();
    let has_date_alone = |after: &str| {
        let after = after.trim_start_matches(|c: char| c.is_whitespace() || c == ':' || c == '：');
        let found =
            dates::find_date(after, timezone).filter(|_| after.starts_with(|c: char| c.is_ascii_digit()));
        found.is_some_and(|found| {
            let rest = found.rest.trim_matches(is_filler);
            rest.is_empty() || POST_WORDS.iter().any(|word| rest.starts_with(word))
        })
    };
    POSTED_WORDS.iter().any(|word| lower.split(word).skip(1).any(has_date_alone))
}

/// Whether a line links to a file.
pub fn has_annex(line: &Line) -> bool {
    let links = line.nodes.iter().filter_map(|node| node.ancestors_it(Some(3)).find(|a| a.has_name("a")));
    links.filter_map(|link| link.attr("href")).any(|address| is_annex(&address))
}
