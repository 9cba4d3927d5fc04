//! Flows by mail: verifying an email, resetting a password, changing an email.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;
use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{ME, PASSWORD, login, masked, sign_in};
use crate::harness::machine::until;
use crate::harness::{Answer, Client, TestApp};

pub const REGISTER: &str = "/api/v1/auth/register";
pub const VERIFY: &str = "/api/v1/auth/email/verify";
pub const FORGOT: &str = "/api/v1/auth/password/forgot";
pub const RESET: &str = "/api/v1/auth/password/reset";
pub const NEW: &str = "four quite long words";

/// Starts a server that writes its mails into a folder; returns it, a visitor and the folder.
pub async fn start_with_mail() -> (TestApp, Client, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let (app, anon) = TestApp::start_with(&["--mail-url", &url, "--login-attempts", "1000"]).await;
    (app, anon, folder)
}

/// Reads the mails to `email`, decoded, in no order. Returns none if there is no folder yet.
pub fn read_mails(folder: &Path, email: &str) -> Vec<String> {
    let to = format!("To: {email}\n");
    let files = std::fs::read_dir(folder).into_iter().flatten();
    let texts = files.filter_map(|file| std::fs::read_to_string(file.unwrap().path()).ok());
    let texts = texts.map(|text| text.replace("\r\n", "\n"));
    texts
        .filter(|text| text.contains(&to) && text.trim_end().ends_with("--"))
        .map(|text| decode_mail(&text))
        .collect()
}

/// Decodes the parts of a mail.
fn decode_mail(mail: &str) -> String {
    let mut out = String::new();
    for part in mail.split("\n\n") {
        let block: String = part.lines().take_while(|line| !line.starts_with("--")).collect();
        match STANDARD.decode(&block).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
            Some(text) => out.push_str(&text),
            None => out.push_str(&part.replace("=\n", "").replace("=3D", "=")),
        }
        out.push('\n');
    }
    out
}

/// Waits until `count` mails were sent to `email`.
pub async fn wait_for_mails(folder: &tempfile::TempDir, email: &str, count: usize) -> Vec<String> {
    until("mail", async || read_mails(folder.path(), email).len() >= count).await;
    let mails = read_mails(folder.path(), email);
    assert_eq!(mails.len(), count);
    mails
}

/// Returns the token with `prefix` in a mail.
pub fn find_token(mail: &str, prefix: &str) -> String {
    let at = mail.find(prefix).unwrap_or_else(|| panic!("no {prefix} in {mail}"));
    let rest = &mail[at..];
    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect()
}

pub async fn register_member(anon: &Client, email: &str, password: &str) -> Answer {
    anon.post(REGISTER, json!({"email": email, "password": password, "display_name": "Ada"})).await
}

/// Registers a member with [`PASSWORD`] and verifies the email.
pub async fn register_verified(anon: &Client, folder: &tempfile::TempDir, email: &str) {
    register_member(anon, email, PASSWORD).await.expect(202);
    let token = find_token(&wait_for_mails(folder, email, 1).await[0], "inkv_");
    anon.post(VERIFY, json!({"token": token})).await.expect(204);
}

pub async fn reset_password(anon: &Client, token: &str, password: &str) -> Answer {
    anon.post(RESET, json!({"token": token, "password": password})).await
}

/// Requests a reset and returns the token of its mail. `known` are the tokens of earlier mails.
pub async fn request_reset(
    anon: &Client,
    folder: &tempfile::TempDir,
    email: &str,
    known: &[String],
) -> String {
    anon.post(FORGOT, json!({"email": email})).await.expect(202);
    let fresh = || {
        let mails = read_mails(folder.path(), email);
        let tokens = mails.iter().filter(|mail| mail.contains("inkp_")).map(|mail| find_token(mail, "inkp_"));
        tokens.filter(|token| !known.contains(token)).collect::<Vec<_>>()
    };
    until("the reset mail", async || !fresh().is_empty()).await;
    fresh().remove(0)
}

