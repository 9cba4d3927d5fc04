//! Clients that send slowly, or do not read.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use inkstone::edge::descriptors::raise_descriptor_limit;
use inkstone::operations::Role;
use reqwest::Method;
use serde_json::json;

use crate::harness::machine::until;
use crate::harness::{Client, TestApp};

/// Bytes that a dripping client sends before the test gives up.
const MAX_DRIPS: usize = 3_000;
/// Patience that ends within a test.
const SHORT: Duration = Duration::from_secs(1);
/// Patience that outlasts a test.
const LONG: Duration = Duration::from_secs(600);
const HEAD: &str = "GET /healthz HTTP/1.1\r\nHost: a\r\n";
const CHUNKED: &str = "Host: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";

fn connect(app: &TestApp) -> TcpStream {
    let stream = TcpStream::connect(app.url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    stream
}

/// Sends `begin`, and returns all that the server says until it ends the connection.
async fn listen(app: &TestApp, begin: String) -> String {
    let mut stream = connect(app);
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let listening = actix_web::rt::task::spawn_blocking(move || {
        stream.write_all(begin.as_bytes()).unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        said
    });
    listening.await.unwrap()
}

/// Sends `begin`, then a byte of `more` after the other, until the server ends the connection; returns what it said.
async fn drip(app: &TestApp, begin: String, more: &'static str) -> String {
    let mut stream = connect(app);
    let dripping = actix_web::rt::task::spawn_blocking(move || {
        stream.write_all(begin.as_bytes()).unwrap();
        let (mut said, mut buffer) = (Vec::new(), [0; 1024]);
        for byte in more.bytes().cycle().take(MAX_DRIPS) {
            match stream.read(&mut buffer) {
                Ok(0) => return String::from_utf8(said).unwrap(),
                Ok(length) => said.extend(&buffer[..length]),
                Err(cause) if cause.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return String::from_utf8(said).unwrap(),
            }
            // An end that is noticed while writing is noticed again while reading.
            let _ = stream.write_all(&[byte]);
        }
        panic!("the server still takes bytes; it said {:?}", String::from_utf8_lossy(&said))
    });
    dripping.await.unwrap()
}

#[actix_web::test]
async fn a_head_that_drips_is_answered_with_408_whichever_of_the_connection_it_is() {
    let (app, _) = TestApp::start_waiting_for(SHORT, &[]).await;
    let whole = format!("{HEAD}\r\n");
    let two = format!("{whole}{whole}");
    let post = format!("POST /api/v1/auth/login HTTP/1.1\r\n{CHUNKED}2\r\n{{}}\r\n0\r\n\r\n");
    for (before, answers) in [("", 0), (whole.as_str(), 1), (two.as_str(), 2), (post.as_str(), 1)] {
        for begun in ["G", HEAD] {
            let said = drip(&app, format!("{before}{begun}"), "X").await;
            assert_eq!(said.matches("HTTP/1.1 ").count(), answers + 1, "{said}");
            assert!(said.contains("HTTP/1.1 408 ") && said.contains("request_timeout"), "{said}");
        }
    }
}

#[actix_web::test]
async fn a_connection_without_a_request_is_closed() {
    let (app, _) = TestApp::start_waiting_for(SHORT, &[]).await;
    for (before, answers) in [(String::new(), 0), (format!("{HEAD}\r\n"), 1)] {
        let said = listen(&app, before).await;
        assert_eq!(said.matches("HTTP/1.1 200 OK").count(), answers);
        assert_eq!(said.matches("HTTP/1.1 ").count(), answers);
    }
}

#[actix_web::test]
async fn a_body_that_drips_is_not_waited_for() {
    let (app, _) = TestApp::start_waiting_for(SHORT, &[]).await;
    let editor = app.db_member(Role::Editor).await;
    let token = editor.token.unwrap();
    let length = "Host: a\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n";
    for line in ["POST /api/v1/auth/login", "POST /api/v1/articles/import"] {
        for rest in [length, CHUNKED.strip_suffix("\r\n").unwrap()] {
            let begin = format!("{line} HTTP/1.1\r\nAuthorization: Bearer {token}\r\n{rest}\r\n");
            let drops = if rest == length { "[" } else { "1\r\n \r\n" };
            let said = drip(&app, begin, drops).await;
            assert!(said.starts_with("HTTP/1.1 4") && said.contains("connection: close"), "{line} {said}");
        }
    }
}

#[actix_web::test]
async fn a_body_that_nobody_reads_does_not_keep_the_connection() {
    let (app, _) = TestApp::start_waiting_for(SHORT, &[]).await;
    // Refused before the body is read: without a credential, without a path, with a wrong label, without a body.
    for line in [
        "POST /api/v1/articles",
        "POST /nowhere",
        "PUT /api/v1/site",
        "POST /api/v1/auth/logout",
        "GET /healthz",
    ] {
        let said = drip(&app, format!("{line} HTTP/1.1\r\n{CHUNKED}"), "1\r\n \r\n").await;
        assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "{said}");
        assert!(said.contains("connection: close"), "{said}");
    }
}

