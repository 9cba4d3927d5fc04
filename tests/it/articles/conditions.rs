//! Versions: who saw what, and who comes too late.

use futures::future::join_all;
use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{ARTICLES, at, create, titles};
use crate::edge::caching::settle;
use crate::harness::{Answer, Client, TestApp};

async fn scene() -> (TestApp, Client, Client, Value) {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    editor.category("local", None).await;
    let article = create(&editor, json!({"title": "First", "category": "local"})).await;
    (app, anon, editor, article)
}

async fn tag(client: &Client, article: &Value) -> String {
    client.get(&at(article)).await.expect(200).header("etag").to_owned()
}

/// Changes the title, if the article is as `tag` says.
async fn retitle(client: &Client, article: &Value, tag: &str, title: &str) -> Answer {
    let request = client.request(Method::PATCH, &at(article)).header("if-match", tag);
    request.json(&json!({"title": title})).send().await
}

#[actix_web::test]
async fn a_stale_editor_learns_the_current_version_and_changes_nothing() {
    let (_app, anon, editor, article) = scene().await;
    let seen = tag(&anon, &article).await;
    retitle(&editor, &article, &seen, "Second").await.expect(200);
    let late = retitle(&editor, &article, &seen, "Third").await;
    assert_eq!(late.problem(), (412, "version_mismatch".to_owned()));
    assert_eq!(late.json()["current_version"], 2);
    assert_eq!(titles(&anon, "count=true").await, ["Second"]);
}

#[actix_web::test]
async fn a_star_or_one_tag_of_several_matches() {
    let (_app, anon, editor, article) = scene().await;
    retitle(&editor, &article, "*", "Second").await.expect(200);
    let list = format!("\"1-old\", {}", tag(&anon, &article).await);
    retitle(&editor, &article, &list, "Third").await.expect(200);
}

#[actix_web::test]
async fn a_tag_matches_weak_or_strong() {
    let (_app, anon, editor, article) = scene().await;
    let weak = tag(&anon, &article).await;
    assert!(weak.starts_with("W/"), "an article shows its views: {weak}");
    retitle(&editor, &article, &weak, "Second").await.expect(200);
    assert_eq!(retitle(&editor, &article, &weak, "Third").await.status, 412);
    let strong = tag(&anon, &article).await.trim_start_matches("W/").to_owned();
    retitle(&editor, &article, &strong, "Third").await.expect(200);
}

#[actix_web::test]
async fn made_up_tags_match_nothing() {
    let (_app, anon, editor, article) = scene().await;
    for tag in ["W/\"somebody\"", "\"somebody\"", "1", "W/1", "\"\""] {
        assert_eq!(retitle(&editor, &article, tag, "Second").await.status, 412, "{tag}");
    }
    assert_eq!(anon.get(&at(&article)).await.data(200)["version"], 1);
}

#[actix_web::test]
async fn of_editors_at_once_one_wins_and_the_others_come_too_late() {
    let (_app, anon, editor, article) = scene().await;
    for round in 0..6 {
        let seen = tag(&anon, &article).await;
        let names: Vec<String> = (0..4).map(|who| format!("{round} by {who}")).collect();
        let tries = names.iter().map(|name| retitle(&editor, &article, &seen, name));
        let statuses: Vec<u16> = join_all(tries).await.iter().map(|answer| answer.status).collect();
        let winner = statuses.iter().position(|status| *status == 200).unwrap();
        assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 3, "{statuses:?}");
        assert_eq!(titles(&anon, "count=true").await, [names[winner].as_str()]);
    }
}

#[actix_web::test]
async fn a_renamed_category_makes_another_page_but_no_other_version() {
    let (_app, anon, editor, article) = scene().await;
    let seen = tag(&anon, &article).await;
    editor.patch("/api/v1/categories/local", json!({"name": "地方动态"})).await.expect(200);
    let answer =
        anon.request(Method::GET, &at(&article)).header("if-none-match", &seen).send().await.expect(200);
    assert_ne!(answer.header("etag"), seen);
    assert_eq!(answer.data(200)["category"]["name"], "地方动态");
    retitle(&editor, &article, &seen, "Second").await.expect(200);
}

