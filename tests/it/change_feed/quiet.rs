//! A site on which nothing happens for a long time.

use chrono::{TimeDelta, Utc};
use inkstone::change_feed::cursor::Cursor;
use inkstone::change_feed::model::Head;
use inkstone::operations::Role;
use serde_json::json;

use super::{CHANGES, told_of};
use crate::harness::machine::{ask, execute, until};
use crate::harness::{TestApp, cluster};

/// A server whose transactions run `ago` before their time, until [`let_pass`] is called. It knows the end of the log of that
/// time.
async fn start_before(ago: &str) -> TestApp {
    let db = cluster::fresh_database().await;
    // The first now() of the path is that of all statements; the process reads its clock by another function.
    let set_back = format!(
        "CREATE SCHEMA earlier;
         CREATE TABLE earlier.clock (ago interval NOT NULL);
         INSERT INTO earlier.clock VALUES ('{ago}');
         CREATE FUNCTION earlier.now() RETURNS timestamptz LANGUAGE sql STABLE
             AS 'SELECT pg_catalog.now() - ago FROM earlier.clock';
         DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = earlier, pg_catalog, public',
                                   current_database()); END$$"
    );
    execute(&db.url, &set_back).await;
    let flags = ["--audit-retention-days", "1", "--webhook-allow", "127.0.0.0/8"];
    let (app, _) = TestApp::start_on(db, &flags).await;
    until("the log to be followed", async || app.shared.app.follower.is_current()).await;
    app
}

/// The time passes, and nothing else happens.
async fn let_pass(app: &TestApp) {
    execute(&app.db.url, "UPDATE earlier.clock SET ago = '0'").await;
}

#[actix_web::test]
async fn a_cursor_of_a_site_on_which_nothing_happens_can_be_gone_on_from() {
    let app = start_before("13 hours").await;
    let anon = crate::harness::Client::new(&app.url, None);
    let head = Head::find(&app.shared.app).await.unwrap();
    assert!(Utc::now() - head.position.at >= TimeDelta::hours(12), "as after half a day");
    let_pass(&app).await;
    let start = anon.get(&format!("{CHANGES}?since=now")).await.expect(200).json();
    let since = start["page"]["next_cursor"].as_str().unwrap();
    let editor = app.db_member(Role::Editor).await;
    let body = json!({"title": "a", "body": "<p>a</p>", "status": "published"});
    editor.post("/api/v1/articles", body).await.expect(201);
    let told = anon.get(&format!("{CHANGES}?since={since}")).await.data(200);
    assert_eq!(told_of(told.as_array().unwrap()), ["article upsert"]);
}

#[actix_web::test]
async fn the_position_of_webhooks_moves_on_though_nothing_happens() {
    let app = start_before("2 hours").await;
    let admin = app.db_member(Role::Admin).await;
    let body = json!({"url": "http://127.0.0.1:8099/hook", "events": ["*"]});
    admin.post("/api/v1/webhooks", body).await.expect(201);
    Head::find(&app.shared.app).await.unwrap();
    let_pass(&app).await;
    let has_moved = async || {
        let stored = ask(&app.db.url, "SELECT cursor FROM webhook_position").await;
        let cursor = Cursor::open(&stored, &app.shared.app.keys).unwrap();
        Utc::now() - cursor.before.at < TimeDelta::hours(1)
    };
    until("the position to move on", has_moved).await;
}
