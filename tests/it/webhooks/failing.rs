//! Receivers that fail, and those beside them.

use std::time::Duration;

use inkstone::webhooks::sending::ANSWER_TIMEOUT;
use serde_json::{Value, json};

use super::receiver::{Receiver, Reply};
use super::{WEBHOOKS, deliveries, path_of, start, subscribe, until_in_state};
use crate::harness::machine::{ask, until};
use crate::harness::{Client, TestApp};

/// Moves all that is to come of deliveries into the past by `interval`.
async fn let_pass(app: &TestApp, interval: &str) {
    app.db_execute(&format!(
        "UPDATE webhook_deliveries
         SET due_at = due_at - interval '{interval}', first_tried_at = first_tried_at - interval '{interval}'"
    ))
    .await;
    app.db_execute(&format!("UPDATE webhooks SET failing_since = failing_since - interval '{interval}'"))
        .await;
}

/// Waits until so many tries of the first delivery are logged. A receiver has a try before it is.
async fn until_tried(admin: &Client, webhook: &Value, count: usize) {
    let is_logged = async || {
        let logged = deliveries(admin, webhook).await;
        logged.first().is_some_and(|one| one["attempts"].as_array().unwrap().len() == count)
    };
    until(&format!("{count} tries to be logged"), is_logged).await;
}

/// A receiver that has answered the first try of an article with `status`, and its webhook.
async fn fail_first_try(admin: &Client, status: u16) -> (Receiver, Value) {
    let receiver = Receiver::start();
    receiver.reply_with(status);
    let webhook = subscribe(admin, &receiver, &["article.*"]).await;
    admin.article("a", None).await;
    receiver.until_received(1).await;
    (receiver, webhook)
}

#[actix_web::test]
async fn a_delivery_that_failed_is_tried_again_before_those_behind_it() {
    let (app, admin) = start().await;
    let (receiver, webhook) = fail_first_try(&admin, 500).await;
    admin.article("b", None).await;
    until_in_state(&admin, &webhook, "pending", 2).await;
    let failing = admin.get(&path_of(&webhook)).await.data(200);
    assert!(failing["failing_since"].is_string() && failing["status"] == "enabled");
    receiver.reply_with(204);
    let_pass(&app, "6 seconds").await;
    let told = receiver.until_received(3).await;
    assert_eq!((&told[0].id, &told[0].raw), (&told[1].id, &told[1].raw), "the same message again");
    assert_ne!(told[1].id, told[2].id);
    until_in_state(&admin, &webhook, "delivered", 2).await;
    let logged = deliveries(&admin, &webhook).await;
    let attempts = &logged[0]["attempts"];
    let statuses = [&attempts[0]["status"], &attempts[1]["status"]];
    assert_eq!(statuses, [&json!(500), &json!(204)]);
    assert_eq!(admin.get(&path_of(&webhook)).await.data(200)["failing_since"], Value::Null);
}

#[actix_web::test]
async fn after_a_late_event_of_many_articles_the_next_waits_for_the_end_of_the_window() {
    let (app, admin) = start().await;
    let receiver = Receiver::start();
    receiver.reply_with(500);
    let body = json!({"url": receiver.url, "events": ["articles.changed"], "coalesce_seconds": 60});
    let webhook: Value = admin.post(WEBHOOKS, body).await.data(201);
    admin.article("a", None).await;
    until_tried(&admin, &webhook, 1).await;
    admin.article("b", None).await;
    until_in_state(&admin, &webhook, "pending", 2).await;
    receiver.reply_with(200);
    let_pass(&app, "2 minutes").await;
    until_in_state(&admin, &webhook, "delivered", 1).await;
    let waiting = &deliveries(&admin, &webhook).await[1];
    let due_at: chrono::DateTime<chrono::Utc> = waiting["due_at"].as_str().unwrap().parse().unwrap();
    assert!(due_at - chrono::Utc::now() > chrono::TimeDelta::seconds(20), "{waiting}");
}

#[actix_web::test]
async fn after_half_an_hour_a_delivery_is_parked_and_holds_up_nobody() {
    let (app, admin) = start().await;
    let (receiver, webhook) = fail_first_try(&admin, 503).await;
    admin.article("b", None).await;
    until_in_state(&admin, &webhook, "pending", 2).await;
    for (pause, tries) in [("6 seconds", 2), ("6 minutes", 3), ("25 minutes", 4)] {
        until_tried(&admin, &webhook, tries - 1).await;
        let_pass(&app, pause).await;
        receiver.until_received(tries).await;
        let own = receiver.received();
        assert!(own[..tries].iter().all(|one| one.id == own[0].id), "those behind it wait");
    }
    until_in_state(&admin, &webhook, "parked", 1).await;
    receiver.until_received(5).await;
    receiver.reply_with(200);
    let_pass(&app, "3 hours").await;
    until_in_state(&admin, &webhook, "delivered", 2).await;
}

