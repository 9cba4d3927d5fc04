//! Who may do what: one table, tried against every operation of the document.

use std::collections::BTreeSet;

use inkstone::members::secrets;
use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::contract::{DOCUMENT, Operation, operations};
use crate::harness::machine::ask;
use crate::harness::{Answer, Cast, Client, TestApp};
use crate::media::{calls, visitor};
use crate::members::PASSWORD;

/// Those who ask, each with more rights than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Anon,
    Member,
    Author,
    Editor,
    Admin,
}

use Who::{Admin, Anon, Author, Editor, Member};

/// Every operation, and the least of those who may use it.
const LEAST: &[(&str, Who)] = &[
    ("get_jwks", Anon),
    ("get_health", Anon),
    ("get_readiness", Anon),
    ("register_member", Anon),
    ("login_member", Anon),
    ("refresh_session", Anon),
    ("logout_member", Member),
    ("change_password", Member),
    ("request_password_reset", Anon),
    ("reset_password", Anon),
    ("verify_email", Anon),
    ("request_confirmation", Anon),
    ("change_email", Member),
    ("delete_own_account", Member),
    ("get_own_data", Member),
    ("list_own_sessions", Member),
    ("end_own_sessions", Member),
    ("end_own_session", Member),
    ("list_member_sessions", Admin),
    ("end_member_sessions", Admin),
    ("list_articles", Anon),
    ("get_article", Anon),
    ("get_article_by_external_id", Anon),
    ("get_article_by_url", Anon),
    ("list_archive_months", Anon),
    ("list_tags", Anon),
    ("get_tag", Anon),
    ("update_tag", Editor),
    ("count_article_view", Anon),
    ("count_article_views", Anon),
    ("create_article", Author),
    ("update_article", Author),
    ("delete_article", Author),
    ("restore_article", Author),
    ("put_article", Editor),
    ("import_articles", Editor),
    ("import_categories", Editor),
    ("import_notices", Editor),
    ("export_articles", Author),
    ("list_categories", Anon),
    ("get_category", Anon),
    ("create_category", Editor),
    ("update_category", Editor),
    ("delete_category", Editor),
    ("get_job", Editor),
    ("list_notices", Anon),
    ("get_notice", Anon),
    ("create_notice", Editor),
    ("update_notice", Editor),
    ("delete_notice", Editor),
    ("restore_notice", Editor),
    ("list_duplicate_articles", Author),
    ("list_search_results", Anon),
    ("list_suggestions", Anon),
    ("list_api_keys", Admin),
    ("create_api_key", Admin),
    ("delete_api_key", Admin),
    ("get_own_profile", Member),
    ("update_own_profile", Member),
    ("list_members", Admin),
    ("create_member", Admin),
    ("get_member", Admin),
    ("update_member", Admin),
    ("delete_member", Admin),
    ("get_site", Anon),
    ("get_article_feed", Anon),
    ("get_category_feed", Anon),
    ("get_tag_feed", Anon),
    ("get_author_feed", Anon),
    ("get_notice_feed", Anon),
    ("get_sitemap_index", Anon),
    ("get_sitemap", Anon),
    ("update_site", Admin),
    ("list_menus", Anon),
    ("get_menu", Anon),
    ("put_menu", Editor),
    ("delete_menu", Editor),
    ("get_home", Anon),
    ("get_home_composition", Editor),
    ("put_home_composition", Editor),
    ("get_changes", Anon),
    ("get_events", Anon),
    ("list_webhooks", Admin),
    ("create_webhook", Admin),
    ("get_webhook", Admin),
    ("update_webhook", Admin),
    ("delete_webhook", Admin),
    ("rotate_webhook_secret", Admin),
    ("list_deliveries", Admin),
    ("test_webhook", Admin),
    ("replay_deliveries", Admin),
    ("list_changes", Admin),
    ("list_media", Author),
    ("create_media", Author),
    ("create_media_from_url", Author),
    ("describe_uploads", Anon),
    ("create_upload", Author),
    ("get_upload", Author),
    ("update_upload", Author),
    ("change_upload", Author),
    ("delete_upload", Author),
    ("get_media", Anon),
    ("get_media_address", Author),
    ("get_media_original", Author),
    ("update_media", Author),
    ("delete_media", Author),
    ("restore_media", Author),
    ("get_media_file", Anon),
    ("get_present_media_file", Anon),
];

