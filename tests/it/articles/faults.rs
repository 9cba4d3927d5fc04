//! What is wrong with an article is said all at once, each fault with its place.

use inkstone::operations::Role;
use serde_json::{Value, json};

use super::{ARTICLES, at, create, with};
use crate::harness::{Answer, Client, TestApp};
use reqwest::Method;

async fn editor() -> (TestApp, Client) {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    (app, editor)
}

fn sorted(answer: &Answer) -> Vec<(String, String)> {
    let mut faults = answer.faults();
    faults.sort();
    faults.dedup();
    faults
}

fn places(places: &[(&str, &str)]) -> Vec<(String, String)> {
    places.iter().map(|(place, code)| ((*place).to_owned(), (*code).to_owned())).collect()
}

/// Fails unless `value` under `key` is refused with this one kind of fault, on creating and on changing.
async fn refused(editor: &Client, key: &str, value: Value, code: &str) {
    let article = editor.post(ARTICLES, with(json!({}))).await.data(201);
    let created = editor.post(ARTICLES, with(json!({key: value}))).await.expect(422);
    let changed = editor.patch(&at(&article), json!({key: value})).await.expect(422);
    for answer in [created, changed] {
        assert_eq!(sorted(&answer), places(&[(&format!("/{key}"), code)]), "{value}");
    }
}

#[actix_web::test]
async fn several_faults_are_reported_together() {
    let (_app, editor) = editor().await;
    let body = json!({"title": 5, "slug": "Ä B", "tags": ["a", ""], "views": -1, "status": "publishd", "titel": "x",
        "source_url": "ftp://example.org", "published_at": "2019-09-20"});
    let answer = editor.post(ARTICLES, body).await;
    assert_eq!(answer.problem(), (422, "invalid_body".to_owned()));
    let wanted = [
        ("/published_at", "invalid_format"),
        ("/slug", "invalid_format"),
        ("/source_url", "invalid_format"),
        ("/status", "unknown_value"),
        ("/tags/1", "invalid_format"),
        ("/titel", "unknown_field"),
        ("/title", "wrong_type"),
        ("/views", "out_of_range"),
    ];
    assert_eq!(sorted(&answer), places(&wanted));
}

#[actix_web::test]
async fn an_unknown_key_names_the_nearest_known_one() {
    let (_app, editor) = editor().await;
    let article = create(&editor, json!({})).await;
    let created = editor.post(ARTICLES, json!({"title": "T", "catgory": "local"})).await;
    let changed = editor.patch(&at(&article), json!({"catgory": "local"})).await;
    for answer in [created, changed] {
        assert_eq!(answer.problem(), (422, "unknown_field".to_owned()));
        assert!(
            answer.json()["errors"][0]["detail"].as_str().unwrap().contains("`category`"),
            "{}",
            answer.text()
        );
    }
}

#[actix_web::test]
async fn a_key_given_twice_is_refused_whatever_it_says() {
    let (_app, editor) = editor().await;
    let body = r#"{"title": "One", "title": "One", "extra": {"a": 1, "a": 1}}"#;
    let answer = editor.request(Method::POST, ARTICLES).raw(body).send().await;
    assert_eq!(answer.problem(), (422, "duplicate_field".to_owned()));
    assert_eq!(sorted(&answer), places(&[("/extra/a", "duplicate_field"), ("/title", "duplicate_field")]));
}

#[actix_web::test]
async fn every_key_refuses_a_value_of_another_type() {
    let (_app, editor) = editor().await;
    for key in
        ["title", "slug", "external_id", "summary", "body", "category", "author", "source_name", "source_url"]
    {
        refused(&editor, key, json!(5), "wrong_type").await;
    }
    for (key, value) in
        [("tags", json!("a,b")), ("extra", json!([1])), ("views", json!("many")), ("cover_url", json!({}))]
    {
        refused(&editor, key, value, "wrong_type").await;
    }
}

#[actix_web::test]
async fn the_nul_character_is_refused_wherever_it_stands() {
    let (_app, editor) = editor().await;
    let body = json!({"title": "a\0b", "body": "\0", "tags": ["\0x"], "extra": {"k": ["\0"], "\0": 1}});
    let answer = editor.post(ARTICLES, body).await.expect(422);
    let found: Vec<_> = sorted(&answer).into_iter().map(|(place, _)| place).collect();
    assert_eq!(found, ["/body", "/extra/\0", "/extra/k/0", "/tags/0", "/title"]);
}

