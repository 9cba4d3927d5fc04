//! Searching, through the API.

mod alike;
mod building;
mod hidden;
mod inputs;
mod lists;
mod model;
mod nodes;
mod processes;
mod ranking;
mod site;
mod truth;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Client, TestApp};

/// Publishes an article.
async fn publish(editor: &Client, article: Value) -> Value {
    let mut article = article;
    article["status"] = json!("published");
    editor.post("/api/v1/articles", article).await.data(201)
}

/// The titles of a list, in its order.
async fn titles(client: &Client, path: &str, query: &[(&str, &str)]) -> Vec<String> {
    let answer = ask(client, path, query).await;
    answer["data"].as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap().to_owned()).collect()
}

/// The answer to a query.
async fn ask(client: &Client, path: &str, query: &[(&str, &str)]) -> Value {
    let query: Vec<String> =
        query.iter().map(|(name, value)| format!("{name}={}", urlencode(value))).collect();
    client.request(Method::GET, &format!("{path}?{}", query.join("&"))).send().await.expect(200).json()
}

fn urlencode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// A server with an index, a visitor and an editor.
async fn start() -> (TestApp, Client, Client) {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(inkstone::operations::Role::Editor).await;
    (app, anon, editor)
}
