//! Caches and clients of others: nginx, Varnish, curl, Node's fetch and Python's httpx.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{ARTICLES, settle};
use crate::harness::machine::until;
use crate::harness::process::{Killed, find_program};
use crate::harness::{Client, TestApp};

const TIDE: &str = "/api/v1/articles/tide";

/// A cache in front of a server.
struct SharedCache {
    url: String,
    _dir: TempDir,
    _child: Killed,
}

impl SharedCache {
    /// nginx that keeps answers for a second, and asks again with their validators.
    async fn nginx(upstream: &str) -> Option<Self> {
        let program = find_program("nginx")?;
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let at = |name: &str| dir.path().join(name).display().to_string();
        let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|name| format!("{name}_temp_path {};\n", at(name)))
            .concat();
        let config = format!(
            "daemon off; master_process off; pid {pid};\nevents {{}}\nhttp {{\naccess_log off;\n{temp}\
             proxy_cache_path {store} keys_zone=answers:1m;\n\
             server {{\n listen 127.0.0.1:{port};\n location / {{\n  proxy_pass {upstream};\n  proxy_http_version 1.1;\n\
               proxy_cache answers;\n  proxy_cache_revalidate on;\n  proxy_ignore_headers Cache-Control;\n\
               proxy_cache_valid 200 1s;\n  proxy_set_header Accept-Encoding $http_accept_encoding;\n\
               add_header X-Cache $upstream_cache_status always;\n }}\n}}\n}}\n",
            pid = at("pid"),
            store = at("store"),
        );
        fs::write(at("config"), config).unwrap();
        let mut command = Command::new(program);
        command.args(["-e", &at("error.log"), "-c", &at("config")]);
        Some(Self::start(command, dir, port).await)
    }

    async fn varnish(upstream: &str) -> Option<Self> {
        let program = find_program("varnishd")?;
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let backend = upstream.trim_start_matches("http://");
        let work = dir.path().join("work").display().to_string();
        let mut command = Command::new(program);
        let address = format!("127.0.0.1:{port}");
        command.args(["-j", "none", "-F", "-a", &address, "-b", backend, "-s", "malloc,16m", "-n", &work]);
        Some(Self::start(command, dir, port).await)
    }

    async fn start(mut command: Command, dir: TempDir, port: u16) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = Killed(command.spawn().unwrap());
        until("the cache", async || TcpStream::connect(("127.0.0.1", port)).is_ok()).await;
        Self { url: format!("http://127.0.0.1:{port}"), _dir: dir, _child: child }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server with an article, an editor and a member.
async fn start() -> (TestApp, Client, Client, Client) {
    let (app, anon) = TestApp::start().await;
    let (editor, member) = (app.db_member(Role::Editor).await, app.db_member(Role::Member).await);
    let body = "<p>High water at noon, low water at six.</p>".repeat(50);
    let article = json!({"title": "Tide", "slug": "tide", "body": body, "status": "published"});
    editor.post(ARTICLES, article).await.expect(201);
    settle(&anon, TIDE).await;
    (app, anon, editor, member)
}

/// Every client gets through the cache what it takes and may see, whoever came before.
async fn check_variants(cache: &SharedCache, anon: &Client, editor: &Client) {
    let through = |client: &Client| client.through(&cache.url, reqwest::Client::new());
    let (anon, editor) = (through(anon), through(editor));
    let wanted = anon.get(TIDE).await.data(200);
    for accepted in ["gzip", "br", "identity", "gzip, br", "zstd", "gzip"] {
        let request = anon.request(Method::GET, TIDE).header("accept-encoding", accepted);
        let answer = request.send().await.expect(200);
        let coding = answer.header("content-encoding").to_owned();
        assert!(coding.is_empty() || accepted.contains(&coding), "{accepted}: {coding}");
        assert_eq!(answer.json()["data"], wanted, "{accepted}");
        let request = anon.request(Method::GET, TIDE).header("accept-encoding", accepted);
        request.header("if-none-match", answer.header("etag")).send().await.expect(304);
    }
    editor.post(ARTICLES, json!({"title": "Draft", "slug": "draft"})).await.expect(201);
    editor.get("/api/v1/articles/draft").await.expect(200);
    anon.get("/api/v1/articles/draft").await.expect(404);
    let rules = [editor.get(TIDE).await, anon.get(TIDE).await]
        .map(|answer| answer.header("cache-control").to_owned());
    assert!(rules[0].starts_with("private") && rules[1].starts_with("public"), "{rules:?}");
}

