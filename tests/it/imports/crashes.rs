//! Imports that the server does not survive.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use inkstone::db::embedded::Embedded;
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::harness::process::{Process, open_folder};

const ROWS: usize = 20_000;
const CRASHES: usize = 30;

/// Sends `body` until so many rows are told to be done and a random moment more,
/// kills the server, and returns how many were told.
fn killed_midway(process: &mut Process, token: &str, body: &str, rows: u64) -> u64 {
    let mut stream = TcpStream::connect(process.url.strip_prefix("http://").unwrap()).unwrap();
    let head = format!(
        "POST {IMPORT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: {NDJSON}\r\n\
         Accept: {NDJSON}\r\nContent-Length: {}\r\n\r\n",
        body.len(),
    );
    let mut sending = stream.try_clone().unwrap();
    let sent = [head.as_bytes(), body.as_bytes()].concat();
    // It is cut off when the server dies.
    let sender = std::thread::spawn(move || drop(sending.write_all(&sent)));
    let mut heard = Vec::new();
    while told(&heard) < rows {
        read_some(&mut stream, &mut heard);
    }
    let moment = Duration::from_micros(1 + u64::from(Uuid::new_v4().as_bytes()[0]) * 300);
    stream.set_read_timeout(Some(moment)).unwrap();
    read_some(&mut stream, &mut heard);
    process.signal("KILL");
    process.wait();
    stream.set_read_timeout(None).unwrap();
    // Whatever came before the connection broke.
    let _ = stream.read_to_end(&mut heard);
    sender.join().unwrap();
    told(&heard)
}

/// Reads what is there, if anything comes in time.
fn read_some(stream: &mut TcpStream, heard: &mut Vec<u8>) {
    let mut chunk = [0; 4096];
    if let Ok(length) = stream.read(&mut chunk) {
        assert!(length > 0, "{}", String::from_utf8_lossy(heard));
        heard.extend_from_slice(&chunk[..length]);
    }
}

/// How many rows an answer has told to be done so far.
fn told(heard: &[u8]) -> u64 {
    let heard = String::from_utf8_lossy(heard);
    let lines = heard.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(|line| line["rows"].as_u64()).max().unwrap_or_default()
}

/// Articles without their line in the log, and lines without their article: a transaction of
/// which only a part is there.
async fn halves(dir: &Path) -> i64 {
    let url = Embedded::find_running(dir).unwrap();
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    let driver = actix_web::rt::spawn(connection);
    let halves = client
        .query_one(
            "SELECT count(*) FROM articles
             FULL JOIN (SELECT entity_id AS id FROM changes WHERE entity = 'article') AS log USING (id)
             WHERE log.id IS NULL OR articles.id IS NULL",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    drop(client);
    driver.await.unwrap().unwrap();
    halves
}

#[actix_web::test]
async fn killed_at_thirty_points_an_import_is_complete_in_the_end_and_has_nothing_twice() {
    let dir = open_folder();
    let body = ndjson(&rows(ROWS));
    let mut acknowledged = 0;
    for crash in 0..CRASHES {
        let mut process = Process::serve(dir.path(), &[]);
        let admin = process.admin().await;
        let there = total(&admin).await;
        assert!(there >= i64::try_from(acknowledged).unwrap(), "{there} of {acknowledged} are there");
        assert_eq!(halves(dir.path()).await, 0, "only whole batches are there");
        let rows = (crash * ROWS / CRASHES / 2_000 * 2_000) as u64;
        let (token, sent) = (admin.token.clone().unwrap(), body.clone());
        let told = actix_web::web::block(move || killed_midway(&mut process, &token, &sent, rows));
        acknowledged = acknowledged.max(told.await.unwrap());
    }
    let process = Process::serve(dir.path(), &[]);
    let admin = process.admin().await;
    let summary = send(&admin, "", NDJSON, body).await.data(200);
    let [created, updated, unchanged, failed] = counts(&summary);
    assert_eq!((created + unchanged, updated, failed), (i64::try_from(ROWS).unwrap(), 0, 0));
    assert!(unchanged >= i64::try_from(acknowledged).unwrap() && acknowledged > 0);
    assert_eq!(total(&admin).await, i64::try_from(ROWS).unwrap());
    let lines = admin.get("/api/v1/articles/export").await.expect(200).lines();
    let whole = |line: &Value| line["body"] == format!("<p>{}</p>", line["title"].as_str().unwrap());
    assert!(lines.iter().all(whole));
}
