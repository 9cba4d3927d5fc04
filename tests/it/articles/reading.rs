//! One article: by its names, in parts, with its neighbours.

use inkstone::operations::Role;
use serde_json::{Value, json};

use super::{ARTICLES, at, create};
use crate::harness::{Client, TestApp};

fn everything() -> Value {
    json!({
        "title": "省级实验室通过复评——“甲等”结论 (A/B & C)",
        "slug": "lab-passes-review",
        "external_id": "portal-2019-0920",
        "summary": "Short: “甲等”, and <nothing> else.",
        "body": "<p>第一段:12,5 ℃。</p><p>Second — paragraph.</p>",
        "body_format": "html",
        "category": "local",
        "tags": ["计量", "metrology", "计量"],
        "author": "林悦 / Lin Yue",
        "source_name": "市场监管网",
        "source_url": "https://example.org/a?b=1&c=二#d",
        "cover_url": "https://cdn.example.org/封面.jpg",
        "extra": {"layout": "wide", "score": 4.5, "big": 9007199254740993_i64, "deep": {"list": [1, null, true, "二"]}},
        "status": "published",
        "published_at": "2019-09-20T08:30:00.123456Z",
        "views": 2600,
    })
}

/// What the API says of an article sent as `sent`, as far as it was sent.
fn expected(mut sent: Value, got: &Value) -> Value {
    sent["tags"] = json!(["计量", "metrology"]);
    sent["category"] = got["category"].clone();
    let mut whole = got.clone();
    whole.as_object_mut().unwrap().extend(sent.as_object().unwrap().clone());
    whole
}

async fn full_article(app: &TestApp) -> Value {
    let admin = app.db_member(Role::Admin).await;
    admin.category("news", None).await;
    admin.category("local", Some("news")).await;
    admin.post(ARTICLES, everything()).await.data(201)
}

#[actix_web::test]
async fn every_field_comes_back_as_sent_under_each_name() {
    let (app, anon) = TestApp::start().await;
    let created = full_article(&app).await;
    let id = created["id"].as_str().unwrap();
    for name in [id, "lab-passes-review", "by-external-id/portal-2019-0920"] {
        let read = anon.get(&format!("{ARTICLES}/{name}")).await.data(200);
        assert_eq!(read, expected(everything(), &read), "{name}");
        assert_eq!(read, created, "{name}");
        assert_eq!(read["category"]["slug"], "local");
    }
}

#[actix_web::test]
async fn a_card_is_the_article_without_its_body() {
    let (app, anon) = TestApp::start().await;
    let mut article = full_article(&app).await;
    article.as_object_mut().unwrap().remove("body");
    assert_eq!(anon.get(ARTICLES).await.data(200), json!([article]));
}

#[actix_web::test]
async fn the_breadcrumb_runs_from_the_root_to_the_category() {
    let (app, _) = TestApp::start().await;
    let path = full_article(&app).await["category"]["path"].clone();
    let crumbs: Vec<_> = path.as_array().unwrap().iter().map(|crumb| crumb["slug"].clone()).collect();
    assert_eq!(crumbs, ["news", "local"]);
}

#[actix_web::test]
async fn a_creation_says_where_the_article_is() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let answer = editor.post(ARTICLES, json!({"title": "Here", "status": "published"})).await.expect(201);
    let (location, tag) = (answer.header("location").to_owned(), answer.header("etag").to_owned());
    let read = anon.get(&location).await;
    assert_eq!(read.header("etag"), tag);
    assert_eq!(read.data(200), answer.json()["data"]);
}

#[actix_web::test]
async fn an_article_of_one_title_has_empty_defaults() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let article = editor.post(ARTICLES, json!({"title": "Bare"})).await.data(201);
    let wanted = json!({"slug": "bare", "external_id": null, "summary": "", "body": "", "body_format": "html",
        "category": null, "tags": [], "author": "", "source_name": "", "source_url": null, "cover_url": null,
        "extra": {}, "status": "draft", "published_at": null, "views": 0, "version": 1});
    for (key, value) in wanted.as_object().unwrap() {
        assert_eq!(&article[key], value, "{key}");
    }
}

