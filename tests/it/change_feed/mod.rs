//! The change feed: what a phone learns of what has changed.

mod bodies;
mod events;
mod heads;
mod model;
mod quiet;
mod sight;

use std::collections::BTreeMap;

use chrono::{TimeDelta, Utc};
use inkstone::change_feed::cursor::Cursor;
use inkstone::change_feed::model::Position;
use inkstone::operations::Role;
use serde_json::{Value, json};

use crate::harness::{Client, TestApp};

const CHANGES: &str = "/api/v1/changes";

/// A phone: what it keeps, and where it stands.
struct Phone<'c> {
    client: &'c Client,
    /// The version of each thing, by its kind and its id.
    copies: BTreeMap<(String, String), i64>,
    cursor: String,
    limit: usize,
}

impl<'c> Phone<'c> {
    /// A phone that has taken a snapshot.
    async fn begin(client: &'c Client, limit: usize) -> Self {
        let mut phone = Self { client, copies: BTreeMap::new(), cursor: String::new(), limit };
        phone.walk(&format!("{CHANGES}?snapshot=true&limit={limit}")).await;
        phone
    }

    /// Learns what is new. Returns what it was told.
    async fn sync(&mut self) -> Vec<Value> {
        self.walk(&format!("{CHANGES}?since={}&limit={}", self.cursor, self.limit)).await
    }

    async fn walk(&mut self, first: &str) -> Vec<Value> {
        let (mut told, mut path) = (Vec::new(), first.to_owned());
        loop {
            let feed = self.client.get(&path).await.expect(200).json();
            let lines = feed["data"].as_array().unwrap().clone();
            assert!(lines.len() <= self.limit);
            for line in &lines {
                let text = |key: &str| line[key].as_str().unwrap().to_owned();
                let key = (text("type"), text("id"));
                match line["op"].as_str().unwrap() {
                    "upsert" => drop(self.copies.insert(key, line["version"].as_i64().unwrap())),
                    _ => drop(self.copies.remove(&key)),
                }
            }
            told.extend(lines);
            self.cursor = feed["page"]["next_cursor"].as_str().unwrap().to_owned();
            if feed["page"]["has_next"] == false {
                return told;
            }
            path = format!("{CHANGES}?since={}&limit={}", self.cursor, self.limit);
        }
    }

    /// Syncs, and checks that the copies are what the lists have then.
    ///
    /// What is scheduled may come out between the sync and the lists: it is then in the next sync.
    async fn sync_and_check(&mut self) {
        for _ in 0..3 {
            self.sync().await;
            let listed = self.list().await;
            if self.copies == listed {
                return;
            }
        }
        self.check().await;
    }

    /// Checks that the copies are what the lists have now.
    async fn check(&self) {
        assert_eq!(self.copies, self.list().await);
    }

    /// What the lists have now.
    async fn list(&self) -> BTreeMap<(String, String), i64> {
        let mut listed = BTreeMap::new();
        for (kind, path) in [("article", "articles"), ("notice", "notices"), ("category", "categories")] {
            let mut next = format!("/api/v1/{path}");
            if kind != "category" {
                next += "?page_size=100";
            }
            loop {
                let page = self.client.get(&next).await.expect(200).json();
                for row in page["data"].as_array().unwrap() {
                    let id = row["id"].as_str().unwrap().to_owned();
                    listed.insert((kind.to_owned(), id), row["version"].as_i64().unwrap());
                }
                let Some(cursor) = page["page"]["next_cursor"].as_str() else { break };
                next = format!("/api/v1/{path}?page_size=100&cursor={cursor}");
            }
        }
        listed
    }
}

/// The lines as `type op`, without their order.
fn told_of(lines: &[Value]) -> Vec<String> {
    let mut told: Vec<String> = lines
        .iter()
        .map(|line| format!("{} {}", line["type"].as_str().unwrap(), line["op"].as_str().unwrap()))
        .collect();
    told.sort();
    told
}

async fn article(client: &Client, title: &str, status: &str) -> String {
    let body = json!({"title": title, "body": "<p>a</p>", "status": status});
    client.post("/api/v1/articles", body).await.data(201)["id"].as_str().unwrap().to_owned()
}

fn path_of(id: &str) -> String {
    format!("/api/v1/articles/{id}")
}

#[actix_web::test]
async fn a_snapshot_tells_all_that_can_be_seen_and_the_cursor_goes_on_from_there() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for number in 0..7 {
        article(&editor, &format!("砝码 {number}"), if number % 3 == 0 { "draft" } else { "published" })
            .await;
    }
    editor.post("/api/v1/categories", json!({"name": "新闻", "slug": "news"})).await.expect(201);
    editor
        .post("/api/v1/notices", json!({"kind": "notice", "title": "通知", "status": "published"}))
        .await
        .expect(201);
    for limit in [1, 2, 200] {
        let phone = Phone::begin(&anon, limit).await;
        assert_eq!(phone.copies.len(), 4 + 1 + 1);
        phone.check().await;
    }
    let mut phone = Phone::begin(&anon, 1).await;
    assert!(phone.sync().await.is_empty());
    let id = article(&editor, "新", "published").await;
    editor.patch(&path_of(&id), json!({"title": "newer"})).await.expect(200);
    let lines = phone.sync().await;
    assert_eq!(told_of(&lines), ["article upsert"], "each thing once");
    assert_eq!((&lines[0]["id"], &lines[0]["version"]), (&json!(id), &json!(2)));
    phone.check().await;
}

