//! Counting views.

use diesel_async::SimpleAsyncConnection;
use inkstone::db;
use serde_json::json;
use uuid::Uuid;

use super::{ARTICLES, at};
use crate::harness::{Client, TestApp};
use inkstone::operations::Role;
use reqwest::Method;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

async fn open_as(client: &Client, path: &str, agent: &str) {
    let request = client.request(Method::POST, &format!("{path}/views")).header("user-agent", agent);
    request.send().await.expect(204);
}

async fn views(app: &TestApp, client: &Client, path: &str) -> i64 {
    app.shared.counter.flush(&app.shared.app).await.unwrap();
    // An answer to visitors may be some seconds old.
    app.shared.app.follower.forget_all();
    client.get(path).await.data(200)["views"].as_i64().unwrap()
}

#[actix_web::test]
async fn a_client_counts_once_and_a_bot_never() {
    let (app, anon) = TestApp::start_with(&["--view-window", "600"]).await;
    let admin = app.db_member(Role::Admin).await;
    let [one, other] = [at(&admin.article("One", None).await), at(&admin.article("Other", None).await)];
    for _ in 0..3 {
        open_as(&anon, &one, FIREFOX).await;
    }
    open_as(&anon, &one, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)").await;
    assert_eq!(views(&app, &anon, &one).await, 1);
    open_as(&anon, &one, "another browser").await;
    open_as(&anon, &other, FIREFOX).await;
    assert_eq!([views(&app, &anon, &one).await, views(&app, &anon, &other).await], [2, 1]);
}

#[actix_web::test]
async fn a_batch_counts_each_article_and_names_those_that_are_unknown() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let article = admin.article("One", None).await;
    let draft = admin.post(ARTICLES, json!({"title": "Draft", "body": ""})).await.data(201);
    let nobody = Uuid::now_v7();
    let batch = format!("{ARTICLES}/views");
    let answer = anon.post(&batch, json!({"ids": [article["id"], draft["id"], nobody]})).await;
    assert_eq!(answer.data(200), json!({"unknown": [draft["id"], nobody]}));
    assert_eq!(views(&app, &anon, &at(&article)).await, 1);
    assert_eq!(admin.get(&at(&draft)).await.data(200)["views"], 0);
    let many: Vec<Uuid> = (0..101).map(|_| Uuid::now_v7()).collect();
    assert_eq!(anon.post(&batch, json!({"ids": many})).await.faults()[0].0, "/ids");
    anon.post(&batch, json!({"ids": []})).await.expect(422);
}

#[actix_web::test]
async fn a_locked_article_keeps_no_other_view_waiting_and_loses_none() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let [locked, free] = [at(&admin.article("Locked", None).await), at(&admin.article("Free", None).await)];
    let mut conn = db::pool::open(app.db.url.clone()).await.unwrap();
    for lock in [
        "SELECT FROM articles WHERE title = 'Locked' FOR UPDATE",
        "SELECT FROM article_views JOIN articles ON id = article_id WHERE title = 'Locked' FOR UPDATE OF article_views",
    ] {
        let before = [views(&app, &anon, &locked).await, views(&app, &anon, &free).await];
        conn.batch_execute(&format!("BEGIN; {lock}")).await.unwrap();
        for path in [&locked, &free] {
            anon.act(&format!("{path}/views")).await.expect(204);
        }
        let during = [views(&app, &anon, &locked).await, views(&app, &anon, &free).await];
        assert_eq!(during, [before[0], before[1] + 1], "{lock}");
        conn.batch_execute("ROLLBACK").await.unwrap();
        app.shared.counter.flush_all(&app.shared.app, std::time::Duration::from_secs(5)).await.unwrap();
        assert_eq!(views(&app, &anon, &locked).await, before[0] + 1, "{lock}");
    }
}
