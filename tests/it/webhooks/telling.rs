//! What receivers are told.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use inkstone::change_feed::cursor::Cursor;
use inkstone::change_feed::model::Head;
use inkstone::change_feed::queries::load_position;
use inkstone::webhooks::enqueuing::Enqueuer;
use serde_json::{Value, json};

use super::receiver::{Received, Receiver};
use super::{path_of, start, subscribe, until_in_state};
use crate::cache::staleness::Numbers;
use crate::harness::machine::{ask, execute, until};
use crate::harness::{Client, TestApp};

const ARTICLES: &str = "/api/v1/articles";
const NOTICES: &str = "/api/v1/notices";

fn id(thing: &Value) -> &str {
    thing["id"].as_str().unwrap()
}

async fn article(admin: &Client, slug: &str, status: &str) -> Value {
    let body = json!({"title": slug, "slug": slug, "body": "<p>a</p>", "status": status});
    admin.post(ARTICLES, body).await.data(201)
}

/// Waits until everything that was committed has been told to `receiver`: a last article is.
async fn settle(admin: &Client, receiver: &Receiver) -> Vec<String> {
    let last = format!("last-{}", receiver.received().len());
    article(admin, &last, "published").await;
    let expected = format!("article.published {last}");
    crate::harness::machine::until("the last article", async || receiver.summaries().contains(&expected))
        .await;
    let told = receiver.summaries();
    told.into_iter().filter(|summary| !summary.contains("last-")).collect()
}

#[actix_web::test]
async fn a_receiver_is_told_of_each_step_in_the_life_of_an_article() {
    let (_app, admin) = start().await;
    let receiver = Receiver::start();
    let webhook = subscribe(&admin, &receiver, &["*"]).await;
    let made = article(&admin, "tides", "draft").await;
    let path = format!("{ARTICLES}/{}", id(&made));
    let mut expected = Vec::new();
    for (change, event) in [
        (json!({"title": "still a draft"}), None),
        (json!({"status": "published"}), Some("published")),
        (json!({"title": "Tides"}), Some("updated")),
        (json!({"published_at": Utc::now() - TimeDelta::days(2)}), Some("updated")),
        (json!({"status": "archived"}), Some("unpublished")),
        (json!({"title": "nobody sees it"}), None),
        (json!({"status": "published"}), Some("published")),
    ] {
        admin.patch(&path, change).await.expect(200);
        expected.extend(event.map(|event| format!("article.{event} tides")));
        // Changes between two looks at the feed become one event.
        assert_eq!(settle(&admin, &receiver).await, expected);
    }
    admin.delete(&path).await.expect(204);
    expected.push("article.deleted tides".to_owned());
    assert_eq!(settle(&admin, &receiver).await, expected);
    admin.act(&format!("{path}/restore")).await.expect(200);
    expected.push("article.published tides".to_owned());
    assert_eq!(settle(&admin, &receiver).await, expected);
    for received in receiver.received() {
        let data = &received.body["data"];
        assert!(received.body["timestamp"].as_str().unwrap().parse::<DateTime<Utc>>().is_ok());
        let slug = data["slug"].as_str().unwrap();
        assert!(data["url"].as_str().unwrap().ends_with(&format!("/articles/{slug}")), "{data}");
        let is_gone = received.summary().contains("unpublished") || received.summary().contains("deleted");
        assert_eq!(data["version"].is_null(), is_gone, "{data}");
        assert_eq!(data.as_object().unwrap().len(), 4, "events are thin: {data}");
        assert!(received.is_signed_with(webhook["secret"].as_str().unwrap()));
        assert!(received.is_signed_by(webhook["public_key"].as_str().unwrap()));
    }
}

