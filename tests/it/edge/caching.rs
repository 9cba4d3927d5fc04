//! Conditional requests, and what caches may keep.

use std::cell::RefCell;
use std::sync::Arc;

use diesel_async::RunQueryDsl;
use inkstone::changes::model::{Actor, Change};
use inkstone::operations::Role;
use inkstone::tx::Tx;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::harness::contract::{Operation, operations};
use crate::harness::machine::{ask, until};
use crate::harness::{Answer, Client, TestApp};
use crate::media;

/// The reads under `/api` that take a visitor, or those that do not, with paths that lead somewhere.
async fn reads(app: &TestApp, open: bool) -> Vec<String> {
    let admin = app.db_member(Role::Admin).await;
    let notice = fill_site(app, &admin).await;
    let job = ask(&app.db.url, "SELECT id::text FROM jobs").await;
    let media = media::id_of(&media::upload_picture(&admin).await).to_owned();
    let webhook = json!({"url": "https://hooks.example/", "events": ["*"]});
    let webhook = admin.post("/api/v1/webhooks", webhook).await.data(201)["id"].as_str().unwrap().to_owned();
    let path = |one: &Operation| {
        let id = match one.path.split('/').nth(3) {
            Some("notices") => notice.clone(),
            Some("members") => admin.id.unwrap().to_string(),
            Some("jobs") => job.clone(),
            Some("media") => media.clone(),
            Some("webhooks") => webhook.clone(),
            _ => "a".to_owned(),
        };
        let query = match one.id.as_str() {
            "list_search_results" => "?q=a",
            "list_suggestions" => "?prefix=a",
            "get_article_by_url" => "?path=/a.html",
            "get_changes" => "?snapshot=true",
            _ => "",
        };
        let path = one.path.replace("{id}", &id).replace("{external_id}", "x");
        path.replace("{name}", "main").replace("{tag}", "t") + query
    };
    let is_open = |one: &Operation| {
        one.spec["security"].as_array().is_some_and(|alternatives| alternatives.contains(&json!({})))
    };
    let all = operations();
    // An export and a stream are sent as they are read, and have no tag; neither has what is asked for once.
    let untagged = ["/export", "/events", "/address", "/uploads/{id}"];
    let is_read = |one: &Operation| {
        let is_tagged = !untagged.iter().any(|end| one.path.ends_with(end));
        one.method == Method::GET && one.path.starts_with("/api/") && is_tagged
    };
    let wanted = |one: &&Operation| is_read(one) && is_open(one) == open;
    all.iter().filter(wanted).map(path).collect()
}

