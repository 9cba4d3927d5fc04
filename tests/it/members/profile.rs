//! A member's own profile.

use inkstone::operations::Role;
use serde_json::json;

use super::ME;
use crate::harness::TestApp;

#[actix_web::test]
async fn a_patch_changes_its_fields_and_keeps_the_others() {
    let (app, _) = TestApp::start().await;
    let member = app.db_member(Role::Member).await;
    let picture = "https://example.org/a.png";
    let first = json!({"display_name": "Ada", "phone": "+86 10 1234", "avatar_url": picture});
    member.patch(ME, first).await.expect(200);
    let after = member.patch(ME, json!({"organisation": "Metrology", "title": "Dr"})).await.data(200);
    assert_eq!((&after["display_name"], &after["phone"]), (&json!("Ada"), &json!("+86 10 1234")));
    assert_eq!((&after["organisation"], &after["avatar_url"]), (&json!("Metrology"), &json!(picture)));
    let cleared = member.patch(ME, json!({"avatar_url": null})).await.data(200);
    assert_eq!((&cleared["avatar_url"], &cleared["title"]), (&json!(null), &json!("Dr")));
    assert_eq!(member.get(ME).await.data(200), cleared);
}

#[actix_web::test]
async fn a_member_cannot_change_fields_that_only_admins_change() {
    let (app, _) = TestApp::start().await;
    let member = app.db_member(Role::Member).await;
    let before = member.get(ME).await.data(200);
    for (key, value) in [
        ("role", "admin"),
        ("status", "active"),
        ("email", "x@example.org"),
        ("password", "three new words"),
        ("id", "0199f0a2-b6c5-7d3e-9f0a-1b2c3d4e5f60"),
        ("version", "9"),
    ] {
        let answer = member.patch(ME, json!({"display_name": "Eve", key: value})).await.expect(422);
        assert_eq!(answer.faults(), [(format!("/{key}"), "unknown_field".to_owned())]);
    }
    assert_eq!(member.get(ME).await.data(200), before);
}

#[actix_web::test]
async fn all_faults_of_a_profile_are_reported_together() {
    let (app, _) = TestApp::start().await;
    let member = app.db_member(Role::Member).await;
    let body = json!({"display_name": null, "avatar_url": "javascript:x()", "bio": "x".repeat(2001)});
    let mut faults = member.patch(ME, body).await.expect(422).faults();
    faults.sort();
    let fault = |place: &str, code: &str| (place.to_owned(), code.to_owned());
    let wanted = [
        fault("/avatar_url", "invalid_format"),
        fault("/bio", "too_long"),
        fault("/display_name", "wrong_type"),
    ];
    assert_eq!(faults, wanted);
}

#[actix_web::test]
async fn a_change_to_an_old_version_is_refused() {
    let (app, _) = TestApp::start().await;
    let member = app.db_member(Role::Member).await;
    let seen = member.get(ME).await.expect(200).header("etag").to_owned();
    let change = async |name: &str| {
        let request = member.request(reqwest::Method::PATCH, ME).header("if-match", &seen);
        request.json(&json!({"display_name": name})).send().await
    };
    assert_eq!(change("Ada").await.data(200)["version"], 2);
    let refused = change("Eve").await.expect(412);
    assert_eq!(refused.json()["current_version"], 2);
    assert_eq!(member.get(ME).await.data(200)["display_name"], "Ada");
}

#[actix_web::test]
async fn a_patch_that_changes_nothing_makes_no_new_version() {
    let (app, _) = TestApp::start().await;
    let member = app.db_member(Role::Member).await;
    let before = member.get(ME).await.data(200);
    let name = json!({"display_name": before["display_name"]});
    assert_eq!(member.patch(ME, name).await.data(200), before);
    assert_eq!(member.patch(ME, json!({})).await.data(200), before);
}

#[actix_web::test]
async fn a_profile_is_complete_when_all_required_fields_are_set() {
    let (app, _) = TestApp::start_with(&["--profile-fields", "display_name,phone"]).await;
    let member = app.db_member(Role::Member).await;
    let before = member.get(ME).await.data(200);
    assert_eq!(
        (&before["profile_missing"], &before["profile_completed_at"]),
        (&json!(["phone"]), &json!(null))
    );
    let done = member.patch(ME, json!({"phone": "+49 30 1234"})).await.data(200);
    assert_eq!(done["profile_missing"], json!([]));
    assert!(done["profile_completed_at"].is_string());
    let later = member.patch(ME, json!({"bio": "Writes."})).await.data(200);
    assert_eq!(later["profile_completed_at"], done["profile_completed_at"]);
    let undone = member.patch(ME, json!({"phone": " "})).await.data(200);
    assert_eq!(
        (&undone["profile_missing"], &undone["profile_completed_at"]),
        (&json!(["phone"]), &json!(null))
    );
}

#[actix_web::test]
async fn the_export_of_own_data_holds_no_secret() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    cast.author.post("/api/v1/articles", json!({"title": "Mine"})).await.expect(201);
    let answer = cast.author.get(&format!("{ME}/export")).await.expect(200);
    let data = answer.json()["data"].clone();
    assert_eq!(data["profile"]["id"], cast.author.id.unwrap().to_string());
    assert_eq!(data["sessions"][0]["current"], true);
    assert_eq!(
        (&data["activity"][0]["action"], &data["activity"][0]["entity"]),
        (&json!("create"), &json!("article"))
    );
    for secret in ["hash", "inkr_", "password", "no password"] {
        assert!(!answer.text().contains(secret), "{secret}");
    }
    assert!(!answer.text().contains(&cast.admin.id.unwrap().to_string()));
}
