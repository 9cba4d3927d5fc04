//! Which pages of other origins may call.

use inkstone::operations::Role;
use reqwest::Method;

use crate::harness::machine::made_folder;
use crate::harness::process::Process;
use crate::harness::{Answer, Client, TestApp};

const ARTICLES: &str = "/api/v1/articles";
const FRIEND: &str = "https://a.example";
const STRANGERS: [&str; 7] = [
    "null",
    "https://evil.example",
    "https://a.example.evil.example",
    "https://evil.example/https://a.example",
    "http://a.example",
    "https://a.example:8443",
    "https://sub.a.example",
];

async fn from(client: &Client, origin: &str, path: &str) -> Answer {
    client.request(Method::GET, path).header("origin", origin).send().await
}

async fn preflight(client: &Client, origin: &str, method: &str, headers: &str) -> Answer {
    let request = client.request(Method::OPTIONS, ARTICLES).header("origin", origin);
    let request = request.header("access-control-request-method", method);
    let asks =
        if headers.is_empty() { request } else { request.header("access-control-request-headers", headers) };
    asks.send().await
}

fn allowed(answer: &Answer) -> &str {
    assert_eq!(answer.header("access-control-allow-credentials"), "", "no cookies, ever");
    answer.header("access-control-allow-origin")
}

#[actix_web::test]
async fn without_a_list_no_page_of_another_origin_may_call() {
    let (_app, anon) = TestApp::start().await;
    for origin in STRANGERS.into_iter().chain([FRIEND]) {
        assert_eq!(allowed(&from(&anon, origin, ARTICLES).await), "", "{origin}");
        let asked = preflight(&anon, origin, "GET", "authorization").await;
        assert_eq!(allowed(&asked), "", "{origin}");
        assert!(asked.status >= 400, "{origin}: {}", asked.status);
    }
}

#[actix_web::test]
async fn exactly_the_origins_of_the_list_may_call() {
    let (_app, anon) = TestApp::start_with(&["--cors-origins", FRIEND]).await;
    let answer = from(&anon, FRIEND, ARTICLES).await.expect(200);
    assert_eq!(allowed(&answer), FRIEND);
    assert!(answer.header("vary").contains("Origin") && answer.header("vary").contains("Authorization"));
    let exposed = answer.header("access-control-expose-headers").to_lowercase();
    for header in ["etag", "link", "location", "retry-after", "x-request-id"] {
        assert!(exposed.contains(header), "{header} is not in {exposed}");
    }
    for origin in STRANGERS {
        assert_eq!(allowed(&from(&anon, origin, ARTICLES).await), "", "{origin}");
    }
}

#[actix_web::test]
async fn a_preflight_says_what_a_page_may_send() {
    let (_app, anon) = TestApp::start_with(&["--cors-origins", "https://b.example,https://a.example"]).await;
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let headers = "authorization, content-type, if-match, if-none-match, x-request-id";
        let answer = preflight(&anon, FRIEND, method, headers).await.expect(200);
        assert_eq!(allowed(&answer), FRIEND);
        assert!(answer.header("access-control-allow-methods").contains(method), "{method}");
        assert_eq!(answer.header("access-control-max-age"), "3600");
    }
    for origin in STRANGERS {
        assert_eq!(allowed(&preflight(&anon, origin, "GET", "").await), "", "{origin}");
    }
    for (method, headers) in [("TRACE", ""), ("GET", "x-secret")] {
        assert!(preflight(&anon, FRIEND, method, headers).await.status >= 400, "{method} {headers}");
    }
}

#[actix_web::test]
async fn a_page_that_may_call_can_read_why_it_failed() {
    let (app, anon) = TestApp::start_with(&["--cors-origins", FRIEND]).await;
    let member = app.db_member(Role::Member).await;
    for (client, path, status) in [
        (&anon, "/api/v1/articles/nowhere", 404),
        (&anon, "/api/v1/members/me", 401),
        (&member, "/api/v1/audit", 403),
        (&anon, "/api/v1/articles?page=x", 400),
        (&anon, "/api/v1/articles?catgory=x", 400),
        (&anon, "/api/v1/nowhere", 404),
    ] {
        let answer = from(client, FRIEND, path).await.expect(status);
        assert_eq!(allowed(&answer), FRIEND, "{path}: the page cannot see the problem");
    }
}

#[actix_web::test]
async fn a_star_opens_reading_and_nothing_that_takes_a_credential() {
    let (_app, anon) = TestApp::start_with(&["--cors-origins", "*"]).await;
    for origin in STRANGERS {
        assert_eq!(allowed(&from(&anon, origin, ARTICLES).await.expect(200)), "*", "{origin}");
    }
    preflight(&anon, FRIEND, "GET", "if-none-match").await.expect(200);
    for (method, headers) in [("GET", "authorization"), ("POST", "content-type"), ("DELETE", "")] {
        assert!(preflight(&anon, FRIEND, method, headers).await.status >= 400, "{method} {headers}");
    }
}