/// One of each thing that a read names. Returns the id of the notice.
async fn fill_site(app: &TestApp, admin: &Client) -> String {
    let article = json!({"title": "a", "external_id": "x", "tags": ["t"], "source_url": "https://x.example/a.html", "status": "published"});
    admin.post("/api/v1/articles", article).await.expect(201);
    admin.category("a", None).await;
    let notice = json!({"kind": "notice", "title": "a", "status": "published"});
    let notice = admin.post("/api/v1/notices", notice).await.data(201);
    app.db_execute(
        "INSERT INTO jobs (id, kind, params, total, actor_kind) VALUES (gen_random_uuid(), 'category_move', '{}', 1, 'system')",
    )
    .await;
    admin.put("/api/v1/site/menus/main", json!({"items": [{"title": "Home", "url": "/"}]})).await.expect(201);
    notice["id"].as_str().unwrap().to_owned()
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
        // Of what the index has found, and of what is made from many things, times prove nothing.
        if !["/search", "/home", "/menus", "/media/", "/changes"].iter().any(|word| path.contains(word)) {
            settle(&anon, &path).await;
        }
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
        // Long answers are compressed for who asks.
        let vary = open.header("vary").trim_start_matches("Accept-Encoding, ");
        assert_eq!((open.header("cache-control"), vary), (rules, "Authorization"), "{path}");
        assert!(!open.header("surrogate-key").is_empty(), "{path}");
        let closed = member.get(&path).await.expect(200);
        // A cursor of members is none of visitors.
        let rules = if path.contains("/changes") { "private, no-store" } else { "private, no-cache" };
        assert_eq!(closed.header("cache-control"), rules, "{path}");
        assert_eq!(closed.header("vary").trim_start_matches("Accept-Encoding, "), "Authorization", "{path}");
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

#[actix_web::test]
async fn what_a_credential_changes_is_not_kept() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    cast.editor.article("a", None).await;
    let sourced =
        json!({"title": "b", "slug": "b", "body": "*b*", "body_format": "markdown", "status": "published"});
    cast.editor.post("/api/v1/articles", sourced).await.expect(201);
    cast.editor.post("/api/v1/articles", json!({"title": "c", "slug": "c"})).await.expect(201);
    for (client, path, rules) in [
        (&cast.member, "/api/v1/articles/a", "private, no-cache"),
        (&cast.author, "/api/v1/articles/a", "private, no-store"),
        (&cast.editor, "/api/v1/articles/a", "private, no-store"),
        (&cast.member, "/api/v1/articles/b", "private, no-cache"),
        (&cast.author, "/api/v1/articles/b", "private, no-store"),
        (&cast.editor, "/api/v1/articles/b", "private, no-store"),
        (&cast.editor, "/api/v1/articles/c", "private, no-store"),
        (&cast.editor, "/api/v1/articles", "private, no-cache"),
        (&cast.editor, "/api/v1/articles?status=draft", "private, no-store"),
        (&cast.editor, "/api/v1/categories", "private, no-cache"),
        (&cast.editor, "/api/v1/site", "private, no-cache"),
        (&cast.member, "/api/v1/notices", "private, no-cache"),
        (&cast.editor, "/api/v1/notices", "private, no-cache"),
        (&cast.member, "/api/v1/members/me", "private, no-store"),
    ] {
        let answer = client.get(path).await.expect(200);
        assert_eq!(answer.header("cache-control"), rules, "{path}");
        let bytes_are_a_visitors = cast.anon.get(path).await.bytes == answer.bytes;
        assert!(bytes_are_a_visitors || rules.ends_with("no-store"), "{path}");
        if rules.ends_with("no-cache") {
            let again = get_unless(client, path, answer.header("etag")).await;
            assert_eq!((again.status, again.header("cache-control")), (304, rules), "{path}");
        }
    }
}

/// Asks for `path` if it was modified after `since`.
async fn get_since(client: &Client, path: &str, since: &str) -> Answer {
    client.request(Method::GET, path).header("if-modified-since", since).send().await
}

/// Waits until an answer counts as unmodified, and returns its time.
pub async fn settle(client: &Client, path: &str) -> String {
    let since = RefCell::new(String::new());
    until("an answer that is unmodified", async || {
        let now = client.get(path).await.expect(200).header("last-modified").to_owned();
        assert!(!now.is_empty(), "{path}");
        since.replace(now.clone());
        get_since(client, path, &now).await.status == 304
    })
    .await;
    since.into_inner()
}