#[actix_web::test]
async fn a_registered_member_signs_in_after_verifying_the_email() {
    let (_app, anon, folder) = start_with_mail().await;
    register_member(&anon, "ada@example.org", PASSWORD).await.expect(202);
    let wrong = login(&anon, "nobody@example.org", PASSWORD).await.expect(401);
    assert_eq!(masked(&login(&anon, "ada@example.org", PASSWORD).await), masked(&wrong));
    let mail = wait_for_mails(&folder, "ada@example.org", 1).await.remove(0);
    let token = find_token(&mail, "inkv_");
    anon.post(VERIFY, json!({"token": token})).await.expect(204);
    let again = anon.post(VERIFY, json!({"token": token})).await;
    assert_eq!(again.problem(), (400, "invalid_token".to_owned()));
    login(&anon, "ada@example.org", PASSWORD).await.expect(200);
}

#[actix_web::test]
async fn a_registration_does_not_tell_whether_the_account_exists() {
    let (_app, anon, folder) = start_with_mail().await;
    register_verified(&anon, &folder, "ada@example.org").await;
    let new = register_member(&anon, "new@example.org", NEW).await.expect(202);
    let taken = register_member(&anon, "Ada@Example.org", NEW).await.expect(202);
    assert_eq!(new.text(), taken.text());
    let mails = wait_for_mails(&folder, "ada@example.org", 2).await;
    assert_eq!(mails.iter().filter(|mail| mail.contains("inkv_")).count(), 1);
    login(&anon, "ada@example.org", PASSWORD).await.expect(200);
    assert_eq!(login(&anon, "ada@example.org", NEW).await.status, 401);
}

#[actix_web::test]
async fn a_reset_works_once_and_ends_all_sessions() {
    let (app, anon, folder) = start_with_mail().await;
    register_verified(&anon, &folder, "ada@example.org").await;
    let before = sign_in(&app, "ada@example.org").await;
    let known = anon.post(FORGOT, json!({"email": "ada@example.org"})).await.expect(202);
    let unknown = anon.post(FORGOT, json!({"email": "nobody@example.org"})).await.expect(202);
    assert_eq!(known.text(), unknown.text());
    until("the reset mail", async || read_mails(folder.path(), "ada@example.org").len() == 2).await;
    let mail =
        read_mails(folder.path(), "ada@example.org").into_iter().find(|mail| mail.contains("inkp_")).unwrap();
    let first = find_token(&mail, "inkp_");
    let second = request_reset(&anon, &folder, "ada@example.org", std::slice::from_ref(&first)).await;
    let older = reset_password(&anon, &first, NEW).await;
    assert_eq!(older.problem(), (400, "invalid_token".to_owned()));
    let weak = reset_password(&anon, &second, "password1").await;
    assert_eq!(weak.problem(), (422, "weak_password".to_owned()));
    reset_password(&anon, &second, NEW).await.expect(204);
    assert_eq!(masked(&reset_password(&anon, &second, NEW).await), masked(&older));
    assert_eq!(before.get(ME).await.status, 401);
    assert_eq!(login(&anon, "ada@example.org", PASSWORD).await.status, 401);
    login(&anon, "ada@example.org", NEW).await.expect(200);
    until("the notice", async || read_mails(folder.path(), "ada@example.org").len() == 4).await;
    assert!(read_mails(folder.path(), "nobody@example.org").is_empty());
}

#[actix_web::test]
async fn of_a_hundred_parallel_resets_one_succeeds() {
    let (app, anon, folder) = start_with_mail().await;
    register_verified(&anon, &folder, "ada@example.org").await;
    let (_node, there) = TestApp::start_on(app.db.clone(), &["--login-attempts", "1000"]).await;
    let token = request_reset(&anon, &folder, "ada@example.org", &[]).await;
    let flood = (0..100).map(|number| {
        let client = if number % 2 == 0 { &anon } else { &there };
        let body = json!({"token": token, "password": format!("{NEW} {number}")});
        client.post(RESET, body)
    });
    let answers = join_all(flood).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 204).count(), 1);
    let refused: Vec<Value> = answers.iter().filter(|answer| answer.status != 204).map(masked).collect();
    assert!(refused.iter().all(|body| *body == refused[0] && body["status"] == 400), "{refused:?}");
}

