//! Names that look like something else, and requests that are not for a feed.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{FORMATS, publish};
use crate::cache::staying;
use crate::harness::{Answer, Client, TestApp};

async fn list_titles(anon: &Client, path: &str) -> Vec<Value> {
    let feed = anon.get(path).await.expect(200).json();
    feed["items"].as_array().unwrap().iter().map(|item| item["title"].clone()).collect()
}

#[actix_web::test]
async fn tags_and_authors_of_any_characters_have_feeds() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let names = [
        "news.rss",
        ".atom",
        "..",
        "a/b",
        "/",
        "a%2Fb",
        "%2F",
        "100%",
        "C++",
        "a b",
        "a?b#c",
        "质量",
        "json",
        "articles",
        "a&b;c",
        "\"<x>'",
        "~user",
        "A",
        "a",
        "🦀.json",
    ];
    for name in names {
        publish(&editor, json!({"title": name, "slug": Value::Null, "tags": [name], "author": name})).await;
    }
    for name in names {
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for kind in ["tags", "authors"] {
            let path = format!("/feeds/{kind}/{encoded}.json");
            assert_eq!(list_titles(&anon, &path).await, [name], "{path}");
            let feed = anon.get(&path).await.json();
            // The address that it gives itself leads to it.
            let address = reqwest::Url::parse(feed["feed_url"].as_str().unwrap()).unwrap();
            assert_eq!(anon.get(address.path()).await.expect(200).json(), feed, "{address}");
        }
    }
}

#[actix_web::test]
async fn a_category_has_a_feed_by_its_slug_and_its_id_whatever_it_is_called() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for slug in ["articles", "rss", "json", "sitemap", "categories", "tags", "notices"] {
        let category = editor.category(slug, None).await;
        publish(&editor, json!({"title": slug, "slug": format!("in-{slug}"), "category": slug})).await;
        for key in [slug, category["id"].as_str().unwrap()] {
            assert_eq!(list_titles(&anon, &format!("/feeds/categories/{key}.json")).await, [slug]);
        }
    }
    for path in [
        "/feeds/categories/nothing.atom",
        "/feeds/categories/rss.xml",
        "/feeds/categories/rss",
        "/feeds/categories/.atom",
        "/feeds/categories/a%2Frss.atom",
        "/feeds/categories/%00.atom",
        "/feeds/categories/%FF.atom",
        "/feeds/categories/",
        "/feeds/articles",
        "/feeds/articles.xml",
        "/feeds/articles.ATOM",
        "/feeds/articles.",
        "/feeds/",
        "/feeds",
        "/feeds/%61rticles.atom",
        "/feeds/notices/other.atom",
        "/feeds/notices/notice.",
        "/feeds/sources/x.atom",
        "/sitemaps/",
        "/sitemaps/other.xml",
        "/sitemaps/articles-2020-01.xml",
        "/sitemaps/categories-2.xml",
        "/sitemaps/notices.xml",
        "/sitemaps/..%2Fsitemap.xml",
        "/sitemap.xml/",
    ] {
        assert_eq!(anon.get(path).await.problem(), (404, "not_found".to_owned()), "{path}");
    }
}

async fn ask(client: &Client, method: Method, path: &str, accept: &str) -> Answer {
    client.request(method, path).header("accept", accept).send().await
}

#[actix_web::test]
async fn readers_of_all_kinds_get_the_format_that_the_path_names() {
    let (_app, anon) = TestApp::start().await;
    for path in ["/feeds/articles.atom", "/feeds/articles.rss", "/feeds/articles.json", "/sitemap.xml"] {
        let plain = anon.get(path).await.expect(200);
        for accept in [
            "text/html",
            "application/rss+xml, application/xml;q=0.9",
            "image/*",
            "*/*;q=0.1",
            "application/json",
        ] {
            let answer = ask(&anon, Method::GET, path, accept).await.expect(200);
            assert_eq!(answer.header("content-type"), plain.header("content-type"), "{accept}");
            assert_eq!(answer.bytes, plain.bytes, "{accept}");
        }
        let head = ask(&anon, Method::HEAD, path, "*/*").await.expect(200);
        assert_eq!((head.bytes.len(), head.header("etag")), (0, plain.header("etag")), "{path}");
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            assert_eq!(ask(&anon, method, path, "*/*").await.status, 405, "{path}");
        }
    }
}

#[actix_web::test]
async fn unknown_parameters_are_refused_as_elsewhere() {
    let (_app, anon) = TestApp::start().await;
    let paths = FORMATS.map(|format| format!("/feeds/articles.{format}"));
    let more = ["/feeds/tags/a.atom", "/feeds/notices/notice.rss", "/sitemap.xml", "/sitemaps/news.xml"];
    for path in paths.iter().map(String::as_str).chain(more) {
        let answer = anon.get(&format!("{path}?page=2")).await;
        assert_eq!(answer.problem(), (400, "unknown_parameter".to_owned()), "{path}");
    }
}

#[actix_web::test]
async fn a_slug_that_a_category_has_had_leads_to_its_present_feed() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    editor.category("sea", None).await;
    publish(&editor, json!({"category": "sea"})).await;
    editor.patch("/api/v1/categories/sea", json!({"slug": "ocean"})).await.expect(200);
    let staying = staying(&anon, &app.url);
    for format in FORMATS {
        let answer = staying.get(&format!("/feeds/categories/sea.{format}")).await.expect(301);
        assert_eq!(answer.header("location"), format!("/feeds/categories/ocean.{format}"));
    }
    assert_eq!(list_titles(&anon, "/feeds/categories/sea.json").await, ["Tide"]);
    editor.patch("/api/v1/categories/ocean", json!({"slug": "deep"})).await.expect(200);
    let answer = staying.get("/feeds/categories/sea.atom").await.expect(301);
    assert_eq!(answer.header("location"), "/feeds/categories/deep.atom");
}
