//! Behind nginx and Caddy, with the configurations of the README.

use std::convert::Infallible;
use std::fs;
use std::net::{IpAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use actix_web::web::Bytes;
use futures::{StreamExt, channel::mpsc};
use inkstone::operations::Role;
use reqwest::Method;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, ETAG};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::machine::until;
use crate::harness::process::{Killed, find_program, inkstone, run};
use crate::harness::{Client, TestApp};

const IMPORT: &str = "/api/v1/articles/import";
const NDJSON: &str = "application/x-ndjson";

/// Which proxy stands in front.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Nginx,
    Caddy,
}

impl Kind {
    /// The proxies that this machine has. nginx must be there in CI.
    fn installed() -> Vec<Kind> {
        let mut kinds = vec![Kind::Nginx, Kind::Caddy];
        kinds.retain(|kind| kind.program().is_some());
        if !kinds.contains(&Kind::Nginx) {
            assert!(std::env::var_os("CI").is_none(), "CI has nginx");
            println!("skipped: nginx is not installed");
        }
        kinds
    }

    fn program(self) -> Option<PathBuf> {
        find_program(if self == Kind::Nginx { "nginx" } else { "caddy" })
    }
}

/// A proxy in front of a server.
struct Proxy {
    url: String,
    dir: TempDir,
    _child: Killed,
}

impl Proxy {
    /// Starts the proxy in front of `upstream`, with the README's configuration after `edit`.
    async fn start(kind: Kind, upstream: &str, edit: impl Fn(String) -> String) -> Self {
        let dir = tempfile::tempdir().unwrap();
        make_certificates(dir.path());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = |name: &str| dir.path().join(name).display().to_string();
        let upstream = upstream.trim_start_matches("http://");
        let read = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
        let fence = if kind == Kind::Nginx { "```nginx\n" } else { "```caddy\n" };
        let config = read.split_once(fence).unwrap().1.split_once("```").unwrap().0;
        let config = edit(config.replace("127.0.0.1:8080", upstream));
        let mut command = match kind {
            Kind::Nginx => nginx(dir.path(), port, &config),
            Kind::Caddy => caddy(dir.path(), port, &config),
        };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(at("stderr")).unwrap());
        let mut child = Killed(command.spawn().unwrap());
        until("the proxy", async || {
            assert!(child.0.try_wait().unwrap().is_none(), "{}", fs::read_to_string(at("stderr")).unwrap());
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        })
        .await;
        Self { url: format!("https://127.0.0.1:{port}"), dir, _child: child }
    }

    fn file(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    /// A client of the proxy that connects from `address`, with the credential of `client`.
    fn client_from(&self, address: &str, client: &Client) -> Client {
        client.through(&self.url, http_from(address))
    }

    fn client(&self, client: &Client) -> Client {
        self.client_from("127.0.0.1", client)
    }
}

/// nginx on `port` with the README's `config`, and its files in `dir`.
fn nginx(dir: &Path, port: u16, config: &str) -> Command {
    let at = |name: &str| dir.join(name).display().to_string();
    let config = config
        .replace("listen 443", &format!("listen 127.0.0.1:{port}"))
        .replace("/etc/ssl/certs/www.example.org.pem", &at("leaf.pem"))
        .replace("/etc/ssl/private/www.example.org.key", &at("leaf.key"));
    let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {};\n", at(name)))
        .concat();
    // One process: a killed master would leave its workers.
    let whole = format!(
        "daemon off; master_process off; pid {};\nevents {{}}\nhttp {{\naccess_log off;\n{temp}{config}}}\n",
        at("pid")
    );
    fs::write(at("config"), whole).unwrap();
    let mut command = Command::new(Kind::Nginx.program().unwrap());
    command.args(["-e", &at("error.log"), "-c", &at("config")]);
    command
}

