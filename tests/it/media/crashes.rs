//! Processes: several at once, and those that are killed.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use futures::future::join_all;
use reqwest::Method;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::pictures::{jpeg, pdf};
use super::resuming::{append, begin, media_of, offset};
use super::s3_server::{ACCESS_KEY, S3Server, SECRET_KEY};
use super::serving::fetch;
use super::{MEDIA, OCTETS, PART, UPLOADS, api_path, path_of, tus, upload};
use crate::harness::cluster::{TestDb, fresh_database};
use crate::harness::machine::{ask, execute, until};
use crate::harness::process::Process;
use crate::harness::{Client, files_below};
use crate::monitoring::{TOKEN, find_sample};
use crate::processes::{PASSWORD, serve};

/// A database, a store, and what starts servers on them.
struct Site {
    db: TestDb,
    store: Store,
    data: TempDir,
}

/// Where the media of a site are.
enum Store {
    Folder(TempDir),
    Bucket(S3Server),
}

impl Store {
    /// The folder with the objects, by their names.
    fn path(&self) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.path().to_owned(),
            Self::Bucket(server) => server.path("site"),
        }
    }

    fn flags(&self) -> Vec<String> {
        let flags = match self {
            Self::Folder(folder) => vec!["--media-url", folder.path().to_str().unwrap()],
            Self::Bucket(server) => {
                let endpoint = server.endpoint();
                let flags = ["--media-url", "s3://bucket/site", "--media-endpoint", &endpoint];
                let keys = ["--media-key-id", ACCESS_KEY, "--media-key-secret", SECRET_KEY];
                return flags.into_iter().chain(keys).map(str::to_owned).collect();
            }
        };
        flags.into_iter().map(str::to_owned).collect()
    }
}

impl Site {
    async fn new() -> Self {
        Self::with(Store::Folder(make_folder())).await
    }

    async fn in_bucket() -> Self {
        Self::with(Store::Bucket(S3Server::start())).await
    }

    async fn with(store: Store) -> Self {
        Self { db: fresh_database().await, store, data: make_folder() }
    }

    fn start(&self, number: usize) -> Process {
        let store = self.store.flags();
        let store: Vec<&str> = store.iter().map(String::as_str).collect();
        let data = self.data.path().join(number.to_string());
        let flags =
            ["--metrics-token", TOKEN, "--media-parallel-uploads", "300", "--base-url", "https://x.example"];
        Process::start(serve(&self.db, &data, &[PASSWORD, &store, &flags].concat()))
    }

    /// Fails unless each original in the store is what its name says.
    fn check_originals(&self) -> usize {
        let folder = self.store.path().join("originals");
        let files = if folder.exists() { files_below(&folder) } else { Vec::new() };
        for path in &files {
            let digest: String = Sha256::digest(std::fs::read(path).unwrap())
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            assert_eq!(path.file_name().unwrap().to_str().unwrap(), digest, "a half file");
        }
        files.len()
    }
}

fn make_folder() -> TempDir {
    tempfile::tempdir_in(crate::harness::cluster::folder()).unwrap()
}

