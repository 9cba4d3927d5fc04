//! A database that is stopped, slow or frozen under a running server: 503 answers, then full recovery.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection;
use futures::future::join_all;
use inkstone::db;
use inkstone::db::connection::Connection;
use inkstone::db::embedded::Embedded;
use inkstone::operations::Role;
use serde_json::{Value, json};

use crate::harness::cluster::{TestDb, fresh_database, migrate};
use crate::harness::machine::{Frozen, ask, execute, made_folder, start, until};
use crate::harness::{Answer, Client, TestApp};

/// Paths that visitors read.
const READS: &[&str] =
    &["/api/v1/articles", "/api/v1/articles/tides", "/api/v1/categories", "/api/v1/notices", "/api/v1/site"];

pub fn article(title: &str) -> Value {
    json!({"title": title, "body": "<p>x</p>", "status": "published"})
}

/// Fails unless the answer is a 503 problem document with `Retry-After`.
#[track_caller]
pub fn assert_unavailable(answer: &Answer) {
    assert_eq!(answer.problem(), (503, "unavailable".to_owned()), "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds));
    let detail = answer.json()["detail"].as_str().unwrap_or_default().to_lowercase();
    for inner in ["postgres", "socket", "connection", "/", "sql"] {
        assert!(!detail.contains(inner), "{detail}");
    }
}

/// Waits until reading and writing work. Until then, all answers must be 503.
pub async fn wait_for_recovery(admin: &Client) {
    until("the server to recover", async || {
        let answers = [
            admin.get("/api/v1/articles").await,
            admin.post("/api/v1/articles", article("After")).await,
            admin.get("/readyz").await,
        ];
        for answer in answers.iter().filter(|answer| answer.status >= 300) {
            assert_unavailable(answer);
        }
        answers.iter().all(|answer| answer.status < 300)
    })
    .await;
}

/// Starts a server with its own PostgreSQL, which stops when the returned value is dropped.
pub async fn start_with_own_database(dir: &std::path::Path, flags: &[&str]) -> (Embedded, TestApp, Client) {
    let cluster = start(dir);
    migrate(cluster.url()).await;
    let (app, anon) = TestApp::start_on(TestDb::elsewhere(cluster.url()), flags).await;
    (cluster, app, anon)
}

#[actix_web::test]
async fn a_stopped_database_gives_503_until_it_runs_again() {
    let dir = made_folder();
    let (mut cluster, app, anon) = start_with_own_database(dir.path(), &[]).await;
    let admin = app.db_member(Role::Admin).await;
    admin.article("Tides", None).await;
    // Several connections are open when the database stops.
    join_all(READS.iter().map(|path| anon.get(path))).await.into_iter().for_each(|a| drop(a.expect(200)));

    cluster.stop();
    for _ in 0..2 {
        for path in READS {
            assert_unavailable(&anon.get(path).await);
        }
        assert_unavailable(&admin.post("/api/v1/articles", article("Lost")).await);
        assert_unavailable(&admin.patch("/api/v1/articles/tides", json!({"title": "Lost"})).await);
        let login = json!({"email": "ada@example.org", "password": "correct horse"});
        assert_unavailable(&anon.post("/api/v1/auth/login", login).await);
        assert_unavailable(&anon.get("/readyz").await);
        anon.get("/healthz").await.expect(200);
        anon.get("/openapi.json").await.expect(200);
    }

    let _again = start(dir.path());
    wait_for_recovery(&admin).await;
    assert_eq!(anon.get("/api/v1/articles/tides").await.data(200)["title"], "Tides");
    let lost = ask(&app.db.url, "SELECT count(*) FROM articles WHERE title = 'Lost'").await;
    assert_eq!(lost, "0");
    drop(app);
}

#[actix_web::test]
async fn terminated_connections_are_replaced() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    admin.article("Tides", None).await;
    let terminate = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                     WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for _ in 0..3 {
        join_all(READS.iter().map(|path| anon.get(path))).await.into_iter().for_each(|a| drop(a.expect(200)));
        assert_ne!(ask(&app.db.url, terminate).await, "0");
        wait_for_recovery(&admin).await;
    }
}