fn least(operation: &Operation) -> Who {
    let row = LEAST.iter().find(|(id, _)| *id == operation.id);
    row.unwrap_or_else(|| panic!("nobody said who may use {}", operation.id)).1
}

fn people(cast: &Cast) -> [(Who, &Client); 5] {
    [
        (Anon, &cast.anon),
        (Member, &cast.member),
        (Author, &cast.author),
        (Editor, &cast.editor),
        (Admin, &cast.admin),
    ]
}

/// The path and the body of a call that works for whoever has the right.
async fn target(app: &TestApp, cast: &Cast, operation: &Operation) -> (String, Option<Value>) {
    let name = format!("t{}", Uuid::new_v4().simple());
    let mut path = operation.path.replace("{external_id}", &name).replace("{format}", "atom");
    let body = body(&operation.id, &name);
    match operation.id.as_str() {
        "get_media_address" => path.push_str("?width=10"),
        "list_search_results" => path.push_str("?q=a"),
        "get_changes" => path.push_str("?since=now"),
        "list_suggestions" => path.push_str("?prefix=a"),
        _ => {}
    }
    if let Some(target) = calls::target(app, &cast.author, operation).await {
        return target;
    }
    if let Some(path) = path_by_name(cast, operation, &name).await {
        return (path, body);
    }
    prepare_account(app, cast, operation, &body).await;
    if let Some(body) = mailed_token(app, cast, operation, &name).await {
        return (path, Some(body));
    }
    if operation.id == "refresh_session" {
        let account = json!({"email": format!("{name}@example.org"), "password": PASSWORD});
        cast.anon.post("/api/v1/auth/register", account.clone()).await.expect(201);
        let session = cast.anon.post("/api/v1/auth/login", account).await.data(200);
        return (path, Some(json!({"refresh_token": session["refresh_token"]})));
    }
    if path.starts_with("/api/") && (path != operation.path || path.contains('{')) {
        let id = thing(app, cast, operation, &name).await;
        path = path.replace("{id}", &id);
    }
    if let Some(thing) = path.strip_suffix("/restore") {
        cast.editor.delete(thing).await.expect(204);
    }
    (path, body)
}

/// What an operation needs that asks for a password: the account, or the password of all.
async fn prepare_account(app: &TestApp, cast: &Cast, operation: &Operation, body: &Option<Value>) {
    match operation.id.as_str() {
        "login_member" => {
            cast.anon.post("/api/v1/auth/register", json!(body)).await.expect(201);
        }
        "change_password" | "change_email" | "delete_own_account" => {
            let hash = app.shared.hasher.hash(PASSWORD.to_owned()).await.unwrap();
            app.db_execute(&format!("UPDATE auth.passwords SET hash = '{hash}'")).await;
        }
        _ => {}
    }
}

/// For the operations that name a feed, a menu, or an article by a tag or an old address: their path, to that of a new one.
async fn path_by_name(cast: &Cast, operation: &Operation, name: &str) -> Option<String> {
    let path = match operation.id.as_str() {
        "get_category_feed" => {
            cast.editor.category(name, None).await;
            return Some(operation.path.replace("{file}", &format!("{name}.atom")));
        }
        "get_notice_feed" => return Some(operation.path.replace("{file}", "notice.atom")),
        "get_sitemap" => return Some(operation.path.replace("{file}", "news.xml")),
        _ if operation.path.contains("{file}") => {
            return Some(operation.path.replace("{file}", &format!("{name}.atom")));
        }
        "get_article_by_url" => format!("{}?path=/{name}", operation.path),
        "get_tag" | "update_tag" => operation.path.replace("{tag}", name),
        _ if operation.path.contains("{name}") => {
            let path = operation.path.replace("{name}", name);
            if operation.id != "put_menu" {
                cast.editor.put(&path, json!({"items": []})).await.expect(201);
            }
            return Some(path);
        }
        _ => return None,
    };
    let source = format!("https://x.example/{name}");
    let article = json!({"title": name, "tags": [name], "source_url": source, "status": "published"});
    cast.editor.post("/api/v1/articles", article).await.expect(201);
    Some(path)
}

