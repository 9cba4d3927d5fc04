//! What a write changed of what was sent is told beside the thing, and nothing else is.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::browser::dangers;
use super::{ARTICLES, at, create, with};
use crate::harness::TestApp;

const NOTICES: &str = "/api/v1/notices";

/// The warning of `code` in an answer, or null.
fn warning(answer: &Value, code: &str) -> Value {
    let warnings = answer["warnings"].as_array().cloned().unwrap_or_default();
    warnings.into_iter().find(|warning| warning["code"] == code).unwrap_or_default()
}

#[actix_web::test]
async fn markup_that_was_dropped_is_told_with_its_numbers_by_every_write() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let body =
        "<p onclick=x() style='a'>a<script>x()</script><font>b</font><font>c</font></p><object></object>";
    let kept = json!({"title": "X", "body": body});
    let article = editor.post(ARTICLES, kept.clone()).await.expect(201).json();
    let notice =
        editor.post(NOTICES, json!({"kind": "notice", "title": "X", "body": body})).await.expect(201).json();
    let id = |answer: &Value| answer["data"]["id"].as_str().unwrap().to_owned();
    let (article_path, notice_path) =
        (format!("{ARTICLES}/{}", id(&article)), format!("{NOTICES}/{}", id(&notice)));
    let answers = [
        editor.patch(&article_path, json!({"body": body})).await.expect(200).json(),
        editor.put(&format!("{ARTICLES}/by-external-id/e1"), kept.clone()).await.expect(201).json(),
        editor.put(&format!("{ARTICLES}/by-external-id/e1"), kept).await.expect(200).json(),
        editor.patch(&notice_path, json!({"body": body})).await.expect(200).json(),
        article,
        notice,
    ];
    for answer in answers {
        let told = warning(&answer, "markup_dropped");
        assert_eq!(told["pointer"], "/body", "{answer}");
        assert_eq!(told["params"]["elements"], json!({"font": 2, "object": 1, "script": 1}));
        assert_eq!(told["params"]["attributes"], json!({"onclick": 1, "style": 1}));
        let detail = told["detail"].as_str().unwrap();
        assert!(detail.contains("<font> ×2") && detail.contains("onclick ×1"), "{detail}");
        assert_eq!(answer["data"]["body"], "<p>abc</p>");
    }
}

#[actix_web::test]
async fn a_write_that_changed_nothing_of_what_was_sent_tells_nothing() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let bodies = [
        ("html", "<p>a</p><h2>b</h2><a href=\"https://e.org/\">c</a><!-- d -->"),
        ("html", "<html><head></head><body><p>a<p>b<br/></body></html>"),
        ("html", "<table><tr><td>a<tr><td>b</table>"),
        ("html", "<table><thead><tr><th>a</th></tr></thead><tfoot><tr><td>b</td></tr></tfoot></table>"),
        ("markdown", "# a\n\n| b |\n|---|\n| c |\n\n- [x] d\n- [ ] e\n\n```rust\nf\n```\n"),
        ("text", "a <script> b"),
    ];
    for (format, body) in bodies {
        let answer = editor.post(ARTICLES, with(json!({"body": body, "body_format": format}))).await;
        let warnings = answer.expect(201).json()["warnings"].clone();
        assert!(warnings.is_null(), "{body} {warnings}");
    }
    let article = create(&editor, json!({"body": "<script></script>"})).await;
    let renamed = editor.patch(&at(&article), json!({"title": "Y"})).await.expect(200).json();
    assert!(renamed["warnings"].is_null(), "{renamed}");
}

#[actix_web::test]
async fn warnings_are_no_part_of_the_entity_tag() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let article = create(&editor, json!({})).await;
    let changed = editor.patch(&at(&article), json!({"body": "<p>a</p><script></script>"})).await.expect(200);
    assert!(!changed.json()["warnings"].is_null());
    assert_eq!(changed.header("content-language"), "en");
    let varies: Vec<_> =
        changed.headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
    assert!(varies.join(", ").to_ascii_lowercase().contains("accept-language"), "{varies:?}");
    let tag = changed.headers["etag"].to_str().unwrap();
    let read = editor.request(Method::GET, &at(&article)).header("if-none-match", tag).send().await;
    assert_eq!(read.status, 304);
}

