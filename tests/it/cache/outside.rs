//! Changes that do not come by the usual way: statements of people, and steps that are undone.

use inkstone::operations::Role;
use serde_json::json;

use super::{ARTICLES, CATEGORIES, NOTICES, SITE, fill, list_forgotten, staying};
use crate::harness::machine::{execute, until};
use crate::harness::{Client, TestApp};

const TIDE: &str = "/api/v1/articles/tide";
const FORMER: &str = "/api/v1/articles/ebb";

async fn set() -> (TestApp, Client, Client) {
    let (app, anon) = TestApp::start().await;
    let anon = staying(&anon, &app.url);
    let admin = app.db_member(Role::Admin).await;
    admin.category("sea", None).await;
    let article = json!({"title": "Tide", "slug": "tide", "former_slugs": ["ebb"], "category": "sea", "status": "published",
                         "published_at": "2020-01-01T00:00:00Z"});
    admin.post(ARTICLES, article).await.expect(201);
    admin.post(NOTICES, json!({"kind": "notice", "title": "n", "status": "published"})).await.expect(201);
    fill(&app, &anon, &[TIDE, ARTICLES, CATEGORIES, NOTICES, SITE]).await;
    (app, anon, admin)
}

async fn status(anon: &Client, path: &str) -> u16 {
    anon.get(path).await.status
}

#[actix_web::test]
async fn a_former_slug_that_is_given_up_or_withdrawn_leads_nowhere() {
    let (app, anon, admin) = set().await;
    let id = anon.get(TIDE).await.data(200)["id"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        anon.get(FORMER).await.expect(301);
    }
    admin.patch(&format!("{ARTICLES}/{id}"), json!({"former_slugs": []})).await.expect(200);
    anon.get(FORMER).await.expect(404);
    admin.article("Ebb", None).await;
    assert_eq!(anon.get(FORMER).await.data(200)["title"], "Ebb");
    admin.patch(&format!("{ARTICLES}/{id}"), json!({"former_slugs": ["flow"]})).await.expect(200);
    anon.get("/api/v1/articles/flow").await.expect(301);
    execute(&app.db.url, "DELETE FROM article_slugs WHERE slug = 'flow'").await;
    until("the former slug to be gone", async || status(&anon, "/api/v1/articles/flow").await == 404).await;
}

#[actix_web::test]
async fn times_that_a_statement_sets_are_shown() {
    let (app, anon, _) = set().await;
    for (column, table, path) in [
        ("created_at", "articles", TIDE),
        ("updated_at", "articles", TIDE),
        ("updated_at", "categories", "/api/v1/categories/sea"),
    ] {
        anon.get(path).await.expect(200);
        let sql = format!("UPDATE {table} SET {column} = '2001-02-03T00:00:00Z'");
        execute(&app.db.url, &sql).await;
        let shown =
            async || anon.get(path).await.data(200)[column].as_str().unwrap().starts_with("2001-02-03");
        until(column, shown).await;
    }
}

#[actix_web::test]
async fn a_table_that_is_emptied_is_empty_in_answers() {
    let (app, anon, _) = set().await;
    execute(&app.db.url, "TRUNCATE articles, notices CASCADE").await;
    until("the articles to be gone", async || status(&anon, TIDE).await == 404).await;
    for path in [ARTICLES, NOTICES] {
        assert_eq!(anon.get(path).await.data(200), json!([]), "{path}");
    }
    execute(&app.db.url, "TRUNCATE categories CASCADE").await;
    until("the categories to be gone", async || anon.get(CATEGORIES).await.data(200) == json!([])).await;
}

#[actix_web::test]
async fn what_a_step_has_undone_makes_nothing_stale() {
    let (app, anon, _) = set().await;
    let paths = [TIDE, ARTICLES, CATEGORIES, SITE];
    fill(&app, &anon, &paths).await;
    let mut tx = app.shared.app.begin().await.unwrap();
    let undone = tx
        .try_step(async |tx| {
            let sql = "UPDATE articles SET title = 'undone', version = version + 1";
            diesel_async::SimpleAsyncConnection::batch_execute(&mut **tx, sql).await.unwrap();
            Err::<(), _>(inkstone::error::Error::not_found())
        })
        .await
        .unwrap();
    assert!(undone.is_err());
    tx.try_step(async |tx| {
        let sql = "UPDATE site SET name = 'done', version = version + 1";
        diesel_async::SimpleAsyncConnection::batch_execute(&mut **tx, sql).await.unwrap();
        Ok(())
    })
    .await
    .unwrap()
    .unwrap();
    tx.touch("site");
    tx.commit().await.unwrap();
    assert_eq!(anon.get(SITE).await.data(200)["name"], "done");
    // What names the site is stale, and that is not for the articles' own sake.
    assert_eq!(list_forgotten(&app, &anon, &[CATEGORIES]).await, [""; 0]);
}
