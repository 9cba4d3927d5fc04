//! What authors, editors and admins may do to articles.

use reqwest::Method;
use serde_json::{Value, json};

use super::{ARTICLES, at, create, titles, with};
use crate::harness::{Cast, Client, TestApp};
use inkstone::operations::Role;

async fn cast() -> (TestApp, Cast) {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    (app, cast)
}

async fn draft(by: &Client, title: &str) -> Value {
    create(by, json!({"title": title, "status": "draft"})).await
}

#[actix_web::test]
async fn an_author_writes_and_edits_own_drafts() {
    let (_app, cast) = cast().await;
    let mine = cast.author.post(ARTICLES, json!({"title": "Mine"})).await.data(201);
    let changed =
        cast.author.patch(&at(&mine), json!({"title": "Still mine", "status": "draft"})).await.data(200);
    assert_eq!((&changed["title"], &changed["version"]), (&json!("Still mine"), &json!(2)));
    assert_eq!(cast.author.get(&at(&mine)).await.data(200), changed);
}

#[actix_web::test]
async fn an_author_publishes_and_archives_nothing() {
    let (_app, cast) = cast().await;
    let mine = draft(&cast.author, "Mine").await;
    for status in ["published", "archived"] {
        let created = cast.author.post(ARTICLES, with(json!({"status": status}))).await;
        assert_eq!(created.problem(), (403, "forbidden".to_owned()));
        let changed = cast.author.patch(&at(&mine), json!({"status": status})).await;
        assert_eq!(changed.problem(), (403, "forbidden".to_owned()));
    }
    cast.author.put(&format!("{ARTICLES}/by-external-id/e1"), with(json!({}))).await.expect(403);
    assert_eq!(titles(&cast.editor, "status=draft,published,archived").await, ["Mine"]);
}

#[actix_web::test]
async fn a_foreign_draft_is_no_draft_at_all_to_an_author() {
    let (app, cast) = cast().await;
    let other = app.db_member(Role::Author).await;
    let theirs = draft(&other, "Theirs").await;
    let never = format!("{ARTICLES}/0199f0a2-b6c5-7d3e-9f0a-1b2c3d4e5f60");
    for method in [Method::GET, Method::DELETE, Method::PATCH] {
        let ask = |path: &str| {
            let request = cast.author.request(method.clone(), path).header("x-request-id", "same");
            if method == Method::PATCH { request.json(&json!({"title": "Taken"})) } else { request }
        };
        let (found, missing) = (ask(&at(&theirs)).send().await, ask(&never).send().await);
        assert_eq!((found.status, found.text()), (404, missing.text()), "{method}");
    }
    assert_eq!(other.get(&at(&theirs)).await.data(200), theirs);
}

#[actix_web::test]
async fn an_author_lists_own_drafts_and_own_trash_only() {
    let (_app, cast) = cast().await;
    for by in [&cast.author, &cast.editor] {
        let name = if by.id == cast.author.id { "mine" } else { "theirs" };
        draft(by, &format!("{name} kept")).await;
        let thrown = draft(by, &format!("{name} thrown")).await;
        by.delete(&at(&thrown)).await.expect(204);
    }
    assert_eq!(titles(&cast.author, "status=draft").await, ["mine kept"]);
    assert_eq!(titles(&cast.author, "deleted=true").await, ["mine thrown"]);
}

#[actix_web::test]
async fn once_published_an_article_is_out_of_its_authors_hands() {
    let (_app, cast) = cast().await;
    let mine = draft(&cast.author, "Mine").await;
    cast.editor.patch(&at(&mine), json!({"status": "published"})).await.expect(200);
    let changed = cast.author.patch(&at(&mine), json!({"title": "Changed behind the editor"})).await;
    assert_eq!(changed.problem(), (403, "forbidden".to_owned()));
    assert_eq!(cast.author.delete(&at(&mine)).await.problem(), (403, "forbidden".to_owned()));
    assert_eq!(cast.anon.get(&at(&mine)).await.data(200)["title"], "Mine");
}

#[actix_web::test]
async fn an_author_reads_but_does_not_change_what_others_published() {
    let (_app, cast) = cast().await;
    let theirs = create(&cast.editor, json!({})).await;
    cast.author.get(&at(&theirs)).await.expect(200);
    cast.author.patch(&at(&theirs), json!({"title": "Mine now"})).await.expect(403);
    cast.author.delete(&at(&theirs)).await.expect(403);
}

#[actix_web::test]
async fn an_author_takes_own_drafts_out_of_the_trash_and_no_others() {
    let (_app, cast) = cast().await;
    let (mine, theirs) = (draft(&cast.author, "Mine").await, draft(&cast.editor, "Theirs").await);
    cast.author.delete(&at(&mine)).await.expect(204);
    cast.editor.delete(&at(&theirs)).await.expect(204);
    let restored = cast.author.act(&format!("{}/restore", at(&mine))).await.data(200);
    assert_eq!(restored["status"], "draft");
    cast.author.act(&format!("{}/restore", at(&theirs))).await.expect(404);
}

#[actix_web::test]
async fn an_author_cannot_bring_back_what_an_editor_took_off_the_site() {
    let (_app, cast) = cast().await;
    let mine = draft(&cast.author, "Mine").await;
    cast.editor.patch(&at(&mine), json!({"status": "published"})).await.expect(200);
    cast.editor.delete(&at(&mine)).await.expect(204);
    cast.author.act(&format!("{}/restore", at(&mine))).await;
    cast.anon.get(&at(&mine)).await.expect(404);
}

