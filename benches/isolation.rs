//! Readers beside a flood of logins, writers of long markdown, visitors on the most expensive list, sockets
//! that drip, and an import: no read fails, and the slowest hundredth may wait three times as long as on an
//! idle server.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod support;
#[path = "support/timed.rs"]
mod timed;
#[path = "support/times.rs"]
mod times;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::future::join_all;
use inkstone::priority::lower_thread_priority;
use reqwest::Client;
use serde_json::{Value, json};
use support::{ADMIN, PASSWORD, Server, block_on, login};
use timed::timed;
use times::quantile;

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

/// Articles of the category that the expensive list shows.
const LISTED: usize = 10_000;
/// Visitors on the expensive list at once.
const LISTERS: usize = 24;
/// The most expensive list that a visitor may ask for.
const EXPENSIVE: &str = "articles?category=busy&page=100&page_size=100&sort=title";
/// Sockets that drip at once.
const DRIPPERS: usize = 2_000;
/// Rows of the import.
const IMPORTED: usize = 200_000;

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

/// Builds `rows` articles of the category `busy`, as NDJSON.
fn build_rows(name: &str, rows: usize) -> String {
    let row = |number: usize| {
        let body = format!("<p>{}</p>", "Some words of an article. ".repeat(40));
        let row = json!({"external_id": format!("{name}-{number}"), "title": format!("{name} {number}"), "body": body,
            "category": "busy", "status": "published"});
        format!("{row}\n")
    };
    (0..rows).map(row).collect()
}

/// Imports articles of NDJSON.
async fn import(server: &Server, rows: String) -> anyhow::Result<()> {
    let client = Client::new();
    let token = sign_in(server, &client).await?;
    let request = client.post(format!("{}/api/v1/articles/import?create_categories=true", server.url));
    let request = request.bearer_auth(token).header("content-type", "application/x-ndjson");
    let summary = request.body(rows).send().await?.error_for_status()?.text().await?;
    ensure!(summary.contains("\"failed\":0"), "the import has failed rows: {summary}");
    Ok(())
}

/// Asks for the expensive list, many at once.
async fn list(server: &Server, load: &Load) -> anyhow::Result<()> {
    let (client, end) = (Client::new(), Instant::now() + SPAN);
    let address = format!("{}/api/v1/{EXPENSIVE}", server.url);
    let lister = async || {
        while Instant::now() < end {
            load.count(200, client.get(&address).send().await);
        }
    };
    join_all((0..LISTERS).map(|_| lister())).await;
    Ok(())
}

/// Opens sockets that send the head of a request a byte at a time, and again when they are closed.
async fn drip(server: &Server, load: &Load) -> anyhow::Result<()> {
    let address = server.url.trim_start_matches("http://").to_owned();
    let end = Instant::now() + SPAN;
    let dripper = async || {
        while Instant::now() < end {
            let Ok(mut socket) = tokio::net::TcpStream::connect(&address).await else { continue };
            load.done.fetch_add(1, Ordering::Relaxed);
            let mut head = b"GET /api/v1/site HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
                .iter()
                .chain([b'x'].iter().cycle());
            while Instant::now() < end {
                let byte = [*head.next().context("the head never ends")?];
                if tokio::io::AsyncWriteExt::write_all(&mut socket, &byte).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        anyhow::Ok(())
    };
    for dripped in join_all((0..DRIPPERS).map(|_| dripper())).await {
        dripped?;
    }
    Ok(())
}

/// Reads `article` while `load` runs on another thread.
fn read_beside(
    article: &str,
    load: impl AsyncFnOnce() -> anyhow::Result<()> + Send,
) -> anyhow::Result<Vec<Duration>> {
    std::thread::scope(|scope| {
        let loading = scope.spawn(|| {
            // The work of the clients is not the server's.
            lower_thread_priority();
            block_on(load())
        });
        let times = block_on(read(&Client::new(), article));
        loading.join().ok().context("the load failed")??;
        times
    })
}

fn report(name: &str, times: &mut [Duration]) -> f64 {
    let (median, slow) = (quantile(times, 0.5), quantile(times, 0.99));
    println!("{name}: {} reads, median {median:.2} ms, p99 {slow:.2} ms", times.len());
    slow
}

/// Says how readers fared beside a load. Returns whether that is good.
fn report_beside(name: &str, load: &Load, mut times: Vec<Duration>, idle: f64) -> bool {
    let [done, turned_away, other] =
        [&load.done, &load.turned_away, &load.other].map(|count| count.load(Ordering::Relaxed));
    println!("{name}: {done} done, {turned_away} turned away, {other} otherwise");
    let ratio = report(name, &mut times) / idle;
    println!("p99 ratio {ratio:.2}, at most {LIMIT}");
    done > 0 && other == 0 && ratio <= LIMIT
}

fn main() -> anyhow::Result<()> {
    let server = Server::start(&[])?;
    // The connections of a client belong to the runtime that opened them.
    let article = block_on(article(&server, &Client::new()))?;
    let idle = report("idle", &mut block_on(read(&Client::new(), &article))?);
    block_on(import(&server, build_rows("listed", LISTED)))?;
    let rows = build_rows("imported", IMPORTED);
    let [flooding, writing, listing, dripping, importing] = std::array::from_fn(|_| Load::default());
    let beside = |name, load: &Load, times| report_beside(name, load, times, idle);
    let fine = [
        beside("logins", &flooding, read_beside(&article, async || flood(&server, &flooding).await)?),
        beside("writers", &writing, read_beside(&article, async || write(&server, &writing).await)?),
        beside("lists", &listing, read_beside(&article, async || list(&server, &listing).await)?),
        beside("drips", &dripping, read_beside(&article, async || drip(&server, &dripping).await)?),
        beside(
            "import",
            &importing,
            read_beside(&article, async || {
                importing.done.fetch_add(1, Ordering::Relaxed);
                import(&server, rows).await
            })?,
        ),
    ];
    ensure!(fine.iter().all(|fine| *fine), "readers wait too long, or a load was none");
    Ok(())
}
