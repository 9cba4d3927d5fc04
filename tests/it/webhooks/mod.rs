//! Webhooks: who is told what has changed, and how surely.

mod addresses;
mod asking;
mod failing;
mod lanes;
mod managing;
mod processes;
mod receiver;
mod telling;

use inkstone::operations::Role;
use serde_json::{Value, json};

use crate::harness::machine::until;
use crate::harness::{Client, TestApp};
use receiver::Receiver;

const WEBHOOKS: &str = "/api/v1/webhooks";
/// Lets webhooks lead to the receivers of the tests.
const ALLOW: [&str; 2] = ["--webhook-allow", "127.0.0.0/8"];

/// A server whose webhooks may lead to this machine, and an admin.
async fn start() -> (TestApp, Client) {
    let (app, _) = TestApp::start_with(&ALLOW).await;
    let admin = app.db_member(Role::Admin).await;
    (app, admin)
}

/// Creates a webhook that leads to `receiver`. Returns it with its secret.
async fn subscribe(admin: &Client, receiver: &Receiver, events: &[&str]) -> Value {
    let body = json!({"url": receiver.url, "events": events});
    admin.post(WEBHOOKS, body).await.data(201)
}

fn path_of(webhook: &Value) -> String {
    format!("{WEBHOOKS}/{}", webhook["id"].as_str().unwrap())
}

/// The deliveries of a webhook, the oldest first.
async fn deliveries(admin: &Client, webhook: &Value) -> Vec<Value> {
    let path = format!("{}/deliveries?page_size=100", path_of(webhook));
    let mut rows = admin.get(&path).await.data(200).as_array().unwrap().clone();
    rows.reverse();
    rows
}

/// Waits until a webhook has so many deliveries in `state`.
async fn until_in_state(admin: &Client, webhook: &Value, state: &str, count: usize) {
    let found = async || {
        let all = deliveries(admin, webhook).await;
        all.iter().filter(|one| one["state"] == state).count() == count
    };
    until(&format!("{count} deliveries to be {state}"), found).await;
}