#[actix_web::test]
async fn slugs_have_one_form_and_some_are_reserved() {
    let (_app, editor) = editor().await;
    for slug in ["Ab", "a b", "-a", "a-", "a--b", "潮汐", "", "a/b", "a_b"] {
        refused(&editor, "slug", json!(slug), "invalid_format").await;
    }
    for slug in [
        "import",
        "by-external-id",
        "0199f0a2-b6c5-7d3e-9f0a-1b2c3d4e5f60",
        "0199f0a2b6c57d3e9f0a1b2c3d4e5f60",
    ] {
        refused(&editor, "slug", json!(slug), "invalid_format").await;
    }
}

#[actix_web::test]
async fn texts_end_at_their_lengths_counted_in_characters() {
    let (_app, editor) = editor().await;
    for (key, most) in
        [("title", 300), ("external_id", 200), ("summary", 1000), ("author", 200), ("source_name", 200)]
    {
        create(&editor, json!({key: "字".repeat(most)})).await;
        refused(&editor, key, json!("字".repeat(most + 1)), "too_long").await;
    }
    refused(&editor, "slug", json!("a".repeat(121)), "too_long").await;
    refused(&editor, "tags", json!(vec!["t"; 51]), "too_long").await;
}

#[actix_web::test]
async fn what_must_say_something_is_not_blank() {
    let (_app, editor) = editor().await;
    for blank in ["", " ", "\u{3000}\n"] {
        refused(&editor, "title", json!(blank), "too_short").await;
        refused(&editor, "external_id", json!(blank), "too_short").await;
    }
    assert_eq!(sorted(&editor.post(ARTICLES, json!({})).await), places(&[("/title", "missing_field")]));
}

#[actix_web::test]
async fn a_source_is_a_web_address_or_nothing() {
    let (_app, editor) = editor().await;
    for url in [
        "javascript:alert(1)",
        "ftp://example.org",
        "//example.org",
        "/a",
        "https://",
        "https://a b",
        "https://me:pw@example.org/",
        "https://example.org/\"onload=",
        "example.org",
        "HTTPS:example.org",
        "",
    ] {
        refused(&editor, "source_url", json!(url), "invalid_format").await;
    }
}

#[actix_web::test]
async fn a_cover_is_a_web_address_or_a_path_on_the_site() {
    let (_app, editor) = editor().await;
    for url in [
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "//example.org/a.png",
        "/\\example.org/a.png",
        "a.png",
        "../a.png",
        "https://me@example.org/a.png",
        "/a b.png",
        "/a\"b.png",
    ] {
        refused(&editor, "cover_url", json!(url), "invalid_format").await;
    }
}

#[actix_web::test]
async fn a_time_is_rfc_3339_with_its_zone() {
    let (_app, editor) = editor().await;
    for time in [
        "2019-09-20",
        "2019-09-20T00:00:00",
        "2019-02-30T00:00:00Z",
        "20.9.2019",
        "0001-01-01T00:00:00Z",
        "now",
    ] {
        refused(&editor, "published_at", json!(time), "invalid_format").await;
    }
}

#[actix_web::test]
async fn extra_holds_sixteen_kibibytes() {
    let (_app, editor) = editor().await;
    let filling = |bytes: usize| json!({"f": "x".repeat(bytes - r#"{"f":""}"#.len())});
    let article = create(&editor, json!({"extra": filling(16 * 1024)})).await;
    assert_eq!(article["extra"], filling(16 * 1024));
    refused(&editor, "extra", filling(16 * 1024 + 1), "too_long").await;
    let both = editor.post(ARTICLES, with(json!({"slug": "export", "extra": filling(20_000)}))).await;
    assert_eq!(sorted(&both), places(&[("/extra", "too_long"), ("/slug", "invalid_format")]));
}

#[actix_web::test]
async fn a_category_must_exist() {
    let (_app, editor) = editor().await;
    for category in ["nowhere", "0199f0a2-b6c5-7d3e-9f0a-1b2c3d4e5f60", "No such"] {
        refused(&editor, "category", json!(category), "unknown_reference").await;
    }
}

#[actix_web::test]
async fn a_refused_article_leaves_nothing_behind() {
    let (_app, editor) = editor().await;
    create(&editor, json!({"external_id": "e1"})).await;
    editor.post(ARTICLES, with(json!({"external_id": "e1", "slug": "second"}))).await.expect(409);
    let answer =
        editor.get(&format!("{ARTICLES}?status=draft,published,archived&count=true")).await.expect(200);
    assert_eq!(answer.json()["page"]["total"], 1);
}
