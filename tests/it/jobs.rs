//! Long work in steps: deleting a category that holds many articles.

use diesel_async::SimpleAsyncConnection;
use inkstone::operations::Role;
use inkstone::{categories::moving, db};
use serde_json::json;

use crate::harness::machine::{ask, until};
use crate::harness::{Client, TestApp};

/// Articles that are more than a step moves.
const MANY: i64 = 2_500;

/// A category `full` with [`MANY`] articles and a category in it, and `other`.
async fn scene() -> (TestApp, Client) {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for (slug, parent) in [("full", None), ("inner", Some("full")), ("other", None)] {
        editor.category(slug, parent).await;
    }
    app.db_execute(&format!(
        "INSERT INTO articles (id, slug, title, summary, body, sanitizer, status, published_at, category_id)
         SELECT gen_random_uuid(), 's-' || n, 'T', '', '', 1, 'published', now(), categories.id
         FROM generate_series(1, {MANY}) n, categories WHERE categories.slug = 'full'"
    ))
    .await;
    (app, editor)
}

const DELETE: &str = "/api/v1/categories/full?move_to=other";

async fn is_in(editor: &Client, job: &str, state: &str) -> bool {
    editor.get(job).await.data(200)["state"] == state
}

#[actix_web::test]
async fn a_full_category_is_emptied_in_steps_and_then_deleted() {
    let (app, editor) = scene().await;
    let answer = editor.delete(DELETE).await.expect(202);
    let job = answer.header("location").to_owned();
    assert_eq!(
        (&answer.data(202)["kind"], job.starts_with("/api/v1/jobs/")),
        (&json!("category_move"), true)
    );
    until("the move to end", async || is_in(&editor, &job, "done").await).await;
    let ended = editor.get(&job).await.data(200);
    assert_eq!((&ended["done"], &ended["total"]), (&json!(MANY), &json!(MANY)));
    editor.get("/api/v1/categories/full").await.expect(404);
    let other = editor.get("/api/v1/categories/other").await.data(200);
    assert_eq!((&other["article_count"], &other["children"][0]["slug"]), (&json!(MANY), &json!("inner")));
    let recorded = "SELECT count(*) FROM changes WHERE entity = 'article' AND action = 'update' AND fields = '{category}'";
    assert_eq!(ask(&app.db.url, recorded).await, MANY.to_string());
    let largest =
        "SELECT max(n) FROM (SELECT count(*) n FROM changes WHERE entity = 'article' GROUP BY xid) AS steps";
    assert_eq!(ask(&app.db.url, largest).await, "1000", "no transaction moves more");
}

#[actix_web::test]
async fn a_locked_article_keeps_a_move_open_and_nothing_else() {
    let (app, editor) = scene().await;
    let mut conn = db::pool::open(app.db.url.clone()).await.unwrap();
    conn.batch_execute("BEGIN; SELECT FROM articles WHERE slug = 's-7' FOR UPDATE").await.unwrap();
    let job = editor.delete(DELETE).await.expect(202).header("location").to_owned();
    until("all others to move", async || editor.get(&job).await.data(200)["done"] == MANY - 1).await;
    // Asked again, it is the same work.
    assert_eq!(editor.delete(DELETE).await.expect(202).header("location"), job);
    editor.category("new", Some("full")).await;
    editor.article("New", Some("full")).await;
    conn.batch_execute("ROLLBACK").await.unwrap();
    moving::run_jobs(&app.shared.app).await.unwrap();
    until("the move to end", async || is_in(&editor, &job, "done").await).await;
    let other = editor.get("/api/v1/categories/other").await.data(200);
    assert_eq!(other["article_count"], MANY + 1);
    editor.get("/api/v1/categories/new").await.expect(200);
}

#[actix_web::test]
async fn a_move_whose_target_is_gone_says_so() {
    let (app, editor) = scene().await;
    let mut conn = db::pool::open(app.db.url.clone()).await.unwrap();
    conn.batch_execute("BEGIN; SELECT FROM articles WHERE slug = 's-7' FOR UPDATE").await.unwrap();
    let job = editor.delete(DELETE).await.expect(202).header("location").to_owned();
    until("all others to move", async || editor.get(&job).await.data(200)["done"] == MANY - 1).await;
    editor.delete("/api/v1/categories/other?move_to=inner").await.expect(202);
    until("the second move to end", async || editor.get("/api/v1/categories/other").await.status == 404)
        .await;
    moving::run_jobs(&app.shared.app).await.unwrap();
    until("the first to fail", async || is_in(&editor, &job, "failed").await).await;
    assert!(editor.get(&job).await.data(200)["detail"].as_str().unwrap().contains("gone"));
    editor.get("/api/v1/categories/full").await.expect(200);
}

#[actix_web::test]
async fn few_articles_move_at_once() {
    let (app, editor) = scene().await;
    app.db_execute("UPDATE articles SET category_id = NULL WHERE slug > 's-10'").await;
    editor.delete(DELETE).await.expect(204);
    editor.get("/api/v1/categories/full").await.expect(404);
    assert_eq!(ask(&app.db.url, "SELECT count(*) FROM jobs").await, "0");
}
