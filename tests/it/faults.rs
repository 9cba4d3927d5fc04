//! Machines and networks that fail: a database that is far away, packets that are dropped, a disk that
//! is full, no free connections, a wrong clock, and servers that are killed.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use futures::future::join_all;
use inkstone::db;
use inkstone::operations::Role;
use serde_json::json;

use crate::harness::link::{Link, Network, try_run};
use crate::harness::machine::{ask, execute, made_folder, make_in, until};
use crate::harness::process::{Process, inkstone, open_folder};
use crate::harness::{Client, TestApp, cluster};
use crate::outage::{
    article, assert_unavailable, count_lock_waits, lock_articles, start_with_own_database, wait_for_recovery,
};

/// The longest time in which a request may be answered: its limit of 15 s, and what a busy machine adds.
const DEADLINE: Duration = Duration::from_secs(20);

/// Says that a test cannot run here. Printed in a way that the test runner does not capture.
#[expect(clippy::explicit_write, reason = "eprintln would be captured, and nobody would see it")]
fn skip(why: &str) {
    writeln!(std::io::stderr(), "skipped, {why}").unwrap();
}

#[actix_web::test]
async fn a_database_that_is_far_away_serves_readers_writers_and_imports() {
    let db = cluster::fresh_database().await;
    let link = Link::slow(&db.url, Duration::from_millis(100), &cluster::runtime());
    let (app, anon) = TestApp::start_through(db, &link.url, &[]).await;
    let admin = app.db_member(Role::Admin).await;
    let tides = admin.article("Tides", None).await;
    let path = format!("/api/v1/articles/{}", tides["id"].as_str().unwrap());
    let reading = async {
        let reads = join_all((0..40).map(|_| anon.get("/api/v1/articles"))).await;
        reads.into_iter().for_each(|answer| drop(answer.expect(200)));
    };
    let rows: String =
        (0..500).map(|n| json!({"external_id": format!("{n}"), "title": "Row"}).to_string() + "\n").collect();
    let importing = async {
        let request = admin.request(reqwest::Method::POST, "/api/v1/articles/import");
        let summary = request.labelled("application/x-ndjson", rows).send().await.data(200);
        assert_eq!(summary["created"], 500);
    };
    let writing = async {
        for title in ["Ebb", "Flow", "Slack"] {
            admin.patch(&path, json!({"title": title})).await.expect(200);
        }
    };
    tokio::join!(reading, importing, writing);
    assert_eq!(anon.get(&path).await.data(200)["title"], "Slack");
    anon.get("/readyz").await.expect(200);
}

#[actix_web::test]
async fn connections_whose_packets_are_dropped_are_replaced_and_no_request_outlasts_its_deadline() {
    let Some(network) = Network::make() else {
        return skip("packets cannot be dropped: it takes root, ip and iptables");
    };
    let db = cluster::fresh_database().await;
    let link = Link::through(&network, &db.url, &cluster::runtime());
    let (app, anon) = TestApp::start_through(db, &link.url, &[]).await;
    let admin = app.db_member(Role::Admin).await;
    admin.article("Tides", None).await;
    let locked = lock_articles(&app, "EXCLUSIVE").await;
    let writing = async {
        let write = async |number: i32| {
            let path = format!("/api/v1/articles/by-external-id/{number}");
            admin.put(&path, article("Written while packets are dropped")).await
        };
        let writes = (0..12).map(write);
        tokio::time::timeout(DEADLINE, join_all(writes)).await.unwrap()
    };
    let dropping = async {
        until("writes that wait", async || count_lock_waits(&app).await > 0).await;
        link.drop_packets(&network);
        drop(locked);
        until("an answer", async || {
            let read = tokio::time::timeout(DEADLINE, anon.get("/api/v1/articles/tides")).await.unwrap();
            if read.status != 200 {
                assert_unavailable(&read);
            }
            read.status == 200
        })
        .await;
    };
    let (written, ()) = tokio::join!(writing, dropping);
    for answer in written {
        // What became of a write whose connection is lost while it commits, nobody can know.
        assert!(matches!(answer.status, 201 | 503), "{answer:?}");
    }
    wait_for_recovery(&admin).await;
    for number in 0..12 {
        let path = format!("/api/v1/articles/by-external-id/{number}");
        let again = admin.put(&path, article("Written again")).await;
        assert!(matches!(again.status, 200 | 201), "{again:?}");
    }
}

/// A file system of a fixed size in memory. Only root can make one.
struct Disk(tempfile::TempDir);

impl Disk {
    fn make(megabytes: u32) -> Option<Self> {
        let dir = open_folder();
        let path = dir.path().to_str().unwrap();
        let size = format!("size={megabytes}m,mode=755");
        try_run(&["mount", "-t", "tmpfs", "-o", &size, "inkstone", path]).then_some(Self(dir))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        try_run(&["umount", "--lazy", self.0.path().to_str().unwrap()]);
    }
}

