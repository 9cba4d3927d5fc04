//! What surrounds the article on a page: menus, boxes and notices of the site.
//!
//! Names of elements say it (`nav`, `class="share"`), or words of the text (`分享到`). Neither is certain.

use dom_query::NodeRef;

use crate::interchange::text_filters;

/// How certain it is that an element is no part of the article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Furniture {
    /// By a word that containers of articles also have, like `side`.
    Perhaps,
    /// By a word that they seldom have, like `comments`.
    Likely,
}

/// Words of classes and ids that are hardly ever those of an article.
const LIKELY_WORDS: [&str; 44] = [
    "aside",
    "breadcrumb",
    "breadcrumbs",
    "comment",
    "comments",
    "copyright",
    "crumb",
    "crumbs",
    "disqus",
    "foot",
    "footer",
    "login",
    "menu",
    "nav",
    "navbar",
    "navi",
    "navigation",
    "pager",
    "pagination",
    "pinglun",
    "prevnext",
    "rank",
    "ranking",
    "recommend",
    "recommended",
    "recommends",
    "register",
    "relate",
    "related",
    "relation",
    "replies",
    "respond",
    "share",
    "sharing",
    "sidebar",
    "signin",
    "sitemap",
    "social",
    "toolbar",
    "topbar",
    "tuijian",
    "xgnews",
    "xgyd",
    "bdsharebuttonbox",
];
/// Words of classes and ids that articles have at times.
const POSSIBLE_WORDS: [&str; 24] = [
    "ad", "ads", "advert", "banner", "bar", "bottom", "header", "hot", "hotnews", "link", "links", "next",
    "popup", "prev", "qrcode", "search", "side", "tool", "tools", "top", "weixin", "widget", "page", "pages",
];
/// Words of classes and ids that say that an element holds an article.
const ARTICLE_WORDS: [&str; 16] = [
    "article", "artibody", "body", "content", "contents", "cont", "con", "detail", "details", "editor",
    "entry", "main", "post", "story", "text", "zoom",
];

/// What the name of an element, its class and its id say of it.
pub fn name_furniture(node: &NodeRef) -> Option<Furniture> {
    let name = node.node_name()?;
    let role = node.attr("role");
    let is_landmark = |role: &str| {
        ["navigation", "banner", "contentinfo", "complementary", "search", "dialog"].contains(&role)
    };
    if matches!(&*name, "nav" | "dialog" | "menu" | "select" | "button")
        || role.is_some_and(|role| is_landmark(&role))
    {
        return Some(Furniture::Likely);
    }
    if matches!(&*name, "footer" | "aside") {
        return Some(Furniture::Perhaps);
    }
    if matches!(&*name, "body" | "html" | "p" | "td" | "main" | "article") {
        return None;
    }
    let words = split_words(&format!("{} {}", node.attr_or("class", ""), node.attr_or("id", "")));
    let has = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    let is_article = has(&ARTICLE_WORDS);
    match (has(&LIKELY_WORDS), has(&POSSIBLE_WORDS)) {
        (true, _) if !is_article => Some(Furniture::Likely),
        (true, _) => Some(Furniture::Perhaps),
        (false, true) if !is_article => Some(Furniture::Perhaps),
        _ => None,
    }
}

/// The words of names like `side-bar`, `hotNews` and `nav_2`, in lower case and without digits.
fn split_words(names: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in names.chars() {
        if !c.is_ascii_alphabetic() || c.is_ascii_uppercase() && was_lower {
            words.push(String::new());
        }
        was_lower = c.is_ascii_lowercase();
        if let Some(word) = words.last_mut().filter(|_| c.is_ascii_alphabetic()) {
            word.push(c.to_ascii_lowercase());
        }
    }
    words
}

/// Longest line that begins the site's own text, in bytes.
const MAX_SHORT_LINE_BYTES: usize = 120;

