//! What lists of notices show, and what goes with a single one.

use serde_json::{Value, json};

use super::{NOTICES, at, notice, titles};
use crate::cache::{fill, list_forgotten};
use crate::harness::machine::until;
use crate::harness::{TestApp, column};

fn dated(year: u32) -> Value {
    json!({"published_at": format!("{year}-01-01T00:00:00Z")})
}

#[actix_web::test]
async fn a_summary_is_made_from_the_body_unless_it_is_given() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_cast().await.editor;
    let made = notice(&editor, "A", json!({"body": "<p>One</p><p>Two</p>"})).await;
    assert_eq!(made["summary"], "One Two");
    assert_eq!(editor.patch(&at(&made), json!({"body": "<p>Three</p>"})).await.data(200)["summary"], "Three");
    assert_eq!(editor.patch(&at(&made), json!({"summary": "Mine"})).await.data(200)["summary"], "Mine");
    assert_eq!(editor.patch(&at(&made), json!({"body": "<p>Four</p>"})).await.data(200)["summary"], "Mine");
    assert_eq!(editor.patch(&at(&made), json!({"summary": null})).await.data(200)["summary"], "Four");
    let given = notice(&editor, "B", json!({"body": "<p>One</p>", "summary": "Given"})).await;
    assert_eq!(given["summary"], "Given");
    let long = json!({"kind": "notice", "title": "x", "summary": "长".repeat(1001)});
    assert_eq!(editor.post(NOTICES, long).await.faults(), [("/summary".to_owned(), "too_long".to_owned())]);
}

#[actix_web::test]
async fn a_list_has_no_bodies_unless_they_are_asked_for() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_cast().await.editor;
    let more = json!({"body": "*Text*", "body_format": "markdown"});
    let made = notice(&editor, "A", more).await;
    for client in [&anon, &editor] {
        let card = client.get(NOTICES).await.data(200)[0].clone();
        assert!(card.get("body").is_none() && card.get("body_source").is_none(), "{card}");
        assert_eq!((&card["slug"], &card["summary"]), (&made["slug"], &json!("Text")));
        let picked = client.get(&format!("{NOTICES}?fields=title,body,title")).await.data(200)[0].clone();
        assert_eq!(picked, json!({"id": made["id"], "title": "A", "body": made["body"]}));
        let refused = client.get(&format!("{NOTICES}?per_kind=1&fields=title,body")).await;
        assert_eq!(refused.faults()[0].0, "fields");
    }
    let single = anon.get(&format!("{}?fields=slug,body", at(&made))).await.data(200);
    assert_eq!(single, json!({"id": made["id"], "slug": made["slug"], "body": made["body"]}));
    let unknown = anon.get(&format!("{NOTICES}?fields=body_source")).await;
    assert_eq!(unknown.problem(), (400, "invalid_parameter".to_owned()));
}

#[actix_web::test]
async fn a_search_has_bodies_and_marks_where_they_are_asked_for() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_cast().await.editor;
    notice(&editor, "Office hours", json!({"body": "<p>The office opens.</p>", "summary": "Opening soon"}))
        .await;
    app.index().await;
    let found = anon.get(&format!("{NOTICES}?q=office")).await.data(200)[0].clone();
    assert!(found.get("body").is_none() && found["summary"] == "Opening soon", "{found}");
    let marked = anon.get(&format!("{NOTICES}?q=office&highlight=true")).await.data(200)[0].clone();
    assert_eq!(marked["highlight"]["snippets"], json!(["The <mark>office</mark> opens."]));
    assert!(marked.get("body").is_none());
    let whole = anon.get(&format!("{NOTICES}?q=office&fields=body")).await.data(200)[0].clone();
    assert_eq!(whole["body"], "<p>The office opens.</p>");
    // A summary that was given is found by its words.
    assert_eq!(titles(&anon, "q=soon").await, "Office hours");
    let hit = anon.get("/api/v1/search?q=office&type=notice").await.data(200)[0].clone();
    assert_eq!((&hit["slug"], &hit["summary"]), (&json!("office-hours"), &json!("Opening soon")));
    let hit = anon.get("/api/v1/search?q=opens&type=notice&highlight=true").await.data(200)[0].clone();
    assert_eq!(hit["highlight"]["snippets"], json!(["The office <mark>opens</mark>."]));
}

#[actix_web::test]
async fn long_bodies_end_a_page_early_and_none_is_left_out() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_cast().await.editor;
    // 200,000 characters of three bytes each.
    let body = "长".repeat(190_000);
    for number in 0..9 {
        notice(&editor, &number.to_string(), json!({"body": body, "body_format": "text"})).await;
    }
    let list = format!("{NOTICES}?fields=title,body&page_size=9");
    let first = anon.get(&list).await.expect(200).json();
    let shown = first["data"].as_array().unwrap().len();
    assert!((1..9).contains(&shown) && first["page"]["has_next"] == true, "{shown}");
    assert_eq!(crate::members::walked(&anon, &list, "title").await.len(), 9);
    let by_number = anon.get(&format!("{list}&page=1")).await;
    assert_eq!(by_number.faults(), [("page_size".to_owned(), "invalid_parameter".to_owned())]);
}

