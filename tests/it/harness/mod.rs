//! What every test stands on: a server of its own over a database of its own, and a cast of members.

pub mod cluster;
pub mod contract;
pub mod link;
pub mod machine;
pub mod process;
pub mod wire;

use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use clap::Parser;
use inkstone::app::App;
use inkstone::config::{Cli, Config};
use inkstone::edge::Patience;
use inkstone::keys::Keys;
use inkstone::mail::Mailer;
use inkstone::members::passwords::Hasher;
use inkstone::members::sessions::queries::NewSession;
use inkstone::members::writing::parse_account;
use inkstone::members::{queries, sessions, tokens};
use inkstone::operations::Role;
use inkstone::server::shared::Shared;
use inkstone::{search, server};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use uuid::Uuid;

use cluster::TestDb;
use wire::Wire;

/// A running server.
pub struct TestApp {
    pub url: String,
    pub shared: Shared,
    pub db: TestDb,
    handle: ServerHandle,
    follower: JoinHandle<()>,
    indexer: JoinHandle<()>,
    /// The folder of its search index.
    pub index_dir: TempDir,
}

impl TestApp {
    /// A server over an empty database, and a visitor.
    pub async fn start() -> (Self, Client) {
        Self::start_with(&[]).await
    }

    /// The same, with flags of `serve`.
    pub async fn start_with(flags: &[&str]) -> (Self, Client) {
        Self::start_on(cluster::fresh_database().await, flags).await
    }

    /// A server over `db`. All servers of a test run share one signing key.
    pub async fn start_on(db: TestDb, flags: &[&str]) -> (Self, Client) {
        let url = db.url.clone();
        Self::start_through(db, &url, flags).await
    }

    /// A server over an empty database, a visitor, and a count of its round trips to the database.
    pub async fn start_counting() -> (Self, Client, Wire) {
        let db = cluster::fresh_database().await;
        let wire = Wire::start(&db.url, &[wire::FOLLOWER], &cluster::runtime()).await;
        let (app, anon) = Self::start_through(db, &wire.url, &[]).await;
        (app, anon, wire)
    }

    /// A server over an empty database that waits at most `wait` for slow clients, and a visitor.
    pub async fn start_waiting_for(wait: Duration, flags: &[&str]) -> (Self, Client) {
        let db = cluster::fresh_database().await;
        let url = db.url.clone();
        let patience = Patience { head: wait, idle: wait, body: wait, answer: wait, ..Default::default() };
        Self::start_waiting(db, &url, flags, patience).await
    }

    /// A server over `db`, which it reaches by `database_url`.
    pub async fn start_through(db: TestDb, database_url: &str, flags: &[&str]) -> (Self, Client) {
        Self::start_waiting(db, database_url, flags, Patience::default()).await
    }

    /// The same, with other patience.
    async fn start_waiting(
        db: TestDb,
        database_url: &str,
        flags: &[&str],
        patience: Patience,
    ) -> (Self, Client) {
        let config = config(flags);
        let keys = keys(database_url, &config).await;
        let mailer = Mailer::new(&config.mail, &config.database.data_dir).unwrap();
        let app = App::new(config, database_url, cluster::runtime(), keys, mailer).unwrap();
        let mut shared = Shared::new(app, Hasher::new().unwrap(), contract::CONTRACT.clone());
        shared.patience = patience;
        let (follower, follow) = (shared.app.follower.clone(), database_url.to_owned());
        let follower = cluster::runtime().spawn(async move { follower.follow(&follow).await });
        let index_dir = tempfile::tempdir().unwrap();
        let (indexed, root) = (shared.app.clone().into_inner(), index_dir.path().to_owned());
        let indexer = cluster::runtime().spawn(search::follower::follow(indexed, db.url.clone(), root));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = server::start(&shared, listener).unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let anon = Client::new(&url, None);
        (Self { url, shared, db, handle, follower, indexer, index_dir }, anon)
    }