#[actix_web::test]
async fn a_token_ends_with_its_time_and_with_a_change_of_email() {
    let (app, anon, folder) = start_with_mail().await;
    register_verified(&anon, &folder, "ada@example.org").await;
    let token = request_reset(&anon, &folder, "ada@example.org", &[]).await;
    app.db_execute("UPDATE auth.one_time_tokens SET expires_at = expires_at - interval '31 minutes'").await;
    assert_eq!(reset_password(&anon, &token, NEW).await.problem().1, "invalid_token");
}

#[actix_web::test]
async fn a_new_email_takes_effect_when_verified_and_the_old_one_is_notified() {
    let (app, anon, folder) = start_with_mail().await;
    register_verified(&anon, &folder, "ada@example.org").await;
    let ada = sign_in(&app, "ada@example.org").await;
    let change = |password: &str| json!({"email": "ada@example.net", "password": password});
    let path = "/api/v1/auth/email/change";
    assert_eq!(ada.post(path, change("not the password")).await.problem().1, "wrong_password");
    ada.post(path, change(PASSWORD)).await.expect(202);
    assert_eq!(ada.get(ME).await.data(200)["email"], "ada@example.org");
    let token = find_token(&wait_for_mails(&folder, "ada@example.net", 1).await[0], "inkv_");
    anon.post(VERIFY, json!({"token": token})).await.expect(204);
    assert_eq!(ada.get(ME).await.status, 401);
    assert_eq!(login(&anon, "ada@example.org", PASSWORD).await.status, 401);
    login(&anon, "ada@example.net", PASSWORD).await.expect(200);
    wait_for_mails(&folder, "ada@example.org", 2).await;
}

#[actix_web::test]
async fn links_use_the_configured_url_and_ignore_request_headers() {
    let (_app, anon, folder) = start_with_mail().await;
    let body =
        json!({"email": "ada@example.org", "password": PASSWORD, "display_name": "A\r\nBcc: b@example.org"});
    let request = anon.request(Method::POST, REGISTER).json(&body).header("x-forwarded-host", "evil.example");
    request.header("forwarded", "host=evil.example").send().await.expect(202);
    let mail = wait_for_mails(&folder, "ada@example.org", 1).await.remove(0);
    assert!(!mail.contains("evil.example"), "{mail}");
    assert!(mail.contains("http://127.0.0.1:8080/verify-email?token=inkv_"), "{mail}");
    assert!(!mail.lines().any(|line| line.starts_with("Bcc:")), "{mail}");
}

#[actix_web::test]
async fn mail_is_in_the_language_of_the_member() {
    let (_app, anon, folder) = start_with_mail().await;
    for (email, locale, words) in [
        ("li@example.org", "zh-CN", "请点击下面的链接确认您的邮箱"),
        ("ada@example.org", "en", "Please confirm"),
    ] {
        let body = json!({"email": email, "password": PASSWORD, "locale": locale});
        anon.post(REGISTER, body).await.expect(202);
        assert!(wait_for_mails(&folder, email, 1).await[0].contains(words), "{email}");
    }
}

#[actix_web::test]
async fn an_invited_member_chooses_a_password() {
    let (app, anon, folder) = start_with_mail().await;
    let admin = app.db_member(Role::Admin).await;
    let body = json!({"email": "lin@example.org", "role": "editor"});
    let made = admin.post("/api/v1/members", body).await.data(201);
    assert_eq!(made["email_verified"], false);
    let token = find_token(&wait_for_mails(&folder, "lin@example.org", 1).await[0], "inkp_");
    reset_password(&anon, &token, NEW).await.expect(204);
    let session = login(&anon, "lin@example.org", NEW).await.data(200);
    assert_eq!(session["member"]["role"], "editor");
}

