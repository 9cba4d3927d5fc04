//! Rows whose texts are nearly those of other articles: `duplicates=warn` and `duplicates=skip`.

use std::fs;

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::process::{inkstone, run};
use crate::harness::{Client, TestApp};

const IMPORT: &str = "/api/v1/articles/import";

async fn start() -> (TestApp, Client) {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    app.index().await;
    (app, editor)
}

/// A text that is like none with another number.
fn text(number: u64) -> String {
    let mut state = number;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        char::from_u32(0x4e00 + (state >> 40) as u32 % 3000).unwrap()
    };
    // The first numbers of near seeds are alike.
    (0..128).map(|_| next()).skip(8).collect()
}

fn row(id: &str, title: &str, body: &str) -> Value {
    json!({"external_id": id, "title": title, "body": format!("<p>{body}</p>")})
}

fn to_body(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

/// Imports rows. Returns the summary.
async fn import(client: &Client, query: &str, rows: &[Value]) -> Value {
    let request = client.request(Method::POST, &format!("{IMPORT}?{query}"));
    request.labelled("application/x-ndjson", to_body(rows)).send().await.data(200)
}

/// The external ids and the warnings of copies.
fn list_copies(summary: &Value) -> Vec<(&str, &Value)> {
    let warnings = summary["warnings"].as_array().unwrap();
    let copies = warnings.iter().filter(|warning| warning["code"] == "possible_duplicate");
    copies.map(|warning| (warning["external_id"].as_str().unwrap(), &warning["params"])).collect()
}

fn counts(summary: &Value) -> [u64; 3] {
    ["created", "unchanged", "skipped_duplicates"].map(|key| summary[key].as_u64().unwrap())
}

async fn count_articles(editor: &Client) -> u64 {
    let list = editor.get("/api/v1/articles?status=draft,published,archived&count=true").await;
    list.expect(200).json()["page"]["total"].as_u64().unwrap()
}

/// A new key with these scopes.
async fn make_key(app: &TestApp, scopes: &[&str]) -> String {
    let admin = app.db_member(Role::Admin).await;
    let made = admin.post("/api/v1/api-keys", json!({"name": "s", "scopes": scopes})).await.data(201);
    made["key"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn copies_of_articles_are_warned_of_or_left_out_and_by_default_nothing_is_compared() {
    let (app, editor) = start().await;
    let first = editor.post("/api/v1/articles", json!({"title": "通报", "body": text(1)})).await.data(201);
    app.index().await;
    let rows = [
        row("copy", "通报(转载)", &format!("{}来源某网", text(1))),
        row("new", "别的", &text(2)),
        row("short", "短", "短"),
    ];
    for query in ["dry_run=true", "dry_run=true&duplicates=off"] {
        let off = import(&editor, query, &rows).await;
        assert_eq!((counts(&off), list_copies(&off).len()), ([3, 0, 0], 0), "{off}");
    }
    for query in ["dry_run=true&duplicates=skip", "atomic=true&duplicates=skip", "duplicates=skip"] {
        let skipped = import(&editor, query, &rows).await;
        let created = if skipped["unchanged"] == 2 { [0, 2, 1] } else { [2, 0, 1] };
        assert_eq!(counts(&skipped), created, "{skipped}");
        let copies = list_copies(&skipped);
        assert_eq!((copies.len(), copies[0].0, &copies[0].1["id"]), (1, "copy", &first["id"]), "{skipped}");
    }
    assert_eq!(count_articles(&editor).await, 3);
    for query in ["dry_run=true&duplicates=warn", "duplicates=warn"] {
        let warned = import(&editor, query, &rows).await;
        assert_eq!(counts(&warned), [1, 2, 0], "{warned}");
        let (id, params) = list_copies(&warned)[0];
        assert_eq!((id, &params["id"]), ("copy", &first["id"]));
        assert!(params["similarity"].as_f64().unwrap() >= 0.8, "{warned}");
    }
    editor.request(Method::POST, &format!("{IMPORT}?duplicates=maybe")).send().await.expect(400);
}

#[actix_web::test]
async fn rows_of_one_import_are_compared_with_each_other_and_the_first_stays() {
    let (_app, editor) = start().await;
    let copies: Vec<Value> =
        (0..4).map(|at| row(&format!("c{at}"), "同题", &format!("{}第{at}次", text(7)))).collect();
    let rows = [vec![row("other", "异", &text(8))], copies].concat();
    for query in
        ["dry_run=true&duplicates=skip", "atomic=true&dry_run=true&duplicates=skip", "duplicates=skip"]
    {
        let skipped = import(&editor, query, &rows).await;
        assert_eq!(counts(&skipped), [2, 0, 3], "{skipped}");
        let copies = list_copies(&skipped);
        assert_eq!(copies.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ["c1", "c2", "c3"]);
        assert!(copies.iter().all(|(_, params)| params["line"] == 2), "{skipped}");
    }
    let kept =
        editor.get("/api/v1/articles?status=draft&sort=created_at&fields=id,external_id").await.data(200);
    let first = kept.as_array().unwrap().iter().find(|one| one["external_id"] == "c0").unwrap();
    let again = import(&editor, "duplicates=skip", &rows).await;
    assert_eq!(counts(&again), [0, 2, 3], "{again}");
    assert!(list_copies(&again).iter().all(|(_, params)| params["id"] == first["id"]), "{again}");
}

#[actix_web::test]
async fn a_copy_of_a_row_that_fails_or_is_superseded_is_not_left_out() {
    let (_app, editor) = start().await;
    let mut taken = row("taken", "甲", &text(21));
    taken["slug"] = json!("first");
    let mut fails = row("fails", "乙", &text(22));
    fails["slug"] = json!("first");
    let rows = [
        taken,
        fails,
        row("copy", "丙", &text(22)),
        row("twice", "丁", &text(23)),
        row("other", "丁", &text(23)),
        row("twice", "戊", &text(24)),
    ];
    let summary = import(&editor, "duplicates=skip", &rows).await;
    assert_eq!((counts(&summary), &summary["failed"]), ([4, 0, 0], &json!(1)), "{summary}");
}

#[actix_web::test]
async fn an_article_is_no_copy_of_itself_however_its_row_comes_again() {
    let (app, editor) = start().await;
    let row = |body: String| row("same", "题", &body);
    let first = import(&editor, "duplicates=skip", &[row(text(31)), row(format!("{}甲", text(31)))]).await;
    assert_eq!(counts(&first), [1, 0, 0], "{first}");
    app.index().await;
    for (at, query) in ["duplicates=warn", "duplicates=skip"].into_iter().enumerate() {
        let changed = import(&editor, query, &[row(format!("{}乙{at}", text(31)))]).await;
        assert_eq!((&changed["updated"], list_copies(&changed).len()), (&json!(1), 0), "{changed}");
        let same = import(&editor, query, &[row(format!("{}乙{at}", text(31)))]).await;
        assert_eq!((counts(&same), list_copies(&same).len()), ([0, 1, 0], 0), "{same}");
    }
}

#[actix_web::test]
async fn a_key_is_told_only_of_articles_that_it_may_read() {
    let (app, editor) = start().await;
    editor.post("/api/v1/articles", json!({"title": "草稿", "body": text(41)})).await.data(201);
    let public = json!({"title": "公开", "body": text(42), "status": "published"});
    let public = editor.post("/api/v1/articles", public).await.data(201);
    app.index().await;
    let rows = [row("a", "一", &text(41)), row("b", "二", &text(42))];
    let writes = Client::new(&app.url, Some(make_key(&app, &["articles:import"]).await));
    let told = import(&writes, "duplicates=skip&dry_run=true", &rows).await;
    let copies = list_copies(&told);
    assert_eq!((copies.len(), &copies[0].1["id"]), (1, &public["id"]), "{told}");
    let scopes = ["articles:import", "articles:read"];
    let reads = Client::new(&app.url, Some(make_key(&app, &scopes).await));
    let told = import(&reads, "duplicates=warn&dry_run=true", &rows).await;
    assert_eq!(list_copies(&told).len(), 2, "{told}");
}

#[actix_web::test]
async fn copies_are_found_across_batches_before_the_index_has_them() {
    let (_app, editor) = start().await;
    let mut rows: Vec<Value> =
        (0..4_990).map(|at| row(&format!("r{at}"), &format!("题{at}"), &text(1_000 + at))).collect();
    rows.extend((0..10).map(|at| row(&format!("copy{at}"), "转载", &text(1_000 + 450 * at))));
    for query in ["duplicates=warn&dry_run=true", "duplicates=warn"] {
        let warned = import(&editor, query, &rows).await;
        assert_eq!(counts(&warned), [5_000, 0, 0]);
        let lines: Vec<u64> =
            list_copies(&warned).iter().map(|(_, params)| params["line"].as_u64().unwrap()).collect();
        assert_eq!(lines, (0..10).map(|at| 450 * at + 1).collect::<Vec<_>>(), "{query}");
    }
}

#[actix_web::test]
async fn the_command_leaves_copies_out_through_a_server_and_by_itself() {
    let (app, editor) = start().await;
    editor.post("/api/v1/articles", json!({"title": "通报", "body": text(51)})).await.data(201);
    app.index().await;
    let folder = tempfile::tempdir().unwrap();
    let (path, report) = (folder.path().join("rows.ndjson"), folder.path().join("report.json"));
    let rows = [row("copy", "转载", &format!("{}完", text(51))), row("new", "新", &text(52))];
    fs::write(&path, to_body(&rows)).unwrap();
    let key = make_key(&app, &["articles:import", "articles:read"]).await;
    let arguments = ["import", path.to_str().unwrap(), "--duplicates", "skip"];
    let remote = ["--dry-run", "--url", &app.url, "--key", &key, "--report", report.to_str().unwrap()];
    for more in [&remote[..], &[]] {
        let mut command = inkstone(&[&arguments[..], more].concat());
        command.env("DATABASE_URL", &app.db.url).env("INKSTONE_INDEX_DIR", folder.path().join("index"));
        let (code, out, shown) = actix_web::web::block(move || run(command)).await.unwrap();
        assert_eq!(code, Some(0), "{out}{shown}");
        assert!(out.contains("1 created") && out.contains("1 left out as copies"), "{out}{shown}");
    }
    let report: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    assert_eq!(report["rows"][0]["outcome"], "skipped_duplicate");
    assert_eq!(report["rows"][0]["warnings"][0]["code"], "possible_duplicate");
    assert_eq!(report["summary"]["skipped_duplicates"], 1);
    assert_eq!(count_articles(&editor).await, 2);
}
