//! `inkstone import` and `inkstone export`.

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::json;

use super::*;
use crate::harness::process::inkstone;

/// Runs `inkstone` with these arguments on the database of `app`.
async fn run(app: &TestApp, arguments: &[&str]) -> (bool, String, String) {
    let mut command = inkstone(arguments);
    command.env("DATABASE_URL", &app.db.url);
    let done = actix_web::web::block(move || command.output().unwrap()).await.unwrap();
    told(done)
}

fn told(output: Output) -> (bool, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

fn file(folder: &Path, name: &str, rows: &[Value]) -> String {
    let path = folder.join(name);
    fs::write(&path, ndjson(rows)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[actix_web::test]
async fn a_file_is_imported_and_what_failed_can_be_mended_and_fed_back() {
    let (app, editor) = start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut body = rows(30);
    body[7]["views"] = json!("many");
    body[19]["titel"] = json!("x");
    let path = file(folder.path(), "articles.ndjson", &body);
    let (done, _, said) = run(&app, &["import", &path]).await;
    assert!(!done && said.contains("28 created, 0 updated, 0 unchanged, 2 failed"), "{said}");
    let failed = format!("{path}.failed.ndjson");
    let text = fs::read_to_string(&failed).unwrap();
    assert!(text.contains("# line 8: /views must be integer or null, not string\n"), "{text}");
    fs::write(&failed, text.replace("\"many\"", "3").replace(",\"titel\":\"x\"", "")).unwrap();
    let (done, said, _) = run(&app, &["import", &failed]).await;
    assert!(done && said.contains("2 rows") && said.contains("2 created"), "{said}");
    assert_eq!(total(&editor).await, 30);
}

#[actix_web::test]
async fn an_import_through_a_server_is_the_same_as_a_direct_one() {
    let (app, _) = start().await;
    let admin = app.db_member(Role::Admin).await;
    let scopes = json!({"name": "s", "scopes": ["articles:import", "articles:read"]});
    let key = admin.post("/api/v1/api-keys", scopes).await.data(201)["key"].as_str().unwrap().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "articles.ndjson", &rows(1_200));
    let remote = ["--url", &app.url, "--key", &key];
    let (done, said, errors) = run(&app, &[&["import", &path, "--dry-run"], &remote[..]].concat()).await;
    assert!(done && said.contains("1200 created"), "{said}{errors}");
    assert_eq!(total(&admin).await, 0);
    let (done, said, _) = run(&app, &[&["import", &path], &remote[..]].concat()).await;
    assert!(done && said.contains("1200 created"), "{said}");
    let (done, said, _) = run(&app, &["import", &path]).await;
    assert!(done && said.contains("1200 unchanged"), "{said}");
    let there = folder.path().join("there.ndjson");
    let to = there.to_str().unwrap();
    let (done, _, errors) = run(&app, &[&["export", "-o", to], &remote[..]].concat()).await;
    assert!(done, "{errors}");
    let (_, here, _) = run(&app, &["export"]).await;
    assert_eq!(fs::read_to_string(&there).unwrap(), here);
    assert_eq!(here.lines().count(), 1_200);
}

#[actix_web::test]
async fn an_import_that_was_stopped_goes_on_where_it_was() {
    let (app, editor) = start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut body = rows(2_500);
    body[2_100]["views"] = json!(-1);
    let path = file(folder.path(), "articles.ndjson", &body);
    let (done, _, said) = run(&app, &["import", &path, "--on-error", "abort"]).await;
    assert!(!done && said.contains("2000 created"), "{said}");
    let mark: Value = serde_json::from_slice(&fs::read(format!("{path}.resume.json")).unwrap()).unwrap();
    assert_eq!(mark["rows"], 2_000);
    let (done, _, said) = run(&app, &["import", &path, "--resume"]).await;
    assert!(!done && said.contains("500 rows") && said.contains("499 created"), "{said}");
    assert_eq!(total(&editor).await, 2_499);
    assert!(!Path::new(&format!("{path}.resume.json")).exists());
}

#[actix_web::test]
async fn a_server_that_says_no_is_quoted() {
    let (app, _) = start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "articles.ndjson", &rows(1));
    let (done, _, said) = run(&app, &["import", &path, "--url", &app.url, "--key", "ink_wrong"]).await;
    assert!(!done && said.contains("401"), "{said}");
    let (done, _, said) = run(&app, &["import", "/nowhere.ndjson"]).await;
    assert!(!done && said.contains("/nowhere.ndjson"), "{said}");
}