/// Opens a session that has locked the articles.
pub async fn lock_articles(app: &TestApp, mode: &str) -> Connection {
    let mut conn = db::pool::open(app.db.url.clone()).await.unwrap();
    let sql =
        format!("SET idle_in_transaction_session_timeout = 0; BEGIN; LOCK TABLE articles IN {mode} MODE");
    conn.batch_execute(&sql).await.unwrap();
    conn
}

/// Counts the server's statements that wait for a lock.
pub async fn count_lock_waits(app: &TestApp) -> usize {
    let sql = "SELECT count(*) FROM pg_stat_activity \
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    ask(&app.db.url, sql).await.parse().unwrap()
}

#[actix_web::test]
async fn a_terminated_statement_gives_503() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let locked = lock_articles(&app, "EXCLUSIVE").await;
    let terminated = async {
        until("the write to wait", async || count_lock_waits(&app).await == 1).await;
        execute(
            &app.db.url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .await;
    };
    let (answer, ()) = tokio::join!(admin.post("/api/v1/articles", article("Lost")), terminated);
    assert_unavailable(&answer);
    drop(locked);
    wait_for_recovery(&admin).await;
    assert_eq!(ask(&app.db.url, "SELECT count(*) FROM articles WHERE title = 'Lost'").await, "0");
}

#[actix_web::test]
async fn writes_to_a_locked_table_give_503_in_time_and_reads_work() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let tides = admin.article("Tides", None).await;
    let path = format!("/api/v1/articles/{}", tides["id"].as_str().unwrap());
    let mut locked = lock_articles(&app, "EXCLUSIVE").await;
    let writing = async {
        let began = Instant::now();
        let answers = tokio::join!(
            admin.post("/api/v1/articles", article("Lost")),
            admin.patch(&path, json!({"title": "Lost"})),
        );
        assert!(began.elapsed() < Duration::from_millis(4500), "the lock's time limit is 2 s");
        answers
    };
    let reading = async {
        until("the writes to wait", async || count_lock_waits(&app).await > 0).await;
        join_all(READS.iter().map(|path| anon.get(path))).await
    };
    let ((created, changed), read) = tokio::join!(writing, reading);
    assert_unavailable(&created);
    assert_unavailable(&changed);
    read.into_iter().for_each(|answer| drop(answer.expect(200)));

    // As an ALTER TABLE does: articles that are not in memory cannot be read either, all other things can.
    locked.batch_execute("LOCK TABLE articles IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let (articles, site) = tokio::join!(anon.get("/api/v1/articles?page_size=7"), anon.get("/api/v1/site"));
    assert_unavailable(&articles);
    site.expect(200);

    locked.batch_execute("ROLLBACK").await.unwrap();
    admin.patch(&path, json!({"title": "Ebb"})).await.expect(200);
    admin.article("After", None).await;
}

/// Builds the bytes of a request that creates an article.
fn build_request(admin: &Client, title: &str) -> Vec<u8> {
    let body = article(title).to_string();
    format!(
        "POST /api/v1/articles HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        admin.token.as_ref().unwrap(),
        body.len()
    )
    .into_bytes()
}

