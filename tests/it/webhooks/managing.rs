//! Webhooks as admins manage them.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::receiver::Receiver;
use super::{WEBHOOKS, path_of, start, subscribe};
use crate::harness::machine::ask;

#[actix_web::test]
async fn a_webhook_is_created_read_changed_and_deleted() {
    let (_app, admin) = start().await;
    let body =
        json!({"url": "https://example.org/hook", "events": ["notice.published", "article.*", "article.*"]});
    let answer = admin.post(WEBHOOKS, body).await.expect(201);
    let mut made = answer.json()["data"].clone();
    assert_eq!(answer.header("location"), path_of(&made));
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    assert!(made["public_key"].as_str().unwrap().starts_with("whpk_"));
    assert_eq!(made["events"], json!(["article.*", "notice.published"]), "each once");
    assert_eq!((&made["status"], &made["coalesce_seconds"]), (&json!("enabled"), &json!(10)));
    made.as_object_mut().unwrap().remove("secret");
    assert_eq!(admin.get(&path_of(&made)).await.data(200), made);
    assert_eq!(admin.get(WEBHOOKS).await.data(200), json!([made]));
    let changed = admin.patch(&path_of(&made), json!({"status": "disabled", "description": "site"})).await;
    let changed = changed.data(200);
    assert_eq!((&changed["disabled_reason"], &changed["version"]), (&json!("by_admin"), &json!(2)));
    let stale = admin.request(Method::PATCH, &path_of(&made)).header("if-match", "\"1\"");
    assert_eq!(stale.json(&json!({"status": "enabled"})).send().await.status, 412);
    let enabled = admin.patch(&path_of(&made), json!({"status": "enabled"})).await.data(200);
    assert_eq!(enabled["disabled_reason"], Value::Null);
    admin.delete(&path_of(&made)).await.expect(204);
    assert_eq!(admin.get(&path_of(&made)).await.status, 404);
}

#[actix_web::test]
async fn a_secret_is_told_once_and_stands_nowhere() {
    let (app, admin) = start().await;
    let receiver = Receiver::start();
    let made = subscribe(&admin, &receiver, &["*"]).await;
    let secret = made["secret"].as_str().unwrap();
    admin.act(&format!("{}/test", path_of(&made))).await.expect(202);
    assert!(receiver.until_received(1).await[0].is_signed_with(secret));
    let rotated = admin.act(&format!("{}/rotate", path_of(&made))).await.data(200);
    let other = rotated["secret"].as_str().unwrap();
    assert_ne!(secret, other);
    for path in [
        WEBHOOKS.to_owned(),
        path_of(&made),
        format!("{}/deliveries", path_of(&made)),
        "/api/v1/audit".to_owned(),
    ] {
        let text = admin.get(&path).await.expect(200).text();
        assert!(
            !text.contains("whsec_") && !text.contains(&secret[6..]) && !text.contains(&other[6..]),
            "{path}"
        );
    }
    for table in ["webhooks", "webhook_deliveries", "webhook_attempts", "changes", "idempotency_keys"] {
        for text in [&secret[6..], &other[6..]] {
            let sql = format!("SELECT count(*) FROM {table} AS row WHERE row::text LIKE '%{text}%'");
            assert_eq!(ask(&app.db.url, &sql).await, "0", "{table}");
        }
    }
}

#[actix_web::test]
async fn after_a_rotation_both_secrets_sign_for_a_day() {
    let (app, admin) = start().await;
    let receiver = Receiver::start();
    let made = subscribe(&admin, &receiver, &["*"]).await;
    let rotated = admin.act(&format!("{}/rotate", path_of(&made))).await.data(200);
    let text = |webhook: &Value, key: &str| webhook[key].as_str().unwrap().to_owned();
    let signed = |number: usize, webhook: &Value| {
        let received = &receiver.received()[number];
        (
            received.is_signed_with(&text(webhook, "secret")),
            received.is_signed_by(&text(webhook, "public_key")),
        )
    };
    admin.act(&format!("{}/test", path_of(&made))).await.expect(202);
    receiver.until_received(1).await;
    assert_eq!((signed(0, &made), signed(0, &rotated)), ((true, true), (true, true)));
    app.db_execute("UPDATE webhooks SET former_secret_until = now()").await;
    admin.act(&format!("{}/test", path_of(&made))).await.expect(202);
    receiver.until_received(2).await;
    assert_eq!((signed(1, &made), signed(1, &rotated)), ((false, false), (true, true)));
}