#[actix_web::test]
async fn an_answer_names_what_it_varies_by_and_nothing_else() {
    let lists: [&[&str]; 3] = [&[], &["--cors-origins", FRIEND], &["--cors-origins", "*"]];
    for (flags, origin, asked) in [
        (lists[0], None, None),
        (
            lists[1],
            Some("Origin"),
            Some("Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
        ),
        (lists[2], None, Some("Access-Control-Request-Method, Access-Control-Request-Headers")),
    ] {
        let (app, anon) = TestApp::start_with(flags).await;
        let member = app.db_member(Role::Member).await;
        let login = serde_json::json!({"email": "a@example.org", "password": "wrong"});
        for (answer, by_credential) in [
            (anon.get(ARTICLES).await, true),
            (from(&anon, FRIEND, ARTICLES).await, true),
            (from(&anon, STRANGERS[1], ARTICLES).await, true),
            (member.get(ARTICLES).await, true),
            (anon.get("/api/v1/members/me").await, true),
            (anon.get("/api/v1/articles/nowhere").await, true),
            (anon.delete("/api/v1/articles/nowhere").await, true),
            (anon.get("/api/v1/nowhere").await, false),
            (anon.get("/healthz").await, false),
            (anon.get("/openapi.json").await, false),
            (anon.post("/api/v1/auth/login", login).await, false),
        ] {
            // Problems are told in the reader's language.
            let by_language = (answer.status >= 400).then_some("Accept-Language");
            // What is long enough is sent in the codings that the client takes.
            let by_coding = (answer.bytes.len() >= 1024).then_some("Accept-Encoding");
            let names = [by_language, by_coding, by_credential.then_some("Authorization"), origin];
            let names: Vec<&str> = names.into_iter().flatten().collect();
            assert_eq!(answer.header("vary"), names.join(", "), "{flags:?}");
        }
        for (method, headers) in [("GET", "if-none-match"), ("TRACE", "x-secret")] {
            let answer = preflight(&anon, FRIEND, method, headers).await;
            let names = [(answer.status >= 400).then_some("Accept-Language"), asked];
            let names: Vec<&str> = names.into_iter().flatten().collect();
            assert_eq!(answer.header("vary"), names.join(", "), "{flags:?} {method}");
        }
    }
}

#[actix_web::test]
async fn a_refused_preflight_is_a_problem_with_the_id_of_the_request() {
    for list in [&["--cors-origins", FRIEND][..], &["--cors-origins", "*"]] {
        let (_app, anon) = TestApp::start_with(list).await;
        for (origin, method, headers) in
            [(STRANGERS[1], "DELETE", ""), (FRIEND, "TRACE", ""), (FRIEND, "GET", "x-secret")]
        {
            let answer = preflight(&anon, origin, method, headers).await;
            assert_eq!(answer.problem(), (403, "forbidden".to_owned()), "{origin} {method}");
            assert_eq!(answer.json()["request_id"], answer.header("x-request-id"));
            assert_eq!(answer.header("access-control-allow-methods"), "");
        }
    }
    let (_app, anon) = TestApp::start().await;
    let answer = preflight(&anon, FRIEND, "GET", "").await;
    assert_eq!(answer.problem().0, 405);
    assert_eq!(answer.json()["request_id"], answer.header("x-request-id"));
}

#[actix_web::test]
async fn the_first_refused_origin_is_logged_with_the_setting() {
    let dir = made_folder();
    let server = Process::serve(dir.path(), &["--cors-origins", FRIEND]);
    let anon = server.client();
    from(&anon, &server.url, ARTICLES).await.expect(200);
    for origin in [FRIEND, STRANGERS[1], STRANGERS[4], "https://third.example"] {
        from(&anon, origin, ARTICLES).await.expect(200);
        preflight(&anon, origin, "GET", "").await;
    }
    let log = server.read_log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("INKSTONE_CORS_ORIGINS")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(lines[0].contains("--cors-origins") && lines[0].contains(STRANGERS[1]), "{log}");
    assert!(log.contains("\"path\":\"/api/v1/articles\",\"status\":403"), "refusals have a line: {log}");
}

#[actix_web::test]
async fn an_answer_that_a_shared_cache_keeps_may_be_read_by_every_page() {
    let (_app, anon) = TestApp::start_with(&["--cors-origins", "*"]).await;
    // The cache was filled by a request that no page has sent.
    let answer = anon.get(ARTICLES).await.expect(200);
    assert_eq!(allowed(&answer), "*");
    assert!(answer.header("access-control-expose-headers").to_lowercase().contains("etag"));
    assert_eq!(allowed(&anon.get("/api/v1/articles/nowhere").await.expect(404)), "*");
}
