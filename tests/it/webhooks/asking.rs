//! Tests and replays that an admin asks for.

use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use inkstone::tx::Tx;
use inkstone::webhooks::queries::log;
use serde_json::{Value, json};

use super::receiver::{Receiver, Reply};
use super::{deliveries, path_of, start, subscribe, until_in_state};
use crate::harness::machine::ask;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[actix_web::test]
async fn a_test_reaches_a_webhook_that_is_disabled() {
    let (_app, admin) = start().await;
    let receiver = Receiver::start();
    let webhook = subscribe(&admin, &receiver, &["notice.*"]).await;
    admin.patch(&path_of(&webhook), json!({"status": "disabled"})).await.expect(200);
    admin.article("nobody is told", None).await;
    let test = admin.act(&format!("{}/test", path_of(&webhook))).await.data(202);
    let told = receiver.until_received(1).await;
    assert_eq!((&told[0].id, &told[0].body), (&test["id"].as_str().unwrap().to_owned(), &test["body"]));
    assert_eq!(told[0].body["type"], "webhook.test");
    until_in_state(&admin, &webhook, "delivered", 1).await;
    let logged = &deliveries(&admin, &webhook).await[0];
    assert_eq!(
        (&logged["attempts"][0]["status"], &logged["attempts"][0]["error"]),
        (&json!(200), &Value::Null)
    );
    assert_eq!(logged["due_at"], Value::Null);
}

#[actix_web::test]
async fn what_was_delivered_is_sent_once_more_as_it_was() {
    let (app, admin) = start().await;
    let receiver = Receiver::start();
    let webhook = subscribe(&admin, &receiver, &["article.*"]).await;
    for title in ["a", "b", "c"] {
        admin.article(title, None).await;
    }
    until_in_state(&admin, &webhook, "delivered", 3).await;
    let replay = format!("{}/replay", path_of(&webhook));
    let logged = deliveries(&admin, &webhook).await;
    let one = admin.post(&replay, json!({"delivery": logged[1]["id"]})).await.data(202);
    assert_eq!(one, json!({"replayed": 1, "has_more": false, "next_cursor": null}));
    let told = receiver.until_received(4).await;
    assert_eq!((&told[3].id, &told[3].raw), (&told[1].id, &told[1].raw));
    until_in_state(&admin, &webhook, "delivered", 3).await;
    app.db_execute(
        "UPDATE webhook_deliveries SET created_at = '2026-02-01'::timestamptz + interval '1 day' * place
         FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM webhook_deliveries) AS placed
         WHERE placed.id = webhook_deliveries.id",
    )
    .await;
    let span = json!({"since": "2026-02-02T00:00:00Z", "until": "2026-02-04T00:00:00Z"});
    assert_eq!(admin.post(&replay, span).await.data(202)["replayed"], 2, "the end of a span is not in it");
    until_in_state(&admin, &webhook, "delivered", 3).await;
    let all = json!({"since": "2026-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z", "state": "failed"});
    assert_eq!(admin.post(&replay, all).await.data(202)["replayed"], 0);
}

#[actix_web::test]
async fn a_replay_of_very_many_deliveries_goes_on_after_the_last() {
    let (app, admin) = start().await;
    let receiver = Receiver::start();
    // No try ends meanwhile.
    receiver.reply(Reply::Never);
    let webhook = subscribe(&admin, &receiver, &["notice.*"]).await;
    let id = webhook["id"].as_str().unwrap();
    let log = format!(
        "INSERT INTO webhook_deliveries (id, webhook_id, event, body, state, tries, ended_at, created_at)
         SELECT gen_random_uuid(), '{id}', 'notice.published', '{{}}', 'delivered', 1, now(), '2026-02-01'
         FROM generate_series(1, 10001)"
    );
    app.db_execute(&log).await;
    let replay = format!("{}/replay", path_of(&webhook));
    let mut span = json!({"since": "2026-01-01T00:00:00Z", "until": "2026-03-01T00:00:00Z"});
    let first = admin.post(&replay, span.clone()).await.data(202);
    assert_eq!((&first["replayed"], &first["has_more"]), (&json!(10_000), &json!(true)));
    // All that was sent has arrived: it could be sent once more.
    let delivered = "UPDATE webhook_deliveries SET state = 'delivered', tries = 1, ended_at = now()";
    app.db_execute(delivered).await;
    span["cursor"] = first["next_cursor"].clone();
    let rest = admin.post(&replay, span.clone()).await.data(202);
    assert_eq!(rest, json!({"replayed": 1, "has_more": false, "next_cursor": null}));
    app.db_execute(delivered).await;
    let last =
        "DELETE FROM webhook_deliveries WHERE id = (SELECT id FROM webhook_deliveries ORDER BY id LIMIT 1)";
    app.db_execute(last).await;
    span.as_object_mut().unwrap().remove("cursor");
    let all = admin.post(&replay, span).await.data(202);
    assert_eq!(all, json!({"replayed": 10_000, "has_more": false, "next_cursor": null}));
}

