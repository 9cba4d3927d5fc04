//! A crawler that asks for everything once, beside readers of a few articles.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::ensure;
use futures::future::{try_join, try_join_all};
use serde_json::json;

use crate::Plan;
use crate::client::{address, get, read_hits};
use crate::connection::Connection;
use crate::contestants::find_port;
use crate::drive::step;
use crate::results::Results;
use crate::site::{Site, path};
use crate::support::{Server, block_on};
use crate::times::quantile;

/// Articles that are read again and again, the last ones.
const HOT: usize = 200;
const READERS: usize = 16;
/// How long they are read before the crawler comes.
const ALONE: Duration = Duration::from_secs(3);
/// A cache that a fifth of all articles would fill.
const CACHE: &str = "16MiB";
/// The least share of the hot articles that are still there afterwards.
const LEAST_KEPT: f64 = 0.95;

pub fn measure(plan: &Plan, site: &Site, results: &mut Results) -> anyhow::Result<()> {
    let metrics = SocketAddr::from(([127, 0, 0, 1], find_port()?));
    let listen = metrics.to_string();
    let url = &site.database.url;
    let server = Server::start(&["--database-url", url, "--cache-size", CACHE, "--metrics-listen", &listen])?;
    let crawling =
        Crawling { address: address(&server)?, first: site.articles - HOT + 1, is_over: Cell::new(false) };
    let mut alone = block_on(crawling.read_for(ALONE))?;
    let (mut beside, took) = block_on(async {
        let began = Instant::now();
        let crawler = async {
            let crawled = crawling.crawl(plan.crawled.min(crawling.first - 1)).await;
            crawling.is_over.set(true);
            crawled.map(|()| began.elapsed())
        };
        try_join(crawling.read_until_over(), crawler).await
    })?;
    let before = read_hits(metrics)?;
    block_on(crawling.read_hot_once())?;
    let after = read_hits(metrics)?;
    let kept = (after.0 - before.0) as f64 / HOT as f64;
    let told = json!({
        "cache": CACHE, "hot_articles": HOT, "crawled": plan.crawled, "crawl_seconds": took.as_secs_f64(),
        "hot_kept": kept,
        "alone_median_ms": quantile(&mut alone, 0.5), "alone_p99_ms": quantile(&mut alone, 0.99),
        "beside_median_ms": quantile(&mut beside, 0.5), "beside_p99_ms": quantile(&mut beside, 0.99),
    });
    results.note_other("readers beside a crawler", told);
    results.judge_at_least("crawler: share of the hot articles still in the cache", kept, LEAST_KEPT);
    Ok(())
}

struct Crawling {
    address: SocketAddr,
    /// The first of the hot articles.
    first: usize,
    is_over: Cell<bool>,
}

impl Crawling {
    async fn crawl(&self, articles: usize) -> anyhow::Result<()> {
        let mut connection = Connection::open(self.address).await?;
        for number in 1..=articles {
            ensure!(connection.send(&get(&path(number))).await? == 200, "a crawl fails");
        }
        Ok(())
    }

    async fn read_for(&self, span: Duration) -> anyhow::Result<Vec<Duration>> {
        let end = Instant::now() + span;
        self.read_while(|| Instant::now() < end).await
    }

    async fn read_until_over(&self) -> anyhow::Result<Vec<Duration>> {
        self.read_while(|| !self.is_over.get()).await
    }

    async fn read_while(&self, goes_on: impl Fn() -> bool) -> anyhow::Result<Vec<Duration>> {
        let random = Cell::new(0x9e37_79b9_7f4a_7c15);
        let reader = async || {
            let mut connection = Connection::open(self.address).await?;
            let mut times = Vec::new();
            while goes_on() {
                let request = get(&path(self.first + step(&random) as usize % HOT));
                let began = Instant::now();
                ensure!(connection.send(&request).await? == 200, "a read fails");
                times.push(began.elapsed());
                // A reader has thoughts too.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            anyhow::Ok(times)
        };
        Ok(try_join_all((0..READERS).map(|_| reader())).await?.concat())
    }

    async fn read_hot_once(&self) -> anyhow::Result<()> {
        let mut connection = Connection::open(self.address).await?;
        for number in self.first..self.first + HOT {
            ensure!(connection.send(&get(&path(number))).await? == 200, "a read fails");
        }
        Ok(())
    }
}
