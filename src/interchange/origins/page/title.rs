//! The title of a page, without the name of its site.

use std::collections::HashMap;

use dom_query::Document;

use super::lines::is_heading;
use super::metadata::Metadata;
use crate::interchange::origins::row_builder::fold_whitespace;

/// Signs between a title and the name of a site.
const SIGNS: [char; 16] = ['-', '_', '|', '｜', '–', '—', '·', '•', '»', '«', '›', '－', '＿', '―', '─', '~'];
/// Signs that stand in no title.
const SURE_SIGNS: [char; 6] = ['_', '|', '｜', '»', '«', '＿'];
/// Longest element text that can be a title, in bytes. Longer text is content.
const MAX_TITLE_BYTES: usize = 500;
/// Most headings of a page that are looked at.
const MAX_HEADINGS: usize = 100;
/// Titles from which the name of a site is learned.
const MIN_COMMON_TITLES: usize = 2;

/// The names of sites, as they stand at the ends of the titles of a folder's pages.
#[derive(Debug, Default)]
pub struct SiteNames {
    /// Endings after their sign.
    endings: Vec<String>,
    /// Beginnings before their sign.
    beginnings: Vec<String>,
}

impl SiteNames {
    /// Learns what the titles of several pages have in common: in half of them, or in three.
    pub fn learn(titles: &[String]) -> Self {
        let mut titles: Vec<&String> = titles.iter().collect();
        titles.sort();
        titles.dedup();
        let is_common = |count: usize| count >= 3 || count >= MIN_COMMON_TITLES && count * 2 >= titles.len();
        let count = |parts: &dyn Fn(&str) -> Vec<String>| {
            let mut counts: HashMap<String, usize> = HashMap::new();
            for title in &titles {
                parts(title).into_iter().for_each(|part| *counts.entry(part).or_default() += 1);
            }
            let mut common: Vec<String> =
                counts.into_iter().filter(|(_, count)| is_common(*count)).map(|(part, _)| part).collect();
            common.sort_by_key(|part| std::cmp::Reverse(part.len()));
            common
        };
        let is_name = |part: &String| part.chars().filter(|c| c.is_alphabetic()).count() > 1;
        let endings = |title: &str| {
            list_cuts(title)
                .into_iter()
                .map(|(at, sign)| squash(&title[at + sign.len()..]))
                .filter(is_name)
                .collect()
        };
        let beginnings = |title: &str| {
            list_cuts(title).into_iter().map(|(at, _)| squash(&title[..at])).filter(is_name).collect()
        };
        Self { endings: count(&endings), beginnings: count(&beginnings) }
    }

    /// `title` without a name that was learned. Returns `None` if it has none.
    fn strip(&self, title: &str) -> Option<String> {
        let cuts = list_cuts(title);
        let ending = cuts.iter().find(|(at, sign)| self.endings.contains(&squash(&title[at + sign.len()..])));
        let beginning = cuts.iter().rev().find(|(at, _)| self.beginnings.contains(&squash(&title[..*at])));
        let stem = match (ending, beginning) {
            (Some((at, _)), _) => &title[..*at],
            (None, Some((at, sign))) => &title[at + sign.len()..],
            (None, None) => return None,
        };
        Some(trim_signs(stem)).filter(|stem| !stem.is_empty())
    }
}

