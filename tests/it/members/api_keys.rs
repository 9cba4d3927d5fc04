//! API keys: the operations that each scope permits.

use inkstone::operations::Role;
use inkstone::operations::scope::Scope;
use serde_json::{Value, json};

use super::{ME, masked};
use crate::harness::contract::operations;
use crate::harness::{Client, TestApp, column};

const KEYS: &str = "/api/v1/api-keys";

/// Returns a client with a new key, and the answer that created the key.
async fn create_script(app: &TestApp, admin: &Client, scopes: &[&str]) -> (Client, Value) {
    let key = admin.post(KEYS, json!({"name": "nightly", "scopes": scopes})).await.data(201);
    (Client::new(&app.url, key["key"].as_str().map(str::to_owned)), key)
}

#[actix_web::test]
async fn a_key_is_shown_once_and_works_until_it_is_revoked() {
    let (app, _) = TestApp::start().await;
    let (node, _) = TestApp::start_on(app.db.clone(), &[]).await;
    let admin = app.db_member(Role::Admin).await;
    let (create_script, key) = create_script(&app, &admin, &["categories:write", "categories:read"]).await;
    let text = key["key"].as_str().unwrap();
    assert!(text.starts_with(&format!("ink_{}_", key["prefix"].as_str().unwrap())));
    create_script.category("local", None).await;
    let listed = admin.get(KEYS).await.expect(200);
    assert!(!listed.text().contains(text));
    assert!(listed.json()["data"][0]["last_used_at"].is_string());
    let trail = admin.get("/api/v1/audit?entity=category").await.data(200);
    assert_eq!((&trail[0]["actor_kind"], &trail[0]["actor_id"]), (&json!("api_key"), &key["id"]));

    let there = Client::new(&node.url, create_script.token.clone());
    there.get("/api/v1/categories").await.expect(200);
    admin.delete(&format!("{KEYS}/{}", key["id"].as_str().unwrap())).await.expect(204);
    for client in [&create_script, &there] {
        assert_eq!(client.get("/api/v1/categories").await.status, 401);
    }
}

#[actix_web::test]
async fn each_scope_permits_its_operations_and_no_others() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for scope in Scope::all() {
        let (create_script, _) = create_script(&app, &admin, &[scope.as_str()]).await;
        for operation in operations().iter().filter(|one| one.path.starts_with("/api/")) {
            let alternatives = operation.spec["security"].as_array().cloned().unwrap_or_default();
            let opens = alternatives.contains(&json!({"api_key": [scope.as_str()]}));
            let takes_token = alternatives != [json!({})];
            let path = operation.path.replace("{id}", &uuid::Uuid::nil().to_string());
            let path =
                path.replace("{external_id}", "none").replace("{name}", "none").replace("{tag}", "none");
            let answer = create_script.request(operation.method.clone(), &path).send().await;
            let refused = answer.status == 403;
            let for_all = [
                "get_site",
                "list_menus",
                "get_menu",
                "get_home",
                "list_search_results",
                "list_suggestions",
                "list_tags",
                "get_tag",
                "list_archive_months",
                "get_changes",
                "get_events",
            ];
            let free = for_all.contains(&operation.id.as_str()) || !takes_token;
            assert_eq!(refused, !(opens || free), "{} {}: {}", scope.as_str(), operation.id, answer.text());
        }
    }
}

#[actix_web::test]
async fn a_writing_key_publishes_and_a_reading_key_only_reads_drafts_too() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let (writer, _) = create_script(&app, &admin, &["articles:write"]).await;
    let draft = writer.post("/api/v1/articles", json!({"title": "Quiet"})).await.data(201);
    let path = format!("/api/v1/articles/{}", draft["id"].as_str().unwrap());
    let (reader, _) = create_script(&app, &admin, &["articles:read"]).await;
    assert_eq!(reader.get(&path).await.data(200)["title"], "Quiet");
    assert_eq!(anon.get(&path).await.status, 404);
    assert_eq!(reader.patch(&path, json!({"title": "Loud"})).await.status, 403);
    writer.patch(&path, json!({"status": "published"})).await.expect(200);
    anon.get(&path).await.expect(200);
}

#[actix_web::test]
async fn a_changed_unknown_or_expired_key_is_refused() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let (good, key) = create_script(&app, &admin, &["articles:read"]).await;
    good.get("/api/v1/articles").await.expect(200);
    let text = key["key"].as_str().unwrap();
    let mut changed = text.to_owned();
    changed.replace_range(20..21, if &text[20..21] == "a" { "b" } else { "a" });
    let unknown = inkstone::members::api_keys::secret::generate().unwrap().text;
    let mut answers = Vec::new();
    for bad in [changed, unknown, format!("{text}x"), "ink_".to_owned()] {
        answers.push(masked(&Client::new(&app.url, Some(bad)).get("/api/v1/articles").await.expect(401)));
    }
    app.db_execute("UPDATE auth.api_keys SET expires_at = now()").await;
    answers.push(masked(&good.get("/api/v1/articles").await.expect(401)));
    answers.dedup();
    assert_eq!(answers.len(), 1);
}

#[actix_web::test]
async fn a_key_ends_with_the_rights_of_its_admin() {
    let (app, _) = TestApp::start().await;
    let root = app.db_member(Role::Admin).await;
    for change in [json!({"role": "editor"}), json!({"status": "suspended"})] {
        let admin = app.db_member(Role::Admin).await;
        let (create_script, _) = create_script(&app, &admin, &["articles:read"]).await;
        create_script.get("/api/v1/articles").await.expect(200);
        root.patch(&format!("/api/v1/members/{}", admin.id.unwrap()), change).await.expect(200);
        assert_eq!(create_script.get("/api/v1/articles").await.status, 401);
    }
}

