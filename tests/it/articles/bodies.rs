//! Bodies: nothing in them runs, all that is harmless stays, and summaries follow them.

use inkstone::operations::Role;
use serde_json::{Value, json};

use super::browser::dangers;
use super::{ARTICLES, at, create};
use crate::harness::{Client, TestApp};

/// Bodies that try to run something in a reader's browser.
const ATTACKS: &[&str] = &[
    "<script>alert(1)</script>",
    "<ScRiPt src=//e.org/x.js></sCrIpT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src=x\nonerror\n=\nalert(1)>",
    "<img/src='x'/onerror='alert(1)'>",
    "<p onclick=\"alert(1)\" onmouseover='alert(2)'>p</p>",
    "<details open ontoggle=alert(1)>d</details>",
    "<a href=\"javascript:alert(1)\">a</a>",
    "<a href=\"  JaVaScRiPt:alert(1)\">a</a>",
    "<a href=\"java\tscr\nipt:alert(1)\">a</a>",
    "<a href=\"&#106;avascript&colon;alert(1)\">a</a>",
    "<a href=\"java&#0000115;cript&#x3a;alert(1)\">a</a>",
    "<a href=\"\u{1}javascript:alert(1)\">a</a>",
    "<a href=\"vbscript:msgbox(1)\">a</a>",
    "<a href=\"data:text/html;base64,PHNjcmlwdD4=\">a</a>",
    "<img src=\"data:image/svg+xml,<svg onload=alert(1)>\">",
    "<svg onload=alert(1)><circle/></svg>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x></svg>",
    "<svg><a xlink:href=\"javascript:alert(1)\"><text>a</text></a></svg>",
    "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
    "<math><mi xlink:href=\"javascript:alert(1)\">m</mi></math>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<template><img src=x onerror=alert(1)></template>",
    "<textarea><img title=\"</textarea><img src=x onerror=alert(1)>\"></textarea>",
    "<title><img title=\"</title><img src=x onerror=alert(1)>\"></title>",
    "<xmp><p title=\"</xmp><img src=x onerror=alert(1)>\">",
    "<style>p{background:url(javascript:alert(1))}</style>",
    "<p style=\"background:url('javascript:alert(1)')\">p</p>",
    "<iframe src=\"https://e.org\"></iframe>",
    "<iframe src=\"https://player.bilibili.com/a\" onload=alert(1) srcdoc=\"<script>alert(2)</script>\" sandbox></iframe>",
    "<iframe src=\"https://player.bilibili.com/a\"><script>alert(1)</script><img src=x onerror=alert(2)>",
    "<select><iframe src=\"https://player.bilibili.com/a\"><img src=x onerror=alert(1)></iframe></select>",
    "<svg><iframe src=\"https://player.bilibili.com/a\"><img src=x onerror=alert(1)></iframe></svg>",
    "<math><mtext><iframe title=\"</iframe><img src=x onerror=alert(1)>\" src=\"https://www.youtube.com/embed/1\">",
    "<iframe src=\"https://player.bilibili.com/a\" title='</iframe><script>alert(1)</script>' width='1\" onload=\"alert(1)'></iframe>",
    "<iframe src='https://player.bilibili.com/a\" onload=\"alert(1)'></iframe>",
    "<iframe src=\"javascript:alert(1)//https://player.bilibili.com/\"></iframe>",
    "<iframe src=' java\tscript:alert(1)' title='x'></iframe>",
    "<noscript><iframe src=\"https://player.bilibili.com/</noscript><img src=x onerror=alert(1)>\"></iframe>",
    "<video src=\"https://e.org/a.mp4\" onerror=alert(1) poster=\"javascript:alert(2)\"><source src=\"data:video/mp4,x\" onerror=alert(3)>",
    "<audio src=\"javascript:alert(1)\"></audio><video src=\"data:text/html,x\" title=\"<img src=x onerror=alert(1)>\"></video>",
    "<track src=\"javascript:alert(1)\"><track src=\"https://e.org/a.vtt\" onload=alert(1)>",
    "<a href=#x>x</a><p id=\"x\" onclick=alert(1) title='\"><img src=x onerror=alert(1)>'>p</p><form id=x name=x></form>",
    "<a href='#x\" onclick=\"alert(1)'>x</a><p id='x\" onclick=\"alert(1)'>p</p>",
    "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
    "<object data=\"https://e.org/x.swf\"></object><embed src=//e.org/x>",
    "<base href=\"https://e.org/\">",
    "<meta http-equiv=refresh content=\"0;url=javascript:alert(1)\">",
    "<link rel=stylesheet href=\"https://e.org/x.css\">",
    "<form action=\"javascript:alert(1)\"><button formaction=\"javascript:alert(2)\">b</button><input autofocus onfocus=alert(3)></form>",
    "<video src=x onerror=alert(1)><source onerror=alert(2)></video><audio src onloadstart=alert(3)>",
    "<marquee onstart=alert(1)>m</marquee>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[><img src=x onerror=alert(1)>]]>",
    "<?xml version=\"1.0\"?><p>x</p><!DOCTYPE html [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>",
    "<p title=\"&quot; onmouseover=&quot;alert(1)\">p</p>",
    "[a](javascript:alert(1)) <javascript:alert(1)> ![i](data:text/html,x) [r]\n\n[r]: vbscript:x",
    "`<script>alert(1)</script>`\n\n    <script>alert(2)</script>\n\n```<img src=x onerror=alert(3)>\n<script>\n```",
];