#[actix_web::test]
async fn relative_addresses_are_kept_and_told() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let body =
        "<p><a href=\"/a\">a</a><img src=\"b.png\"><a href=\"#c\">c</a><a href=\"//e.org/d\">d</a></p>";
    let answer = editor.post(ARTICLES, with(json!({"body": body}))).await.expect(201).json();
    assert_eq!(warning(&answer, "relative_address")["params"], json!({"count": 3}), "{answer}");
    assert!(answer["data"]["body"].as_str().unwrap().contains("src=\"b.png\""));
}

#[actix_web::test]
async fn tables_that_were_repaired_are_told() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for (body, count) in [
        ("<table><tr><td>a", 1),
        ("<table><p>moved</p><tr><td>a</td></tr></table>", 1),
        ("<table><tr>text<td>a<table><tr><td>b</td></tr></table></td></tr>", 1),
        ("<table><tr><td><table><td>a", 2),
    ] {
        let answer = editor.post(ARTICLES, with(json!({"body": body}))).await.expect(201).json();
        assert_eq!(warning(&answer, "table_repaired")["params"], json!({"count": count}), "{body}");
    }
}

#[actix_web::test]
async fn players_of_known_hosts_stay_and_other_frames_become_links() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let player = "<iframe src=\"//player.bilibili.com/player.html?bvid=1&p=2\" width=640 height=50% style=x \
                  onload=x() srcdoc='<script>x()</script>' sandbox=\"allow-top-navigation\" allow=camera \
                  title='a \"b\"' allowfullscreen=true><script>x()</script></iframe>";
    let kept = "<iframe src=\"https://player.bilibili.com/player.html?bvid=1&amp;p=2\" width=\"640\" height=\"50%\" \
                title=\"a &quot;b&quot;\" allowfullscreen=\"\" sandbox=\"allow-scripts allow-same-origin \
                allow-presentation allow-popups\" loading=\"lazy\" referrerpolicy=\"strict-origin-when-cross-origin\"></iframe>";
    let answer = editor.post(ARTICLES, with(json!({"body": player}))).await.expect(201).json();
    assert_eq!(answer["data"]["body"], kept);
    let again = editor.post(ARTICLES, with(json!({"body": kept}))).await.expect(201).json();
    assert_eq!((&again["data"]["body"], &again["warnings"]), (&json!(kept), &Value::Null));
    let hostile = [
        "https://player.bilibili.com.e.org/x",
        "https://xplayer.bilibili.com/x",
        "https://player.bilibili.com:8443/x",
        "https://u@player.bilibili.com/x",
        "https://player.bilibili.com@e.org/x",
        "https://e.org/player.bilibili.com",
        "https://player.bilibili.com./x",
        "http://player.bilibili.com/x",
        "/player.bilibili.com",
    ];
    for address in hostile {
        let body = format!("<p>a</p><iframe src=\"{address}\"></iframe>");
        let article = editor.post(ARTICLES, with(json!({"body": body}))).await.expect(201).json();
        let html = article["data"]["body"].as_str().unwrap();
        assert!(html.contains("<a href=") && !html.contains("iframe"), "{address} {html}");
        assert_eq!(warning(&article, "embed_linked")["params"], json!({"count": 1}));
        assert_eq!(
            dangers(anon.get(&at(&article["data"])).await.data(200)["body"].as_str().unwrap()),
            [""; 0]
        );
    }
    for address in ["javascript:x()", "data:text/html,x", "about:blank", "", "blob:x"] {
        let body = format!("<p>a</p><iframe src=\"{address}\" srcdoc=x></iframe>");
        let article = editor.post(ARTICLES, with(json!({"body": body}))).await.expect(201).json();
        assert_eq!(article["data"]["body"], "<p>a</p>", "{address}");
        assert_eq!(warning(&article, "markup_dropped")["params"]["elements"], json!({"iframe": 1}));
    }
}

