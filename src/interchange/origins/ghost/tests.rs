//! Tests of reading Ghost exports.

use serde_json::json;
use std::borrow::Cow;

use super::*;
use crate::interchange::origins::row_builder::RowResult;
use crate::interchange::origins::tests::{options, to_result};

/// What is found in `file`, and how reading ended.
fn find_all(file: &str, options: &ReaderOptions) -> (Vec<Found>, Result<(), String>) {
    let mut found = Vec::new();
    let end = read_export(file.as_bytes(), options, &mut |item| {
        found.push(item);
        ControlFlow::Continue(())
    });
    (found, end)
}

fn read_all(file: &Value) -> Vec<RowResult> {
    let (found, end) = find_all(&file.to_string(), &options());
    assert_eq!(end, Ok(()));
    found.into_iter().filter_map(to_result).collect()
}

/// The row of a post, and the codes of its warnings.
fn read_post_with_codes(post: Value) -> (Value, Vec<Cow<'static, str>>) {
    let found = read_all(&json!({ "data": { "posts": [post] } })).remove(0).unwrap();
    (found.row.into(), found.warnings.into_iter().map(|warning| warning.code).collect())
}

fn row(post: Value) -> Value {
    read_post_with_codes(post).0
}

fn body_of(post: Value) -> String {
    row(post)["body"].as_str().unwrap().replace('\n', "")
}

#[test]
fn a_post_becomes_a_row_with_its_tags_and_author() {
    let file = json!({ "db": [{ "meta": { "version": "5.2.0" }, "data": {
        "posts": [{
            "id": "5f", "uuid": "u", "title": " 秤 & 尺 ", "slug": "scales", "html": "<p>a</p>", "plaintext": "a",
            "feature_image": "https://example.org/a.png", "type": "post", "status": "scheduled",
            "visibility": "public", "created_at": "2020-03-01T00:00:00.000Z",
            "published_at": "2020-03-02T08:30:00.000+08:00", "custom_excerpt": "Short", "canonical_url": null,
        }],
        "tags": [
            { "id": "1", "name": "校准" }, { "id": "2", "name": "#hidden" }, { "id": "3", "name": "计量" },
        ],
        "posts_tags": [
            { "post_id": "5f", "tag_id": "1", "sort_order": 2 }, { "post_id": "5f", "tag_id": "2", "sort_order": 1 },
            { "post_id": "5f", "tag_id": "3", "sort_order": 0 },
        ],
        "users": [{ "id": "9", "name": "林记者" }],
        "posts_authors": [{ "post_id": "5f", "author_id": "9", "sort_order": 0 }],
        "settings": [{ "key": "title", "value": "x" }, { "key": "url", "value": "https://News.example.org/" }],
    } }] });
    let expected = json!({
        "external_id": "ghost:news.example.org:5f", "former_external_id": "ghost:5f", "title": "秤 & 尺",
        "body": "<p>a</p>", "body_format": "html", "source_url": "https://news.example.org/scales/",
        "slug": "scales", "summary": "Short", "author": "林记者", "tags": ["计量", "校准"],
        "cover_url": "https://example.org/a.png", "created_at": "2020-03-01T00:00:00Z", "status": "published",
        "published_at": "2020-03-02T00:30:00Z",
    });
    let (found, _) = find_all(&file.to_string(), &options());
    assert_eq!(found[0], Found::PassedOver { kind: "internal tag".to_owned() });
    assert_eq!(Value::from(to_result(found[1].clone()).unwrap().unwrap().row), expected);
}

#[test]
fn an_old_export_has_numbers_for_ids_and_times() {
    for time in [
        json!(1_583_109_000_000_i64),
        json!(1_583_109_000),
        json!("1583109000000"),
        json!("2020-03-02 00:30:00"),
    ] {
        let row = row(json!({ "id": 3, "html": null, "plaintext": "a", "page": 0, "status": "published",
            "published_at": time, "image": "/content/images/2015/01/a.jpg" }));
        assert_eq!(row["external_id"], "ghost:3");
        assert_eq!(row["body_format"], "text");
        assert_eq!(row["published_at"], "2020-03-02T00:30:00Z", "{time}");
        assert_eq!(row["cover_url"], "/content/images/2015/01/a.jpg");
    }
}

#[test]
fn posts_for_some_readers_only_are_drafts_and_say_so() {
    for (status, visibility) in [("sent", "public"), ("published", "members"), ("published", "paid")] {
        let post = json!({ "id": "a", "html": "x", "status": status, "visibility": visibility, "title": "t",
            "published_at": "2020-01-01T00:00:00Z" });
        let (row, codes) = read_post_with_codes(post);
        assert_eq!(
            (&row["status"], codes),
            (&json!("draft"), vec!["kept_as_draft".into()]),
            "{status} {visibility}"
        );
    }
    let (row, codes) =
        read_post_with_codes(json!({ "id": "a", "html": "x", "status": "published", "title": "t" }));
    assert_eq!((&row["status"], codes), (&json!("draft"), vec!["undated".into()]));
}

