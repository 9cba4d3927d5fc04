//! The binary: commands, first start, shutdown, and several processes at once.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use inkstone::operations::Role;
use inkstone::operations::scope::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::cluster::{TestDb, bare_database, fresh_database, migrate};
use crate::harness::machine::{ask, until};
use crate::harness::process::{Process, inkstone, run};
use crate::harness::{Client, TestApp};

/// Builds `inkstone serve` for `db`.
pub fn serve(db: &TestDb, data_dir: &Path, more: &[&str]) -> Command {
    let fixed = ["serve", "--listen", "127.0.0.1:0", "--data-dir", data_dir.to_str().unwrap()];
    let mut command = inkstone(&[&fixed, more].concat());
    command.env("DATABASE_URL", &db.url);
    command
}

pub const PASSWORD: &[&str] = &["--admin-password", "correct horse"];

#[test]
fn the_help_lists_commands_and_flags() {
    let (code, help, _) = run(inkstone(&["--help"]));
    assert_eq!(code, Some(0));
    for part in ["serve", "migrate", "openapi", "--listen", "--database-url", "INKSTONE_DATA_DIR"] {
        assert!(help.contains(part), "{part} is not in:\n{help}");
    }
}

#[test]
fn the_help_of_keys_lists_every_scope() {
    let (code, help, _) = run(inkstone(&["api-key", "create", "--help"]));
    assert_eq!(code, Some(0));
    for scope in Scope::all() {
        assert!(help.contains(scope.as_str()), "{} is not in:\n{help}", scope.as_str());
    }
}

#[test]
fn a_wrong_command_line_is_refused_with_the_wrong_argument() {
    for wrong in [
        ["serve", "--lisen", "127.0.0.1:0"],
        ["serve", "--request-timeout", "0"],
        ["serve", "--listen", "nowhere"],
        ["openapi", "--workers", "2"],
    ] {
        let (code, out, said) = run(inkstone(&wrong));
        assert_eq!((code, out.as_str()), (Some(2), ""), "{wrong:?}");
        assert!(said.contains(wrong[1]), "{said}");
    }
}

#[test]
fn the_printed_document_is_the_checked_in_file() {
    let (code, printed, _) = run(inkstone(&["openapi"]));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/openapi.json");
    assert_eq!(code, Some(0));
    assert!(printed == fs::read_to_string(file).unwrap(), "openapi/openapi.json is another document");
}

#[actix_web::test]
async fn a_start_with_a_given_database_creates_no_cluster() {
    let (db, dir) = (bare_database().await, tempfile::tempdir().unwrap());
    let process = Process::start(serve(&db, dir.path(), PASSWORD));
    let client = process.client();
    for path in ["/healthz", "/readyz"] {
        assert_eq!(client.get(path).await.expect(200).json()["status"], "ok");
    }
    client.get("/docs/").await.expect(200);
    process.admin().await.get("/api/v1/members/me").await.expect(200);
    assert_eq!(client.get("/api/v1/site").await.data(200)["base_url"], process.url.as_str());
    assert!(!process.printed.iter().any(|line| line.contains("correct horse")));

    let mut names: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["media", "search"], "files of media, and an index that is made again; no cluster");
}

#[actix_web::test]
async fn the_demo_site_is_loaded_once() {
    let (db, dir) = (fresh_database().await, tempfile::tempdir().unwrap());
    let command = || serve(&db, dir.path(), &[PASSWORD, &["--demo"]].concat());
    let mut first = Process::start(command());
    let admin = first.admin().await;
    let before = count_contents(&admin).await;
    assert!(before.iter().all(|total| *total > 0), "{before:?}");
    let from_afar =
        first.client().request(Method::GET, "/api/v1/articles").header("origin", "https://a.example");
    assert_eq!(from_afar.send().await.header("access-control-allow-origin"), "*");
    let list = admin.get("/api/v1/articles").await.data(200);
    let path = format!("/api/v1/articles/{}", list[0]["id"].as_str().unwrap());
    admin.delete(&path).await.expect(204);
    first.signal("TERM");
    assert!(first.wait().success());

    let second = Process::start(command());
    assert!(first.printed.iter().any(|line| line == "Loaded the demo site."));
    assert!(!second.printed.iter().any(|line| line == "Loaded the demo site."));
    let admin = second.admin().await;
    admin.get(&path).await.expect(404);
    assert_eq!(count_contents(&admin).await, [before[0] - 1, before[1], before[2]]);
}

