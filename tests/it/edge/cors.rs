//! Which pages of other origins may call.

use inkstone::operations::Role;
use reqwest::Method;

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