#[actix_web::test]
async fn a_secret_that_was_replaced_signs_until_its_own_day_is_over() {
    let (app, admin) = start().await;
    let receiver = Receiver::start();
    let made = subscribe(&admin, &receiver, &["*"]).await;
    let rotate = format!("{}/rotate", path_of(&made));
    let secret_of = |webhook: &Value| webhook["secret"].as_str().unwrap().to_owned();
    let mut secrets = vec![secret_of(&made)];
    for _ in 0..4 {
        secrets.push(secret_of(&admin.act(&rotate).await.data(200)));
    }
    let test = async |secrets: &[String], number: usize| {
        admin.act(&format!("{}/test", path_of(&made))).await.expect(202);
        let received = receiver.until_received(number).await.remove(number - 1);
        secrets.iter().map(|secret| received.is_signed_with(secret)).collect::<Vec<_>>()
    };
    assert_eq!(test(&secrets, 1).await, [true; 5]);
    let refused = admin.act(&rotate).await;
    assert_eq!(refused.problem(), (409, "too_many_secrets".to_owned()));
    let day_of_the_first = "UPDATE webhooks SET earlier_secrets_until[3] = now(), former_secret_until = now() + interval '1 hour'";
    app.db_execute(day_of_the_first).await;
    assert_eq!(test(&secrets, 2).await, [false, true, true, true, true]);
    secrets.push(secret_of(&admin.act(&rotate).await.data(200)));
    assert_eq!(test(&secrets, 3).await, [false, true, true, true, true, true]);
}

#[actix_web::test]
async fn a_secret_that_was_replaced_before_the_schema_had_several_signs_until_its_day_is_over() {
    let (app, admin) = start().await;
    let receiver = Receiver::start();
    let made = subscribe(&admin, &receiver, &["*"]).await;
    let old_shape = "UPDATE webhooks SET secret_number = 2, former_secret_until = now() + interval '1 hour'";
    app.db_execute(old_shape).await;
    let rotated = admin.act(&format!("{}/rotate", path_of(&made))).await.data(200);
    admin.act(&format!("{}/test", path_of(&made))).await.expect(202);
    let received = receiver.until_received(1).await.remove(0);
    for webhook in [&made, &rotated] {
        assert!(received.is_signed_with(webhook["secret"].as_str().unwrap()));
    }
}

#[actix_web::test]
async fn a_site_has_a_hundred_webhooks_at_most() {
    let (app, admin) = start().await;
    app.db_execute(
        "INSERT INTO webhooks (id, url, description, events, coalesce_seconds)
         SELECT gen_random_uuid(), 'https://example.org', '', '{*}', 10 FROM generate_series(1, 100)",
    )
    .await;
    let body = json!({"url": "https://example.org/hook", "events": ["*"]});
    assert_eq!(admin.post(WEBHOOKS, body).await.problem(), (409, "too_many_webhooks".to_owned()));
}

#[actix_web::test]
async fn what_is_wrong_with_a_webhook_is_told_at_once() {
    let (app, admin) = start().await;
    let body =
        json!({"url": "ftp://example.org", "events": ["article.read"], "coalesce_seconds": 0, "secret": "x"});
    let faults = admin.post(WEBHOOKS, body).await.faults();
    let places: Vec<&str> = faults.iter().map(|(place, _)| place.as_str()).collect();
    for place in ["/coalesce_seconds", "/events/0", "/secret", "/url"] {
        assert!(places.contains(&place), "{place}: {places:?}");
    }
    let made = admin.post(WEBHOOKS, json!({"url": "https://example.org", "events": ["*"]})).await.data(201);
    for (body, place) in [
        (json!({}), "/since"),
        (json!({"since": "2026-01-01T00:00:00Z"}), "/until"),
        (json!({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}), "/until"),
        (json!({"delivery": made["id"], "since": "2026-01-02T00:00:00Z"}), "/delivery"),
    ] {
        let faults =
            admin.post(&format!("{}/replay", path_of(&made)), body.clone()).await.expect(422).faults();
        assert_eq!(faults[0].0, place, "{body}");
    }
    let unknown = json!({"delivery": made["id"]});
    assert_eq!(admin.post(&format!("{}/replay", path_of(&made)), unknown).await.status, 404);
    let editor = app.db_member(Role::Editor).await;
    assert_eq!(editor.get(WEBHOOKS).await.status, 403);
}
