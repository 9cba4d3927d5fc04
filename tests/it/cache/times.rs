//! What time alone changes is shown on time by the database's clock, whatever that of the server says.

use std::process::{Command, Stdio};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{ARTICLES, NOTICES};
use crate::harness::link::try_run;
use crate::harness::machine::{ask, until};
use crate::harness::process::{Process, inkstone, open_folder};
use crate::harness::{Answer, Client, TestApp};

/// Whether an answer shows what is due.
type IsDue = fn(&Answer) -> bool;

/// How late what is due may be shown.
const MAX_DELAY: TimeDelta = TimeDelta::milliseconds(500);

/// Paths whose answers change when the hour has come, with how to tell.
const DUE: &[(&str, IsDue)] = &[
    (ARTICLES, |answer| has_title(answer, "Due")),
    ("/api/v1/articles?category=sea&fields=title", |answer| has_title(answer, "Due")),
    ("/api/v1/articles?tag=salt", |answer| has_title(answer, "Due")),
    ("/api/v1/articles?author=Ada&count=true", |answer| answer.json()["page"]["total"] == 2),
    ("/api/v1/articles/due", |answer| answer.status == 200),
    ("/api/v1/articles/old?include=neighbors", |answer| {
        answer.json()["data"]["neighbors"]["next"]["title"] == "Due"
    }),
    ("/api/v1/categories/sea", |answer| answer.json()["data"]["article_count"] == 2),
    (NOTICES, |answer| has_title(answer, "Due") && !has_title(answer, "Over")),
];

fn has_title(answer: &Answer, title: &str) -> bool {
    let rows = answer.json()["data"].as_array().cloned().unwrap_or_default();
    rows.iter().any(|row| row["title"] == title)
}

/// Servers whose clocks are wrong, if a clock can be moved here.
fn start_wrong(app: &TestApp, folder: &std::path::Path) -> Vec<(&'static str, Process)> {
    if !try_run(&["faketime", "-f", "+1h", "true"]) {
        println!("skipped: no clock can be moved: apt install faketime");
        return Vec::new();
    }
    let served = inkstone(&["serve", "--listen", "127.0.0.1:0"]);
    let start = |shift| {
        let mut command = Command::new("faketime");
        command.args(["-f", shift]).arg(served.get_program()).args(served.get_args());
        command.arg("--data-dir").arg(folder).env("DATABASE_URL", &app.db.url).stdin(Stdio::null());
        command.env("DONT_FAKE_MONOTONIC", "1").env("INKSTONE_DRAIN_DELAY", "0");
        (shift, Process::start(command))
    };
    ["+5m", "-5m"].map(start).into()
}

async fn now_of(app: &TestApp) -> DateTime<Utc> {
    let micros = ask(&app.db.url, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").await;
    DateTime::from_timestamp_micros(micros.parse().unwrap()).unwrap()
}

/// Asks one server until the hour is well over. What it shows changes once, and on time.
async fn watch(name: &str, client: &Client, path: &str, is_new: fn(&Answer) -> bool, hour: DateTime<Utc>) {
    let first = client.get(path).await;
    assert!(!is_new(&first), "{name}, {path}: {}", first.text());
    let mut was_new = false;
    while Utc::now() < hour + MAX_DELAY * 3 {
        let asked_at = Utc::now();
        let answer = client.get(path).await;
        let is_new = is_new(&answer);
        let at = (asked_at - hour).num_milliseconds();
        assert!(is_new || asked_at < hour + MAX_DELAY, "{name}, {path}: old at {at} ms");
        assert!(!is_new || Utc::now() >= hour, "{name}, {path}: too early at {at} ms");
        assert!(is_new || !was_new, "{name}, {path}: old again at {at} ms");
        was_new = is_new;
        actix_web::rt::time::sleep(Duration::from_millis(15)).await;
    }
    let since = first.header("last-modified");
    if !since.is_empty() {
        let request = client.request(Method::GET, path).header("if-modified-since", since);
        assert_eq!(request.send().await.status, 200, "{name}, {path}");
        let told = |answer: &Answer| {
            DateTime::parse_from_rfc2822(&answer.header("last-modified").replace("GMT", "+0000")).unwrap()
        };
        // It is told once it is settled; a server tells it by its own clock.
        if name == "right" {
            until("the hour to be told", async || {
                told(&client.get(path).await) >= hour - TimeDelta::seconds(1)
            })
            .await;
        }
    }
}

#[actix_web::test]
async fn what_is_due_is_shown_on_time_and_what_is_over_is_not() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let folder = open_folder();
    let wrong = start_wrong(&app, folder.path());
    admin.category("sea", None).await;
    let article = |title: &str, at: Value| json!({"title": title, "category": "sea", "tags": ["salt"], "author": "Ada", "status": "published", "published_at": at});
    admin.post(ARTICLES, article("Old", "2020-01-01T00:00:00Z".into())).await.expect(201);
    let hour = now_of(&app).await + TimeDelta::milliseconds(4_000);
    let at: Value = hour.to_rfc3339().into();
    admin.post(ARTICLES, article("Due", at.clone())).await.expect(201);
    let notice = json!({"kind": "notice", "title": "Due", "status": "published", "published_at": at});
    admin.post(NOTICES, notice).await.expect(201);
    let notice = json!({"kind": "notice", "title": "Over", "status": "published", "expires_at": at});
    admin.post(NOTICES, notice).await.expect(201);
    let mut servers = vec![("right", anon)];
    servers.extend(wrong.iter().map(|(shift, process)| (*shift, process.client())));
    for (name, client) in &servers {
        // Others may be a second behind.
        until(name, async || has_title(&client.get(NOTICES).await, "Over")).await;
    }
    let watching = servers.iter().flat_map(|(name, client)| {
        DUE.iter().map(move |(path, is_new)| watch(name, client, path, *is_new, hour))
    });
    futures::future::join_all(watching).await;
    println!("{} answers of the right server came from its cache", super::hits(&app));
    assert!(super::hits(&app) > 50);
}
