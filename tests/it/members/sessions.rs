//! Refresh tokens, the list of sessions, and the ring of signing keys.

use std::collections::BTreeSet;

use futures::future::join_all;
use inkstone::changes::model::{Actor, Change};
use inkstone::keys::{Ring, queries};
use inkstone::operations::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ME, PASSWORD, login, masked, register, sign_in};
use crate::harness::machine::until;
use crate::harness::{Answer, Client, TestApp, column};

const SESSIONS: &str = "/api/v1/members/me/sessions";

async fn refresh(client: &Client, token: &Value) -> Answer {
    client.post("/api/v1/auth/refresh", json!({"refresh_token": token})).await
}

/// Registers a member and returns its first session.
async fn register_and_login(anon: &Client) -> Value {
    register(anon, "ada@example.org").await;
    login(anon, "ada@example.org", PASSWORD).await.data(200)
}

fn client_of(app: &TestApp, session: &Value) -> Client {
    Client::new(&app.url, session["access_token"].as_str().map(str::to_owned))
}

#[actix_web::test]
async fn a_refresh_token_returns_new_tokens_of_the_same_session() {
    let (app, anon) = TestApp::start().await;
    let first = register_and_login(&anon).await;
    assert!(first["refresh_token"].as_str().unwrap().starts_with("inkr_"));
    let second = refresh(&anon, &first["refresh_token"]).await.data(200);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    let third = refresh(&anon, &second["refresh_token"]).await.data(200);
    assert_eq!(third["member"], first["member"]);
    let sessions = client_of(&app, &third).get(SESSIONS).await.data(200);
    assert_eq!(column(&sessions, "current"), ["true"]);
    client_of(&app, &first).get(ME).await.expect(200);
}

#[actix_web::test]
async fn parallel_refreshes_of_one_token_return_one_child_on_any_node() {
    let (app, anon) = TestApp::start().await;
    let (_other, there) = TestApp::start_on(app.db.clone(), &[]).await;
    let token = register_and_login(&anon).await["refresh_token"].clone();
    let flood = (0..50).map(|number| refresh(if number % 2 == 0 { &anon } else { &there }, &token));
    let answers = join_all(flood).await;
    let children: BTreeSet<String> =
        answers.into_iter().map(|answer| answer.data(200)["refresh_token"].to_string()).collect();
    assert_eq!(children.len(), 1);
    let child: Value = serde_json::from_str(children.first().unwrap()).unwrap();
    refresh(&there, &child).await.expect(200);
}

#[actix_web::test]
async fn a_later_reuse_of_a_refresh_token_ends_the_session_and_is_recorded() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let first = register_and_login(&anon).await;
    let second = refresh(&anon, &first["refresh_token"]).await.data(200);
    app.db_execute("UPDATE auth.refresh_tokens SET used_at = used_at - interval '11 seconds'").await;
    let reused = refresh(&anon, &first["refresh_token"]).await;
    assert_eq!(reused.problem(), (401, "invalid_refresh_token".to_owned()));
    let orphan = refresh(&anon, &second["refresh_token"]).await.expect(401);
    assert_eq!(masked(&reused), masked(&orphan));
    assert_eq!(client_of(&app, &second).get(ME).await.status, 401);
    let trail = admin.get("/api/v1/audit?action=reuse&entity=session").await.data(200);
    assert_eq!(column(&trail, "actor_id"), [first["member"]["id"].as_str().unwrap()]);
    let stranger = refresh(&anon, &json!("inkr_never-given")).await.expect(401);
    assert_eq!(masked(&stranger), masked(&orphan));
}

#[actix_web::test]
async fn a_session_ends_after_its_idle_time_or_its_absolute_time() {
    let (app, anon) = TestApp::start().await;
    for (column, age, role, status) in [
        ("refreshed_at", "13 days", "member", 200),
        ("refreshed_at", "15 days", "member", 401),
        ("created_at", "61 days", "member", 401),
        ("refreshed_at", "11 hours", "editor", 200),
        ("refreshed_at", "13 hours", "editor", 401),
        ("created_at", "8 days", "editor", 401),
    ] {
        let email = format!("{}@example.org", uuid::Uuid::new_v4().simple());
        register(&anon, &email).await;
        let token = login(&anon, &email, PASSWORD).await.data(200)["refresh_token"].clone();
        app.db_execute(&format!("UPDATE members SET role = '{role}' WHERE role <> 'admin'")).await;
        app.db_execute(&format!("UPDATE auth.sessions SET {column} = now() - interval '{age}'")).await;
        assert_eq!(refresh(&anon, &token).await.status, status, "{role} {column} {age}");
    }
}

#[actix_web::test]
async fn suspension_and_logout_end_the_refresh_token_too() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let first = register_and_login(&anon).await;
    client_of(&app, &first).act("/api/v1/auth/logout").await.expect(204);
    assert_eq!(refresh(&anon, &first["refresh_token"]).await.status, 401);
    let second = login(&anon, "ada@example.org", PASSWORD).await.data(200);
    let path = format!("/api/v1/members/{}", second["member"]["id"].as_str().unwrap());
    admin.patch(&path, json!({"status": "suspended"})).await.expect(200);
    assert_eq!(refresh(&anon, &second["refresh_token"]).await.status, 401);
}

