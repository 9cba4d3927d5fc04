//! The most memory that the server uses for bodies and clients that mean it no good.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::future::join_all;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use support::{ADMIN, PASSWORD, Server, block_on, login};

/// The most memory that the server may use, in MiB.
const LIMIT_MIB: u64 = 512;
/// Bytes of a large import.
const IMPORT_BYTES: usize = 94 << 20;
/// Connections that ask for long answers and read none.
const DEAF_CLIENTS: usize = 40;

/// A server, and its admin.
struct Target {
    server: Server,
    client: Client,
    token: String,
}

impl Target {
    async fn start() -> anyhow::Result<Self> {
        let server = Server::start(&[])?;
        let client = Client::new();
        let session = server.post(&client, "/auth/login", &login(ADMIN, PASSWORD)).send().await?;
        let session: Value = session.error_for_status()?.json().await?;
        let token = session["data"]["access_token"].as_str().context("a token")?.to_owned();
        Ok(Self { server, client, token })
    }

    fn import(&self, label: &str, body: Vec<u8>) -> RequestBuilder {
        let request = self.client.post(format!("{}/api/v1/articles/import", self.server.url));
        request.bearer_auth(&self.token).header("content-type", label).body(body)
    }

    /// Writes as many articles with bodies of 900 KB.
    async fn fill(&self, articles: usize) -> anyhow::Result<()> {
        let body = format!("<p>{}</p>", "Some words of an article. ".repeat(36_000));
        for number in 0..articles {
            let article = json!({"title": format!("Long {number}"), "body": body, "status": "published"});
            let request = self.server.post(&self.client, "/articles", &article).bearer_auth(&self.token);
            request.send().await?.error_for_status()?;
        }
        Ok(())
    }
}

/// The most memory that a server has used so far, in MiB, without its PostgreSQL.
fn find_peak_memory(server: &Server) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id()))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("a peak")?;
    Ok(peak.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
}

/// Sends all requests at once, and says how many were answered with which status.
async fn send_all(requests: impl IntoIterator<Item = RequestBuilder>) -> String {
    let answers = join_all(requests.into_iter().map(async |request| match request.send().await {
        Ok(answer) => {
            let status = answer.status().to_string();
            drop(answer.bytes().await);
            status
        }
        Err(_) => "closed".to_owned(),
    }))
    .await;
    let mut counts = std::collections::BTreeMap::<_, usize>::new();
    answers.into_iter().for_each(|status| *counts.entry(status).or_default() += 1);
    counts.iter().map(|(status, count)| format!("{count} × {status}")).collect::<Vec<_>>().join(", ")
}

fn gzip(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// A megabyte of nested arrays in one row.
fn nest_arrays() -> Vec<u8> {
    format!("[{{\"title\": \"x\", \"extra\": {}}}]", "[".repeat(1 << 20)).into_bytes()
}

/// Arrays of empty arrays, 87 KB when compressed.
fn pack_empty_arrays() -> anyhow::Result<Vec<u8>> {
    let row = format!("{{\"title\": \"x\", \"extra\": {{\"a\": [{}[]]}}}}", "[],".repeat(30_000));
    gzip(format!("[{}]", vec![row; 300].join(",")).as_bytes())
}

fn make_rows(name: usize) -> Vec<u8> {
    let body = format!("<p>{}</p>", "Some words of an article. ".repeat(400));
    let mut rows = Vec::with_capacity(IMPORT_BYTES + (16 << 10));
    for number in 0.. {
        if rows.len() >= IMPORT_BYTES {
            break;
        }
        let row = json!({"external_id": format!("{name}-{number}"), "title": "Row", "body": body});
        rows.extend_from_slice(format!("{row}\n").as_bytes());
    }
    rows
}

async fn send_nested_arrays(target: &Target) -> anyhow::Result<String> {
    Ok(send_all((0..40).map(|_| target.import("application/json", nest_arrays()))).await)
}

async fn send_bombs(target: &Target) -> anyhow::Result<String> {
    let (arrays, zeros) = (pack_empty_arrays()?, gzip(&vec![b'0'; 256 << 20])?);
    let bombs = [("application/json", arrays), ("text/csv", zeros)];
    let requests = bombs
        .iter()
        .cycle()
        .take(8)
        .map(|(label, body)| target.import(label, body.clone()).header("content-encoding", "gzip"));
    Ok(send_all(requests).await)
}

async fn send_large_articles(target: &Target) -> anyhow::Result<String> {
    let article = json!({"title": "x", "body": "words of an article ".repeat(40_000), "extra": {"a": vec![Vec::<u8>::new(); 900]}});
    let requests =
        (0..40).map(|_| target.server.post(&target.client, "/articles", &article).bearer_auth(&target.token));
    Ok(send_all(requests).await)
}

async fn send_imports(target: &Target) -> anyhow::Result<String> {
    Ok(send_all((0..8).map(|name| target.import("application/x-ndjson", make_rows(name)))).await)
}

/// Asks for lists with bodies on many connections, and reads none of the answers until all have come.
async fn leave_lists_unread(target: &Target) -> anyhow::Result<String> {
    target.fill(40).await?;
    let address = target.server.url.trim_start_matches("http://").to_owned();
    let line = "GET /api/v1/articles?fields=title,body&page_size=100 HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut sockets = Vec::new();
    for _ in 0..DEAF_CLIENTS {
        let mut socket = TcpStream::connect(&address)?;
        socket.set_read_timeout(Some(Duration::from_secs(60)))?;
        socket.write_all(line.repeat(8).as_bytes())?;
        sockets.push(socket);
    }
    // One byte of each says that its answer is there, or its connection is closed.
    let mut began = 0;
    for socket in &mut sockets {
        began += usize::from(matches!(socket.read(&mut [0]), Ok(1)));
    }
    Ok(format!("{began} answers began"))
}

/// Tries one kind of hostile clients on a server of its own. Returns whether it stayed small enough.
async fn measure(
    name: &str,
    attack: impl AsyncFnOnce(&Target) -> anyhow::Result<String>,
) -> anyhow::Result<bool> {
    let target = Target::start().await?;
    let before = find_peak_memory(&target.server)?;
    let answers = attack(&target).await?;
    let peak = find_peak_memory(&target.server)?;
    println!("{name}: {before} MiB before, at most {peak} MiB; {answers}");
    // It still serves.
    target.client.get(format!("{}/api/v1/site", target.server.url)).send().await?.error_for_status()?;
    Ok(peak <= LIMIT_MIB)
}

fn main() -> anyhow::Result<()> {
    let fine = block_on(async {
        Ok([
            measure("40 imports of 1 MiB of nested arrays", send_nested_arrays).await?,
            measure("8 bombs of gzip", send_bombs).await?,
            measure("40 articles of 1 MiB", send_large_articles).await?,
            measure("8 imports of 94 MiB", send_imports).await?,
            measure("40 clients that read no list", leave_lists_unread).await?,
        ])
    })?;
    ensure!(fine.iter().all(|fine| *fine), "the server used more than {LIMIT_MIB} MiB");
    Ok(())
}
