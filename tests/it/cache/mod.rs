//! Answers that are kept ready: what is served from them, and what makes them stale.

mod codings;
mod conditions;
mod hidden;
mod hits;
mod invalidation;
mod members;
mod model;
mod outside;
mod poisoning;
mod proxies;
pub mod staleness;
mod times;

use reqwest::Method;
use reqwest::redirect::Policy;

use crate::harness::{Answer, Client, TestApp};

pub const ARTICLES: &str = "/api/v1/articles";
pub const CATEGORIES: &str = "/api/v1/categories";
pub const NOTICES: &str = "/api/v1/notices";
pub const SITE: &str = "/api/v1/site";

/// Answers from the cache so far.
pub fn hits(app: &TestApp) -> u64 {
    app.shared.answers.numbers().hits.get()
}

/// Asks, and tells whether the answer came from the cache.
pub async fn ask(app: &TestApp, client: &Client, path: &str) -> (bool, Answer) {
    let before = hits(app);
    let answer = client.get(path).await;
    (hits(app) > before, answer)
}

/// Whether the answer to a visitor is kept.
pub async fn is_kept(app: &TestApp, client: &Client, path: &str) -> bool {
    ask(app, client, path).await.0
}

/// Asks for each of `paths`, so that its answer is kept.
pub async fn fill(app: &TestApp, client: &Client, paths: &[&str]) {
    crate::harness::machine::until("the log to be followed", async || app.shared.app.follower.is_current())
        .await;
    for path in paths {
        client.get(path).await.expect(200);
        assert!(is_kept(app, client, path).await, "{path}");
    }
}

/// Those of `paths` whose answers are not kept any more.
pub async fn list_forgotten<'p>(app: &TestApp, client: &Client, paths: &[&'p str]) -> Vec<&'p str> {
    let mut forgotten = Vec::new();
    for path in paths {
        if !is_kept(app, client, path).await {
            forgotten.push(*path);
        }
    }
    forgotten
}

/// Waits until the last change of what is at `path` has settled: until then the time that is told of it is an earlier one.
pub async fn settle(client: &Client, path: &str) {
    let future = "Fri, 01 Jan 2100 00:00:00 GMT";
    crate::harness::machine::until("the last change to have settled", async || {
        client.request(Method::GET, path).header("if-modified-since", future).send().await.status == 304
    })
    .await;
}

/// The same client at `base`, which is not led on by 301.
pub fn staying(client: &Client, base: &str) -> Client {
    let http = reqwest::Client::builder().tls_certs_only([]).redirect(Policy::none()).build().unwrap();
    client.through(base, http)
}
