//! What one body may cost: values, memory, turns, and the time that it may take.
use std::io::{Read, Write};
use std::net::TcpStream;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::*;
use crate::harness::machine::until;
use crate::harness::process::{Process, open_folder};

/// A row whose `extra` is an array of `count` numbers.
fn make_wide_row(id: &str, count: usize) -> Value {
    let mut row = make_row(id, "Wide");
    row["extra"] = json!({"a": vec![0; count]});
    row
}

#[actix_web::test]
async fn a_row_of_too_many_values_fails_and_the_rows_around_it_are_stored() {
    let (_app, editor) = start_app().await;
    let rows = [make_row("a", "A"), make_wide_row("wide", 10_001), make_wide_row("b", 8_000)];
    let expected = [(2, String::new(), "too_long".to_owned())];
    for (label, body) in [(NDJSON, to_ndjson(&rows)), ("application/json", json!(rows).to_string())] {
        let summary = send_body(&editor, "", label, body).await.data(200);
        assert_eq!(row_errors(&summary), expected, "{label}");
    }
    let csv = format!("title,extra\nx,\"[{}0]\"\ny,\n", "0,".repeat(10_000));
    let summary = send_body(&editor, "", "text/csv", csv).await.data(200);
    assert_eq!(row_errors(&summary), [(2, "/extra".to_owned(), "too_long".to_owned())]);
    assert_eq!(count_articles(&editor).await, 3);
}

#[actix_web::test]
async fn a_single_write_of_too_many_values_is_refused() {
    let (_app, editor) = start_app().await;
    let body = json!({"title": "x", "tags": vec![Vec::<Value>::new(); 10_000]});
    let answer = editor.post("/api/v1/articles", body).await;
    assert_eq!(answer.problem(), (422, "too_long".to_owned()));
    assert_eq!(answer.faults(), [(String::new(), "too_long".to_owned())]);
}

