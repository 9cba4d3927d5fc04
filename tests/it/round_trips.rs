//! How often an operation waits for the database.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::json;
use tokio_postgres::NoTls;

use crate::harness::wire::{FOLLOWER, Wire};
use crate::harness::{Answer, Client, TestApp, cluster};

const ARTICLES: &str = "/api/v1/articles";

/// The most round trips an operation may take once its statements are prepared.
const MOST_ROUND_TRIPS: [(&str, usize); 12] = [
    ("get_article", 1),
    ("list_articles", 1),
    ("list_articles?category=", 1),
    ("get_category", 1),
    ("list_notices", 1),
    ("create_article", 4),
    ("update_article title", 4),
    ("update_article title, body", 5),
    ("count_article_view", 1),
    // One batch: the session, what is there when it is prepared and when it is written, the commit; and two for its end.
    ("import_articles unchanged", 6),
    // One more for the rows.
    ("import_articles new", 7),
    // One more for the locks.
    ("import_articles changed", 8),
];

/// Sends one request of `operation`. `turn` makes every write a change.
async fn send(operation: &str, anon: &Client, editor: &Client, turn: usize) -> Answer {
    let title = format!("第{turn}号");
    let body = format!("<p>{}</p>", "潮水每天来两次。".repeat(turn));
    match operation {
        "get_article" => anon.get(&format!("{ARTICLES}/tide-tables")).await,
        "list_articles" => anon.get(ARTICLES).await,
        "list_articles?category=" => anon.get(&format!("{ARTICLES}?category=news")).await,
        "get_category" => anon.get("/api/v1/categories/local").await,
        "list_notices" => anon.get("/api/v1/notices").await,
        "create_article" => {
            let new = json!({"title": title, "body": body, "category": "local", "status": "published"});
            editor.post(ARTICLES, new).await
        }
        "update_article title" => {
            editor.patch(&format!("{ARTICLES}/tide-tables"), json!({"title": title})).await
        }
        "update_article title, body" => {
            editor.patch(&format!("{ARTICLES}/tide-tables"), json!({"title": title, "body": body})).await
        }
        "count_article_view" => {
            anon.request(Method::POST, &format!("{ARTICLES}/tide-tables/views")).send().await
        }
        "import_articles new" => import(editor, &format!("new-{turn}"), &title).await,
        "import_articles changed" => import(editor, "changed", &title).await,
        "import_articles unchanged" => import(editor, "unchanged", "Unchanged").await,
        other => panic!("{other} is no operation"),
    }
}

/// Imports 200 articles of a category.
async fn import(editor: &Client, ids: &str, title: &str) -> Answer {
    let row = |at: usize| json!({"external_id": format!("{ids}-{at}"), "title": format!("{title} {at}"), "category": "local"});
    let rows: String = (0..200).map(|at| format!("{}\n", row(at))).collect();
    editor
        .request(Method::POST, "/api/v1/articles/import")
        .labelled("application/x-ndjson", rows)
        .send()
        .await
}

#[actix_web::test]
async fn no_operation_waits_for_the_database_more_often_than_it_may() {
    let (app, anon, wire) = TestApp::start_counting().await;
    let editor = app.db_member(Role::Editor).await;
    editor.category("news", None).await;
    editor.category("local", Some("news")).await;
    let notice = json!({"kind": "notice", "title": "通知", "status": "published"});
    editor.post("/api/v1/notices", notice).await.expect(201);
    let article = json!({
        "title": "潮汐表", "slug": "tide-tables", "body": "<p>潮水</p>", "category": "local", "status": "published",
    });
    editor.post(ARTICLES, article).await.expect(201);
    import(&editor, "changed", "Before").await.expect(200);
    import(&editor, "unchanged", "Unchanged").await.expect(200);
    let mut turn = 0;
    let mut over = Vec::new();
    for (operation, most) in MOST_ROUND_TRIPS {
        let took = wire
            .fewest(async || {
                turn += 1;
                // What is counted is the making of an answer.
                app.shared.app.follower.forget_answers();
                let answer = send(operation, &anon, &editor, turn).await;
                assert!((200..300).contains(&answer.status), "{operation}: {}", answer.text());
            })
            .await;
        println!("{operation:<28} {took:>2} round trips (at most {most})");
        // Zero would mean that the server goes around the proxy.
        if !(1..=most).contains(&took) {
            over.push((operation, took, most));
        }
    }
    assert!(over.is_empty(), "operation, round trips, at most: {over:?}");
}

/// A connection through `wire` that says it is `name`.
async fn connect(wire: &Wire, name: &str) -> tokio_postgres::Client {
    let mut config: tokio_postgres::Config = wire.url.parse().unwrap();
    let config = config.application_name(name).clone();
    let (client, connection) =
        cluster::runtime().spawn(async move { config.connect(NoTls).await.unwrap() }).await.unwrap();
    cluster::runtime().spawn(connection);
    client
}

#[actix_web::test]
async fn a_database_behind_tcp_is_counted_too() {
    let db = cluster::fresh_database().await;
    let inner = Wire::start(&db.url, &[], &cluster::runtime()).await;
    // The inner proxy is a database behind TCP.
    let outer = Wire::start(&inner.url, &[], &cluster::runtime()).await;
    connect(&outer, "inkstone").await.simple_query("SELECT 1").await.unwrap();
    assert_eq!((outer.count(), inner.count()), (1, 1));
}

#[actix_web::test]
async fn a_round_trip_is_one_burst_of_messages() {
    let db = cluster::fresh_database().await;
    let wire = Wire::start(&db.url, &[FOLLOWER], &cluster::runtime()).await;
    let client = connect(&wire, "inkstone").await;
    assert_eq!(wire.count(), 0, "connecting is none");
    let one = client.prepare("SELECT 1").await.unwrap();
    assert_eq!(wire.count(), 1, "preparing is one");
    client.query(&one, &[]).await.unwrap();
    client.simple_query("SELECT 1; SELECT 2").await.unwrap();
    client.query("SELECT repeat('x', 1000000)", &[]).await.unwrap();
    // The last statement was prepared, and closed without waiting.
    assert_eq!(wire.count(), 5);
    let follower = connect(&wire, FOLLOWER).await;
    follower.simple_query("SELECT 1").await.unwrap();
    assert_eq!(wire.count(), 5, "a connection that is left out is not counted");
    let pipelined = wire
        .fewest(async || drop(futures::future::join(client.query(&one, &[]), client.query(&one, &[])).await));
    assert_eq!(pipelined.await, 1, "pipelined statements are one");
    wire.reset();
    assert!(client.query("SELECT 1 / 0", &[]).await.is_err());
    client.query(&one, &[]).await.unwrap();
    assert_eq!(wire.count(), 3, "a statement that fails is answered too");
}