/// For the operations that take a token from a mail: their body, with a good one of the member's.
async fn mailed_token(app: &TestApp, cast: &Cast, operation: &Operation, name: &str) -> Option<Value> {
    let (purpose, prefix) = match operation.id.as_str() {
        "reset_password" => ("reset", "inkp_"),
        "verify_email" => ("verify", "inkv_"),
        _ => return None,
    };
    let token = format!("{prefix}{name}");
    let hash: String = secrets::hash(&token).iter().map(|byte| format!("{byte:02x}")).collect();
    let owner = cast.member.id.unwrap();
    app.db_execute(&format!(
        "INSERT INTO auth.one_time_tokens (hash, member_id, purpose, expires_at)
         VALUES ('\\x{hash}', '{owner}', '{purpose}', now() + interval '1 minute')"
    ))
    .await;
    Some(match purpose {
        "reset" => json!({"token": token, "password": "five rather long words here"}),
        _ => json!({"token": token}),
    })
}

/// Makes what the operation is about: public to read, an author's own draft to change.
async fn thing(app: &TestApp, cast: &Cast, operation: &Operation, name: &str) -> String {
    let reads = operation.method == Method::GET || operation.path.ends_with("/views");
    let thing = match operation.path.split('/').nth(3) {
        Some("api-keys") => {
            let key = json!({"name": name, "scopes": ["articles:read"]});
            cast.admin.post("/api/v1/api-keys", key).await.data(201)
        }
        Some("webhooks") => {
            let webhook = json!({"url": format!("https://{name}.example/hook"), "events": ["*"]});
            cast.admin.post("/api/v1/webhooks", webhook).await.data(201)
        }
        Some("media") => return calls::thing(&cast.author, operation).await,
        Some("members") => return app.db_member(Role::Member).await.id.unwrap().to_string(),
        Some("categories") => cast.editor.category(name, None).await,
        Some("jobs") => {
            let sql = "INSERT INTO jobs (id, kind, state, params, total, actor_kind) \
                       SELECT gen_random_uuid(), 'category_move', 'done', '{}', 1, 'system' \
                       WHERE NOT EXISTS (SELECT FROM jobs)";
            app.db_execute(sql).await;
            return ask(&app.db.url, "SELECT min(id::text) FROM jobs").await;
        }
        Some("notices") => {
            let notice = json!({"kind": "notice", "title": name, "status": "published"});
            cast.editor.post("/api/v1/notices", notice).await.data(201)
        }
        _ => {
            let (writer, status) = if reads { (&cast.editor, "published") } else { (&cast.author, "draft") };
            let mut article = json!({"title": name, "status": status});
            if reads {
                article["external_id"] = json!(name);
            }
            writer.post("/api/v1/articles", article).await.data(201)
        }
    };
    thing["id"].as_str().unwrap().to_owned()
}