#[actix_web::test]
async fn what_visitors_do_not_see_is_not_told() {
    let (_app, admin) = start().await;
    let receiver = Receiver::start();
    subscribe(&admin, &receiver, &["*"]).await;
    let later = Utc::now() + TimeDelta::days(1);
    let made = article(&admin, "draft", "draft").await;
    let path = format!("{ARTICLES}/{}", id(&made));
    admin.patch(&path, json!({"status": "published", "published_at": later})).await.expect(200);
    admin.patch(&path, json!({"published_at": later + TimeDelta::hours(1)})).await.expect(200);
    admin.delete(&path).await.expect(204);
    let notice = json!({"kind": "notice", "title": "m", "status": "published", "audience": "members"});
    let notice = admin.post(NOTICES, notice).await.data(201);
    admin.patch(&format!("{NOTICES}/{}", id(&notice)), json!({"title": "n"})).await.expect(200);
    admin.delete(&format!("{NOTICES}/{}", id(&notice))).await.expect(204);
    assert_eq!(settle(&admin, &receiver).await, Vec::<String>::new());
}

#[actix_web::test]
async fn what_time_alone_changes_is_told_when_its_hour_has_come() {
    let (_app, admin) = start().await;
    let receiver = Receiver::start();
    subscribe(&admin, &receiver, &["*"]).await;
    let soon = Utc::now() + TimeDelta::seconds(8);
    let scheduled = json!({"title": "a", "slug": "soon", "status": "published", "published_at": soon});
    admin.post(ARTICLES, scheduled).await.expect(201);
    let expiring =
        json!({"kind": "notice", "title": "n", "slug": "brief", "status": "published", "expires_at": soon});
    admin.post(NOTICES, expiring).await.expect(201);
    receiver.until_received(3).await;
    let mut told = receiver.summaries();
    assert_eq!(told[0], "notice.published brief");
    told.sort();
    assert_eq!(told, ["article.published soon", "notice.published brief", "notice.unpublished brief"]);
}

#[actix_web::test]
async fn notices_and_categories_are_told_of() {
    let (_app, admin) = start().await;
    let receiver = Receiver::start();
    subscribe(&admin, &receiver, &["*"]).await;
    admin.category("news", None).await;
    let notice = json!({"kind": "announcement", "title": "n", "slug": "pause", "status": "published"});
    let notice = admin.post(NOTICES, notice).await.data(201);
    settle(&admin, &receiver).await;
    let path = format!("{NOTICES}/{}", id(&notice));
    admin.patch(&path, json!({"pinned": true})).await.expect(200);
    settle(&admin, &receiver).await;
    admin.patch(&path, json!({"audience": "members"})).await.expect(200);
    settle(&admin, &receiver).await;
    admin.delete("/api/v1/categories/news").await.expect(204);
    assert_eq!(
        settle(&admin, &receiver).await,
        [
            "category.changed news",
            "notice.published pause",
            "notice.updated pause",
            "notice.unpublished pause",
            "category.changed -"
        ]
    );
}

#[actix_web::test]
async fn receivers_get_what_they_ask_for() {
    let (_app, admin) = start().await;
    let (all, notices, published, changed) =
        (Receiver::start(), Receiver::start(), Receiver::start(), Receiver::start());
    subscribe(&admin, &all, &["*"]).await;
    subscribe(&admin, &notices, &["notice.*"]).await;
    subscribe(&admin, &published, &["article.published"]).await;
    let coalescing = subscribe(&admin, &changed, &["articles.changed"]).await;
    admin.patch(&path_of(&coalescing), json!({"coalesce_seconds": 3600})).await.expect(200);
    let body = json!({"kind": "notice", "title": "n", "slug": "n", "status": "published"});
    admin.post(NOTICES, body).await.expect(201);
    for number in 0..5 {
        let made = article(&admin, &format!("a{number}"), "published").await;
        settle(&admin, &all).await;
        admin.patch(&format!("{ARTICLES}/{}", id(&made)), json!({"title": "b"})).await.expect(200);
    }
    settle(&admin, &all).await;
    published.until_received(11).await;
    assert!(published.summaries().iter().all(|told| told.starts_with("article.published ")));
    notices.until_received(1).await;
    assert_eq!(notices.summaries(), ["notice.published n"]);
    let told = changed.until_received(1).await;
    assert_eq!(told.len(), 1, "the rest waits for the end of the window");
    assert_eq!(told[0].body["type"], "articles.changed");
    until_in_state(&admin, &coalescing, "pending", 1).await;
    let count = |body: &Value| body["data"]["count"].as_i64().unwrap();
    crate::harness::machine::until("all articles to be counted", async || {
        let waiting = super::deliveries(&admin, &coalescing).await;
        waiting.iter().map(|one| count(&one["body"])).sum::<i64>() == 16
    })
    .await;
    assert_eq!(super::deliveries(&admin, &coalescing).await.len(), 2);
}

