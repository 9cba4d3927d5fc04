//! Operations of admins on members.

use futures::future::join;
use inkstone::operations::Role;
use serde_json::{Value, json};

use super::{ME, PASSWORD, login, register, walked};
use crate::harness::{Client, TestApp, column};

const MEMBERS: &str = "/api/v1/members";

fn member_path(client: &Client) -> String {
    format!("{MEMBERS}/{}", client.id.unwrap())
}

#[actix_web::test]
async fn an_admin_creates_members_of_any_role_who_can_sign_in() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let body = json!({"email": "Lin@example.org", "password": PASSWORD, "role": "editor"});
    let answer = admin.post(MEMBERS, body.clone()).await.expect(201);
    let location = answer.header("location").to_owned();
    let made = answer.data(201);
    assert_eq!((&made["role"], &made["email"]), (&json!("editor"), &json!("Lin@example.org")));
    assert_eq!(location, format!("{MEMBERS}/{}", made["id"].as_str().unwrap()));
    assert_eq!(admin.get(&location).await.data(200), made);
    login(&anon, "lin@example.org", PASSWORD).await.expect(200);
    assert_eq!(admin.post(MEMBERS, body).await.problem(), (409, "email_taken".to_owned()));
}

#[actix_web::test]
async fn unknown_roles_and_statuses_are_refused() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let body = json!({"email": "a@example.org", "password": PASSWORD, "role": "root"});
    let refused = admin.post(MEMBERS, body).await.expect(422);
    assert_eq!(refused.faults(), [("/role".to_owned(), "unknown_value".to_owned())]);
    let patch = json!({"status": "banned", "email": "b@example.org"});
    let mut faults = admin.patch(&member_path(&admin), patch).await.expect(422).faults();
    faults.sort();
    let wanted = [("/email", "unknown_field"), ("/status", "unknown_value")];
    assert_eq!(faults, wanted.map(|(place, code)| (place.to_owned(), code.to_owned())));
}

#[actix_web::test]
async fn the_list_is_filtered_by_role_and_status() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let suspended = json!({"status": "suspended"});
    cast.admin.patch(&member_path(&cast.author), suspended).await.expect(200);
    let listed = async |query: &str| {
        let mut roles = column(&cast.admin.get(&format!("{MEMBERS}?{query}")).await.data(200), "role");
        roles.sort();
        roles.join(" ")
    };
    assert_eq!(listed("role=author,editor").await, "author editor");
    assert_eq!(listed("status=suspended").await, "author");
    assert_eq!(listed("status=active&role=author,admin").await, "admin");
    assert_eq!(listed("").await, "admin author editor member");
    let unknown = cast.admin.get(&format!("{MEMBERS}?role=root")).await;
    assert_eq!(unknown.problem(), (400, "invalid_parameter".to_owned()));
}

#[actix_web::test]
async fn both_ways_of_paging_and_both_orders_list_each_member_once() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let admin = &cast.admin;
    let oldest = walked(admin, &format!("{MEMBERS}?page_size=3&sort=created_at"), "role").await;
    assert_eq!(oldest, ["member", "author", "editor", "admin"]);
    let newest = walked(admin, &format!("{MEMBERS}?page_size=1"), "role").await;
    assert_eq!(newest, ["admin", "editor", "author", "member"]);
    let second = admin.get(&format!("{MEMBERS}?page_size=3&page=2&count=true")).await.json();
    assert_eq!(column(&second["data"], "role"), ["member"]);
    assert_eq!((&second["page"]["total"], &second["page"]["number"]), (&json!(4), &json!(2)));
}

#[actix_web::test]
async fn members_added_or_deleted_meanwhile_do_not_disturb_paging() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let first = cast.admin.get(&format!("{MEMBERS}?page_size=2")).await.json();
    assert_eq!(column(&first["data"], "role"), ["admin", "editor"]);
    app.db_member(Role::Admin).await;
    cast.admin.delete(&member_path(&cast.editor)).await.expect(204);
    let cursor = first["page"]["next_cursor"].as_str().unwrap();
    let rest = cast.admin.get(&format!("{MEMBERS}?page_size=2&cursor={cursor}")).await.json();
    assert_eq!(column(&rest["data"], "role"), ["author", "member"]);
    let elsewhere = cast.admin.get(&format!("{MEMBERS}?role=author&cursor={cursor}")).await;
    assert_eq!(elsewhere.problem(), (400, "invalid_cursor".to_owned()));
}

