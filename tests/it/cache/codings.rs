//! Bodies in the codings that clients take.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::json;

use super::{ARTICLES, SITE, ask, fill, hits};
use crate::harness::{Answer, Client, TestApp};

async fn get(client: &Client, path: &str, accepted: &str) -> Answer {
    client.request(Method::GET, path).header("accept-encoding", accepted).send().await
}

/// A server with an article of some kilobytes, and an editor.
async fn start() -> (TestApp, Client, Client) {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let body = "<p>High water at noon, low water at six.</p>".repeat(60);
    let article = json!({"title": "Tide", "slug": "tide", "body": body, "status": "published"});
    editor.post(ARTICLES, article).await.expect(201);
    for at in 0..5 {
        editor.article(&format!("Short {at}"), None).await;
    }
    (app, anon, editor)
}

#[actix_web::test]
async fn a_kept_answer_is_sent_in_each_coding_and_decodes_to_the_same_bytes() {
    let (app, anon, _) = start().await;
    for path in ["/api/v1/articles/tide", ARTICLES] {
        fill(&app, &anon, &[path]).await;
        let plain = anon.get(path).await;
        assert_eq!(plain.header("content-encoding"), "");
        assert!(plain.header("vary").split(", ").any(|name| name == "Accept-Encoding"));
        for (accepted, coding) in [
            ("gzip", "gzip"),
            ("br", "br"),
            ("zstd", "zstd"),
            ("gzip, deflate, br, zstd", "br"),
            ("br;q=0.1, gzip;q=0.9", "gzip"),
            ("identity, gzip;q=0.5", ""),
            ("deflate", ""),
        ] {
            // The first makes the coding, the second finds it.
            for _ in 0..2 {
                let before = hits(&app);
                let answer = get(&anon, path, accepted).await.expect(200);
                assert_eq!(hits(&app), before + 1);
                assert_eq!(answer.header("content-encoding"), coding, "{accepted}");
                assert_eq!(answer.decoded(), plain.bytes);
                assert_eq!(answer.header("vary"), plain.header("vary"));
                assert_eq!(answer.header("content-length"), answer.bytes.len().to_string());
                let is_shorter = answer.bytes.len() < plain.bytes.len() / 2;
                assert_eq!(is_shorter, !coding.is_empty(), "{accepted}: {}", answer.bytes.len());
            }
        }
    }
}

#[actix_web::test]
async fn strong_tags_differ_by_coding_and_weak_ones_do_not() {
    let (app, anon, editor) = start().await;
    for at in 0..20 {
        editor.category(&format!("category-{at}"), None).await;
    }
    fill(&app, &anon, &["/api/v1/categories", ARTICLES]).await;
    let tags = async |path: &str| {
        let mut tags = Vec::new();
        for accepted in ["identity", "gzip", "br"] {
            let answer = get(&anon, path, accepted).await.expect(200);
            let tag = answer.header("etag").to_owned();
            let request = anon.request(Method::GET, path).header("accept-encoding", accepted);
            let again = request.header("if-none-match", &tag).send().await.expect(304);
            assert_eq!((again.header("etag"), again.header("content-encoding")), (tag.as_str(), ""));
            assert!(again.bytes.is_empty());
            tags.push(tag);
        }
        tags
    };
    let strong = tags("/api/v1/categories").await;
    assert!(
        strong[1].ends_with("-gzip\"") && strong[2].ends_with("-br\"") && strong[0] != strong[1],
        "{strong:?}"
    );
    let weak = tags(ARTICLES).await;
    assert!(weak[0].starts_with("W/") && weak.iter().all(|tag| *tag == weak[0]), "{weak:?}");
    // The tag of another coding is not that of these bytes.
    let request = anon.request(Method::GET, "/api/v1/categories").header("accept-encoding", "gzip");
    request.header("if-none-match", &strong[2]).send().await.expect(200);
}

#[actix_web::test]
async fn answers_that_are_not_kept_are_encoded_too() {
    let (app, anon, editor) = start().await;
    let private = get(&editor, "/api/v1/articles/tide", "gzip, br").await.expect(200);
    assert_eq!(
        (private.header("content-encoding"), private.header("cache-control")),
        ("gzip", "private, no-store")
    );
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&private.decoded()).unwrap()["data"]["slug"],
        "tide"
    );
    let document = get(&anon, "/openapi.json", "br").await.expect(200);
    let text = document.decoded();
    let whole: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(whole, serde_json::from_str::<serde_json::Value>(&app.shared.contract.json).unwrap());
    assert_eq!(document.header("vary"), "Accept-Encoding");
    assert!(document.header("etag").ends_with("-br\"") && !text.contains(&b'\n'));
    let request = anon.request(Method::GET, "/openapi.json").header("accept-encoding", "br");
    request.header("if-none-match", document.header("etag")).send().await.expect(304);
    let faults: Vec<String> = (0..60).map(|at| format!("wrong{at}=1")).collect();
    let problem = get(&anon, &format!("{ARTICLES}?{}", faults.join("&")), "gzip").await.expect(400);
    assert_eq!(
        (problem.header("content-encoding"), problem.header("content-type")),
        ("gzip", "application/problem+json")
    );
    assert!(serde_json::from_slice::<serde_json::Value>(&problem.decoded()).unwrap()["errors"].is_array());
}

#[actix_web::test]
async fn short_answers_are_sent_as_they_are() {
    let (app, anon, _) = start().await;
    fill(&app, &anon, &[SITE]).await;
    let site = get(&anon, SITE, "gzip, br").await.expect(200);
    assert!(site.bytes.len() < 1024);
    assert_eq!((site.header("content-encoding"), site.header("vary")), ("", "Authorization"));
}

#[actix_web::test]
async fn answers_with_secrets_are_never_encoded() {
    let (app, anon, _) = start().await;
    let admin = app.db_member(Role::Admin).await;
    let scopes: Vec<&str> = ["articles:read", "articles:write", "articles:import", "categories:read"].into();
    let key = admin
        .request(Method::POST, "/api/v1/api-keys")
        .header("accept-encoding", "gzip")
        .json(&json!({"name": "k".repeat(90), "scopes": scopes}))
        .send()
        .await
        .expect(201);
    assert_eq!(key.header("content-encoding"), "");
    let secrets: Vec<&str> = crate::harness::contract::CONTRACT
        .table
        .endpoints()
        .iter()
        .filter(|endpoint| endpoint.operation.tells_secret)
        .map(|endpoint| endpoint.operation.id)
        .collect();
    for id in ["login_member", "refresh_session", "create_api_key"] {
        assert!(secrets.contains(&id), "{id}");
    }
    let (_, answer) = ask(&app, &anon, SITE).await;
    answer.expect(200);
}