/// A valid body of an operation, if it takes one.
pub fn body(operation: &str, name: &str) -> Option<Value> {
    let account = json!({"email": format!("{name}@example.org"), "password": PASSWORD});
    Some(match operation {
        "import_articles" | "import_categories" | "import_notices" => json!([]),
        "create_article" | "update_article" | "put_article" | "update_notice" => {
            json!({"title": format!("new {name}")})
        }
        "put_menu" => json!({"items": [{"title": name}]}),
        "put_home_composition" => json!({"blocks": [{"kind": "latest", "title": name}]}),
        "count_article_views" => json!({"ids": [Uuid::now_v7()]}),
        "create_category" | "update_category" | "update_site" => json!({"name": format!("new {name}")}),
        "create_media_from_url" => json!({"url": format!("https://x.example/{name}.jpg")}),
        "update_media" => json!({"alt": name}),
        "update_tag" => json!({"tag": format!("new {name}")}),
        "create_notice" => json!({"kind": "announcement", "title": name}),
        "update_own_profile" | "update_member" => json!({"display_name": name}),
        "request_password_reset" | "request_confirmation" => json!({"email": format!("{name}@example.org")}),
        "change_email" => json!({"email": format!("{name}@example.org"), "password": PASSWORD}),
        "delete_own_account" => json!({"password": PASSWORD}),
        "create_api_key" => json!({"name": name, "scopes": ["articles:import"]}),
        "create_webhook" => json!({"url": format!("https://{name}.example/hook"), "events": ["*"]}),
        "update_webhook" => json!({"description": name}),
        "replay_deliveries" => json!({"since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}),
        "change_password" => json!({"current_password": PASSWORD, "new_password": "four quite long words"}),
        "register_member" | "login_member" | "create_member" => account,
        _ => return None,
    })
}

async fn call(client: &Client, operation: &Operation, path: &str, body: &Option<Value>) -> Answer {
    let request = client.request(operation.method.clone(), path);
    let request = calls::complete(request, &operation.id);
    match body {
        Some(body) => request.json(body).send().await,
        None => request.send().await,
    }
}

/// All that can be read, as text.
pub async fn everything(admin: &Client) -> String {
    let mut text = String::new();
    for list in [
        "articles?status=draft,published,archived&",
        "articles?deleted=true&",
        "notices?status=draft,published,archived&",
        "notices?deleted=true&",
        "media?",
        "media?deleted=true&",
        "members?",
        "audit?",
    ] {
        text += &admin.get(&format!("/api/v1/{list}page_size=100&count=true")).await.expect(200).text();
    }
    text += &admin.get("/api/v1/api-keys").await.expect(200).text();
    text += &admin.get("/api/v1/categories").await.expect(200).text();
    text += &admin.get("/api/v1/site/menus").await.expect(200).text();
    text += &admin.get("/api/v1/site/home").await.expect(200).text();
    text + &admin.get("/api/v1/site").await.expect(200).text()
}

#[test]
fn the_table_and_the_document_name_the_same_operations() {
    let documented: BTreeSet<String> = operations().into_iter().map(|one| one.id).collect();
    let declared: BTreeSet<String> = LEAST.iter().map(|(id, _)| (*id).to_owned()).collect();
    assert_eq!(declared.len(), LEAST.len(), "an operation stands in the table twice");
    assert_eq!(documented, declared);
}

#[test]
fn the_document_says_truly_which_operations_need_a_token() {
    assert_eq!(DOCUMENT["security"], json!([{"bearer": []}]));
    for operation in operations() {
        let own = operation.spec["security"].as_array();
        let open = own.is_some_and(|all| all.contains(&json!({})));
        assert_eq!(open, least(&operation) == Anon, "{}", operation.id);
    }
}

#[actix_web::test]
async fn whoever_has_less_than_the_least_right_is_refused_and_changes_nothing() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    for operation in operations().iter().filter(|one| least(one) > Anon) {
        let (path, body) = target(&app, &cast, operation).await;
        let before = everything(&cast.admin).await;
        for (who, client) in people(&cast).iter().filter(|(who, _)| *who < least(operation)) {
            let answer = call(client, operation, &path, &body).await;
            let wanted = if *who == Anon { 401 } else { 403 };
            assert_eq!(answer.status, wanted, "{who:?} {}: {}", operation.id, answer.text());
            assert_eq!(answer.header("www-authenticate").starts_with("Bearer"), *who == Anon);
        }
        assert_eq!(everything(&cast.admin).await, before, "{}", operation.id);
    }
}

#[actix_web::test]
async fn whoever_has_the_least_right_or_more_is_served() {
    let (app, _) = TestApp::start_with(&["--fetch-allow", "127.0.0.0/8"]).await;
    for operation in operations() {
        let (cast, _another_admin) = (app.db_cast().await, app.db_member(Role::Admin).await);
        for (who, client) in people(&cast).iter().filter(|(who, _)| *who >= least(&operation)) {
            let (mut path, body) = target(&app, &cast, &operation).await;
            if operation.id == "end_own_session" {
                let own = client.get("/api/v1/members/me/sessions").await.data(200);
                path = format!("/api/v1/members/me/sessions/{}", own[0]["id"].as_str().unwrap());
            }
            if operation.path.contains("/uploads/") {
                // Nobody else has a part in an upload.
                path = operation.path.replace("{id}", &calls::begin_upload(client).await);
            }
            let client = if operation.id == "get_present_media_file" { &visitor(&app) } else { *client };
            let answer = call(client, &operation, &path, &body).await;
            assert!(matches!(answer.status, 200..300 | 302), "{who:?} {}: {}", operation.id, answer.text());
        }
    }
}

#[actix_web::test]
async fn a_credential_that_is_not_valid_is_never_taken_for_none() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let stranger = Client::new(&app.url, Some("not-a-token".to_owned()));
    let takes_token = |one: &Operation| one.spec["security"] != json!([{}]);
    for operation in operations().iter().filter(|one| takes_token(one)) {
        let (path, body) = target(&app, &cast, operation).await;
        let answer = call(&stranger, operation, &path, &body).await;
        assert_eq!(answer.problem(), (401, "unauthenticated".to_owned()), "{}", operation.id);
    }
}
