//! Nothing of what was written is lost without a word: the text of elements stays, or its loss is told.

use inkstone::operations::Role;
use serde_json::{Value, json};

use super::{ARTICLES, with};
use crate::harness::{Client, TestApp};

/// Writes a body. Returns its HTML, and the dropped elements and the number of linked embeds that are told.
async fn write(editor: &Client, body: &str) -> (String, Value, Value) {
    let answer = editor.post(ARTICLES, with(json!({"body": body}))).await.expect(201).json();
    let warnings = answer["warnings"].as_array().cloned().unwrap_or_default();
    let params = |code| warnings.iter().find(|warning| warning["code"] == code).map(|found| &found["params"]);
    let elements = params("markup_dropped").map(|params| params["elements"].clone()).unwrap_or_default();
    let linked = params("embed_linked").map(|params| params["count"].clone()).unwrap_or_default();
    (answer["data"]["body"].as_str().unwrap().to_owned(), elements, linked)
}

#[actix_web::test]
async fn text_after_a_frame_that_is_not_closed_stays() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for host in ["player.bilibili.com", "e.org"] {
        for frame in [
            format!("<iframe src=\"https://{host}/x\" />"),
            format!("<iframe src=\"https://{host}/x\">"),
            format!("<IFRAME src=\"https://{host}/x\"/></IFRAME>"),
        ] {
            let (html, dropped, _) = write(&editor, &format!("<p>one</p>{frame}<p>two</p>")).await;
            assert!(html.starts_with("<p>one</p><") && html.ends_with("><p>two</p>"), "{frame} {html}");
            assert_eq!(dropped, Value::Null, "{frame}");
            let next = format!("{frame}<p>one</p><iframe src=\"https://{host}/y\"></iframe><p>two</p>");
            let (html, ..) = write(&editor, &next).await;
            assert!(html.contains("<p>one</p>") && html.contains("<p>two</p>"), "{next} {html}");
            assert_eq!(html.matches("src=").count() + html.matches("href=").count(), 2, "{next} {html}");
        }
    }
}

#[actix_web::test]
async fn text_within_a_frame_goes_and_is_told() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for host in ["player.bilibili.com", "e.org"] {
        let body = format!("<iframe src=\"https://{host}/x\">words</iframe><p>two</p>");
        let (html, dropped, _) = write(&editor, &body).await;
        assert!(!html.contains("words") && html.ends_with("<p>two</p>"), "{html}");
        assert_eq!(dropped, json!({"iframe-text": 1}), "{host}");
    }
}

#[actix_web::test]
async fn elements_named_as_in_pictures_and_formulas_keep_their_text() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let names = "line text view desc switch set filter symbol mi ms math svg template select image-map title";
    for name in names.split(' ') {
        for (body, kept) in [
            (format!("<p>a<{name}>b</{name}>c</p>"), "<p>abc</p>"),
            (format!("<p>a</p><{name}>#b</{name}><p>c</p>"), "<p>a</p>#b<p>c</p>"),
            (format!("<{name}>a"), "a"),
        ] {
            let (html, dropped, _) = write(&editor, &body).await;
            assert_eq!((html.as_str(), dropped), (kept, json!({name: 1})), "{body}");
        }
        if name != "title" {
            let (html, ..) = write(&editor, &format!("<p>a<{name}>b</p><p>c</p>")).await;
            assert_eq!(html, "<p>ab</p><p>c</p>", "{name}");
        }
    }
}

#[actix_web::test]
async fn a_dropped_element_keeps_its_text_in_a_body_of_any_length() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let long = format!("<p>{}</p>", "words ".repeat(5_000));
    for more in ["", "<p>#</p>", &long] {
        let (html, ..) = write(&editor, &format!("<template>W1x</template><line>y</line>{more}")).await;
        assert_eq!(html, format!("W1xy{more}"));
    }
}

#[actix_web::test]
async fn text_that_is_taken_for_a_comment_or_a_tag_is_told() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for (body, told) in [
        ("<p>one <!-- note <p>AFTER</p>", json!({"comment": 1})),
        ("<p>a</p><? WORDS ?>", json!({"comment": 1})),
        ("<p>a</p><![CDATA[WORDS]]>", json!({"comment": 1})),
        ("<p>a</p></ WORDS ><! WORDS >", json!({"comment": 2})),
        ("<p>a</p WORDS>", json!({"end-tag-attributes": 1})),
        ("if x<y and then WORDS", json!({"unfinished-tag": 1})),
        ("<p>a</p><p title=\"WORDS", json!({"unfinished-tag": 1})),
        ("<p>a</p><!-- b --><!----><!-->", Value::Null),
        ("1 < 2 <!-- b --> 3 <", Value::Null),
        ("<!DOCTYPE html><p>a</p>", Value::Null),
    ] {
        let (html, dropped, _) = write(&editor, body).await;
        assert_eq!(dropped, told, "{body} {html}");
    }
}

#[actix_web::test]
async fn a_video_whose_sources_cannot_be_played_becomes_links_to_them() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let link = |address: &str| format!("<a href=\"{address}\" rel=\"noopener noreferrer\">{address}</a>");
    let (one, two) = ("http://e.org/b.mp4", "http://e.org/b.webm");
    for element in ["video", "audio"] {
        let sent = format!("<p>x</p><{element} controls><source src=\"{one}\"></{element}><p>y</p>");
        let kept = format!("<p>x</p>{}<p>y</p>", link(one));
        assert_eq!(write(&editor, &sent).await, (kept, Value::Null, json!(1)));
        let sent = format!("<{element}><source src={one}><source src={two}></{element}>");
        assert_eq!(write(&editor, &sent).await, (link(one) + &link(two), Value::Null, json!(2)));
    }
    let played = format!("<video><source src=\"{one}\"><source src=\"https://e.org/b.mp4\"></video>");
    let kept = "<video><source src=\"https://e.org/b.mp4\"></video>";
    assert_eq!(write(&editor, &played).await, (kept.to_owned(), json!({"source": 1}), Value::Null));
}

#[actix_web::test]
async fn tasks_of_markdown_have_boxes_and_code_has_no_class() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let source = "- [x] a\n- [ ] b\n\n```rust\nc\n```\n";
    let sent = with(json!({"body": source, "body_format": "markdown"}));
    let answer = editor.post(ARTICLES, sent).await.expect(201).json();
    let body = answer["data"]["body"].as_str().unwrap();
    assert_eq!(body, "<ul>\n<li>☑ a</li>\n<li>☐ b</li>\n</ul>\n<pre><code>c\n</code></pre>\n");
    assert_eq!(answer["warnings"], Value::Null);
}