#[test]
fn pages_are_counted_and_a_bad_post_stops_no_other() {
    let file = r#"{ "data": { "posts": [
        { "id": "a", "type": "page" }, { "id": "b", "page": 1 }, 7, { "id": "c", "title": "bad \x" },
        { "id": "d", "lexical": "{}" }, { "id": "e", "title": 1, }, { "id": "f" }
    ] } }"#;
    let (found, end) = find_all(file, &options());
    assert_eq!(end, Ok(()));
    let reasons: Vec<_> = found
        .iter()
        .map(|found| match found {
            Found::Row(row) => row.place.clone(),
            Found::Unreadable { reason, .. } => reason.clone(),
            Found::PassedOver { kind } => kind.clone(),
            Found::Warning { place, .. } => place.clone(),
        })
        .collect();
    assert_eq!(&reasons[..2], ["page", "page"]);
    assert!(reasons[3].contains("\"bad \\\\x\"") && reasons[3].contains("line 2, column 97"), "{reasons:?}");
    assert!(reasons[4].contains("lexical") && reasons[5].contains("line 3"), "{reasons:?}");
    assert_eq!(reasons[6], "post f \"\"");
    let mut with_pages = options();
    with_pages.origin.types = vec!["post".to_owned(), "page".to_owned()];
    let rows = find_all(file, &with_pages).0.iter().filter(|found| matches!(found, Found::Row(_))).count();
    assert_eq!(rows, 3);
}

#[test]
fn a_file_that_breaks_off_gives_the_posts_before_it_and_the_place() {
    let file = "{\"db\": [{\"data\": {\"posts\": [{\"id\": \"a\", \"title\": \"x\"},\n{\"id\": \"b\", \"ti";
    let (found, end) = find_all(file, &options());
    let Found::Row(row) = &found[0] else { panic!("{found:?}") };
    assert_eq!(
        (row.row["external_id"].as_str(), row.warnings.last().unwrap().code.as_ref()),
        (Some("ghost:a"), "incomplete")
    );
    let end = end.unwrap_err();
    assert!(end.contains("line 2, column 1") && end.contains("1 posts before it were read"), "{end}");
}

#[test]
fn a_file_that_is_not_an_export_is_refused() {
    for file in ["", "[]", "{}", "{\"db\": []}", "{\"db\": [{\"data\": {}}]}", &"[".repeat(100_000)] {
        let end = find_all(file, &options()).1.unwrap_err();
        assert!(end.contains("Ghost export"), "{file}: {end}");
    }
}

#[test]
fn lexical_documents_are_rendered() {
    let document = json!({ "root": { "type": "root", "children": [
        { "type": "extended-heading", "tag": "h3", "children": [{ "type": "extended-text", "text": "标题 <1>" }] },
        { "type": "paragraph", "children": [
            { "type": "text", "text": "粗", "format": 3 }, { "type": "linebreak" },
            { "type": "link", "url": "https://e.org/?a=1&b=2", "children": [{ "type": "text", "text": "链接" }] },
        ] },
        { "type": "list", "listType": "number", "tag": "ol", "children": [
            { "type": "listitem", "children": [{ "type": "text", "text": "一" }] },
            { "type": "listitem", "children": [{ "type": "list", "tag": "ul", "children": [
                { "type": "listitem", "children": [{ "type": "text", "text": "二" }] }] }] },
        ] },
        { "type": "extended-quote", "children": [{ "type": "text", "text": "引" }] },
        { "type": "image", "src": "__GHOST_URL__/content/images/a.png", "alt": "\"图\"", "caption": "图<b>注</b>" },
        { "type": "codeblock", "code": "a < b\n\nc", "language": "rust" },
        { "type": "horizontalrule" }, { "type": "html", "html": "<table><tr><td>x</td></tr></table>" },
        { "type": "markdown", "markdown": "**m**" },
        { "type": "bookmark", "url": "https://e.org/b", "metadata": { "title": "书签", "description": "描述" } },
        { "type": "callout", "calloutText": "<p>注意</p>", "calloutEmoji": "💡" },
        { "type": "email", "html": "<p>Hey {first_name}</p>" },
        { "type": "carousel", "slides": [{ "text": "幻灯片", "src": "https://e.org/s.png" }], "style": "wide" },
    ] } });
    let rendered = lexical::render(&document.to_string()).unwrap();
    assert_eq!(
        rendered.html.replace('\n', ""),
        "<h3>标题 &lt;1&gt;</h3><p><em><strong>粗</strong></em><br>\
        <a href=\"https://e.org/?a=1&amp;b=2\">链接</a></p><ol><li>一</li><li><ul><li>二</li></ul></li></ol>\
        <blockquote>引</blockquote><figure><img src=\"__GHOST_URL__/content/images/a.png\" alt=\"&quot;图&quot;\">\
        <figcaption>图<b>注</b></figcaption></figure><pre><code>a &lt; bc</code></pre><hr>\
        <table><tr><td>x</td></tr></table><p><strong>m</strong></p>\
        <p><a href=\"https://e.org/b\">书签</a><br>描述</p><blockquote><p>💡 <p>注意</p></p></blockquote>\
        <p>幻灯片</p><p><a href=\"https://e.org/s.png\">https://e.org/s.png</a></p>"
    );
    assert_eq!(rendered.unknown.into_iter().collect::<Vec<_>>(), ["carousel"]);
    assert_eq!(rendered.hidden, ["email \"Hey {first_name}\""]);
}