#[actix_web::test]
async fn an_answer_is_modified_by_everything_that_it_shows() {
    let (app, anon) = TestApp::start().await;
    let (editor, admin) = (app.db_member(Role::Editor).await, app.db_member(Role::Admin).await);
    editor.category("a", None).await;
    for title in ["w", "x", "y", "z"] {
        editor.article(title, Some("a")).await;
    }
    let notice = json!({"kind": "notice", "title": "n", "body": "<p>n</p>", "status": "published"});
    let notice = editor.post("/api/v1/notices", notice).await.data(201);
    let notice = format!("/api/v1/notices/{}", notice["id"].as_str().unwrap());
    let second = "/api/v1/articles?page=2&page_size=2";
    let changes: [(Method, &str, Value, &[&str]); 6] = [
        (
            Method::PATCH,
            "/api/v1/articles/x",
            json!({"summary": "new"}),
            &["/api/v1/articles", "/api/v1/articles/x"],
        ),
        // Leaves the first page, and moves the second.
        (Method::DELETE, "/api/v1/articles/z", Value::Null, &[second, "/api/v1/categories/a"]),
        (
            Method::PATCH,
            "/api/v1/categories/a",
            json!({"name": "b"}),
            &["/api/v1/articles", "/api/v1/articles/x", "/api/v1/categories"],
        ),
        (
            Method::PATCH,
            "/api/v1/site",
            json!({"base_url": "https://b.example"}),
            &["/api/v1/articles/x", "/api/v1/articles", "/api/v1/site"],
        ),
        (Method::PATCH, &notice, json!({"title": "m"}), &["/api/v1/notices", &notice]),
        (Method::DELETE, &notice, Value::Null, &["/api/v1/notices"]),
    ];
    for (method, path, body, shown) in changes {
        let mut times = Vec::new();
        for read in shown {
            let since = settle(&anon, read).await;
            let both = anon.request(Method::GET, read).header("if-modified-since", &since);
            assert_eq!(
                both.header("if-none-match", "\"x\"").send().await.status,
                200,
                "tags come first: {read}"
            );
            times.push(since);
        }
        let request = admin.request(method, path);
        let request = if body.is_null() { request } else { request.json(&body) };
        assert!(request.send().await.status < 300, "{path}");
        for (read, since) in shown.iter().zip(&times) {
            assert_eq!(get_since(&anon, read, since).await.status, 200, "{path} {read} {since}");
        }
    }
}

#[actix_web::test]
async fn a_change_that_was_long_under_way_is_no_older_than_its_commit() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let article = editor.article("a", None).await;
    let id: uuid::Uuid = article["id"].as_str().unwrap().parse().unwrap();
    let path = "/api/v1/articles/a";
    let (begun, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (is_begun, is_finished) = (begun.clone(), finish.clone());
    let shared = app.shared.clone();
    let writing = actix_web::rt::spawn(async move {
        let change = async move |tx: &mut Tx| {
            let update = "UPDATE articles SET title = 'new', version = version + 1, updated_at = now()";
            diesel::sql_query(update).execute(&mut **tx).await?;
            tx.record(Actor::VISITOR, Change::new("update", "article", id));
            begun.notify_one();
            finish.notified().await;
            Ok(())
        };
        shared.app.write(change).await.unwrap();
    });
    is_begun.notified().await;
    let second = |header: &str| chrono::DateTime::parse_from_rfc2822(header).unwrap().timestamp();
    let start = second(anon.get(path).await.expect(200).header("date"));
    let old_date = RefCell::new(String::new());
    until("a reader in the midst of the change", async || {
        let old = anon.get(path).await.expect(200);
        assert_eq!(old.json()["data"]["title"], "a");
        old_date.replace(old.header("date").to_owned());
        second(old.header("date")) >= start + 3
    })
    .await;
    is_finished.notify_one();
    writing.await.unwrap();
    settle(&anon, path).await;
    let date = old_date.borrow().clone();
    let answer = get_since(&anon, path, &date).await.expect(200);
    assert_eq!(answer.data(200)["title"], "new");
}

#[actix_web::test]
async fn the_passing_of_time_modifies_a_list() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let soon = (app.shared.app.now() + chrono::TimeDelta::seconds(6)).to_rfc3339();
    let article = json!({"title": "a", "body": "<p>a</p>", "status": "published", "published_at": soon});
    editor.post("/api/v1/articles", article).await.expect(201);
    let notice = json!({"kind": "notice", "title": "n", "body": "<p>n</p>", "status": "published", "expires_at": soon});
    editor.post("/api/v1/notices", notice).await.expect(201);
    let mut all = Vec::new();
    for path in ["/api/v1/articles", "/api/v1/notices"] {
        all.push((path, anon.get(path).await.expect(200)));
    }
    for (path, before) in all {
        // What somebody got before it was certain: any later state must be told.
        let since = before.header("last-modified").to_owned();
        until("the hour", async || {
            let now = anon.get(path).await;
            let answer = get_since(&anon, path, &since).await;
            let has_changed = now.json()["data"] != before.json()["data"];
            assert!(!has_changed || answer.status == 200, "{path}");
            has_changed
        })
        .await;
        settle(&anon, path).await;
        assert_eq!(get_since(&anon, path, &since).await.status, 200, "{path}");
    }
}