#[actix_web::test]
async fn fields_picks_keys_of_a_single_article() {
    let (app, anon) = TestApp::start().await;
    let article = full_article(&app).await;
    let answer = anon.get(&format!("{}?fields=title,views", at(&article))).await;
    assert_eq!(answer.header("content-type"), "application/json");
    let wanted = json!({"id": article["id"], "title": article["title"], "views": 2600});
    assert_eq!(answer.data(200), wanted);
    let related = anon.get(&format!("{}?fields=slug&include=neighbors", at(&article))).await.data(200);
    let keys: Vec<_> = related.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "slug", "neighbors"]);
}

#[actix_web::test]
async fn fields_picks_keys_of_a_list_and_body_brings_bodies() {
    let (app, anon) = TestApp::start().await;
    let article = full_article(&app).await;
    let answer = anon.get(&format!("{ARTICLES}?fields=slug,body")).await;
    assert_eq!(answer.header("content-type"), "application/json");
    let wanted = json!([{"id": article["id"], "slug": "lab-passes-review", "body": article["body"]}]);
    assert_eq!(answer.data(200), wanted);
}

#[actix_web::test]
async fn unknown_fields_and_relations_are_refused() {
    let (_app, anon) = TestApp::start().await;
    let answer = anon.get(&format!("{ARTICLES}?fields=title,bdoy")).await;
    assert_eq!(answer.faults(), [("fields".to_owned(), "invalid_parameter".to_owned())]);
    assert!(answer.text().contains("did you mean `body`?"), "{}", answer.text());
    anon.get(&format!("{ARTICLES}?fields=body_source")).await.expect(400);
    let answer = anon.get(&format!("{ARTICLES}/any?include=neighbours")).await;
    assert_eq!(answer.faults(), [("include".to_owned(), "invalid_parameter".to_owned())]);
}

/// The titles before and after an article.
async fn neighbors(client: &Client, slug: &str) -> [Value; 2] {
    let article = client.get(&format!("{ARTICLES}/{slug}?include=neighbors")).await.data(200);
    ["previous", "next"].map(|side| article["neighbors"][side]["title"].clone())
}

#[actix_web::test]
async fn neighbors_are_the_next_older_and_newer_of_the_category() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    editor.category("tides", None).await;
    editor.category("below", Some("tides")).await;
    for (slug, category, day) in [("c", "tides", 3), ("a", "tides", 1), ("x", "below", 2), ("b", "tides", 2)]
    {
        let hour = format!("2019-09-0{day}T00:00:00Z");
        create(&editor, json!({"title": slug, "slug": slug, "category": category, "published_at": hour}))
            .await;
    }
    assert_eq!(neighbors(&anon, "a").await, [Value::Null, json!("b")]);
    assert_eq!(neighbors(&anon, "b").await, [json!("a"), json!("c")]);
    assert_eq!(neighbors(&anon, "c").await, [json!("b"), Value::Null]);
    assert_eq!(neighbors(&anon, "x").await, [Value::Null, Value::Null]);
}

#[actix_web::test]
async fn neighbors_of_one_hour_form_a_chain() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    editor.category("tides", None).await;
    for slug in ["a", "b", "c"] {
        let keys =
            json!({"title": slug, "slug": slug, "category": "tides", "published_at": "2019-09-20T00:00:00Z"});
        create(&editor, keys).await;
    }
    assert_eq!(neighbors(&anon, "b").await, [json!("a"), json!("c")]);
}

#[actix_web::test]
async fn without_include_or_without_a_category_there_are_no_neighbors() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let article = create(&editor, json!({"slug": "alone"})).await;
    create(&editor, json!({"slug": "alone-too"})).await;
    assert_eq!(neighbors(&anon, "alone").await, [Value::Null, Value::Null]);
    assert_eq!(anon.get(&at(&article)).await.data(200).get("neighbors"), None);
}
