//! Registration and login.

use actix_web::http::StatusCode;
use futures::future::join_all;
use inkstone::operations::Role;
use serde_json::json;

use super::{PASSWORD, login, masked, register};
use crate::harness::TestApp;

const REGISTER: &str = "/api/v1/auth/register";

#[actix_web::test]
async fn a_visitor_registers_and_signs_in_at_once() {
    let (_app, anon) = TestApp::start().await;
    let body = json!({"email": "Ada@Example.org", "password": PASSWORD, "display_name": "Ada"});
    let answer = anon.post(REGISTER, body).await.expect(201);
    assert_eq!(answer.header("location"), "/api/v1/members/me");
    let member = answer.data(201);
    assert_eq!((&member["role"], &member["status"]), (&json!("member"), &json!("active")));
    assert_eq!(member["email"], "Ada@Example.org");
    let session = login(&anon, "ada@example.org", PASSWORD).await.data(200);
    assert_eq!(session["member"]["id"], member["id"]);
    assert_eq!(session["token_type"], "Bearer");
}

#[actix_web::test]
async fn another_spelling_of_a_taken_email_is_a_conflict() {
    let (_app, anon) = TestApp::start().await;
    register(&anon, "li.wei@例子.example").await;
    for spelling in ["LI.WEI@例子.example", "li.wei@xn--fsqu00a.EXAMPLE", "ｌｉ.wei@例子.example"] {
        let answer = anon.post(REGISTER, json!({"email": spelling, "password": PASSWORD})).await;
        assert_eq!(answer.problem(), (409, "email_taken".to_owned()), "{spelling}");
        assert_eq!(answer.faults(), [("/email".to_owned(), "email_taken".to_owned())]);
    }
}

#[actix_web::test]
async fn a_registration_cannot_choose_role_status_or_id() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for (key, value) in [
        ("role", "admin"),
        ("status", "active"),
        ("id", "0199f0a2-b6c5-7d3e-9f0a-1b2c3d4e5f60"),
        ("email_verified", "true"),
        ("password_hash", "x"),
    ] {
        let body = json!({"email": "eve@example.org", "password": PASSWORD, key: value});
        let answer = anon.post(REGISTER, body).await.expect(422);
        assert_eq!(answer.faults(), [(format!("/{key}"), "unknown_field".to_owned())]);
    }
    let list = admin.get("/api/v1/members?count=true").await.json();
    assert_eq!(list["page"]["total"], 1, "only the admin is there");
}

#[actix_web::test]
async fn text_that_is_not_an_email_is_a_fault_at_its_pointer() {
    let (_app, anon) = TestApp::start().await;
    for email in ["ada", "ada@", "@example.org", "a b@example.org", "a@127.0.0.1", "a\r\nBcc: b@example.org"]
    {
        let answer = anon.post(REGISTER, json!({"email": email, "password": PASSWORD})).await.expect(422);
        assert!(answer.faults().iter().all(|(place, _)| place == "/email"), "{email:?}: {}", answer.text());
    }
}

#[actix_web::test]
async fn a_failed_login_does_not_tell_the_cause() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for name in ["well", "suspended", "deleted"] {
        let id = register(&anon, &format!("{name}@example.org")).await["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/members/{id}");
        match name {
            "suspended" => admin.patch(&path, json!({"status": "suspended"})).await.expect(200),
            "deleted" => admin.delete(&path).await.expect(204),
            _ => continue,
        };
    }
    let wrong = login(&anon, "well@example.org", "three wrong words").await.expect(401);
    assert_eq!(wrong.problem().1, "invalid_credentials");
    for email in ["suspended@example.org", "deleted@example.org", "nobody@example.org", "no address"] {
        let answer = login(&anon, email, PASSWORD).await.expect(401);
        assert_eq!(masked(&answer), masked(&wrong), "{email}");
        assert_eq!(answer.header("www-authenticate"), wrong.header("www-authenticate"));
    }
}

#[actix_web::test]
async fn parallel_registrations_of_one_email_create_one_member() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let spellings = ["ada@example.org", "Ada@Example.org", "ADA@EXAMPLE.ORG", "ａｄａ@example.org"];
    let body = |email| json!({"email": email, "password": PASSWORD});
    let flood = (0..50).flat_map(|_| spellings).map(|email| anon.post(REGISTER, body(email)));
    let statuses: Vec<u16> = join_all(flood).await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 201 | 409 | 503)), "{statuses:?}");
    let list = admin.get("/api/v1/members?role=member&count=true").await.json();
    assert_eq!(list["page"]["total"], 1);
}

#[actix_web::test]
async fn a_throttled_login_says_when_to_retry() {
    let (_app, anon) = TestApp::start_with(&["--login-attempts", "1000000"]).await;
    let flood = (0..200).map(|_| login(&anon, "ada@example.org", PASSWORD));
    for answer in join_all(flood).await {
        let waits = answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0);
        assert_eq!(waits, answer.status == StatusCode::SERVICE_UNAVAILABLE.as_u16(), "{}", answer.text());
        assert!(matches!(answer.status, 401 | 503), "{}", answer.text());
    }
}
