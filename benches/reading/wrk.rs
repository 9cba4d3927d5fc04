//! The load generator: wrk, on a core of its own.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use inkstone::permits::count_cores;

/// The core of whoever answers.
pub const SERVER_CORE: usize = 0;
/// The core of the load generator.
const GENERATOR_CORE: usize = 1;

/// What wrk has measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Answers a second.
    pub rate: f64,
    /// The time within which 99 of 100 requests were answered, in milliseconds.
    pub p99: f64,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Load<'l> {
    pub url: &'l str,
    pub connections: usize,
    pub seconds: u64,
    /// Whether wrk has a core of its own.
    pub is_pinned: bool,
    /// Headers of each request, as `Name: value`.
    pub headers: &'l [String],
    /// A script that makes the requests.
    pub script: Option<&'l Path>,
}

/// A command that runs `program` on one core, if there are several.
pub fn pin(core: usize, program: &Path) -> Command {
    if count_cores() < 2 {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.arg("-c").arg(core.to_string()).arg(program);
    command
}

/// Runs wrk. Fails if an answer was neither 2xx nor 3xx, or a connection failed.
pub fn measure(load: Load) -> anyhow::Result<Measured> {
    let mut wrk = if load.is_pinned { pin(GENERATOR_CORE, "wrk".as_ref()) } else { Command::new("wrk") };
    wrk.args(["-t1", "--latency", "-c", &load.connections.to_string(), "-d", &load.seconds.to_string()]);
    for header in load.headers {
        wrk.args(["-H", header]);
    }
    if let Some(script) = load.script {
        wrk.arg("-s").arg(script);
    }
    let done = wrk.arg(load.url).output().context("running wrk: apt-get install wrk")?;
    let told = String::from_utf8_lossy(&done.stdout);
    if !done.status.success() || told.contains("Non-2xx") || told.contains("Socket errors") {
        bail!("{load:?}: {told}{}", String::from_utf8_lossy(&done.stderr));
    }
    let value = |name: &str| told.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
    Ok(Measured {
        rate: value("Requests/sec:").context("the rate")?.parse()?,
        p99: value("99%").and_then(parse_millis).with_context(|| format!("the p99: {told}"))?,
    })
}

/// A time as wrk writes it, in milliseconds.
fn parse_millis(text: &str) -> Option<f64> {
    let units = [("us", 1e-3), ("ms", 1.0), ("s", 1e3), ("m", 6e4)];
    units.iter().find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor))
}