#[test]
fn mobiledoc_documents_of_both_versions_are_rendered() {
    let document = json!({ "version": "0.3.1", "markups": [["strong"], ["a", ["href", "https://e.org/"]]],
        "atoms": [["soft-return", "", {}], ["mention", "@林", {}]],
        "cards": [["card-markdown", { "markdown": "* 一" }], ["gallery", { "images": [{ "src": "/a.png" }], "caption": "廊" }],
            ["embed", { "url": "https://v.example/1", "html": "" }], ["hr", {}], ["poll", { "question": "好吗?" }]],
        "sections": [[1, "h2", [[0, [], 0, "题"]]],
            [1, "p", [[0, [0, 1], 1, "粗链"], [0, [], 1, "链"], [1, [], 0, 0], [0, [], 0, "尾"], [1, [], 0, 1]]],
            [3, "ol", [[[0, [], 0, "甲"]], [[0, [0], 1, "乙"]]]], [2, "https://e.org/p.png"],
            [10, 0], [10, 1], [10, 2], [10, 3], [10, 4]] });
    let rendered = mobiledoc::render(&document.to_string()).unwrap();
    assert_eq!(
        rendered.html.replace('\n', ""),
        "<h2>题</h2><p><strong><a href=\"https://e.org/\">粗链</a>链</strong><br>尾@林</p>\
        <ol><li>甲</li><li><strong>乙</strong></li></ol><figure><img src=\"https://e.org/p.png\" alt=\"\"></figure>\
        <ul><li>一</li></ul><figure><img src=\"/a.png\" alt=\"\"><figcaption>廊</figcaption></figure>\
        <figure><p><a href=\"https://v.example/1\">https://v.example/1</a></p></figure><hr><p>好吗?</p>"
    );
    assert_eq!(rendered.unknown.into_iter().collect::<Vec<_>>(), ["atom mention", "poll"]);
    let old = json!({ "version": "0.2.0", "sections": [[["b"]], [[1, "p", [[[0], 1, "粗"], [[], 0, "细"]]],
        [10, "html", { "html": "<i>x</i>" }]]] });
    assert_eq!(
        mobiledoc::render(&old.to_string()).unwrap().html.replace('\n', ""),
        "<p><b>粗</b>细</p><i>x</i>"
    );
}

#[test]
fn the_first_body_that_holds_something_is_taken() {
    let lexical = r#"{"root":{"children":[{"type":"paragraph","children":[{"type":"text","text":"L"}]}]}}"#;
    let empty = r#"{"root":{"children":[{"type":"paragraph","children":[]}]}}"#;
    assert_eq!(body_of(json!({ "id": "a", "html": "<p>H</p>", "lexical": lexical })), "<p>H</p>");
    assert_eq!(body_of(json!({ "id": "a", "html": " ", "lexical": lexical })), "<p>L</p>");
    assert_eq!(body_of(json!({ "id": "a", "html": "", "lexical": empty, "plaintext": "P" })), "P");
    assert_eq!(body_of(json!({ "id": "a", "markdown": "**M**" })), "**M**");
    let (row, codes) =
        read_post_with_codes(json!({ "id": "a", "title": "t", "lexical": "{", "plaintext": "P" }));
    assert_eq!((&row["body"], codes), (&json!("P"), vec!["body_unreadable".into()]));
}

#[test]
fn what_a_row_cannot_hold_is_told() {
    let post = json!({ "id": "a", "title": "", "slug": "%e8%b4%a8-量", "html": "<p>正文</p>", "tags": ["a", { "id": 1 }],
        "authors": [{ "name": "甲" }, { "name": "乙" }], "canonical_url": "javascript:x", "feature_image": "data:x",
        "custom_excerpt": "长".repeat(1_001), "codeinjection_head": "<style>", "newsletter_id": "n" });
    let (found, _) = find_all(&json!({ "data": { "posts": [post] } }).to_string(), &options());
    let kinds: Vec<_> = found
        .iter()
        .filter_map(|found| match found {
            Found::PassedOver { kind } => Some(kind.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(kinds, ["code injection", "newsletter"]);
    let Some(Found::Row(row)) = found.last() else { panic!("{found:?}") };
    assert_eq!((row.row["title"].as_str(), &row.row["former_slugs"]), (Some("正文"), &json!(["质-量"])));
    let mut codes: Vec<_> = row.warnings.iter().map(|warning| warning.code.as_ref()).collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            "address_dropped",
            "address_dropped",
            "authors_dropped",
            "summary_cut",
            "tags_unknown",
            "title_made"
        ]
    );
}