/// Caddy on `port` with the README's `config`, and its files in `dir`.
fn caddy(dir: &Path, port: u16, config: &str) -> Command {
    let at = |name: &str| dir.join(name).display().to_string();
    let tls = format!("tls {} {}\n    encode gzip", at("leaf.pem"), at("leaf.key"));
    let config = config
        .replace("www.example.org", &format!("https://localhost:{port}, https://127.0.0.1:{port}"))
        .replace("encode gzip", &tls);
    fs::write(at("config"), format!("{{\n  admin off\n  auto_https off\n}}\n{config}")).unwrap();
    let mut command = Command::new(Kind::Caddy.program().unwrap());
    command.args(["run", "--adapter", "caddyfile", "--config", &at("config")]).env("HOME", dir);
    command
}

fn http_from(address: &str) -> reqwest::Client {
    let builder = reqwest::Client::builder().tls_danger_accept_invalid_certs(true);
    builder.local_address(address.parse::<IpAddr>().unwrap()).build().unwrap()
}

/// Makes an authority, a certificate that it signs, and one that is signed by itself.
fn make_certificates(dir: &Path) {
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        command.args(arguments.split_whitespace()).current_dir(dir);
        let (code, _, said) = run(command);
        assert_eq!(code, Some(0), "{said}");
    };
    let new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
    let names = "-addext subjectAltName=DNS:localhost,IP:127.0.0.1";
    openssl(&format!("{new} -subj /CN=authority -keyout authority.key -out authority.pem"));
    openssl(&format!(
        "{new} -subj /CN=localhost {names} -keyout leaf.key -out leaf.pem -addext basicConstraints=critical,CA:FALSE -CA authority.pem -CAkey authority.key"
    ));
    openssl(&format!("{new} -subj /CN=localhost {names} -keyout self.key -out self.pem"));
}

async fn start(flags: &[&str]) -> (TestApp, Client) {
    let (app, _) = TestApp::start_with(&[&["--trusted-proxies", "127.0.0.1"], flags].concat()).await;
    let editor = app.db_member(Role::Editor).await;
    (app, editor)
}

fn make_rows(from: usize, to: usize) -> String {
    let body = "word ".repeat(400);
    let row = |id| json!({"external_id": format!("n-{id}"), "title": format!("Number {id}"), "body": format!("<p>{body}</p>"), "status": "published"});
    (from..to).map(|id| format!("{}\n", row(id))).collect()
}

#[actix_web::test]
async fn an_editor_behind_a_compressing_proxy_saves_with_the_tag_as_received() {
    let (app, editor) = start(&[]).await;
    for kind in Kind::installed() {
        let proxy = Proxy::start(kind, &app.url, |config| config).await;
        let body = json!({"title": format!("{kind:?}"), "body": format!("<p>{}</p>", "word ".repeat(500))});
        let article = editor.post("/api/v1/articles", body).await.data(201);
        let path = format!("/api/v1/articles/{}", article["id"].as_str().unwrap());
        let read = async |if_none_match: &str| {
            let get = http_from("127.0.0.1").get(format!("{}{path}", proxy.url));
            let get = get.bearer_auth(editor.token.as_ref().unwrap()).header(ACCEPT_ENCODING, "gzip");
            get.header("if-none-match", if_none_match).send().await.unwrap()
        };
        let received = read("\"0-none\"").await;
        assert_eq!(received.headers()[CONTENT_ENCODING], "gzip", "{kind:?}");
        let tag = received.headers()[ETAG].to_str().unwrap().to_owned();
        assert!(kind == Kind::Caddy || tag.starts_with("W/"), "{tag}");
        assert_eq!(read(&tag).await.status(), 304, "{kind:?}");

        let editor = proxy.client(&editor);
        let save = async |summary: &str| {
            let body = json!({"summary": summary});
            editor.request(Method::PATCH, &path).json(&body).header("if-match", &tag).send().await
        };
        assert_eq!(save("first").await.data(200)["summary"], "first", "{kind:?}");
        assert_eq!(save("second").await.problem(), (412, "version_mismatch".to_owned()), "{kind:?}");
    }
}

