//! Phones that go on- and offline while others write: what they have in the end is what the lists have.

use std::cell::RefCell;

use chrono::{TimeDelta, Utc};
use futures::future::join_all;
use inkstone::operations::Role;
use serde_json::{Value, json};

use super::Phone;
use crate::cache::staleness::Numbers;
use crate::harness::{Client, TestApp};

/// Rounds, each of which ends with a comparison.
const ROUNDS: usize = 12;
/// Who writes at once.
const WRITERS: usize = 8;
/// Changes of each of them in a round.
const CHANGES: usize = 5;

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
    let (collection, chosen) = {
        let known = known.borrow();
        let (collection, ids) = match numbers.below(3) {
            0 => ("notices", &known.notices),
            _ => ("articles", &known.articles),
        };
        (collection, (!ids.is_empty()).then(|| numbers.one_of(ids).clone()))
    };
    let path = chosen.map(|id| format!("/api/v1/{collection}/{id}"));
    let status = *numbers.one_of(&statuses);
    match (numbers.below(8), path) {
        (0 | 1, _) | (_, None) => {
            let mut body = json!({"title": "t", "body": "<p>b</p>", "status": status});
            if collection == "notices" {
                body["kind"] = json!("notice");
                body["audience"] = json!(*numbers.one_of(&["public", "members"]));
            }
            let made = id(&editor.post(&format!("/api/v1/{collection}"), body).await.data(201));
            let mut known = known.borrow_mut();
            match collection {
                "notices" => known.notices.push(made),
                _ => known.articles.push(made),
            }
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
    }
}

#[actix_web::test]
async fn after_each_sync_a_phone_has_what_the_lists_have() {
    let (app, anon) = TestApp::start().await;
    let (editor, member) = (app.db_member(Role::Editor).await, app.db_member(Role::Member).await);
    let mut numbers = Numbers::seeded();
    let known = RefCell::new(Known::default());
    let mut phones = [Phone::begin(&anon, 3).await, Phone::begin(&member, 200).await];
    for round in 0..ROUNDS {
        let writers = (0..WRITERS).map(|writer| {
            let mut numbers = Numbers::new((round * WRITERS + writer + numbers.below(1 << 30)) as u64);
            let (editor, known) = (&editor, &known);
            async move {
                for _ in 0..CHANGES {
                    change(editor, known, &mut numbers).await;
                }
            }
        });
        let writers: Vec<_> = writers.collect();
        let [visitor, reader] = &mut phones;
        // One syncs meanwhile, the other is offline in two of three rounds.
        let syncing = async {
            for _ in 0..3 {
                visitor.sync().await;
            }
        };
        tokio::join!(join_all(writers), syncing);
        // What is scheduled may come out between a sync and the lists.
        crate::harness::machine::ask(&app.db.url, "SELECT pg_sleep(0.8)").await;
        visitor.sync().await;
        visitor.check().await;
        if round % 3 == 2 {
            reader.sync().await;
            reader.check().await;
        }
    }
}
