//! What a failure means for what was to be written: nothing of it is there.

use inkstone::operations::Role;
use serde_json::json;

use crate::harness::TestApp;

/// Runs `statement` at the commit of each transaction that adds a category.
async fn at_commit(app: &TestApp, statement: &str) {
    let function = format!(
        "CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM {statement}; RETURN NULL; END $$"
    );
    app.db_execute(&function).await;
    app.db_execute(
        "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON categories DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION at_commit()",
    )
    .await;
}

#[actix_web::test]
async fn a_commit_that_outlasts_the_deadline_is_waited_for() {
    let (app, anon) = TestApp::start_with(&["--request-timeout", "1"]).await;
    let admin = app.db_member(Role::Admin).await;
    at_commit(&app, "pg_sleep(1.5)").await;
    admin.category("late", None).await;
    anon.get("/api/v1/categories/late").await.expect(200);
}

#[actix_web::test]
async fn work_that_outlasts_the_deadline_is_not_committed() {
    let (app, anon) = TestApp::start_with(&["--request-timeout", "1"]).await;
    let admin = app.db_member(Role::Admin).await;
    app.db_execute(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1.5); RETURN NEW; END $$",
    )
    .await;
    app.db_execute("CREATE TRIGGER slow BEFORE INSERT ON categories FOR EACH ROW EXECUTE FUNCTION slow()")
        .await;
    let answer = admin.post("/api/v1/categories", json!({"name": "Late", "slug": "late"})).await;
    assert_eq!(answer.problem(), (503, "unavailable".to_owned()));
    // The statement runs on without its client; a change of the table waits for its end.
    app.db_execute("ALTER TABLE categories DISABLE TRIGGER slow").await;
    anon.get("/api/v1/categories/late").await.expect(404);
}

#[actix_web::test]
async fn a_connection_lost_while_committing_leaves_the_outcome_open_and_says_so() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    at_commit(&app, "pg_terminate_backend(pg_backend_pid())").await;
    let answer = admin.post("/api/v1/categories", json!({"name": "Lost", "slug": "lost"})).await;
    assert_eq!(answer.problem(), (503, "outcome_unknown".to_owned()));
    assert!(answer.json()["detail"].as_str().unwrap().contains("may or may not"), "{}", answer.text());
    assert_eq!(answer.header("retry-after"), "1");
}

#[actix_web::test]
async fn a_tree_that_is_full_takes_no_more_categories() {
    let (app, _) = TestApp::start_with(&["--max-categories", "2"]).await;
    let admin = app.db_member(Role::Admin).await;
    admin.category("one", None).await;
    admin.category("two", None).await;
    let answer = admin.post("/api/v1/categories", json!({"name": "Three"})).await;
    assert_eq!(answer.problem(), (409, "too_many_categories".to_owned()));
    admin.delete("/api/v1/categories/one").await.expect(204);
    admin.category("three", None).await;
}