/// Counts articles, categories and notices.
async fn count_contents(admin: &Client) -> [i64; 3] {
    let mut totals = [0; 3];
    for (total, list) in totals.iter_mut().zip(["articles?count=true", "categories", "notices?count=true"]) {
        let list = admin.get(&format!("/api/v1/{list}")).await.expect(200).json();
        *total = list["page"]["total"].as_i64().unwrap();
    }
    totals
}

/// Sends half of a login request; returns the connection and the rest of the request.
fn send_half_a_login(url: &str) -> (TcpStream, String) {
    let body = json!({"email": "admin@localhost", "password": "correct horse"}).to_string();
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let (first, rest) = body.split_at(20);
    let head = format!(
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 25];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(first.as_bytes()).unwrap();
    (stream, rest.to_owned())
}

/// Waits until no server listens at `url`.
async fn wait_until_closed(url: &str) {
    let address = url.strip_prefix("http://").unwrap();
    until("the listener to close", async || TcpStream::connect(address).is_err()).await;
}

#[actix_web::test]
async fn a_signal_lets_requests_in_flight_finish() {
    let (db, dir) = (fresh_database().await, tempfile::tempdir().unwrap());
    for signal in ["TERM", "INT"] {
        let mut process = Process::start(serve(&db, dir.path(), PASSWORD));
        let (mut stream, rest) = send_half_a_login(&process.url);
        process.signal(signal);
        wait_until_closed(&process.url).await;
        stream.write_all(rest.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK"), "{signal}: {answer}");
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["data"]["member"]["email"], "admin@localhost");
        assert_eq!(process.wait().code(), Some(0), "{signal}");
    }
}

#[actix_web::test]
async fn a_second_signal_ends_the_server_at_once() {
    let (db, dir) = (fresh_database().await, tempfile::tempdir().unwrap());
    let mut process = Process::start(serve(&db, dir.path(), PASSWORD));
    let (_stream, _) = send_half_a_login(&process.url);
    process.signal("INT");
    wait_until_closed(&process.url).await;
    let began = Instant::now();
    process.signal("INT");
    process.wait();
    assert!(began.elapsed() < Duration::from_secs(5), "it ended after {:?}", began.elapsed());
}

#[actix_web::test]
async fn a_request_that_never_ends_does_not_prevent_the_shutdown() {
    let (db, dir) = (fresh_database().await, tempfile::tempdir().unwrap());
    let flags = [PASSWORD, &["--shutdown-timeout", "1"]].concat();
    let mut process = Process::start(serve(&db, dir.path(), &flags));
    let (_stream, _) = send_half_a_login(&process.url);
    let began = Instant::now();
    process.signal("TERM");
    assert_eq!(process.wait().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(8), "it ended after {:?}", began.elapsed());
}

#[actix_web::test]
async fn a_named_request_acts_once_even_if_the_server_is_killed_after_it() {
    let (db, dir) = (fresh_database().await, tempfile::tempdir().unwrap());
    let send = async |process: &Process| {
        let request = process.admin().await.request(Method::POST, "/api/v1/categories");
        request.header("idempotency-key", "once").json(&json!({"name": "Once"})).send().await
    };
    let mut process = Process::start(serve(&db, dir.path(), PASSWORD));
    let first = send(&process).await.expect(201);
    process.signal("KILL");
    process.wait();
    let process = Process::start(serve(&db, dir.path(), PASSWORD));
    let again = send(&process).await.expect(201);
    assert_eq!((again.header("idempotency-replayed"), &again.bytes), ("true", &first.bytes));
}

#[actix_web::test]
async fn views_are_written_at_shutdown() {
    let (db, dir) = (fresh_database().await, tempfile::tempdir().unwrap());
    let mut process = Process::start(serve(&db, dir.path(), PASSWORD));
    let tides = process.admin().await.article("Tides", None).await;
    let path = format!("/api/v1/articles/{}/views", tides["id"].as_str().unwrap());
    for agent in ["one", "two", "three"] {
        let request = process.client().request(Method::POST, &path).header("user-agent", agent);
        request.send().await.expect(204);
    }
    process.signal("TERM");
    assert!(process.wait().success());
    assert_eq!(ask(&db.url, "SELECT sum(views) FROM article_views").await, "3");
}

