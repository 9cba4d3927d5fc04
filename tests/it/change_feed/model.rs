//! Phones that go on- and offline while others write: what they have in the end is what the lists have.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use diesel_async::SimpleAsyncConnection;
use futures::future::join_all;
use inkstone::db;
use inkstone::db::connection::Connection;
use inkstone::operations::Role;
use serde_json::{Value, json};

use super::Phone;
use crate::cache::staleness::Numbers;
use crate::harness::{Client, TestApp};

/// Steps, in each of which everybody who writes makes a change, and phones sync or are offline.
const STEPS: usize = 500;
/// Who writes at once.
const WRITERS: usize = 8;
/// Things after which few new ones are made, so that lists stay short.
const MANY: usize = 150;
/// Transactions of others that are open at a time.
const OPEN_TRANSACTIONS: usize = 5;
/// How long the longest of them stays open.
const OPEN_FOR: Duration = Duration::from_secs(60);

/// What there is to change.
#[derive(Default)]
struct Known {
    articles: Vec<String>,
    notices: Vec<String>,
}

fn id(row: &Value) -> String {
    row["id"].as_str().unwrap().to_owned()
}

/// A change of something. What was changed by others meanwhile, or is gone, stays as it is.
async fn change(editor: &Client, known: &RefCell<Known>, numbers: &mut Numbers) {
    let soon = Utc::now() + TimeDelta::milliseconds(700);
    let statuses = ["published", "draft", "archived"];
    let (collection, chosen, is_full) = {
        let known = known.borrow();
        let is_full = known.articles.len() + known.notices.len() >= MANY && numbers.below(20) > 0;
        let (collection, ids) = match numbers.below(3) {
            0 => ("notices", &known.notices),
            _ => ("articles", &known.articles),
        };
        (collection, (!ids.is_empty()).then(|| numbers.one_of(ids).clone()), is_full)
    };
    let path = chosen.map(|id| format!("/api/v1/{collection}/{id}"));
    let status = *numbers.one_of(&statuses);
    match (numbers.below(8), path) {
        (0 | 1, _) | (_, None) if !is_full => {
            let audience = *numbers.one_of(&["public", "members"]);
            create(editor, known, collection, status, audience).await;
        }
        (2, Some(path)) => drop(editor.delete(&path).await),
        (3, Some(path)) => drop(editor.post(&format!("{path}/restore"), Value::Null).await),
        (4, Some(path)) => {
            let body = json!({"status": "published", "published_at": soon});
            drop(editor.patch(&path, body).await);
        }
        (5, Some(path)) if collection == "notices" => {
            let body = json!({"expires_at": soon, "audience": *numbers.one_of(&["public", "members"])});
            drop(editor.patch(&path, body).await);
        }
        (6, Some(path)) => drop(editor.patch(&path, json!({"title": "u"})).await),
        (_, Some(path)) => drop(editor.patch(&path, json!({"status": status})).await),
        (_, None) => {}
    }
}

async fn create(editor: &Client, known: &RefCell<Known>, collection: &str, status: &str, audience: &str) {
    let mut body = json!({"title": "t", "body": "<p>b</p>", "status": status});
    if collection == "notices" {
        body["kind"] = json!("notice");
        body["audience"] = json!(audience);
    }
    let made = id(&editor.post(&format!("/api/v1/{collection}"), body).await.data(201));
    let mut known = known.borrow_mut();
    match collection {
        "notices" => known.notices.push(made),
        _ => known.articles.push(made),
    }
}

/// A transaction of somebody else that stays open: it has changed an article of its own.
struct OpenTransaction {
    conn: Connection,
    ends_after: usize,
}

impl OpenTransaction {
    async fn begin(app: &TestApp, article: &str, ends_after: usize) -> Self {
        let mut conn = db::pool::open(app.db.url.clone()).await.unwrap();
        let statements = format!(
            "SET idle_in_transaction_session_timeout = 0; BEGIN;
             UPDATE articles SET title = title || '!', version = version + 1 WHERE id = '{article}';
             INSERT INTO changes (actor_kind, action, entity, entity_id)
             VALUES ('system', 'update', 'article', '{article}')"
        );
        conn.batch_execute(&statements).await.unwrap();
        Self { conn, ends_after }
    }

    /// Commits. The server has to look at the log to know of it.
    async fn commit(mut self, app: &TestApp) {
        self.conn.batch_execute("COMMIT").await.unwrap();
        app.shared.app.follower.forget_all();
    }
}

/// Articles that transactions of others change. Nobody else changes them, so that nobody waits for these transactions.
async fn articles_of_others(editor: &Client) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..OPEN_TRANSACTIONS {
        ids.push(id(&editor.article(&format!("other {number}"), None).await));
    }
    ids
}

/// Whether a phone does something in a step, or is offline.
fn is_online(numbers: &mut Numbers) -> bool {
    numbers.below(3) > 0
}

#[actix_web::test]
async fn after_each_sync_a_phone_has_what_the_lists_have() {
    let (app, anon) = TestApp::start().await;
    let (editor, member) = (app.db_member(Role::Editor).await, app.db_member(Role::Member).await);
    let mut numbers = Numbers::seeded();
    let known = RefCell::new(Known::default());
    let others = articles_of_others(&editor).await;
    let mut phones = [Phone::begin(&anon, 3).await, Phone::begin(&member, 200).await];
    // One is open from the beginning to the end, the others come and go, and are committed in another order than they began.
    let began = Instant::now();
    let longest = OpenTransaction::begin(&app, &others[0], STEPS).await;
    let mut open: Vec<Option<OpenTransaction>> = others.iter().map(|_| None).collect();
    for step in 0..STEPS {
        let writers = (0..WRITERS).map(|writer| {
            let mut numbers = Numbers::new((step * WRITERS + writer + numbers.below(1 << 30)) as u64);
            let (editor, known) = (&editor, &known);
            async move { change(editor, known, &mut numbers).await }
        });
        let writers: Vec<_> = writers.collect();
        let is_syncing = is_online(&mut numbers);
        let syncing = async {
            if is_syncing {
                phones[0].sync().await;
            }
        };
        tokio::join!(join_all(writers), syncing);
        let chosen = 1 + numbers.below(others.len() - 1);
        if open[chosen].is_none() {
            let ends_after = step + numbers.below(40);
            open[chosen] = Some(OpenTransaction::begin(&app, &others[chosen], ends_after).await);
        }
        for slot in &mut open {
            if let Some(ended) = slot.take_if(|open| open.ends_after <= step) {
                ended.commit(&app).await;
            }
        }
        for phone in &mut phones {
            if is_online(&mut numbers) {
                phone.sync_and_check().await;
            }
        }
    }
    // All that is still open is committed, the oldest last.
    tokio::time::sleep_until((began + OPEN_FOR).into()).await;
    for open in open.into_iter().flatten().chain([longest]) {
        open.commit(&app).await;
        for phone in &mut phones {
            phone.sync_and_check().await;
        }
    }
}
