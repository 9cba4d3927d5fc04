//! No request makes an answer that another one gets.

use inkstone::operations::Role;
use reqwest::Method;

use super::{ARTICLES, fill, settle};
use crate::harness::{Answer, TestApp};

/// Headers by which clients, proxies and attackers try to change an answer.
const HEADERS: &[(&str, &str)] = &[
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "gopher"),
    ("x-forwarded-for", "198.51.100.7"),
    ("x-forwarded-prefix", "/evil"),
    ("x-original-url", "/api/v1/site"),
    ("x-rewrite-url", "/api/v1/site"),
    ("x-http-method-override", "DELETE"),
    ("forwarded", "host=evil.example"),
    ("host", "evil.example"),
    ("accept-language", "zh-CN"),
    ("accept-language", "xx;q=0, *"),
    ("origin", "https://evil.example"),
    ("origin", "null"),
    ("range", "bytes=0-1"),
    ("if-range", "\"x\""),
    ("cookie", "session=1"),
    ("accept-encoding", "gzip;q=1, evil"),
    ("accept-encoding", "br, gzip"),
    ("te", "trailers"),
    ("pragma", "no-cache"),
    ("cache-control", "no-store"),
    ("cache-control", "only-if-cached"),
    ("x-request-id", "evil"),
    ("accept", "application/json;q=0.1"),
    ("accept", "*/*;q=0.1"),
    ("accept", "text/html, */*;q=0.1"),
    ("accept-charset", "gbk"),
    ("user-agent", "<script>"),
    ("referer", "https://evil.example/"),
    ("authorization", "Bearer nonsense"),
    ("authorization", "Basic YTpi"),
    ("authorization", ""),
    ("if-none-match", "*"),
    ("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT"),
    ("access-control-request-method", "GET"),
];

/// What every client must get alike.
fn essence(answer: &Answer) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let of_request = ["x-request-id", "date"];
    let headers = answer.headers.iter().filter(|(name, _)| !of_request.contains(&name.as_str()));
    let mut headers: Vec<_> =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    headers.sort();
    (answer.status, headers, answer.bytes.clone())
}

#[actix_web::test]
async fn no_header_of_one_client_is_seen_by_another() {
    for flags in [&[][..], &["--cors-origins", "*"], &["--cors-origins", "https://friend.example"]] {
        let (app, anon) = TestApp::start_with(flags).await;
        let editor = app.db_member(Role::Editor).await;
        editor.category("sea", None).await;
        editor.article("Tide", Some("sea")).await;
        let paths = [
            ARTICLES,
            "/api/v1/articles/tide",
            "/api/v1/categories",
            "/api/v1/articles?category=sea&sort=title",
        ];
        fill(&app, &anon, &paths).await;
        for path in paths {
            settle(&anon, path).await;
            let wanted = essence(&anon.get(path).await);
            for (name, value) in HEADERS {
                // The request that fills, and those that come after it.
                app.shared.app.follower.forget_answers();
                for _ in 0..2 {
                    anon.request(Method::GET, path).header(name, value).send().await;
                    let (status, headers, bytes) = essence(&anon.get(path).await);
                    assert_eq!(bytes, wanted.2, "{path} {name}: {value}");
                    assert_eq!((status, &headers), (wanted.0, &wanted.1), "{path} {name}: {value}");
                }
            }
        }
    }
}

#[actix_web::test]
async fn no_target_is_taken_for_another() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for slug in ["tide", "tides"] {
        editor.article(slug, None).await;
    }
    fill(&app, &anon, &["/api/v1/articles/tide", "/api/v1/articles/tides", ARTICLES]).await;
    for round in 0..2 {
        for (path, status) in [
            ("/api/v1/articles/Tide", 404),
            ("/api/v1/articles/tide/", 404),
            ("/api/v1//articles/tide", 404),
            ("/api/v1/articles/tide%00", 404),
            ("/api/v1/articles/tide%20", 404),
            ("/api/v1/articles/tide%2F", 404),
            ("/api/v1/articles/tide;a=b", 404),
            ("/api/v1/articles/tide?", 200),
            ("/api/v1/articles/tide?fields=title", 200),
            ("/api/v1/articles/tide?FIELDS=title", 400),
            ("/api/v1/articles/tide?fields=title&fields=title", 200),
            ("/api/v1/articles/tide?x=1", 400),
            ("/api/v1/articles?page_size=1&page_size=2", 400),
            ("/api/v1/articles?tag=a%26page_size=5", 200),
            ("/api/v1/articles?tag=a&page_size=5", 200),
            ("/api/v1/articles?tag=a%2Cb", 200),
            ("/api/v1/articles?author=a%2Cb", 200),
            ("/api/v1/articles?author=a,b", 200),
            ("/api/v1/Articles", 404),
        ] {
            let answer = anon.get(path).await;
            assert_eq!(answer.status, status, "{round} {path}: {}", answer.text());
        }
        assert_eq!(anon.get("/api/v1/articles/tide").await.data(200)["slug"], "tide");
        assert_eq!(anon.get("/api/v1/articles/tides").await.data(200)["slug"], "tides");
        assert!(anon.get("/api/v1/articles/tide?fields=title").await.data(200).get("slug").is_none());
    }
}
