//! The table of operations: what it says is what happens, whatever stands in a path.

use actix_web::http::Method;
use inkstone::contract::Contract;
use inkstone::error::Error;
use inkstone::operations::scope::Scope;
use inkstone::operations::table::Target;
use inkstone::operations::{Caller, KeyAccess, Role};
use inkstone::{slug, upgrade};
use serde_json::{Value, json};

use crate::harness::machine::ask;
use crate::harness::{Client, TestApp};
use crate::rights::{body, everything};

/// Words of paths, of which each could be somebody's slug or external id.
const WORDS: [&str; 7] = ["views", "import", "export", "restore", "me", "by-external-id", "sessions"];

/// An API key with one scope.
async fn key_with(app: &TestApp, admin: &Client, scope: Scope) -> Client {
    let new = json!({"name": scope.as_str(), "scopes": [scope.as_str()]});
    let made = admin.post("/api/v1/api-keys", new).await.data(201);
    Client::new(&app.url, made["key"].as_str().map(str::to_owned))
}

#[actix_web::test]
async fn a_key_does_what_its_scope_says_whatever_things_are_named() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for word in WORDS {
        let slug = if slug::refusal(word).is_some() { Value::Null } else { word.into() };
        let article = json!({"title": word, "slug": slug, "external_id": word, "status": "published"});
        admin.post("/api/v1/articles", article).await.expect(201);
        admin.post("/api/v1/categories", json!({"name": word, "slug": slug})).await.expect(201);
    }
    let contract = Contract::new().unwrap();
    for scope in Scope::all() {
        let key = key_with(&app, &admin, *scope).await;
        let reads = scope.as_str().ends_with(":read");
        let before = everything(&admin).await;
        for endpoint in contract.table.endpoints().iter().filter(|one| one.pattern.contains('{')) {
            for word in WORDS {
                let path = endpoint
                    .pattern
                    .replace("{id}", word)
                    .replace("{external_id}", word)
                    .replace("{tag}", word);
                let method = reqwest::Method::from_bytes(endpoint.method.as_str().as_bytes()).unwrap();
                let answer = key.request(method, &path).send().await;
                let is_refused = match contract.table.find(&endpoint.method, &path) {
                    Ok(Target::Endpoint(found)) if found.operation.caller == Caller::Anyone => false,
                    Ok(Target::Endpoint(found)) => match found.operation.keys {
                        KeyAccess::Scope(_) | KeyAccess::OneOf(_) => {
                            !found.operation.keys.scopes().contains(scope)
                        }
                        KeyAccess::Refused => true,
                        KeyAccess::AsVisitor => false,
                    },
                    _ => false,
                };
                let (id, status) = (endpoint.operation.id, answer.status);
                assert_eq!(status == 403, is_refused, "{scope:?} {id} {path}: {}", answer.text());
            }
        }
        // The time of its last use is noted.
        let used = |text: String| text.split("\"last_used_at\"").count();
        let after = everything(&admin).await;
        assert!(!reads || used(before) == used(after), "{scope:?} changed something");
    }
}

/// `text` without the times at which keys were last used.
fn without_uses(text: &str) -> String {
    let mut parts = text.split("\"last_used_at\":");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |kept, part| kept + part.split_once([',', '}']).map_or("", |(_, rest)| rest))
}

#[actix_web::test]
async fn a_key_that_may_only_read_changes_nothing_whatever_things_are_named() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for word in WORDS {
        // Behind the API's back: an earlier version may have let these words be slugs.
        let article =
            admin.post("/api/v1/articles", json!({"title": word, "external_id": word})).await.data(201);
        let category = admin.post("/api/v1/categories", json!({"name": word})).await.data(201);
        let id = |thing: &Value| thing["id"].as_str().unwrap().to_owned();
        app.db_execute(&format!("UPDATE articles SET slug = '{word}' WHERE id = '{}'", id(&article))).await;
        app.db_execute(&format!("UPDATE categories SET slug = '{word}' WHERE id = '{}'", id(&category)))
            .await;
    }
    let reading: Vec<&Scope> =
        Scope::all().iter().filter(|scope| scope.as_str().ends_with(":read")).collect();
    let mut scopes: Vec<Vec<&str>> = reading.iter().map(|scope| vec![scope.as_str()]).collect();
    scopes.push(reading.iter().map(|scope| scope.as_str()).collect());
    let contract = Contract::new().unwrap();
    for scopes in scopes {
        let made =
            admin.post("/api/v1/api-keys", json!({"name": "reader", "scopes": scopes})).await.data(201);
        let key = Client::new(&app.url, made["key"].as_str().map(str::to_owned));
        let before = without_uses(&everything(&admin).await);
        for endpoint in contract.table.endpoints() {
            // What visitors may do, keys may too.
            if endpoint.method == Method::GET || !matches!(endpoint.operation.caller, Caller::Role(_)) {
                continue;
            }
            for word in WORDS {
                let path = fill(&endpoint.pattern, word);
                let method = reqwest::Method::from_bytes(endpoint.method.as_str().as_bytes()).unwrap();
                let request = key.request(method, &path);
                let answer = match body(endpoint.operation.id, word) {
                    Some(body) => request.json(&body).send().await,
                    None => request.send().await,
                };
                let is_refused = matches!(answer.status, 403 | 405);
                assert!(is_refused, "{scopes:?} {} {path}: {}", endpoint.operation.id, answer.text());
            }
        }
        assert_eq!(without_uses(&everything(&admin).await), before, "{scopes:?} changed something");
    }
}