#[actix_web::test]
async fn a_site_names_the_hosts_of_its_players() {
    let frame = "<iframe src=\"https://video.example.org/1\"></iframe>";
    let other = "<iframe src=\"https://www.youtube.com/embed/1\"></iframe>";
    for (hosts, kept, linked) in [("video.example.org,v.qq.com", frame, other), ("none", "", frame)] {
        let (app, _) = TestApp::start_with(&["--embed-hosts", hosts]).await;
        let editor = app.db_member(Role::Editor).await;
        let body = create(&editor, json!({"body": format!("{kept}<p>a</p>{linked}")})).await["body"].clone();
        let body = body.as_str().unwrap();
        assert_eq!(body.matches("<iframe").count(), usize::from(!kept.is_empty()), "{body}");
        assert_eq!(body.matches("<a ").count(), 1, "{body}");
    }
}

#[actix_web::test]
async fn video_and_sound_of_https_addresses_stay() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let kept = "<video controls=\"\" poster=\"https://e.org/a.png\" width=\"640\"><source src=\"https://e.org/a.mp4\" \
                type=\"video/mp4\"><track src=\"https://e.org/a.vtt\" kind=\"subtitles\" srclang=\"zh\" label=\"中文\">b</video>\
                <audio src=\"https://e.org/a.mp3\" controls=\"\"></audio>";
    let answer = editor.post(ARTICLES, with(json!({"body": kept}))).await.expect(201).json();
    assert_eq!((&answer["data"]["body"], &answer["warnings"]), (&json!(kept), &Value::Null));
    let cut = "<video src=\"https://e.org/a.mp4\" autoplay onplay=x() poster=\"data:image/png,x\">\
               <source src=\"http://e.org/a.mp4\"><source src=\"data:video/mp4,x\"><source srcset=x></video>";
    let answer = editor.post(ARTICLES, with(json!({"body": cut}))).await.expect(201).json();
    assert_eq!(answer["data"]["body"], "<video src=\"https://e.org/a.mp4\"></video>");
    let told = warning(&answer, "markup_dropped");
    assert_eq!(told["params"]["elements"], json!({"source": 3}));
    assert_eq!(told["params"]["attributes"], json!({"autoplay": 1, "onplay": 1, "poster": 1}));
    let linked = "<video src=\"/a.mp4\" title=\"Film\"></video><audio src=\"javascript:x()\"></audio>";
    let answer = editor.post(ARTICLES, with(json!({"body": linked}))).await.expect(201).json();
    assert_eq!(answer["data"]["body"], "<a href=\"/a.mp4\" rel=\"noopener noreferrer\">Film</a>");
    assert_eq!(warning(&answer, "embed_linked")["params"], json!({"count": 1}));
}

#[actix_web::test]
async fn places_that_links_of_the_body_point_to_keep_their_names_under_a_prefix() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for (sent, kept) in [
        (
            "<a href=#b>x</a><h2 id=b>y</h2><h3 id=c>z</h3>",
            "<a href=\"#user-content-b\" rel=\"noopener noreferrer\">x</a><h2 id=\"user-content-b\">y</h2><h3>z</h3>",
        ),
        ("<a href=\"#%E7%AB%A0\">x</a><p id=章>y</p>", "<p id=\"user-content-章\">y</p>"),
        ("<a href=#n>x</a><a name=n>y</a>", "<a id=\"user-content-n\" rel=\"noopener noreferrer\">y</a>"),
        (
            "<a href=#location>x</a><p id=b>y</p>",
            "<a href=\"#location\" rel=\"noopener noreferrer\">x</a><p>y</p>",
        ),
        ("<a href=#b>x</a><p id=b>y</p><p id=b>z</p>", "<p id=\"user-content-b\">y</p><p>z</p>"),
        ("<p id=user-content-b>y</p>", "<p>y</p>"),
    ] {
        let answer = editor.post(ARTICLES, with(json!({"body": sent}))).await.expect(201).json();
        let html = answer["data"]["body"].as_str().unwrap();
        assert!(html.ends_with(kept), "{sent}\n{html}");
        // An id that no link points to goes.
        let unlinked = ["id=c", "<a href=#location>x</a><p id=b", "<p id=user-content-b"];
        let dropped = unlinked.iter().any(|unlinked| sent.contains(unlinked));
        let told = &answer["warnings"][0]["params"]["attributes"];
        assert_eq!(*told, if dropped { json!({"id": 1}) } else { Value::Null }, "{answer}");
        let again = editor.patch(&at(&answer["data"]), json!({"body": html})).await.data(200);
        assert_eq!(again["body"], html);
    }
}
