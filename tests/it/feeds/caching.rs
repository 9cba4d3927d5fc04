//! Files are kept ready, and are gone with the first change that they show.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::json;

use super::{ARTICLES, NOTICES, SITE, publish};
use crate::cache::{fill, list_forgotten};
use crate::edge::caching::settle;
use crate::harness::{Client, TestApp};

const ALL_ARTICLES: &str = "/feeds/articles.atom";
const SEA: &str = "/feeds/categories/sea.rss";
const COAST: &str = "/feeds/categories/coast.json";
const LAND: &str = "/feeds/categories/land.atom";
const SALT: &str = "/feeds/tags/salt.atom";
const DUST: &str = "/feeds/tags/dust.atom";
const BY_ADA: &str = "/feeds/authors/Ada.atom";
const BY_BOB: &str = "/feeds/authors/Bob.atom";
const NOTICE_FEED: &str = "/feeds/notices/notice.atom";
const INDEX: &str = "/sitemap.xml";
const MONTH: &str = "/sitemaps/articles-2020-01.xml";
const NEWS: &str = "/sitemaps/news.xml";
const CATEGORIES: &str = "/sitemaps/categories.xml";
const NOTICE_FILE: &str = "/sitemaps/notices.xml";
const ALL: &[&str] = &[
    ALL_ARTICLES,
    SEA,
    COAST,
    LAND,
    SALT,
    DUST,
    BY_ADA,
    BY_BOB,
    NOTICE_FEED,
    INDEX,
    MONTH,
    NEWS,
    CATEGORIES,
    NOTICE_FILE,
];

async fn set_scene() -> (TestApp, Client, Client) {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for (slug, parent) in [("sea", None), ("coast", Some("sea")), ("land", None)] {
        admin.category(slug, parent).await;
    }
    let article = |slug: &str, category: &str, tag: &str, author: &str| {
        json!({"title": slug, "slug": slug, "category": category, "tags": [tag], "author": author,
               "published_at": "2020-01-01T00:00:00Z"})
    };
    publish(&admin, article("tide", "coast", "salt", "Ada")).await;
    publish(&admin, article("dune", "land", "dust", "Bob")).await;
    let notice = json!({"kind": "notice", "title": "n", "status": "published", "published_at": "2020-01-01T00:00:00Z"});
    admin.post(NOTICES, notice).await.expect(201);
    fill_settled(&app, &anon).await;
    (app, anon, admin)
}

/// Fills all files when the last changes have settled: until then answers are kept for seconds only.
async fn fill_settled(app: &TestApp, anon: &Client) {
    for path in [ARTICLES, NOTICES] {
        settle(anon, path).await;
    }
    fill(app, anon, ALL).await;
}

#[actix_web::test]
async fn an_article_that_changes_forgets_the_files_that_it_is_in() {
    let (app, anon, admin) = set_scene().await;
    admin.patch(&format!("{ARTICLES}/tide"), json!({"title": "Spring tide"})).await.expect(200);
    let own = [ALL_ARTICLES, SEA, COAST, SALT, BY_ADA, INDEX, MONTH, NEWS];
    assert_eq!(list_forgotten(&app, &anon, ALL).await, own);
    for path in [ALL_ARTICLES, SEA, COAST, SALT, BY_ADA] {
        assert!(anon.get(path).await.text().contains("Spring tide"), "{path}");
    }
}

#[actix_web::test]
async fn a_new_article_and_a_withdrawn_one_are_seen_at_once() {
    let (app, anon, admin) = set_scene().await;
    publish(
        &admin,
        json!({"slug": "ebb", "category": "coast", "tags": ["salt"], "published_at": "2020-01-02T00:00:00Z"}),
    )
    .await;
    assert_eq!(list_forgotten(&app, &anon, ALL).await, [ALL_ARTICLES, SEA, COAST, SALT, INDEX, MONTH, NEWS]);
    for path in [ALL_ARTICLES, SEA, COAST, SALT, MONTH] {
        assert!(anon.get(path).await.text().contains("/articles/ebb"), "{path}");
    }
    admin.delete(&format!("{ARTICLES}/ebb")).await.expect(204);
    for path in [ALL_ARTICLES, SEA, COAST, SALT, MONTH] {
        assert!(!anon.get(path).await.text().contains("/articles/ebb"), "{path}");
    }
}