/// The title of a page: its heading, or else `<title>` or `og:title` without the name of the site.
pub fn find_title(doc: &Document, metadata: &Metadata, names: &SiteNames) -> Option<String> {
    let site = metadata.find_site_name().map(squash);
    let strip = |title: &str| strip_site_name(title, site.as_deref(), names);
    let shared = metadata.find_title().map(strip);
    let whole = fold_whitespace(&doc.select_single("title").text());
    let stem = Some(strip(&whole)).filter(|stem| !stem.is_empty());
    let headings = list_headings(doc);
    let is_site = |text: &str| {
        let text = squash(text);
        site.as_deref() == Some(&text)
            || stem.as_ref().is_some_and(|stem| {
                *stem != whole && !squash(stem).contains(&text) && squash(&whole).contains(&text)
            })
    };
    let matches = |(_, text): &&(String, String)| {
        let (text, whole) = (squash(text), squash(&whole));
        let stem = stem.as_deref().map(squash).unwrap_or_default();
        let begins_alike = !stem.is_empty() && text.starts_with(stem.trim_end_matches(['.', '…']));
        text == stem || begins_alike || text.chars().count() >= 4 && whole.contains(&text)
    };
    let fitting = headings.iter().filter(|(_, text)| !is_site(text)).filter(matches);
    let repeated = fitting.max_by_key(|(_, text)| text.len()).map(|(_, text)| text.clone());
    let mut main =
        headings.iter().filter(|(name, text)| name == "h1" && !is_site(text)).map(|(_, text)| text.clone());
    let only = main.next().filter(|_| main.next().is_none());
    let found = repeated.or(only).or(shared).or(stem)?;
    // A heading can hold a line of dates and labels, too.
    let stem = strip(&whole);
    if !stem.is_empty() && found.strip_prefix(&stem).is_some_and(holds_date) {
        return Some(stem);
    }
    // A heading can have the name of the site too, if the title has.
    Some(if found == whole { strip(&found) } else { found }).filter(|title| !title.is_empty())
}

/// Whether a text has a year with a month after it.
fn holds_date(text: &str) -> bool {
    let is_year = |year: &str| year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    text.match_indices(['-', '/', '年', '.'])
        .any(|(at, _)| at.checked_sub(4).and_then(|start| text.get(start..at)).is_some_and(is_year))
}

fn list_headings(doc: &Document) -> Vec<(String, String)> {
    let nodes = doc.select("h1, h2, h3");
    let texts = nodes.nodes().iter().take(MAX_HEADINGS).filter_map(|node| {
        let name = node.node_name().filter(|name| is_heading(name))?;
        Some((name.to_string(), fold_whitespace(&node.text())))
    });
    texts.filter(|(_, text)| !text.is_empty() && text.len() <= MAX_TITLE_BYTES).collect()
}

/// `title` without the name of its site: one that is known, or else one that looks like a name.
fn strip_site_name(title: &str, site: Option<&str>, names: &SiteNames) -> String {
    if let Some(stem) = names.strip(title) {
        return stem;
    }
    let cuts = list_cuts(title);
    let after = |(at, sign): &(usize, &str)| squash(&title[at + sign.len()..]);
    if let Some((at, _)) = cuts.iter().find(|cut| Some(after(cut).as_str()) == site) {
        return trim_signs(&title[..*at]);
    }
    if let Some((at, sign)) = cuts.iter().find(|(at, _)| Some(squash(&title[..*at]).as_str()) == site) {
        return trim_signs(&title[at + sign.len()..]);
    }
    if let Some((at, _)) = cuts.iter().find(|(_, sign)| sign.contains(SURE_SIGNS)) {
        return trim_signs(&title[..*at]);
    }
    // Two dashes are a dash of the text.
    let is_spaced = |(at, sign): &&(usize, &str)| {
        sign.chars().count() == 1
            && title[..*at].ends_with(char::is_whitespace)
            && title[at + sign.len()..].starts_with(char::is_whitespace)
    };
    if let Some((at, _)) = cuts.iter().find(is_spaced) {
        return trim_signs(&title[..*at]);
    }
    let Some((end, _)) = cuts.last().filter(|cut| is_site_like(&after(cut))) else {
        return title.trim().to_owned();
    };
    // `标题-频道-某网`: the channel goes with the site.
    let channel =
        cuts.iter().rev().nth(1).filter(|(at, sign)| is_channel(&squash(&title[at + sign.len()..*end])));
    trim_signs(&title[..channel.map_or(*end, |(at, _)| *at)])
}