#[actix_web::test]
async fn being_read_changes_the_count_and_neither_tag_nor_version() {
    let (app, anon, _, article) = scene().await;
    settle(&anon, &at(&article)).await;
    let before = anon.get(&at(&article)).await.expect(200);
    for _ in 0..3 {
        anon.act(&format!("{}/views", at(&article))).await.expect(204);
    }
    app.shared.counter.flush(&app.shared.app).await.unwrap();
    let kept = anon.get(&at(&article)).await.expect(200);
    assert_eq!(kept.data(200)["views"], 0, "a view makes no answer stale");
    app.shared.app.follower.forget_answers();
    let after = anon.get(&at(&article)).await.expect(200);
    assert_eq!(after.header("etag"), before.header("etag"));
    assert_eq!(after.header("last-modified"), before.header("last-modified"));
    let mut wanted = before.data(200);
    wanted["views"] = json!(3);
    assert_eq!(after.data(200), wanted);
}

#[actix_web::test]
async fn views_by_slug_add_to_those_from_elsewhere() {
    let (app, anon, _, _) = scene().await;
    let admin = app.db_member(Role::Admin).await;
    let article = create(&admin, json!({"slug": "imported", "views": 2600})).await;
    anon.act(&format!("{ARTICLES}/imported/views")).await.expect(204);
    app.shared.counter.flush(&app.shared.app).await.unwrap();
    assert_eq!(anon.get(&at(&article)).await.data(200)["views"], 2601);
}

#[actix_web::test]
async fn what_a_client_has_already_is_not_sent_again() {
    let (_app, anon, editor, article) = scene().await;
    for path in [at(&article), ARTICLES.to_owned()] {
        let seen = anon.get(&path).await.header("etag").to_owned();
        let ask = || anon.request(Method::GET, &path).header("if-none-match", &seen).send();
        assert_eq!(ask().await.status, 304, "{path}");
        let title = format!("Changed for {path}");
        retitle(&editor, &article, "*", &title).await.expect(200);
        assert!(ask().await.expect(200).text().contains(&title));
    }
}

#[actix_web::test]
async fn a_deleted_article_is_gone_and_comes_back_as_it_was() {
    let (_app, anon, editor, article) = scene().await;
    editor.delete(&at(&article)).await.expect(204);
    for client in [&anon, &editor] {
        client.get(&at(&article)).await.expect(404);
    }
    editor.patch(&at(&article), json!({"title": "In the trash"})).await.expect(404);
    let restored = editor.act(&format!("{}/restore", at(&article))).await.data(200);
    let mut wanted = article.clone();
    for key in ["version", "updated_at"] {
        wanted[key] = restored[key].clone();
    }
    assert_eq!(restored, wanted);
    assert_eq!(anon.get(&at(&article)).await.data(200), wanted);
}

#[actix_web::test]
async fn deleting_and_restoring_heed_what_was_seen() {
    let (_app, anon, editor, article) = scene().await;
    let seen = tag(&anon, &article).await;
    retitle(&editor, &article, &seen, "Second").await.expect(200);
    let delete = |tag: String| editor.request(Method::DELETE, &at(&article)).header("if-match", &tag).send();
    assert_eq!(delete(seen.clone()).await.problem(), (412, "version_mismatch".to_owned()));
    delete(tag(&anon, &article).await).await.expect(204);
    let restore = format!("{}/restore", at(&article));
    let late = editor.request(Method::POST, &restore).header("if-match", &seen).send().await;
    assert_eq!(late.problem(), (412, "version_mismatch".to_owned()));
}

#[actix_web::test]
async fn only_what_is_in_the_trash_is_deleted_once_and_restored_once() {
    let (_app, _, editor, article) = scene().await;
    let restore = format!("{}/restore", at(&article));
    editor.act(&restore).await.expect(404);
    editor.delete(&at(&article)).await.expect(204);
    editor.delete(&at(&article)).await.expect(404);
    editor.act(&restore).await.expect(200);
    editor.act(&restore).await.expect(404);
}
