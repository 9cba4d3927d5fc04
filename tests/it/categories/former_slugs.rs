//! Slugs that categories have had.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{SECTIONS, at};
use crate::cache::{fill, list_forgotten, staying};
use crate::harness::{Client, TestApp, column};

async fn rename(editor: &Client, from: &str, to: &str) {
    editor.patch(&at(from), json!({"slug": to})).await.expect(200);
}

#[actix_web::test]
async fn a_slug_that_a_category_has_had_leads_to_its_present_one() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let anon = staying(&anon, &app.url);
    let category = editor.category("first", None).await;
    rename(&editor, "first", "second").await;
    let answer = anon.get(&at("first")).await.expect(301);
    assert_eq!(answer.header("location"), at("second"));
    assert_eq!(answer.header("surrogate-key"), format!("category:{}", category["id"].as_str().unwrap()));
    rename(&editor, "second", "third").await;
    for old in ["first", "second"] {
        assert_eq!(anon.get(&at(old)).await.expect(301).header("location"), at("third"), "{old}");
    }
    // Back at its own old slug.
    rename(&editor, "third", "first").await;
    assert_eq!(anon.get(&at("first")).await.data(200)["slug"], "first");
    assert_eq!(anon.get(&at("second")).await.header("location"), at("first"));
    assert_eq!(anon.get(&at("never-there")).await.status, 404);
}

#[actix_web::test]
async fn a_slug_is_not_given_away_before_its_category_is_deleted() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    editor.category("old", None).await;
    rename(&editor, "old", "new").await;
    editor.category("other", None).await;
    let taken = [("/slug".to_owned(), "slug_taken".to_owned())];
    let given = json!({"name": "x", "slug": "old"});
    assert_eq!(editor.post(SECTIONS, given.clone()).await.expect(409).faults(), taken);
    assert_eq!(editor.patch(&at("other"), json!({"slug": "old"})).await.expect(409).faults(), taken);
    let made = editor.post(SECTIONS, json!({"name": "Old"})).await.data(201);
    assert!(made["slug"].as_str().unwrap().starts_with("old-"), "{made}");
    editor.delete(&at("new")).await.expect(204);
    assert_eq!(anon.get(&at("old")).await.status, 404);
    editor.post(SECTIONS, given).await.expect(201);
    assert_eq!(anon.get(&at("old")).await.data(200)["name"], "x");
}

#[actix_web::test]
async fn bookmarks_and_rows_with_an_old_slug_mean_the_same_category() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    editor.category("old", None).await;
    editor.category("inner", Some("old")).await;
    editor.article("tides", Some("inner")).await;
    let paths = ["/api/v1/articles?category=old", "/api/v1/articles/archive?category=old"];
    fill(&app, &anon, &paths).await;
    rename(&editor, "old", "new").await;
    assert_eq!(list_forgotten(&app, &anon, &paths).await, paths);
    for path in paths {
        assert_eq!(anon.get(path).await.data(200).as_array().unwrap().len(), 1, "{path}");
    }
    app.index().await;
    let found = anon.get("/api/v1/search?q=tides&category=old").await.data(200);
    assert_eq!(column(&found, "title"), ["tides"]);
    let written = editor.post("/api/v1/articles", json!({"title": "x", "category": "old"})).await.data(201);
    assert_eq!(written["category"]["slug"], "new");
    let rows = |row: Value, path: &str| {
        let request = editor.request(Method::POST, path);
        async move { request.labelled("application/x-ndjson", row.to_string()).send().await.data(200) }
    };
    let article = json!({"external_id": "r", "title": "r", "category": [{"name": "old", "slug": "old"}]});
    let summary = rows(article, "/api/v1/articles/import?create_categories=true").await;
    assert_eq!((&summary["created"], &summary["created_categories"]), (&json!(1), &json!(0)), "{summary}");
    let category = rows(json!({"slug": "old", "name": "Renamed"}), "/api/v1/categories/import").await;
    assert_eq!(category["updated"], 1);
    assert_eq!(anon.get(&at("new")).await.data(200)["name"], "Renamed");
    // Another category takes the slug, once it is free.
    editor.delete(&format!("{}?move_to=inner", at("new"))).await.expect(400);
    editor.patch(&at("inner"), json!({"parent": null})).await.expect(200);
    fill(&app, &anon, &[paths[0]]).await;
    editor.delete(&format!("{}?move_to=inner", at("old"))).await.expect(204);
    assert_eq!(anon.get(paths[0]).await.status, 400);
    editor.category("old", None).await;
    assert_eq!(anon.get(paths[0]).await.data(200), json!([]));
}
