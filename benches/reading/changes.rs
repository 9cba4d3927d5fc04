//! The change feed: that nothing is new, beside a bare handler; many changes, beside psql; and listeners in memory.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use crate::Plan;
use crate::cached::{OURS, keep_files, start_pinned};
use crate::client::{address, fetch};
use crate::contestants;
use crate::memory::read_pss;
use crate::results::{Results, median, median_run};
use crate::site::Site;
use crate::support::Server;
use crate::wrk::{self, Load};

const CONNECTIONS: usize = 32;
/// Changes that are read at once.
const CHANGES: usize = 10_000;
/// Lines of a page.
const PAGE_LINES: usize = 1_000;
const LISTENERS: usize = 1_000;
/// What all listeners may take, in MiB.
const MAX_LISTENERS_MIB: f64 = 20.0;
/// The columns of a card, as a client gets them.
const CARD: &str = "id, slug, external_id, title, summary, body_format, category_id, tags, author, source_name, source_url, \
     cover_url, extra, status, published_at, version, created_at, updated_at";

pub fn measure(plan: &Plan, site: &Site, results: &mut Results) -> anyhow::Result<()> {
    let database = &site.database.url;
    measure_nothing_new(plan, site, &start_pinned(&["--database-url", database])?, results)?;
    let uncached = Server::start(&["--database-url", database, "--cache-size", "0"])?;
    measure_changes(plan, site, &uncached, results)?;
    let many = ["--database-url", database, "--max-connections-per-network", "5000"];
    measure_listeners(&Server::start(&many)?, results)
}

fn read_cursor(server: &Server) -> anyhow::Result<String> {
    let (_, body) = fetch(address(server)?, "/api/v1/changes?since=now")?;
    let feed: Value = serde_json::from_str(&body)?;
    Ok(feed["page"]["next_cursor"].as_str().context("a cursor")?.to_owned())
}

fn measure_nothing_new(
    plan: &Plan,
    site: &Site,
    server: &Server,
    results: &mut Results,
) -> anyhow::Result<()> {
    let path = format!("/api/v1/changes?since={}", read_cursor(server)?);
    let folder = site.database.folder.join("changes");
    keep_files(&folder, address(server)?, &[path.clone(), path.clone()])?;
    let (all, _) = contestants::start(&folder)?;
    let ours = format!("{}{path}", server.url);
    let find = |name: &str| all.iter().find(|one| one.name == name).context("the bare handler");
    let (bare, with_headers) = (find("bare handler")?, find("bare handler, our headers")?);
    let part = "changes: nothing new";
    let mut runs = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..plan.runs {
        for (url, runs) in [&ours, &bare.urls[0], &with_headers.urls[0]].into_iter().zip(&mut runs) {
            let load = Load {
                url,
                connections: CONNECTIONS,
                seconds: plan.seconds,
                is_pinned: true,
                ..Load::default()
            };
            runs.push(wrk::measure(load)?);
        }
    }
    for (name, runs) in [OURS, bare.name, with_headers.name].into_iter().zip(&runs) {
        results.note(part, CONNECTIONS, name, median_run(runs));
    }
    results.judge_ratio(part, CONNECTIONS, (OURS, bare.name), 0.9);
    Ok(())
}

fn measure_changes(plan: &Plan, site: &Site, server: &Server, results: &mut Results) -> anyhow::Result<()> {
    let cursor = read_cursor(server)?;
    let chosen = format!("SELECT id FROM articles WHERE status = 'published' ORDER BY id LIMIT {CHANGES}");
    site.database.psql(&[&format!(
        "WITH changed AS (UPDATE articles SET version = version + 1 WHERE id IN ({chosen}) RETURNING id)
         INSERT INTO changes (actor_kind, action, entity, entity_id) SELECT 'system', 'update', 'article', id FROM changed"
    )])?;
    // What another process commits is seen within a second.
    fetch(address(server)?, &format!("/api/v1/changes?since={cursor}&limit=1&wait=20"))?;
    let copy = format!("COPY (SELECT {CARD} FROM articles WHERE id IN ({chosen})) TO STDOUT");
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..plan.runs {
        let began = Instant::now();
        let rows = site.database.psql(&[&copy])?.lines().count();
        ensure!(rows == CHANGES, "{rows} rows");
        floor.push(rows as f64 / began.elapsed().as_secs_f64());
        ours.push(read_changes(server, &cursor)?);
    }
    let part = "changes: 10,000 cards";
    results.note_rate(part, 1, OURS, median(&ours));
    results.note_rate(part, 1, "psql", median(&floor));
    results.judge_ratio(part, 1, (OURS, "psql"), 0.5);
    Ok(())
}

/// Reads all changes after a cursor; returns lines a second.
fn read_changes(server: &Server, cursor: &str) -> anyhow::Result<f64> {
    let (began, address) = (Instant::now(), address(server)?);
    let (mut lines, mut since) = (0, cursor.to_owned());
    loop {
        let path = format!("/api/v1/changes?since={since}&include=card&limit={PAGE_LINES}");
        let (_, body) = fetch(address, &path)?;
        lines += body.matches("\"op\":\"upsert\"").count();
        let (_, page) = body.rsplit_once("\"next_cursor\":\"").context("a cursor")?;
        if page.ends_with("\"has_next\":false}}") {
            break;
        }
        since = page.split('"').next().unwrap_or_default().to_owned();
    }
    ensure!(lines == CHANGES, "{lines} lines");
    Ok(lines as f64 / began.elapsed().as_secs_f64())
}

fn measure_listeners(server: &Server, results: &mut Results) -> anyhow::Result<()> {
    // What a first listener needs is there before.
    let first = listen(server)?;
    let before = read_pss(server)?;
    let listeners = (0..LISTENERS).map(|_| listen(server)).collect::<anyhow::Result<Vec<_>>>()?;
    // Two heartbeats.
    std::thread::sleep(Duration::from_secs(31));
    let taken = read_pss(server)? - before;
    let threads = fs::read_to_string(format!("/proc/{}/status", server.child.id()))?;
    let threads = threads.lines().find(|line| line.starts_with("Threads")).unwrap_or_default().to_owned();
    results.note_other(
        "idle listeners",
        json!({"listeners": listeners.len(), "mib": taken, "threads": threads}),
    );
    results.judge_at_most("changes: MiB of 1,000 idle listeners", taken, MAX_LISTENERS_MIB);
    drop(first);
    Ok(())
}

/// A client that has been given its first id.
fn listen(server: &Server) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(address(server)?)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(b"GET /api/v1/events HTTP/1.1\r\nHost: bench\r\n\r\n")?;
    let (mut text, mut bytes) = (String::new(), [0; 4096]);
    while !text.contains("\nid: ") {
        let read = stream.read(&mut bytes)?;
        ensure!(read > 0, "the stream ends: {text}");
        text.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    Ok(stream)
}
