//! Real processes: they are killed, and find damaged, old and foreign indexes in their folder.
//!
//! `KILL_CYCLES=300` kills as often as it says.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{ask, publish};
use crate::cache::staleness::Numbers;
use crate::harness::cluster::{TestDb, fresh_database};
use crate::harness::machine::{copy, until};
use crate::harness::process::Process;
use crate::harness::{Client, TestApp, files_below};
use crate::processes::{PASSWORD, serve};

const ARTICLES: &str = "/api/v1/articles";
const KILL_CYCLES: usize = 4;

/// Starts a process with its index in `index`.
fn start(db: &TestDb, data: &Path, index: &Path) -> Process {
    let flags = [PASSWORD, &["--index-dir", index.to_str().unwrap()]].concat();
    Process::start(serve(db, data, &flags))
}

/// The ids of the articles with `word` in their titles, read without a search.
async fn read_ids(client: &Client, word: &str) -> BTreeSet<String> {
    let (rows, _) =
        super::truth::walk(client, ARTICLES, &[("page_size", "100"), ("sort", "created_at")]).await;
    let has = |row: &&Value| row["title"].as_str().unwrap().contains(word);
    rows.iter().filter(has).map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// The ids of the articles that a search for `word` finds; none while the search is not ready.
async fn find_ids(client: &Client, word: &str) -> Option<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut cursor = String::new();
    loop {
        let q = super::urlencode(word);
        let path = format!("{ARTICLES}?q={q}&sort=created_at&page_size=100{cursor}");
        let answer = client.get(&path).await;
        if answer.status == 503 {
            assert!(!answer.header("retry-after").is_empty());
            return None;
        }
        let page = answer.expect(200).json();
        found.extend(super::truth::ids(page["data"].as_array().unwrap()));
        match page["page"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Some(found),
        }
    }
}

/// Waits until a search finds what there is.
async fn wait_until_true(client: &Client, what: &str) {
    for word in ["砝码", "天平"] {
        until(what, async || find_ids(client, word).await == Some(read_ids(client, word).await)).await;
    }
}

/// Writes until the server ends: new articles, other titles, imports.
async fn write_until_server_ends(url: String, token: Option<String>, cycle: usize) {
    let http = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    let send = async |method: reqwest::Method, path: &str, label: &str, body: String| {
        let request = http.request(method, format!("{url}{path}")).header("content-type", label);
        request.bearer_auth(token.as_deref().unwrap()).body(body).send().await.is_ok()
    };
    for at in 0.. {
        let name = format!("{cycle}-{}", at / 2);
        let title = if at % 2 == 0 { "砝码" } else { "天平" };
        let article = json!({"title": format!("{title} {name}"), "status": "published"}).to_string();
        let path = format!("{ARTICLES}/by-external-id/{name}");
        if !send(reqwest::Method::PUT, &path, "application/json", article).await {
            return;
        }
        if at % 5 == 0 {
            let row = |at: usize| json!({"external_id": format!("i-{at}"), "title": format!("{title} {name} {at}"), "status": "published"});
            let rows: String = (0..50).map(|at| format!("{}\n", row(at))).collect();
            let path = format!("{ARTICLES}/import?mode=upsert");
            if !send(reqwest::Method::POST, &path, "application/x-ndjson", rows).await {
                return;
            }
        }
    }
}

