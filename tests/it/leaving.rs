//! How a server begins and ends its service.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use inkstone::db;
use reqwest::Method;

use crate::harness::Client;
use crate::harness::cluster::{bare_database, fresh_database};
use crate::harness::machine::until;
use crate::harness::process::{Process, inkstone};

/// Sends a request that would keep its connection; returns the head of the answer.
fn ask_head(url: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().0.to_ascii_lowercase()
}

#[actix_web::test]
async fn a_server_that_leaves_says_so_while_it_still_serves() {
    let (db, dir) = (fresh_database().await, tempfile::tempdir().unwrap());
    let mut command = inkstone(&["serve", "--listen", "127.0.0.1:0", "--drain-delay", "600"]);
    command.env("DATABASE_URL", &db.url).current_dir(dir.path());
    let mut process = Process::start(command);
    let client = process.client();
    client.get("/readyz").await.expect(200);
    process.signal("TERM");
    until("the server to be unready", async || client.get("/readyz").await.status == 503).await;
    let unready = client.get("/readyz").await;
    assert_eq!(unready.problem(), (503, "unavailable".to_owned()));
    assert_ne!(unready.header("retry-after"), "");
    client.get("/healthz").await.expect(200);
    for path in ["/api/v1/site", "/nowhere"] {
        // It would be read for ever if the server did not close it.
        assert!(ask_head(&process.url, path).contains("connection: close"), "{path}");
    }
    process.signal("TERM");
    assert_eq!(process.wait().code(), Some(0), "a second signal does not wait for the delay");
}

#[actix_web::test]
async fn a_server_is_alive_and_not_ready_while_its_database_is_not() {
    let (db, dir) = (bare_database().await, tempfile::tempdir().unwrap());
    let other = db::pool::open_client(&db.url).await.unwrap();
    other.batch_execute(&format!("SELECT pg_advisory_lock({})", db::MIGRATION_LOCK)).await.unwrap();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = inkstone(&["serve", "--listen", &address.to_string()]);
    command.env("DATABASE_URL", &db.url).current_dir(dir.path());
    let starting = std::thread::spawn(move || {
        command.stderr(Stdio::null());
        Process::start(command)
    });
    until("the port to open", async || TcpStream::connect(address).is_ok()).await;
    let client = Client::new(&format!("http://{address}"), None);
    client.get("/healthz").await.expect(200);
    assert!(client.request(Method::HEAD, "/healthz").send().await.expect(200).bytes.is_empty());
    for path in ["/readyz", "/api/v1/articles", "/healthz/x"] {
        let answer = client.get(path).await;
        assert_eq!(answer.problem(), (503, "unavailable".to_owned()), "{path}");
        assert_ne!(answer.header("retry-after"), "");
    }
    assert_eq!(client.post("/api/v1/auth/login", serde_json::json!({})).await.status, 503);
    drop(other);
    let process = actix_web::rt::task::spawn_blocking(|| starting.join().unwrap()).await.unwrap();
    process.client().get("/readyz").await.expect(200);
    process.client().get("/api/v1/articles").await.expect(200);
}

/// `command` with at most `soft` file descriptors, which it may raise to `hard`.
fn with_descriptors(command: &Command, soft: u32, hard: u32) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -Sn {soft}; ulimit -Hn {hard}; exec \"$0\" \"$@\"")]);
    shell.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

#[actix_web::test]
async fn more_clients_than_descriptors_do_not_keep_a_reader_out() {
    let (db, dir) = (fresh_database().await, tempfile::tempdir().unwrap());
    let mut command = inkstone(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("DATABASE_URL", &db.url);
    let mut command = with_descriptors(&command, 100, 300);
    command.current_dir(dir.path());
    let process = Process::start(command);
    let address = process.url.strip_prefix("http://").unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", process.id())).unwrap();
    let open_files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(open_files.split_whitespace().nth(3), Some("300"), "the limit is raised to the hard one");
    for _ in 0..3 {
        let idle: Vec<_> = (0..400).map(|_| TcpStream::connect(address).unwrap()).collect();
        process.client().get("/api/v1/articles").await.expect(200);
        drop(idle);
    }
}
