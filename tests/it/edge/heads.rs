//! Heads of requests that two parsers could read differently, and the heads of answers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use actix_web::rt::task::spawn_blocking;
use inkstone::operations::Role;
use serde_json::json;

use crate::harness::TestApp;

/// Sends `bytes`, and returns all that is answered until the connection ends.
pub async fn exchange(app: &TestApp, bytes: impl Into<Vec<u8>>) -> String {
    let (address, bytes) = (app.url.trim_start_matches("http://").to_owned(), bytes.into());
    let answer = spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        // The server may have closed already.
        let _ = stream.write_all(&bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    });
    answer.await.unwrap()
}

#[actix_web::test]
async fn a_bare_line_feed_is_no_line_end() {
    let (app, _) = TestApp::start().await;
    let next = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let chunked = "POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
        Transfer-Encoding: chunked\r\n\r\n";
    for request in [
        "GET /healthz HTTP/1.1\nHost: a\n\n",
        "GET /healthz HTTP/1.1\r\nHost: a\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: a\r\n\n",
        "GET /healthz HTTP/1.1\nHost: a\r\n\r\n",
        "\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nX: a\nHost: a\r\n\r\n",
        &format!("{chunked}2\n{{}}\r\n0\r\n\r\n"),
        &format!("{chunked}2\r\n{{}}\n0\r\n\r\n"),
        &format!("{chunked}2\r\n{{}}\r\n0\n\r\n"),
        &format!("{chunked}2;x\n\r\n{{}}\r\n0\r\n\r\n"),
        &format!("{chunked}2\r\n{{}}\r\n0\r\nX: y\n\n"),
        &format!("{chunked}2\r\n{{}}\r\n0\r\n\n"),
    ] {
        for before in ["", next] {
            let said = exchange(&app, format!("{before}{request}{next}")).await;
            let expected = usize::from(!before.is_empty());
            assert_eq!(said.matches("HTTP/1.1 200").count(), expected, "{request:?}: {said}");
            assert_eq!(said.matches("HTTP/1.1 400").count(), 1, "{request:?}: {said}");
        }
    }
    let body = "POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\n\
        Content-Length: 6\r\n\r\n{\n\n\n\n}";
    assert!(exchange(&app, body).await.starts_with("HTTP/1.1 422 "), "a body may have them");
}

#[actix_web::test]
async fn a_head_that_is_not_http_is_answered_with_a_problem() {
    let (app, _) = TestApp::start().await;
    for head in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/3.0\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}",
    ] {
        let said = exchange(&app, head).await;
        let (head, body) = said.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 ") && head.contains("application/problem+json"), "{said}");
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((&problem["code"], &problem["status"]), (&json!("bad_request"), &json!(400)));
    }
}

