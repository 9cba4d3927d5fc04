//! What the head of a page says of its article.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use dom_query::Document;
use url::Url;

use crate::interchange::origins::dates;
use crate::interchange::origins::row_builder::{accept_web_url, fold_whitespace};

/// Names of metadata with the date of publication, the surest first, without signs and in lower case.
const DATE_NAMES: [&str; 39] = [
    "articlepublishedtime",
    "ogarticlepublishedtime",
    "ogpublishedtime",
    "ogpubdate",
    "ogreleasedate",
    "datepublished",
    "pubdate",
    "publishdate",
    "publisheddate",
    "publicationdate",
    "publishtime",
    "publishedtime",
    "publishedat",
    "publishedon",
    "pubtime",
    "firstpublishedtime",
    "weiboarticlecreateat",
    "bytedancepublishedtime",
    "parselypubdate",
    "sailthrudate",
    "citationpublicationdate",
    "citationdate",
    "dctermsissued",
    "dctermsavailable",
    "dcdateissued",
    "dcdate",
    "dctermsdate",
    "dcdatecreated",
    "dctermscreated",
    "dateissued",
    "issuedate",
    "releasedate",
    "articledateoriginal",
    "articlecreated",
    "contentdate",
    "createdate",
    "createtime",
    "creationdate",
    "date",
];
/// Names of metadata with the tags.
const KEYWORD_NAMES: [&str; 4] = ["keywords", "newskeywords", "articletag", "ogarticletag"];
/// Names of metadata with the summary, the surest first.
const SUMMARY_NAMES: [&str; 6] = [
    "description",
    "ogdescription",
    "twitterdescription",
    "dcdescription",
    "weiboarticledescription",
    "abstract",
];
/// Names of metadata with the cover, the surest first.
const COVER_NAMES: [&str; 6] =
    ["ogimage", "ogimageurl", "ogimagesecureurl", "twitterimage", "twitterimagesrc", "weiboarticleimage"];
/// Names of metadata with the author, the surest first.
const AUTHOR_NAMES: [&str; 5] =
    ["author", "articleauthor", "dccreator", "parselyauthor", "weiboarticleauthor"];
/// Names of metadata with the source.
const SOURCE_NAMES: [&str; 4] = ["source", "contentsource", "articlesource", "mediaid"];
/// Longest beginning of a page in which its browser notes where it was saved from, in bytes.
const MAX_NOTE_BYTES: usize = 4096;

/// The metadata of a page.
pub struct Metadata {
    /// Names in lower case without signs, and contents that are not empty.
    entries: Vec<(String, String)>,
}

impl Metadata {
    /// Reads the metadata of a page.
    pub fn read(doc: &Document) -> Self {
        let nodes = doc.select("meta");
        let entries = nodes.nodes().iter().flat_map(|node| {
            let content = node.attr("content").map(|content| fold_whitespace(&content)).unwrap_or_default();
            let names = ["name", "property", "itemprop"].map(|kind| node.attr(kind));
            let named = names.into_iter().flatten().map(move |name| (fold_name(&name), content.clone()));
            named.filter(|(_, content)| !content.is_empty()).collect::<Vec<_>>()
        });
        Self { entries: entries.collect() }
    }

    fn find(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.list(name).next())
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        let entries = self.entries.iter().filter(move |(known, _)| known == name);
        entries.map(|(_, content)| content.as_str())
    }

    /// The date of publication.
    pub fn find_date(&self, timezone: Tz) -> Option<DateTime<Utc>> {
        DATE_NAMES.iter().find_map(|name| self.list(name).find_map(|text| dates::parse_stamp(text, timezone)))
    }

    /// The title that the page gives to those who share it.
    pub fn find_title(&self) -> Option<&str> {
        self.find(&["ogtitle", "articletitle", "twittertitle", "dctitle", "weiboarticletitle"])
    }

    /// The name of the site.
    pub fn find_site_name(&self) -> Option<&str> {
        self.find(&["ogsitename", "sitename", "applicationname"])
    }

    /// The tags.
    pub fn list_keywords(&self) -> Vec<String> {
        KEYWORD_NAMES.iter().flat_map(|name| self.list(name)).flat_map(split_keywords).collect()
    }

    /// The summary.
    pub fn find_summary(&self) -> Option<&str> {
        self.find(&SUMMARY_NAMES)
    }

    /// The address of the cover.
    pub fn find_cover(&self) -> Option<&str> {
        self.find(&COVER_NAMES)
    }

    /// The author. Some pages have the address of a person there.
    pub fn find_author(&self) -> Option<&str> {
        self.find(&AUTHOR_NAMES).filter(|author| accept_web_url(author).is_none())
    }

    /// Where the article was published before.
    pub fn find_source(&self) -> Option<&str> {
        self.find(&SOURCE_NAMES).filter(|source| accept_web_url(source).is_none())
    }

    /// The address of the page that the page itself names. The address of a whole site is none.
    ///
    /// A relative one is completed by `known`.
    pub fn find_address(&self, doc: &Document, source: &str, known: Option<&Url>) -> Option<Url> {
        let link = doc.select("link[rel='canonical' i]").attr("href").map(|link| link.to_string());
        let named =
            link.into_iter().chain(self.find(&["ogurl"]).map(str::to_owned)).chain(find_saved_from(source));
        named.into_iter().find_map(|address| {
            let address = address.trim();
            let url = match known {
                Some(known) => known.join(address).ok()?,
                None => Url::parse(address).ok()?,
            };
            let is_page = !url.path().trim_matches('/').is_empty() || url.query().is_some();
            (matches!(url.scheme(), "http" | "https") && is_page).then_some(url)
        })
    }
}

/// A name without signs and spaces, in lower case: `weibo: article:create_at` is `weiboarticlecreateat`.
fn fold_name(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The tags of a list, at commas and semicolons; at spaces in a list of Chinese words without any.
pub fn split_keywords(list: &str) -> Vec<String> {
    const SIGNS: [char; 9] = [',', '，', '、', ';', '；', '|', '｜', '\n', '\t'];
    let has_sign = list.contains(SIGNS);
    let is_sign = |c: char| SIGNS.contains(&c) || !has_sign && !list.is_ascii() && c.is_whitespace();
    list.split(is_sign).map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The address that a browser or its extension notes at the beginning of a page that it saves.
fn find_saved_from(source: &str) -> Option<String> {
    let mut end = source.len().min(MAX_NOTE_BYTES);
    while !source.is_char_boundary(end) {
        end -= 1;
    }
    let head = &source[..end];
    let after =
        head.split_once("saved from url=(").and_then(|(_, rest)| rest.split_once(')')).map(|(_, rest)| rest);
    let single = || {
        let (_, rest) = head.split_once("Page saved with SingleFile")?;
        rest.split_once("url:").map(|(_, rest)| rest)
    };
    let address = after.or_else(single)?.split_whitespace().next()?.trim_end_matches("-->");
    accept_web_url(address).map(str::to_owned)
}