#[actix_web::test]
async fn an_import_of_megabytes_passes_whole_and_as_a_stream() {
    let (app, editor) = start(&[]).await;
    for kind in Kind::installed() {
        let proxy = Proxy::start(kind, &app.url, |config| config).await;
        let client = proxy.client(&editor);
        let rows = make_rows(0, 1_500);
        assert!(rows.len() > 2 << 20);
        let import = client.request(Method::POST, IMPORT).labelled(NDJSON, rows.clone());
        assert_eq!(import.send().await.data(200)["rows"], 1_500, "{kind:?}");
        let chunks: Vec<_> = rows.into_bytes().chunks(10_000).map(Bytes::copy_from_slice).collect();
        let stream = futures::stream::iter(chunks.into_iter().map(Ok::<_, Infallible>));
        let import = client.request(Method::POST, IMPORT);
        let import = import.labelled(NDJSON, reqwest::Body::wrap_stream(stream));
        assert_eq!(import.send().await.data(200)["unchanged"], 1_500, "{kind:?}");
    }
}

#[actix_web::test]
async fn progress_is_seen_before_the_body_has_ended() {
    let (app, editor) = start(&[]).await;
    // Caddy reads a body of HTTP/1.1 to its end before it answers.
    for kind in Kind::installed().into_iter().filter(|kind| *kind == Kind::Nginx) {
        let proxy = Proxy::start(kind, &app.url, |config| config).await;
        let (rows, body) = mpsc::unbounded::<Result<Bytes, Infallible>>();
        rows.unbounded_send(Ok(make_rows(0, 100).into())).unwrap();
        let import = http_from("127.0.0.1").post(format!("{}{IMPORT}", proxy.url));
        let import = import.bearer_auth(editor.token.as_ref().unwrap()).header("accept", NDJSON);
        let import = import.header("content-type", NDJSON).header(ACCEPT_ENCODING, "gzip");
        let response = import.body(reqwest::Body::wrap_stream(body)).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let mut events = response.bytes_stream();
        let first = events.next().await.unwrap().unwrap();
        let first: Value =
            serde_json::from_slice(first.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
        assert_eq!(first["rows"], 100, "{kind:?}: {first}");
        rows.unbounded_send(Ok(make_rows(100, 150).into())).unwrap();
        drop(rows);
        let mut rest = Vec::new();
        while let Some(chunk) = events.next().await {
            rest.extend_from_slice(&chunk.unwrap());
        }
        assert!(String::from_utf8(rest).unwrap().contains("\"rows\":150"), "{kind:?}");
    }
}

#[actix_web::test]
async fn live_answers_ask_the_proxy_not_to_gather_them() {
    let (_app, editor) = start(&[]).await;
    let import = editor.request(Method::POST, IMPORT).labelled(NDJSON, make_rows(0, 1));
    let answer = import.header("accept", NDJSON).send().await.expect(200);
    assert_eq!(answer.header("x-accel-buffering"), "no");
    assert_eq!(editor.get("/api/v1/articles").await.header("x-accel-buffering"), "");
}

#[actix_web::test]
async fn clients_are_told_apart_by_their_own_addresses() {
    let (app, editor) = start(&["--view-window", "600"]).await;
    for kind in Kind::installed() {
        let proxy = Proxy::start(kind, &app.url, |config| config).await;
        let article = editor.article(&format!("{kind:?}"), None).await;
        let path = format!("/api/v1/articles/{}/views", article["id"].as_str().unwrap());
        let anon = Client::new(&app.url, None);
        let mut views = Vec::new();
        for (address, claims) in
            [("127.0.0.2", ""), ("127.0.0.3", ""), ("127.0.0.2", ""), ("127.0.0.3", "203.0.113.9")]
        {
            let mut view = proxy.client_from(address, &anon).request(Method::POST, &path);
            if !claims.is_empty() {
                view = view.header("x-forwarded-for", claims);
            }
            view.send().await.expect(204);
            app.shared.counter.flush(&app.shared.app).await.unwrap();
            let read = editor.get(path.trim_end_matches("/views")).await.data(200);
            views.push(read["views"].as_i64().unwrap());
        }
        assert_eq!(views, [1, 2, 2, 2], "{kind:?}");
    }
}

/// Runs `inkstone import` of a file with `rows` through a proxy, and returns what it said.
async fn import(proxy: &Proxy, url: &str, rows: &str, ca: Option<&str>) -> (Option<i32>, String) {
    let file = proxy.file("rows.ndjson");
    fs::write(&file, rows).unwrap();
    let mut command = inkstone(&["import", &file, "--url", url]);
    if let Some(ca) = ca {
        command.args(["--ca", &proxy.file(ca)]);
    }
    command.env("INKSTONE_API_KEY", fs::read_to_string(proxy.file("key")).unwrap_or("ink_none".to_owned()));
    let (code, out, said) = actix_web::web::block(move || run(command)).await.unwrap();
    (code, out + &said)
}

#[actix_web::test]
async fn the_command_line_takes_a_certificate_of_ones_own() {
    if !Kind::installed().contains(&Kind::Nginx) {
        return;
    }
    let (app, _) = start(&[]).await;
    let key = json!({"name": "s", "scopes": ["articles:import"]});
    let key = app.db_member(Role::Admin).await.post("/api/v1/api-keys", key).await.data(201);
    let signed = Proxy::start(Kind::Nginx, &app.url, |config| config).await;
    // Relative paths are relative to the configuration.
    let by_itself = Proxy::start(Kind::Nginx, &app.url, |config| {
        let config = config.replace("/etc/ssl/certs/www.example.org", "self");
        config.replace("/etc/ssl/private/www.example.org", "self")
    })
    .await;
    for (proxy, ca, other) in
        [(&signed, "authority.pem", "self.pem"), (&by_itself, "self.pem", "authority.pem")]
    {
        fs::write(proxy.file("key"), key["key"].as_str().unwrap()).unwrap();
        for wrong in [None, Some(other)] {
            let (code, said) = import(proxy, &proxy.url, &make_rows(0, 1), wrong).await;
            assert!(code == Some(1) && said.contains("with --ca FILE"), "{said}");
        }
        for url in [proxy.url.clone(), proxy.url.replace("127.0.0.1", "localhost")] {
            let (code, said) = import(proxy, &url, &make_rows(0, 1), Some(ca)).await;
            assert!(code == Some(0) && said.contains("1 rows"), "{said}");
        }
        let (code, said) = import(proxy, &proxy.url.replace("127.0.0.1", "127.0.0.2"), "", Some(ca)).await;
        assert!(code == Some(1) && said.contains("cannot be reached"), "{said}");
    }
    let (code, said) = import(&signed, &signed.url, "", Some("leaf.key")).await;
    assert!(code == Some(1) && said.contains("there is no certificate in"), "{said}");
}

#[actix_web::test]
async fn the_command_line_explains_what_a_proxy_answers() {
    if !Kind::installed().contains(&Kind::Nginx) {
        return;
    }
    let (app, _) = start(&[]).await;
    // nginx as it comes: it keeps bodies, of at most a megabyte.
    let small = |config: String| {
        config.replace("client_max_body_size", "# ").replace("proxy_request_buffering", "# ")
    };
    let proxy = Proxy::start(Kind::Nginx, &app.url, small).await;
    let (code, said) = import(&proxy, &proxy.url, &make_rows(0, 1_500), Some("authority.pem")).await;
    assert!(code == Some(1) && said.contains("413") && said.contains("client_max_body_size"), "{said}");

    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let moved = |config: String| {
        config.replace("location / {", "location /api/v1/articles/export { return 301 https://elsewhere.example$request_uri; }\n location / {")
    };
    let proxy = Proxy::start(Kind::Nginx, &nobody, moved).await;
    let (code, said) = import(&proxy, &proxy.url, &make_rows(0, 1), Some("authority.pem")).await;
    assert!(code == Some(1) && said.contains("502") && said.contains("is it running"), "{said}");
    let mut export = inkstone(&["export", "--url", &proxy.url, "--ca", &proxy.file("authority.pem")]);
    export.env("INKSTONE_API_KEY", "ink_none");
    let (code, _, said) = actix_web::web::block(move || run(export)).await.unwrap();
    assert!(code == Some(1) && said.contains("as --url: https://elsewhere.example/api/v1"), "{said}");
    let plain = proxy.url.replace("https:", "http:");
    let (code, said) = import(&proxy, &plain, &make_rows(0, 1), None).await;
    assert!(code == Some(1) && said.contains("400") && said.contains("not of Inkstone"), "{said}");
}