/// What a receiver believes of an article after an event about it. Fails if the event does not fit to what it believed before.
fn believe(believed: Option<i64>, received: &Received) -> Option<i64> {
    let version = received.body["data"]["version"].as_i64();
    let summary = received.summary();
    match (summary.split(' ').next().unwrap(), believed, version) {
        ("article.published", None, Some(version)) => Some(version),
        ("article.updated", Some(before), Some(version)) if version > before => Some(version),
        ("article.unpublished" | "article.deleted", Some(_), None) => None,
        other => panic!("{other:?}: {received:?}"),
    }
}

#[actix_web::test]
async fn the_events_of_each_article_follow_from_one_another_however_quickly_it_changes() {
    let (app, admin) = start().await;
    let receiver = Receiver::start();
    subscribe(&admin, &receiver, &["article.*"]).await;
    let writers = (0..6).map(|writer| {
        let admin = &admin;
        async move {
            let mut numbers = Numbers::new(writer);
            for number in 0..15 {
                let made = article(admin, &format!("w{writer}-{number}"), "published").await;
                let path = format!("{ARTICLES}/{}", id(&made));
                for _ in 0..numbers.below(6) {
                    let status = *numbers.one_of(&["published", "archived", "draft"]);
                    match numbers.below(5) {
                        0 => drop(admin.delete(&path).await),
                        1 => drop(admin.act(&format!("{path}/restore")).await),
                        _ => drop(admin.patch(&path, json!({"status": status})).await),
                    }
                }
            }
        }
    });
    join_all(writers).await;
    settle(&admin, &receiver).await;
    let mut believed = BTreeMap::new();
    for received in receiver.received() {
        let id = received.body["data"]["id"].as_str().unwrap().to_owned();
        let before = believed.get(&id).copied().flatten();
        believed.insert(id, believe(before, &received));
    }
    let visible: BTreeMap<String, Option<i64>> =
        believed.into_iter().filter(|(_, version)| version.is_some()).collect();
    let rows = "SELECT coalesce(jsonb_object_agg(id, version), '{}')::text FROM articles WHERE status = 'published' AND deleted_at IS NULL";
    let rows: BTreeMap<String, Option<i64>> = serde_json::from_str(&ask(&app.db.url, rows).await).unwrap();
    assert_eq!(visible, rows, "what receivers believe is what there is");
}

#[actix_web::test]
async fn the_end_of_an_import_is_told() {
    let (_app, admin) = start().await;
    let receiver = Receiver::start();
    subscribe(&admin, &receiver, &["import.*", "article.*"]).await;
    let rows =
        json!([{"title": "a", "external_id": "1", "status": "published"}, {"title": "", "external_id": "2"}]);
    admin.post(&format!("{ARTICLES}/import"), rows.clone()).await.expect(200);
    admin.post(&format!("{ARTICLES}/import?dry_run=true"), rows).await;
    let told = receiver.until_received(2).await;
    assert_eq!(told[0].body["type"], "article.published", "the end comes after the rows");
    let expected = json!({"entity": "articles", "is_complete": true, "created": 1, "updated": 0, "unchanged": 0, "failed": 1});
    assert_eq!(told[1].body["data"], expected);
}

