//! Conditional requests, and what caches may keep.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::json;

use crate::harness::contract::{Operation, operations};
use crate::harness::{Answer, Client, TestApp};

/// The reads under `/api` that take a visitor, or those that do not, with paths that lead somewhere.
async fn reads(app: &TestApp, open: bool) -> Vec<String> {
    let admin = app.db_member(Role::Admin).await;
    let article = json!({"title": "a", "external_id": "x", "status": "published"});
    admin.post("/api/v1/articles", article).await.expect(201);
    admin.category("a", None).await;
    let notice = json!({"kind": "notice", "title": "a", "status": "published"});
    let notice = admin.post("/api/v1/notices", notice).await.data(201);
    let path = |one: &Operation| {
        let id = match one.path.split('/').nth(3) {
            Some("notices") => notice["id"].as_str().unwrap().to_owned(),
            Some("members") => admin.id.unwrap().to_string(),
            _ => "a".to_owned(),
        };
        one.path.replace("{id}", &id).replace("{external_id}", "x")
    };
    let is_open = |one: &Operation| {
        one.spec["security"].as_array().is_some_and(|alternatives| alternatives.contains(&json!({})))
    };
    let all = operations();
    // An export is sent as it is read, and has no tag.
    let is_read = |one: &Operation| {
        one.method == Method::GET && one.path.starts_with("/api/") && !one.path.ends_with("/export")
    };
    let wanted = |one: &&Operation| is_read(one) && is_open(one) == open;
    all.iter().filter(wanted).map(path).collect()
}

async fn get_unless(client: &Client, path: &str, tags: &str) -> Answer {
    let request = client.request(Method::GET, path).header("if-none-match", tags);
    request.header("cache-control", "no-cache").send().await
}

#[actix_web::test]
async fn every_public_read_spares_who_has_it_already() {
    let (app, anon) = TestApp::start().await;
    let paths = reads(&app, true).await;
    assert!(paths.len() >= 8, "{paths:?}");
    for path in paths {
        let first = anon.get(&path).await.expect(200);
        let tag = first.header("etag");
        // Views change the bytes and not the tag, which must not claim that the bytes are the same.
        assert_eq!(tag.starts_with("W/"), first.text().contains("\"views\":"), "{path}: {tag}");
        let strong = tag.trim_start_matches("W/");
        for tags in [
            tag.to_owned(),
            strong.to_owned(),
            format!("W/{strong}"),
            format!("\"x\", {tag}"),
            "*".to_owned(),
        ] {
            let again = get_unless(&anon, &path, &tags).await;
            assert_eq!((again.status, again.bytes.len()), (304, 0), "{path} {tags}");
            for header in ["etag", "cache-control", "vary", "last-modified"] {
                assert_eq!(again.header(header), first.header(header), "{path}: {header}");
            }
        }
        get_unless(&anon, &path, "\"x\"").await.expect(200);
    }
}

#[actix_web::test]
async fn every_read_for_members_has_the_tag_that_the_document_promises() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let paths = reads(&app, false).await;
    assert!(paths.len() >= 3, "{paths:?}");
    for path in paths {
        let first = admin.get(&path).await.expect(200);
        assert!(first.header("etag").starts_with('"'), "{path} sends no ETag");
        assert_eq!(get_unless(&admin, &path, first.header("etag")).await.status, 304, "{path}");
    }
}

#[actix_web::test]
async fn shared_caches_keep_what_visitors_read_and_nothing_else() {
    let (app, anon) = TestApp::start().await;
    let member = app.db_member(Role::Member).await;
    for path in reads(&app, true).await {
        let open = anon.get(&path).await.expect(200);
        let rules = "public, max-age=0, s-maxage=60, stale-while-revalidate=300";
        assert_eq!((open.header("cache-control"), open.header("vary")), (rules, "Authorization"), "{path}");
        assert!(!open.header("surrogate-key").is_empty(), "{path}");
        let closed = member.get(&path).await.expect(200);
        assert_eq!(closed.header("cache-control"), "private, no-store", "{path}");
        assert_eq!(closed.header("vary"), "Authorization", "{path}");
    }
}

#[actix_web::test]
async fn an_article_that_is_withdrawn_is_not_merely_unchanged() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    editor.article("a", None).await;
    let seen = anon.get("/api/v1/articles/a").await.expect(200).header("etag").to_owned();
    editor.patch("/api/v1/articles/a", json!({"status": "draft"})).await.expect(200);
    assert_eq!(get_unless(&anon, "/api/v1/articles/a", &seen).await.status, 404);
    assert_eq!(get_unless(&anon, "/api/v1/articles/a", "*").await.status, 404);
}

#[actix_web::test]
async fn a_tag_changes_with_everything_that_the_answer_shows() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    editor.category("a", None).await;
    editor.category("b", Some("a")).await;
    editor.article("x", Some("b")).await;
    let paths = ["/api/v1/articles", "/api/v1/articles/x", "/api/v1/categories", "/api/v1/categories/b"];
    let mut seen = Vec::new();
    for path in paths {
        seen.push(anon.get(path).await.expect(200).header("etag").to_owned());
    }
    editor.patch("/api/v1/categories/a", json!({"name": "renamed"})).await.expect(200);
    for (path, tag) in paths.iter().zip(&seen) {
        let answer = get_unless(&anon, path, tag).await.expect(200);
        assert!(answer.text().contains("renamed"), "{path}");
    }
}

#[actix_web::test]
async fn where_it_is_required_a_change_names_the_version_it_is_based_on() {
    let (app, anon) = TestApp::start_with(&["--require-if-match"]).await;
    let admin = app.db_member(Role::Admin).await;
    let path = "/api/v1/categories/a";
    admin.category("a", None).await;
    for answer in [admin.patch(path, json!({"name": "b"})).await, admin.delete(path).await] {
        assert_eq!(answer.problem(), (428, "precondition_required".to_owned()));
    }
    let seen = anon.get(path).await.expect(200).header("etag").to_owned();
    let unseen = seen.replacen("\"1-", "\"7-", 1);
    let change = async |tag: &str| {
        let request = admin.request(Method::PATCH, path).header("if-match", tag);
        request.json(&json!({"name": "b"})).send().await.status
    };
    assert_eq!([change(&unseen).await, change(&format!("W/{seen}")).await], [412, 200]);
    assert_eq!([change(&seen).await, change("*").await], [412, 200]);
}

#[actix_web::test]
async fn where_versions_are_required_an_article_can_still_be_put_as_new() {
    let (app, _) = TestApp::start_with(&["--require-if-match"]).await;
    let editor = app.db_member(Role::Editor).await;
    let path = "/api/v1/articles/by-external-id/x";
    let put = async || {
        let request = editor.request(Method::PUT, path).header("if-none-match", "*");
        request.json(&json!({"title": "a"})).send().await
    };
    put().await.expect(201);
    assert_eq!(put().await.problem(), (412, "already_exists".to_owned()));
    assert_eq!(editor.put(path, json!({"title": "b"})).await.status, 428);
}