#[actix_web::test]
async fn nothing_that_runs_comes_out_of_a_body_in_any_format() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for (format, attack) in
        ["html", "markdown", "text"].iter().flat_map(|f| ATTACKS.iter().map(move |a| (f, a)))
    {
        let article = create(&editor, json!({"title": "X", "body": attack, "body_format": format})).await;
        let read = anon.get(&at(&article)).await.data(200);
        assert_eq!(dangers(read["body"].as_str().unwrap()), [""; 0], "{format} {attack}\n{}", read["body"]);
    }
}

#[actix_web::test]
async fn a_summary_made_of_an_attack_holds_none_of_its_markup() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for attack in ATTACKS.iter().filter(|attack| !attack.contains('`')) {
        let article = create(&editor, json!({"title": "X", "body": attack})).await;
        assert_eq!(
            dangers(article["summary"].as_str().unwrap()),
            [""; 0],
            "{attack}\n{}",
            article["summary"]
        );
    }
}

#[actix_web::test]
async fn a_changed_body_is_cleaned_like_a_new_one() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let article = create(&editor, json!({"external_id": "e1"})).await;
    let body = json!({"title": "X", "body": "<p onclick=x()>kept</p><script>x()</script>"});
    let changed = editor.patch(&at(&article), body.clone()).await.data(200);
    assert_eq!(changed["body"], "<p>kept</p>");
    let replaced = editor.put(&format!("{ARTICLES}/by-external-id/e1"), body).await.data(200);
    assert_eq!(replaced["body"], "<p>kept</p>");
}

#[actix_web::test]
async fn harmless_markup_stays_as_it_was_sent() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let body = "<h2>标题</h2><p align=\"center\">“一”&amp;<strong>二</strong><br>三 — <u>四</u></p><table><tbody><tr><td colspan=\"2\">5 &lt; 6</td></tr></tbody></table><ul><li>七</li></ul><img src=\"/img/八.png\" alt=\"八\">";
    let article = create(&editor, json!({"body": body})).await;
    assert_eq!(anon.get(&at(&article)).await.data(200)["body"], body);
}

#[actix_web::test]
async fn markdown_becomes_html() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let source = "# 潮汐\n\n一 *二* **三**\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";
    let article = create(&editor, json!({"body": source, "body_format": "markdown"})).await;
    let read = anon.get(&at(&article)).await.data(200);
    let body = read["body"].as_str().unwrap();
    for part in ["<h1>潮汐</h1>", "<em>二</em> <strong>三</strong>", "<td>1</td>"] {
        assert!(body.contains(part), "{part} in {body}");
    }
    assert_eq!(
        (&read["body_format"], &read["summary"]),
        (&json!("markdown"), &json!("潮汐 一 二 三 a b 1 2"))
    );
}

#[actix_web::test]
async fn text_keeps_its_lines_and_is_never_markup() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let article = create(&editor, json!({"body": "甲 <b>\n乙\n\n# 丙", "body_format": "text"})).await;
    let body = anon.get(&at(&article)).await.data(200)["body"].clone();
    assert_eq!(body.as_str().unwrap().trim(), "<p>甲 &lt;b&gt;<br>乙</p>\n<p># 丙</p>");
}

#[actix_web::test]
async fn only_staff_see_what_a_body_was_written_as() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let article =
        create(&cast.editor, json!({"body": "*a*", "body_format": "markdown", "external_id": "e1"})).await;
    for path in
        [at(&article), format!("{ARTICLES}/by-external-id/e1"), format!("{}?fields=body", at(&article))]
    {
        for reader in [&cast.anon, &cast.member] {
            assert_eq!(reader.get(&path).await.data(200).get("body_source"), None, "{path}");
        }
    }
    for reader in [&cast.author, &cast.editor, &cast.admin] {
        assert_eq!(reader.get(&at(&article)).await.data(200)["body_source"], "*a*");
    }
}

