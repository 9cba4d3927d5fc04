//! Changes that come between the check of a password and what it permits.

use argon2::password_hash::PasswordHasher;
use inkstone::db::pool::open_client;
use reqwest::Method;
use serde_json::{Value, json};

use super::{ME, PASSWORD, login, register, sign_in};
use crate::harness::machine::{ask, execute, until};
use crate::harness::{Answer, Client, TestApp};

const ADA: &str = "ada@example.org";
const LOGIN: &str = "/api/v1/auth/login";
const NEW: &str = "four quite long words";

/// What may happen to an account while a password is checked.
const CHANGES: [&str; 3] = [
    "UPDATE auth.passwords SET hash = 'another'",
    "UPDATE members SET status = 'suspended'",
    "UPDATE members SET deleted_at = now(), email_canonical = 'gone'",
];

/// Sends a request whose transaction finds the members locked, makes `change`, and returns the answer.
///
/// The lock is held from before the request until the change is committed, so the password is
/// checked before the change, and its transaction goes on after it.
async fn overtake(app: &TestApp, change: &str, request: impl Future<Output = Answer>) -> Answer {
    let other = open_client(&app.db.url).await.unwrap();
    other.batch_execute("BEGIN; SELECT 1 FROM members FOR UPDATE").await.unwrap();
    let changing = async {
        let waiting = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        until("a request that waits", async || ask(&app.db.url, waiting).await == "1").await;
        other.batch_execute(&format!("{change}; COMMIT")).await.unwrap();
    };
    let (answer, ()) = tokio::join!(request, changing);
    answer
}

/// Returns the number of open sessions.
async fn count_sessions(app: &TestApp) -> String {
    ask(&app.db.url, "SELECT count(*) FROM auth.sessions WHERE revoked_at IS NULL").await
}

#[actix_web::test]
async fn a_login_that_a_change_of_the_account_overtakes_opens_no_session() {
    for change in CHANGES {
        let (app, anon) = TestApp::start().await;
        register(&anon, ADA).await;
        let answer = overtake(&app, change, login(&anon, ADA, PASSWORD)).await;
        assert_eq!(answer.problem(), (401, "invalid_credentials".to_owned()), "{change}");
        assert_eq!(count_sessions(&app).await, "0", "{change}");
    }
}

#[actix_web::test]
async fn a_change_with_an_own_password_that_is_overtaken_changes_nothing() {
    let requests: [(Method, &str, Value); 3] = [
        (
            Method::POST,
            "/api/v1/auth/password/change",
            json!({"current_password": PASSWORD, "new_password": NEW}),
        ),
        (
            Method::POST,
            "/api/v1/auth/email/change",
            json!({"email": "ada@example.net", "password": PASSWORD}),
        ),
        (Method::DELETE, ME, json!({"password": PASSWORD})),
    ];
    for change in &CHANGES[..2] {
        for (method, path, body) in &requests {
            let (app, anon) = TestApp::start().await;
            register(&anon, ADA).await;
            let ada = sign_in(&app, ADA).await;
            let request = ada.request(method.clone(), path).json(body).send();
            let answer = overtake(&app, change, request).await;
            assert_eq!(answer.problem(), (403, "wrong_password".to_owned()), "{method} {path}: {change}");
            let state = "SELECT (SELECT count(*) FROM members WHERE email_canonical = 'ada@example.org'
                                 AND deleted_at IS NULL)::text || (SELECT count(*) FROM auth.sessions)::text";
            assert_eq!(ask(&app.db.url, state).await, "11", "{method} {path}: {change}");
        }
    }
}

/// Stores a hash of [`PASSWORD`] with parameters that are below the current ones.
async fn store_stale_hash(app: &TestApp) {
    let params = argon2::Params::new(8_192, 1, 1, None).unwrap();
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let hash = argon2.hash_password(PASSWORD.as_bytes()).unwrap().to_string();
    execute(&app.db.url, &format!("UPDATE auth.passwords SET hash = '{hash}'")).await;
}

#[actix_web::test]
async fn the_renewal_of_a_hash_does_not_bring_an_old_password_back() {
    let (app, anon) = TestApp::start().await;
    register(&anon, ADA).await;
    store_stale_hash(&app).await;
    overtake(&app, CHANGES[0], login(&anon, ADA, PASSWORD)).await.expect(401);
    assert_eq!(ask(&app.db.url, "SELECT hash FROM auth.passwords").await, "another");
    store_stale_hash(&app).await;
    login(&anon, ADA, PASSWORD).await.expect(200);
    let renewed = ask(&app.db.url, "SELECT hash FROM auth.passwords").await;
    assert!(renewed.starts_with("$argon2id$v=19$m=19456,"), "{renewed}");
    login(&anon, ADA, PASSWORD).await.expect(200);
}

/// Whether an attempt at any account is counted.
async fn sum_attempts(app: &TestApp) -> String {
    ask(&app.db.url, "SELECT coalesce(sum(attempts), 0) FROM auth.throttles").await
}

/// Sends a login while the table that it needs is locked, so that it is answered 503.
async fn log_in_in_vain(app: &TestApp, anon: &Client, table: &str, password: &str) {
    let other = open_client(&app.db.url).await.unwrap();
    other.batch_execute(&format!("BEGIN; LOCK TABLE {table}")).await.unwrap();
    let body = json!({"email": ADA, "password": password});
    let answer = anon.request(Method::POST, LOGIN).json(&body).send().await;
    assert_eq!(answer.status, 503, "{table}: {}", answer.text());
}

#[actix_web::test]
async fn a_login_that_is_refused_with_503_does_not_count_as_a_failure() {
    let (app, anon) = TestApp::start().await;
    register(&anon, ADA).await;
    let before = sum_attempts(&app).await;
    // Each table stops the login at another step, after at least one rule has counted it.
    for (table, password) in [("auth.sessions", PASSWORD), ("auth.passwords", "three wrong words")] {
        log_in_in_vain(&app, &anon, table, password).await;
        assert_eq!(sum_attempts(&app).await, before, "{table}");
    }
    login(&anon, ADA, PASSWORD).await.expect(200);
}
