//! What leaves the sight of a reader is told, and what was never in it is not.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use diesel_async::SimpleAsyncConnection;
use inkstone::change_feed::cursor::Cursor;
use inkstone::change_feed::model::Head;
use inkstone::change_feed::reading::{PageRequest, load_page};
use inkstone::change_feed::resolving::Audience;
use inkstone::db;
use inkstone::db::connection::Connection;
use inkstone::db::visibility::Notices;
use inkstone::operations::Role;
use serde_json::json;

use super::{CHANGES, Phone, article, path_of, told_of};
use crate::harness::TestApp;
use crate::harness::machine::{ask, until};

#[actix_web::test]
async fn what_is_withdrawn_in_any_way_is_told() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let later = Utc::now() + TimeDelta::days(1);
    for change in [
        json!({"status": "draft"}),
        json!({"status": "archived"}),
        json!({"published_at": later}),
        json!(null),
    ] {
        let id = article(&editor, "a", "published").await;
        let mut phone = Phone::begin(&anon, 200).await;
        match change.is_null() {
            true => drop(editor.delete(&path_of(&id)).await.expect(204)),
            false => drop(editor.patch(&path_of(&id), change.clone()).await.expect(200)),
        }
        let lines = phone.sync().await;
        assert_eq!(told_of(&lines), ["article delete"], "{change}");
        assert_eq!((&lines[0]["id"], &lines[0]["version"]), (&json!(id), &json!(null)));
        phone.check().await;
    }
    let id = article(&editor, "a", "published").await;
    let mut phone = Phone::begin(&anon, 200).await;
    app.db_execute(&format!("DELETE FROM articles WHERE id = '{id}'")).await;
    app.db_execute(&format!(
        "INSERT INTO changes (actor_kind, action, entity, entity_id) VALUES ('system', 'delete', 'article', '{id}')"
    ))
    .await;
    app.shared.app.follower.forget_all();
    assert_eq!(told_of(&phone.sync().await), ["article delete"], "purged");
}

#[actix_web::test]
async fn what_was_never_in_sight_is_not_told() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let mut phone = Phone::begin(&anon, 200).await;
    let draft = article(&editor, "a", "draft").await;
    let later = Utc::now() + TimeDelta::days(1);
    editor.patch(&path_of(&draft), json!({"title": "b"})).await.expect(200);
    editor.patch(&path_of(&draft), json!({"status": "published", "published_at": later})).await.expect(200);
    editor.patch(&path_of(&draft), json!({"published_at": later + TimeDelta::hours(1)})).await.expect(200);
    editor.delete(&path_of(&draft)).await.expect(204);
    let notice = json!({"kind": "notice", "title": "m", "status": "published", "audience": "members"});
    let notice = editor.post("/api/v1/notices", notice).await.data(201);
    editor.delete(&format!("/api/v1/notices/{}", notice["id"].as_str().unwrap())).await.expect(204);
    assert!(phone.sync().await.is_empty());
    phone.check().await;
}

#[actix_web::test]
async fn what_is_for_members_leaves_the_sight_of_visitors_alone() {
    let (app, anon) = TestApp::start().await;
    let (editor, member) = (app.db_member(Role::Editor).await, app.db_member(Role::Member).await);
    let notice = json!({"kind": "notice", "title": "m", "status": "published"});
    let notice = editor.post("/api/v1/notices", notice).await.data(201);
    let path = format!("/api/v1/notices/{}", notice["id"].as_str().unwrap());
    let (mut visitors, mut members) = (Phone::begin(&anon, 200).await, Phone::begin(&member, 200).await);
    editor.patch(&path, json!({"audience": "members"})).await.expect(200);
    assert_eq!(told_of(&visitors.sync().await), ["notice delete"]);
    assert_eq!(told_of(&members.sync().await), ["notice upsert"]);
    editor.patch(&path, json!({"title": "n"})).await.expect(200);
    assert!(visitors.sync().await.is_empty());
    assert_eq!(told_of(&members.sync().await), ["notice upsert"]);
    editor.patch(&path, json!({"status": "archived"})).await.expect(200);
    assert!(visitors.sync().await.is_empty());
    assert_eq!(told_of(&members.sync().await), ["notice delete"]);
    visitors.check().await;
    members.check().await;
}

#[actix_web::test]
async fn what_time_alone_changes_is_told_when_its_hour_has_come() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let soon = Utc::now() + TimeDelta::seconds(3);
    let scheduled = json!({"title": "a", "body": "", "status": "published", "published_at": soon});
    editor.post("/api/v1/articles", scheduled).await.expect(201);
    let expiring = json!({"kind": "notice", "title": "n", "status": "published", "expires_at": soon});
    editor.post("/api/v1/notices", expiring).await.expect(201);
    let mut phone = Phone::begin(&anon, 200).await;
    assert_eq!(phone.copies.len(), 1);
    let waited = anon.get(&format!("{CHANGES}?since={}&wait=30", phone.cursor)).await.data(200);
    assert_eq!(told_of(waited.as_array().unwrap()), ["article upsert", "notice delete"]);
    assert_eq!(told_of(&phone.sync().await), ["article upsert", "notice delete"]);
    assert!(phone.sync().await.is_empty());
    phone.check().await;
}

