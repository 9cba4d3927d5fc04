//! Bulk import against its floor: psql's `\copy` of the very same finished rows
//! into the same table, in the same run. `cargo bench --bench import [-- ROWS]`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench reports, and stops at the first fault"
)]

#[path = "support/rows.rs"]
mod rows;
#[path = "support/texts.rs"]
mod texts;

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use inkstone::db::embedded::Embedded;
use rows::row;
use serde_json::{Value, json};

const ROWS: usize = 200_000;
/// Words of an article: about 4 KB of HTML.
const LENGTH: usize = 580;

struct Server {
    child: Child,
    url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

fn serve(dir: &Path) -> Server {
    let mut child = Command::new(env!("CARGO_BIN_EXE_inkstone"))
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--data-dir",
            dir.to_str().unwrap(),
            "--admin-password",
            "correct horse",
        ])
        .env("INKSTONE_LOG", "warn")
        .env_remove("DATABASE_URL")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let url = lines.find_map(|line| line.strip_prefix("Inkstone is ready: ").map(str::to_owned)).unwrap();
    std::thread::spawn(move || lines.for_each(drop));
    Server { child, url }
}

/// The server's largest memory so far, in MiB.
fn peak(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default().to_owned();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() / 1_024
}

/// Seconds of processor time so far: of the server, and of its PostgreSQL.
fn cpu(server: &Server) -> (f64, f64) {
    let mut processes: Vec<(u32, u32, f64)> = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().map_while(Result::ok) {
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((pid, rest)) = stat.split_once(' ') else { continue };
        let Some((_, fields)) = rest.rsplit_once(") ") else { continue };
        let fields: Vec<&str> = fields.split(' ').collect();
        let (Ok(pid), Ok(parent)) = (pid.parse(), fields[1].parse()) else { continue };
        let ticks: f64 = fields[11..=12].iter().filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
        processes.push((pid, parent, ticks / 100.0));
    }
    let own = server.child.id();
    let masters: Vec<u32> =
        processes.iter().filter(|(_, parent, _)| *parent == own).map(|one| one.0).collect();
    let database =
        processes.iter().filter(|(pid, parent, _)| masters.contains(parent) || masters.contains(pid));
    let server = processes.iter().find(|(pid, ..)| *pid == own).map_or(0.0, |one| one.2);
    (server, database.map(|one| one.2).sum())
}

/// Runs psql and returns the seconds it took.
fn psql(url: &str, command: &str) -> f64 {
    let began = Instant::now();
    let done =
        Command::new("psql").args([url, "-qX", "-v", "ON_ERROR_STOP=1", "-c", command]).status().unwrap();
    assert!(done.success(), "{command}");
    began.elapsed().as_secs_f64()
}

async fn import(server: &Server, token: &str, file: &Path) -> (Value, f64) {
    let began = Instant::now();
    let body = streamed(file);
    let answer = reqwest::Client::new()
        .post(format!("{}/api/v1/articles/import?create_categories=true", server.url))
        .bearer_auth(token)
        .header("content-type", "application/x-ndjson")
        .body(body)
        .send()
        .await
        .unwrap();
    let bytes = answer.bytes().await.unwrap();
    let summary: Value = serde_json::from_slice(&bytes).unwrap();
    (summary["data"].clone(), began.elapsed().as_secs_f64())
}

/// The file as a streaming body.
fn streamed(file: &Path) -> reqwest::Body {
    let mut file = File::open(file).unwrap();
    let chunks = std::iter::from_fn(move || {
        let mut chunk = vec![0; 256 << 10];
        let length = file.read(&mut chunk).ok().filter(|length| *length > 0)?;
        chunk.truncate(length);
        Some(Ok::<_, std::io::Error>(chunk))
    });
    reqwest::Body::wrap_stream(futures_util::stream::iter(chunks))
}

#[actix_web::main]
async fn main() {
    let rows = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(ROWS);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let file = dir.path().join("rows.ndjson");
    let mut out = BufWriter::new(File::create(&file).unwrap());
    for at in 0..rows {
        writeln!(out, "{}", row(at, LENGTH)).unwrap();
    }
    out.flush().unwrap();
    drop(out);
    let server = serve(&dir.path().join("data"));
    let login = json!({"email": "admin@localhost", "password": "correct horse"});
    let client = reqwest::Client::new();
    let session = client
        .post(format!("{}/api/v1/auth/login", server.url))
        .header("content-type", "application/json")
        .body(login.to_string())
        .send()
        .await
        .unwrap();
    let session: Value = serde_json::from_slice(&session.bytes().await.unwrap()).unwrap();
    let token = session["data"]["access_token"].as_str().unwrap().to_owned();
    let (summary, first) = import(&server, &token, &file).await;
    assert_eq!(summary["created"], rows, "{summary:#}");
    let memory = peak(&server);
    let (server_time, database_time) = cpu(&server);
    let (summary, again) = import(&server, &token, &file).await;
    assert_eq!(summary["unchanged"], rows, "{summary:#}");
    let url = Embedded::find_running(&dir.path().join("data")).unwrap();
    let copied = dir.path().join("articles.copy");
    psql(&url, &format!("\\copy articles TO '{}'", copied.display()));
    psql(&url, "TRUNCATE articles, article_slugs CASCADE");
    psql(&url, "VACUUM (ANALYZE) articles");
    psql(&url, "CHECKPOINT");
    let floor = psql(&url, &format!("\\copy articles FROM '{}'", copied.display()));
    let rate = |seconds: f64| rows as f64 / seconds;
    println!("rows {rows}");
    println!("\\copy of finished rows   {floor:7.1} s  {:8.0} rows/s", rate(floor));
    println!(
        "import                   {first:7.1} s  {:8.0} rows/s  ratio {:.2} (aim 0.6)",
        rate(first),
        floor / first
    );
    println!("  processor time: {server_time:.1} s in the server, {database_time:.1} s in PostgreSQL");
    println!(
        "the same body again      {again:7.1} s  {:8.0} rows/s  {:.1} times as fast (aim 5)",
        rate(again),
        first / again
    );
    println!("peak memory of the server {memory} MiB (aim below 300)");
}
