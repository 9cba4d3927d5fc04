//! Commands while a server runs.

use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use super::{ME, login};
use crate::harness::Client;
use crate::harness::process::{Process, inkstone, open_folder};

/// Runs `inkstone` over `dir` with `input`, and returns its output. Fails unless the success is as expected.
fn run(dir: &std::path::Path, arguments: &[&str], input: &str, succeeds: bool) -> String {
    let mut command = inkstone(&[arguments, &["--data-dir", dir.to_str().unwrap()]].concat());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.success(), succeeds, "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[actix_web::test]
async fn commands_manage_a_site_while_it_serves() {
    let folder = open_folder();
    let server = Process::serve(folder.path(), &[]);
    let (dir, anon) = (folder.path(), server.client());
    let create = ["member", "create", "lin@example.org", "--role", "author", "--password-stdin"];
    run(dir, &create, "four quite long words\n", true);
    run(dir, &create, "four quite long words\n", false);
    let session = login(&anon, "lin@example.org", "four quite long words").await.data(200);
    assert_eq!(session["member"]["role"], "author");
    let lin = Client::new(&server.url, session["access_token"].as_str().map(str::to_owned));
    run(dir, &["member", "set-role", "lin@example.org", "editor"], "", true);
    run(dir, &["member", "set-role", "admin@localhost", "member"], "", false);
    assert_eq!(lin.get(ME).await.data(200)["role"], "editor");
    assert!(run(dir, &["member", "list"], "", true).contains("lin@example.org editor active"));
    let said = run(dir, &["member", "set-password", "lin@example.org"], "", true);
    let password = said.split("password: ").nth(1).unwrap().split_whitespace().next().unwrap();
    assert_eq!(lin.get(ME).await.status, 401);
    login(&anon, "lin@example.org", password).await.expect(200);

    let key =
        run(dir, &["api-key", "create", "nightly", "--scopes", "categories:write,categories:read"], "", true);
    let script = Client::new(&server.url, Some(key.trim().to_owned()));
    script.post("/api/v1/categories", json!({"name": "local"})).await.expect(201);
    run(dir, &["key", "create", "bad", "--scopes", "articles:burn"], "", false);
    let listed = run(dir, &["key", "list"], "", true);
    assert!(listed.contains("nightly") && !listed.contains(key.trim()));
    run(dir, &["api-key", "revoke", &key[4..12]], "", true);
    assert_eq!(script.get("/api/v1/categories").await.status, 401);

    let before = login(&anon, "lin@example.org", password).await.data(200);
    let states =
        |text: &str| text.lines().map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect::<Vec<_>>();
    let rotated = run(dir, &["signing-key", "rotate"], "", true);
    assert_eq!(states(&rotated).len(), 3, "{rotated}");
    assert_eq!(run(dir, &["keys", "list"], "", true), rotated);
    let old = Client::new(&server.url, before["access_token"].as_str().map(str::to_owned));
    old.get(ME).await.expect(200);
}