#[actix_web::test]
async fn without_mail_invitations_are_refused_and_resets_are_accepted() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let refused = admin.post("/api/v1/members", json!({"email": "lin@example.org"})).await.expect(422);
    assert_eq!(refused.faults(), [("/password".to_owned(), "missing_field".to_owned())]);
    anon.post(FORGOT, json!({"email": "lin@example.org"})).await.expect(202);
}

#[actix_web::test]
async fn mails_to_one_mailbox_are_limited() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let (app, anon) = TestApp::start_with(&["--mail-url", &url]).await;
    app.db_execute("CREATE TABLE asked (kind text)").await;
    app.db_execute(
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN INSERT INTO asked VALUES (NEW.kind); RETURN NEW; END $$",
    )
    .await;
    app.db_execute("CREATE TRIGGER note BEFORE INSERT ON auth.outbox FOR EACH ROW EXECUTE FUNCTION note()")
        .await;
    for _ in 0..12 {
        anon.post(FORGOT, json!({"email": "ada@example.org"})).await.expect(202);
    }
    // The statement divides by zero if there are more.
    app.db_execute("SELECT 1 / (CASE WHEN (SELECT count(*) FROM asked) = 5 THEN 1 ELSE 0 END)").await;
}

#[actix_web::test]
async fn deleting_the_own_account_needs_the_password_and_removes_the_profile() {
    let (app, anon, folder) = start_with_mail().await;
    let admin = app.db_member(Role::Admin).await;
    register_verified(&anon, &folder, "ada@example.org").await;
    let ada = sign_in(&app, "ada@example.org").await;
    let id = ada.get(ME).await.data(200)["id"].as_str().unwrap().to_owned();
    let delete = |password: &str| ada.request(Method::DELETE, ME).json(&json!({"password": password}));
    assert_eq!(delete("not the password").send().await.problem().1, "wrong_password");
    delete(PASSWORD).send().await.expect(204);
    assert_eq!(ada.get(ME).await.status, 401);
    assert_eq!(admin.get(&format!("/api/v1/members/{id}")).await.status, 404);
    assert_eq!(login(&anon, "ada@example.org", PASSWORD).await.status, 401);
    register_member(&anon, "ada@example.org", NEW).await.expect(202);
    let gone = format!(
        "SELECT 1 / (SELECT count(*)::int FROM members WHERE id = '{id}' AND email = '' AND display_name = '')"
    );
    app.db_execute(&gone).await;
}

/// Returns the permissions of a file or a folder.
fn mode_of(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[actix_web::test]
async fn nobody_else_on_the_machine_reads_mails_in_files() {
    // A new folder, and one of an earlier version with a mail that everybody may read.
    for is_old in [false, true] {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("some/mail");
        if is_old {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
            std::fs::write(folder.join("old.eml"), "inkv_").unwrap();
            std::fs::set_permissions(folder.join("old.eml"), Permissions::from_mode(0o644)).unwrap();
        }
        let (_app, anon) =
            TestApp::start_with(&["--mail-url", &format!("file://{}", folder.display())]).await;
        register_member(&anon, "ada@example.org", PASSWORD).await.expect(202);
        until("mail", async || !read_mails(&folder, "ada@example.org").is_empty()).await;
        assert_eq!(mode_of(&folder), 0o700);
        for file in std::fs::read_dir(&folder).unwrap() {
            assert_eq!(mode_of(&file.unwrap().path()), 0o600);
        }
    }
}

#[actix_web::test]
async fn a_folder_with_other_files_is_not_closed_to_others() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    std::fs::write(folder.path().join("index.html"), "").unwrap();
    let url = format!("file://{}", folder.path().display());
    let (_app, anon) = TestApp::start_with(&["--mail-url", &url]).await;
    register_member(&anon, "ada@example.org", PASSWORD).await.expect(202);
    until("mail", async || !read_mails(folder.path(), "ada@example.org").is_empty()).await;
    assert_eq!(mode_of(folder.path()), 0o755);
}