#[actix_web::test]
async fn an_editor_does_everything_with_everybodys_articles() {
    let (_app, cast) = cast().await;
    let theirs = draft(&cast.author, "Theirs").await;
    for status in ["published", "archived", "draft"] {
        let changed = cast.editor.patch(&at(&theirs), json!({"status": status})).await.data(200);
        assert_eq!(changed["status"], status);
    }
    cast.editor.delete(&at(&theirs)).await.expect(204);
    cast.editor.act(&format!("{}/restore", at(&theirs))).await.expect(200);
}

#[actix_web::test]
async fn only_admins_say_how_often_an_article_was_read() {
    let (_app, cast) = cast().await;
    let article = create(&cast.admin, json!({"external_id": "e1", "views": 2600})).await;
    let put = format!("{ARTICLES}/by-external-id/e1");
    cast.editor.post(ARTICLES, with(json!({"views": 1}))).await.expect(403);
    cast.editor.patch(&at(&article), json!({"views": 1})).await.expect(403);
    cast.editor.put(&put, with(json!({"views": 1}))).await.expect(403);
    assert_eq!(cast.admin.patch(&at(&article), json!({"views": 7})).await.data(200)["views"], 7);
}

#[actix_web::test]
async fn an_editor_cannot_set_views_back_to_nothing() {
    let (_app, cast) = cast().await;
    let article = create(&cast.admin, json!({"external_id": "e1", "views": 2600})).await;
    cast.editor.patch(&at(&article), json!({"views": 0})).await;
    cast.editor.put(&format!("{ARTICLES}/by-external-id/e1"), with(json!({"views": 0}))).await;
    assert_eq!(cast.anon.get(&at(&article)).await.data(200)["views"], 2600);
}

#[actix_web::test]
async fn an_author_sets_no_external_id_whether_it_is_in_use_or_not() {
    let (app, cast) = cast().await;
    let other = app.db_member(Role::Author).await;
    create(&cast.editor, json!({"external_id": "hidden", "status": "draft"})).await;
    let mine = draft(&cast.author, "Mine").await;
    for id in ["hidden", "free"] {
        let created = cast.author.post(ARTICLES, json!({"title": "x", "external_id": id})).await;
        assert_eq!(created.problem(), (403, "forbidden".to_owned()));
        let changed = cast.author.patch(&at(&mine), json!({"external_id": id})).await;
        assert_eq!(changed.problem(), (403, "forbidden".to_owned()));
    }
    // What an editor has set stays, and may be sent back as it was read.
    cast.author.patch(&at(&mine), json!({"external_id": null, "title": "Mine still"})).await.expect(200);
    cast.editor.patch(&at(&mine), json!({"external_id": "set"})).await.expect(200);
    cast.author.patch(&at(&mine), json!({"external_id": "set", "title": "Mine again"})).await.expect(200);
    cast.author.patch(&at(&mine), json!({"external_id": null})).await.expect(403);
    other.post(ARTICLES, json!({"title": "x", "external_id": null})).await.expect(201);
}

#[actix_web::test]
async fn a_conflict_does_not_tell_an_author_whether_the_other_article_is_hidden() {
    let (_app, cast) = cast().await;
    let mine = draft(&cast.author, "Mine").await;
    let mut answers = Vec::new();
    for (slug, status) in [("one", "draft"), ("two", "archived"), ("three", "published"), ("four", "draft")] {
        let theirs = create(&cast.editor, json!({"slug": slug, "status": status})).await;
        if slug == "four" {
            cast.editor.delete(&at(&theirs)).await.expect(204);
        }
        for (method, path) in [(Method::POST, ARTICLES.to_owned()), (Method::PATCH, at(&mine))] {
            let request = cast.author.request(method, &path).header("x-request-id", "same");
            let answer = request.json(&json!({"title": "x", "slug": slug})).send().await;
            answers.push((answer.status, answer.text()));
        }
    }
    assert_eq!(answers[0].0, 409);
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[actix_web::test]
async fn an_author_gains_no_right_over_what_an_editor_writes_by_an_id_or_a_slug_of_his() {
    let (_app, cast) = cast().await;
    let by_slug = cast.author.post(ARTICLES, json!({"title": "x", "slug": "claimed"})).await.data(201);
    let put = draft(&cast.author, "To be put").await;
    let imported = draft(&cast.author, "To be imported").await;
    for (article, id) in [(&put, "put"), (&imported, "imported")] {
        cast.editor.patch(&at(article), json!({"external_id": id})).await.expect(200);
    }
    cast.editor.put(&format!("{ARTICLES}/by-external-id/put"), json!({"title": "Secret"})).await.expect(200);
    let rows = [
        json!({"title": "Secret", "slug": "claimed"}),
        json!({"title": "Secret", "external_id": "imported"}),
    ];
    let import = cast.editor.request(Method::POST, "/api/v1/articles/import");
    let body: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let summary = import.labelled("application/x-ndjson", body).send().await.data(200);
    assert_eq!(summary["updated"], 2);
    for article in [&by_slug, &put, &imported] {
        cast.author.get(&at(article)).await.expect(404);
        cast.author.patch(&at(article), json!({"title": "Mine"})).await.expect(404);
        cast.author.delete(&at(article)).await.expect(404);
        assert_eq!(cast.editor.get(&at(article)).await.data(200)["title"], "Secret");
    }
}
