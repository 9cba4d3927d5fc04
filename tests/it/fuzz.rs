//! Requests and imported files that are broken byte by byte: none is answered with 5xx, none hangs, and the
//! server does not grow by them.
//!
//! The suite sends a few hundred of each; `FUZZ_MUTANTS=50000` sends as many as it says.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::harness::machine::made_folder;
use crate::harness::process::Process;

/// Mutants in a run of the suite.
const MUTANTS: u64 = 500;
/// By how much the server may grow, in MiB, from the time when a fifth of the mutants were sent.
const MAX_GROWTH_MIB: u64 = 64;
/// Mutants that are sent at a time: a caller may run as many imports.
const SENDERS: usize = 2;
/// Where the numbers of all runs begin, so that a mutant is known by its number.
const SEED: u64 = 0x1257_0a57;
/// The longest time in which an answer must end. It bounds a hang, and measures nothing.
const HANG: Duration = Duration::from_secs(60);

/// Pieces of requests that parsers have read in different ways.
const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b"\t",
    b":",
    b";",
    b",",
    b"%",
    b"%00",
    b"%ff",
    b"../",
    b"//",
    b"\xff",
    b"\xc3\x28",
    b"\xf0\x9f\x92\xa9",
    b"Content-Length: 5\r\n",
    b"Content-Length: 18446744073709551615\r\n",
    b"Content-Length: -1\r\n",
    b"Content-Length: 0\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: identity\r\n",
    b"Host: a b\r\n",
    b"Host: u@a\r\n",
    b"Expect: 100-continue\r\n",
    b"Connection: keep-alive\r\n",
    b"Connection: upgrade\r\nUpgrade: websocket\r\n",
    b"Content-Type: text/csv\r\n",
    b"Content-Encoding: gzip\r\n",
    b"If-Match: \"",
    b"If-None-Match: *\r\n",
    b"Accept: x\r\n",
    b"Range: bytes=0-\r\n",
    b"X-Request-Id: \xff\r\n",
    b"99999999999999999999",
    b"-1",
    b"1e999",
    b"null",
    b"{}",
    b"[]",
    b"[[[[[[[[",
    b"\"",
    b"\\ud800",
    b"\\u0000",
    b"{\"a\":",
    b"0\r\n\r\n",
    b"GET / HTTP/1.1\r\n",
    b"&sort=-views",
    b"&page=0",
    b"&page_size=101",
    b"&cursor=AAAA",
    b"&fields=",
    b"&category=\xe6\x96\xb0",
    b"?",
    b"#",
    b"HTTP/1.0",
    b"HTTP/2.0",
    b"CONNECT",
    b"OPTIONS *",
];