/// Most characters of a word that ends a label of the site, as in `分享到新浪微博`.
const MAX_CHARS_AFTER_LABEL: usize = 4;
/// Beginnings of lines of the site, whatever follows.
const SITE_BEGINNINGS: [&str; 11] = [
    "分享本",
    "分享按",
    "扫一扫",
    "返回顶部",
    "返回首页",
    "收藏本",
    "还没有评论",
    "字号：",
    "我要评论",
    "发表评论",
    "發表評論",
];
/// Beginnings of lines of the site, if little follows without a gap: `下一篇：`, but not `下一篇章写于`.
const SITE_LABELS: [&str; 44] = [
    "分享到",
    "分享至",
    "会员注册",
    "會員注冊",
    "會員註冊",
    "会员登",
    "會員登",
    "用户登",
    "用戶登",
    "上一篇",
    "下一篇",
    "上一页",
    "下一页",
    "上一頁",
    "下一頁",
    "上一条",
    "下一条",
    "前一篇",
    "后一篇",
    "相关阅读",
    "相關閱讀",
    "相关新闻",
    "相關新聞",
    "相关文章",
    "相關文章",
    "相关推荐",
    "相关链接",
    "相關連結",
    "相关内容",
    "延伸阅读",
    "推荐阅读",
    "推薦閱讀",
    "猜你喜欢",
    "热门新闻",
    "热门文章",
    "热门推荐",
    "熱門新聞",
    "热门评论",
    "最新文章",
    "最新评论",
    "网友评论",
    "網友評論",
    "评论列表",
    "用户名",
];
/// Beginnings of such lines in English, in lower case.
const ENGLISH_BEGINNINGS: [&str; 10] = [
    "share this",
    "share on",
    "share:",
    "related posts",
    "related articles",
    "leave a comment",
    "leave a reply",
    "previous post",
    "next post",
    "log in to",
];
/// First words of lines of the site.
const SITE_WORDS: [&str; 16] = [
    "打印", "关闭", "關閉", "列印", "字号", "字體", "字体", "评论", "举报", "分享", "收藏", "点赞", "扫码",
    "share", "comments", "print",
];

/// Whether a line begins the site's own text after the article: `分享到`, `下一篇`, `相关阅读`.
///
/// A sentence never does: an article can be about sharing, too.
pub fn begins_site_text(line: &str) -> bool {
    if line.len() > MAX_SHORT_LINE_BYTES || line.contains(['。', '，', '！', '？']) {
        return false;
    }
    let line = text_filters::strip_glosses(line.trim(), &mut 0);
    let line = line.trim_start_matches(|c: char| !c.is_alphanumeric());
    let lower = line.to_lowercase();
    let first = lower.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    SITE_BEGINNINGS.iter().any(|word| line.starts_with(word))
        || SITE_LABELS.iter().any(|label| line.strip_prefix(label).is_some_and(is_short_before_gap))
        || ENGLISH_BEGINNINGS.iter().any(|words| lower.starts_with(words))
        || SITE_WORDS.contains(&first)
        || is_boilerplate(line)
}

/// Whether a gap follows after a few characters at most.
fn is_short_before_gap(rest: &str) -> bool {
    rest.chars().take_while(|c| c.is_alphanumeric()).count() <= MAX_CHARS_AFTER_LABEL
}

/// Words anywhere in a notice of the site.
const NOTICE_WORDS: [&str; 14] = [
    "版权所有",
    "版權所有",
    "ICP备",
    "ICP備",
    "ICP证",
    "icp备",
    "公网安备",
    "Copyright ©",
    "Copyright (c)",
    "©",
    "All Rights Reserved",
    "All rights reserved",
    "网站标识码",
    "Powered by",
];
/// Beginnings of notices of the site that are no sentence.
const NOTICE_BEGINNINGS: [&str; 10] = [
    "技术支持",
    "主办单位",
    "承办单位",
    "联系我们",
    "聯繫我們",
    "关于我们",
    "關於我們",
    "举报电话",
    "使用条款",
    "隐私政策",
];

/// Whether a line is a notice of the site: its rights, its licences, its address.
pub fn is_boilerplate(line: &str) -> bool {
    let is_sentence = line.contains(['。', '，']);
    line.len() <= 3 * MAX_SHORT_LINE_BYTES
        && (NOTICE_WORDS.iter().any(|word| line.contains(word))
            || !is_sentence && NOTICE_BEGINNINGS.iter().any(|word| line.starts_with(word)))
}

/// Whether an address is that of a file that an article has as its annex.
pub fn is_annex(address: &str) -> bool {
    const ENDINGS: [&str; 17] = [
        "doc", "docx", "wps", "pdf", "xls", "xlsx", "et", "csv", "ppt", "pptx", "zip", "rar", "7z", "txt",
        "ofd", "mp4", "mp3",
    ];
    let path = address.split(['?', '#']).next().unwrap_or_default();
    path.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending.to_lowercase().as_str()))
}
