//! Time tells nobody whether there is an account: logins and forgotten passwords take as long without one.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod support;
#[path = "support/timed.rs"]
mod timed;
#[path = "support/times.rs"]
mod times;

use std::time::Duration;

use anyhow::ensure;
use reqwest::Client;
use serde_json::{Value, json};
use support::{ADMIN, Server, block_on, login};
use timed::timed;
use times::quantile;

const MISSING: &str = "nobody@localhost";
/// Requests of each kind.
const SAMPLES: usize = 300;
/// How far apart the medians may be, in milliseconds.
const LIMIT: f64 = 5.0;

/// Compares requests of a kind for an account that exists with those for one that does not.
async fn compare(
    server: &Server,
    path: &str,
    status: u16,
    body: impl Fn(&str) -> Value,
) -> anyhow::Result<()> {
    let client = Client::new();
    let time = async |email| timed(server.post(&client, path, &body(email)), status).await;
    for email in [ADMIN, MISSING].iter().cycle().take(20) {
        time(email).await?;
    }
    let (mut existing, mut missing): (Vec<Duration>, Vec<Duration>) = Default::default();
    for number in 0..SAMPLES {
        // Taking turns at going first, so that neither profits from the other.
        if number % 2 == 0 {
            existing.push(time(ADMIN).await?);
            missing.push(time(MISSING).await?);
        } else {
            missing.push(time(MISSING).await?);
            existing.push(time(ADMIN).await?);
        }
    }
    let (existing, missing) = (quantile(&mut existing, 0.5), quantile(&mut missing, 0.5));
    let apart = (existing - missing).abs();
    println!(
        "{path}: median {existing:.2} ms with an account, {missing:.2} ms without, {apart:.2} ms apart, at most {LIMIT}"
    );
    ensure!(apart <= LIMIT, "{path} tells by its time whether there is an account");
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let server = Server::start(&["--mail-url", "file://"])?;
    block_on(async {
        compare(&server, "/auth/login", 401, |email| login(email, "three wrong words")).await?;
        compare(&server, "/auth/password/forgot", 202, |email| json!({"email": email})).await
    })
}
