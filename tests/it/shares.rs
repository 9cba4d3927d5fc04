//! What one kind of work cannot take away from another.

use diesel_async::SimpleAsyncConnection;
use futures::future::join_all;
use inkstone::db;
use inkstone::operations::Role;
use serde_json::json;

use crate::harness::TestApp;
use crate::harness::machine::{ask, until};

/// Counts the statements that wait for the articles of this database. Other databases have the same numbers for
/// their tables.
const WAITING: &str = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'articles'::regclass \
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

#[actix_web::test]
async fn writes_that_wait_keep_nobody_from_signing_in_nor_a_monitor_from_asking() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let account = json!({"email": "ada@example.org", "password": "five rather long words here"});
    anon.post("/api/v1/auth/register", account.clone()).await.expect(201);
    let mut conn = db::pool::open(app.db.url.clone()).await.unwrap();
    conn.batch_execute("BEGIN; LOCK TABLE articles").await.unwrap();
    let writes = join_all((0..12).map(|number| {
        let new = json!({"title": format!("Waits {number}"), "body": ""});
        let admin = admin.clone();
        async move { admin.post("/api/v1/articles", new).await.status }
    }));
    let others = async {
        // All connections of writes wait for the lock.
        until("the writes to wait", async || ask(&app.db.url, WAITING).await == "4").await;
        for _ in 0..5 {
            anon.get("/readyz").await.expect(200);
            anon.get("/api/v1/site").await.expect(200);
            let session = anon.post("/api/v1/auth/login", account.clone()).await.data(200);
            let refresh = json!({"refresh_token": session["refresh_token"]});
            anon.post("/api/v1/auth/refresh", refresh).await.expect(200);
        }
        conn.batch_execute("ROLLBACK").await.unwrap();
    };
    tokio::join!(writes, others);
}

#[actix_web::test]
async fn costly_reads_of_visitors_leave_connections_to_the_staff() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    admin.article("One", None).await;
    let mut conn = db::pool::open(app.db.url.clone()).await.unwrap();
    conn.batch_execute("BEGIN; LOCK TABLE articles").await.unwrap();
    let costly = join_all((0..8).map(|_| anon.get("/api/v1/articles?count=true")));
    let others = async {
        until("the costly reads to wait", async || ask(&app.db.url, WAITING).await != "0").await;
        admin.get("/api/v1/audit").await.expect(200);
        admin.get("/api/v1/members").await.expect(200);
        conn.batch_execute("ROLLBACK").await.unwrap();
    };
    tokio::join!(costly, others);
}
