//! Accounts, sessions, tokens, and the admins who run them.

mod abuse;
mod accounts;
mod admin;
mod api_keys;
mod auth;
mod commands;
mod mail;
mod passwords;
mod profile;
mod sessions;
mod smtp;
mod throttle;
mod tokens;

use serde_json::{Value, json};

use crate::harness::{Answer, Client, TestApp, column};

/// A password that is allowed.
pub const PASSWORD: &str = "three long words";
/// Who one is.
const ME: &str = "/api/v1/members/me";

/// Registers a member with [`PASSWORD`].
async fn register(anon: &Client, email: &str) -> Value {
    let body = json!({"email": email, "password": PASSWORD, "display_name": "Mo"});
    anon.post("/api/v1/auth/register", body).await.data(201)
}

/// The answer to a login.
async fn login(anon: &Client, email: &str, password: &str) -> Answer {
    anon.post("/api/v1/auth/login", json!({"email": email, "password": password})).await
}

/// A client in a new session of a member with [`PASSWORD`].
async fn signed_in(app: &TestApp, email: &str) -> Client {
    let session = login(&Client::new(&app.url, None), email, PASSWORD).await.data(200);
    Client::new(&app.url, session["access_token"].as_str().map(str::to_owned))
}

/// A problem without the id of its request.
pub fn masked(answer: &Answer) -> Value {
    let mut body = answer.json();
    assert!(body.as_object_mut().unwrap().remove("request_id").is_some());
    body
}

/// The values under `key` of all rows of `list` (with a query), page by page.
pub async fn walked(client: &Client, list: &str, key: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut path = list.to_owned();
    loop {
        let body = client.get(&path).await.expect(200).json();
        found.extend(column(&body["data"], key));
        let Some(cursor) = body["page"]["next_cursor"].as_str() else { return found };
        path = format!("{list}&cursor={cursor}");
    }
}