/// Sends the head of a request with a body of `length`, and the beginning of the body. The connection stays open.
fn send_beginning(process: &Process, client: &Client, head: &str, length: usize, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(process.url.strip_prefix("http://").unwrap()).unwrap();
    let token = client.token.as_ref().unwrap();
    let head = format!(
        "{head}\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

async fn count_variants(process: &Process) -> f64 {
    let monitor = Client::new(&process.url, Some(TOKEN.to_owned()));
    find_sample(&monitor.get("/metrics").await.expect(200).text(), "inkstone_media_variants_total ")
}

#[actix_web::test]
async fn the_same_file_a_hundred_times_on_two_processes_is_one_original_and_one_run_a_variant() {
    let site = Site::new().await;
    let processes = [site.start(0), site.start(1)];
    let clients = [processes[0].admin().await, processes[1].admin().await];
    let bytes = jpeg(64, 48);
    let answers = join_all((0..100).map(|n| upload(&clients[n % 2], "", &bytes))).await;
    let refused = answers.iter().filter(|answer| answer.status != 201).count();
    let logs = || processes.iter().map(Process::read_log).collect::<String>();
    assert_eq!(refused, 0, "{}", logs());
    let media: Vec<Value> = answers.into_iter().map(|answer| answer.data(201)).collect();
    assert_eq!(site.check_originals(), 1);
    assert_eq!(ask(&site.db.url, "SELECT count(*) FROM media").await, "100");
    assert_eq!(ask(&site.db.url, "SELECT count(*) FROM media_files").await, "1");
    let duplicates = media.iter().filter(|media| media["sha256"] == media_sha(&bytes)).count();
    assert_eq!(duplicates, 100);
    // Every variant is asked for ten times at once, of different media over the same bytes.
    let visitors = [processes[0].client(), processes[1].client()];
    let mut asked = Vec::new();
    for n in 0..10 {
        for address in media[n]["variants"].as_object().unwrap().values() {
            asked.extend(
                [true, false].map(|takes_webp| (visitors[n % 2].clone(), path_of(address), takes_webp)),
            );
        }
    }
    let served =
        join_all(asked.iter().map(|(client, path, takes_webp)| fetch(client, path, *takes_webp))).await;
    let mut refused = 0;
    for answer in &served {
        assert!([200, 503].contains(&answer.status), "{}", answer.text());
        refused += usize::from(answer.status == 503);
    }
    let variants = media[0]["variants"].as_object().unwrap().len() * 2;
    let made = count_variants(&processes[0]).await + count_variants(&processes[1]).await;
    assert!(refused > 0 || made == variants as f64, "{made} of {variants}");
    assert!(made <= variants as f64, "{made} of {variants}");
    assert_eq!(files_below(&site.store.path().join("variants")).len() as f64, made);
}

fn media_sha(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[actix_web::test]
async fn an_upload_goes_on_at_another_process() {
    let site = Site::new().await;
    let processes = [site.start(0), site.start(1)];
    let clients = [processes[0].admin().await, processes[1].admin().await];
    let bytes = pdf(9000);
    let path = begin(&clients[0], 9000, &[("name", "long.pdf")]).await;
    for (n, part) in bytes.chunks(3000).enumerate() {
        let client = &clients[n % 2];
        assert_eq!(offset(client, &path).await, n * 3000);
        append(client, &path, n * 3000, part).await.expect(204);
    }
    let media = media_of(&clients[1], &path).await;
    assert!(clients[1].get(&format!("{}/original", api_path(&media))).await.expect(200).bytes == bytes);
    let served = processes[1].client().get(&path_of(&media["url"])).await.expect(200);
    assert!(served.bytes == bytes);
}

#[actix_web::test]
async fn an_upload_in_parts_goes_on_after_its_process_was_killed() {
    go_on_after_a_kill(Site::new().await).await;
}

#[actix_web::test]
async fn an_upload_into_a_bucket_goes_on_after_its_process_was_killed() {
    go_on_after_a_kill(Site::in_bucket().await).await;
}

async fn go_on_after_a_kill(site: Site) {
    const MIB: usize = 1 << 20;
    let mut process = site.start(0);
    let admin = process.admin().await;
    let bytes = pdf(20 * MIB);
    let path = begin(&admin, bytes.len(), &[]).await;
    let head =
        format!("PATCH {path} HTTP/1.1\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: {PART}");
    let stream = send_beginning(&process, &admin, &head, bytes.len(), &bytes[..11 * MIB]);
    until("the first part", async || ask(&site.db.url, "SELECT received FROM media_uploads").await != "0")
        .await;
    process.signal("KILL");
    process.wait();
    drop(stream);
    let process = site.start(1);
    let admin = process.admin().await;
    // The time of the turn that the dead process had.
    execute(&site.db.url, "UPDATE media_leases SET until = now() - interval '1 second'").await;
    let arrived = offset(&admin, &path).await;
    assert!((8 * MIB..=11 * MIB).contains(&arrived), "{arrived}");
    assert_eq!(admin.get(MEDIA).await.data(200), serde_json::json!([]));
    let last = append(&admin, &path, arrived, &bytes[arrived..]).await.expect(204);
    assert!(!last.header("upload-media").is_empty());
    let media = media_of(&admin, &path).await;
    assert_eq!(media["sha256"], media_sha(&bytes));
    assert!(process.client().get(&path_of(&media["url"])).await.expect(200).bytes == bytes);
    assert_eq!(site.check_originals(), 1);
    let parts = site.store.path().join("uploads");
    assert!(!parts.exists() || files_below(&parts).is_empty(), "parts go when the file is there");
}

#[actix_web::test]
async fn a_client_that_is_lost_finds_what_has_arrived() {
    let site = Site::new().await;
    let process = site.start(0);
    let admin = process.admin().await;
    let bytes = pdf(300_000);
    let path = begin(&admin, bytes.len(), &[]).await;
    let head =
        format!("PATCH {path} HTTP/1.1\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Type: {PART}");
    let mut stream = send_beginning(&process, &admin, &head, bytes.len(), &bytes[..200_000]);
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    drop(stream);
    let arrived = std::cell::Cell::new(0);
    until("what has arrived", async || {
        arrived.set(offset(&admin, &path).await);
        arrived.get() > 0
    })
    .await;
    // What was on the way when the connection closed may be lost.
    let arrived = arrived.get();
    assert!((1..=200_000).contains(&arrived), "{arrived}");
    append(&admin, &path, arrived, &bytes[arrived..]).await.expect(204);
    assert_eq!(media_of(&admin, &path).await["sha256"], media_sha(&bytes));
}

/// The files that are still arriving.
fn spooled(site: &Site) -> usize {
    let all = files_below(&site.store.path()).into_iter().chain(files_below(site.data.path()));
    all.filter(|path| !path.starts_with(site.store.path().join("originals")))
        .filter(|path| is_spool(path))
        .count()
}

fn is_spool(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0)
        && !path.to_string_lossy().contains("/search/")
}

#[actix_web::test]
async fn a_process_that_is_killed_during_uploads_leaves_no_half_file() {
    kill_during_uploads(Site::new().await).await;
}

#[actix_web::test]
async fn a_process_that_is_killed_during_uploads_leaves_no_half_object_in_a_bucket() {
    kill_during_uploads(Site::in_bucket().await).await;
}

async fn kill_during_uploads(site: Site) {
    for round in 0..4 {
        let mut process = site.start(round);
        let admin = process.admin().await;
        // One that arrives forever, and some that are at all stages.
        let head = format!("POST {MEDIA} HTTP/1.1\r\nContent-Type: {OCTETS}");
        let stream = send_beginning(&process, &admin, &head, 4_000_000, &pdf(2_000_000));
        until("its first bytes", async || spooled(&site) > 0).await;
        let uploading = (0..12).map(|_| {
            let (url, token) = (format!("{}{MEDIA}", process.url), admin.token.clone().unwrap());
            actix_web::rt::spawn(async move { try_upload(&url, &token, jpeg(120, 80)).await })
        });
        let uploading: Vec<_> = uploading.collect();
        let wanted = round * 3;
        let before: usize = ask(&site.db.url, "SELECT count(*) FROM media").await.parse().unwrap();
        until("some of them", async || {
            ask(&site.db.url, "SELECT count(*) FROM media").await.parse::<usize>().unwrap() >= before + wanted
        })
        .await;
        process.signal("KILL");
        process.wait();
        drop(stream);
        for task in uploading {
            task.await.unwrap();
        }
        site.check_originals();
    }
    let process = site.start(9);
    let admin = process.admin().await;
    execute(&site.db.url, "DELETE FROM media_leases").await;
    let list = admin.get(&format!("{MEDIA}?page_size=100")).await.data(200);
    assert!(list.as_array().unwrap().len() >= 18);
    for media in list.as_array().unwrap() {
        let original = admin.get(&format!("{}/original", api_path(media))).await.expect(200);
        assert_eq!(media["sha256"], media_sha(&original.bytes), "acknowledged or not: a row has its bytes");
        process.client().get(&path_of(&media["variants"]["w160"])).await.expect(200);
    }
    tus(&admin, Method::OPTIONS, UPLOADS).send().await.expect(204);
}

/// Uploads to a server that may die meanwhile.
async fn try_upload(url: &str, token: &str, bytes: Vec<u8>) {
    let http = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    let request = http.post(url).bearer_auth(token).header("content-type", OCTETS);
    if let Ok(response) = request.body(bytes).send().await {
        assert_eq!(response.status().as_u16(), 201);
    }
}
