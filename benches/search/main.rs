//! Searching, beside the same question as `ILIKE` in PostgreSQL.
//!
//! `cargo bench --bench search` fills a site with 10,000 and one with 200,000 articles; `-- N …` with these numbers. For
//! each: how fast the index follows, its bytes, the server's memory, and how long words of several kinds take, over HTTP and
//! without the cache of answers.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "../support/connection.rs"]
mod connection;
#[path = "../support/floor.rs"]
#[expect(dead_code, reason = "its statements are not needed here")]
mod floor;
mod site;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/texts.rs"]
mod texts;
#[path = "../support/times.rs"]
mod times;
mod words;

use std::time::{Duration, Instant};

use anyhow::ensure;
use connection::Connection;
use futures::future::try_join_all;
use serde_json::{Value, json};
use site::Site;
use support::block_on;
use times::quantile;
use words::WORDS;

/// Articles of the sites by default.
const SITES: [usize; 2] = [10_000, 200_000];
/// Requests of one word at one connection.
const REQUESTS: usize = 200;
/// Connections that ask at once.
const CONNECTIONS: usize = 32;
/// For how long they ask.
const LOAD_TIME: Duration = Duration::from_secs(2);
/// Queries by `ILIKE`, which take long.
const LIKE_QUERIES: usize = 5;
/// What is aimed at: the slowest of a hundred at one connection, in milliseconds, and the times of the scan's rate.
const MAX_P99: f64 = 5.0;
const MIN_RATIO: f64 = 100.0;

fn main() -> anyhow::Result<()> {
    let given: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let sites = if given.is_empty() { SITES.to_vec() } else { given };
    let mut results = Vec::new();
    for articles in sites {
        results.push(measure(articles)?);
    }
    println!("\n{}", serde_json::to_string_pretty(&json!({"sites": results}))?);
    Ok(())
}

fn measure(articles: usize) -> anyhow::Result<Value> {
    println!("\n{articles} articles");
    let site = Site::fill(articles)?;
    println!("{}", serde_json::to_string_pretty(&site.filled)?);
    let mut rows = Vec::new();
    for (kind, word, _) in WORDS {
        for (order, more) in
            [("relevance", ""), ("date", "&sort=-published_at"), ("marked", "&highlight=true")]
        {
            let path = format!("/api/v1/articles?q={}{more}", encode(word));
            let (p50, p99) = time_one(&site, &path)?;
            let rate = load(&site, &path)?;
            let scan = if order == "date" { Some(time_scan(&site, word)?) } else { None };
            let ratio = scan.map(|scan| rate * scan / 1e3);
            println!(
                "{kind:<12} {word:<10} {order:<10} p50 {p50:>7.2} ms   p99 {p99:>7.2} ms   {rate:>7.0}/s{}{}",
                ratio.map(|ratio| format!("   {ratio:>6.0} × ILIKE")).unwrap_or_default(),
                if p99 > MAX_P99 || ratio.is_some_and(|ratio| ratio < MIN_RATIO) { "   *" } else { "" },
            );
            rows.push(json!({
                "kind": kind, "word": word, "order": order, "p50_ms": p50, "p99_ms": p99, "per_second_at_32": rate,
                "ilike_ms": scan, "rate_in_times_of_ilike": ratio,
            }));
        }
    }
    Ok(json!({"articles": articles, "site": site.filled, "words": rows}))
}

fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The middle and the slowest of a hundred at one connection, in milliseconds.
fn time_one(site: &Site, path: &str) -> anyhow::Result<(f64, f64)> {
    block_on(async {
        let mut connection = Connection::open(site.address()?).await?;
        let request = request(path);
        let mut times = Vec::with_capacity(REQUESTS);
        for at in 0..REQUESTS + REQUESTS / 10 {
            let began = Instant::now();
            ensure!(connection.send(&request).await? == 200, "{path}: {}", connection.text());
            // The first ones open files.
            if at >= REQUESTS / 10 {
                times.push(began.elapsed());
            }
        }
        Ok((quantile(&mut times, 0.5), quantile(&mut times, 0.99)))
    })
}

/// Answers a second at 32 connections.
fn load(site: &Site, path: &str) -> anyhow::Result<f64> {
    block_on(async {
        let (address, request) = (site.address()?, request(path));
        let began = Instant::now();
        let ask = async || {
            let mut connection = Connection::open(address).await?;
            let mut count = 0;
            while began.elapsed() < LOAD_TIME {
                ensure!(connection.send(&request).await? == 200, "{}", connection.text());
                count += 1;
            }
            Ok(count)
        };
        let counts: Vec<u64> = try_join_all((0..CONNECTIONS).map(|_| ask())).await?;
        Ok(counts.iter().sum::<u64>() as f64 / began.elapsed().as_secs_f64())
    })
}

fn request(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").into_bytes()
}

/// How long PostgreSQL takes for the same list by `ILIKE`, in milliseconds.
fn time_scan(site: &Site, word: &str) -> anyhow::Result<f64> {
    let sql = format!(
        "SELECT id, title FROM articles WHERE status = 'published' AND deleted_at IS NULL \
         AND (title ILIKE '%{word}%' OR body ILIKE '%{word}%') ORDER BY published_at DESC LIMIT 20"
    );
    let mut times = Vec::new();
    for _ in 0..LIKE_QUERIES {
        let began = Instant::now();
        site.database.psql(&[&sql])?;
        times.push(began.elapsed());
    }
    Ok(quantile(&mut times, 0.5))
}