#[actix_web::test]
async fn a_host_that_is_no_host_is_refused() {
    let (app, _) = TestApp::start().await;
    for host in [
        "a b",
        "user@a",
        "user:secret@a",
        "a/b",
        "a?b",
        "a#b",
        "a,b",
        "a\\b",
        "a:x",
        "a:65536",
        "[::1",
        "\u{e9}",
    ] {
        for path in ["/healthz", "/api/v1/site", "/docs/", "/nowhere"] {
            let said =
                exchange(&app, format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
                    .await;
            assert!(said.starts_with("HTTP/1.1 400 "), "{host} {path}: {said}");
            assert!(said.contains("bad_request"), "{host} {path}: {said}");
        }
    }
    for target in ["http://user@a/healthz", "http://u:p@a/healthz"] {
        let said =
            exchange(&app, format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")).await;
        assert!(said.starts_with("HTTP/1.1 400 "), "{target}: {said}");
    }
    for host in ["", "a", "www.example.org:8080", "127.0.0.1", "[2001:db8::1]:80", "under_score"] {
        let said =
            exchange(&app, format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
                .await;
        assert!(said.starts_with("HTTP/1.1 200 "), "{host}: {said}");
    }
}

#[actix_web::test]
async fn a_length_beyond_the_operation_is_refused_before_any_of_it_arrives() {
    let (app, _) = TestApp::start().await;
    let token = app.db_member(Role::Editor).await.token.unwrap();
    for (line, length, status) in [
        ("POST /api/v1/auth/login", "1048577", "413"),
        ("POST /api/v1/auth/login", "18446744073709551615", "400"),
        ("POST /api/v1/articles/import", "18446744073709551615", "400"),
        ("POST /api/v1/auth/logout", "9999999999999999", "400"),
        ("GET /api/v1/articles", "9999999999999999", "400"),
        ("GET /docs/", "9999999999999999", "400"),
        ("GET /healthz", "99999999999999999999999999", "400"),
        ("GET /healthz", "-1", "400"),
        ("GET /healthz", "+1", "400"),
        ("GET /healthz", "0x1", "400"),
        ("GET /healthz", "1, 1", "400"),
        ("GET /healthz", "", "400"),
    ] {
        let head = format!(
            "{line} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        let said = exchange(&app, head).await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{line} {length:?}: {said}");
        assert_eq!(said.matches("HTTP/1.1 ").count(), 1);
    }
}

#[actix_web::test]
async fn no_answer_may_be_framed_or_say_where_it_was_read() {
    let (app, anon) = TestApp::start().await;
    let member = app.db_member(Role::Member).await;
    let mut answers = vec![member.act("/api/v1/auth/logout").await.expect(204)];
    for path in [
        "/docs/",
        "/docs/index.css",
        "/docs/nowhere",
        "/openapi.json",
        "/nowhere",
        "/healthz",
        "/api/v1/site",
        "/api/v1/site?x=1",
    ] {
        answers.push(anon.get(path).await);
    }
    for answer in answers {
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        // Those which say what a page may do are for pages.
        let is_page = answer.header("content-type").starts_with("text/html");
        let page_headers = ["x-frame-options", "referrer-policy", "permissions-policy"];
        let expected = if is_page {
            ["DENY", "no-referrer", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"]
        } else {
            [""; 3]
        };
        assert_eq!(page_headers.map(|name| answer.header(name)), expected);
    }
    let docs = anon.get("/docs/").await.expect(200);
    let policy = docs.header("content-security-policy");
    assert!(policy.contains("script-src 'self';"), "{policy}");
    // What the policy forbids, the page does not do.
    let page = docs.text();
    assert!(!page.contains("<style") && !page.contains("onload=") && !page.contains("://"), "{page}");
    let inline = page.split("<script").skip(1).filter(|script| !script.trim_start().starts_with("src="));
    assert_eq!(inline.count(), 0, "{page}");
}

#[actix_web::test]
async fn a_refusal_for_too_many_attempts_names_the_policy_that_refuses() {
    let (app, anon) = TestApp::start_with(&["--login-attempts", "1"]).await;
    let login = json!({"email": "ada@example.org", "password": "three wrong words"});
    let mut refused = None;
    for _ in 0..4 {
        let answer = anon.post("/api/v1/auth/login", login.clone()).await;
        if answer.status == 429 {
            refused = Some(answer);
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.header("ratelimit-policy"), "\"login\";q=1;w=900");
    assert!(refused.header("ratelimit").starts_with("\"login\";r=0;t="));
    drop(app);
}

#[actix_web::test]
async fn a_long_filter_does_not_make_a_long_link() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for title in ["a", "b"] {
        let name = "刊".repeat(200);
        let article = json!({"title": title, "author": name, "source_name": name, "status": "published"});
        editor.post("/api/v1/articles", article).await.expect(201);
    }
    let name = "%E5%88%8A".repeat(200);
    for (filters, is_linked) in [("".to_owned(), true), (format!("&author={name}&source={name}"), false)] {
        let answer = anon.get(&format!("/api/v1/articles?page_size=1{filters}")).await.expect(200);
        assert_eq!(!answer.header("link").is_empty(), is_linked, "{filters}");
        let longest = answer.headers.values().map(|value| value.len()).max();
        assert!(longest <= Some(4 << 10), "{longest:?}");
        assert!(answer.json()["page"]["next_cursor"].is_string(), "the body has the cursor");
    }
}

#[actix_web::test]
async fn what_is_refused_before_it_is_read_has_an_id_and_a_problem() {
    let (app, _) = TestApp::start().await;
    for (request, status, code) in [
        ("NONSENSE\r\n\r\n".to_owned(), "400", "bad_request"),
        ("GET /healthz HTTP/9.9\r\n\r\n".to_owned(), "400", "bad_request"),
        (
            format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n", "x".repeat(200_000)),
            "431",
            "head_too_large",
        ),
        (format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(200_000)), "431", "head_too_large"),
    ] {
        let said = exchange(&app, request).await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{said}");
        let (head, body) = said.split_once("\r\n\r\n").unwrap();
        let id = head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap();
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!((&problem["code"], &problem["request_id"]), (&json!(code), &json!(id)), "{said}");
    }
}

#[actix_web::test]
async fn text_in_a_target_is_taken_as_its_percent_encoded_form() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let article = json!({"title": "潮汐", "external_id": "潮汐 é", "tags": ["砝码"], "status": "published"});
    editor.post("/api/v1/articles", article).await.expect(201);
    let long = "字".repeat(5_000);
    for (target, status, part) in [
        ("/api/v1/articles?tag=砝码&fields=title", 200, "\"潮汐\""),
        ("/api/v1/articles?tag=%E7%A0%9D码&fields=title", 200, "\"潮汐\""),
        ("/api/v1/articles/by-external-id/潮汐%20é?fields=title", 200, "\"潮汐\""),
        ("/api/v1/articles?标签=x", 400, "标签"),
        ("/api/v1/文章", 404, "not_found"),
        (&format!("/api/v1/articles?author={long}"), 400, "too_long"),
    ] {
        let get = |end: &str| format!("GET {target} HTTP/1.1\r\nHost: a\r\n{end}\r\n");
        let said = exchange(&app, [get(""), get("Connection: close\r\n")].concat()).await;
        let part = if part == "too_long" { "must have at most 200 characters" } else { part };
        assert_eq!(said.matches(&format!("HTTP/1.1 {status}")).count(), 2, "{said}");
        assert!(said.matches(part).count() >= 2, "{said}");
    }
    let not_utf8 =
        [b"GET /api/v1/articles?tag=\xed\xc2\xc2\xeb HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"];
    let said = exchange(&app, not_utf8[0].as_slice()).await;
    assert!(said.starts_with("HTTP/1.1 400") && said.contains("percent-encoded UTF-8"), "{said}");
}

#[actix_web::test]
async fn a_head_that_is_refused_before_it_is_read_is_answered_by_the_rules_of_all_answers() {
    let friend = "https://friend.example";
    for (flags, origin, allowed, vary) in [
        (&["--cors-origins", friend][..], friend, Some(friend), "accept-language, origin"),
        (&["--cors-origins", friend], "https://stranger.example", None, "accept-language, origin"),
        (&["--cors-origins", "*"], friend, Some("*"), "accept-language"),
        (&[], friend, None, "accept-language"),
    ] {
        let (app, _) = TestApp::start_with(flags).await;
        let headers = format!("Host: a\r\nOrigin: {origin}\r\nAccept-Language: en;q=0.1, zh\r\n");
        let large = format!("GET / HTTP/1.1\r\n{headers}X: {}\r\n\r\n", "x".repeat(200_000));
        for head in [&format!("GET / HTTP/1.1\r\n{headers}Host: b\r\n\r\n"), &large] {
            let said = exchange(&app, head.as_str()).await.to_lowercase();
            let (head, body) = said.split_once("\r\n\r\n").unwrap();
            let header = |name: &str| {
                head.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).map(str::to_owned)
            };
            assert!(head.starts_with("http/1.1 4"), "{said}");
            assert_eq!(header("access-control-allow-origin").as_deref(), allowed, "{said}");
            assert_eq!(header("access-control-expose-headers").is_some(), allowed.is_some(), "{said}");
            assert_eq!(header("vary").as_deref(), Some(vary), "{said}");
            assert_eq!(header("content-language").as_deref(), Some("zh-cn"), "{said}");
            assert!(body.contains("请求"), "{said}");
        }
    }
}
