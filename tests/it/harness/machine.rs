//! What tests need that start, freeze and kill a PostgreSQL of their own.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use inkstone::db;
use inkstone::db::embedded::Embedded;
use tempfile::TempDir;

use crate::harness::cluster;
use crate::harness::process::open_folder;

/// How long anything may take that is waited for.
pub const PATIENCE: Duration = Duration::from_secs(30);

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Text)]
    answer: String,
}

/// The one value of the query `sql`, as text, over a connection of its own; none while the database is away.
pub async fn try_ask(url: &str, sql: &str) -> Option<String> {
    let mut conn = db::pool::open(url.to_owned()).await.ok()?;
    let query = format!("SELECT coalesce(({sql})::text, '') AS answer");
    let row: Answer = diesel::sql_query(query).get_result(&mut conn).await.unwrap();
    Some(row.answer)
}

/// The same, of a database that is there.
pub async fn ask(url: &str, sql: &str) -> String {
    try_ask(url, sql).await.unwrap_or_else(|| panic!("nobody answers at {url}"))
}

/// Runs statements over a connection of its own.
pub async fn execute(url: &str, sql: &str) {
    db::pool::open(url.to_owned()).await.unwrap().batch_execute(sql).await.unwrap();
}

/// Looks again and again whether it is `done`; fails when that takes too long.
pub async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done().await {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        actix_web::rt::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A private cluster for tests in `dir`.
pub fn start(dir: &Path) -> Embedded {
    try_start(dir).unwrap()
}

fn try_start(dir: &Path) -> anyhow::Result<Embedded> {
    Embedded::start(&cluster::options(dir, false))
}

/// Why a cluster in `dir` does not start.
pub fn refusal(dir: &Path) -> String {
    match try_start(dir) {
        Ok(_) => panic!("it started"),
        Err(cause) => format!("{cause:#}"),
    }
}

/// A data folder with a cluster from an earlier start: making one takes seconds, copying one does not.
pub fn made_folder() -> TempDir {
    let dir = open_folder();
    make_in(dir.path());
    dir
}

/// Puts a cluster from an earlier start into `dir`.
pub fn make_in(dir: &Path) {
    static MADE: LazyLock<PathBuf> = LazyLock::new(|| {
        let dir = open_folder();
        drop(start(dir.path()));
        let kept = cluster::folder().join("made");
        copy(&dir.path().join("postgres"), &kept);
        kept
    });
    fs::create_dir_all(dir).unwrap();
    copy(&MADE, &dir.join("postgres"));
}

/// Copies a folder with its owners.
pub fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

pub fn kill(pid: u32, signal: &str) {
    let done = Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status().unwrap();
    assert!(done.success(), "kill -{signal} {pid}");
}

/// Processes that are stopped for as long as this lives.
pub struct Frozen(Vec<u32>);

impl Frozen {
    pub fn new(pids: Vec<u32>) -> Self {
        pids.iter().for_each(|pid| kill(*pid, "STOP"));
        Self(pids)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for pid in &self.0 {
            let _ = Command::new("kill").args(["-CONT", &pid.to_string()]).status();
        }
    }
}

/// The processes that work below `dir`.
pub fn processes_in(dir: &Path) -> Vec<u32> {
    let pids = fs::read_dir("/proc").unwrap().flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|at| at.starts_with(dir)))
        .collect()
}

/// The PostgreSQL that serves the data folder `dir`.
pub fn postmaster(dir: &Path) -> Option<u32> {
    fs::read_to_string(dir.join("postgres/postmaster.pid")).ok()?.lines().next()?.parse().ok()
}

/// The user that owns a file or a process.
pub fn owner(path: impl AsRef<Path>) -> u32 {
    fs::metadata(path).unwrap().uid()
}

pub fn is_root() -> bool {
    owner("/proc/self") == 0
}
