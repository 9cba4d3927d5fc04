//! The archive: how many articles came out in each month.

use chrono::TimeDelta;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use inkstone::articles::queries::archive::{join_article_months, month_statement};
use inkstone::db;
use inkstone::operations::Role;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::cache::{fill, list_forgotten};
use crate::harness::machine::{ask, until};

const ARCHIVE: &str = "/api/v1/articles/archive";

async fn published(editor: &Client, at: &str, category: Option<&str>) -> Value {
    create(editor, json!({"published_at": at, "category": category})).await
}

/// The months with their counts.
async fn months(client: &Client, query: &str) -> String {
    let rows = client.get(&format!("{ARCHIVE}?{query}")).await.data(200);
    let one = |row: &Value| format!("{}:{}", row["month"].as_str().unwrap(), row["count"]);
    rows.as_array().unwrap().iter().map(one).collect::<Vec<_>>().join(" ")
}

async fn join_lines(app: &TestApp) {
    app.shared.app.write(async |tx| Ok(join_article_months(tx).await?)).await.unwrap();
}

#[actix_web::test]
async fn months_are_those_of_the_site_and_their_rows_open_them() {
    let (app, anon) = TestApp::start().await;
    let cast = app.db_cast().await;
    let editor = &cast.editor;
    for (slug, parent) in [("news", None), ("local", Some("news")), ("other", None)] {
        editor.category(slug, parent).await;
    }
    // The site is eight hours ahead of UTC.
    published(editor, "2019-08-31T15:59:59Z", Some("news")).await;
    let first = published(editor, "2019-08-31T16:00:00Z", Some("local")).await;
    published(editor, "2019-09-30T15:59:59.999Z", Some("other")).await;
    published(editor, "2019-12-31T16:00:00Z", None).await;
    for hidden in [
        json!({"published_at": "2019-09-10T00:00:00Z", "status": "draft"}),
        json!({"published_at": "2019-09-10T00:00:00Z", "status": "archived"}),
        json!({"published_at": "2999-09-10T00:00:00Z", "category": "news"}),
    ] {
        create(editor, hidden).await;
    }
    for _ in 0..2 {
        for client in [&anon, &cast.member, editor] {
            assert_eq!(months(client, "").await, "2020-01:1 2019-09:2 2019-08:1");
            assert_eq!(months(client, "category=news").await, "2019-09:1 2019-08:1");
            assert_eq!(months(client, "category=news&descendants=false").await, "2019-08:1");
            assert_eq!(months(client, "category=local").await, "2019-09:1");
        }
        let rows = anon.get(ARCHIVE).await.data(200);
        assert_eq!(
            rows[1],
            json!({"month": "2019-09", "count": 2, "from": "2019-08-31T16:00:00Z", "to": "2019-09-30T16:00:00Z"})
        );
        for row in rows.as_array().unwrap() {
            let time = |key: &str| row[key].as_str().unwrap().to_owned();
            let query = format!("published_from={}&published_to={}&count=true", time("from"), time("to"));
            let list = anon.get(&format!("{ARTICLES}?{query}")).await.json();
            assert_eq!(list["page"]["total"], row["count"]);
        }
        join_lines(&app).await;
        app.shared.app.follower.forget_answers();
    }
    assert_eq!(ask(&app.db.url, "SELECT count(*) FROM (SELECT FROM article_months GROUP BY category_id, month HAVING count(*) > 1) AS many").await, "0");
    // Each change counts at once.
    editor.patch(&at(&first), json!({"published_at": "2018-01-01T00:00:00Z"})).await.expect(200);
    assert_eq!(months(&anon, "").await, "2020-01:1 2019-09:1 2019-08:1 2018-01:1");
    editor.patch(&at(&first), json!({"category": "other"})).await.expect(200);
    assert_eq!(months(&anon, "category=other").await, "2019-09:1 2018-01:1");
    editor.delete(&at(&first)).await.expect(204);
    assert_eq!(months(&anon, "category=other").await, "2019-09:1");
    let unknown = anon.get(&format!("{ARCHIVE}?category=nowhere")).await;
    assert_eq!(unknown.faults(), [("category".to_owned(), "invalid_parameter".to_owned())]);
    app.db_execute("DELETE FROM articles WHERE published_at < '2019-10-01'").await;
    assert_eq!(months(&anon, "").await, "2020-01:1");
    app.db_execute("TRUNCATE articles CASCADE").await;
    assert_eq!(months(&anon, "").await, "");
}