#[actix_web::test]
async fn a_full_disk_refuses_writes_and_loses_none_that_was_acknowledged() {
    let Some(disk) = Disk::make(160) else {
        return skip("no disk can be filled: it takes root and mount");
    };
    let dir = disk.0.path();
    make_in(dir);
    let (cluster, app, anon) = start_with_own_database(dir, &[]).await;
    let admin = app.db_member(Role::Admin).await;
    admin.article("Tides", None).await;
    // It leaves too little for a body.
    let filler = dir.join("filler");
    let filling = Command::new("dd")
        .args(["if=/dev/zero", "bs=64k", &format!("of={}", filler.display())])
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(!filling.success(), "the disk is full");
    // Bytes that do not compress, more in all than the log has room for.
    let body = |n: u64| {
        let words =
            (0..40_000_u64).map(|k| ((k + n * 40_000).wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_string());
        words.collect::<Vec<_>>().join(" ")
    };
    let (mut acknowledged, mut refused) = (Vec::new(), 0);
    for number in 0..60 {
        let long = json!({"title": "Long", "body": body(number), "external_id": number.to_string(), "status": "published"});
        let answer = tokio::time::timeout(DEADLINE, admin.post("/api/v1/articles", long)).await.unwrap();
        match answer.status {
            201 => acknowledged.push(number),
            _ => {
                assert_unavailable(&answer);
                refused += 1;
            }
        }
        if refused == 3 {
            break;
        }
    }
    assert_eq!(refused, 3, "{} were written", acknowledged.len());
    anon.get("/healthz").await.expect(200);

    std::fs::remove_file(filler).unwrap();
    wait_for_recovery(&admin).await;
    for number in acknowledged {
        let path = format!("/api/v1/articles/by-external-id/{number}");
        assert_eq!(admin.get(&path).await.data(200)["title"], "Long");
    }
    drop((app, cluster));
}

#[actix_web::test]
async fn foreign_sessions_on_all_connections_end_no_reader_and_no_writer() {
    let dir = made_folder();
    let (_cluster, app, anon) = start_with_own_database(dir.path(), &[]).await;
    let admin = app.db_member(Role::Admin).await;
    admin.article("Tides", None).await;
    let mut foreign = Vec::new();
    while let Ok(session) = db::pool::open(app.db.url.clone()).await {
        foreign.push(session);
    }
    assert!(foreign.len() > 50, "{} sessions", foreign.len());
    anon.get("/api/v1/articles/tides").await.expect(200);
    admin.article("Written beside them", None).await;
    // A server that starts now gets no connection, and says so.
    let (_late, visitor) = {
        drop(foreign.pop());
        let started = TestApp::start_on(app.db.clone(), &[]).await;
        while let Ok(session) = db::pool::open(app.db.url.clone()).await {
            foreign.push(session);
        }
        started
    };
    let answer = tokio::time::timeout(DEADLINE, visitor.get("/api/v1/articles/tides")).await.unwrap();
    if answer.status != 200 {
        assert_unavailable(&answer);
    }
    drop(foreign);
    until("the late server", async || visitor.get("/api/v1/articles/tides").await.status == 200).await;
}

#[actix_web::test]
async fn a_server_with_a_wrong_clock_signs_nobody_out_and_is_not_ready() {
    if !try_run(&["faketime", "-f", "+1h", "true"]) {
        return skip("no clock can be moved: apt install faketime");
    }
    let db = cluster::fresh_database().await;
    let dir = open_folder();
    let right = {
        let mut command =
            inkstone(&["serve", "--listen", "127.0.0.1:0", "--admin-password", "correct horse"]);
        command.arg("--data-dir").arg(dir.path()).env("DATABASE_URL", &db.url);
        Process::start(command)
    };
    let member = right.admin().await;
    let served = inkstone(&["serve", "--listen", "127.0.0.1:0"]);
    for shift in ["+5m", "-5m", "+400d"] {
        let mut command = Command::new("faketime");
        command.args(["-f", shift]).arg(served.get_program()).args(served.get_args());
        command.arg("--data-dir").arg(dir.path()).env("DATABASE_URL", &db.url).stdin(Stdio::null());
        command.env("DONT_FAKE_MONOTONIC", "1").env("INKSTONE_DRAIN_DELAY", "0");
        let wrong = Process::start(command);
        let elsewhere = Client::new(&wrong.url, member.token.clone());
        elsewhere.get("/api/v1/members/me").await.expect(200);
        wrong.client().get("/api/v1/articles").await.expect(200);
        until("the skew to be told", async || wrong.client().get("/readyz").await.status == 503).await;
        // What it issues is good elsewhere.
        let issued = wrong.admin().await.token;
        Client::new(&right.url, issued).get("/api/v1/members/me").await.expect(200);
    }
    execute(&db.url, "SELECT 1").await;
    assert_eq!(ask(&db.url, "SELECT count(*) FROM articles").await, "0");
}
