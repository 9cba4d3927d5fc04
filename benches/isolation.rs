//! Readers beside a flood of logins, and beside writers of long markdown: no read fails, and the slowest
//! hundredth may wait three times as long as on an idle server.

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

/// Writers at once.
const WRITERS: usize = 32;
/// The length of what each of them writes, in bytes of markdown.
const MARKDOWN_BYTES: usize = 800_000;

/// What became of the requests beside the readers.
#[derive(Default)]
struct Load {
    done: AtomicUsize,
    turned_away: AtomicUsize,
    other: AtomicUsize,
}

impl Load {
    fn count(&self, done: u16, answer: reqwest::Result<reqwest::Response>) {
        let count = match answer.map(|answer| answer.status().as_u16()) {
            Ok(status) if status == done => &self.done,
            Ok(429 | 503) => &self.turned_away,
            _ => &self.other,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Signs the admin in and returns the token.
async fn sign_in(server: &Server, client: &Client) -> anyhow::Result<String> {
    let login = server.post(client, "/auth/login", &login(ADMIN, PASSWORD)).send().await?;
    let session: Value = login.error_for_status()?.json().await?;
    Ok(session["data"]["access_token"].as_str().context("a token")?.to_owned())
}

/// Publishes an article and returns its address.
async fn article(server: &Server, client: &Client) -> anyhow::Result<String> {
    let token = sign_in(server, client).await?;
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
async fn flood(server: &Server, load: &Load) -> anyhow::Result<()> {
    let (client, end) = (Client::new(), Instant::now() + SPAN);
    let body = login(ADMIN, "three wrong words");
    let guesser = async || {
        while Instant::now() < end {
            load.count(401, server.post(&client, "/auth/login", &body).send().await);
        }
    };
    join_all((0..PARALLEL).map(|_| guesser())).await;
    Ok(())
}

/// Creates articles of long markdown, many at once.
async fn write(server: &Server, load: &Load) -> anyhow::Result<()> {
    let client = Client::new();
    let (token, end) = (sign_in(server, &client).await?, Instant::now() + SPAN);
    let paragraph = "Some *words* of a [long](https://example.org/) article, with `code` and **more**.\n\n";
    let markdown = paragraph.repeat(MARKDOWN_BYTES / paragraph.len());
    let body = json!({"title": "Long", "body": markdown, "body_format": "markdown"});
    let writer = async || {
        while Instant::now() < end {
            load.count(201, server.post(&client, "/articles", &body).bearer_auth(&token).send().await);
        }
    };
    join_all((0..WRITERS).map(|_| writer())).await;
    Ok(())
}

/// Reads `article` while `load` runs on another thread.
fn read_beside(
    client: &Client,
    article: &str,
    load: impl AsyncFnOnce() -> anyhow::Result<()> + Send,
) -> anyhow::Result<Vec<Duration>> {
    std::thread::scope(|scope| {
        let loading = scope.spawn(|| block_on(load()));
        let times = block_on(read(client, article));
        loading.join().ok().context("the load failed")??;
        times
    })
}

fn report(name: &str, times: &mut [Duration]) -> f64 {
    let (median, slow) = (quantile(times, 0.5), quantile(times, 0.99));
    println!("{name}: {} reads, median {median:.2} ms, p99 {slow:.2} ms", times.len());
    slow
}

fn main() -> anyhow::Result<()> {
    let server = Server::start(&[])?;
    // The connections of a client belong to the runtime that opened them.
    let article = block_on(article(&server, &Client::new()))?;
    let idle = report("idle", &mut block_on(read(&Client::new(), &article))?);
    let (flooding, writing) = (Load::default(), Load::default());
    let mut flooded = read_beside(&Client::new(), &article, async || flood(&server, &flooding).await)?;
    let mut written = read_beside(&Client::new(), &article, async || write(&server, &writing).await)?;
    for (name, times, load) in [("logins", &mut flooded, &flooding), ("writers", &mut written, &writing)] {
        let [done, turned_away, other] =
            [&load.done, &load.turned_away, &load.other].map(|count| count.load(Ordering::Relaxed));
        println!("{name}: {done} done, {turned_away} turned away, {other} otherwise");
        let ratio = report(name, times) / idle;
        println!("p99 ratio {ratio:.2}, at most {LIMIT}");
        ensure!(done > 0 && other == 0, "{name}: the load was none");
        ensure!(ratio <= LIMIT, "{name}: readers wait {ratio:.2} times as long");
    }
    Ok(())
}