/// The path of `pattern` with `word` as each of its parameters.
fn fill(pattern: &str, word: &str) -> String {
    let parts = pattern.split('/').map(|part| if part.starts_with('{') { word } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[actix_web::test]
async fn fixed_words_of_paths_are_no_slugs() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let contract = Contract::new().unwrap();
    let split = |pattern: &str| pattern.split('/').map(str::to_owned).collect::<Vec<_>>();
    let patterns: Vec<Vec<String>> =
        contract.table.endpoints().iter().map(|one| split(&one.pattern)).collect();
    // Found anew, from the other side: every word beside the `{id}` of articles and categories.
    let mut checked = 0;
    for resource in ["articles", "categories"] {
        let beside = patterns.iter().filter(|path| path.get(3).is_some_and(|name| name == resource));
        for word in beside.filter_map(|path| path.get(4)).filter(|word| !word.starts_with('{')) {
            assert!(slug::reserved().any(|reserved| reserved == word), "{word}");
            let new = json!({"title": "T", "name": "N", "slug": word});
            let keys = if resource == "articles" { ["title", "slug"] } else { ["name", "slug"] };
            let new: Value = keys.iter().map(|key| ((*key).to_owned(), new[*key].clone())).collect();
            let refused = editor.post(&format!("/api/v1/{resource}"), new).await.expect(422);
            assert_eq!(refused.faults(), [("/slug".to_owned(), "invalid_format".to_owned())]);
            checked += 1;
        }
    }
    assert!(checked >= 4, "{checked}");
}

#[test]
fn no_fixed_word_stands_beside_an_external_id() {
    // External ids are those of other systems: none of them can be refused for a word of ours.
    let contract = Contract::new().unwrap();
    for endpoint in contract.table.endpoints() {
        let Some((before, _)) = endpoint.pattern.split_once("{external_id}") else { continue };
        for other in contract.table.endpoints() {
            let beside = other.pattern.strip_prefix(before).is_some_and(|rest| !rest.starts_with('{'));
            assert!(!beside, "{} stands beside {}", other.pattern, endpoint.pattern);
        }
    }
}

#[actix_web::test]
async fn what_an_older_version_named_by_a_word_that_is_reserved_now_is_renamed() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let article = admin.article("Tides", None).await;
    let category = admin.category("ebb", None).await;
    let notice = json!({"kind": "notice", "title": "Low", "status": "published"});
    let notice = admin.post("/api/v1/notices", notice).await.data(201);
    app.db_execute("UPDATE articles SET slug = 'import'").await;
    app.db_execute("UPDATE categories SET slug = 'export'").await;
    app.db_execute("UPDATE notices SET slug = 'archive'").await;
    assert_eq!(upgrade::rename_reserved_slugs(&app.shared.app).await.unwrap(), 3);
    assert_eq!(upgrade::rename_reserved_slugs(&app.shared.app).await.unwrap(), 0);
    let slug_of = async |path: String| anon.get(&path).await.data(200)["slug"].as_str().unwrap().to_owned();
    let renamed = slug_of(format!("/api/v1/articles/{}", article["id"].as_str().unwrap())).await;
    assert!(renamed.starts_with("import-"), "{renamed}");
    anon.get(&format!("/api/v1/articles/{renamed}")).await.expect(200);
    let renamed = slug_of(format!("/api/v1/categories/{}", category["id"].as_str().unwrap())).await;
    assert!(renamed.starts_with("export-"), "{renamed}");
    let renamed = slug_of(format!("/api/v1/notices/{}", notice["id"].as_str().unwrap())).await;
    assert!(renamed.starts_with("archive-"), "{renamed}");
    // Where no path has the word, it leads on.
    let moved = anon.get("/api/v1/notices/archive").await.data(200);
    assert_eq!(moved["id"], notice["id"]);
    anon.get("/api/v1/categories/export").await.expect(200);
    let recorded = "SELECT count(*) FROM changes WHERE action = 'update' AND fields = '{slug}'";
    assert_eq!(ask(&app.db.url, recorded).await, "3");
}

#[test]
fn a_path_leads_to_one_operation_however_it_is_spelled() {
    let contract = Contract::new().unwrap();
    let found = |method: &Method, path: &str| match contract.table.find(method, path) {
        Ok(Target::Endpoint(endpoint)) => endpoint.operation.id.to_owned(),
        Ok(Target::Page) => "page".to_owned(),
        Err(Error::MethodNotAllowed { allow }) => allow,
        Err(_) => "nothing".to_owned(),
    };
    for (method, path, wanted) in [
        (Method::GET, "/api/v1/members/me", "get_own_profile"),
        (Method::GET, "/api/v1/members/%6de", "nothing"),
        (Method::GET, "/api/v1/%61rticles", "nothing"),
        (Method::GET, "/api/v1/articles/view", "get_article"),
        (Method::POST, "/api/v1/articles/view", "DELETE, GET, HEAD, PATCH"),
        (Method::GET, "/api/v1/articles/views", "POST"),
        (Method::POST, "/api/v1/articles/views", "count_article_views"),
        (Method::POST, "/api/v1/articles/import", "import_articles"),
        (Method::POST, "/api/v1/articles/%69mport", "nothing"),
        (Method::POST, "/api/v1/articles/views/views", "count_article_view"),
        (Method::POST, "/api/v1/articles/restore/restore", "restore_article"),
        (Method::PUT, "/api/v1/articles/by-external-id/restore", "put_article"),
        (Method::POST, "/api/v1/articles/by-external-id/restore", "GET, HEAD, PUT"),
        (Method::GET, "/api/v1/articles/", "nothing"),
        (Method::GET, "/api/v1/articles//", "nothing"),
        (Method::GET, "/docs/index.css", "page"),
    ] {
        let found = found(&method, path);
        assert!(
            found == wanted || wanted.contains(", ") && found.len() == wanted.len(),
            "{method} {path}: {found}"
        );
    }
}
