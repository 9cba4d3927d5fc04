//! Several processes that are killed while they deliver.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use inkstone::operations::Role;
use serde_json::{Value, json};

use super::receiver::{Receiver, Reply};
use super::{ALLOW, path_of, subscribe};
use crate::cache::staleness::Numbers;
use crate::harness::machine::until;
use crate::harness::process::{Process, inkstone};
use crate::harness::{Client, TestApp};

/// How often a process is killed.
const KILLS: usize = 6;
/// Articles that are made and changed.
const ARTICLES: usize = 60;

/// A process over the database of `app`.
async fn serve(app: &TestApp, folder: &std::path::Path) -> Process {
    let mut command = inkstone(&["serve", "--listen", "127.0.0.1:0"]);
    command.args(ALLOW).arg("--data-dir").arg(folder).env("DATABASE_URL", &app.db.url);
    actix_web::web::block(move || Process::start(command)).await.unwrap()
}

/// Makes and changes articles. Returns the versions that visitors could see of each.
async fn write(admin: &Client, numbers: &mut Numbers) -> BTreeMap<String, i64> {
    let mut versions = BTreeMap::new();
    let mut ids: Vec<String> = Vec::new();
    for number in 0..ARTICLES {
        let made = admin.article(&format!("{number}"), None).await;
        let id = made["id"].as_str().unwrap().to_owned();
        versions.insert(id.clone(), 1);
        ids.push(id);
        let id = numbers.one_of(&ids).clone();
        let (path, change) =
            (format!("/api/v1/articles/{id}"), json!({"title": format!("changed {number}")}));
        let changed = admin.patch(&path, change).await.data(200);
        versions.insert(id, changed["version"].as_i64().unwrap());
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    versions
}

/// The versions of each article in the order in which a receiver was told of them for the first time.
fn told_versions(receiver: &Receiver) -> BTreeMap<String, Vec<i64>> {
    let (mut seen, mut told) = (BTreeSet::new(), BTreeMap::<String, Vec<i64>>::new());
    for received in receiver.received() {
        if seen.insert(received.id.clone()) {
            let text = |key: &str| received.body["data"][key].clone();
            let versions = told.entry(text("id").as_str().unwrap().to_owned()).or_default();
            versions.push(text("version").as_i64().unwrap());
        }
    }
    told
}

#[actix_web::test]
async fn processes_that_are_killed_lose_no_event_and_invent_none() {
    let (app, _) = TestApp::start_with(&ALLOW).await;
    let admin = app.db_member(Role::Admin).await;
    let (quick, slow, dead) = (Receiver::start(), Receiver::start(), Receiver::start());
    slow.reply(Reply::Slowly(Duration::from_millis(60)));
    dead.reply(Reply::Never);
    let mut webhooks = Vec::new();
    for receiver in [&quick, &slow, &dead] {
        webhooks.push(subscribe(&admin, receiver, &["article.*"]).await);
    }
    let mut numbers = Numbers::seeded();
    let mut others = Numbers::seeded();
    let folder = crate::harness::process::open_folder();
    let killing = async {
        for round in 0..KILLS {
            let process = serve(&app, &folder.path().join(format!("{round}"))).await;
            let lifetime = 200 + others.below(900) as u64;
            tokio::time::sleep(Duration::from_millis(lifetime)).await;
            // Dropped, it is killed.
            drop(process);
        }
    };
    let (versions, ()) = tokio::join!(write(&admin, &mut numbers), killing);
    for (receiver, webhook) in [(&quick, &webhooks[0]), (&slow, &webhooks[1])] {
        // A lane of a process that was killed is free after its lease.
        until("all to be delivered", async || {
            let all = format!("{}/deliveries?count=true&state=pending", path_of(webhook));
            let told = told_versions(receiver);
            let last = |id: &String| told.get(id).and_then(|versions| versions.last().copied());
            versions.iter().all(|(id, version)| last(id) == Some(*version))
                && admin.get(&all).await.expect(200).json()["page"]["total"] == json!(0)
        })
        .await;
        let told = told_versions(receiver);
        assert_eq!(told.keys().collect::<Vec<_>>(), versions.keys().collect::<Vec<_>>(), "none is invented");
        for (id, told) in &told {
            assert!(
                told.is_sorted() && told.iter().all(|version| *version <= versions[id]),
                "{id}: {told:?}"
            );
        }
        let enqueued =
            admin.get(&format!("{}/deliveries?count=true", path_of(webhook))).await.expect(200).json();
        let ids: BTreeSet<String> = receiver.received().into_iter().map(|one| one.id).collect();
        assert_eq!(enqueued["page"]["total"], Value::from(ids.len()), "each was sent");
    }
}
