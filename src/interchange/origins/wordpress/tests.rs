//! What becomes of exports.

mod bodies;

use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::*;
use crate::interchange::origins::found::ReaderWarning;
use crate::interchange::origins::tests::options;

const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8" ?>
<rss version="2.0" xmlns:wp="http://wordpress.org/export/1.2/"><channel><title>Metrology & news</title>
<link>https://example.org</link><wp:wxr_version>1.2</wp:wxr_version>
<wp:author><wp:author_login><![CDATA[lin]]></wp:author_login><wp:author_display_name><![CDATA[林记者]]></wp:author_display_name></wp:author>
<wp:category><wp:term_id>3</wp:term_id><wp:category_nicename>news</wp:category_nicename><wp:category_parent></wp:category_parent><wp:cat_name><![CDATA[新闻]]></wp:cat_name></wp:category>
<wp:category><wp:term_id>4</wp:term_id><wp:category_nicename>%e5%9c%b0</wp:category_nicename><wp:category_parent>news</wp:category_parent><wp:cat_name><![CDATA[地方 &amp; 行业]]></wp:cat_name></wp:category>"#;

/// What is found in an export with these items, and how the reading ends.
fn read_all_with(options: &ReaderOptions, items: &str) -> (Vec<Found>, Result<(), String>) {
    read_file(options, &format!("{HEAD}{items}</channel></rss>"))
}

fn read_file(options: &ReaderOptions, file: &str) -> (Vec<Found>, Result<(), String>) {
    let mut all = Vec::new();
    let end = read_export(|| Ok(file.as_bytes()), options, &mut |found| {
        all.push(found);
        ControlFlow::Continue(())
    });
    (all, end)
}

fn read_all(items: &str) -> Vec<Found> {
    let (found, end) = read_all_with(&options(), items);
    assert_eq!(end, Ok(()));
    found
}

/// The external ids of rows and the reasons of others.
fn outline(found: &[Found]) -> Vec<String> {
    let outline = found.iter().map(|found| match found {
        Found::Row(row) => row.row["external_id"].as_str().unwrap().rsplit(':').next().unwrap().to_owned(),
        Found::Unreadable { reason, .. } => format!("! {reason}"),
        Found::PassedOver { kind } => format!("- {kind}"),
        Found::Warning { place, warning } => format!("~ {place} {}", warning.code),
    });
    outline.collect()
}

fn post_with_id(id: u32, fields: &str) -> String {
    format!("<item><wp:post_id>{id}</wp:post_id><wp:post_type>post</wp:post_type>{fields}</item>\n")
}

fn post(fields: &str) -> String {
    post_with_id(7, fields)
}

/// The row of the first post, and its warnings.
fn row_with(options: &ReaderOptions, fields: &str) -> (Value, Vec<ReaderWarning>) {
    match read_all_with(options, &post(fields)).0.remove(0) {
        Found::Row(found) => (found.row.into(), found.warnings),
        other => panic!("{other:?}"),
    }
}

fn row(fields: &str) -> Value {
    row_with(&options(), fields).0
}

fn codes(warnings: &[ReaderWarning]) -> Vec<&str> {
    warnings.iter().map(|warning| warning.code.as_ref()).collect()
}

#[test]
fn a_post_becomes_a_row_with_all_its_fields() {
    let row = row(r#"<title>Weights &amp;amp; scales</title><link>https://example.org/?p=7</link>
        <dc:creator>lin</dc:creator><pubDate>Mon, 02 Mar 2020 01:00:00 +0000</pubDate>
        <excerpt:encoded><![CDATA[<b>Short</b> words]]></excerpt:encoded>
        <content:encoded><![CDATA[one
two

<h2>A]]]]><![CDATA[>B</h2>

three]]></content:encoded>
        <wp:post_date_gmt>2020-03-02 00:30:00</wp:post_date_gmt><wp:post_name>weights</wp:post_name>
        <wp:status>future</wp:status><category domain="category" nicename="%e5%9c%b0"><![CDATA[地方 &amp; 行业]]></category>
        <category domain="category" nicename="news">新闻</category>
        <category domain="category" nicename="other">其他</category>
        <category domain="post_tag" nicename="a"><![CDATA[计量,校准]]></category>
        <wp:postmeta><wp:meta_key>title</wp:meta_key></wp:postmeta>"#);
    let expected = json!({
        "external_id": "wordpress:example.org:7", "former_external_id": "wordpress:7", "title": "Weights & scales", "slug": "weights",
        "summary": "Short words", "body": "<p>one<br>\ntwo</p>\n<h2>A]]>B</h2>\n<p>three</p>\n",
        "body_format": "html",
        "category": [{ "name": "新闻", "slug": "news" }, { "name": "地方 & 行业" }],
        "tags": ["计量 校准", "其他"], "author": "林记者", "source_url": "https://example.org/?p=7",
        "status": "published", "published_at": "2020-03-02T00:30:00Z", "created_at": "2020-03-02T00:30:00Z",
    });
    assert_eq!(row, expected);
}

