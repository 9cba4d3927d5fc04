//! Reads among writes: how fast they are, how many are hits, and whether one is older than an acknowledged write.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::future::try_join_all;
use serde_json::json;

use crate::Plan;
use crate::client::{address, get, read_hits};
use crate::connection::Connection;
use crate::contestants::find_port;
use crate::drive::step;
use crate::results::Results;
use crate::site::{CHANGING, Site, changing_slug, changing_title};
use crate::support::{Server, block_on};
use crate::times::quantile;

const CONNECTIONS: usize = 32;
/// Writes among a hundred requests.
const WRITES: u64 = 5;
/// Reads of the list among a hundred reads.
const LISTS: u64 = 10;
/// How much longer than without writes the slowest hundredth of reads may take.
const LIMIT: f64 = 2.0;

pub fn measure(plan: &Plan, site: &Site, results: &mut Results) -> anyhow::Result<()> {
    let metrics = SocketAddr::from(([127, 0, 0, 1], find_port()?));
    let listen = metrics.to_string();
    let server = Server::start(&["--database-url", &site.database.url, "--metrics-listen", &listen])?;
    let mixing = Mixing::new(site, address(&server)?);
    // Makes what is read.
    block_on(mixing.run(Duration::from_secs(2), 0))?;
    mixing.reads.take();
    block_on(mixing.run(plan.mix / 4, 0))?;
    let mut alone = mixing.reads.take();
    let before = read_hits(metrics)?;
    block_on(mixing.run(plan.mix, WRITES))?;
    let after = read_hits(metrics)?;
    let (mut reads, mut writes) = (mixing.reads.take(), mixing.writes.take());
    let (hits, misses) = (after.0 - before.0, after.1 - before.1);
    let (slow, slow_alone) = (quantile(&mut reads, 0.99), quantile(&mut alone, 0.99));
    let told = json!({
        "seconds": plan.mix.as_secs(), "connections": CONNECTIONS,
        "reads": reads.len(), "writes": writes.len(), "stale_reads": mixing.stale.get(),
        "hit_ratio": hits as f64 / (hits + misses).max(1) as f64,
        "read_median_ms": quantile(&mut reads, 0.5), "read_p99_ms": slow,
        "pure_read_median_ms": quantile(&mut alone, 0.5), "pure_read_p99_ms": slow_alone,
        "write_median_ms": quantile(&mut writes, 0.5), "write_p99_ms": quantile(&mut writes, 0.99),
    });
    results.note_other("mix of 95 reads and 5 writes", told);
    results.judge_at_most("mix: p99 of reads, times that of reads alone", slow / slow_alone, LIMIT);
    results.judge_at_most(
        "mix: answers older than an acknowledged write",
        f64::from(mixing.stale.get()),
        0.0,
    );
    ensure!(mixing.stale.get() == 0, "a read was older than an acknowledged write");
    Ok(())
}

/// Clients that read and change the articles that change.
struct Mixing<'m> {
    site: &'m Site,
    address: SocketAddr,
    random: Cell<u64>,
    /// The last revision of each article whose write was acknowledged.
    acknowledged: RefCell<Vec<u32>>,
    /// Which articles are being written: one write at a time each, so that revisions have an order.
    writing: RefCell<Vec<bool>>,
    stale: Cell<u32>,
    reads: RefCell<Vec<Duration>>,
    writes: RefCell<Vec<Duration>>,
}

impl<'m> Mixing<'m> {
    fn new(site: &'m Site, address: SocketAddr) -> Self {
        Self {
            site,
            address,
            random: Cell::new(0x9e37_79b9_7f4a_7c15),
            acknowledged: RefCell::new(vec![0; CHANGING]),
            writing: RefCell::new(vec![false; CHANGING]),
            stale: Cell::new(0),
            reads: RefCell::default(),
            writes: RefCell::default(),
        }
    }

    /// Lets all clients work for `span`, with so many writes among a hundred requests.
    async fn run(&self, span: Duration, writes: u64) -> anyhow::Result<()> {
        let end = Instant::now() + span;
        let client = async || {
            let mut connection = Connection::open(self.address).await?;
            while Instant::now() < end {
                let number = step(&self.random) as usize % CHANGING;
                if step(&self.random) % 100 >= writes {
                    self.read(&mut connection, number).await?;
                } else if !self.writing.borrow()[number] {
                    self.write(&mut connection, number).await?;
                }
            }
            anyhow::Ok(())
        };
        try_join_all((0..CONNECTIONS).map(|_| client())).await.map(drop)
    }

    async fn read(&self, connection: &mut Connection, number: usize) -> anyhow::Result<()> {
        let is_list = step(&self.random) % 100 < LISTS;
        let request = if is_list {
            get(&self.site.changing_list)
        } else {
            get(&format!("/api/v1/articles/{}", changing_slug(number)))
        };
        // What was acknowledged before the request is sent.
        let acknowledged = if is_list {
            self.acknowledged.borrow().clone()
        } else {
            vec![self.acknowledged.borrow()[number]]
        };
        let first = if is_list { 0 } else { number };
        let began = Instant::now();
        let status = connection.send(&request).await?;
        self.reads.borrow_mut().push(began.elapsed());
        ensure!(status == 200, "a read answers {status}");
        let revisions = find_revisions(&connection.text())?;
        ensure!(!revisions.is_empty(), "no article in an answer");
        for (number, revision) in revisions {
            let least =
                acknowledged.get(number.wrapping_sub(first)).context("an article that was asked for")?;
            if revision < *least {
                self.stale.set(self.stale.get() + 1);
                println!("article {number} has revision {revision}, and {least} was acknowledged");
            }
        }
        Ok(())
    }

    async fn write(&self, connection: &mut Connection, number: usize) -> anyhow::Result<()> {
        self.writing.borrow_mut()[number] = true;
        let revision = self.acknowledged.borrow()[number] + 1;
        let body = json!({"title": changing_title(number, revision)}).to_string();
        let request = format!(
            "PATCH /api/v1/articles/{} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            changing_slug(number),
            self.site.key,
            body.len()
        );
        let began = Instant::now();
        let status = connection.send(request.as_bytes()).await?;
        self.writes.borrow_mut().push(began.elapsed());
        ensure!(status == 200, "a write answers {status}: {}", connection.text());
        self.acknowledged.borrow_mut()[number] = revision;
        self.writing.borrow_mut()[number] = false;
        Ok(())
    }
}

/// The articles in an answer, each with its revision.
fn find_revisions(text: &str) -> anyhow::Result<Vec<(usize, u32)>> {
    let titles = text.split("\"title\":\"Changing ").skip(1);
    let read = |title: &str| {
        let (number, rest) = title.split_once(" revision ")?;
        Some((number.parse().ok()?, rest.split_once('.')?.0.parse().ok()?))
    };
    titles.map(|title| read(title).context("a title with a revision")).collect()
}