/// The places of a title where the name of its site can begin: each with its sign, which can be doubled.
fn list_cuts(title: &str) -> Vec<(usize, &str)> {
    let mut cuts: Vec<(usize, &str)> = Vec::new();
    for (at, sign) in title.match_indices(SIGNS).filter(|(at, _)| *at > 0) {
        match cuts.last_mut() {
            Some((start, run)) if *start + run.len() == at && run.ends_with(sign) => {
                *run = &title[*start..at + sign.len()];
            }
            _ => cuts.push((at, sign)),
        }
    }
    cuts
}

/// Whether a text looks like the name of a site.
fn is_site_like(text: &str) -> bool {
    const ENDINGS: [&str; 32] = [
        "网",
        "網",
        "网站",
        "網站",
        "在线",
        "在線",
        "频道",
        "頻道",
        "门户",
        "门户网站",
        "资讯",
        "日报",
        "日報",
        "晚报",
        "晚報",
        "早报",
        "时报",
        "時報",
        "周刊",
        "报社",
        "电视台",
        "广播",
        "政府",
        "管理局",
        "委员会",
        "协会",
        "大学",
        "公司",
        "客户端",
        "平台",
        "社区",
        "论坛",
    ];
    let lower = text.to_lowercase();
    let has_domain = [".com", ".cn", ".net", ".org", ".gov"].iter().any(|ending| lower.contains(ending));
    has_domain || ENDINGS.iter().any(|ending| text.ends_with(ending)) && text.chars().count() <= 20
}

fn is_channel(text: &str) -> bool {
    const ENDINGS: [&str; 12] =
        ["新闻", "频道", "資訊", "资讯", "要闻", "动态", "公告", "中心", "栏目", "快讯", "首页", "正文"];
    text.chars().count() <= 8 && ENDINGS.iter().any(|ending| text.ends_with(ending))
}

fn squash(text: &str) -> String {
    text.split_whitespace().collect()
}

fn trim_signs(text: &str) -> String {
    fold_whitespace(
        text.trim_matches(|c: char| c.is_whitespace() || SIGNS.contains(&c) && !matches!(c, '—' | '·')),
    )
    .trim_end_matches(['—', '·'])
    .trim_end()
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip(title: &str) -> String {
        strip_site_name(title, None, &SiteNames::default())
    }

    #[test]
    fn the_name_of_a_site_leaves_the_title() {
        let ends = [
            "-某华网",
            " - 某华网",
            "_某华网",
            "_国内_某华网",
            "|某华网",
            " | Portal",
            " – Portal",
            "–某华网",
            "—某华网",
            " — The Portal",
            "·某华网",
            " · Portal",
            " » Portal",
            "»某华网",
            "-国内新闻-某华网",
            "－某某日报",
            "——某华网",
        ];
        for end in ends {
            assert_eq!(strip(&format!("省计量院发布新规程{end}")), "省计量院发布新规程", "{end}");
        }
    }

    #[test]
    fn signs_within_a_title_stay() {
        for title in
            ["新冠-19疫情通报", "阿卜杜拉·侯赛因访华", "质量——企业的生命", "中-美对话", "2019–2020年度报告"]
        {
            assert_eq!(strip(title), title);
        }
    }

    #[test]
    fn the_name_of_a_site_is_learned_from_other_pages() {
        let titles = ["甲篇-说东道西", "乙篇-说东道西", "丙-丁篇-说东道西"].map(str::to_owned);
        let names = SiteNames::learn(&titles);
        let strip = |title: &str| strip_site_name(title, None, &names);
        assert_eq!(strip("丙-丁篇-说东道西"), "丙-丁篇");
        assert_eq!(strip("戊篇 - 说东道西"), "戊篇");
        assert_eq!(strip("己-庚"), "己-庚");
        let names = SiteNames::learn(&["说东道西：甲", "Portal | 甲", "Portal | 乙"].map(str::to_owned));
        assert_eq!(strip_site_name("Portal | 乙", None, &names), "乙");
    }
}