#[test]
fn a_file_that_is_not_an_export_is_refused() {
    let read = |file: &str| read_file(&options(), file).1;
    assert!(read("").unwrap_err().contains("no element"));
    assert!(read("<html></html>").unwrap_err().contains("not RSS"));
    assert!(read("<rss><channel>").unwrap_err().contains("ends in the middle"));
    let bomb = "<!DOCTYPE rss [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><rss></rss>";
    assert!(read(bomb).unwrap_err().contains("document type"));
    assert_eq!(outline(&read_all("<item><title>x</title></item><item/>")).len(), 2);
}

#[test]
fn reading_stops_when_the_callback_breaks() {
    let file = format!("{HEAD}{}", post("").repeat(3));
    let mut count = 0;
    let end = read_export(|| Ok(file.as_bytes()), &options(), &mut |_| {
        count += 1;
        ControlFlow::Break(())
    });
    assert_eq!((end, count), (Ok(()), 1));
}

#[test]
fn a_fault_costs_the_post_it_is_in() {
    let faults = [
        "<title>Q&A 专栏</title>",
        "<title>a &what; b</title>",
        "<title>a &#0; b</title>",
        "<title>a</titel>",
        "<title>a <b>c</b></title>",
        "<title>a]]></title>",
        "<title><![CDATA[a</title>",
        "<title>a<![CDATA[b]]></title><content:encoded><![CDATA[c</content:encoded>",
        "<!-- a",
        "<category domain=x>a</category>",
        "<title>a",
        "<wp:meta_key>a</wp:meta_key",
        "<item-like",
        "<title>a < b</title>",
    ];
    for fault in faults {
        let broken = format!("<item><title>专栏</title><wp:post_id>6</wp:post_id>{fault}</item>\n");
        let found = read_all(&(post_with_id(5, "") + &broken + &post_with_id(7, "") + &post_with_id(8, "")));
        let outline = outline(&found);
        assert_eq!((outline.len(), outline[0].as_str()), (4, "5"), "{fault} {outline:?}");
        assert!(outline[1].starts_with("! line 7: post 6 \"专栏\" cannot be read: "), "{fault} {outline:?}");
        assert_eq!(outline[2..], ["7", "8"], "{fault}");
    }
}

#[test]
fn a_post_without_an_end_costs_no_other() {
    let broken = "<item><title>专栏</title><wp:post_id>6</wp:post_id></itm>\n";
    let found = read_all(&(post_with_id(5, "") + broken + &post_with_id(7, "")));
    let outline = outline(&found);
    assert_eq!((outline[0].as_str(), outline[2].as_str()), ("5", "7"));
    assert!(outline[1].contains("post 6 \"专栏\" cannot be read"), "{outline:?}");
}

#[test]
fn a_bad_byte_costs_the_post_it_is_in() {
    let file = format!(
        "{HEAD}{}{}{}</channel></rss>",
        post_with_id(1, ""),
        post_with_id(2, "<title>@</title>"),
        post_with_id(3, "")
    );
    let bytes: Vec<u8> = file.bytes().map(|byte| if byte == b'@' { 0xff } else { byte }).collect();
    let mut all = Vec::new();
    let end = read_export(|| Ok(bytes.as_slice()), &options(), &mut |found| {
        all.push(found);
        ControlFlow::Continue(())
    });
    let outline = outline(&all);
    assert_eq!((end, outline[0].as_str(), outline[2].as_str()), (Ok(()), "1", "3"));
    assert!(outline[1].contains("byte 0xff in it is not UTF-8 (line 7)"), "{outline:?}");
}

#[test]
fn a_control_character_is_removed_and_told() {
    let (row, warnings) = row_with(
        &options(),
        "<title>a\u{b}b</title><content:encoded><![CDATA[c\u{8}d\u{c}]]></content:encoded>",
    );
    assert_eq!((&row["title"], &row["body"]), (&json!("ab"), &json!("<p>cd</p>\n")));
    assert_eq!(codes(&warnings), ["characters_removed"]);
    assert!(warnings[0].detail.contains('3'));
}

#[test]
fn a_post_may_write_about_exports() {
    let quote = "a <item><wp:post_id>9</wp:post_id></item>\n<item></item></channel> b";
    let found = read_all(
        &(post(&format!("<content:encoded><![CDATA[{quote}]]></content:encoded>")) + &post_with_id(8, "")),
    );
    assert_eq!(outline(&found), ["7", "8"]);
    let Found::Row(row) = &found[0] else { panic!() };
    assert!(row.row["body"].as_str().unwrap().contains("<item>"));
}

