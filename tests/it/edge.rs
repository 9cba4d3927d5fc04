//! What holds for every request: problems, parameters, methods.

mod bodies;
pub mod caching;
mod cors;
mod heads;
mod paths;
mod plain_text;
mod slow_clients;

use inkstone::operations::Role;
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::json;

use crate::harness::contract::operations;
use crate::harness::{Client, TestApp};

const ARTICLES: &str = "/api/v1/articles";
const LOGIN: &str = "/api/v1/auth/login";

#[actix_web::test]
async fn every_problem_says_the_same_things_in_the_same_places() {
    let (app, anon) = TestApp::start().await;
    let member = app.db_member(Role::Member).await;
    for (answer, status, code) in [
        (anon.get("/nowhere").await, 404, "not_found"),
        (anon.get("/api/v1/articles/nowhere").await, 404, "not_found"),
        (anon.get("/api/v1/site?x=1").await, 400, "unknown_parameter"),
        (anon.get("/api/v1/members/me").await, 401, "unauthenticated"),
        (member.get("/api/v1/audit").await, 403, "forbidden"),
        (anon.delete("/api/v1/site").await, 405, "method_not_allowed"),
        (anon.post(LOGIN, json!([])).await, 422, "wrong_type"),
    ] {
        let problem = answer.json();
        assert_eq!(answer.problem(), (status, code.to_owned()));
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(problem["status"], status);
        assert!(problem["type"].as_str().unwrap().ends_with(&format!("/problems/{code}")));
        assert!(!problem["title"].as_str().unwrap().is_empty());
        assert_eq!(problem["request_id"], answer.header("x-request-id"));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[actix_web::test]
async fn a_given_request_id_comes_back_and_a_bad_one_is_replaced() {
    let (_app, anon) = TestApp::start().await;
    let sent = async |id: &str| {
        let request = anon.request(Method::GET, "/nowhere").header("x-request-id", id);
        request.send().await.header("x-request-id").to_owned()
    };
    for good in ["a", "trace-1.2_3", &"x".repeat(64)] {
        assert_eq!(sent(good).await, good);
    }
    for bad in ["", "a b", "a,b", "<x>", "\"q\"", &"x".repeat(65)] {
        let made = sent(bad).await;
        assert!(made.len() == 32 && made != sent(bad).await, "{bad}: {made}");
    }
}

#[actix_web::test]
async fn every_read_refuses_a_parameter_that_it_does_not_have() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let reads: Vec<_> = operations()
        .into_iter()
        .filter(|one| one.method == Method::GET && one.path.starts_with("/api/"))
        .collect();
    assert!(reads.len() > 10);
    for read in reads {
        let path = read.path.replace("{id}", "x").replace("{external_id}", "x").replace("{tag}", "x");
        let answer = admin.get(&format!("{path}?zzz=1")).await;
        assert_eq!(answer.problem(), (400, "unknown_parameter".to_owned()), "{}", read.id);
        assert_eq!(answer.faults(), [("zzz".to_owned(), "unknown_parameter".to_owned())]);
    }
}

#[actix_web::test]
async fn writes_refuse_unknown_parameters_before_they_write() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let category = json!({"name": "a", "slug": "a"});
    assert_eq!(admin.post("/api/v1/categories?dry_run=true", category).await.status, 400);
    admin.category("b", None).await;
    assert_eq!(admin.delete("/api/v1/categories/b?moveto=c").await.status, 400);
    let categories = anon.get("/api/v1/categories").await.data(200);
    assert_eq!(crate::harness::column(&categories, "slug"), ["b"]);
}

#[actix_web::test]
async fn a_slip_of_the_keyboard_is_answered_with_the_nearest_name() {
    let (_app, anon) = TestApp::start().await;
    for (query, hint) in [("catgory=x", "`category`"), ("page_sise=5", "`page_size`"), ("Sort=x", "`sort`")] {
        let answer = anon.get(&format!("{ARTICLES}?{query}")).await.expect(400);
        assert!(answer.json()["errors"][0]["detail"].as_str().unwrap().contains(hint), "{}", answer.text());
    }
    let none = anon.get("/api/v1/site?zzz=1&fields=x").await.expect(400);
    assert_eq!(none.faults().len(), 2, "both are told");
    assert!(!none.text().contains("did you mean"));
}

#[actix_web::test]
async fn a_parameter_given_twice_is_refused_however_it_is_spelt() {
    let (_app, anon) = TestApp::start().await;
    for query in ["page=1&page=1", "author=a&author=b", "page=1&p%61ge=2", "source=&source="] {
        let answer = anon.get(&format!("{ARTICLES}?{query}")).await;
        assert_eq!(answer.problem(), (400, "repeated_parameter".to_owned()), "{query}");
    }
}

