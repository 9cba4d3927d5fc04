//! Bulk import and export.

mod bodies;
mod commands;
mod crashes;
mod export;
mod faults;
mod modes;
mod together;

use inkstone::members::model::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, TestApp};

const IMPORT: &str = "/api/v1/articles/import";
const NDJSON: &str = "application/x-ndjson";

/// A server and an editor.
async fn start() -> (TestApp, Client) {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    (app, editor)
}

/// Rows as NDJSON.
fn ndjson(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

/// A row with this external id and title.
fn row(id: &str, title: &str) -> Value {
    json!({"external_id": id, "title": title, "body": format!("<p>{title}</p>"), "status": "published", "published_at": "2019-09-20T00:00:00Z"})
}

/// `count` rows, numbered.
fn rows(count: usize) -> Vec<Value> {
    (0..count).map(|at| row(&format!("n-{at}"), &format!("Number {at}"))).collect()
}

/// Sends `body` to the articles' import, with `query`.
async fn send(client: &Client, query: &str, label: &str, body: impl Into<reqwest::Body>) -> Answer {
    client.request(Method::POST, &format!("{IMPORT}{query}")).labelled(label, body).send().await
}

/// Imports `rows` with `query` and returns the summary.
async fn import(client: &Client, query: &str, rows: &[Value]) -> Value {
    send(client, query, NDJSON, ndjson(rows)).await.data(200)
}

/// What a summary says of rows: created, updated, unchanged, failed.
fn counts(summary: &Value) -> [i64; 4] {
    ["created", "updated", "unchanged", "failed"].map(|key| summary[key].as_i64().unwrap())
}

/// The code of each error of a summary, by line.
fn errors(summary: &Value) -> Vec<(i64, String, String)> {
    let errors = summary["errors"].as_array().unwrap().iter();
    let text = |error: &Value, key: &str| error[key].as_str().unwrap().to_owned();
    errors
        .map(|error| (error["line"].as_i64().unwrap(), text(error, "pointer"), text(error, "code")))
        .collect()
}

/// The article with this external id.
async fn article(client: &Client, id: &str) -> Value {
    client.get(&format!("/api/v1/articles/by-external-id/{id}")).await.data(200)
}

/// All articles there are, of any status.
async fn total(client: &Client) -> i64 {
    let list = client.get("/api/v1/articles?status=draft,published,archived&count=true&page_size=1").await;
    list.expect(200).json()["page"]["total"].as_i64().unwrap()
}