#[test]
fn a_file_that_is_cut_off_gives_its_whole_posts_and_an_error() {
    let items = post_with_id(1, "") + &post_with_id(2, "") + &post_with_id(3, "<title>Late</title>");
    let file = format!("{HEAD}{items}");
    for (cut, count) in [(0, 3), (1, 3), (10, 2), (60, 2), (80, 2)] {
        let (found, end) = read_file(&options(), &file[..file.len() - cut]);
        assert_eq!(found.len(), count, "{cut}");
        assert!(end.unwrap_err().contains("The file ends in the middle"), "{cut}");
    }
    let end = read_file(&options(), &file[..file.len() - 3]).1.unwrap_err();
    assert!(end.contains("post 3 \"Late\""), "{end}");
}

#[test]
fn an_item_that_is_too_large_costs_no_other() {
    let text = "长文\n".repeat(splitter::MAX_ITEM_BYTES / 7);
    let large = post_with_id(
        2,
        &format!("<title>Long</title><content:encoded><![CDATA[{text}{text}]]></content:encoded>"),
    );
    let outline =
        outline(&read_all(&(post_with_id(1, "") + &large + &post_with_id(3, "<title>a&b</title>"))));
    assert_eq!(outline[0], "1");
    assert!(
        outline[1].contains("line 7: post 2 \"Long\" cannot be read: it is larger than 16 MiB"),
        "{}",
        outline[1]
    );
    let line = 8 + 2 * (splitter::MAX_ITEM_BYTES / 7);
    assert!(outline[2].contains(&format!("line {line}: post 3")), "{}", outline[2]);
}

#[test]
fn what_is_no_post_is_counted() {
    let item = |id: u32, kind: &str| {
        format!(
            "<item><wp:post_id>{id}</wp:post_id><wp:post_type>{kind}</wp:post_type><wp:comment><wp:comment_id>1</wp:comment_id></wp:comment></item>"
        )
    };
    let items = item(1, "page")
        + &item(2, "news")
        + &item(3, "nav_menu_item")
        + &post("<wp:status>trash</wp:status>")
        + &post(
            "<wp:comment/><wp:postmeta><wp:meta_key>views</wp:meta_key></wp:postmeta><wp:is_sticky>1</wp:is_sticky>\
                 <category domain='post_format' nicename='post-format-aside'>Aside</category><x:rating>5</x:rating>",
        );
    let expected = [
        "- page",
        "- comment",
        "- news",
        "- comment",
        "- nav_menu_item",
        "- comment",
        "- trashed post",
        "7",
        "- comment",
        "- meta",
        "- sticky",
        "- post_format",
        "- x:rating",
    ];
    assert_eq!(outline(&read_all(&items)), expected);
    let mut options = options();
    options.origin.types = vec!["page".to_owned(), " News".to_owned()];
    let found = read_all_with(&options, &(item(1, "page") + &item(2, "news") + &post(""))).0;
    assert_eq!(outline(&found), ["1", "- comment", "2", "- comment", "- post"]);
}

#[test]
fn unpublished_posts_are_drafts_and_it_is_told() {
    for (fields, status, told) in [
        ("<wp:status>publish</wp:status>", "published", None),
        ("<wp:status>pending</wp:status>", "draft", None),
        ("<wp:status>private</wp:status>", "draft", Some("was private")),
        ("<wp:status>publish</wp:status><wp:post_password>x</wp:post_password>", "draft", Some("password")),
        ("<wp:status>archived</wp:status>", "draft", Some("a status of a plugin (\"archived\")")),
    ] {
        let fields = format!("<title>T</title>{fields}<wp:post_date>2020-03-02 08:00:00</wp:post_date>");
        let (row, warnings) = row_with(&options(), &fields);
        assert_eq!(row["status"], status, "{fields}");
        assert_eq!(row["created_at"], "2020-03-02T00:00:00Z");
        assert_eq!(codes(&warnings), told.map(|_| "status_changed").as_slice(), "{fields}");
        assert!(warnings.iter().all(|warning| warning.detail.contains(told.unwrap())), "{warnings:?}");
    }
}

#[test]
fn an_unknown_date_never_becomes_now() {
    use crate::config::origins::Undated;
    let fields = "<title>T</title><wp:status>publish</wp:status><wp:post_date_gmt>0000-00-00 00:00:00</wp:post_date_gmt>\
                  <pubDate>Mon, 30 Nov -0001 00:00:00 +0000</pubDate><wp:post_date>0000-00-00 00:00:00</wp:post_date>";
    let (row, warnings) = row_with(&options(), fields);
    assert_eq!(
        (&row["status"], row.get("published_at"), codes(&warnings)),
        (&json!("draft"), None, vec!["undated"])
    );
    let mut options = options();
    options.origin.undated = Some(Undated::Now);
    let (row, warnings) = row_with(&options, fields);
    assert_eq!((&row["status"], row.get("published_at"), warnings.len()), (&json!("published"), None, 1));
    options.origin.undated = Some(Undated::Fail);
    assert!(outline(&read_all_with(&options, &post(fields)).0)[0].contains("post 7 \"T\": it has no date"));
}

