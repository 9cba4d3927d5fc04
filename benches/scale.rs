//! Lists of a large site against the same lists of a small one: 1,000,000 articles and 10,000.
//!
//! `cargo bench --bench scale` fills two databases in some minutes. `-- DIR` keeps them in that folder, and takes them
//! from it if they are there. `-- URL URL` takes two databases that `benches/scale/fill.sql` has filled.
//!
//! Each request is sent to both servers in turn, and the medians are compared. Nothing is cached.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "scale/cases.rs"]
mod cases;
#[path = "support/connection.rs"]
mod connection;
mod support;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, ensure};
use cases::{Case, find_cases};
use connection::Connection;
use inkstone::db::embedded::programs::Missing;
use inkstone::db::embedded::{Embedded, Options};
use reqwest::Client;
use serde_json::Value;
use support::{ADMIN, PASSWORD, Server, block_on, login};

/// Articles of the two sites.
const ROWS: [usize; 2] = [10_000, 1_000_000];
/// Requests that are timed, after some that are not: a statement is planned anew five times.
const TIMED: usize = 15;
const WARM_UP: usize = 8;
/// The ratio that is aimed at.
const MAX_RATIO: f64 = 1.5;

/// A filled site, its server, and a connection to it.
struct Site {
    connection: Connection,
    token: String,
    _server: Server,
    _database: Option<Embedded>,
}

impl Site {
    async fn start(url: &str, database: Option<Embedded>) -> anyhow::Result<Self> {
        let server = Server::start(&["--database-url", url, "--cache-size", "0"])?;
        let address: SocketAddr = server.url.trim_start_matches("http://").parse()?;
        let session = server.post(&Client::new(), "/auth/login", &login(ADMIN, PASSWORD)).send().await?;
        let session: Value = session.error_for_status()?.json().await?;
        let token = session["data"]["access_token"].as_str().context("a token")?.to_owned();
        Ok(Self { connection: Connection::open(address).await?, token, _server: server, _database: database })
    }

    /// Sends a GET of `path`, and returns how many milliseconds the answer took.
    async fn time(&mut self, path: &str, for_staff: bool) -> anyhow::Result<f64> {
        let credential =
            if for_staff { format!("Authorization: Bearer {}\r\n", self.token) } else { String::new() };
        let request = format!("GET /api/v1{path} HTTP/1.1\r\nHost: bench\r\n{credential}\r\n");
        let began = Instant::now();
        let status = self.connection.send(request.as_bytes()).await?;
        let took = began.elapsed().as_secs_f64() * 1_000.0;
        ensure!(status == 200 || status == 503, "{path} answers {status}: {}", self.connection.text());
        Ok(if status == 200 { took } else { f64::INFINITY })
    }

    /// The path that a case asks this site for.
    async fn resolve(&mut self, case: &Case) -> anyhow::Result<String> {
        if !case.goes_on {
            return Ok(case.path.clone());
        }
        self.time(&case.path, case.for_staff).await?;
        let answer = self.connection.text();
        let (_, body) = answer.split_once("\r\n\r\n").context("a body")?;
        let body: Value = serde_json::from_str(body)?;
        let cursor = body["page"]["next_cursor"].as_str().with_context(|| format!("{} ends", case.path))?;
        let (path, query) = case.path.split_once('?').context("a query")?;
        let kept: Vec<&str> = query.split('&').filter(|one| !one.starts_with("page=")).collect();
        Ok(format!("{path}?{}&cursor={cursor}", kept.join("&")))
    }
}

/// Starts the private PostgreSQL in `folder`, and fills it if it is empty.
fn fill(folder: &Path, rows: usize) -> anyhow::Result<Embedded> {
    std::fs::create_dir_all(folder)?;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?;
    let data_dir = folder.join(rows.to_string());
    let options = Options { data_dir: &data_dir, pg_bin: None, missing: Missing::Refuse, durable: true };
    let database = Embedded::start(&options)?;
    let url = database.url();
    let migrated =
        Command::new(env!("CARGO_BIN_EXE_inkstone")).args(["migrate", "--database-url", &url]).status()?;
    ensure!(migrated.success(), "the migrations fail");
    if psql(&url, &["-c", "SELECT count(*) FROM (SELECT FROM articles LIMIT 1) AS one"])?.trim() == "0" {
        println!("filling a database with {rows} articles");
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/scale/fill.sql");
        psql(&url, &["-v", &format!("rows={rows}"), "-f", file])?;
        psql(&url, &["-c", "VACUUM (ANALYZE)", "-c", "CHECKPOINT"])?;
    }
    Ok(database)
}

fn psql(url: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let done = Command::new("psql").args([url, "-qAtX", "-v", "ON_ERROR_STOP=1"]).args(arguments).output()?;
    ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Ok(String::from_utf8(done.stdout)?)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Times a case on both sites, and returns the medians.
async fn measure(sites: &mut [Site; 2], case: &Case) -> anyhow::Result<[f64; 2]> {
    let [small, large] = sites;
    let paths = [small.resolve(case).await?, large.resolve(case).await?];
    let mut times = [Vec::new(), Vec::new()];
    for turn in 0..WARM_UP + TIMED {
        for (at, site) in [&mut *small, &mut *large].into_iter().enumerate() {
            let took = site.time(&paths[at], case.for_staff).await?;
            if turn >= WARM_UP {
                times[at].push(took);
            }
        }
    }
    Ok(times.map(median))
}

async fn compare(mut sites: [Site; 2]) -> anyhow::Result<()> {
    let cases = find_cases();
    println!(
        "{:>9} {:>9}  ratio   {} requests of each, medians in milliseconds",
        "10,000", "1,000,000", TIMED
    );
    let mut over = 0;
    for case in &cases {
        let [small, large] = measure(&mut sites, case).await?;
        let ratio = large / small;
        over += usize::from(ratio > MAX_RATIO);
        let mark = if ratio > MAX_RATIO { '!' } else { ' ' };
        println!("{small:>9.2} {large:>9.2} {ratio:>6.2} {mark} {}", case.name());
    }
    println!("{over} of {} above {MAX_RATIO}", cases.len());
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|one| one != "--bench").collect();
    let kept = tempfile::tempdir()?;
    let sites = match &arguments[..] {
        [small, large] => [(small.clone(), None), (large.clone(), None)],
        given => {
            let folder = given.first().map_or_else(|| kept.path().to_owned(), PathBuf::from);
            let [small, large] = [fill(&folder, ROWS[0])?, fill(&folder, ROWS[1])?];
            [(small.url(), Some(small)), (large.url(), Some(large))]
        }
    };
    block_on(async {
        let [small, large] = sites;
        compare([Site::start(&small.0, small.1).await?, Site::start(&large.0, large.1).await?]).await
    })
}