#[actix_web::test]
async fn a_server_that_is_killed_while_it_writes_loses_nothing_of_its_index() {
    let cycles = std::env::var("KILL_CYCLES").map_or(KILL_CYCLES, |cycles| cycles.parse().unwrap());
    let (db, data, index) = (fresh_database().await, TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut numbers = Numbers::seeded();
    for cycle in 0..cycles {
        let mut server = start(&db, data.path(), index.path());
        let admin = server.admin().await;
        wait_until_true(&server.client(), "the index to have what was written before the kill").await;
        let writer = write_until_server_ends(server.url.clone(), admin.token.clone(), cycle);
        let writer = actix_web::rt::spawn(writer);
        let (name, wanted) = (format!("{cycle}-"), numbers.below(20));
        until("some articles", async || read_ids(&admin, &name).await.len() > wanted).await;
        server.signal("KILL");
        server.wait();
        writer.await.unwrap();
        // It went on from where it stood.
        assert_eq!(server.read_log().matches("is built").count(), usize::from(cycle == 0));
    }
    let server = start(&db, data.path(), index.path());
    wait_until_true(&server.client(), "the index to have what was written before the last kill").await;
}

/// The folder of the index below `root`.
fn find_index(root: &Path) -> PathBuf {
    let of_process = root.join("0");
    let mut all: Vec<PathBuf> =
        fs::read_dir(of_process).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.is_dir());
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// Flips a byte of each file that `fits`, where `at` of a thousand parts of it end.
fn flip_bytes(index: &Path, at: usize, fits: impl Fn(&str) -> bool) {
    for path in files_below(index) {
        let mut bytes = fs::read(&path).unwrap();
        if fits(path.file_name().unwrap().to_str().unwrap()) && !bytes.is_empty() {
            let at = (bytes.len() * at / 1000).min(bytes.len() - 1);
            bytes[at] ^= 0x15;
            fs::write(&path, bytes).unwrap();
        }
    }
}

#[actix_web::test]
async fn an_index_that_cannot_be_used_is_built_again_while_the_server_serves() {
    let (db, data, index) = (fresh_database().await, TempDir::new().unwrap(), TempDir::new().unwrap());
    let root = index.path();
    let (other_db, other_index) = (fresh_database().await, TempDir::new().unwrap());
    for (db, root, count) in [(&db, root, 30), (&other_db, other_index.path(), 40)] {
        let mut server = start(db, data.path(), root);
        let admin = server.admin().await;
        for at in 0..count {
            publish(&admin, json!({"title": format!("砝码 {at}"), "body": "<p>检定规程。</p>"})).await;
        }
        wait_until_true(&admin, "the first index").await;
        server.signal("TERM");
        server.wait();
    }
    let kept = TempDir::new().unwrap();
    copy(&root.join("0"), kept.path());
    let is_data = |name: &str| name.contains('.') && name != "meta.json" && !name.starts_with('.');
    type Damage<'d> = (&'d str, Box<dyn Fn(&Path) + 'd>);
    let damages: Vec<Damage<'_>> = vec![
        ("missing", Box::new(|index| fs::remove_dir_all(index).unwrap())),
        ("without a list of its parts", Box::new(|index| fs::remove_file(index.join("meta.json")).unwrap())),
        (
            "empty",
            Box::new(|index| files_below(index).iter().for_each(|path| fs::remove_file(path).unwrap())),
        ),
        ("of an older format", Box::new(|index| flip_bytes(index, 100, |name| name == "identity"))),
        ("flipped at its beginnings", Box::new(|index| flip_bytes(index, 0, is_data))),
        ("flipped in its middles", Box::new(|index| flip_bytes(index, 500, is_data))),
        ("flipped in its list", Box::new(|index| flip_bytes(index, 300, |name| name == "meta.json"))),
        (
            "cut",
            Box::new(|index| {
                for path in files_below(index)
                    .iter()
                    .filter(|path| is_data(path.file_name().unwrap().to_str().unwrap()))
                {
                    let bytes = fs::read(path).unwrap();
                    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
                }
            }),
        ),
        (
            "of another database",
            Box::new(|index| {
                fs::remove_dir_all(index).unwrap();
                copy(&find_index(other_index.path()), index);
            }),
        ),
    ];
    for (what, damage) in damages {
        fs::remove_dir_all(root.join("0")).unwrap();
        copy(&kept.path().join("0"), root);
        damage(&find_index(root));
        let mut server = start(&db, data.path(), root);
        let client = server.client();
        // Everything else is served from the first moment on.
        assert_eq!(read_ids(&client, "砝码").await.len(), 30, "{what}");
        wait_until_true(&client, what).await;
        assert_eq!(find_ids(&client, "检定").await.map(|ids| ids.len()), Some(30), "{what}");
        // A byte of the list may be one by which nothing goes: a part of a name that nobody reads.
        let may_be_whole = what == "flipped in its list";
        assert!(may_be_whole || server.read_log().contains("is built"), "{what}: {}", server.read_log());
        server.signal("TERM");
        server.wait();
    }
    // One that is whole is used.
    let server = start(&db, data.path(), root);
    wait_until_true(&server.client(), "the whole index").await;
    assert!(!server.read_log().contains("is built"), "{}", server.read_log());
}

