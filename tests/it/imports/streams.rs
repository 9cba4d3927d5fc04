//! The live stream of an import, for clients that are slow to read.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::*;
use crate::harness::machine::until;

/// Rows that fail, with ids that make their events long. Megabytes of events are more than sockets take.
const ROWS: usize = 15_000;

/// Sends an import of rows that fail, without the last byte and without reading the answer.
fn begin_failing_import(app: &TestApp, client: &Client, query: &str) -> TcpStream {
    let mut stream = TcpStream::connect(app.url.strip_prefix("http://").unwrap()).unwrap();
    let token = client.token.as_ref().unwrap();
    let rows = (0..ROWS).map(|n| json!({"external_id": format!("{n:0>200}"), "titel": 1}).to_string() + "\n");
    let rows: String = rows.collect();
    write!(
        stream,
        "POST {IMPORT}?outcomes=true&max_failures=1000000&{query} HTTP/1.1\r\nHost: localhost\r\nAccept: {NDJSON}\r\n\
         Authorization: Bearer {token}\r\nContent-Type: {NDJSON}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
        rows.len(),
        &rows[..rows.len() - 1]
    )
    .unwrap();
    stream
}

/// The events of an answer that was sent in chunks.
fn read_events(mut stream: TcpStream) -> Vec<Value> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let (mut rest, mut body) = (&bytes[head..], Vec::new());
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        body.extend_from_slice(&rest[end + 2..end + 2 + length]);
        rest = &rest[end + 4 + length..];
    }
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

#[actix_web::test]
async fn a_client_that_reads_late_gets_all_outcomes_of_a_dry_run() {
    let (app, editor) = start_app().await;
    let mut stream = begin_failing_import(&app, &editor, "dry_run=true");
    until("the import to begin", async || app.shared.app.imports.count_turns() == 1).await;
    stream.write_all(b"\n").unwrap();
    // The import waits for nobody.
    until("the import to end", async || app.shared.app.imports.count_turns() == 0).await;
    let events = actix_web::web::block(move || read_events(stream)).await.unwrap();
    let count = |kind: &str| events.iter().filter(|event| event["type"] == kind).count();
    assert_eq!((count("row"), count("error"), count("summary")), (ROWS, ROWS, 1));
    let last = events.last().unwrap();
    assert_eq!((&last["ending"], &last["failed"]), (&json!("dry_run"), &json!(ROWS)));
    let lines: Vec<_> =
        events.iter().filter(|event| event["type"] == "row").map(|event| event["line"].as_u64()).collect();
    assert!(lines.is_sorted() && lines[0] == Some(1));
}