/// Lets the next `count` announcements fail.
async fn refuse_announcements(app: &TestApp, count: i64) {
    // A sequence counts what is rolled back too.
    let refuse = format!(
        "CREATE SEQUENCE refusals;
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN IF nextval('refusals') <= {count} THEN RAISE EXCEPTION 'refused'; END IF; RETURN NEW; END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON webhook_announcements FOR EACH ROW EXECUTE FUNCTION refuse()"
    );
    execute(&app.db.url, &refuse).await;
}

#[actix_web::test]
async fn the_end_of_an_import_is_told_though_it_cannot_be_recorded_at_once() {
    let (app, admin) = start().await;
    let receiver = Receiver::start();
    subscribe(&admin, &receiver, &["import.*"]).await;
    refuse_announcements(&app, 2).await;
    let rows = json!([{"title": "a", "external_id": "1", "status": "published"}]);
    admin.post(&format!("{ARTICLES}/import"), rows).await.expect(200);
    let told = receiver.until_received(1).await;
    assert_eq!(
        (&told[0].body["type"], &told[0].body["data"]["created"]),
        (&json!("import.finished"), &json!(1))
    );
    assert_eq!(admin.get("/api/v1/audit?entity=import").await.data(200).as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn an_import_of_one_transaction_is_stored_together_with_its_end() {
    let (app, admin) = start().await;
    let receiver = Receiver::start();
    subscribe(&admin, &receiver, &["import.*"]).await;
    refuse_announcements(&app, 1).await;
    let rows = json!([{"title": "a", "external_id": "1", "status": "published"}]);
    let path = format!("{ARTICLES}/import?atomic=true");
    assert_eq!(admin.post(&path, rows.clone()).await.status, 500);
    assert_eq!(ask(&app.db.url, "SELECT count(*) FROM articles").await, "0");
    admin.post(&path, rows).await.expect(200);
    assert_eq!(receiver.until_received(1).await[0].body["data"]["created"], 1);
}

#[actix_web::test]
async fn what_happens_while_all_are_disabled_is_not_taken_for_told() {
    let (_app, admin) = start().await;
    let receiver = Receiver::start();
    let webhook = subscribe(&admin, &receiver, &["article.*"]).await;
    let made = article(&admin, "a", "published").await;
    let path = format!("{ARTICLES}/{}", id(&made));
    admin.patch(&path, json!({"status": "draft"})).await.expect(200);
    let mut expected = settle(&admin, &receiver).await;
    admin.patch(&path_of(&webhook), json!({"status": "disabled"})).await.expect(200);
    admin.patch(&path, json!({"status": "published"})).await.expect(200);
    admin.patch(&path_of(&webhook), json!({"status": "enabled"})).await.expect(200);
    admin.patch(&path, json!({"status": "archived"})).await.expect(200);
    expected.push("article.unpublished a".to_owned());
    assert_eq!(
        settle(&admin, &receiver).await,
        expected,
        "the receiver may have learned of it in another way"
    );
}

#[actix_web::test]
async fn on_a_site_on_which_nothing_happens_the_position_is_not_moved_again_and_again() {
    let (app, admin) = start().await;
    let receiver = Receiver::start();
    subscribe(&admin, &receiver, &["*"]).await;
    let shared = &app.shared.app;
    let load_cursor = async || ask(&app.db.url, "SELECT cursor FROM webhook_position").await;
    until("the position to be at the end of the log", async || {
        let cursor = Cursor::open(&load_cursor().await, &shared.keys).unwrap();
        Head::find(shared).await.unwrap().is_reached_at(&cursor.before)
    })
    .await;
    // Another process, which has read the end of the log later, has moved it.
    let later = load_position(&shared.reader().await.unwrap()).await.unwrap();
    let later = Cursor::at(later, false).seal(&shared.keys);
    execute(&app.db.url, &format!("UPDATE webhook_position SET cursor = '{later}'")).await;
    let mut enqueuer = Enqueuer::default();
    for _ in 0..3 {
        enqueuer.enqueue_page(shared).await.unwrap();
        assert_eq!(load_cursor().await, later);
    }
}
