//! The log of requests, and the numbers for Prometheus.

use std::cell::RefCell;
use std::io::Write;
use std::process::{Command, Stdio};

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::machine::{made_folder, until};
use crate::harness::process::Process;
use crate::harness::{Client, TestApp};

pub const TOKEN: &str = "a-token-for-monitors";

/// The lines of the log on requests.
fn read_lines(server: &Process) -> Vec<Value> {
    let log = server.read_log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["target"] == "inkstone::access").collect()
}

#[actix_web::test]
async fn the_log_says_who_got_how_much() {
    let dir = made_folder();
    let server = Process::serve(dir.path(), &["--trusted-proxies", "127.0.0.1"]);
    let admin = server.admin().await;
    let me = admin.get("/api/v1/members/me").await.data(200);
    let key = json!({"name": "s", "scopes": ["articles:read"]});
    let key = admin.post("/api/v1/api-keys", key).await.data(201);
    let script = Client::new(&server.url, key["key"].as_str().map(str::to_owned));
    let get = |client: &Client, path: &str| {
        let request = client.request(Method::GET, path).header("user-agent", "Reader/1.0");
        request.header("x-forwarded-for", "203.0.113.9, 198.51.100.7")
    };
    let answer = get(&admin, "/api/v1/site?x=1").send().await.expect(400);
    get(&script, "/api/v1/articles?page_size=7").send().await.expect(200);
    get(&server.client(), "/api/v1/articles/export").send().await.expect(401);
    let exported = get(&admin, "/api/v1/articles/export").send().await.expect(200);
    let mut lines = Vec::new();
    until("the line of the export", async || {
        lines = read_lines(&server);
        lines.iter().filter(|line| line["path"] == "/api/v1/articles/export").count() == 2
    })
    .await;
    let find = |path: &str, status: u16| {
        lines.iter().find(|line| line["path"] == path && line["status"] == status).unwrap()
    };
    let refused = find("/api/v1/site", 400);
    assert_eq!(refused["bytes"], answer.bytes.len());
    assert_eq!((&refused["client"], &refused["agent"]), (&json!("198.51.100.7"), &json!("Reader/1.0")));
    assert_eq!(refused["request_id"], answer.header("x-request-id"));
    let read = find("/api/v1/articles", 200);
    assert_eq!((&read["key"], &read["member"]), (&key["id"], &Value::Null));
    let streamed = find("/api/v1/articles/export", 200);
    assert_eq!((&streamed["member"], &streamed["bytes"]), (&me["id"], &json!(exported.bytes.len())));
    assert_eq!(find("/api/v1/articles/export", 401)["member"], Value::Null);
    assert_eq!(read["message"], "Answered", "no text twice");
    assert!(!lines.iter().any(|line| line.to_string().contains("page_size")), "no parameters");
}

/// The value of the sample that begins with `name`.
pub fn find_sample(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).trim().parse().unwrap()
}

#[actix_web::test]
async fn prometheus_reads_what_happened() {
    let (app, anon) = TestApp::start_with(&["--metrics-token", TOKEN]).await;
    let editor = app.db_member(Role::Editor).await;
    anon.get("/api/v1/articles/nowhere").await.expect(404);
    anon.get("/api/v1/nowhere").await.expect(404);
    let rows = "{\"external_id\": \"a\", \"title\": \"a\"}\n{\"external_id\": \"b\"}\n";
    let import = editor.request(Method::POST, "/api/v1/articles/import");
    import.labelled("application/x-ndjson", rows).send().await.expect(200);
    let monitor = Client::new(&app.url, Some(TOKEN.to_owned()));
    let answer = monitor.get("/metrics").await.expect(200);
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    let text = answer.text();
    for (name, value) in [
        ("inkstone_http_requests_total{operation=\"get_article\",status=\"404\"}", 1.0),
        ("inkstone_http_requests_total{operation=\"none\",status=\"404\"}", 1.0),
        ("inkstone_http_request_duration_seconds_count{operation=\"import_articles\"}", 1.0),
        ("inkstone_import_rows_total{outcome=\"created\"}", 1.0),
        ("inkstone_import_rows_total{outcome=\"failed\"}", 1.0),
        ("inkstone_pool_connections_in_use{pool=\"writers\"}", 0.0),
        ("inkstone_pool_waiting{pool=\"writers\"}", 0.0),
        ("inkstone_outbox_pending", 0.0),
        ("inkstone_database_up", 1.0),
        (&format!("inkstone_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1.0),
    ] {
        assert_eq!(find_sample(&text, &format!("{name} ")), value, "{name}");
    }
    assert!(find_sample(&text, "inkstone_follower_lag_seconds ") < 30.0);
    assert!(find_sample(&text, "inkstone_clock_skew_seconds ").abs() < 30.0);
    check_by_promtool(&text);
}

fn check_by_promtool(text: &str) {
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = promtool.spawn() else {
        println!("skipped: promtool is not installed");
        return;
    };
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&[done.stdout, done.stderr].concat()));
}

#[actix_web::test]
async fn the_numbers_are_for_monitors_only() {
    let (app, anon) = TestApp::start_with(&["--metrics-token", TOKEN]).await;
    let admin = app.db_member(Role::Admin).await;
    for client in [&anon, &admin, &Client::new(&app.url, Some(format!("{TOKEN}x")))] {
        assert_eq!(client.get("/metrics").await.status, 401);
    }
    let (_app, anon) = TestApp::start().await;
    assert_eq!(anon.get("/metrics").await.status, 404);

    let dir = made_folder();
    let server = Process::serve(dir.path(), &["--metrics-listen", "127.0.0.1:0"]);
    assert_eq!(server.client().get("/metrics").await.status, 404);
    let url = RefCell::new(String::new());
    until("the address", async || {
        let printed = server.read_printed();
        let found = printed.iter().find_map(|line| line.trim().strip_prefix("metrics  "));
        url.replace(found.unwrap_or_default().to_owned());
        found.is_some()
    })
    .await;
    let text = reqwest::get(url.into_inner()).await.unwrap().text().await.unwrap();
    assert_eq!(find_sample(&text, "inkstone_http_requests_total{operation=\"none\",status=\"404\"} "), 1.0);
}