#[actix_web::test]
async fn clients_that_disconnect_leave_no_open_transaction() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    admin.article("Tides", None).await;
    let address = app.url.strip_prefix("http://").unwrap();
    for round in 0..3 {
        let mut locked = lock_articles(&app, "EXCLUSIVE").await;
        let mut clients = Vec::new();
        for number in 0..3 {
            let mut client = TcpStream::connect(address).unwrap();
            client.write_all(&build_request(&admin, &format!("{round}-{number}"))).unwrap();
            clients.push(client);
        }
        let mut client = TcpStream::connect(address).unwrap();
        let half = build_request(&admin, "half");
        client.write_all(&half[..half.len() - 10]).unwrap();
        clients.push(client);
        until("the writes to wait", async || count_lock_waits(&app).await > 0).await;
        drop(clients);
        anon.get("/api/v1/site").await.expect(200);
        locked.batch_execute("ROLLBACK").await.unwrap();
    }
    let busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND pid <> pg_backend_pid() AND state <> 'idle'";
    until("every transaction to end", async || ask(&app.db.url, busy).await == "0").await;
    let recorded = "SELECT (SELECT count(*) FROM articles) = \
                    (SELECT count(*) FROM changes WHERE entity = 'article' AND action = 'create')";
    assert_eq!(ask(&app.db.url, recorded).await, "true", "a write is done whole or not at all");
    assert_eq!(ask(&app.db.url, "SELECT count(*) FROM articles WHERE title = 'half'").await, "0");
    let many = join_all((0..12).map(|_| anon.get("/api/v1/articles"))).await;
    many.into_iter().for_each(|answer| drop(answer.expect(200)));
    admin.article("After", None).await;
}

#[actix_web::test]
async fn a_frozen_database_gives_503_within_the_time_limit() {
    let dir = made_folder();
    let (cluster, app, anon) = start_with_own_database(dir.path(), &["--request-timeout", "1"]).await;
    let admin = app.db_member(Role::Admin).await;
    let tides = admin.article("Tides", None).await;
    // This server has no connection yet, and will not get one.
    let (_cold, visitor) = TestApp::start_on(app.db.clone(), &["--request-timeout", "1"]).await;
    let backends = "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity \
                    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    let backends = ask(&app.db.url, backends).await;
    let backends = backends.split(' ').map(|pid| pid.parse().unwrap());
    let frozen = Frozen::new(backends.chain(cluster.postmaster_pid()).collect());

    let answering = async {
        tokio::join!(
            anon.get("/api/v1/articles"),
            visitor.get("/api/v1/articles"),
            admin.post("/api/v1/articles", article("Late")),
            anon.get("/readyz"),
            visitor.get("/readyz"),
            anon.get("/healthz"),
            visitor.get("/healthz"),
        )
    };
    // This is sooner than any other limit.
    let answers = tokio::time::timeout(Duration::from_millis(2900), answering).await.unwrap();
    for answer in [answers.0, answers.1, answers.2, answers.3, answers.4] {
        assert_unavailable(&answer);
    }
    answers.5.expect(200);
    answers.6.expect(200);

    drop(frozen);
    wait_for_recovery(&admin).await;
    let read = visitor.get(&format!("/api/v1/articles/{}", tides["id"].as_str().unwrap())).await;
    assert_eq!(read.data(200)["title"], "Tides");
    let many = join_all((0..12).map(|_| anon.get("/api/v1/articles"))).await;
    many.into_iter().for_each(|answer| drop(answer.expect(200)));
}

#[actix_web::test]
async fn views_counted_during_an_outage_are_written_after_it() {
    let db = fresh_database().await;
    let (app, anon) = TestApp::start_on(db, &[]).await;
    let admin = app.db_member(Role::Admin).await;
    let tides = admin.article("Tides", None).await;
    let path = format!("/api/v1/articles/{}", tides["id"].as_str().unwrap());
    // The table of views cannot be written, the articles can.
    let mut conn = db::pool::open(app.db.url.clone()).await.unwrap();
    conn.batch_execute("ALTER TABLE article_views ADD CONSTRAINT closed CHECK (views = 0)").await.unwrap();
    anon.act(&format!("{path}/views")).await.expect(204);
    until("a write that fails", async || app.shared.counter.flush(&app.shared.app).await.is_err()).await;
    conn.batch_execute("ALTER TABLE article_views DROP CONSTRAINT closed").await.unwrap();
    until("the view to be written", async || anon.get(&path).await.data(200)["views"] == 1).await;
}
