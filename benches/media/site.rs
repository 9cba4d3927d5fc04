//! The library on a running server: a stored variant beside nginx that serves the same bytes, and uploads beside plain
//! copies of the same files.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::future::try_join_all;
use reqwest::Client;
use serde_json::Value;

use crate::support::{ADMIN, PASSWORD, Server, block_on, login};
use crate::wrk::{self, Load, SERVER_CORE, pin};

/// Connections that ask for the variant at once.
const CONNECTIONS: usize = 16;
/// Seconds of each measurement of serving.
const SECONDS: u64 = 5;
/// Uploads at once, and copies at once.
const PARALLEL: usize = 16;
/// The size of what is uploaded, in bytes.
const FILE_BYTES: usize = 100_000;

/// What was measured: figures of ours and of the floor, each a second.
pub struct Compared {
    pub name: &'static str,
    pub ours: Vec<f64>,
    pub floor: Vec<f64>,
}

impl Compared {
    /// The middle of our figures over the middle of the floor's.
    pub fn ratio(&self) -> f64 {
        median(&self.ours) / median(&self.floor)
    }
}

/// The middle of some figures.
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A process that is ended when this is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

async fn sign_in(server: &Server, client: &Client) -> anyhow::Result<String> {
    let answer = server.post(client, "/auth/login", &login(ADMIN, PASSWORD)).send().await?;
    let session: Value = answer.error_for_status()?.json().await?;
    Ok(session["data"]["access_token"].as_str().context("a token")?.to_owned())
}

/// Answers a second of a stored variant, and of nginx for a file of the same bytes. Each has one core and one worker,
/// and wrk the other core; they take turns.
pub fn compare_serving(photograph: &Path, folder: &Path, runs: usize) -> anyhow::Result<Compared> {
    let server =
        Server::launch(pin(SERVER_CORE, env!("CARGO_BIN_EXE_inkstone").as_ref()), &["--workers", "1"])?;
    let (url, bytes) = block_on(store_variant(&server, photograph))?;
    let root = folder.join("served");
    fs::create_dir_all(&root)?;
    fs::write(root.join("variant.jpg"), bytes)?;
    let (_nginx, nginx_url) = start_nginx(&root)?;
    let mut compared = Compared { name: "variants served / nginx's", ours: Vec::new(), floor: Vec::new() };
    let ask = |url: &str| {
        let load =
            Load { url, connections: CONNECTIONS, seconds: SECONDS, is_pinned: true, ..Load::default() };
        wrk::measure(load).map(|measured| measured.rate)
    };
    for _ in 0..runs {
        compared.ours.push(ask(&url)?);
        compared.floor.push(ask(&nginx_url)?);
    }
    Ok(compared)
}

/// Uploads the photograph, has a variant made, and returns its address and bytes.
async fn store_variant(server: &Server, photograph: &Path) -> anyhow::Result<(String, Vec<u8>)> {
    let client = Client::new();
    let token = sign_in(server, &client).await?;
    let request = client.post(format!("{}/api/v1/media", server.url)).bearer_auth(token);
    let answer = request.body(fs::read(photograph)?).send().await?.error_for_status()?;
    let media: Value = answer.json().await?;
    let address = media["data"]["variants"]["w960"].as_str().context("an address")?;
    let path = address.find("/media/").and_then(|at| address.get(at..)).context("a path")?;
    let url = format!("{}{path}.jpg", server.url);
    let bytes = client.get(&url).send().await?.error_for_status()?.bytes().await?;
    Ok((url, bytes.to_vec()))
}

/// Starts one worker of nginx over the files in `root`. Returns the address of the variant.
fn start_nginx(root: &Path) -> anyhow::Result<(Process, String)> {
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let settings = root.join("nginx.conf");
    let root = root.display();
    fs::write(
        &settings,
        format!(
            "daemon off; worker_processes 1; pid {root}/nginx.pid; error_log stderr crit; user root;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;\n\
             open_file_cache max=100 inactive=1h; open_file_cache_valid 1h; types {{ image/jpeg jpg; }}\n\
             server {{ listen 127.0.0.1:{port}; root {root}; }} }}\n"
        ),
    )?;
    let program = ["/usr/sbin/nginx", "/usr/bin/nginx"].into_iter().find(|path| Path::new(path).exists());
    let mut nginx = pin(SERVER_CORE, program.context("nginx is not installed")?.as_ref());
    nginx.arg("-e").arg("stderr").arg("-c").arg(settings);
    let process = Process(nginx.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
    let end = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        ensure!(Instant::now() < end, "nginx does not start");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok((process, format!("http://127.0.0.1:{port}/variant.jpg")))
}

/// The bytes of one document, none like another.
fn write_document(number: usize) -> Vec<u8> {
    let begin = format!("%PDF-1.4\n% {number}\n");
    begin.bytes().chain((0..).map(|at: u32| b'a' + (at % 26) as u8)).take(FILE_BYTES).collect()
}

/// Uploads of so many documents a second, and plain copies of them with fsync and rename; both so many at once.
pub fn compare_uploads(folder: &Path, files: usize) -> anyhow::Result<Compared> {
    let floor = copy_documents(&folder.join("copies"), files)?;
    let server = Server::start(&[])?;
    let ours = block_on(upload_documents(&server, files))?;
    Ok(Compared { name: "uploads / plain copies", ours: vec![ours], floor: vec![floor] })
}

async fn upload_documents(server: &Server, files: usize) -> anyhow::Result<f64> {
    let client = Client::new();
    let token = sign_in(server, &client).await?;
    let url = format!("{}/api/v1/media", server.url);
    let begin = Instant::now();
    let uploaders = (0..PARALLEL).map(async |first| {
        for number in (first..files).step_by(PARALLEL) {
            let request = client.post(&url).bearer_auth(&token).header("content-type", "application/pdf");
            let answer = request.body(write_document(number)).send().await?;
            let status = answer.status();
            ensure!(status == 201, "answered {status}: {}", answer.text().await?);
        }
        Ok(())
    });
    try_join_all(uploaders).await?;
    Ok(files as f64 / begin.elapsed().as_secs_f64())
}

fn copy_documents(folder: &Path, files: usize) -> anyhow::Result<f64> {
    fs::create_dir_all(folder)?;
    let copy = |number: usize| -> anyhow::Result<()> {
        let (part, whole) = (folder.join(format!("{number}.part")), folder.join(number.to_string()));
        let mut file = fs::File::create(&part)?;
        file.write_all(&write_document(number))?;
        file.sync_all()?;
        Ok(fs::rename(part, whole)?)
    };
    let begin = Instant::now();
    std::thread::scope(|scope| {
        let copies = (0..PARALLEL)
            .map(|first| scope.spawn(move || (first..files).step_by(PARALLEL).try_for_each(copy)));
        let copies: Vec<_> = copies.collect();
        copies.into_iter().try_for_each(|copy| copy.join().map_err(|_| anyhow::anyhow!("a copy ended"))?)
    })?;
    Ok(files as f64 / begin.elapsed().as_secs_f64())
}
