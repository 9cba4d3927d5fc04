//! Accounts that a stranger makes before the owner of the mailbox does.

use inkstone::db::pool::open_client;
use inkstone::operations::Role;
use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;

use super::mail::{
    NEW, REGISTER, VERIFY, find_token, read_mails, register_verified, reset_password, start_with_mail,
    wait_for_mails,
};
use super::{ME, PASSWORD, login, register, sign_in};
use crate::harness::machine::{ask, execute, until};
use crate::harness::{Client, TestApp};

const ADA: &str = "ada@example.org";
/// The password of a stranger.
const EVIL: &str = "a stranger was here";

async fn register_as(client: &Client, password: &str) {
    let body = json!({"email": ADA, "password": password, "display_name": "Visit https://evil.example"});
    client.post(REGISTER, body).await.expect(202);
}

/// Registers Ada with each of `passwords` and returns the tokens of the mails.
async fn register_with(anon: &Client, folder: &TempDir, passwords: &[&str]) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    for password in passwords {
        register_as(anon, password).await;
        let fresh = || {
            let mails = read_mails(folder.path(), ADA);
            let found = mails.iter().map(|mail| find_token(mail, "inkv_"));
            found.filter(|token| !tokens.contains(token)).collect::<Vec<_>>()
        };
        until("the mail of a registration", async || !fresh().is_empty()).await;
        let token = fresh().remove(0);
        tokens.push(token);
    }
    tokens
}

/// Verifies the email with a token of an account whose password is disputed, and sets a password.
async fn verify_and_set_password(anon: &Client, token: &str) {
    let answer = anon.post(VERIFY, json!({"token": token})).await;
    assert_eq!(answer.data(200)["status"], "password_required");
    for password in [EVIL, PASSWORD] {
        assert_eq!(login(anon, ADA, password).await.status, 401, "{password}");
    }
    reset_password(anon, token, NEW).await.expect(204);
    assert_eq!(reset_password(anon, token, EVIL).await.problem().1, "invalid_token");
    login(anon, ADA, EVIL).await.expect(401);
    login(anon, ADA, NEW).await.expect(200);
}

#[actix_web::test]
async fn the_click_of_the_owner_confirms_no_password_of_a_stranger() {
    // The passwords in their order, and the link that the owner clicks.
    for (passwords, clicked) in [([EVIL, PASSWORD], 0), ([EVIL, PASSWORD], 1), ([PASSWORD, EVIL], 0)] {
        let (app, anon, folder) = start_with_mail().await;
        let tokens = register_with(&anon, &folder, &passwords).await;
        verify_and_set_password(&anon, &tokens[clicked]).await;
        let answer = anon.post(VERIFY, json!({"token": tokens[1 - clicked]})).await;
        assert_eq!(answer.problem(), (400, "invalid_token".to_owned()));
        assert_eq!(ask(&app.db.url, "SELECT display_name FROM members").await, "");
    }
}

#[actix_web::test]
async fn a_registration_that_is_sent_twice_does_not_need_another_password() {
    let (_app, anon, folder) = start_with_mail().await;
    let tokens = register_with(&anon, &folder, &[PASSWORD, PASSWORD]).await;
    anon.post(VERIFY, json!({"token": tokens[0]})).await.expect(204);
    login(&anon, ADA, PASSWORD).await.expect(200);
}

#[actix_web::test]
async fn of_two_registrations_at_once_none_is_forgotten() {
    let (app, anon, folder) = start_with_mail().await;
    let other = open_client(&app.db.url).await.unwrap();
    let stranger = "BEGIN;
        INSERT INTO members (id, email, email_canonical) VALUES (gen_random_uuid(), 'ada@example.org', 'ada@example.org');
        INSERT INTO auth.passwords (member_id, hash) SELECT id, 'the hash of a stranger' FROM members";
    other.batch_execute(stranger).await.unwrap();
    let committing = async {
        let waiting = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        until("the registration", async || ask(&app.db.url, waiting).await == "1").await;
        other.batch_execute("COMMIT").await.unwrap();
    };
    tokio::join!(register_as(&anon, PASSWORD), committing);
    let token = find_token(&wait_for_mails(&folder, ADA, 1).await[0], "inkv_");
    verify_and_set_password(&anon, &token).await;
}

/// Starts a server with mail over the database of a server without, where a stranger is signed in
/// with Ada's email.
async fn start_with_stranger() -> (TestApp, TestApp, Client, Client, TempDir) {
    let (without_mail, anon) = TestApp::start().await;
    register(&anon, ADA).await;
    let there = sign_in(&without_mail, ADA).await;
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let flags = ["--mail-url", &url, "--login-attempts", "1000"];
    let (with_mail, anon) = TestApp::start_on(without_mail.db.clone(), &flags).await;
    let stranger = Client::new(&with_mail.url, there.token.clone());
    (without_mail, with_mail, anon, stranger, folder)
}