#[actix_web::test]
async fn both_kinds_come_at_once_pinned_first_and_at_most_so_many_of_each() {
    let (app, anon) = TestApp::start().await;
    let cast = app.db_cast().await;
    for (title, kind, pinned, year) in [
        ("n1", "notice", false, 2001),
        ("n2", "notice", false, 2002),
        ("n3", "notice", true, 2000),
        ("a1", "announcement", false, 2005),
        ("a2", "announcement", false, 2006),
        ("a3", "announcement", false, 2007),
    ] {
        let more = json!({"kind": kind, "pinned": pinned, "published_at": format!("{year}-01-01T00:00:00Z")});
        notice(&cast.editor, title, more).await;
    }
    assert_eq!(titles(&anon, "per_kind=2").await, "n3 n2 a3 a2");
    assert_eq!(titles(&anon, "per_kind=20").await, "n3 n2 n1 a3 a2 a1");
    assert_eq!(titles(&anon, "per_kind=1&kind=announcement").await, "a3");
    let answer = anon.get(&format!("{NOTICES}?per_kind=2&fields=title")).await.expect(200);
    assert_eq!((answer.header("link"), &answer.json()["page"]["has_next"]), ("", &json!(false)));
    // What is not for everybody, not yet or no more is in nobody's part.
    notice(&cast.editor, "inner", json!({"audience": "members"})).await;
    notice(&cast.editor, "later", dated(2999)).await;
    notice(
        &cast.editor,
        "over",
        json!({"published_at": "2001-01-01T00:00:00Z", "expires_at": "2002-01-01T00:00:00Z"}),
    )
    .await;
    assert_eq!(titles(&anon, "per_kind=2").await, "n3 n2 a3 a2");
    assert_eq!(titles(&cast.member, "per_kind=2").await, "n3 inner a3 a2");
    assert_eq!(titles(&cast.editor, "per_kind=1&status=draft,published").await, "n3 a3");
    for other in ["q=a", "page=1", "page_size=5", "count=true", "cursor=AAAA", "highlight=true&q=a"] {
        let refused = anon.get(&format!("{NOTICES}?per_kind=2&{other}")).await;
        assert_eq!(refused.problem(), (400, "invalid_parameter".to_owned()), "{other}");
    }
    for most in ["0", "21", "x"] {
        assert_eq!(anon.get(&format!("{NOTICES}?per_kind={most}")).await.status, 400, "{most}");
    }
}

#[actix_web::test]
async fn the_neighbors_of_a_notice_are_of_its_kind_and_those_that_the_reader_may_see() {
    let (app, anon) = TestApp::start().await;
    let cast = app.db_cast().await;
    for (title, year) in [("a", 2001), ("b", 2002), ("c", 2003)] {
        notice(&cast.editor, title, dated(year)).await;
    }
    let mut announcement = dated(2002);
    announcement["kind"] = json!("announcement");
    notice(&cast.editor, "x", announcement).await;
    let beside = async |client: &crate::harness::Client, slug: &str| {
        let path = format!("{NOTICES}/{slug}?include=neighbors&fields=title");
        let data = client.get(&path).await.data(200);
        let title = |side: &str| data["neighbors"][side]["title"].as_str().unwrap_or("-").to_owned();
        [title("previous"), title("next")].join(" ")
    };
    assert_eq!(beside(&anon, "b").await, "a c");
    assert_eq!(beside(&anon, "a").await, "- b");
    assert_eq!(beside(&anon, "x").await, "- -");
    assert!(anon.get(&format!("{NOTICES}/b")).await.data(200).get("neighbors").is_none());
    // A kept answer changes with what stands beside the notice.
    let path = format!("{NOTICES}/b?include=neighbors");
    fill(&app, &anon, &[&path]).await;
    let mut inner = dated(2002);
    inner["audience"] = json!("members");
    inner["published_at"] = json!("2002-06-01T00:00:00Z");
    notice(&cast.editor, "inner", inner).await;
    assert_eq!(beside(&anon, "b").await, "a c");
    for client in [&cast.member, &cast.editor] {
        assert_eq!(beside(client, "b").await, "a inner");
        let answer = client.get(&path).await.expect(200);
        assert_eq!(answer.header("cache-control"), "private, no-store");
    }
    fill(&app, &anon, &[&path]).await;
    cast.editor.patch(&format!("{NOTICES}/c"), json!({"status": "draft"})).await.expect(200);
    assert_eq!(list_forgotten(&app, &anon, &[&path]).await, [path.as_str()]);
    assert_eq!(beside(&anon, "b").await, "a -");
    // A draft without a time stands beside nothing.
    let draft = cast.editor.post(NOTICES, json!({"kind": "notice", "title": "d"})).await.data(201);
    assert_eq!(beside(&cast.editor, draft["slug"].as_str().unwrap()).await, "- -");
}

#[actix_web::test]
async fn a_neighbor_appears_when_its_hour_comes() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_cast().await.editor;
    notice(&editor, "a", dated(2001)).await;
    let soon = (app.shared.app.now() + chrono::TimeDelta::seconds(3)).to_rfc3339();
    notice(&editor, "b", json!({"published_at": soon})).await;
    let path = format!("{NOTICES}/a?include=neighbors");
    assert_eq!(anon.get(&path).await.data(200)["neighbors"]["next"], json!(null));
    assert_eq!(titles(&anon, "per_kind=1").await, "a");
    until("the hour", async || anon.get(&path).await.data(200)["neighbors"]["next"]["title"] == "b").await;
    until("the list", async || titles(&anon, "per_kind=1").await == "b").await;
    assert_eq!(column(&anon.get(NOTICES).await.data(200), "slug"), ["b", "a"]);
}
