//! Several processes over one database: what one changes, the other knows.

use inkstone::operations::Role;
use serde_json::{Value, json};

use crate::harness::cluster::administer;
use crate::harness::machine::{ask, until};
use crate::harness::{Client, TestApp, column};

const CATEGORIES: &str = "/api/v1/categories";

/// Ends the connections over which servers follow the log of the database `name`.
async fn end_followers(app: &TestApp) {
    let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE datname = current_database() AND application_name = 'inkstone-follower'";
    assert_ne!(ask(&app.db.url, sql).await, "0");
}

fn is_current(app: &TestApp) -> bool {
    app.shared.app.follower.is_current()
}

/// Two servers over one database, an admin of both, and a visitor of the second.
async fn start_two() -> (TestApp, TestApp, Client, Client) {
    let (one, _) = TestApp::start().await;
    let (other, visitor) = TestApp::start_on(one.db.clone(), &[]).await;
    until("both to follow the log", async || is_current(&one) && is_current(&other)).await;
    let admin = one.db_member(Role::Admin).await;
    (one, other, admin, visitor)
}

async fn names(client: &Client) -> Vec<String> {
    column(&client.get(CATEGORIES).await.data(200), "name")
}

#[actix_web::test]
async fn a_category_renamed_on_one_server_is_renamed_in_the_answers_of_the_other() {
    let (_one, other, admin, visitor) = start_two().await;
    let category = admin.category("tides", None).await;
    until("the category", async || names(&visitor).await == ["tides"]).await;
    let article = admin.article("Ebb", Some("tides")).await;
    let path = format!("/api/v1/articles/{}", article["id"].as_str().unwrap());
    let shown = async || visitor.get(&path).await.data(200)["category"]["name"].clone();
    assert_eq!(shown().await, "tides");
    let rename = format!("{CATEGORIES}/{}", category["id"].as_str().unwrap());
    admin.patch(&rename, json!({"name": "Gezeiten"})).await.expect(200);
    until("the new name", async || shown().await == "Gezeiten").await;
    assert!(is_current(&other), "the name came from memory that follows the log");
}

#[actix_web::test]
async fn what_a_server_changes_itself_it_shows_at_once() {
    let (_one, _other, admin, _) = start_two().await;
    for round in 0..20 {
        let category = admin.category(&format!("c{round}"), None).await;
        let path = format!("{CATEGORIES}/{}", category["id"].as_str().unwrap());
        admin.patch(&path, json!({"name": "renamed"})).await.expect(200);
        assert_eq!(names(&admin).await, vec!["renamed"; round + 1]);
    }
}

#[actix_web::test]
async fn a_server_that_cannot_listen_shows_nothing_stale_and_listens_again() {
    let (one, other, admin, visitor) = start_two().await;
    admin.category("tides", None).await;
    until("the category", async || names(&visitor).await == ["tides"]).await;
    // Every connection that a change takes is open from here on.
    admin.patch(&format!("{CATEGORIES}/tides"), json!({"description": "of the sea"})).await.expect(200);
    let database = ask(&one.db.url, "SELECT current_database()").await;
    // Connections that are open stay open; a follower that was cut finds no way back.
    administer(format!("ALTER DATABASE {database} ALLOW_CONNECTIONS false")).await;
    let followers = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                     WHERE application_name = 'inkstone-follower' AND datname = ";
    administer(format!("{followers} '{database}'")).await;
    until("both to have lost the log", async || !is_current(&one) && !is_current(&other)).await;
    for round in 0..5 {
        let name = format!("tides {round}");
        admin.patch(&format!("{CATEGORIES}/tides"), json!({"name": name})).await.expect(200);
        assert_eq!(names(&visitor).await, [name], "read from the database, not from memory");
    }
    administer(format!("ALTER DATABASE {database} ALLOW_CONNECTIONS true")).await;
    until("both to follow the log again", async || is_current(&one) && is_current(&other)).await;
    end_followers(&one).await;
    admin.patch(&format!("{CATEGORIES}/tides"), json!({"name": "last"})).await.expect(200);
    until("the last name", async || is_current(&other) && names(&visitor).await == ["last"]).await;
}

#[actix_web::test]
async fn a_transaction_that_stays_open_hides_no_other_and_is_not_missed() {
    let (one, _other, admin, visitor) = start_two().await;
    // It has a transaction id before the others, and commits after them.
    let mut slow = one.shared.app.begin().await.unwrap();
    let (id, made_at) = (uuid::Uuid::now_v7(), "now()");
    let insert = format!(
        "INSERT INTO categories (id, slug, name, description, position, created_at)
         VALUES ('{id}', 'slow', 'slow', '', 9, {made_at})"
    );
    diesel_async::SimpleAsyncConnection::batch_execute(&mut *slow, &insert).await.unwrap();
    slow.touch("category");
    slow.record(
        inkstone::changes::model::Actor::SYSTEM,
        inkstone::changes::model::Change::new("create", "category", id),
    );
    admin.category("fast", None).await;
    until("the fast one", async || names(&visitor).await == ["fast"]).await;
    slow.commit().await.unwrap();
    until("the slow one", async || names(&visitor).await == ["fast", "slow"]).await;
}

#[actix_web::test]
async fn the_site_follows_too() {
    let (_one, _other, admin, visitor) = start_two().await;
    let name = async || visitor.get("/api/v1/site").await.data(200)["name"].clone();
    assert_ne!(name().await, Value::from("砚台"));
    admin.patch("/api/v1/site", json!({"name": "砚台"})).await.expect(200);
    until("the new name", async || name().await == "砚台").await;
}

#[actix_web::test]
async fn rows_of_another_cluster_are_not_news_for_ever() {
    let (app, _) = TestApp::start().await;
    // As after the restoration of a dump: the ids of transactions are beyond those of this cluster.
    for sql in [
        "INSERT INTO changes (xid, actor_kind, action, entity, entity_id, fields) \
         VALUES ('9000000000', 'system', 'create', 'category', gen_random_uuid(), '{}')",
        "INSERT INTO invalidations (xid, tags) VALUES ('9000000000', '{site}')",
    ] {
        crate::harness::machine::execute(&app.db.url, sql).await;
    }
    let conn = app.shared.app.reader().await.unwrap();
    let position = inkstone::changes::queries::position(&conn).await.unwrap();
    let look = inkstone::changes::queries::look_since(&conn, &position, "a node", true).await.unwrap();
    assert_eq!((look.entities, look.stale_tags), (Vec::new(), Vec::new()));
}
