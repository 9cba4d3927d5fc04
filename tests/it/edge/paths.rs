//! Addresses that only look like ours. Sent by hand: a client library would tidy them up.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use actix_web::rt::task::spawn_blocking;
use inkstone::operations::Role;

use crate::harness::TestApp;

/// The status and the text of the answer to `method path`.
async fn raw(app: &TestApp, method: &str, path: &str, token: &str) -> (u16, String) {
    let address = app.url.trim_start_matches("http://").to_owned();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    let answer = spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let answer = answer.await.unwrap();
    let status = answer.split(' ').nth(1).unwrap_or_else(|| panic!("{path}: {answer:?}"));
    (status.parse().unwrap(), answer)
}

#[actix_web::test]
async fn an_address_is_served_in_its_one_spelling_only() {
    let (app, _) = TestApp::start().await;
    let token = app.db_member(Role::Admin).await.token.unwrap();
    for canonical in ["/api/v1/articles", "/api/v1/members", "/api/v1/members/me"] {
        assert_eq!(raw(&app, "GET", canonical, &token).await.0, 200, "{canonical}");
        let tail = canonical.strip_prefix("/api/v1/").unwrap();
        for path in [
            format!("/{canonical}"),
            format!("/api//v1/{tail}"),
            format!("/api/v1//{tail}"),
            format!("/api/./v1/{tail}"),
            format!("/api/v1/./{tail}"),
            format!("/api/v1/x/../{tail}"),
            format!("/api/v1/%2e/{tail}"),
            format!("/api/v1/x/%2e%2e/{tail}"),
            format!("/docs/../api/v1/{tail}"),
            format!("/docs/..%2fapi/v1/{tail}"),
            format!("{canonical}/"),
            format!("{canonical}//"),
            format!("{canonical}/."),
            format!("{canonical};x=1"),
            format!("{canonical}%2f"),
            format!("{canonical}%00"),
            format!("{canonical}%20"),
            format!("/API/v1/{tail}"),
            format!("/api/V1/{tail}"),
            format!("/api/v1/{}", tail.to_uppercase()),
            format!("/api/v1\\{tail}"),
        ] {
            let (status, answer) = raw(&app, "GET", &path, &token).await;
            assert!((400..500).contains(&status), "{path}: {answer}");
        }
    }
}

#[actix_web::test]
async fn an_encoded_letter_does_not_spell_a_fixed_name() {
    let (app, _) = TestApp::start().await;
    let token = app.db_member(Role::Admin).await.token.unwrap();
    for path in ["/api/v1/%61rticles", "/%61pi/v1/site", "/api/v1/%6Dembers", "/api/v1/members/%6de"] {
        let (status, answer) = raw(&app, "GET", path, &token).await;
        assert_eq!(status, 404, "{path}: {answer}");
    }
}

#[actix_web::test]
async fn a_trick_of_the_path_deletes_nothing() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    editor.article("a", None).await;
    let token = editor.token.unwrap();
    for path in ["/api/v1/articles/a/", "/api/v1//articles/a", "/api/v1/articles/a;x", "/api/v1/articles/A"] {
        let (status, answer) = raw(&app, "DELETE", path, &token).await;
        assert!((400..500).contains(&status), "{path}: {answer}");
    }
    anon.get("/api/v1/articles/a").await.expect(200);
}

#[actix_web::test]
async fn a_name_that_is_not_text_names_nothing() {
    let (app, _) = TestApp::start().await;
    let token = app.db_member(Role::Admin).await.token.unwrap();
    for folder in ["articles", "articles/by-external-id", "categories", "notices", "members"] {
        for name in [
            "%ff",
            "%00",
            "a%00",
            "%c0%af",
            "%ed%a0%80",
            "%2e%2e%2f",
            "..%5c",
            "%0d%0ax:y",
            "'",
            "%252e",
            "%",
        ] {
            let (status, answer) = raw(&app, "GET", &format!("/api/v1/{folder}/{name}"), &token).await;
            assert!(matches!(status, 400 | 404), "{folder}/{name}: {answer}");
            assert!(!answer.to_lowercase().contains("\r\nx:y"), "{folder}/{name}: {answer}");
        }
    }
}

#[actix_web::test]
async fn an_id_is_taken_in_the_form_that_the_api_writes() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let article = editor.article("a", None).await;
    let id = article["id"].as_str().unwrap();
    anon.get(&format!("/api/v1/articles/{id}")).await.expect(200);
    for other in [id.replace('-', ""), format!("%7B{id}%7D"), format!("urn:uuid:{id}"), format!("{id}%00")] {
        assert_eq!(anon.get(&format!("/api/v1/articles/{other}")).await.status, 404, "{other}");
    }
}