#[actix_web::test]
async fn four_parallel_first_starts_create_one_site() {
    let db = bare_database().await;
    let dirs: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
    let start = |dir: &tempfile::TempDir| {
        let command = serve(&db, dir.path(), &["--demo"]);
        std::thread::spawn(move || Process::start(command))
    };
    let starting: Vec<_> = dirs.iter().map(start).collect();
    let processes: Vec<_> = starting.into_iter().map(|thread| thread.join().unwrap()).collect();

    let printed: Vec<_> = processes.iter().flat_map(|process| &process.printed).collect();
    let lines = |start: &str| printed.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!((lines("First admin"), lines("Loaded the demo site")), (1, 1), "{printed:?}");
    for process in &processes {
        process.client().get("/readyz").await.expect(200);
        let list = process.client().get("/api/v1/articles?count=true").await.expect(200).json();
        let all = "SELECT count(*) FROM articles WHERE status = 'published' AND published_at <= now()";
        assert_eq!(list["page"]["total"].to_string(), ask(&db.url, all).await);
    }
    assert_eq!(ask(&db.url, "SELECT count(*) FROM members WHERE role = 'admin'").await, "1");
    let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")).unwrap().count();
    let ran = ask(&db.url, "SELECT count(*) FROM __diesel_schema_migrations").await;
    assert_eq!(ran, folders.to_string());
}

#[actix_web::test]
async fn migrate_brings_a_database_to_the_newest_schema() {
    let db = bare_database().await;
    for _ in 0..2 {
        let mut command = inkstone(&["migrate"]);
        command.env("DATABASE_URL", &db.url);
        let (code, _, said) = run(command);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(ask(&db.url, "SELECT count(*) FROM site").await, "1");
    }
    assert_eq!(migrate(db.url).await, 0, "nothing is left to do");
}

#[actix_web::test]
async fn invalid_configuration_is_refused_at_the_start() {
    let (db, dir) = (fresh_database().await, tempfile::tempdir().unwrap());
    let bad = dir.path().join("bad.pem");
    fs::write(&bad, "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n").unwrap();
    let (bad, absent) = (bad.to_str().unwrap(), dir.path().join("absent.pem"));
    let occupied = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = occupied.local_addr().unwrap().to_string();
    let gone = TestDb::elsewhere("postgresql://ada:hidden@127.0.0.1:1/inkstone".to_owned());
    for (command, wanted, reason) in [
        (serve(&db, dir.path(), &["--signing-key-file", bad]), 2, bad),
        (serve(&db, dir.path(), &["--signing-key-file", absent.to_str().unwrap()]), 2, "absent.pem"),
        (
            inkstone(&["serve", "--data-dir", dir.path().to_str().unwrap(), "--listen", &address]),
            1,
            &*address,
        ),
        (serve(&db, dir.path(), &["--admin-password", "short"]), 2, "at least 8 characters"),
        (serve(&db, dir.path(), &["--admin-email", "nobody"]), 2, "must be an e-mail address"),
        (
            serve(&gone, dir.path(), &[]),
            1,
            "DATABASE_URL (--database-url), 127.0.0.1:1: connecting to the database",
        ),
    ] {
        let (code, out, said) = run(command);
        assert_eq!((code, out.as_str()), (Some(wanted), ""), "{reason}");
        let line = said.lines().find(|line| line.starts_with("inkstone: ")).unwrap_or_default();
        assert!(line.contains(reason), "{reason} is not in: {said}");
        assert!(!said.contains("c2VjcmV0") && !said.contains("hidden"), "{said}");
    }
}

#[actix_web::test]
async fn a_change_on_one_server_takes_effect_on_the_other() {
    let (one, _) = TestApp::start().await;
    let (other, visitor) = TestApp::start_on(one.db.clone(), &[]).await;
    let there = |client: &Client| Client::new(&other.url, client.token.clone());
    let admin = one.db_member(Role::Admin).await;
    let path = format!("/api/v1/articles/{}", admin.article("Tides", None).await["id"].as_str().unwrap());
    let read = visitor.get(&path).await.expect(200);
    admin.patch(&path, json!({"title": "Ebb"})).await.expect(200);
    until("the new title", async || visitor.get(&path).await.data(200)["title"] == "Ebb").await;
    assert_ne!(visitor.get(&path).await.header("etag"), read.header("etag"));
    admin.delete(&path).await.expect(204);
    until("the article to be gone", async || visitor.get(&path).await.status == 404).await;

    let editor = one.db_member(Role::Editor).await;
    there(&editor).get("/api/v1/members/me").await.expect(200);
    editor.act("/api/v1/auth/logout").await.expect(204);
    assert_eq!(there(&editor).get("/api/v1/members/me").await.problem(), (401, "unauthenticated".to_owned()));

    let author = one.db_member(Role::Author).await;
    there(&author).get("/api/v1/members/me").await.expect(200);
    let path = format!("/api/v1/members/{}", author.id.unwrap());
    there(&admin).patch(&path, json!({"status": "suspended"})).await.expect(200);
    author.get("/api/v1/members/me").await.expect(401);
    there(&author).get("/api/v1/members/me").await.expect(401);
}
