//! Limits on login attempts, which are counted on all nodes together.

use reqwest::Method;
use serde_json::json;

use super::{PASSWORD, login, register};
use crate::harness::{Answer, Client, TestApp};

const WRONG: &str = "three wrong words";

/// Logs in with an `X-Forwarded-For` of `address`.
async fn login_from(client: &Client, address: &str, password: &str) -> Answer {
    let body = json!({"email": "ada@example.org", "password": password});
    let request = client.request(Method::POST, "/api/v1/auth/login").json(&body);
    request.header("x-forwarded-for", address).send().await
}

#[actix_web::test]
async fn a_guesser_is_throttled_whatever_network_it_claims() {
    let (app, anon) = TestApp::start().await;
    let (_node, there) = TestApp::start_on(app.db.clone(), &[]).await;
    register(&anon, "ada@example.org").await;
    let mut judged = 0;
    for number in 0..100 {
        let client = if number % 2 == 0 { &anon } else { &there };
        let answer = login_from(client, &format!("198.51.100.{number}"), WRONG).await;
        judged += usize::from(answer.status == 401);
        if answer.status == 429 {
            assert_eq!(answer.problem().1, "too_many_requests");
            assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
            assert!(
                answer.header("ratelimit").starts_with("\"login\";r=0;t="),
                "{}",
                answer.header("ratelimit")
            );
        }
    }
    assert!((5..=10).contains(&judged), "{judged} guesses were judged");
    // The right password does not evade the limit.
    assert_eq!(login(&anon, "ada@example.org", PASSWORD).await.status, 429);
    app.db_execute("UPDATE auth.throttles SET free_at = now()").await;
    login(&anon, "ada@example.org", PASSWORD).await.expect(200);
}

#[actix_web::test]
async fn the_owner_signs_in_from_a_known_network_during_an_attack_from_many() {
    let (app, anon) = TestApp::start_with(&["--trusted-proxies", "127.0.0.0/8"]).await;
    register(&anon, "ada@example.org").await;
    login_from(&anon, "203.0.113.9", PASSWORD).await.expect(200);
    let mut judged = 0;
    for number in 0..40 {
        judged += usize::from(login_from(&anon, &format!("198.51.100.{number}"), WRONG).await.status == 401);
    }
    assert!(judged <= 12, "{judged} guesses were judged");
    assert_eq!(login_from(&anon, "198.51.100.77", PASSWORD).await.status, 429);
    login_from(&anon, "203.0.113.9", PASSWORD).await.expect(200);
    app.db_execute("UPDATE auth.throttles SET window_ends = now(), free_at = now()").await;
    login_from(&anon, "198.51.100.77", PASSWORD).await.expect(200);
}

#[actix_web::test]
async fn a_series_of_refused_logins_is_recorded_once() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(inkstone::operations::Role::Admin).await;
    let id = register(&anon, "ada@example.org").await["id"].clone();
    for _ in 0..7 {
        login(&anon, "ada@example.org", WRONG).await;
    }
    let trail = admin.get("/api/v1/audit?action=login_refused").await.data(200);
    assert_eq!(trail.as_array().unwrap().len(), 1);
    assert_eq!(trail[0]["entity_id"], id);
}

#[actix_web::test]
async fn a_series_of_refused_logins_from_many_networks_is_recorded_once() {
    let (app, anon) = TestApp::start_with(&["--trusted-proxies", "127.0.0.0/8"]).await;
    let admin = app.db_member(inkstone::operations::Role::Admin).await;
    let id = register(&anon, "ada@example.org").await["id"].clone();
    for number in 0..15 {
        login_from(&anon, &format!("198.51.100.{number}"), WRONG).await;
    }
    let trail = admin.get("/api/v1/audit?action=login_refused").await.data(200);
    assert_eq!(trail.as_array().unwrap().len(), 1);
    assert_eq!(trail[0]["entity_id"], id);
}

#[actix_web::test]
async fn right_passwords_are_not_counted() {
    let (_app, anon) = TestApp::start().await;
    register(&anon, "ada@example.org").await;
    for _ in 0..12 {
        let answer = login(&anon, "ada@example.org", PASSWORD).await.expect(200);
        assert!(answer.header("ratelimit-policy").starts_with("\"login\";q=5;w=900"));
    }
}