#[actix_web::test]
async fn a_pending_change_of_email_ends_with_the_confirmation() {
    let (_without, app, anon, stranger, folder) = start_with_stranger().await;
    let change = json!({"email": "evil@example.net", "password": PASSWORD});
    stranger.post("/api/v1/auth/email/change", change).await.expect(202);
    let evil = find_token(&wait_for_mails(&folder, "evil@example.net", 1).await[0], "inkv_");
    // Another request whose mail was not sent yet.
    let pending = "INSERT INTO auth.outbox (id, kind, email_canonical, recipient, member_id, due_at)
        SELECT gen_random_uuid(), 'change_email', email_canonical, 'evil2@example.net', id, now() + interval '1 hour' FROM members";
    execute(&app.db.url, pending).await;
    anon.post("/api/v1/auth/email/resend", json!({"email": ADA})).await.expect(202);
    let token = find_token(&wait_for_mails(&folder, ADA, 1).await[0], "inkv_");
    anon.post(VERIFY, json!({"token": token})).await.expect(204);
    assert_eq!(stranger.get(ME).await.status, 401);
    let answer = anon.post(VERIFY, json!({"token": evil})).await;
    assert_eq!(answer.problem(), (400, "invalid_token".to_owned()));
    let state = "SELECT (SELECT email FROM members) || (SELECT count(*) FROM auth.outbox WHERE kind = 'change_email')";
    assert_eq!(ask(&app.db.url, state).await, format!("{ADA}0"));
}

#[actix_web::test]
async fn a_password_that_a_stranger_changes_while_the_email_waits_is_not_confirmed() {
    let (_without, _app, anon, stranger, folder) = start_with_stranger().await;
    let change = json!({"current_password": PASSWORD, "new_password": EVIL});
    stranger.post("/api/v1/auth/password/change", change).await.expect(200);
    anon.post("/api/v1/auth/email/resend", json!({"email": ADA})).await.expect(202);
    let mails = || read_mails(folder.path(), ADA).into_iter().find(|mail| mail.contains("inkv_"));
    until("the mail", async || mails().is_some()).await;
    verify_and_set_password(&anon, &find_token(&mails().unwrap(), "inkv_")).await;
}

#[actix_web::test]
async fn a_stranger_who_registers_an_invited_email_does_not_get_its_role() {
    let (app, anon, folder) = start_with_mail().await;
    let admin = app.db_member(Role::Admin).await;
    admin.post("/api/v1/members", json!({"email": ADA, "role": "editor"})).await.expect(201);
    register_as(&anon, EVIL).await;
    let mails = || read_mails(folder.path(), ADA).into_iter().find(|mail| mail.contains("inkv_"));
    until("the mail", async || mails().is_some()).await;
    verify_and_set_password(&anon, &find_token(&mails().unwrap(), "inkv_")).await;
}

#[actix_web::test]
async fn a_stranger_cannot_use_up_the_mails_of_the_owner() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let flags = ["--mail-url", &url, "--trusted-proxies", "127.0.0.0/8"];
    let (app, anon) = TestApp::start_with(&flags).await;
    let request = |path: &str, network: &str| {
        let body = match path {
            REGISTER => json!({"email": ADA, "password": PASSWORD}),
            _ => json!({"email": ADA}),
        };
        anon.request(Method::POST, path).json(&body).header("x-forwarded-for", network)
    };
    for path in [REGISTER, "/api/v1/auth/email/resend", "/api/v1/auth/password/forgot"] {
        for _ in 0..8 {
            request(path, "203.0.113.66").send().await.expect(202);
        }
        let sent = "SELECT count(*) FROM auth.outbox";
        until("an empty outbox", async || ask(&app.db.url, sent).await == "0").await;
        let before = read_mails(folder.path(), ADA).len();
        request(path, "198.51.100.7").send().await.expect(202);
        until("the mail of the owner", async || read_mails(folder.path(), ADA).len() == before + 1).await;
    }
}

#[actix_web::test]
async fn mails_to_unverified_emails_have_no_words_of_a_stranger() {
    let (app, anon, folder) = start_with_mail().await;
    register_as(&anon, EVIL).await;
    register_verified(&anon, &folder, "mo@example.org").await;
    let mo = sign_in(&app, "mo@example.org").await;
    mo.patch(ME, json!({"display_name": "Visit https://evil.example"})).await.expect(200);
    let change = json!({"email": "li@example.org", "password": PASSWORD});
    mo.post("/api/v1/auth/email/change", change).await.expect(202);
    let admin = app.db_member(Role::Admin).await;
    let invited = json!({"email": "lin@example.org", "display_name": "Visit https://evil.example"});
    admin.post("/api/v1/members", invited).await.expect(201);
    for email in [ADA, "li@example.org", "lin@example.org"] {
        let mail = wait_for_mails(&folder, email, 1).await.remove(0);
        assert!(!mail.contains("Visit") && !mail.contains("evil.example"), "{mail}");
    }
}

#[actix_web::test]
async fn a_mail_for_one_member_is_not_sent_for_the_next_with_the_email() {
    let (app, anon, folder) = start_with_mail().await;
    register_verified(&anon, &folder, ADA).await;
    let other = app.db_member(Role::Member).await.id.unwrap();
    let late = format!(
        "INSERT INTO auth.outbox (id, kind, email_canonical, recipient, member_id)
         VALUES (gen_random_uuid(), 'change_email', '{ADA}', 'evil@example.net', '{other}')"
    );
    execute(&app.db.url, &late).await;
    until("an empty outbox", async || ask(&app.db.url, "SELECT count(*) FROM auth.outbox").await == "0")
        .await;
    assert_eq!(
        ask(&app.db.url, "SELECT count(*) FROM auth.one_time_tokens WHERE purpose = 'change_email'").await,
        "0"
    );
}

#[actix_web::test]
async fn an_email_in_another_unicode_form_does_not_divert_the_mails() {
    let (_app, anon, folder) = start_with_mail().await;
    let body = json!({"email": "ａｄａ@example.org", "password": EVIL});
    anon.post(REGISTER, body).await.expect(202);
    wait_for_mails(&folder, ADA, 1).await;
}
