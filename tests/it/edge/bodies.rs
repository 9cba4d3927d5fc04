//! Request bodies: their label, their size, their form.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::json;

use crate::harness::TestApp;

const ARTICLES: &str = "/api/v1/articles";
const LOGIN: &str = "/api/v1/auth/login";

#[actix_web::test]
async fn a_body_under_another_label_is_refused() {
    let (app, anon) = TestApp::start().await;
    let body = json!({"email": "a@example.org", "password": "three long words"}).to_string();
    for (name, value, status) in [
        ("content-type", "text/plain", 415),
        ("content-type", "application/x-www-form-urlencoded", 415),
        ("content-type", "application/jsonp", 415),
        ("content-type", "Application/JSON; charset=utf-8", 401),
        ("content-type", "application/json; charset=gbk", 415),
        ("content-encoding", "gzip", 415),
    ] {
        let request = reqwest::Client::new().post(format!("{}{LOGIN}", app.url)).header(name, value);
        let request = match name {
            "content-type" => request,
            _ => request.header("content-type", "application/json"),
        };
        assert_eq!(request.body(body.clone()).send().await.unwrap().status().as_u16(), status, "{value}");
    }
    assert_eq!(anon.act(LOGIN).await.status, 415);
}

#[actix_web::test]
async fn a_body_may_have_a_mebibyte_and_no_more() {
    let (_app, anon) = TestApp::start().await;
    let filled = |size: usize| format!("{{\"email\": \"{}\"}}", "x".repeat(size - 13));
    let fits = anon.request(Method::POST, LOGIN).raw(filled(1 << 20)).send().await;
    assert_eq!(fits.status, 422);
    let over = anon.request(Method::POST, LOGIN).raw(filled((1 << 20) + 1)).send().await;
    assert_eq!(over.problem(), (413, "payload_too_large".to_owned()));
}

#[actix_web::test]
async fn what_is_not_json_is_refused_and_the_server_lives() {
    let (_app, anon) = TestApp::start().await;
    let deep = ["[".repeat(100_000), format!("{}{}", "{\"a\":".repeat(100_000), "}".repeat(100_000))];
    let shallow =
        ["", "{", "{\"a\":}", "nul", "{} {}", "\u{feff}{}", "\"\\ud800\"", "{\"a\": 1e999}", "{'a': 1}"];
    for body in shallow.map(str::to_owned).into_iter().chain(deep) {
        let answer = anon.request(Method::POST, LOGIN).raw(body.clone()).send().await;
        assert_eq!(answer.problem(), (400, "malformed_json".to_owned()), "{}", &body[..body.len().min(40)]);
    }
    let bytes = anon.request(Method::POST, LOGIN).raw(b"{\"email\": \"\xff\"}".to_vec()).send().await;
    assert_eq!(bytes.status, 400);
    anon.get("/healthz").await.expect(200);
}

#[actix_web::test]
async fn every_fault_of_a_body_is_told_with_its_place() {
    let (app, _) = TestApp::start().await;
    let author = app.db_member(Role::Author).await;
    let body = r#"{"titel": "x", "tags": ["a", 1], "author": "a", "author": "b", "slug": "No", "source_name": "\u0000"}"#;
    let mut faults = author.request(Method::POST, ARTICLES).raw(body).send().await.expect(422).faults();
    faults.sort();
    let wanted = [
        ("/author", "duplicate_field"),
        ("/slug", "invalid_format"),
        ("/source_name", "invalid_format"),
        ("/tags/1", "wrong_type"),
        ("/titel", "unknown_field"),
        ("/title", "missing_field"),
    ];
    assert_eq!(faults, wanted.map(|(place, code)| (place.to_owned(), code.to_owned())));
}
