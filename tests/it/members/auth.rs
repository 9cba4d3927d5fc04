//! Sessions: their begin and end, and the immediate effect of changes to a member.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::tokens::decode_claims;
use super::{ME, PASSWORD, login, masked, register, sign_in};
use crate::harness::{Client, TestApp};

fn member_path(client: &Client) -> String {
    format!("/api/v1/members/{}", client.id.unwrap())
}

#[actix_web::test]
async fn a_logout_ends_this_session_at_once_and_no_other() {
    let (app, anon) = TestApp::start().await;
    register(&anon, "ada@example.org").await;
    let (here, there) = (sign_in(&app, "ada@example.org").await, sign_in(&app, "ada@example.org").await);
    here.act("/api/v1/auth/logout").await.expect(204);
    assert_eq!(here.get(ME).await.status, 401);
    assert_eq!(here.get("/api/v1/articles").await.status, 401);
    assert_eq!(here.act("/api/v1/auth/logout").await.status, 401);
    there.get(ME).await.expect(200);
}

#[actix_web::test]
async fn suspension_ends_all_sessions_at_once_and_for_good() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let id = register(&anon, "ada@example.org").await["id"].as_str().unwrap().to_owned();
    let member = sign_in(&app, "ada@example.org").await;
    let path = format!("/api/v1/members/{id}");
    admin.patch(&path, json!({"status": "suspended"})).await.expect(200);
    assert_eq!(member.get(ME).await.status, 401);
    admin.patch(&path, json!({"status": "active"})).await.expect(200);
    assert_eq!(member.get(ME).await.status, 401);
    sign_in(&app, "ada@example.org").await.get(ME).await.expect(200);
}

#[actix_web::test]
async fn deletion_ends_all_sessions_at_once() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    cast.admin.delete(&member_path(&cast.editor)).await.expect(204);
    assert_eq!(cast.editor.get(ME).await.status, 401);
    let category = json!({"name": "late"});
    assert_eq!(cast.editor.post("/api/v1/categories", category).await.status, 401);
}

#[actix_web::test]
async fn a_new_role_takes_effect_with_the_next_request() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let category = |name: &str| json!({"name": name});
    cast.admin.patch(&member_path(&cast.editor), json!({"role": "author"})).await.expect(200);
    assert_eq!(cast.editor.post("/api/v1/categories", category("a")).await.status, 403);
    cast.admin.patch(&member_path(&cast.member), json!({"role": "editor"})).await.expect(200);
    cast.member.post("/api/v1/categories", category("b")).await.expect(201);
}

#[actix_web::test]
async fn a_session_expires() {
    let (app, _) = TestApp::start().await;
    let member = app.db_member(Role::Member).await;
    member.get(ME).await.expect(200);
    app.db_execute("UPDATE auth.sessions SET expires_at = now()").await;
    assert_eq!(member.get(ME).await.status, 401);
}

#[actix_web::test]
async fn an_ended_session_and_an_invalid_token_get_the_same_answer() {
    let (app, _) = TestApp::start().await;
    let member = app.db_member(Role::Member).await;
    member.act("/api/v1/auth/logout").await.expect(204);
    let dead = member.get(ME).await.expect(401);
    let nonsense = Client::new(&app.url, Some("nonsense".to_owned())).get(ME).await.expect(401);
    assert_eq!(masked(&dead), masked(&nonsense));
}

/// Returns the session that a login opened.
fn read_session_id(data: &Value) -> String {
    decode_claims(data["access_token"].as_str().unwrap())["sid"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn a_client_never_chooses_its_session() {
    let (app, anon) = TestApp::start().await;
    register(&anon, "ada@example.org").await;
    let first = login(&anon, "ada@example.org", PASSWORD).await.data(200);
    let wanted = read_session_id(&first);
    let body = json!({"email": "ada@example.org", "password": PASSWORD});
    let bearer = Client::new(&app.url, first["access_token"].as_str().map(str::to_owned));
    let request = bearer.request(Method::POST, "/api/v1/auth/login").json(&body);
    let request = request.header("cookie", &format!("sid={wanted}; session={wanted}"));
    let second = request.header("x-session-id", &wanted).send().await.data(200);
    assert_ne!(read_session_id(&second), wanted);
    let mut asking = body;
    asking["sid"] = json!(wanted);
    let refused = anon.post("/api/v1/auth/login", asking).await.expect(422);
    assert_eq!(refused.faults(), [("/sid".to_owned(), "unknown_field".to_owned())]);
}

#[actix_web::test]
async fn the_scheme_may_be_in_any_case_and_must_be_bearer() {
    let (app, anon) = TestApp::start().await;
    let token = app.db_member(Role::Member).await.token.unwrap();
    for (credential, status) in [
        (format!("bearer {token}"), 200),
        (format!("BEARER  {token}"), 200),
        (format!("Basic {token}"), 401),
        (format!("Token {token}"), 401),
        (token.clone(), 401),
        ("Bearer".to_owned(), 401),
        ("Bearer ".to_owned(), 401),
        (String::new(), 401),
    ] {
        let request = anon.request(Method::GET, ME).header("authorization", &credential);
        assert_eq!(request.send().await.status, status, "{credential}");
    }
}

#[actix_web::test]
async fn a_token_in_the_query_is_refused() {
    let (app, anon) = TestApp::start().await;
    let token = app.db_member(Role::Admin).await.token.unwrap();
    for name in ["access_token", "token", "api_key", "authorization"] {
        let answer = anon.get(&format!("{ME}?{name}={token}")).await;
        assert_eq!(answer.problem(), (400, "unknown_parameter".to_owned()), "{name}");
        assert!(!answer.text().contains(&token));
    }
}