#[actix_web::test]
async fn a_category_that_is_renamed_or_moved_changes_the_addresses_below_it() {
    let (app, anon, admin) = set_scene().await;
    admin
        .patch(SITE, json!({"article_url": "/{category_path}/{slug}", "category_url": "/{category_path}"}))
        .await
        .expect(200);
    fill_settled(&app, &anon).await;
    admin.patch("/api/v1/categories/sea", json!({"slug": "ocean"})).await.expect(200);
    for path in [ALL_ARTICLES, COAST, SALT, BY_ADA, MONTH] {
        assert!(anon.get(path).await.text().contains("/ocean/coast/tide"), "{path}");
    }
    assert!(anon.get(CATEGORIES).await.text().contains("/ocean/coast<"));
    admin.patch("/api/v1/categories/coast", json!({"parent": "land"})).await.expect(200);
    for path in [ALL_ARTICLES, COAST, SALT, LAND, MONTH] {
        assert!(anon.get(path).await.text().contains("/land/coast/tide"), "{path}");
    }
    assert!(!anon.get("/feeds/categories/ocean.atom").await.text().contains("/tide"));
}

#[actix_web::test]
async fn notices_and_the_site_forget_their_own_files() {
    let (app, anon, admin) = set_scene().await;
    let notice = json!({"kind": "notice", "title": "new one", "status": "published", "published_at": "2020-01-02T00:00:00Z"});
    admin.post(NOTICES, notice).await.expect(201);
    assert_eq!(list_forgotten(&app, &anon, ALL).await, [NOTICE_FEED, INDEX, NOTICE_FILE]);
    assert!(anon.get(NOTICE_FEED).await.text().contains("new one"));
    fill_settled(&app, &anon).await;
    admin.patch(SITE, json!({"name": "Named anew", "article_url": "/a/{id}"})).await.expect(200);
    assert_eq!(list_forgotten(&app, &anon, ALL).await, ALL);
    for path in [ALL_ARTICLES, SEA, COAST, SALT, BY_ADA, NOTICE_FEED] {
        assert!(anon.get(path).await.text().contains("Named anew"), "{path}");
    }
}

#[actix_web::test]
async fn files_spare_whoever_has_them_already_and_are_sent_in_every_coding() {
    let (app, anon, admin) = set_scene().await;
    for path in ALL.iter().filter(|path| ![NOTICE_FEED, INDEX, NEWS, NOTICE_FILE].contains(path)) {
        settle(&anon, path).await;
    }
    for path in ALL {
        let first = anon.get(path).await.expect(200);
        assert!(first.header("etag").starts_with('"') && !first.header("last-modified").is_empty(), "{path}");
        assert!(first.header("cache-control").starts_with("public, "), "{path}");
        assert!(!first.header("surrogate-key").is_empty(), "{path}");
        assert_ne!(first.header("vary"), "Authorization", "{path}");
        let again =
            anon.request(Method::GET, path).header("if-none-match", first.header("etag")).send().await;
        assert_eq!((again.status, again.bytes.len()), (304, 0), "{path}");
    }
    admin
        .patch(&format!("{ARTICLES}/tide"), json!({"body": "<p>potatoes</p>".repeat(400)}))
        .await
        .expect(200);
    let plain = anon.get(ALL_ARTICLES).await.expect(200);
    for coding in ["gzip", "br", "zstd"] {
        let answer = anon.request(Method::GET, ALL_ARTICLES).header("accept-encoding", coding).send().await;
        assert_eq!(answer.header("content-encoding"), coding);
        assert_eq!(answer.decoded(), plain.bytes, "{coding}");
    }
    drop(app);
}
