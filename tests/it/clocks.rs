//! A database whose clock differs from the machine's.

use inkstone::operations::Role;

use crate::harness::machine::{execute, until};
use crate::harness::{Client, TestApp, cluster};

/// Makes the clock of a database differ by `skew` for all connections that are opened from now on.
async fn shift_clock(url: &str, skew: &str) {
    let sql = format!(
        "CREATE SCHEMA shifted;
         CREATE FUNCTION shifted.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql
             AS 'SELECT pg_catalog.clock_timestamp() + interval ''{skew}''';
         ALTER TABLE auth.sessions ALTER created_at SET DEFAULT shifted.clock_timestamp();
         DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = shifted, public, pg_catalog',
                                    current_database()); END $$"
    );
    execute(url, &sql).await;
}

/// The status of `path` for `client`, and whether it is `wanted` before long.
async fn becomes(client: &Client, path: &str, wanted: u16) {
    until(path, async || client.get(path).await.status == wanted).await;
}

#[actix_web::test]
async fn a_clock_that_is_wrong_signs_nobody_out_and_is_told() {
    for skew in ["20 minutes", "-20 minutes"] {
        let db = cluster::fresh_database().await;
        shift_clock(&db.url, skew).await;
        let (app, anon) = TestApp::start_on(db, &[]).await;
        becomes(&anon, "/readyz", 503).await;
        let detail = anon.get("/readyz").await.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(" 1200 s"), "{detail}");
        let member = app.db_member(Role::Member).await;
        member.get("/api/v1/members/me").await.expect(200);
    }
}

#[actix_web::test]
async fn a_clock_that_differs_by_seconds_is_no_fault() {
    let db = cluster::fresh_database().await;
    shift_clock(&db.url, "20 seconds").await;
    let (_app, anon) = TestApp::start_on(db, &[]).await;
    anon.get("/readyz").await.expect(200);
}
