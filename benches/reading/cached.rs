//! Cached answers, on one core, beside those of servers that do nothing else.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;

use crate::client::{address, fetch};
use crate::contestants::{self, Contestant};
use crate::results::{Results, median_run};
use crate::site::{self, Site};
use crate::support::Server;
use crate::wrk::{self, Load, SERVER_CORE, pin};
use crate::{Plan, bare};

/// The name of the server that all this is about.
pub const OURS: &str = "Inkstone";
/// Articles that are asked for in turn.
const IN_TURN: usize = 1_000;
/// The number of connections at which the aims are judged.
const JUDGED_CONNECTIONS: usize = 32;
const READS: [&str; 2] = ["one article", "list of 20"];

/// Starts a server on one core.
pub fn start_pinned(more: &[&str]) -> anyhow::Result<Server> {
    let mut arguments = vec!["--workers", "1"];
    arguments.extend(more);
    Server::launch(pin(SERVER_CORE, env!("CARGO_BIN_EXE_inkstone").as_ref()), &arguments)
}

pub fn measure(plan: &Plan, site: &Site, results: &mut Results) -> anyhow::Result<()> {
    let server = start_pinned(&["--database-url", &site.database.url])?;
    let folder = site.database.folder.join("files");
    let paths = [site::path(1), site.list.clone()];
    keep_files(&folder, address(&server)?, &paths)?;
    let (mut all, missing) = contestants::start(&folder)?;
    for name in missing {
        println!("{name} is not installed, and is left out");
    }
    all.insert(0, Contestant::new(OURS, paths.clone().map(|path| format!("{}{path}", server.url))));
    let compared = Comparison { plan, all: &all };
    for (at, read) in READS.iter().enumerate() {
        for connections in plan.connections {
            compared.measure_whole(&format!("cached: {read}"), at, *connections, results)?;
        }
    }
    for connections in plan.connections {
        compared.measure_unchanged(address(&server)?, &paths[0], *connections, results)?;
    }
    for (at, read) in READS.iter().enumerate() {
        compared.measure_codings(read, at, results)?;
    }
    compared.measure_in_turn(&server, &folder, results)?;
    judge(results);
    Ok(())
}

/// Writes what the server answers where the others find it.
pub fn keep_files(folder: &Path, address: SocketAddr, paths: &[String; 2]) -> anyhow::Result<()> {
    fs::create_dir(folder)?;
    for (name, path) in ["single", "list"].into_iter().zip(paths) {
        let (head, body) = fetch(address, path)?;
        println!("{path}: {} bytes of head, {} of body", head.len(), body.len());
        fs::write(folder.join(format!("{name}.json")), body)?;
        // The others write these by themselves.
        let is_own = |line: &&str| {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            !["content-length", "date", "connection"].contains(&name.as_str())
        };
        let head: Vec<&str> = head.lines().skip(1).filter(is_own).collect();
        fs::write(folder.join(format!("{name}.head")), head.join("\n"))?;
    }
    Ok(())
}

struct Comparison<'c> {
    plan: &'c Plan,
    all: &'c [Contestant],
}

impl Comparison<'_> {
    /// Measures some loads, one after the other and again, and notes the median of each.
    fn alternate(
        &self,
        part: &str,
        connections: usize,
        loads: &[(&str, Load)],
        results: &mut Results,
    ) -> anyhow::Result<()> {
        let mut runs = vec![Vec::new(); loads.len()];
        for _ in 0..self.plan.runs {
            for ((_, load), runs) in loads.iter().zip(&mut runs) {
                let (seconds, is_pinned) = (self.plan.seconds, true);
                runs.push(wrk::measure(Load { connections, seconds, is_pinned, ..*load })?);
            }
        }
        for ((name, _), runs) in loads.iter().zip(&runs) {
            results.note(part, connections, name, median_run(runs));
        }
        Ok(())
    }

    fn measure_whole(
        &self,
        part: &str,
        at: usize,
        connections: usize,
        results: &mut Results,
    ) -> anyhow::Result<()> {
        let loads: Vec<(&str, Load)> =
            self.all.iter().map(|one| (one.name, Load { url: &one.urls[at], ..Load::default() })).collect();
        self.alternate(part, connections, &loads, results)
    }

    /// 304, beside that of the bare handler.
    fn measure_unchanged(
        &self,
        ours: SocketAddr,
        path: &str,
        connections: usize,
        results: &mut Results,
    ) -> anyhow::Result<()> {
        let (head, _) = fetch(ours, path)?;
        let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).context("a tag")?;
        let headers = [tag, bare::TAG].map(|tag| [format!("If-None-Match: {tag}")]);
        let loads: Vec<_> = self
            .all
            .iter()
            .zip(&headers)
            .map(|(one, headers)| (one.name, Load { url: &one.urls[0], headers, ..Load::default() }))
            .collect();
        self.alternate("304: one article", connections, &loads, results)
    }

    /// Each coding, beside none.
    fn measure_codings(&self, read: &str, at: usize, results: &mut Results) -> anyhow::Result<()> {
        let Some(ours) = self.all.first() else { return Ok(()) };
        let codings = ["identity", "gzip", "br", "zstd"];
        let headers = codings.map(|coding| [format!("Accept-Encoding: {coding}")]);
        let load = |headers| Load { url: &ours.urls[at], headers, ..Load::default() };
        let loads: Vec<_> =
            codings.into_iter().zip(&headers).map(|(coding, headers)| (coding, load(headers))).collect();
        self.alternate(&format!("coding: {read}"), JUDGED_CONNECTIONS, &loads, results)
    }

    /// Many articles in turn, beside one again and again.
    fn measure_in_turn(&self, server: &Server, folder: &Path, results: &mut Results) -> anyhow::Result<()> {
        let script = folder.join("in_turn.lua");
        fs::write(
            &script,
            format!(
                "local paths, at = {{}}, 0\n\
                 init = function() for i = 1, {IN_TURN} do paths[i] = wrk.format('GET', '/api/v1/articles/' .. i) end end\n\
                 request = function() at = at % {IN_TURN} + 1 return paths[at] end\n"
            ),
        )?;
        let Some(ours) = self.all.first() else { return Ok(()) };
        let load = Load { url: &server.url, script: Some(&script), ..Load::default() };
        // They are made once before.
        wrk::measure(Load { connections: 1, seconds: 2, ..load })?;
        let loads = [("one", Load { url: &ours.urls[0], ..Load::default() }), ("1,000 in turn", load)];
        self.alternate("cached: in turn", JUDGED_CONNECTIONS, &loads, results)
    }
}

fn judge(results: &mut Results) {
    for read in READS {
        let part = format!("cached: {read}");
        for (other, least) in [("bare handler", 0.9), ("nginx", 1.0), ("Varnish", 1.0)] {
            results.judge_ratio(&part, JUDGED_CONNECTIONS, (OURS, other), least);
        }
        for coding in ["gzip", "br"] {
            results.judge_ratio(&format!("coding: {read}"), JUDGED_CONNECTIONS, (coding, "identity"), 1.0);
        }
    }
    results.judge_ratio("304: one article", JUDGED_CONNECTIONS, (OURS, "bare handler"), 0.95);
}
