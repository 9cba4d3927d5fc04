//! Accounts, sessions and tokens, and operations of admins on them.

mod abuse;
mod accounts;
mod admin;
mod api_keys;
mod auth;
mod commands;
mod mail;
mod passwords;
mod prehijack;
mod profile;
mod races;
mod sessions;
mod smtp;
mod throttle;
mod tokens;

use serde_json::{Value, json};

use crate::harness::{Answer, Client, TestApp, column};

/// A valid password.
pub const PASSWORD: &str = "three long words";
/// The path of the own profile.
const ME: &str = "/api/v1/members/me";

/// Registers a member with [`PASSWORD`].
async fn register(anon: &Client, email: &str) -> Value {
    let body = json!({"email": email, "password": PASSWORD, "display_name": "Mo"});
    anon.post("/api/v1/auth/register", body).await.data(201)
}

/// Logs in and returns the answer.
async fn login(anon: &Client, email: &str, password: &str) -> Answer {
    anon.post("/api/v1/auth/login", json!({"email": email, "password": password})).await
}

/// Signs in a member with [`PASSWORD`] and returns its client.
async fn sign_in(app: &TestApp, email: &str) -> Client {
    let session = login(&Client::new(&app.url, None), email, PASSWORD).await.data(200);
    Client::new(&app.url, session["access_token"].as_str().map(str::to_owned))
}

/// Returns a problem document without its request id.
pub fn masked(answer: &Answer) -> Value {
    let mut body = answer.json();
    assert!(body.as_object_mut().unwrap().remove("request_id").is_some());
    body
}

/// Reads all pages of `list`, a path with a query, and returns the values under `key`.
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
