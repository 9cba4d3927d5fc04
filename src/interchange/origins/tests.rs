//! Property tests: any bytes are read to an end without a panic, and the output is bounded by the input.

use std::ops::ControlFlow;

use proptest::prelude::*;

use super::found::Found;
use super::page::tests::read_page;
use super::reader_options::ReaderOptions;
use super::row_builder::RowResult;
use super::{ghost, wordpress};
use crate::interchange::text_filters::{self, FilterFn};

const WXR: &str = r#"<?xml version="1.0"?><rss><channel><wp:author><wp:author_login>a</wp:author_login></wp:author>
<wp:category><wp:category_nicename>n</wp:category_nicename><wp:category_parent>n</wp:category_parent><wp:cat_name>N</wp:cat_name></wp:category>
<item><title>質(zhì)量 &amp; &#37327;</title><wp:post_id>1</wp:post_id><wp:post_type>post</wp:post_type><dc:creator>a</dc:creator>
<category domain="category" nicename="n"><![CDATA[N]]></category><content:encoded><![CDATA[a

b]]></content:encoded><wp:post_date_gmt>2020-01-01 00:00:00</wp:post_date_gmt></item></channel></rss>"#;
const GHOST: &str = r##"{"db":[{"data":{"posts":[{"id":"1","title":"t","html":"<p>a</p>","published_at":"2020-01-01T00:00:00Z"}],
"tags":[{"id":1,"name":"#x"}],"posts_tags":[{"post_id":"1","tag_id":1}],"users":[],"posts_authors":[]}}]}"##;
const PAGE: &str = include_str!("page/portal.html");

/// `file` with some of its bytes removed, doubled or replaced.
fn any_damage(file: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let change = (0..file.len(), 0..40_usize, any::<bool>(), prop::collection::vec(any::<u8>(), 0..4));
    prop::collection::vec(change, 1..6).prop_map(move |changes| {
        let mut bytes = file.as_bytes().to_vec();
        for (at, length, is_doubled, new) in changes {
            let (from, to) = (at.min(bytes.len()), (at + length).min(bytes.len()));
            let old = bytes[from..to].repeat(2 * usize::from(is_doubled));
            bytes.splice(from..to, old.into_iter().chain(new));
        }
        bytes
    })
}

/// Pieces of random markup.
const PIECES: &[&str] = &[
    "<div>",
    "</div>",
    "<p>",
    "</p>",
    "<b>",
    "</b>",
    "<table>",
    "<td>",
    "<svg>",
    "<style>",
    "</style>",
    "<select>",
    "<title>",
    "</title>",
    "<!--",
    "-->",
    "<a href='網(wǎng)>'>",
    "<a title=網(wǎng)",
    "\"",
    "'",
    ">",
    "<",
    "&lt;",
    "&#32178;",
    "網",
    "(wǎng)",
    "乾",
    "時間：2020-01-01 作者：",
    "首页 > 新闻",
    "\n",
    "<br><br>",
    "<noscript><img src=a>",
    "<img>",
    "<h1>",
    "</h1>",
    "<textarea>",
    "<math>",
    "<plaintext>",
    "字，字字字字字字字字字字字字字字字。",
];

/// Tags, text and punctuation in any order.
fn any_markup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(PIECES);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// As many cases, or as many as `FUZZ_MUTANTS` says.
pub fn cases(count: u32) -> ProptestConfig {
    let cases = std::env::var("FUZZ_MUTANTS").map_or(count, |count| count.parse().unwrap());
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

/// The options of a command line without any, in Chinese time.
pub fn options() -> ReaderOptions {
    ReaderOptions {
        origin: Default::default(),
        timezone: chrono_tz::Asia::Shanghai,
        encoding: None,
        encoding_errors: Default::default(),
    }
}

/// The row, or the reason why there is none. Nothing of what was passed over.
pub fn to_result(found: Found) -> Option<RowResult> {
    match found {
        Found::Row(row) => Some(Ok(row)),
        Found::Unreadable { reason, .. } => Some(Err(reason)),
        Found::PassedOver { .. } | Found::Warning { .. } => None,
    }
}

fn row_size(found: &RowResult) -> usize {
    found.as_ref().map_or_else(String::len, |found| serde_json::to_string(&found.row).unwrap().len())
}

/// Reads `bytes` in every format and returns the size of the output.
fn read_all(bytes: &[u8]) -> usize {
    let mut sizes = 0;
    let mut each = |found: Found| {
        sizes += to_result(found).map_or(0, |found| row_size(&found));
        ControlFlow::Continue(())
    };
    let _ = wordpress::read_export(|| Ok(bytes), &options(), &mut each);
    let _ = ghost::read_export(bytes, &options(), &mut each);
    let text = String::from_utf8_lossy(bytes);
    sizes += row_size(&read_page(&text, "x.html")) + row_size(&read_page(&text, "x.txt"));
    for filter in [text_filters::strip_glosses, text_filters::fold_to_simplified] as [FilterFn; 2] {
        sizes += filter(&text, &mut 0).len() + text_filters::filter_html(&text, &mut 0, filter).len();
    }
    sizes
}

/// The tags, with attributes, and the comments of `source`.
fn list_markup(source: &str) -> Vec<String> {
    let tokens = crate::markup::tokens(source).map(|token| match token {
        html5gum::Token::StartTag(tag) => {
            let values = tag.attributes.iter().map(|(name, value)| format!("{name:?}={:?}", value.value));
            format!("{:?} {:?}", tag.name, values.collect::<Vec<_>>())
        }
        html5gum::Token::EndTag(tag) => format!("/{:?}", tag.name),
        html5gum::Token::Comment(comment) => format!("{:?}", comment.value),
        _ => String::new(),
    });
    tokens.filter(|token| !token.is_empty()).collect()
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(read_all(&bytes) < 60 * bytes.len() + 4000);
    }

    #[test]
    fn damaged_files_can_be_read(bytes in prop_oneof![any_damage(WXR), any_damage(GHOST), any_damage(PAGE)]) {
        prop_assert!(read_all(&bytes) < 60 * bytes.len() + 4000);
    }

    #[test]
    fn any_tags_can_be_read(source in any_markup()) {
        prop_assert!(read_all(source.as_bytes()) < 60 * source.len() + 4000);
    }

    #[test]
    fn text_filters_leave_tags_unchanged(source in any_markup()) {
        let mut count = 0;
        let stripped = text_filters::filter_html(&source, &mut count, text_filters::strip_glosses).into_owned();
        prop_assert_eq!(text_filters::filter_html(&stripped, &mut 0, text_filters::strip_glosses), stripped.as_str());
        let simple = text_filters::filter_html(&stripped, &mut count, text_filters::fold_to_simplified);
        prop_assert_eq!(list_markup(&simple), list_markup(&source));
        prop_assert_eq!(count == 0, simple == source);
    }
}