#[test]
fn two_sites_never_have_the_same_ids() {
    let id = |channel: &str, link: &str| {
        let file = format!(
            "<rss xmlns:w='http://wordpress.org/export/1.2/'><channel>{channel}<item><link>{link}</link>\
                            <w:post_id>7</w:post_id></item></channel></rss>"
        );
        let Found::Row(row) = read_file(&options(), &file).0.remove(0) else { panic!() };
        row.row["external_id"].clone()
    };
    for (channel, link, expected) in [
        ("<link>https://News.example.org</link>", "", "wordpress:news.example.org:7"),
        (
            "<link>http://a.example/</link><w:base_site_url>http://b.example</w:base_site_url>",
            "",
            "wordpress:b.example:7",
        ),
        (
            "<w:base_site_url>http://b.example</w:base_site_url><w:base_blog_url>http://b.example:8080/two/</w:base_blog_url>",
            "",
            "wordpress:b.example:8080/two:7",
        ),
        (
            "<title>R&D</title>\n<link>https://a.example</link>",
            "https://b.example/x",
            "wordpress:a.example:7",
        ),
        ("", "https://b.example/2020/x", "wordpress:b.example:7"),
        ("", "", "wordpress:7"),
    ] {
        assert_eq!(id(channel, link), expected, "{channel}");
    }
    let mut options = options();
    options.origin.id_prefix = Some("old:".to_owned());
    assert_eq!(row_with(&options, "").0["external_id"], "old:7");
}

#[test]
fn titles_are_text() {
    for (title, expected) in [
        ("<![CDATA[a < b & c]]>", "a < b & c"),
        ("<![CDATA[《<标题>》 x<y]]>", "《<标题>》 x<y"),
        ("A &amp;lt;b&amp;gt; &lt;i&gt;c&lt;/i&gt;", "A <b> c"),
        ("a&nbsp;&mdash;&hellip;b", "a —…b"),
    ] {
        assert_eq!(row(&format!("<title>{title}</title>"))["title"], expected, "{title}");
    }
    let (made, warnings) = row_with(
        &options(),
        "<title> </title><content:encoded><![CDATA[<p>第一句。</p>\n\n第二]]></content:encoded>",
    );
    assert_eq!((&made["title"], codes(&warnings)), (&json!("第一句。"), vec!["title_made"]));
    let long = format!("<content:encoded>{}。{}</content:encoded>", "字".repeat(40), "长".repeat(40));
    assert_eq!(row(&long)["title"], format!("{}。…", "字".repeat(40)));
    assert_eq!(row("<wp:post_name>%e6%a0%87</wp:post_name>")["title"], "标");
    let (cut, warnings) = row_with(&options(), &format!("<title>{}</title>", "题".repeat(301)));
    assert_eq!((cut["title"].as_str().unwrap().chars().count(), codes(&warnings)), (300, vec!["title_cut"]));
}

#[test]
fn slugs_stay_if_they_can_and_lead_to_the_article_if_not() {
    for (slug, expected, former) in [
        ("weights-2019", Some("weights-2019"), None),
        ("2019", Some("2019"), None),
        ("hello_World.html", Some("hello-world-html"), Some("hello_World.html")),
        ("export", Some("export"), None),
        ("%e8%b4%a8%e9%87%8f", None, Some("质量")),
        ("质量", None, Some("质量")),
        ("", None, None),
        ("--", None, Some("--")),
        ("a/b", Some("a-b"), None),
    ] {
        let row = row(&format!("<wp:post_name>{slug}</wp:post_name>"));
        assert_eq!(row.get("slug").and_then(Value::as_str), expected, "{slug}");
        assert_eq!(row.get("former_slugs"), former.map(|former| json!([former])).as_ref(), "{slug}");
    }
    let long = row(&format!("<wp:post_name>{}</wp:post_name>", "ab-".repeat(60)));
    assert_eq!(long["slug"].as_str().unwrap().len(), 119);
    let old = |slug: &str| {
        format!(
            "<wp:postmeta><wp:meta_key>_wp_old_slug</wp:meta_key><wp:meta_value>{slug}</wp:meta_value></wp:postmeta>"
        )
    };
    let fields = format!("<wp:post_name>new</wp:post_name>{}{}{}", old("old"), old("new"), old("%e8%b4%a8"));
    assert_eq!(row(&fields)["former_slugs"], json!(["old", "质"]));
}