#[actix_web::test]
async fn a_query_that_is_not_text_is_refused() {
    let (_app, anon) = TestApp::start().await;
    for bytes in ["%ff", "%00", "a%00b", "%c0%af", "%ed%a0%80", "%e4%b8"] {
        for query in [format!("author={bytes}"), format!("{bytes}=x"), format!("cursor={bytes}")] {
            let answer = anon.get(&format!("{ARTICLES}?{query}")).await;
            assert_eq!(answer.problem(), (400, "bad_request".to_owned()), "{query}");
        }
    }
}

#[actix_web::test]
async fn head_answers_like_get_without_the_body() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    admin.article("a", None).await;
    for path in [
        ARTICLES,
        "/api/v1/articles/a",
        "/api/v1/articles/no",
        "/nowhere",
        "/api/v1/members/me",
        "/api/v1/site?x=1",
    ] {
        let ask = async |method: Method| {
            let mut answer = anon.request(method, path).header("x-request-id", "same").send().await;
            answer.headers.remove("date");
            // It moves when this process hears of a change once more.
            if let Some(at) = answer.headers.get_mut("last-modified") {
                *at = HeaderValue::from_static("some time");
            }
            answer
        };
        let (head, get) = (ask(Method::HEAD).await, ask(Method::GET).await);
        assert_eq!((head.status, &head.headers), (get.status, &get.headers), "{path}");
        assert!(head.bytes.is_empty() && !get.bytes.is_empty(), "{path}");
    }
    assert_eq!(admin.request(Method::HEAD, "/api/v1/audit").send().await.status, 200);
}

#[actix_web::test]
async fn a_method_that_a_path_does_not_take_is_answered_with_those_it_takes() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let unusual = Method::from_bytes(b"PROPFIND").unwrap();
    for (path, allow, methods) in [
        (
            ARTICLES,
            "GET, HEAD, POST",
            vec![Method::PUT, Method::PATCH, Method::DELETE, Method::TRACE, unusual],
        ),
        ("/api/v1/site", "GET, HEAD, PATCH", vec![Method::POST, Method::OPTIONS]),
        (LOGIN, "POST", vec![Method::GET, Method::HEAD]),
        ("/healthz", "GET, HEAD", vec![Method::POST]),
        ("/", "GET, HEAD", vec![Method::POST]),
        ("/api/v1", "GET, HEAD", vec![Method::PUT]),
        ("/docs/guides/errors", "GET, HEAD", vec![Method::DELETE]),
        ("/problems/not_found", "GET, HEAD", vec![Method::POST, Method::OPTIONS]),
        ("/api/v1/members/me", "DELETE, GET, HEAD, PATCH", vec![Method::PUT]),
    ] {
        for (client, method) in
            [&anon, &admin].into_iter().flat_map(|who| methods.iter().map(move |m| (who, m)))
        {
            let answer = client.request(method.clone(), path).send().await.expect(405);
            assert_eq!(answer.header("allow"), allow, "{method} {path}");
        }
    }
}

#[actix_web::test]
async fn headers_cannot_change_the_method_the_path_or_the_member() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    editor.article("a", None).await;
    for (name, value) in [
        ("x-http-method-override", "DELETE"),
        ("x-http-method", "DELETE"),
        ("x-method-override", "DELETE"),
        ("x-original-url", "/api/v1/members"),
        ("x-rewrite-url", "/api/v1/members"),
        ("x-user-id", "0199f0a2-b6c5-7d3e-9f0a-1b2c3d4e5f60"),
    ] {
        for (method, status) in [(Method::GET, 200), (Method::POST, 405)] {
            let request = editor.request(method, "/api/v1/articles/a").header(name, value);
            assert_eq!(request.send().await.status, status, "{name}");
        }
    }
    assert_eq!(editor.get("/api/v1/articles/a?_method=DELETE").await.status, 400);
    editor.get("/api/v1/articles/a").await.expect(200);
}

#[actix_web::test]
async fn who_does_not_accept_json_is_told_so() {
    let (_app, anon) = TestApp::start().await;
    for (accept, status) in [
        ("text/html", 406),
        ("image/*, text/plain;q=0.5", 406),
        ("application/json", 200),
        ("application/problem+json, application/json;q=0.9", 200),
        ("application/*", 200),
        ("text/html, */*;q=0.1", 200),
    ] {
        let answer = anon.request(Method::GET, ARTICLES).header("accept", accept).send().await;
        assert_eq!(answer.status, status, "{accept}");
    }
}

#[actix_web::test]
async fn no_answer_may_be_taken_for_another_type() {
    let (app, anon) = TestApp::start().await;
    let member: Client = app.db_member(Role::Member).await;
    for path in [ARTICLES, "/nowhere", "/healthz", "/openapi.json", "/docs/", "/api/v1/site?x=1"] {
        assert_eq!(anon.get(path).await.header("x-content-type-options"), "nosniff", "{path}");
    }
    let ended = member.act("/api/v1/auth/logout").await.expect(204);
    assert_eq!(ended.header("x-content-type-options"), "nosniff");
}