#[actix_web::test]
async fn a_member_lists_own_sessions_and_ends_one() {
    let (app, anon) = TestApp::start().await;
    let (other, admin) = (app.db_member(Role::Member).await, app.db_member(Role::Admin).await);
    let id = register(&anon, "ada@example.org").await["id"].as_str().unwrap().to_owned();
    let (laptop, phone) = (sign_in(&app, "ada@example.org").await, sign_in(&app, "ada@example.org").await);
    let seen = laptop.get(SESSIONS).await.data(200);
    assert_eq!(seen.as_array().unwrap().len(), 2);
    let lost = seen.as_array().unwrap().iter().find(|one| one["current"] == false).unwrap();
    let lost = format!("{SESSIONS}/{}", lost["id"].as_str().unwrap());
    assert_eq!(other.delete(&lost).await.status, 404);
    phone.get(ME).await.expect(200);
    laptop.delete(&lost).await.expect(204);
    assert_eq!(phone.get(ME).await.status, 401);
    assert_eq!(laptop.delete(&lost).await.status, 404);
    laptop.get(ME).await.expect(200);

    let theirs = format!("/api/v1/members/{id}/sessions");
    assert_eq!(admin.get(&theirs).await.data(200).as_array().unwrap().len(), 1);
    admin.delete(&theirs).await.expect(204);
    assert_eq!(laptop.get(ME).await.status, 401);
}

#[actix_web::test]
async fn logging_out_everywhere_ends_all_own_sessions_and_no_others() {
    let (app, anon) = TestApp::start().await;
    let other = app.db_member(Role::Member).await;
    register(&anon, "ada@example.org").await;
    let (here, there) = (sign_in(&app, "ada@example.org").await, sign_in(&app, "ada@example.org").await);
    here.delete(SESSIONS).await.expect(204);
    assert_eq!((here.get(ME).await.status, there.get(ME).await.status), (401, 401));
    other.get(ME).await.expect(200);
}

#[actix_web::test]
async fn a_new_password_ends_every_other_session_on_every_node() {
    let (app, anon) = TestApp::start().await;
    let (node, _) = TestApp::start_on(app.db.clone(), &[]).await;
    let first = register_and_login(&anon).await;
    let elsewhere = sign_in(&node, "ada@example.org").await;
    let here = client_of(&app, &first);
    let change =
        |current: &str| json!({"current_password": current, "new_password": "four quite long words"});
    let path = "/api/v1/auth/password/change";
    assert_eq!(
        here.post(path, change("not the password")).await.problem(),
        (403, "wrong_password".to_owned())
    );
    elsewhere.get(ME).await.expect(200);
    let fresh = here.post(path, change(PASSWORD)).await.data(200);
    assert_eq!((here.get(ME).await.status, elsewhere.get(ME).await.status), (401, 401));
    assert_eq!(refresh(&anon, &first["refresh_token"]).await.status, 401);
    client_of(&node, &fresh).get(ME).await.expect(200);
    assert_eq!(login(&anon, "ada@example.org", PASSWORD).await.status, 401);
    login(&anon, "ada@example.org", "four quite long words").await.expect(200);
}

#[actix_web::test]
async fn after_a_key_rotation_old_and_new_tokens_work_on_every_node() {
    let (app, anon) = TestApp::start().await;
    let (node, _) = TestApp::start_on(app.db.clone(), &[]).await;
    let before = register_and_login(&anon).await;
    let kid = async |server: &TestApp| server.shared.app.ring().await.unwrap().kid.clone();
    let old = kid(&app).await;
    assert_eq!(kid(&node).await, old);
    let fresh = Ring::seed().unwrap();
    let rotate = app.shared.app.write(async move |tx| {
        queries::rotate(tx, &fresh).await?;
        tx.record(Actor::SYSTEM, Change::new("rotate", "signing_key", Uuid::now_v7()));
        Ok(())
    });
    rotate.await.unwrap();
    assert_ne!(kid(&app).await, old);
    until("the other node signs with the new key", async || kid(&node).await != old).await;
    let after = login(&anon, "ada@example.org", PASSWORD).await.data(200);
    for (server, tokens) in [(&app, &before), (&app, &after), (&node, &before), (&node, &after)] {
        client_of(server, tokens).get(ME).await.expect(200);
    }
    let jwks = anon.get("/.well-known/jwks.json").await.json();
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 3, "next, active and retired");
    app.db_execute(
        "UPDATE auth.signing_keys SET retired_at = now() - interval '1 hour' WHERE state = 'retired'",
    )
    .await;
    assert_eq!(client_of(&app, &before).get(ME).await.status, 401);
    client_of(&app, &after).get(ME).await.expect(200);
}