#[actix_web::test]
async fn a_receiver_that_does_not_answer_delays_no_other() {
    let (_app, admin) = start().await;
    let (dead, slow, quick) = (Receiver::start(), Receiver::start(), Receiver::start());
    dead.reply(Reply::Never);
    slow.reply(Reply::Slowly(Duration::from_secs(5)));
    let hanging = subscribe(&admin, &dead, &["*"]).await;
    for receiver in [&slow, &quick] {
        subscribe(&admin, receiver, &["*"]).await;
    }
    for title in ["a", "b", "c"] {
        admin.article(title, None).await;
    }
    quick.until_received(3).await;
    assert!(slow.received().len() < 3 && dead.received().len() == 1);
    slow.until_received(3).await;
    let timed_out = async || {
        let logged = deliveries(&admin, &hanging).await;
        logged[0]["attempts"][0]["error"]
            .as_str()
            .is_some_and(|error| error.contains("longer than 15 seconds"))
    };
    until("the attempt to end", timed_out).await;
    let took = deliveries(&admin, &hanging).await[0]["attempts"][0]["duration_ms"].as_u64().unwrap();
    assert!(Duration::from_millis(took) >= ANSWER_TIMEOUT);
}

#[actix_web::test]
async fn redirects_are_not_followed() {
    let (_app, admin) = start().await;
    let (receiver, target) = (Receiver::start(), Receiver::start());
    receiver.reply(Reply::Status(
        307,
        vec![("location", target.url.clone()), ("set-cookie", "a=secret".to_owned())],
    ));
    let webhook = subscribe(&admin, &receiver, &["*"]).await;
    admin.act(&format!("{}/test", path_of(&webhook))).await.expect(202);
    until("the try to be logged", async || deliveries(&admin, &webhook).await[0]["attempts"][0].is_object())
        .await;
    let attempt = deliveries(&admin, &webhook).await[0]["attempts"][0].clone();
    assert_eq!(
        (&attempt["status"], &attempt["error"]),
        (&json!(307), &json!("the receiver redirects, which is not followed"))
    );
    assert_eq!(attempt["response_headers"]["location"], json!(target.url));
    assert!(attempt["response_headers"].get("set-cookie").is_none(), "it may be a secret");
    assert!(target.received().is_empty());
}

#[actix_web::test]
async fn a_receiver_can_say_when_it_wants_to_be_asked_again() {
    let (_app, admin) = start().await;
    let receiver = Receiver::start();
    receiver.reply(Reply::Status(429, vec![("retry-after", "900".to_owned())]));
    let webhook = subscribe(&admin, &receiver, &["article.*"]).await;
    admin.article("a", None).await;
    until("the try to be logged", async || {
        deliveries(&admin, &webhook).await.first().is_some_and(|one| one["attempts"][0].is_object())
    })
    .await;
    let logged = &deliveries(&admin, &webhook).await[0];
    let time = |value: &Value| value.as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let pause = time(&logged["due_at"]) - time(&logged["attempts"][0]["at"]);
    assert!((895..960).contains(&pause.num_seconds()), "{pause}");
}

#[actix_web::test]
async fn a_receiver_that_is_gone_is_told_nothing_more_and_the_admins_are_told() {
    let (app, admin) = start().await;
    let receiver = Receiver::start();
    receiver.reply_with(410);
    let webhook = subscribe(&admin, &receiver, &["article.*"]).await;
    admin.article("a", None).await;
    let status = async || admin.get(&path_of(&webhook)).await.data(200);
    until("the webhook to be disabled", async || status().await["status"] == "disabled").await;
    assert_eq!(status().await["disabled_reason"], "gone");
    assert_eq!(deliveries(&admin, &webhook).await[0]["state"], "failed");
    admin.article("b", None).await;
    receiver.reply_with(200);
    admin.act(&format!("{}/test", path_of(&webhook))).await.expect(202);
    let told = receiver.until_received(2).await;
    assert_eq!(told[1].body["type"], "webhook.test", "nothing but what is asked for");
    let mails = "SELECT string_agg(email_canonical, ',') FROM auth.outbox WHERE kind = 'webhook_disabled'";
    assert!(ask(&app.db.url, mails).await.starts_with("admin-"));
    let disabled = "/api/v1/audit?entity=webhook&action=disable";
    assert_eq!(admin.get(disabled).await.data(200).as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn a_webhook_is_disabled_when_all_tries_of_three_days_have_failed() {
    let (app, admin) = start().await;
    let (receiver, webhook) = fail_first_try(&admin, 500).await;
    until_in_state(&admin, &webhook, "pending", 1).await;
    app.db_execute("UPDATE webhook_deliveries SET tries = 9").await;
    let_pass(&app, "76 hours").await;
    let status = async || admin.get(&path_of(&webhook)).await.data(200);
    until("the webhook to be disabled", async || status().await["status"] == "disabled").await;
    assert_eq!(status().await["disabled_reason"], "failing");
    assert_eq!(deliveries(&admin, &webhook).await[0]["state"], "failed");
    receiver.reply_with(200);
    admin.patch(&path_of(&webhook), json!({"status": "enabled"})).await.expect(200);
    let all = json!({"since": "2026-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z", "state": "failed"});
    let replayed = admin.post(&format!("{}/replay", path_of(&webhook)), all).await.data(202);
    assert_eq!(replayed["replayed"], 1);
    until_in_state(&admin, &webhook, "delivered", 1).await;
}