#[actix_web::test]
async fn a_transaction_that_stays_open_delays_nobody_and_is_not_missed() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let (slow, quick) =
        (article(&editor, "slow", "published").await, article(&editor, "quick", "published").await);
    let mut phone = Phone::begin(&anon, 200).await;
    let mut open = db::pool::open(app.db.url.clone()).await.unwrap();
    let statements = format!(
        "BEGIN; UPDATE articles SET title = 'slower', version = 2 WHERE id = '{slow}';
         INSERT INTO changes (actor_kind, action, entity, entity_id)
         VALUES ('system', 'update', 'article', '{slow}')"
    );
    open.batch_execute(&statements).await.unwrap();
    for version in 2..5 {
        editor.patch(&path_of(&quick), json!({"title": format!("quick {version}")})).await.expect(200);
        let lines = phone.sync().await;
        assert_eq!((&lines[0]["id"], &lines[0]["version"]), (&json!(quick), &json!(version)));
        assert_eq!(lines.len(), 1);
    }
    open.batch_execute("COMMIT").await.unwrap();
    editor.patch(&path_of(&quick), json!({"title": "last"})).await.expect(200);
    let lines = phone.sync().await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    phone.check().await;
    assert_eq!(ask(&app.db.url, "SELECT count(*) FROM visibility_changes").await, "0");
}

/// The page after `cursor` up to the end of the log as it was at `head`, and the cursor after it.
async fn read_until(app: &TestApp, cursor: Cursor, head: &Head) -> (Vec<String>, Cursor) {
    let audience = Audience { notices: Notices::Public, included: None };
    let asked = PageRequest { audience, limit: 100, wait: Duration::ZERO };
    let (_, page) = load_page(&app.shared.app, cursor, asked, head.clone()).await.unwrap();
    let told = page.lines.iter().map(|line| format!("{:?} {:?}", line.kind(), line.op()));
    (told.collect(), page.next)
}

#[actix_web::test]
async fn what_was_told_early_and_is_withdrawn_is_told_again() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let draft = article(&editor, "a", "draft").await;
    let soon = Utc::now() + TimeDelta::seconds(2);
    let brief = json!({"kind": "notice", "title": "n", "status": "published", "published_at": soon, "expires_at": soon + TimeDelta::seconds(8)});
    let brief = editor.post("/api/v1/notices", brief).await.data(201);
    let find_head = async || Head::find(&app.shared.app).await.unwrap();
    let start = Cursor::at(find_head().await.position, false);
    editor.patch(&path_of(&draft), json!({"title": "b"})).await.expect(200);
    let notice = format!("/api/v1/notices/{}", brief["id"].as_str().unwrap());
    editor.patch(&notice, json!({"title": "m"})).await.expect(200);
    let early = find_head().await;
    // Both come into sight after the end of the window, and before it is read.
    editor.patch(&path_of(&draft), json!({"status": "published"})).await.expect(200);
    until("the notice to be up", async || app.shared.app.now() > soon).await;
    let (mut told, next) = read_until(&app, start, &early).await;
    told.sort();
    assert_eq!(told, ["Article Upsert", "Notice Upsert"], "as they are when they are read");
    editor.patch(&path_of(&draft), json!({"status": "draft"})).await.expect(200);
    until("the notice to expire", async || app.shared.app.now() > soon + TimeDelta::seconds(8)).await;
    app.shared.app.follower.forget_all();
    let (mut told, _) = read_until(&app, next, &find_head().await).await;
    told.sort();
    assert_eq!(told, ["Article Delete", "Notice Delete"]);
}

/// Changes a thing behind the server's back, in a transaction that is left open.
async fn change_in_open_transaction(app: &TestApp, table: &str, entity: &str, id: &str) -> Connection {
    let mut open = db::pool::open(app.db.url.clone()).await.unwrap();
    let statements = format!(
        "BEGIN; UPDATE {table} SET status = 'archived' WHERE id = '{id}';
         INSERT INTO changes (actor_kind, action, entity, entity_id) VALUES ('system', 'update', '{entity}', '{id}')"
    );
    open.batch_execute(&statements).await.unwrap();
    open
}

#[actix_web::test]
async fn what_is_withdrawn_while_its_hour_comes_is_told() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let soon = Utc::now() + TimeDelta::seconds(2);
    let scheduled = json!({"title": "a", "status": "published", "published_at": soon});
    let scheduled = editor.post("/api/v1/articles", scheduled).await.data(201);
    let mut phone = Phone::begin(&anon, 200).await;
    let mut open =
        change_in_open_transaction(&app, "articles", "article", scheduled["id"].as_str().unwrap()).await;
    until("the hour", async || app.shared.app.now() > soon).await;
    assert_eq!(told_of(&phone.sync().await), ["article upsert"], "nobody knows that it is being withdrawn");
    open.batch_execute("COMMIT").await.unwrap();
    app.shared.app.follower.forget_all();
    assert_eq!(told_of(&phone.sync().await), ["article delete"]);
    phone.check().await;
}

#[actix_web::test]
async fn what_is_withdrawn_just_after_it_expired_is_told() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let soon = Utc::now() + TimeDelta::seconds(2);
    let notice = json!({"kind": "notice", "title": "n", "status": "published", "expires_at": soon});
    let notice = editor.post("/api/v1/notices", notice).await.data(201);
    let start = Cursor::at(Head::find(&app.shared.app).await.unwrap().position, false);
    until("the notice to expire", async || app.shared.app.now() > soon).await;
    app.shared.app.follower.forget_all();
    let expired = Head::find(&app.shared.app).await.unwrap();
    // After the end of the window, and before it is read.
    let path = format!("/api/v1/notices/{}", notice["id"].as_str().unwrap());
    editor.patch(&path, json!({"status": "draft"})).await.expect(200);
    let (early, next) = read_until(&app, start, &expired).await;
    let (late, _) = read_until(&app, next, &Head::find(&app.shared.app).await.unwrap()).await;
    assert_eq!([early, late].concat(), ["Notice Delete"]);
    drop(anon);
}