    /// A signed-in member with `role`, made behind the API's back.
    pub async fn db_member(&self, role: Role) -> Client {
        let email = format!("{}-{}@example.org", role.as_str(), Uuid::new_v4().simple());
        let account = parse_account(&email, role, role.as_str().to_owned()).unwrap();
        let mut tx = self.shared.app.begin().await.unwrap();
        let row = queries::insert_member(&mut tx, &account, "no password").await.unwrap();
        let session = NewSession {
            id: Uuid::now_v7(),
            member_id: row.id,
            device: "test".to_owned(),
            network: Vec::new(),
            expires_at: chrono::Utc::now() + Duration::from_secs(3600),
        };
        let id = session.id;
        let began = sessions::queries::insert_session(&mut tx, session).await.unwrap();
        tx.commit().await.unwrap();
        let token = tokens::issue(&self.shared.app.ring().await.unwrap(), row.id, id, began, 3600).unwrap();
        Client { id: Some(row.id), ..Client::new(&self.url, Some(token)) }
    }

    /// Waits until the search index has everything that was committed before.
    pub async fn index(&self) {
        assert!(self.shared.app.search.catch_up(machine::PATIENCE).await, "the index does not follow");
    }

    /// Ends what keeps the search index up to date.
    pub fn stop_indexing(&self) {
        self.indexer.abort();
    }

    /// One member of each role.
    pub async fn db_cast(&self) -> Cast {
        Cast {
            anon: Client::new(&self.url, None),
            member: self.db_member(Role::Member).await,
            author: self.db_member(Role::Author).await,
            editor: self.db_member(Role::Editor).await,
            admin: self.db_member(Role::Admin).await,
        }
    }

    /// Runs a statement behind the API's back.
    pub async fn db_execute(&self, sql: &str) {
        use diesel_async::RunQueryDsl;
        let mut conn = self.shared.app.writer().await.unwrap();
        diesel::sql_query(sql).execute(&mut conn).await.unwrap();
        // The log tells nothing of it.
        self.shared.app.follower.forget_all();
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        // The command is sent at once; nobody waits for the end.
        drop(self.handle.stop(false));
        self.follower.abort();
        self.indexer.abort();
    }
}

async fn keys(url: &str, config: &Config) -> Keys {
    let mut conn = inkstone::db::pool::open(url.to_owned()).await.unwrap();
    let kept = Duration::from_secs(720);
    Keys::open(&mut conn, &config.access.signing_key_file, kept).await.unwrap()
}

/// The configuration of `serve` with `flags`, whatever the environment says.
fn config(flags: &[&str]) -> Config {
    let fixed = ["inkstone", "--listen", "127.0.0.1:0", "--workers", "1", "--pool-size", "4"];
    let mut config = Cli::parse_from(fixed.iter().chain(flags)).serve;
    config.database.data_dir = cluster::folder().to_path_buf();
    if !flags.contains(&"--view-window") {
        // Tests count views by one client.
        config.http.view_window = Duration::ZERO;
    }
    config
}

/// One client of each kind.
pub struct Cast {
    pub anon: Client,
    pub member: Client,
    pub author: Client,
    pub editor: Client,
    pub admin: Client,
}

/// Somebody who sends requests.
#[derive(Clone)]
pub struct Client {
    pub id: Option<Uuid>,
    pub token: Option<String>,
    base: String,
    http: reqwest::Client,
}

impl Client {
    /// A client of the server at `base`.
    pub fn new(base: &str, token: Option<String>) -> Self {
        // The first to ask installs it for all; the others find it there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Reading the machine's certificates would take longer than most tests.
        let http = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
        Self { id: None, token, base: base.to_owned(), http }
    }

    /// The same client at another address, which it reaches by `http`.
    pub fn through(&self, base: &str, http: reqwest::Client) -> Self {
        Self { base: base.to_owned(), http, ..self.clone() }
    }