#[actix_web::test]
async fn a_deleted_member_is_gone_and_the_email_is_free() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let first = register(&anon, "ada@example.org").await;
    let path = format!("{MEMBERS}/{}", first["id"].as_str().unwrap());
    admin.delete(&path).await.expect(204);
    for answer in [admin.get(&path).await, admin.delete(&path).await, admin.patch(&path, json!({})).await] {
        assert_eq!(answer.problem(), (404, "not_found".to_owned()));
    }
    assert_eq!(admin.get(&format!("{MEMBERS}?count=true")).await.json()["page"]["total"], 1);
    assert_ne!(register(&anon, "ada@example.org").await["id"], first["id"]);
}

#[actix_web::test]
async fn the_last_active_admin_cannot_be_demoted_suspended_or_deleted() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let path = member_path(&admin);
    let sleeper = app.db_member(Role::Admin).await;
    admin.patch(&member_path(&sleeper), json!({"status": "suspended"})).await.expect(200);
    for answer in [
        admin.patch(&path, json!({"role": "editor"})).await,
        admin.patch(&path, json!({"status": "suspended"})).await,
        admin.delete(&path).await,
    ] {
        assert_eq!(answer.problem(), (409, "last_admin".to_owned()));
    }
    let me = admin.get(ME).await.data(200);
    assert_eq!((&me["role"], &me["status"], &me["version"]), (&json!("admin"), &json!("active"), &json!(1)));
}

#[actix_web::test]
async fn an_admin_can_be_deleted_if_another_remains() {
    let (app, _) = TestApp::start().await;
    let (leaving, staying) = (app.db_member(Role::Admin).await, app.db_member(Role::Admin).await);
    leaving.delete(&member_path(&leaving)).await.expect(204);
    let refused = staying.delete(&member_path(&staying)).await;
    assert_eq!(refused.problem(), (409, "last_admin".to_owned()));
}

#[actix_web::test]
async fn of_two_admins_who_demote_each_other_at_once_one_remains() {
    let (app, _) = TestApp::start().await;
    let (one, other) = (app.db_member(Role::Admin).await, app.db_member(Role::Admin).await);
    let role = async |client: &Client| client.get(ME).await.data(200)["role"].clone();
    for round in 0..8 {
        let demotion: Value = json!({"role": "member"});
        let (at_other, at_one) = (member_path(&other), member_path(&one));
        let both = join(one.patch(&at_other, demotion.clone()), other.patch(&at_one, demotion.clone())).await;
        let codes = [both.0.status, both.1.status];
        assert!(codes.iter().all(|status| matches!(status, 200 | 403 | 409)), "round {round}: {codes:?}");
        let roles = [role(&one).await, role(&other).await];
        assert_eq!(roles.iter().filter(|role| **role == "admin").count(), 1, "round {round}: {codes:?}");
        app.db_execute("UPDATE members SET role = 'admin'").await;
    }
}

#[actix_web::test]
async fn of_two_admins_who_delete_their_accounts_at_once_one_remains() {
    let (app, _) = TestApp::start().await;
    let (one, other) = (app.db_member(Role::Admin).await, app.db_member(Role::Admin).await);
    for _ in 0..4 {
        let (mine, theirs) = (member_path(&one), member_path(&other));
        let both = join(one.delete(&mine), other.delete(&theirs)).await;
        let mut statuses = [both.0.status, both.1.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 409]);
        app.db_execute("UPDATE members SET deleted_at = NULL").await;
        app.db_execute("UPDATE auth.sessions SET revoked_at = NULL").await;
    }
}

#[actix_web::test]
async fn members_are_found_by_name_or_email_and_by_verification() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for (email, name) in [("ada@example.org", "陈墨"), ("bob@example.net", "Bob_100%")] {
        let body = json!({"email": email, "password": super::PASSWORD, "display_name": name});
        anon.post("/api/v1/auth/register", body).await.expect(201);
    }
    app.db_execute("UPDATE members SET email_verified_at = now() WHERE email = 'ada@example.org'").await;
    for (query, found) in [
        ("q=%E9%99%88", vec!["ada@example.org"]),
        ("q=EXAMPLE.NET", vec!["bob@example.net"]),
        ("q=100%25", vec!["bob@example.net"]),
        ("q=nobody", vec![]),
        ("verified=true", vec!["ada@example.org"]),
        ("verified=false&role=member", vec!["bob@example.net"]),
    ] {
        let list = admin.get(&format!("/api/v1/members?{query}")).await.data(200);
        assert_eq!(column(&list, "email"), found, "{query}");
    }
}
