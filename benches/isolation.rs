//! Readers during a flood of logins: the slowest hundredth may wait three times as long as on an idle server.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::future::join_all;
use reqwest::Client;
use serde_json::{Value, json};
use support::{ADMIN, PASSWORD, Server, block_on, login, quantile, timed};

/// Logins at once.
const PARALLEL: usize = 64;
/// How long the flood lasts, and how long the idle server is read before it.
const SPAN: Duration = Duration::from_secs(10);
/// How much longer the slowest hundredth of readers may wait.
const LIMIT: f64 = 3.0;

/// What became of the logins of a flood.
#[derive(Default)]
struct Flood {
    judged: AtomicUsize,
    turned_away: AtomicUsize,
    other: AtomicUsize,
}

/// Publishes an article and returns its address.
async fn article(server: &Server, client: &Client) -> anyhow::Result<String> {
    let login = server.post(client, "/auth/login", &login(ADMIN, PASSWORD)).send().await?;
    let session: Value = login.error_for_status()?.json().await?;
    let token = session["data"]["access_token"].as_str().context("a token")?;
    let body = json!({"title": "News", "body": "<p>Fit to print.</p>".repeat(100), "status": "published"});
    let made = server.post(client, "/articles", &body).bearer_auth(token).send().await?;
    let article: Value = made.error_for_status()?.json().await?;
    Ok(format!("{}/api/v1/articles/{}", server.url, article["data"]["id"].as_str().context("an id")?))
}

/// Reads `article` again and again.
async fn read(client: &Client, article: &str) -> anyhow::Result<Vec<Duration>> {
    let (end, mut times) = (Instant::now() + SPAN, Vec::new());
    while Instant::now() < end {
        times.push(timed(client.get(article), 200).await?);
        // A reader has thoughts too; without a pause this thread would be a load of its own.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(times)
}

/// Tries wrong passwords, many at once.
async fn flood(server: &Server, seen: &Flood) {
    let (client, end) = (Client::new(), Instant::now() + SPAN);
    let body = login(ADMIN, "three wrong words");
    let guesser = async || {
        while Instant::now() < end {
            let answer = server.post(&client, "/auth/login", &body).send().await;
            let count = match answer.map(|answer| answer.status().as_u16()) {
                Ok(401) => &seen.judged,
                Ok(429 | 503) => &seen.turned_away,
                _ => &seen.other,
            };
            count.fetch_add(1, Ordering::Relaxed);
        }
    };
    join_all((0..PARALLEL).map(|_| guesser())).await;
}

fn main() -> anyhow::Result<()> {
    let server = Server::start(&[])?;
    let client = Client::new();
    let seen = Flood::default();
    let (mut idle, mut flooded) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            block_on(async {
                let article = article(&server, &client).await?;
                let idle = read(&client, &article).await?;
                let flooding = scope.spawn(|| {
                    block_on(async {
                        flood(&server, &seen).await;
                        Ok(())
                    })
                });
                let flooded = read(&client, &article).await?;
                flooding.join().ok().context("the flood failed")??;
                Ok((idle, flooded))
            })
        });
        reader.join().ok().context("the reader failed")?
    })?;
    let count = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    println!(
        "flood: {} judged, {} turned away, {} otherwise",
        count(&seen.judged),
        count(&seen.turned_away),
        count(&seen.other)
    );
    for (name, times) in [("idle", &mut idle), ("flood", &mut flooded)] {
        let (median, slow) = (quantile(times, 0.5), quantile(times, 0.99));
        println!("{name}: {} reads, median {median:.2} ms, p99 {slow:.2} ms", times.len());
    }
    let ratio = quantile(&mut flooded, 0.99) / quantile(&mut idle, 0.99);
    println!("p99 ratio {ratio:.2}, at most {LIMIT}");
    ensure!(count(&seen.judged) > 0 && count(&seen.other) == 0, "the flood was none");
    ensure!(ratio <= LIMIT, "readers wait {ratio:.2} times as long during a flood");
    Ok(())
}
