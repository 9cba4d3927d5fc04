//! A site that is filled, and how its index has followed.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use inkstone::db::embedded::Embedded;
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::floor::Database;
use crate::support::{ADMIN, PASSWORD, Server, block_on, login};
use crate::words;

/// Articles of one request.
const BATCH: usize = 10_000;
/// How long the index may take.
const PATIENCE: Duration = Duration::from_secs(1800);

/// A filled site.
pub struct Site {
    pub database: Database,
    /// What filling it has taken.
    pub filled: Value,
    server: Server,
    _embedded: Embedded,
    _folder: TempDir,
}

impl Site {
    /// Imports so many articles, and waits for the index.
    pub fn fill(articles: usize) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let (embedded, database) = Database::start(folder.path())?;
        let index = folder.path().join("index");
        let index_dir = index.to_str().context("a path")?;
        let server =
            Server::start(&["--database-url", &database.url, "--cache-size", "0", "--index-dir", index_dir])?;
        let began = Instant::now();
        block_on(import(&server, articles))?;
        let imported = began.elapsed();
        let most = block_on(wait(&server, articles))?;
        let followed = began.elapsed();
        database.psql(&["VACUUM (ANALYZE) articles"])?;
        let bytes = count_bytes(&index)?;
        let filled = json!({
            "import_s": imported.as_secs_f64(),
            "import_rows_per_second": articles as f64 / imported.as_secs_f64(),
            "index_behind_s": (followed - imported).as_secs_f64(),
            "followed_rows_per_second": articles as f64 / followed.as_secs_f64(),
            "index_mib": bytes as f64 / 1_048_576.0,
            "index_bytes_per_article": bytes / articles as u64,
            "most_server_mib_after_import": most,
        });
        Ok(Self { database, filled, server, _embedded: embedded, _folder: folder })
    }

    /// The server's address.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.server.url.trim_start_matches("http://").parse()?)
    }
}

async fn import(server: &Server, articles: usize) -> anyhow::Result<()> {
    let client = Client::new();
    for first in (0..articles).step_by(BATCH) {
        // A session lasts some minutes.
        let session = server.post(&client, "/auth/login", &login(ADMIN, PASSWORD)).send().await?;
        let session: Value = session.error_for_status()?.json().await?;
        let token = session["data"]["access_token"].as_str().context("a token")?;
        let last = (first + BATCH).min(articles);
        let rows: String = (first..last).map(|at| format!("{}\n", article(at))).collect();
        let import = format!("{}/api/v1/articles/import?create_categories=true", server.url);
        let import = client.post(import).bearer_auth(token).header("content-type", "application/x-ndjson");
        let summary: Value = import.body(rows).send().await?.error_for_status()?.json().await?;
        ensure!(summary["data"]["created"] == last - first, "{summary:#}");
    }
    Ok(())
}

fn article(at: usize) -> Value {
    let (title, body) = words::write(at);
    json!({
        "external_id": format!("bench-{at}"), "title": title, "body": body, "category": format!("新闻/栏目{}", at % 40),
        "tags": [format!("标签{}", at % 200)], "author": "本网记者", "source_name": format!("来源{}", at % 100),
        "status": "published",
        "published_at": format!("{}-{:02}-{:02}T{:02}:00:00Z", 2010 + at % 15, at % 12 + 1, at % 28 + 1, at % 24),
    })
}

/// Waits until the index has so many documents. Returns the most memory that the server had, in MiB.
async fn wait(server: &Server, documents: usize) -> anyhow::Result<f64> {
    let (client, end) = (Client::new(), Instant::now() + PATIENCE);
    let mut most = 0.0_f64;
    loop {
        let state: Value = client.get(format!("{}/readyz", server.url)).send().await?.json().await?;
        most = most.max(read_pss(server)?);
        if state["search"]["documents"].as_u64().is_some_and(|found| found >= documents as u64) {
            return Ok(most);
        }
        ensure!(Instant::now() < end, "the index does not follow: {state}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn read_pss(server: &Server) -> anyhow::Result<f64> {
    let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", server.child.id()))?;
    let pss = text.lines().find_map(|line| line.strip_prefix("Pss_Anon:")).context("the memory")?;
    Ok(pss.trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
}

fn count_bytes(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        bytes +=
            if entry.file_type()?.is_dir() { count_bytes(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}