#[actix_web::test]
async fn a_body_that_is_too_large_ends_the_connection() {
    let (app, _) = TestApp::start().await;
    let filled = format!("\"{}", "x".repeat((1 << 20) + 10));
    let chunk = format!("{:x}\r\n{filled}\r\n", filled.len());
    let said = listen(&app, format!("POST /api/v1/auth/login HTTP/1.1\r\n{CHUNKED}{chunk}")).await;
    assert!(said.starts_with("HTTP/1.1 413 ") && said.contains("connection: close"), "{said}");
}

#[actix_web::test]
async fn two_thousand_clients_that_drip_do_not_keep_a_reader_out() {
    raise_descriptor_limit();
    let (app, anon) = TestApp::start_waiting_for(LONG, &[]).await;
    // The server runs on this thread until it has answered once.
    anon.get("/healthz").await.expect(200);
    let second_head = format!("{HEAD}\r\n{HEAD}X: ");
    let length = "POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n";
    let chunked = format!("POST /api/v1/auth/login HTTP/1.1\r\n{CHUNKED}2328\r\n");
    for begin in ["", &second_head, length, &chunked] {
        let mut dripping: Vec<_> = (0..2_000).map(|_| connect(&app)).collect();
        for stream in &mut dripping {
            // Those before it may have made room.
            let _ = stream.write_all(begin.as_bytes());
        }
        for _ in 0..10 {
            // Each reader connects anew, from the network of those that drip.
            Client::new(&app.url, None).get("/api/v1/articles").await.expect(200);
            for stream in &mut dripping {
                let _ = stream.write_all(b" ");
            }
        }
    }
}

#[actix_web::test]
async fn clients_that_do_not_read_make_room() {
    let (app, anon) = TestApp::start_waiting_for(LONG, &["--max-connections", "4"]).await;
    let editor = app.db_member(Role::Editor).await;
    let body = format!("<p>{}</p>", "word ".repeat(180_000));
    editor
        .post("/api/v1/articles", json!({"title": "Long", "body": body, "status": "published"}))
        .await
        .expect(201);
    let ask = |_| {
        let mut stream = connect(&app);
        stream.write_all(b"GET /api/v1/articles/long HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        stream
    };
    let mut unread: Vec<_> = (0..12).map(ask).collect();
    let reads = async || Client::new(&app.url, None).get("/api/v1/articles").await.status == 200;
    until("the answers to be made", reads).await;
    for _ in 0..10 {
        Client::new(&app.url, None).get("/api/v1/articles").await.expect(200);
        unread.push(ask(0));
    }
    drop(anon);
}

#[actix_web::test]
async fn a_connection_without_a_request_makes_room_for_a_new_one() {
    for limit in ["--max-connections", "--max-connections-per-network"] {
        let (app, _) = TestApp::start_waiting_for(LONG, &[limit, "4"]).await;
        let mut first = connect(&app);
        let begin = format!("{HEAD}\r\n{HEAD}");
        first.write_all(begin.as_bytes()).unwrap();
        let mut said = Vec::new();
        until("the first answer", async || {
            let _ = first.read_to_end(&mut said);
            said.ends_with(b"}")
        })
        .await;
        let others: Vec<_> = (0..4).map(|_| connect(&app)).collect();
        until("the first to be closed", async || matches!(first.read(&mut [0; 10]), Ok(0))).await;
        Client::new(&app.url, None).get("/api/v1/articles").await.expect(200);
        drop(others);
    }
}

/// Asks for `path` and reads nothing; returns when the server has given up.
async fn ask_and_never_read(app: &TestApp, path: &str, token: &str) {
    let mut stream = connect(app);
    let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    until("the server to give up", async || stream.take_error().unwrap().is_some()).await;
}

#[actix_web::test]
async fn a_client_that_does_not_read_loses_its_answer() {
    let (app, _) = TestApp::start_waiting_for(SHORT, &[]).await;
    let editor = app.db_member(Role::Editor).await;
    let body = format!("<p>{}</p>", "word ".repeat(180_000));
    for index in 0..4 {
        let article = json!({"title": format!("Long {index}"), "body": body, "status": "published"});
        editor.post("/api/v1/articles", article).await.expect(201);
    }
    let token = editor.token.clone().unwrap();
    for path in
        ["/api/v1/articles/long-0", "/api/v1/articles?fields=body", "/api/v1/articles/export?format=ndjson"]
    {
        ask_and_never_read(&app, path, &token).await;
        let whole = editor.request(Method::GET, path).send().await.expect(200);
        assert!(whole.bytes.len() > 900_000, "{path}: who reads gets all");
    }
}
