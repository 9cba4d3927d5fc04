//! Scripts bring articles by the ids of another system, and repeat themselves.

use futures::future::join;
use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{ARTICLES, at, create, titles, with};
use crate::harness::{Client, TestApp};

const PLACE: &str = "/api/v1/articles/by-external-id/portal-7";

async fn editor() -> (TestApp, Client) {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    editor.category("local", None).await;
    (app, editor)
}

fn full() -> Value {
    with(
        json!({"category": "local", "tags": ["a", "b"], "author": "Lin", "source_name": "Gazette", "summary": "Given.",
        "source_url": "https://example.org/7", "cover_url": "/7.png", "extra": {"b": 1, "a": 2.5},
        "published_at": "2019-09-20T00:00:00Z"}),
    )
}

#[actix_web::test]
async fn the_first_put_creates_and_the_second_changes_nothing() {
    let (_app, editor) = editor().await;
    let created = editor.put(PLACE, full()).await;
    assert_eq!(created.header("location"), at(&created.json()["data"]));
    let created = created.data(201);
    assert_eq!(created["external_id"], "portal-7");
    assert_eq!(editor.put(PLACE, full()).await.data(200), created);
}

#[actix_web::test]
async fn a_put_resets_what_it_leaves_out_but_keeps_slug_and_id() {
    let (_app, editor) = editor().await;
    let before = editor
        .put(
            PLACE,
            with(json!({"slug": "kept", "extra": {"a": 1}, "tags": ["a"], "author": "Lin",
        "category": "local", "source_url": "https://example.org/7", "summary": "Given."})),
        )
        .await
        .data(201);
    let after = editor.put(PLACE, json!({"title": "另一个标题", "body": "<p>Else.</p>"})).await.data(200);
    let wanted = json!({"id": before["id"], "slug": "kept", "external_id": "portal-7", "title": "另一个标题",
        "body": "<p>Else.</p>", "summary": "Else.", "category": null, "tags": [], "author": "", "extra": {},
        "source_url": null, "status": "draft", "version": 2, "created_at": before["created_at"]});
    for (key, value) in wanted.as_object().unwrap() {
        assert_eq!(&after[key], value, "{key}");
    }
}

#[actix_web::test]
async fn a_published_article_put_again_without_an_hour_keeps_the_one_it_had() {
    let (_app, editor) = editor().await;
    let first = editor.put(PLACE, with(json!({}))).await.data(201);
    let again = editor.put(PLACE, with(json!({}))).await.data(200);
    assert_eq!(again, first);
}

/// Fails unless putting this body twice makes one version.
async fn put_twice(editor: &Client, body: &str) {
    let put = || editor.request(Method::PUT, PLACE).raw(body.to_owned()).send();
    assert!([200, 201].contains(&put().await.status), "{body}");
    let first = editor.get(PLACE).await.data(200);
    assert_eq!(put().await.data(200)["version"], first["version"], "{body}");
}

