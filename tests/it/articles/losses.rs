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

#[actix_web::test]
async fn text_after_an_element_of_raw_text_that_is_not_closed_stays() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for name in ["textarea", "noscript", "xmp", "noembed", "noframes", "title", "plaintext"] {
        let tail = format!("<p>two</p></{name}x><p>three</p>");
        let (html, dropped, _) = write(&editor, &format!("<p>one</p><{name}>{tail}")).await;
        assert_eq!(html, "<p>one</p><p>two</p><p>three</p>", "{name}");
        assert_eq!(dropped[name], 1, "{name} {dropped}");
        let long = format!("<p>one</p><{name}>{tail}{}", "<p>many</p>".repeat(2_000));
        assert_eq!(write(&editor, &long).await.0.matches("<p>").count(), 2_003, "{name}");
    }
}

#[actix_web::test]
async fn attributes_that_the_sanitiser_decides_on_are_told_when_they_go() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let frame = "<iframe src=\"https://player.bilibili.com/x\" width=\"640px\" height=\"9em\" frameborder=\"0\" \
                 allowfullscreen></iframe>";
    let body = format!(
        "{frame}<h2 id=\"a\">one</h2><h2 id=\"b\">two</h2><p><a href=\"#a\">up</a> \
         <a href=\"https://e.org/\" rel=\"nofollow\">out</a></p>"
    );
    let answer = editor.post(ARTICLES, with(json!({"body": body}))).await.expect(201).json();
    let html = answer["data"]["body"].as_str().unwrap();
    assert!(html.contains("width=\"640\"") && !html.contains("height="), "{html}");
    let told = &answer["warnings"][0]["params"]["attributes"];
    assert_eq!(*told, json!({"frameborder": 1, "height": 1, "id": 1, "rel": 1}), "{answer}");
    let again = editor.post(ARTICLES, with(json!({"body": html}))).await.expect(201).json();
    assert_eq!(again["data"]["body"], html);
    assert_eq!(again["warnings"], Value::Null);
}
