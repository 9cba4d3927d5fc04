//! Bulk import and export.

mod bodies;
mod commands;
mod concurrency;
mod crashes;
mod duplicates;
mod export;
mod faults;
mod limits;
mod modes;
mod statistics;
mod warnings;

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, TestApp};

const IMPORT: &str = "/api/v1/articles/import";
const NDJSON: &str = "application/x-ndjson";

/// Starts a server. Returns it with an editor.
async fn start_app() -> (TestApp, Client) {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    (app, editor)
}

/// Formats rows as NDJSON.
fn to_ndjson(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

/// A published row with this external id and title.
fn make_row(id: &str, title: &str) -> Value {
    json!({"external_id": id, "title": title, "body": format!("<p>{title}</p>"), "status": "published", "published_at": "2019-09-20T00:00:00Z"})
}

/// `count` rows with the external ids `n-0`, `n-1`, ….
fn make_rows(count: usize) -> Vec<Value> {
    (0..count).map(|at| make_row(&format!("n-{at}"), &format!("Number {at}"))).collect()
}

/// Sends `body` to the import of articles, with `query`.
async fn send_body(client: &Client, query: &str, media_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    client.request(Method::POST, &format!("{IMPORT}{query}")).labelled(media_type, body).send().await
}

/// Imports `rows` with `query` and returns the summary.
async fn import_rows(client: &Client, query: &str, rows: &[Value]) -> Value {
    send_body(client, query, NDJSON, to_ndjson(rows)).await.data(200)
}

/// The counts of a summary: created, updated, unchanged, failed.
fn outcome_counts(summary: &Value) -> [i64; 4] {
    ["created", "updated", "unchanged", "failed"].map(|key| summary[key].as_i64().unwrap())
}

/// Line, pointer and code of each error of a summary.
fn row_errors(summary: &Value) -> Vec<(i64, String, String)> {
    let errors = summary["errors"].as_array().unwrap().iter();
    let text = |error: &Value, key: &str| error[key].as_str().unwrap().to_owned();
    errors
        .map(|error| (error["line"].as_i64().unwrap(), text(error, "pointer"), text(error, "code")))
        .collect()
}

/// Loads the article with this external id.
async fn load_article(client: &Client, id: &str) -> Value {
    client.get(&format!("/api/v1/articles/by-external-id/{id}")).await.data(200)
}

/// Counts the articles of any status.
async fn count_articles(client: &Client) -> i64 {
    let list = client.get("/api/v1/articles?status=draft,published,archived&count=exact&page_size=1").await;
    list.expect(200).json()["page"]["total"].as_i64().unwrap()
}