#[actix_web::test]
async fn the_log_of_webhooks_that_are_gone_is_found_without_reading_the_whole() {
    let (app, admin) = start().await;
    let receiver = Receiver::start();
    let webhook = subscribe(&admin, &receiver, &["notice.*"]).await;
    let id = webhook["id"].as_str().unwrap();
    let fill = |webhook: &str, count: usize| {
        format!(
            "INSERT INTO webhook_deliveries (id, webhook_id, event, body, state, tries, ended_at)
             SELECT gen_random_uuid(), {webhook}, 'notice.published', '{{}}', 'delivered', 1, now()
             FROM generate_series(1, {count})"
        )
    };
    app.db_execute(&fill(&format!("'{id}'"), 20_000)).await;
    for _ in 0..2 {
        let gone = format!("'{}'::uuid", uuid::Uuid::new_v4());
        app.db_execute(&fill(&gone, 5)).await;
    }
    app.db_execute("ANALYZE webhook_deliveries").await;
    let mut tx = app.shared.app.begin().await.unwrap();
    // What a connection reads is counted at once.
    let rows_read = "SELECT (pg_stat_get_xact_tuples_returned(oid) + coalesce((SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid))
                         FROM pg_index WHERE indrelid = pg_class.oid), 0))::bigint AS count
                     FROM pg_class WHERE oid = 'webhook_deliveries'::regclass";
    let count_read = async |tx: &mut Tx| {
        let row: Count = diesel::sql_query(rows_read).get_result(&mut **tx).await.unwrap();
        row.count
    };
    let before = count_read(&mut tx).await;
    while log::delete_orphans(&tx).await.unwrap() {}
    let read = count_read(&mut tx).await - before;
    assert!((10..1_000).contains(&read), "{read} rows and entries of indexes");
    tx.commit().await.unwrap();
    assert_eq!(ask(&app.db.url, "SELECT count(*) FROM webhook_deliveries").await, "20000");
}

#[actix_web::test]
async fn the_log_is_paged_and_filtered_and_ends_after_a_month() {
    let (app, admin) = start().await;
    let receiver = Receiver::start();
    let webhook = subscribe(&admin, &receiver, &["article.*"]).await;
    for _ in 0..3 {
        admin.act(&format!("{}/test", path_of(&webhook))).await.expect(202);
    }
    admin.article("a", None).await;
    until_in_state(&admin, &webhook, "delivered", 4).await;
    let path = format!("{}/deliveries", path_of(&webhook));
    let of_articles = admin.get(&format!("{path}?event=article.published&state=delivered")).await.data(200);
    assert_eq!(of_articles.as_array().unwrap().len(), 1);
    let page = admin.get(&format!("{path}?page_size=3&count=true")).await.expect(200).json();
    assert_eq!((&page["page"]["total"], &page["page"]["has_next"]), (&json!(4), &json!(true)));
    let next = format!("{path}?page_size=3&cursor={}", page["page"]["next_cursor"].as_str().unwrap());
    assert_eq!(admin.get(&next).await.data(200).as_array().unwrap().len(), 1);
    app.db_execute(
        "UPDATE webhook_deliveries SET created_at = now() - interval '31 days' WHERE event = 'webhook.test'",
    )
    .await;
    let tx = app.shared.app.begin().await.unwrap();
    assert!(!log::delete_old(&tx).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(deliveries(&admin, &webhook).await.len(), 1);
}