    /// A request to be sent with [`Request::send`].
    pub fn request(&self, method: Method, path: &str) -> Request {
        let mut builder = self.http.request(method.clone(), format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            builder = builder.bearer_auth(token);
        }
        Request { method, path: path.to_owned(), builder }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path).send().await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.request(Method::POST, path).json(&body).send().await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.request(Method::PATCH, path).json(&body).send().await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.request(Method::PUT, path).json(&body).send().await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.request(Method::DELETE, path).send().await
    }

    /// A POST without a body.
    pub async fn act(&self, path: &str) -> Answer {
        self.request(Method::POST, path).send().await
    }

    /// Creates a category and returns it.
    pub async fn category(&self, slug: &str, parent: Option<&str>) -> Value {
        let body = json!({"name": slug, "slug": slug, "parent": parent});
        self.post("/api/v1/categories", body).await.data(201)
    }

    /// Creates a published article in a category and returns it.
    pub async fn article(&self, title: &str, category: Option<&str>) -> Value {
        let body = json!({"title": title, "body": format!("<p>{title}</p>"), "category": category, "status": "published"});
        self.post("/api/v1/articles", body).await.data(201)
    }
}

/// A request on its way.
pub struct Request {
    method: Method,
    path: String,
    builder: reqwest::RequestBuilder,
}

impl Request {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    pub fn json(mut self, body: &Value) -> Self {
        self.builder = self.builder.json(body);
        self
    }

    /// Any body, labelled as JSON.
    pub fn raw(self, body: impl Into<reqwest::Body>) -> Self {
        self.labelled("application/json", body)
    }

    /// Any body with any label.
    pub fn labelled(mut self, label: &str, body: impl Into<reqwest::Body>) -> Self {
        self.builder = self.builder.header("content-type", label).body(body);
        self
    }

    /// Sends it, and leaves the body to be read as it comes.
    pub async fn open(self) -> reqwest::Response {
        self.builder.send().await.unwrap()
    }

    /// Sends it, and checks the answer against the OpenAPI document. Of a stream that does not end, the beginning is read.
    pub async fn send(self) -> Answer {
        let mut response = self.builder.send().await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let is_endless = headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let bytes = match is_endless {
            true => response.chunk().await.unwrap().unwrap_or_default(),
            false => response.bytes().await.unwrap(),
        };
        let answer = Answer { status, headers, bytes: bytes.to_vec() };
        contract::check(&self.method, &self.path, &answer);
        answer
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    /// The body without its coding.
    #[track_caller]
    pub fn decoded(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let bytes = &self.bytes[..];
        match self.header("content-encoding") {
            _ if bytes.is_empty() => 0,
            "gzip" => flate2::read::GzDecoder::new(bytes).read_to_end(&mut body).unwrap(),
            "br" => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut body).unwrap(),
            "zstd" => zstd::Decoder::new(bytes).unwrap().read_to_end(&mut body).unwrap(),
            "" => return bytes.to_vec(),
            other => panic!("{other}"),
        };
        body
    }

    /// The whole body.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.decoded()).unwrap_or_else(|_| panic!("{}: {}", self.status, self.text()))
    }

    /// The values of NDJSON, line by line.
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.decoded()).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Fails unless the status is `status`.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// `data`, if the status is `status`.
    #[track_caller]
    pub fn data(self, status: u16) -> Value {
        self.expect(status).json()["data"].clone()
    }

    /// The status and the code of a problem.
    #[track_caller]
    pub fn problem(&self) -> (u16, String) {
        let body = self.json();
        if let Some(told) = body["status"].as_u64() {
            assert_eq!(told, u64::from(self.status), "the status in the document: {body}");
        }
        (self.status, body["code"].as_str().unwrap_or_default().to_owned())
    }

    /// Where a problem's faults lie and what kind they are, in order.
    pub fn faults(&self) -> Vec<(String, String)> {
        let body = self.json();
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        let place = |fault: &Value| {
            fault["pointer"].as_str().or(fault["parameter"].as_str()).unwrap_or_default().to_owned()
        };
        errors.iter().map(|fault| (place(fault), fault["code"].as_str().unwrap().to_owned())).collect()
    }
}

/// The values under `key` of a list's rows.
pub fn column(rows: &Value, key: &str) -> Vec<String> {
    let rows = rows.as_array().unwrap();
    rows.iter().map(|row| row[key].as_str().map_or_else(|| row[key].to_string(), str::to_owned)).collect()
}

/// All text files below `folder`, as paths from it.
pub fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