#[actix_web::test]
async fn while_an_index_is_built_searches_are_told_to_come_back_and_all_else_is_served() {
    let (one, _, editor) = super::start().await;
    publish(&editor, json!({"title": "砝码"})).await;
    let mut locker = inkstone::db::pool::open(one.db.url.clone()).await.unwrap();
    let lock =
        "SET idle_in_transaction_session_timeout = 0; BEGIN; LOCK TABLE notices IN ACCESS EXCLUSIVE MODE";
    diesel_async::SimpleAsyncConnection::batch_execute(&mut locker, lock).await.unwrap();
    let (_other, anon) = TestApp::start_on(one.db.clone(), &[]).await;
    let answer = anon.get(&format!("{ARTICLES}?q=%E7%A0%9D%E7%A0%81")).await;
    assert_eq!(answer.problem(), (503, "unavailable".to_owned()));
    assert!(!answer.header("retry-after").is_empty());
    anon.get("/api/v1/search/suggest?prefix=f").await.expect(503);
    for path in [ARTICLES, "/api/v1/categories", "/api/v1/site", "/readyz", "/healthz"] {
        anon.get(path).await.expect(200);
    }
    publish(&editor, json!({"title": "砝码 二"})).await;
    diesel_async::SimpleAsyncConnection::batch_execute(&mut locker, "ROLLBACK").await.unwrap();
    wait_until_true(&anon, "the index").await;
}

#[actix_web::test]
async fn processes_with_one_data_folder_have_an_index_each() {
    let (db, data) = (fresh_database().await, TempDir::new().unwrap());
    let start = || Process::start(serve(&db, data.path(), PASSWORD));
    let (one, other) = (start(), start());
    publish(&one.admin().await, json!({"title": "砝码"})).await;
    for server in [&one, &other] {
        until("the article", async || {
            find_ids(&server.client(), "砝码").await.is_some_and(|ids| ids.len() == 1)
        })
        .await;
    }
    for number in ["0", "1"] {
        assert!(data.path().join("search").join(number).join("index-0").is_dir(), "{number}");
    }
    // A third one takes the folder of one that has ended.
    drop(one);
    let third = start();
    wait_until_true(&third.client(), "the third index").await;
    assert!(!data.path().join("search/2").exists());
}

#[actix_web::test]
async fn the_years_follow_the_time_zone_of_the_site() {
    let (app, anon, _) = super::start().await;
    let admin = app.db_member(inkstone::operations::Role::Admin).await;
    publish(&admin, json!({"title": "砝码", "published_at": "2018-12-31T16:30:00Z"})).await;
    app.index().await;
    let year =
        async || ask(&anon, "/api/v1/search", &[("q", "砝码")]).await["facets"]["year"][0]["year"].clone();
    assert_eq!(year().await, 2019);
    admin.patch("/api/v1/site", json!({"timezone": "Europe/London"})).await.expect(200);
    until("the year in London", async || year().await == 2018).await;
    let in_2019 = [("q", "砝码"), ("year", "2019")];
    assert_eq!(ask(&anon, "/api/v1/search", &in_2019).await["page"]["total"], 0);
}