#[actix_web::test]
async fn a_time_finer_than_the_database_keeps_is_still_the_same_time() {
    let (_app, editor) = editor().await;
    for time in ["2019-09-20T08:00:00.5+08:00", "2016-12-31T23:59:60Z", "2019-09-20T00:00:00.123456789Z"] {
        put_twice(&editor, &format!(r#"{{"title": "T", "published_at": "{time}"}}"#)).await;
    }
}

#[actix_web::test]
async fn figures_in_extra_are_the_same_figures_next_time() {
    let (_app, editor) = editor().await;
    for figure in ["1.0", "1e2", "0.1", "1e300", "1e-7", "-0.0", "18446744073709551615", "1e16"] {
        put_twice(&editor, &format!(r#"{{"title": "T", "extra": {{"figure": {figure}}}}}"#)).await;
    }
}

#[actix_web::test]
async fn creating_only_is_refused_where_something_is() {
    let (_app, editor) = editor().await;
    let put =
        || editor.request(Method::PUT, PLACE).header("if-none-match", "*").json(&with(json!({}))).send();
    put().await.expect(201);
    let again = put().await;
    assert_eq!(again.problem(), (412, "already_exists".to_owned()));
    assert_eq!(editor.get(PLACE).await.data(200)["version"], 1);
}

#[actix_web::test]
async fn replacing_only_is_refused_where_nothing_is_or_something_newer() {
    let (_app, editor) = editor().await;
    let put = |tag: &str| {
        let request = editor.request(Method::PUT, PLACE).header("if-match", tag);
        request.json(&with(json!({"title": tag}))).send()
    };
    assert_eq!(put("*").await.problem(), (412, "version_mismatch".to_owned()));
    editor.get(PLACE).await.expect(404);
    editor.put(PLACE, with(json!({}))).await.expect(201);
    put("\"1\"").await.expect(200);
    assert_eq!(put("\"1\"").await.json()["current_version"], 2);
}

#[actix_web::test]
async fn two_puts_at_once_make_one_article() {
    let (_app, editor) = editor().await;
    let (one, two) = join(editor.put(PLACE, full()), editor.put(PLACE, full())).await;
    let mut statuses = [one.status, two.status];
    statuses.sort();
    assert_eq!(statuses, [200, 201]);
    assert_eq!(one.json()["data"], two.json()["data"]);
    assert_eq!(titles(&editor, "count=true").await.len(), 1);
}

#[actix_web::test]
async fn a_put_takes_an_article_out_of_the_trash() {
    let (_app, editor) = editor().await;
    let article = editor.put(PLACE, full()).await.data(201);
    editor.delete(&at(&article)).await.expect(204);
    editor.get(PLACE).await.expect(404);
    let back = editor.put(PLACE, full()).await.data(200);
    assert_eq!(back["id"], article["id"]);
    assert_eq!(editor.get(PLACE).await.data(200), back);
}

#[actix_web::test]
async fn the_body_may_repeat_the_id_of_the_path_and_name_no_other() {
    let (_app, editor) = editor().await;
    editor.put(PLACE, with(json!({"external_id": "portal-7"}))).await.expect(201);
    let answer = editor.put(PLACE, with(json!({"external_id": "portal-8"}))).await;
    assert_eq!(answer.faults(), [("/external_id".to_owned(), "invalid_format".to_owned())]);
}

#[actix_web::test]
async fn a_put_cannot_take_the_slug_of_another_article() {
    let (_app, editor) = editor().await;
    create(&editor, json!({"slug": "taken"})).await;
    for _ in 0..2 {
        let answer = editor.put(PLACE, with(json!({"slug": "taken"}))).await;
        assert_eq!(answer.problem(), (409, "slug_taken".to_owned()));
        editor.put(PLACE, with(json!({}))).await;
    }
}

#[actix_web::test]
async fn an_external_id_of_any_characters_is_found_by_its_encoded_path() {
    let (_app, editor) = editor().await;
    let ids = [
        ("编号 7", "%E7%BC%96%E5%8F%B7%207"),
        ("a:b,c?d", "a%3Ab%2Cc%3Fd"),
        ("2019/09/20", "2019%2F09%2F20"),
        ("C++", "C%2B%2B"),
        ("100%", "100%25"),
        ("%41", "%2541"),
    ];
    let mut lost = Vec::new();
    for (id, encoded) in ids {
        let article = create(&editor, json!({"external_id": id})).await;
        let read = editor.get(&format!("{ARTICLES}/by-external-id/{encoded}")).await;
        if read.status != 200 || read.json()["data"]["id"] != article["id"] {
            lost.push(id);
        }
    }
    assert_eq!(lost, [""; 0]);
}

#[actix_web::test]
async fn a_put_stores_the_decoded_id() {
    let (_app, editor) = editor().await;
    for (id, encoded) in [("编号 8", "%E7%BC%96%E5%8F%B7%208"), ("2019/09/21+1", "2019%2F09%2F21%2B1")] {
        let put = editor.put(&format!("{ARTICLES}/by-external-id/{encoded}"), with(json!({}))).await;
        assert_eq!(put.data(201)["external_id"], id);
    }
}

#[actix_web::test]
async fn what_no_external_id_can_be_is_nothing() {
    let (_app, editor) = editor().await;
    for id in ["%00", "%20", &"x".repeat(201)] {
        editor.get(&format!("{ARTICLES}/by-external-id/{id}")).await.expect(404);
        editor.put(&format!("{ARTICLES}/by-external-id/{id}"), with(json!({}))).await.expect(404);
    }
}
