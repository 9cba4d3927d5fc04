//! Crashes of the server during imports.

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

/// Sends `body`, kills the server a random time after `rows` rows were reported done, and
/// returns the number of rows reported.
fn kill_during_import(process: &mut Process, token: &str, body: &str, rows: u64) -> u64 {
    let mut stream = TcpStream::connect(process.url.strip_prefix("http://").unwrap()).unwrap();
    let head = format!(
        "POST {IMPORT} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: {NDJSON}\r\n\
         Accept: {NDJSON}\r\nContent-Length: {}\r\n\r\n",
        body.len(),
    );
    let mut sending = stream.try_clone().unwrap();
    let sent = [head.as_bytes(), body.as_bytes()].concat();
    // Writing fails when the server is killed.
    let sender = std::thread::spawn(move || drop(sending.write_all(&sent)));
    let mut received = Vec::new();
    while reported_rows(&received) < rows {
        read_some(&mut stream, &mut received);
    }
    let delay = Duration::from_micros(1 + u64::from(Uuid::new_v4().as_bytes()[0]) * 300);
    stream.set_read_timeout(Some(delay)).unwrap();
    read_some(&mut stream, &mut received);
    process.signal("KILL");
    process.wait();
    stream.set_read_timeout(None).unwrap();
    // Read what arrived before the connection was closed.
    let _ = stream.read_to_end(&mut received);
    sender.join().unwrap();
    reported_rows(&received)
}

/// Reads once, until the read timeout.
fn read_some(stream: &mut TcpStream, received: &mut Vec<u8>) {
    let mut chunk = [0; 4096];
    if let Ok(length) = stream.read(&mut chunk) {
        assert!(length > 0, "{}", String::from_utf8_lossy(received));
        received.extend_from_slice(&chunk[..length]);
    }
}

/// The number of rows that a response has reported done so far.
fn reported_rows(received: &[u8]) -> u64 {
    let received = String::from_utf8_lossy(received);
    let lines = received.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(|line| line["rows"].as_u64()).max().unwrap_or_default()
}

/// Counts articles without an entry in the change log, and entries without an article. Both
/// would be parts of a transaction.
async fn count_partial_writes(dir: &Path) -> i64 {
    let url = Embedded::find_running(dir).unwrap();
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    let driver = actix_web::rt::spawn(connection);
    let count = client
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
    count
}

#[actix_web::test]
async fn an_import_killed_at_thirty_points_completes_without_duplicates() {
    let dir = open_folder();
    let body = to_ndjson(&make_rows(ROWS));
    let mut acknowledged = 0;
    for crash in 0..CRASHES {
        let mut process = Process::serve(dir.path(), &[]);
        let admin = process.admin().await;
        let stored = count_articles(&admin).await;
        assert!(stored >= i64::try_from(acknowledged).unwrap(), "{stored} of {acknowledged} are stored");
        assert_eq!(count_partial_writes(dir.path()).await, 0, "only whole batches are stored");
        let rows = (crash * ROWS / CRASHES / 2_000 * 2_000) as u64;
        let (token, sent) = (admin.token.clone().unwrap(), body.clone());
        let kill = actix_web::web::block(move || kill_during_import(&mut process, &token, &sent, rows));
        acknowledged = acknowledged.max(kill.await.unwrap());
    }
    let process = Process::serve(dir.path(), &[]);
    let admin = process.admin().await;
    let summary = send_body(&admin, "", NDJSON, body).await.data(200);
    let [created, updated, unchanged, failed] = outcome_counts(&summary);
    assert_eq!((created + unchanged, updated, failed), (i64::try_from(ROWS).unwrap(), 0, 0));
    assert!(unchanged >= i64::try_from(acknowledged).unwrap() && acknowledged > 0);
    assert_eq!(count_articles(&admin).await, i64::try_from(ROWS).unwrap());
    let lines = admin.get("/api/v1/articles/export").await.expect(200).lines();
    let is_complete = |line: &Value| line["body"] == format!("<p>{}</p>", line["title"].as_str().unwrap());
    assert!(lines.iter().all(is_complete));
}