#[actix_web::test]
async fn cards_come_along_as_lists_have_them() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let start = anon.get(&format!("{CHANGES}?since=now")).await.expect(200).json();
    let since = start["page"]["next_cursor"].as_str().unwrap();
    editor.post("/api/v1/categories", json!({"name": "新闻", "slug": "news"})).await.expect(201);
    let body = json!({"title": "a", "body": "<p>b</p>", "status": "published", "category": "news"});
    editor.post("/api/v1/articles", body).await.expect(201);
    editor
        .post("/api/v1/notices", json!({"kind": "notice", "title": "通知", "status": "published"}))
        .await
        .expect(201);
    let told = anon.get(&format!("{CHANGES}?since={since}&include=card")).await.data(200);
    for line in told.as_array().unwrap() {
        let path = match line["type"].as_str().unwrap() {
            "article" => "articles",
            "notice" => "notices",
            _ => "categories",
        };
        assert_eq!(line["data"], anon.get(&format!("/api/v1/{path}")).await.data(200)[0]);
    }
    assert_eq!(told.as_array().unwrap().len(), 3);
    let articles = anon.get(&format!("{CHANGES}?snapshot=true&entity=articles")).await.data(200);
    assert_eq!(told_of(articles.as_array().unwrap()), ["article upsert"]);
    assert!(articles[0].get("data").is_none());
}

#[actix_web::test]
async fn nothing_new_is_short_and_the_cursor_stays() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    article(&editor, "a", "published").await;
    let phone = Phone::begin(&anon, 200).await;
    for _ in 0..2 {
        let answer = anon.get(&format!("{CHANGES}?since={}", phone.cursor)).await.expect(200);
        assert!(answer.text().len() <= 300, "{}", answer.text());
        assert_eq!(answer.json()["page"], json!({"next_cursor": phone.cursor, "has_next": false}));
    }
    let answer = anon.get(&format!("{CHANGES}?since={}", phone.cursor)).await;
    assert!(answer.header("cache-control").starts_with("public"), "{}", answer.header("cache-control"));
}

#[actix_web::test]
async fn a_wait_ends_when_something_is_new() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let phone = Phone::begin(&anon, 200).await;
    let path = format!("{CHANGES}?since={}&wait=30", phone.cursor);
    let (waited, id) = tokio::join!(anon.get(&path), article(&editor, "a", "published"));
    assert_eq!(waited.data(200)[0]["id"], json!(id));
    let ended = anon.get(&format!("{CHANGES}?since=now&wait=1")).await.data(200);
    assert_eq!(ended, json!([]));
}

#[actix_web::test]
async fn a_cursor_is_of_its_feed_and_its_audience() {
    let (app, anon) = TestApp::start().await;
    let member = app.db_member(Role::Member).await;
    let problem = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(anon.get(CHANGES).await.problem(), problem(400, "invalid_parameter"));
    for forged in ["nowhere", "AAAA"] {
        let refused = anon.get(&format!("{CHANGES}?since={forged}")).await;
        assert_eq!(refused.problem(), problem(400, "invalid_cursor"));
    }
    let phone = Phone::begin(&anon, 10).await;
    let notices = anon.get(&format!("{CHANGES}?since={}&entity=notices", phone.cursor)).await.expect(200);
    let notices = notices.json()["page"]["next_cursor"].as_str().unwrap().to_owned();
    for wider in ["articles", "articles,notices"] {
        let other = anon.get(&format!("{CHANGES}?since={notices}&entity={wider}")).await;
        assert_eq!(other.problem(), problem(400, "invalid_cursor"), "{wider}");
    }
    let refused = member.get(&format!("{CHANGES}?since={}", phone.cursor)).await;
    assert_eq!(refused.problem(), problem(410, "cursor_expired"));
    assert_eq!(refused.header("link"), "</api/v1/changes?snapshot=true>; rel=\"start\"");
    anon.get(&format!("{CHANGES}?since={}", phone.cursor)).await.expect(200);
}

#[actix_web::test]
async fn a_cursor_from_before_the_log_or_from_another_cluster_is_refused() {
    let (app, anon) = TestApp::start_with(&["--audit-retention-days", "3"]).await;
    let keys = &app.shared.app.keys;
    let cursor = |snapshot: &str, hours: i64| {
        let position = Position { snapshot: snapshot.to_owned(), at: Utc::now() - TimeDelta::hours(hours) };
        Cursor::at(position, false).seal(keys)
    };
    let path = |cursor: String| format!("{CHANGES}?since={cursor}");
    let gone = (410, "cursor_expired".to_owned());
    assert_eq!(anon.get(&path(cursor("700:700:", 49))).await.problem(), gone, "too old");
    anon.get(&path(cursor("700:700:", 47))).await.expect(200);
    assert_eq!(
        anon.get(&path(cursor("900000000:900000000:", 0))).await.problem(),
        gone,
        "of another cluster"
    );
}