#[actix_web::test]
async fn no_scope_permits_operations_on_accounts() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let all: Vec<&str> = Scope::all().iter().map(|scope| scope.as_str()).collect();
    let (create_script, _) = create_script(&app, &admin, &all).await;
    for path in [ME, "/api/v1/members", KEYS, "/api/v1/audit", "/api/v1/members/me/sessions"] {
        assert_eq!(create_script.get(path).await.problem(), (403, "forbidden".to_owned()), "{path}");
    }
    assert_eq!(
        create_script.post(KEYS, json!({"name": "more", "scopes": ["articles:read"]})).await.status,
        403
    );
    create_script.get("/api/v1/site").await.expect(200);
}

#[actix_web::test]
async fn an_invalid_key_is_not_created() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for (body, place) in [
        (json!({"name": "x", "scopes": []}), "/scopes"),
        (json!({"name": "x", "scopes": ["articles:burn"]}), "/scopes/0"),
        (json!({"name": "  ", "scopes": ["articles:read"]}), "/name"),
        (json!({"name": "x", "scopes": ["articles:read"], "expires_at": "tomorrow"}), "/expires_at"),
    ] {
        assert_eq!(admin.post(KEYS, body).await.expect(422).faults()[0].0, place);
    }
    assert_eq!(column(&admin.get(KEYS).await.data(200), "id").len(), 0);
}

#[actix_web::test]
async fn a_key_that_only_writes_reads_nothing_unpublished_by_changing_it() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let (writer, _) = create_script(&app, &admin, &["articles:write", "notices:write"]).await;
    let body = |status: &str, at: &str| {
        json!({"title": "SECRET", "body": "SECRET", "kind": "notice", "external_id": format!("{status}-{at}"),
               "status": status, "published_at": at})
    };
    for (status, at) in [("draft", "2019-01-01T00:00:00Z"), ("published", "2999-01-01T00:00:00Z")] {
        for list in ["/api/v1/articles", "/api/v1/notices"] {
            let mut thing = body(status, at);
            if list.ends_with("articles") {
                thing.as_object_mut().unwrap().remove("kind");
            }
            let made = admin.post(list, thing).await.data(201);
            let path = format!("{list}/{}", made["id"].as_str().unwrap());
            let mut answers = vec![writer.patch(&path, json!({})).await];
            answers.push(writer.patch(&path, json!({"body_format": "html"})).await);
            writer.delete(&path).await.expect(204);
            answers.push(writer.act(&format!("{path}/restore")).await);
            if list.ends_with("articles") {
                let external = format!("{list}/by-external-id/{status}-{at}");
                answers.push(writer.put(&external, json!({"title": "mine"})).await);
            }
            for answer in answers {
                let text = answer.text();
                assert!(!text.to_lowercase().contains("secret"), "{path}: {text}");
                assert_eq!(answer.data(200)["id"], made["id"]);
            }
        }
    }
}

#[actix_web::test]
async fn a_key_that_only_writes_sees_public_things_as_visitors_do() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let (writer, _) = create_script(&app, &admin, &["articles:write"]).await;
    let body = json!({"title": "Tides", "body": "# in", "body_format": "markdown", "status": "published"});
    let made = admin.post("/api/v1/articles", body).await.data(201);
    let path = format!("/api/v1/articles/{}", made["id"].as_str().unwrap());
    assert_eq!(writer.patch(&path, json!({})).await.data(200), anon.get(&path).await.data(200));
}

#[actix_web::test]
async fn a_key_that_has_expired_already_is_not_created() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for end in ["2019-09-20T00:00:00Z", "1970-01-01T00:00:00Z"] {
        let body = json!({"name": "late", "scopes": ["articles:read"], "expires_at": end});
        let answer = admin.post(KEYS, body).await.expect(422);
        assert_eq!(answer.faults(), [("/expires_at".to_owned(), "out_of_range".to_owned())]);
    }
    assert_eq!(admin.get(KEYS).await.data(200), json!([]));
}

#[actix_web::test]
async fn a_key_that_may_not_read_gets_a_receipt_as_plain_json() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let (writer, _) = create_script(&app, &admin, &["articles:write", "notices:write"]).await;
    let article =
        admin.post("/api/v1/articles", json!({"title": "Draft", "body": "<p>x</p>"})).await.data(201);
    let notice = json!({"title": "Draft", "kind": "notice", "status": "draft"});
    let notice = admin.post("/api/v1/notices", notice).await.data(201);
    for (path, thing) in [("articles", &article), ("notices", &notice)] {
        let path = format!("/api/v1/{path}/{}", thing["id"].as_str().unwrap());
        let changed = writer.patch(&path, json!({"title": "Changed"})).await.expect(200);
        assert_eq!(changed.header("content-type"), "application/json");
        let data = changed.json()["data"].clone();
        let keys: Vec<&String> = data.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["id", "version", "updated_at"]);
        assert_eq!((&data["id"], &data["version"]), (&thing["id"], &json!(2)));
        writer.delete(&path).await.expect(204);
        let restored = writer.act(&format!("{path}/restore")).await.expect(200);
        assert_eq!(restored.header("content-type"), "application/json");
        assert!(!restored.text().contains("Changed"));
    }
}