#[actix_web::test]
async fn a_cell_of_json_is_read_as_strictly_as_a_body() {
    let (_app, editor) = start_app().await;
    let csv = "title,extra,tags\nx,\"{\"\"a\"\": \"\"\\u0000\"\"}\",\ny,\"{\"\"a\"\": 1, \"\"a\"\": 2}\",\nz,,\"[\"\"\\u0000\"\"]\"\n";
    let summary = send_body(&editor, "", "text/csv", csv).await.data(200);
    let codes: Vec<_> = row_errors(&summary).into_iter().map(|(_, pointer, code)| (pointer, code)).collect();
    let expected =
        [("/extra/a", "invalid_format"), ("/extra/a", "duplicate_field"), ("/tags/0", "invalid_format")];
    assert_eq!(codes, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
}

/// A request whose body is sent piece by piece.
struct SlowRequest(TcpStream);

impl SlowRequest {
    /// Sends the head of an import of NDJSON.
    fn begin(app: &TestApp, client: &Client, query: &str) -> Self {
        Self::send(
            app,
            client,
            &format!("POST {IMPORT}{query}"),
            &format!("Content-Type: {NDJSON}\r\nTransfer-Encoding: chunked\r\n"),
        )
    }

    /// Sends the head of a request.
    fn send(app: &TestApp, client: &Client, line: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(app.url.strip_prefix("http://").unwrap()).unwrap();
        let token = client.token.as_ref().unwrap();
        write!(
            stream,
            "{line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{headers}\r\n"
        )
        .unwrap();
        Self(stream)
    }

    fn send_rows(&mut self, rows: &[Value]) {
        let text = to_ndjson(rows);
        write!(self.0, "{:x}\r\n{text}\r\n", text.len()).unwrap();
    }

    /// Ends the body, and returns the response.
    async fn finish(mut self) -> String {
        write!(self.0, "0\r\n\r\n").unwrap();
        actix_web::web::block(move || {
            let (mut response, mut chunk) = (String::new(), [0; 4096]);
            while !response.ends_with('}') {
                let read = self.0.read(&mut chunk).unwrap();
                assert!(read > 0, "{response}");
                response += &String::from_utf8_lossy(&chunk[..read]);
            }
            response
        })
        .await
        .unwrap()
    }
}

#[actix_web::test]
async fn the_rows_of_a_slow_sender_are_stored_before_it_has_sent_all() {
    let (app, editor) = start_app().await;
    let mut request = SlowRequest::begin(&app, &editor, "");
    for (at, row) in make_rows(2).chunks(1).enumerate() {
        request.send_rows(row);
        until("the row", async || count_articles(&editor).await == at as i64 + 1).await;
    }
    let response = request.finish().await;
    assert!(response.contains("\"created\":2"), "{response}");
}

#[actix_web::test]
async fn imports_that_wait_for_their_bodies_hold_no_transactions() {
    let (app, editor) = start_app().await;
    let other = app.db_member(Role::Editor).await;
    let third = app.db_member(Role::Admin).await;
    // As many as there are connections for transactions.
    let clients = [&editor, &editor, &other, &other];
    let mut requests: Vec<_> = clients
        .iter()
        .zip(["?atomic=true", "?dry_run=true", "?atomic=true", "?dry_run=true"])
        .map(|(client, query)| SlowRequest::begin(&app, client, query))
        .collect();
    for (at, request) in requests.iter_mut().enumerate() {
        request.send_rows(&[make_row(&format!("a-{at}"), "A")]);
    }
    until("all turns to be taken", async || app.shared.app.imports.count_turns() == 4).await;
    send_body(&third, "", NDJSON, "").await.expect(503);
    for at in 0..8 {
        editor.post("/api/v1/articles", json!({"title": format!("Beside {at}")})).await.expect(201);
    }
    for (at, mut request) in requests.into_iter().enumerate() {
        request.send_rows(&[make_row(&format!("b-{at}"), "B")]);
        let response = request.finish().await;
        assert!(response.contains("\"created\":2"), "{response}");
    }
    assert_eq!(count_articles(&editor).await, 8 + 4);
}

#[actix_web::test]
async fn a_caller_with_two_imports_leaves_the_other_turns_to_others() {
    let (app, editor) = start_app().await;
    let other = app.db_member(Role::Editor).await;
    let requests = [SlowRequest::begin(&app, &editor, ""), SlowRequest::begin(&app, &editor, "")];
    until("two turns", async || app.shared.app.imports.count_turns() == 2).await;
    let refused = send_body(&editor, "", NDJSON, "").await;
    assert_eq!((refused.problem(), refused.header("retry-after")), ((503, "unavailable".to_owned()), "1"));
    assert_eq!(outcome_counts(&import_rows(&other, "", &make_rows(1)).await), [1, 0, 0, 0]);
    drop(requests);
    until("the turns to end", async || send_body(&editor, "", NDJSON, "").await.status == 200).await;
}

#[actix_web::test]
async fn exports_that_nobody_reads_keep_no_import_out() {
    let (app, editor) = start_app().await;
    let mut rows = make_rows(60);
    for row in &mut rows {
        row["body"] = json!("质".repeat(100_000));
    }
    import_rows(&editor, "", &rows).await;
    let other = app.db_member(Role::Editor).await;
    let clients = [&editor, &editor, &other, &other];
    let export = |client: &&Client| SlowRequest::send(&app, client, "GET /api/v1/articles/export", "");
    let exports: Vec<_> = clients.iter().map(export).collect();
    until("all turns to be taken", async || app.shared.app.exports.count_turns() == 4).await;
    for client in [&editor, &other, &app.db_member(Role::Admin).await] {
        client.get("/api/v1/articles/export?status=archived").await.expect(503);
    }
    assert_eq!(outcome_counts(&import_rows(&editor, "", &make_rows(1)).await), [0, 1, 0, 0]);
    drop(exports);
}

#[actix_web::test]
async fn with_little_memory_a_second_import_is_told_when_to_come_back() {
    let (app, _) = TestApp::start_with(&["--import-memory", "48"]).await;
    let editor = app.db_member(Role::Editor).await;
    let other = app.db_member(Role::Editor).await;
    let request = SlowRequest::begin(&app, &editor, "");
    until("the turn", async || app.shared.app.imports.count_turns() == 1).await;
    let refused = send_body(&other, "", NDJSON, "").await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    request.finish().await;
    // A row that needs more than there is takes all of it.
    let mut row = make_row("large", "Large");
    row["body"] = json!("质".repeat(900_000));
    let rows: Vec<_> = make_rows(3).into_iter().chain([row]).chain(make_rows(2_500)).collect();
    until("the turn to end", async || send_body(&other, "", NDJSON, "").await.status == 200).await;
    assert_eq!(import_rows(&other, "", &rows).await["failed"], 0);
    assert_eq!(count_articles(&editor).await, 2_501);
}

#[actix_web::test]
async fn a_nul_in_an_id_or_a_slug_fails_its_row_and_no_other() {
    let (_app, editor) = start_app().await;
    let nul = "a\u{0}b";
    for (path, row) in [
        ("articles", json!({"title": "x", "external_id": nul})),
        ("articles", json!({"title": "x", "slug": nul})),
        ("articles", json!({"title": "x", "external_id": "c", "category": nul})),
        ("articles", json!({"title": "x", "external_id": "c", "category": [{"name": "n", "slug": nul}]})),
        ("articles", json!({"title": "x", "external_id": "x".repeat(5_000_000)})),
        ("notices", json!({"kind": "notice", "title": "x", "external_id": nul})),
        ("categories", json!({"name": "x", "slug": nul})),
        ("categories", json!({"name": "x", "parent": nul})),
    ] {
        let good = match path {
            "articles" => make_row("good", "Good"),
            "notices" => json!({"kind": "notice", "title": "Good", "external_id": "good"}),
            _ => json!({"name": "Good", "slug": "good"}),
        };
        for (label, body) in [
            (NDJSON, to_ndjson(&[row.clone(), good.clone()])),
            ("application/json", json!([row, good]).to_string()),
        ] {
            let request =
                editor.request(Method::POST, &format!("/api/v1/{path}/import?create_categories=true"));
            let answer = request.labelled(label, body).send().await.expect(200);
            assert_eq!(answer.json()["data"]["failed"], 1, "{path}: {}", answer.text());
            assert!(answer.bytes.len() < 10_000);
        }
        let csv = format!("title,external_id\nx,{nul}\ny,good\n");
        assert_eq!(send_body(&editor, "", "text/csv", csv).await.data(200)["failed"], 1);
    }
}

#[actix_web::test]
async fn failures_in_a_row_end_an_import_and_the_first_unread_row_is_named() {
    let (_app, editor) = start_app().await;
    let bad = |count: usize| (0..count).map(|_| json!({"titel": "x"}));
    let rows: Vec<_> = make_rows(3).into_iter().chain(bad(50_000)).collect();
    for (query, wanted) in [
        ("", "10000 rows in a row failed. Row 12001 "),
        ("?max_failures=100&skip=3", "100 rows in a row failed. Row 2004 "),
    ] {
        let answer = send_body(&editor, query, NDJSON, to_ndjson(&rows)).await;
        assert_eq!(answer.problem(), (422, "import_aborted".to_owned()));
        let problem = answer.json();
        assert!(problem["detail"].as_str().unwrap().starts_with(wanted), "{problem:#}");
        assert_eq!(problem["summary"]["ending"], "aborted");
    }
    // Only failures one after another count.
    let mixed: Vec<_> = bad(99).chain(make_rows(1)).chain(bad(99)).collect();
    let summary = import_rows(&editor, "?max_failures=100", &mixed).await;
    assert_eq!(outcome_counts(&summary), [0, 0, 1, 198]);
    send_body(&editor, "?max_failures=0", NDJSON, "").await.expect(400);
}

#[actix_web::test]
async fn a_body_that_expands_a_hundredfold_ends_the_import() {
    let (_app, editor) = start_app().await;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..400 {
        gzip.write_all(&[b'\n'; 64 << 10]).unwrap();
    }
    let request = editor.request(Method::POST, IMPORT).header("content-encoding", "gzip");
    let problem = request.labelled(NDJSON, gzip.finish().unwrap()).send().await;
    assert_eq!(problem.problem(), (413, "payload_too_large".to_owned()));
}

#[actix_web::test]
async fn hostile_bodies_take_little_memory() {
    let folder = open_folder();
    let process = Process::serve(folder.path(), &[]);
    let admin = process.admin().await;
    let before = process.peak_memory_mib();
    let nested =
        format!("[{{\"title\": \"x\", \"extra\": {{\"a\": {}{}}}}}", "[".repeat(100), "]".repeat(100));
    let rows = format!("[{}]", vec![&nested[1..]; 50_000].join(","));
    let flat = format!("[{}0]", "[0],".repeat(2_000_000));
    let wide = format!("[{}0]", [flat.as_str(); 4].join(","));
    for body in [rows, flat, wide] {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(body.as_bytes()).unwrap();
        let request = admin.request(Method::POST, &format!("{IMPORT}?max_failures=1000000"));
        let request = request.header("content-encoding", "gzip");
        request.labelled("application/json", gzip.finish().unwrap()).send().await;
    }
    let grown = process.peak_memory_mib() - before;
    assert!(grown < 192, "{grown} MiB");
}