#[actix_web::test]
async fn another_time_zone_counts_anew() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    published(&admin, "2019-08-31T20:00:00Z", None).await;
    assert_eq!(months(&anon, "").await, "2019-09:1");
    for (zone, month, from) in [
        ("UTC", "2019-08:1", "2019-08-01T00:00:00Z"),
        ("America/New_York", "2019-08:1", "2019-08-01T04:00:00Z"),
        ("Asia/Kathmandu", "2019-09:1", "2019-08-31T18:15:00Z"),
    ] {
        admin.patch("/api/v1/site", json!({"timezone": zone})).await.expect(200);
        assert_eq!(months(&anon, "").await, month, "{zone}");
        assert_eq!(anon.get(ARCHIVE).await.data(200)[0]["from"], from, "{zone}");
    }
    // A name that PostgreSQL does not know stops no writer.
    app.db_execute("UPDATE site SET timezone = 'Not/Known'").await;
    published(&admin, "2019-08-31T23:00:00Z", None).await;
    assert_eq!(months(&anon, "").await, "2019-08:2");
}

#[actix_web::test]
async fn a_writer_beside_a_change_of_the_time_zone_is_counted_in_the_new_one() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let insert = "INSERT INTO articles (id, slug, title, summary, body, sanitizer, status, published_at)
        VALUES (gen_random_uuid(), 's', 'T', '', '', 1, 'published', '2019-08-31T20:00:00Z')";
    let mut writer = db::pool::open(app.db.url.clone()).await.unwrap();
    writer.batch_execute("BEGIN").await.unwrap();
    writer.batch_execute(insert).await.unwrap();
    let change = admin.patch("/api/v1/site", json!({"timezone": "UTC"}));
    let commit = async {
        until("the change to wait", async || {
            ask(&app.db.url, "SELECT count(*) FROM pg_locks WHERE NOT granted").await != "0"
        })
        .await;
        writer.batch_execute("COMMIT").await.unwrap();
    };
    let (changed, ()) = futures_util::join!(change, commit);
    changed.expect(200);
    app.shared.app.follower.forget_all();
    assert_eq!(months(&anon, "").await, "2019-08:1");
    assert_eq!(
        ask(&app.db.url, "SELECT string_agg(month || ' ' || change, ',') FROM article_months").await,
        "2019-08-01 1"
    );
}

#[actix_web::test]
async fn a_kept_archive_changes_with_its_articles_and_when_an_hour_comes() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for slug in ["a", "b"] {
        editor.category(slug, None).await;
        published(&editor, "2019-09-10T00:00:00Z", Some(slug)).await;
    }
    let paths = [ARCHIVE, "/api/v1/articles/archive?category=a", "/api/v1/articles/archive?category=b"];
    fill(&app, &anon, &paths).await;
    editor.post(ARTICLES, json!({"title": "draft", "category": "a"})).await.expect(201);
    assert_eq!(list_forgotten(&app, &anon, &paths).await, Vec::<&str>::new());
    published(&editor, "2019-09-11T00:00:00Z", Some("a")).await;
    assert_eq!(list_forgotten(&app, &anon, &paths).await, paths[..2]);
    fill(&app, &anon, &paths).await;
    let soon = app.shared.app.now() + TimeDelta::seconds(3);
    published(&editor, &soon.to_rfc3339(), Some("b")).await;
    assert_eq!(months(&anon, "category=b").await, "2019-09:1");
    until("the hour", async || months(&anon, "category=b").await.split(' ').count() == 2).await;
    until("the hour in all", async || months(&anon, "").await.split(' ').count() == 2).await;
}

#[actix_web::test]
async fn the_archive_reads_no_article_that_is_out() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let category = editor.category("part-1", None).await;
    db_rows(&app, 10_000, "now() - n * interval '12 hours'").await;
    join_lines(&app).await;
    app.db_execute("VACUUM (ANALYZE) articles").await;
    app.db_execute("VACUUM (ANALYZE) article_months").await;
    #[derive(diesel::QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Json, column_name = "QUERY PLAN")]
        plan: Value,
    }
    let conn = app.shared.app.long_reader().await.unwrap();
    let category: Uuid = category["id"].as_str().unwrap().parse().unwrap();
    for categories in [None, Some(vec![category])] {
        let (conditions, text) = month_statement(categories);
        let text = format!("EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT JSON) {text}");
        let line: Line = conditions.statement(text).get_result(&mut &*conn).await.unwrap();
        let mut open = vec![&line.plan[0]["Plan"]];
        while let Some(node) = open.pop() {
            open.extend(node["Plans"].as_array().map(Vec::as_slice).unwrap_or_default());
            let number = |name: &str| node[name].as_f64().unwrap_or_default();
            let read = (number("Actual Rows") + number("Rows Removed by Filter")) * number("Actual Loops");
            assert!(read < 1_000.0, "{node}");
        }
    }
}
