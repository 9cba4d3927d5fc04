//! Abuse cases that concern more than one feature.

use futures::future::join_all;
use inkstone::operations::Role;
use reqwest::Method;
use serde_json::json;

use super::{ME, PASSWORD, login, sign_in};
use crate::harness::TestApp;

#[actix_web::test]
async fn the_site_name_is_refused_as_a_password() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    admin.patch("/api/v1/site", json!({"name": "中国计量门户网"})).await.expect(200);
    for password in ["中国计量门户网1", "2026中国计量门户网"] {
        let body = json!({"email": "ada@example.org", "password": password});
        let answer = anon.post("/api/v1/auth/register", body).await;
        assert_eq!(answer.faults(), [("/password".to_owned(), "weak_password".to_owned())], "{password}");
    }
}

#[actix_web::test]
async fn urls_that_leave_the_web_or_the_site_are_refused() {
    let (app, anon) = TestApp::start().await;
    super::register(&anon, "ada@example.org").await;
    let ada = sign_in(&app, "ada@example.org").await;
    for evil in [
        "//evil.example",
        "/\\evil.example",
        "https://site@evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
    ] {
        let answer = ada.patch(ME, json!({"avatar_url": evil})).await;
        assert_eq!(answer.status, 422, "{evil}");
        let back = anon
            .post("/api/v1/auth/login", json!({"email": "a@b.c", "password": PASSWORD, "return_to": evil}))
            .await;
        assert_eq!(back.faults(), [("/return_to".to_owned(), "unknown_field".to_owned())]);
        anon.post(&format!("/api/v1/auth/logout?redirect={evil}"), json!({})).await.expect(400);
    }
    assert_eq!(ada.get(ME).await.data(200)["avatar_url"], json!(null));
}

#[actix_web::test]
async fn a_body_changes_only_the_article_of_the_path() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let (one, other) = (editor.article("one", None).await, editor.article("other", None).await);
    let id = one["id"].as_str().unwrap();
    for path in [
        "123abc",
        "1%00",
        "1;2",
        "+1",
        &format!("{id};x"),
        &format!("{id}%20"),
        &format!("{id}?id={}", other["id"].as_str().unwrap()),
    ] {
        let status = editor.patch(&format!("/api/v1/articles/{path}"), json!({"title": "x"})).await.status;
        assert!([400, 404].contains(&status), "{path}: {status}");
    }
    let body = json!({"id": other["id"], "title": "x"});
    let answer = editor.patch(&format!("/api/v1/articles/{id}"), body).await;
    assert_eq!(answer.faults(), [("/id".to_owned(), "unknown_field".to_owned())]);
    for article in [one, other] {
        let now =
            editor.get(&format!("/api/v1/articles/{}", article["id"].as_str().unwrap())).await.data(200);
        assert_eq!((&now["title"], &now["version"]), (&article["title"], &json!(1)));
    }
}

#[actix_web::test]
async fn during_a_flood_of_logins_readers_are_still_answered() {
    let (app, anon) = TestApp::start_with(&["--login-attempts", "100000"]).await;
    let editor = app.db_member(Role::Editor).await;
    editor.article("read me", None).await;
    let logins = join_all((0..256).map(|at| {
        let anon = anon.clone();
        async move {
            let password = "x".repeat(if at % 16 == 0 { 1 << 20 } else { 1 << 10 });
            login(&anon, "nobody@example.org", &password).await
        }
    }));
    let reads = join_all((0..50).map(|_| anon.get("/api/v1/articles/read-me")));
    let (logins, reads) = tokio::join!(logins, reads);
    assert!(reads.iter().all(|answer| answer.status == 200));
    for answer in logins {
        let told = answer.status != 503 || !answer.header("retry-after").is_empty();
        assert!([401, 413, 422, 429, 503].contains(&answer.status) && told, "{}", answer.text());
    }
}

#[actix_web::test]
async fn there_is_no_default_login_and_errors_reveal_no_internals() {
    let (app, anon) = TestApp::start().await;
    for password in ["admin", "password", "inkstone", "changeme", ""] {
        let status = login(&anon, "admin@localhost", password).await.status;
        assert!([401, 422, 429].contains(&status), "{password}: {status}");
    }
    let failures = [
        anon.get("/api/v1/articles?sort=password").await.expect(400),
        anon.get("/api/v1/articles/nothing").await.expect(404),
        anon.request(Method::TRACE, "/api/v1/articles").send().await.expect(405),
        anon.request(Method::POST, "/api/v1/auth/login")
            .labelled("text/plain", "{}")
            .send()
            .await
            .expect(415),
    ];
    for answer in failures {
        let text = format!("{} {:?}", answer.text(), answer.headers).to_lowercase();
        for inside in ["select ", "postgres", "diesel", "actix", "/src/", env!("CARGO_PKG_VERSION")] {
            assert!(!text.contains(inside), "{inside} is in {text}");
        }
    }
    drop(app);
}
