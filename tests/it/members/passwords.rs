//! The rules for passwords, and that no answer holds one.

use inkstone::operations::Role;
use serde_json::json;

use super::{ME, PASSWORD, login, register, sign_in};
use crate::harness::TestApp;

const REGISTER: &str = "/api/v1/auth/register";

#[actix_web::test]
async fn a_password_that_is_too_short_too_long_or_the_own_email_is_refused() {
    let (_app, anon) = TestApp::start().await;
    for (password, code) in [
        ("seven c".to_owned(), "too_short"),
        (String::new(), "too_short"),
        ("x".repeat(1025), "too_long"),
        ("é".repeat(600), "too_long"),
        ("Ada.Lovelace".to_owned(), "weak_password"),
        ("ADA.lovelace@example.org".to_owned(), "weak_password"),
    ] {
        let body = json!({"email": "ada.lovelace@example.org", "password": password});
        let answer = anon.post(REGISTER, body).await.expect(422);
        assert_eq!(answer.faults(), [("/password".to_owned(), code.to_owned())], "{password}");
    }
}

#[actix_web::test]
async fn a_password_may_hold_any_characters_up_to_the_limit() {
    let (_app, anon) = TestApp::start().await;
    let passwords =
        ["ab 12 #! z".to_owned(), "x".repeat(1024), "密码八个字符够了".to_owned(), "🔑".repeat(8)];
    for (number, password) in passwords.iter().enumerate() {
        let email = format!("m{number}@example.org");
        anon.post(REGISTER, json!({"email": email, "password": password})).await.expect(201);
        login(&anon, &email, password).await.expect(200);
    }
}

#[actix_web::test]
async fn both_unicode_forms_of_a_password_sign_in() {
    let (_app, anon) = TestApp::start().await;
    let (composed, decomposed) = ("cr\u{e8}me br\u{fb}l\u{e9}e", "cre\u{300}me bru\u{302}le\u{301}e");
    for (email, chosen) in [("a@example.org", composed), ("b@example.org", decomposed)] {
        anon.post(REGISTER, json!({"email": email, "password": chosen})).await.expect(201);
        for typed in [composed, decomposed] {
            login(&anon, email, typed).await.expect(200);
        }
        login(&anon, email, "creme brulee").await.expect(401);
    }
}

#[actix_web::test]
async fn every_character_of_a_long_password_counts() {
    let (_app, anon) = TestApp::start().await;
    let head = "x".repeat(72);
    let body = json!({"email": "ada@example.org", "password": format!("{head}right")});
    anon.post(REGISTER, body).await.expect(201);
    login(&anon, "ada@example.org", &format!("{head}wrong")).await.expect(401);
    login(&anon, "ada@example.org", &head).await.expect(401);
    login(&anon, "ada@example.org", &format!("{head}right")).await.expect(200);
}

#[actix_web::test]
async fn no_answer_holds_a_password_or_its_hash() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let account = |email| json!({"email": email, "password": PASSWORD});
    let registered = anon.post(REGISTER, account("a@example.org")).await.expect(201);
    let member = sign_in(&app, "a@example.org").await;
    let id = registered.json()["data"]["id"].as_str().unwrap().to_owned();
    let one = format!("/api/v1/members/{id}");
    let answers = [
        registered,
        login(&anon, "a@example.org", PASSWORD).await.expect(200),
        anon.post(REGISTER, account("A@example.org")).await.expect(409),
        anon.post(REGISTER, json!({"email": PASSWORD, "password": PASSWORD})).await.expect(422),
        admin.post("/api/v1/members", account("b@example.org")).await.expect(201),
        member.get(ME).await.expect(200),
        member.patch(ME, json!({"bio": "x"})).await.expect(200),
        admin.get(&one).await.expect(200),
        admin.patch(&one, json!({"role": "author"})).await.expect(200),
        admin.get("/api/v1/members").await.expect(200),
        admin.get("/api/v1/audit").await.expect(200),
    ];
    for text in answers.iter().map(|answer| answer.text().to_lowercase()) {
        assert!(!text.contains(PASSWORD) && !text.contains("argon2") && !text.contains("hash"), "{text}");
    }
}

#[actix_web::test]
async fn a_nul_in_a_password_is_no_internal_error() {
    let (_app, anon) = TestApp::start().await;
    register(&anon, "ada@example.org").await;
    let answer = login(&anon, "ada@example.org", "three\0words").await.expect(422);
    assert_eq!(answer.faults(), [("/password".to_owned(), "invalid_format".to_owned())]);
}