#[actix_web::test]
async fn html_has_no_other_source() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let article = create(&editor, json!({"body": "*a*", "body_format": "markdown"})).await;
    assert_eq!(article["body_source"], "*a*");
    let patch = json!({"body": "<p>b</p>", "body_format": "html"});
    assert_eq!(editor.patch(&at(&article), patch).await.data(200).get("body_source"), None);
}

#[actix_web::test]
async fn a_new_body_is_read_in_the_format_of_the_old_one() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let article = create(&editor, json!({"body": "*a*", "body_format": "markdown"})).await;
    let changed = editor.patch(&at(&article), json!({"body": "**b**"})).await.data(200);
    assert_eq!(changed["body"].as_str().unwrap().trim(), "<p><strong>b</strong></p>");
    let answer = editor.patch(&at(&article), json!({"body_format": "text"})).await;
    assert_eq!(answer.faults(), [("/body_format".to_owned(), "invalid_format".to_owned())]);
}

/// The summary after a change.
async fn after(editor: &Client, article: &Value, patch: Value) -> Value {
    editor.patch(&at(article), patch).await.data(200)["summary"].clone()
}

#[actix_web::test]
async fn a_made_summary_follows_the_body_and_a_given_one_does_not() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let article = create(&editor, json!({"body": "<h1>一</h1><p>二 &amp; 三</p>"})).await;
    assert_eq!(article["summary"], "一 二 & 三");
    assert_eq!(after(&editor, &article, json!({"body": "<p>四</p>"})).await, "四");
    assert_eq!(after(&editor, &article, json!({"summary": "五"})).await, "五");
    assert_eq!(after(&editor, &article, json!({"body": "<p>六</p>"})).await, "五");
    assert_eq!(after(&editor, &article, json!({"summary": null})).await, "六");
    assert_eq!(after(&editor, &article, json!({"body": "<p>七</p>"})).await, "七");
}

#[actix_web::test]
async fn a_long_body_is_summed_up_in_its_beginning() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let text = "检测能力持续提升,".repeat(60);
    let article = create(&editor, json!({"body": format!("<p>{text}</p>")})).await;
    let summary = article["summary"].as_str().unwrap();
    let beginning = summary.strip_suffix('…').unwrap();
    assert!(text.starts_with(beginning) && (100..=200).contains(&summary.chars().count()), "{summary}");
}

#[actix_web::test]
async fn a_body_that_outgrows_its_bound_when_it_is_cleaned_is_refused() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let links = |count: usize| "<a>x</a>".repeat(count);
    let refused = editor.post(ARTICLES, json!({"title": "x", "body": links(40_000)})).await;
    assert_eq!((refused.status, refused.faults()), (422, vec![("/body".to_owned(), "too_long".to_owned())]));
    let notice = json!({"kind": "notice", "title": "x", "body": links(8_000)});
    assert_eq!(
        editor.post("/api/v1/notices", notice).await.faults(),
        [("/body".to_owned(), "too_long".to_owned())]
    );
    // What is stored can be sent again.
    let stored = create(&editor, json!({"body": links(1_000)})).await;
    let again = editor.patch(&at(&stored), json!({"body": stored["body"]})).await.data(200);
    assert_eq!((&again["body"], &again["version"]), (&stored["body"], &stored["version"]));
}

#[actix_web::test]
async fn a_stored_body_sent_again_changes_nothing() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for body in [
        "<a><table><a>x</table></a>",
        "<h1><font><h2>a</font></h1>b",
        "<pre>\n\na</pre>",
        "<dd><x><dd></x><table><p>",
    ] {
        let stored = create(&editor, json!({"body": body})).await;
        let again = editor.patch(&at(&stored), json!({"body": stored["body"]})).await.data(200);
        assert_eq!((&again["body"], &again["version"]), (&stored["body"], &stored["version"]), "{body}");
    }
}

#[actix_web::test]
async fn bodies_that_are_being_rendered_take_no_connections() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let markdown = "Some *words* of a [long](https://example.org/) article.\n\n".repeat(6_000);
    let long = json!({"title": "Long", "body": markdown, "body_format": "markdown"});
    // Twice as many as there are connections for transactions. Those that wait too long get 503.
    let writes = futures::future::join_all((0..8).map(|_| editor.post(ARTICLES, long.clone())));
    let beside = async {
        for at in 0..20 {
            editor.post(ARTICLES, json!({"title": format!("Short {at}")})).await.expect(201);
            editor.get("/api/v1/articles").await.expect(200);
        }
    };
    let (written, ()) = tokio::join!(writes, beside);
    assert!(written.iter().all(|answer| [201, 503].contains(&answer.status)));
    assert!(written.iter().any(|answer| answer.status == 201));
}
