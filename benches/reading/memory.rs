//! What the server's process takes of memory, and how soon it answers.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::json;

use crate::Plan;
use crate::client::{address, fetch, get};
use crate::connection::Connection;
use crate::results::{Results, median};
use crate::site::{Site, path};
use crate::support::{Server, block_on};
use crate::wrk::{self, Load};

/// The most that an idle server with the demo site may take, in MiB.
const MAX_IDLE_MIB: f64 = 40.0;
/// How long a server has nothing to do before it is idle.
const REST: Duration = Duration::from_secs(15);
/// The most under load, beside the cache.
const MAX_LOADED_MIB: f64 = 60.0;
/// The size of the cache by default.
const CACHE_MIB: f64 = 64.0;
const CONNECTIONS: usize = 128;

pub fn measure(plan: &Plan, site: &Site, results: &mut Results) -> anyhow::Result<()> {
    let began = Instant::now();
    let start = |more: &[&str]| Server::launch_at_once(Command::new(env!("CARGO_BIN_EXE_inkstone")), more);
    let demo = start(&["--demo"])?;
    fetch(address(&demo)?, "/api/v1/articles")?;
    let first_start = began.elapsed().as_secs_f64();
    std::thread::sleep(REST);
    let idle = read_pss(&demo)?;
    drop(demo);
    let (mut starts, url) = (Vec::new(), &site.database.url);
    for _ in 0..plan.runs {
        let began = Instant::now();
        let server = start(&["--database-url", url])?;
        fetch(address(&server)?, "/api/v1/articles")?;
        starts.push(began.elapsed().as_secs_f64());
    }
    let server = Server::start(&["--database-url", url])?;
    block_on(read_all(&server, site.articles))?;
    let (address, seconds) = (format!("{}{}", server.url, site.list), plan.seconds);
    let loaded = std::thread::scope(|scope| {
        let load = Load { url: &address, connections: CONNECTIONS, seconds, ..Load::default() };
        let load = scope.spawn(move || wrk::measure(load));
        let mut most = 0.0_f64;
        while !load.is_finished() {
            most = most.max(read_pss(&server)?);
            std::thread::sleep(Duration::from_millis(100));
        }
        load.join().ok().context("the load")??;
        anyhow::Ok(most)
    })?;
    let told = json!({
        "idle_pss_mib": idle, "loaded_pss_mib": loaded, "cache_mib": CACHE_MIB, "connections": CONNECTIONS,
        "start_to_first_answer_s": median(&starts), "first_start_with_demo_s": first_start,
    });
    results.note_other("memory and start", told);
    results.judge_at_most("memory: MiB of an idle server with the demo", idle, MAX_IDLE_MIB);
    results.judge_at_most("memory: MiB under load, with a full cache", loaded, MAX_LOADED_MIB + CACHE_MIB);
    Ok(())
}

/// Reads every article once, which is more than the cache holds.
async fn read_all(server: &Server, articles: usize) -> anyhow::Result<()> {
    let mut connection = Connection::open(address(server)?).await?;
    for number in 1..=articles {
        ensure!(connection.send(&get(&path(number))).await? == 200, "a read fails");
    }
    Ok(())
}

/// The memory of a server without its PostgreSQL, shared pages by their share, in MiB.
pub fn read_pss(server: &Server) -> anyhow::Result<f64> {
    let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", server.child.id()))?;
    let pss = text.lines().find_map(|line| line.strip_prefix("Pss:")).context("the memory")?;
    Ok(pss.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}