#[actix_web::test]
async fn nginx_keeps_each_variant_and_revalidates_it() {
    let (app, anon, editor, _) = start().await;
    let Some(cache) = SharedCache::nginx(&app.url).await else { return println!("skipped: no nginx") };
    check_variants(&cache, &anon, &editor).await;
    let visitor = anon.through(&cache.url, reqwest::Client::new());
    let status = async || visitor.get(TIDE).await.expect(200).header("x-cache").to_owned();
    until("an answer to be validated again", async || status().await == "REVALIDATED").await;
    editor.patch(TIDE, json!({"title": "Neap tide"})).await.expect(200);
    until("the new title", async || visitor.get(TIDE).await.data(200)["title"] == "Neap tide").await;
}

#[actix_web::test]
async fn varnish_keeps_what_it_may_and_no_more() {
    let (app, anon, editor, member) = start().await;
    let Some(cache) = SharedCache::varnish(&app.url).await else { return println!("skipped: no varnish") };
    check_variants(&cache, &anon, &editor).await;
    let visitor = anon.through(&cache.url, reqwest::Client::new());
    let first = visitor.get(TIDE).await.expect(200);
    let again = visitor.get(TIDE).await.expect(200);
    // A hit of Varnish names two requests: its own, and the one that filled it.
    assert_eq!(again.header("x-varnish").split(' ').count(), 2, "{:?}", again.headers);
    assert_eq!(first.bytes, again.bytes);
    let member = member.through(&cache.url, reqwest::Client::new());
    for _ in 0..2 {
        let answer = member.get(TIDE).await.expect(200);
        assert_eq!(answer.header("cache-control"), "private, no-cache");
        assert_eq!(answer.header("x-varnish").split(' ').count(), 1);
    }
}

/// Runs a program that prints lines of JSON. `None` if it is not installed.
fn run_client(program: &str, args: &[&str]) -> Option<Vec<Value>> {
    let output = Command::new(program).args(args).output().ok()?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    if errors.contains("No module named") {
        return None;
    }
    assert!(output.status.success(), "{program}: {errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect())
}

const NODE: &str = "
const url = process.argv[1];
const seen = [];
const first = await fetch(url);
const body = await first.json();
seen.push([first.status, body.data.slug, first.headers.get('content-encoding')]);
const known = { 'if-none-match': first.headers.get('etag') };
seen.push([(await fetch(url, { headers: known })).status]);
seen.push([(await fetch(url, { headers: known, cache: 'no-store' })).status]);
seen.push([(await fetch(url, { method: 'HEAD' })).status]);
for (const line of seen) console.log(JSON.stringify(line));
";

const PYTHON: &str = "
import httpx, json, sys
with httpx.Client() as client:
    first = client.get(sys.argv[1])
    print(json.dumps([first.status_code, first.json()['data']['slug'], first.headers.get('content-encoding')]))
    known = client.get(sys.argv[1], headers={'if-none-match': first.headers['etag']})
    print(json.dumps([known.status_code]))
    dated = client.get(sys.argv[1], headers={'if-modified-since': first.headers['last-modified']})
    print(json.dumps([dated.status_code]))
";

#[actix_web::test]
async fn the_clients_of_others_decode_and_revalidate() {
    let (app, _, _, _) = start().await;
    let url = format!("{}{TIDE}", app.url);
    let run = async |program: &'static str, args: Vec<String>| {
        actix_web::web::block(move || {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            run_client(program, &args)
        })
        .await
        .unwrap()
    };
    let owned = |args: &[&str]| args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>();
    for _ in 0..2 {
        match run("node", owned(&["--input-type=module", "-e", NODE, &url])).await {
            None => println!("skipped: no node"),
            Some(seen) => {
                assert_eq!((&seen[0][0], &seen[0][1]), (&json!(200), &json!("tide")));
                assert!(["br", "gzip", "zstd"].contains(&seen[0][2].as_str().unwrap()));
                assert_eq!(seen[1..], [json!([304]), json!([304]), json!([200])]);
            }
        }
        match run("python3", owned(&["-c", PYTHON, &url])).await {
            None => println!("skipped: no httpx"),
            Some(seen) => {
                assert_eq!(seen[0][1], "tide");
                assert!(seen[0][2].is_string(), "{seen:?}");
                assert_eq!(seen[1..], [json!([304]), json!([304])]);
            }
        }
        let curl = owned(&["-sf", "--compressed", "-w", "\n[%{http_code}]\n", &url]);
        match run("curl", curl).await {
            None => println!("skipped: no curl"),
            Some(seen) => assert_eq!((&seen[0]["data"]["slug"], &seen[1]), (&json!("tide"), &json!([200]))),
        }
    }
}