/// Numbers that look random and are the same in each run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    /// The numbers of one mutant.
    fn of(mutant: u64) -> Self {
        Self(SEED.wrapping_add(mutant.wrapping_mul(0x1_0001)))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// Requests without a body.
const WITHOUT_BODY: &[&str] = &[
    "GET /api/v1/articles?page_size=5&sort=-published_at&fields=title,slug&author=a%20b",
    "GET /api/v1/articles/tides?include=neighbors",
    "GET /api/v1/articles/by-external-id/x-1",
    "GET /api/v1/articles/export?format=csv&status=draft",
    "GET /api/v1/categories?tree=true",
    "HEAD /api/v1/notices?count=true",
    "OPTIONS /api/v1/site",
    "GET /docs/index.css",
    "GET /api/v1/members/me/sessions",
    "DELETE /api/v1/articles/nowhere",
    "POST /api/v1/articles/tides/views",
];
const JSON: &str = "application/json";
const ARTICLE: &str = r#"{"title": "潮汐", "body": "<p>Ebb &amp; flow</p>", "tags": ["a"], "status": "published", "extra": {"n": 1.5}}"#;
const ROW: &str = r#"{"external_id": "x-1", "title": "Row", "category": "news/local", "published_at": "2019-09-20T00:00:00Z"}"#;
/// Requests with a body: its kind, and the body.
const WITH_BODY: &[(&str, &str, &str)] = &[
    ("POST /api/v1/articles", JSON, ARTICLE),
    ("PUT /api/v1/articles/by-external-id/x-1", JSON, ARTICLE),
    ("PATCH /api/v1/articles/tides", "application/merge-patch+json", r#"{"summary": null, "title": "Ebb"}"#),
    ("POST /api/v1/categories", JSON, r#"{"name": "News", "slug": "news", "position": 1}"#),
    (
        "POST /api/v1/notices",
        JSON,
        r#"{"kind": "notice", "title": "N", "expires_at": "2030-01-01T00:00:00Z"}"#,
    ),
    ("POST /api/v1/auth/refresh", JSON, r#"{"refresh_token": "inkr_x"}"#),
    ("POST /api/v1/articles/import?create_categories=true", "application/x-ndjson", ROW),
    ("POST /api/v1/articles/import?on_error=abort&atomic=true", JSON, ROW),
    ("POST /api/v1/articles/import?columns=t:title", "text/csv", "external_id,t,tags\nx-2,\"A, b\",a\n"),
];

/// Requests that are in order, of an editor: each with a body also in chunks, and one behind another.
fn requests(token: &str) -> Vec<Vec<u8>> {
    let head = |line: &str| format!("{line} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n");
    let mut requests: Vec<String> = WITHOUT_BODY.iter().map(|line| format!("{}\r\n", head(line))).collect();
    for (line, kind, body) in WITH_BODY {
        let (head, size) = (head(line), body.len());
        requests.push(format!("{head}Content-Type: {kind}\r\nContent-Length: {size}\r\n\r\n{body}"));
        requests.push(format!(
            "{head}Content-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n{body}\r\n0\r\n\r\n"
        ));
    }
    requests.push(format!("{0}\r\n{0}\r\n", head("GET /healthz")));
    requests.into_iter().map(String::into_bytes).collect()
}

/// Pieces of files that parsers have read in different ways.
const FILE_PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xe2\x80\xa8",
    b"\xed\xa0\x80",
    b"\xc3\x28",
    b"\xf0\x9f\x92\xa9",
    b"\\ud800",
    b"\\u0000",
    b"\"",
    b"\"\"",
    b",",
    b";",
    b"\t",
    b"{",
    b"}",
    b"[",
    b"]",
    b"[[[[[[[[[[[[[[[[",
    b":",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"99999999999999999999",
    b"\"title\": ",
    b"\"id\": \"x\", ",
    b"\"status\": \"published\", ",
    b"\"published_at\": \"0000-00-00\", ",
    b"<p>",
    b"<!--",
    b"</table><table>",
    b"<script>",
    b"&#0;",
    b"=1+1",
    b"2019-13-45",
    b"\n{}\n",
    b"\n[]\n",
];

/// Files that are in order: the query and the kind under which they are sent, and the file.
fn files() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let row = |n: u32| {
        format!(
            r#"{{"external_id": "f-{n}", "title": "第 {n} 行", "body": "<p>a<table><tr><td>b</table></p>", "tags": ["质量", "b"], "extra": {{"n": [1, {{"m": null}}]}}, "category": "news/local", "published_at": "2019-09-20T00:00:00Z", "views": {n}}}"#
        )
    };
    let rows: Vec<String> = (0..5).map(row).collect();
    let csv = "external_id,title,body,tags,published_at,extra\nc-1,\"标题, 一\",\"<p>a\nb</p>\",\"质量,b\",2019-09-20T00:00:00Z,\"{\"\"n\"\": 1}\"\nc-2,T,B,,,\n";
    vec![
        ("?create_categories=true", "application/x-ndjson", rows.join("\n").into_bytes()),
        ("?create_categories=true&atomic=true", JSON, format!("[{}]", rows.join(",")).into_bytes()),
        ("?dry_run=true", JSON, format!(r#"{{"data": [{}]}}"#, rows.join(",")).into_bytes()),
        ("", "text/csv", csv.as_bytes().to_vec()),
        ("?on_error=abort", "text/csv", csv.replace('\n', "\r\n").into_bytes()),
    ]
}

/// The import of the mutant with this number.
fn mutate_file(token: &str, number: u64) -> Vec<u8> {
    let files = files();
    let mut numbers = Numbers::of(number);
    let (query, kind, file) = &files[numbers.below(files.len())];
    let file = mutate(file.clone(), FILE_PIECES, &mut numbers);
    let head = format!(
        "POST /api/v1/articles/import{query} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\
         Connection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        file.len()
    );
    [head.into_bytes(), file].concat()
}

/// Breaks `bytes` in one to four places.
fn mutate(mut bytes: Vec<u8>, pieces: &[&[u8]], numbers: &mut Numbers) -> Vec<u8> {
    for _ in 0..=numbers.below(4) {
        let (at, other) = (numbers.below(bytes.len()), numbers.below(bytes.len()));
        let (from, to) = (at.min(other), at.max(other).min(at.min(other) + 40));
        match numbers.below(8) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << numbers.below(8),
            1 if !bytes.is_empty() => bytes[at] = numbers.next() as u8,
            2 => drop(bytes.drain(from..to)),
            3 => {
                let copy = bytes[from..to].to_vec();
                bytes.splice(other..other, copy);
            }
            4 => bytes.truncate(at),
            _ => {
                let piece = pieces[numbers.below(pieces.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
        }
    }
    bytes
}

/// Sends a mutant, and says what is wrong with the answer.
fn send(address: &str, mutant: &[u8]) -> Result<(), String> {
    let mut stream = TcpStream::connect(address).map_err(|cause| format!("connecting: {cause}"))?;
    stream.set_read_timeout(Some(HANG)).unwrap();
    // The server may have closed already.
    let _ = stream.write_all(mutant);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(cause) if cause.kind() == ErrorKind::WouldBlock => {
            return Err("the answer does not end".to_owned());
        }
        _ => {}
    }
    let answer = String::from_utf8_lossy(&answer);
    match answer.split("HTTP/1.1 ").skip(1).find(|one| one.starts_with('5')) {
        Some(failure) => Err(failure.to_owned()),
        None => Ok(()),
    }
}

/// Sends the mutants with these numbers, and says what is wrong with the answers.
fn send_mutants(address: &str, numbers: Range<u64>, make: &(impl Fn(u64) -> Vec<u8> + Sync)) -> Vec<String> {
    let next = AtomicU64::new(numbers.start);
    let send_all = || {
        let mut failures = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= numbers.end {
                return failures;
            }
            let mutant = make(number);
            if let Err(failure) = send(address, &mutant) {
                failures.push(format!("mutant {number}: {failure}\n{}\n", mutant.escape_ascii()));
            }
        }
    };
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS).map(|_| scope.spawn(send_all)).collect();
        senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect()
    })
}

/// Sends mutants to a server of its own; none may fail, and the server may not grow.
fn fuzz(server: &Process, make: impl Fn(u64) -> Vec<u8> + Sync) {
    let count = std::env::var("FUZZ_MUTANTS").map_or(MUTANTS, |count| count.parse().unwrap());
    let address = server.url.trim_start_matches("http://");
    let warm_up = count / 5;
    let mut failures = send_mutants(address, 0..warm_up, &make);
    let before = server.memory_mib();
    failures.extend(send_mutants(address, warm_up..count, &make));
    assert!(failures.is_empty(), "{} of {count} failed\n{}", failures.len(), failures.join("\n"));
    let after = server.memory_mib();
    println!("{count} mutants; {before} MiB after a fifth of them, {after} MiB at the end");
    assert!(after <= before + MAX_GROWTH_MIB, "it grew from {before} to {after} MiB");
}

#[actix_web::test]
async fn no_broken_request_is_answered_with_a_fault_of_ours_or_not_at_all() {
    let dir = made_folder();
    let server = Process::serve(dir.path(), &["--login-attempts", "1000000"]);
    let admin = server.admin().await;
    admin.article("Tides", None).await;
    let requests = requests(&admin.token.unwrap());
    fuzz(&server, |number| {
        let mut numbers = Numbers::of(number);
        let request = requests[numbers.below(requests.len())].clone();
        mutate(request, PIECES, &mut numbers)
    });
    server.client().get("/readyz").await.expect(200);
}

#[actix_web::test]
async fn no_broken_file_ends_an_import_with_a_fault_of_ours_or_not_at_all() {
    let dir = made_folder();
    let server = Process::serve(dir.path(), &[]);
    // A run may last longer than a session's token.
    let key = json!({"name": "fuzz", "scopes": ["articles:import", "categories:write"]});
    let key = server.admin().await.post("/api/v1/api-keys", key).await.data(201);
    let key = key["key"].as_str().unwrap();
    fuzz(&server, |number| mutate_file(key, number));
    server.client().get("/readyz").await.expect(200);
}
