//! Sitemaps: complete, unique, within the limits of the protocol, and cheap on a large site.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate};
use diesel_async::RunQueryDsl;
use inkstone::db::rows::Conditions;
use inkstone::operations::Role;
use inkstone::sitemaps::model::{MAX_ADDRESSES, Month};
use inkstone::sitemaps::queries::{self, join_months, month_statement, start_statement};
use serde_json::{Value, json};
use uuid::Uuid;

use super::xml::{Element, parse};
use super::{ARTICLES, NOTICES, SITE, name_site, publish};
use crate::harness::machine::ask;
use crate::harness::{Client, TestApp};

/// 120,000 articles: 40,000 of one moment, 40,000 of one month, and 40,000 of the twenty years before. One in a thousand is
/// a draft.
const FILL: &str = "
    INSERT INTO articles (id, slug, title, summary, body, sanitizer, status, published_at)
        SELECT md5(n::text)::uuid, 'a-' || n, 'Article ' || n, 's', '<p>b</p>', 1,
            CASE WHEN n % 1000 = 1 THEN 'draft' ELSE 'published' END,
            CASE n % 3 WHEN 0 THEN '2021-03-04T05:06:07Z'::timestamptz
                       WHEN 1 THEN '2022-06-01T00:00:00Z'::timestamptz + n * interval '20 seconds'
                       ELSE '2000-01-01T00:00:00Z'::timestamptz + n * interval '87 minutes' END
        FROM generate_series($from, $to) n";

async fn read(anon: &Client, path: &str) -> Element {
    let answer = anon.get(path).await.expect(200);
    assert_eq!(answer.header("content-type"), "application/xml");
    assert!(answer.bytes.len() <= 50 << 20, "{path}");
    parse(&answer.text())
}

/// The paths of the files that the index names, with the times of their last change.
async fn list_files(anon: &Client) -> Vec<(String, Option<String>)> {
    let index = read(anon, "/sitemap.xml").await;
    assert_eq!(index.name, "sitemapindex");
    assert_eq!(index.attribute("xmlns"), "http://www.sitemaps.org/schemas/sitemap/0.9");
    assert!(index.children.len() <= 50_000);
    let files = index.all("sitemap").map(|file| {
        let path = file.text_of("loc").strip_prefix("https://news.example.org").unwrap().to_owned();
        (path, file.all("lastmod").next().map(|time| time.text.clone()))
    });
    files.collect()
}

/// All addresses of a file, which are on the site's host.
async fn list_addresses(anon: &Client, path: &str) -> Vec<String> {
    let urlset = read(anon, path).await;
    assert_eq!(urlset.name, "urlset");
    assert!((1..=50_000).contains(&urlset.children.len()), "{path}");
    let address = |url: &Element| {
        let address = url.text_of("loc");
        assert!(address.starts_with("https://news.example.org/") && address.len() < 2_048, "{address}");
        url.all("lastmod")
            .for_each(|time| assert!(DateTime::parse_from_rfc3339(&time.text).is_ok(), "{}", time.text));
        address.to_owned()
    };
    urlset.all("url").map(address).collect()
}

#[actix_web::test]
async fn the_sitemap_of_a_large_site_has_every_address_once() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    name_site(&admin).await;
    admin.category("sea", None).await;
    let notice = json!({"kind": "notice", "title": "n", "status": "published"});
    admin.post(NOTICES, notice).await.expect(201);
    // A statement has five seconds.
    for part in 0..80 {
        let (from, to) = (part * 1_500 + 1, (part + 1) * 1_500);
        app.db_execute(&FILL.replace("$from", &from.to_string()).replace("$to", &to.to_string())).await;
    }
    app.db_execute("VACUUM (ANALYZE) articles").await;
    let files = list_files(&anon).await;
    let mut all = Vec::new();
    for (path, _) in &files {
        all.extend(list_addresses(&anon, path).await);
    }
    let distinct: BTreeSet<&String> = all.iter().collect();
    assert_eq!(distinct.len(), all.len(), "an address is there twice");
    assert_eq!(all.len(), 120_000 - 120 + 2);
    for address in ["articles/a-2", "articles/a-3", "articles/a-120000", "categories/sea"] {
        assert!(distinct.contains(&format!("https://news.example.org/{address}")), "{address}");
    }
    assert!(!distinct.contains(&"https://news.example.org/articles/a-1".to_owned()), "a draft");
    // A new article changes its own file, and no other one.
    let mut before = Vec::new();
    for (path, _) in &files {
        before.push(anon.get(path).await.header("etag").to_owned());
    }
    publish(&admin, json!({"slug": "new", "published_at": "2012-05-06T00:00:00Z"})).await;
    assert_eq!(list_files(&anon).await.len(), files.len());
    let mut changed = Vec::new();
    for ((path, _), tag) in files.iter().zip(&before) {
        changed.extend((anon.get(path).await.header("etag") != tag).then_some(path.as_str()));
    }
    assert_eq!(changed, ["/sitemaps/articles-2012-05.xml"]);
    assert_cheap(&app).await;
}

/// Fails if the statements of a file read more of the table than the file holds.
async fn assert_cheap(app: &TestApp) {
    let conn = app.shared.app.long_reader().await.unwrap();
    let month = |year, month| Month(NaiveDate::from_ymd_opt(year, month, 1).unwrap());
    let crowded = month(2021, 3);
    let start = Some((
        DateTime::parse_from_rfc3339("2021-03-04T05:06:07Z").unwrap().to_utc(),
        Uuid::from_u128(u128::MAX / 2),
    ));
    for (statement, most) in [
        (month_statement(month(2012, 5), None), 600.0),
        (month_statement(crowded, None), MAX_ADDRESSES as f64),
        (month_statement(crowded, start), MAX_ADDRESSES as f64),
        (start_statement(crowded, 30_000), 30_001.0),
    ] {
        let plan = explain(&conn, statement).await;
        let text = plan.to_string();
        assert!(!text.contains("Seq Scan") && !text.contains("\"Sort\""), "{plan:#}");
        let leaf = find_leaf(&plan);
        let read = leaf["Actual Rows"].as_f64().unwrap()
            + leaf["Rows Removed by Filter"].as_f64().unwrap_or_default();
        assert!(read <= most, "{plan:#}");
    }
    let offset = explain(&conn, start_statement(crowded, 30_000)).await;
    assert_eq!(find_leaf(&offset)["Node Type"], "Index Only Scan", "{offset:#}");
}

fn find_leaf(plan: &Value) -> &Value {
    plan.pointer("/Plans/0").map_or(plan, find_leaf)
}

async fn explain(
    conn: &inkstone::db::connection::Connection,
    (conditions, text): (Conditions, String),
) -> Value {
    #[derive(diesel::QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Json, column_name = "QUERY PLAN")]
        plan: Value,
    }
    let text = format!("EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT JSON) {text}");
    let line: Line = conditions.statement(text).get_result(&mut &*conn).await.unwrap();
    line.plan[0]["Plan"].clone()
}

#[actix_web::test]
async fn the_months_are_counted_through_every_change() {
    let (app, _anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let months = async || {
        let conn = app.shared.app.long_reader().await.unwrap();
        let rows = queries::load_months(&conn).await.unwrap();
        let counted: Vec<(String, i64)> =
            rows.iter().map(|row| (row.month.format("%Y-%m").to_string(), row.articles)).collect();
        let truth = "SELECT coalesce(string_agg(month || ' ' || articles, ','), '') FROM (SELECT to_char(published_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, \
                     count(*) AS articles FROM articles WHERE status = 'published' AND deleted_at IS NULL AND published_at <= now() GROUP BY 1 ORDER BY 1) AS counted";
        let truth = ask(&app.db.url, truth).await;
        let text = counted
            .iter()
            .map(|(month, articles)| format!("{month} {articles}"))
            .collect::<Vec<_>>()
            .join(",");
        assert_eq!(text, truth);
        counted
    };
    assert_eq!(months().await, []);
    // The last moment of a month of UTC is in the next one in Shanghai.
    publish(&editor, json!({"slug": "a", "published_at": "2020-01-31T23:59:59.999Z"})).await;
    publish(&editor, json!({"slug": "b", "published_at": "2020-02-01T00:00:00Z"})).await;
    let drafted =
        publish(&editor, json!({"slug": "c", "status": "draft", "published_at": "2020-02-01T00:00:00Z"}))
            .await;
    publish(&editor, json!({"slug": "d", "published_at": "2090-02-01T00:00:00Z"})).await;
    assert_eq!(months().await, [("2020-01".to_owned(), 1), ("2020-02".to_owned(), 1)]);
    let path = format!("{ARTICLES}/{}", drafted["id"].as_str().unwrap());
    for change in [
        json!({"status": "published"}),
        json!({"published_at": "2019-07-01T00:00:00Z"}),
        json!({"title": "other"}),
        json!({"status": "archived"}),
        json!({"status": "published"}),
    ] {
        editor.patch(&path, change).await.expect(200);
        months().await;
    }
    editor.delete(&path).await.expect(204);
    months().await;
    editor.act(&format!("{path}/restore")).await.expect(200);
    assert_eq!(months().await.len(), 3);
    app.shared.app.write(async |tx| Ok(join_months(tx).await?)).await.unwrap();
    assert_eq!(months().await.len(), 3);
    assert_eq!(ask(&app.db.url, "SELECT count(*) FROM sitemap_months").await, "4");
    for sql in [
        "UPDATE articles SET published_at = 'infinity' WHERE slug = 'a'",
        "DELETE FROM articles WHERE slug = 'b'",
        "UPDATE articles SET published_at = '2021-01-01' WHERE status = 'published'",
    ] {
        app.db_execute(sql).await;
        months().await;
    }
    app.db_execute("TRUNCATE articles CASCADE").await;
    assert_eq!(months().await, []);
}

#[actix_web::test]
async fn the_index_tells_when_a_file_last_changed() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    name_site(&admin).await;
    publish(&admin, json!({"slug": "a", "published_at": "2020-01-01T00:00:00Z"})).await;
    publish(&admin, json!({"slug": "b", "published_at": "2021-01-01T00:00:00Z"})).await;
    app.db_execute("UPDATE sitemap_months SET changed_at = '2022-01-01'").await;
    let times = async || {
        let files = list_files(&anon).await;
        files.into_iter().map(|(path, time)| (path, time.unwrap_or_default())).collect::<Vec<_>>()
    };
    let old = "2022-01-01T00:00:00Z";
    let of = |name: &str, time: &str| (format!("/sitemaps/articles-{name}.xml"), time.to_owned());
    assert_eq!(times().await, [of("2021-01", old), of("2020-01", old)]);
    admin.patch(&format!("{ARTICLES}/a"), json!({"title": "changed"})).await.expect(200);
    let after = times().await;
    assert_eq!(after[0], of("2021-01", old));
    assert!(after[1].1.as_str() > old, "{after:?}");
    // Views change no page.
    anon.act(&format!("{ARTICLES}/b/views")).await;
    app.shared.counter.flush(&app.shared.app).await.unwrap();
    assert_eq!(times().await, after);
}

#[actix_web::test]
async fn pages_on_another_host_are_in_no_sitemap() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    name_site(&admin).await;
    admin.category("sea", None).await;
    publish(&admin, json!({"slug": "tide"})).await;
    let notice = json!({"kind": "notice", "title": "n", "status": "published"});
    admin.post(NOTICES, notice).await.expect(201);
    let paths = async || list_files(&anon).await.into_iter().map(|(path, _)| path).collect::<Vec<_>>();
    let all = paths().await;
    assert_eq!(all.len(), 4, "{all:?}");
    admin.patch(SITE, json!({"article_url": "https://m.example.org/{slug}"})).await.expect(200);
    assert_eq!(paths().await, ["/sitemaps/categories.xml", "/sitemaps/notices.xml"]);
    for path in all.iter().filter(|path| path.contains("articles") || path.contains("news")) {
        assert_eq!(anon.get(path).await.status, 404, "{path}");
    }
    let elsewhere = json!({
        "article_url": "https://news.example.org:443/{slug}", "category_url": "http://news.example.org/{slug}",
        "notice_url": "https://news.example.org:8443/{id}",
    });
    admin.patch(SITE, elsewhere).await.expect(200);
    assert!(paths().await.iter().all(|path| path.contains("articles") || path.contains("news")));
    let tide = list_addresses(&anon, "/sitemaps/news.xml").await;
    assert_eq!(tide, ["https://news.example.org/tide"]);
}

#[actix_web::test]
async fn the_sitemap_of_news_has_the_last_two_days_and_a_thousand_at_most() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    name_site(&admin).await;
    let empty = read(&anon, "/sitemaps/news.xml").await;
    assert_eq!((empty.name.as_str(), empty.children.len()), ("urlset", 0));
    assert_eq!(list_files(&anon).await, []);
    let insert = "INSERT INTO articles (id, slug, title, summary, body, sanitizer, status, published_at)
        SELECT md5(n::text)::uuid, 's' || n, 't' || n, 's', '', 1, 'published', now() - n * interval '40 minutes' + interval '1 minute'
        FROM generate_series(1, 100) n";
    app.db_execute(insert).await;
    let news = read(&anon, "/sitemaps/news.xml").await;
    assert_eq!(news.attribute("xmlns:news"), "http://www.google.com/schemas/sitemap-news/0.9");
    assert_eq!(news.children.len(), 72);
    let newest = news.all("url").next().unwrap();
    assert_eq!(newest.text_of("loc"), "https://news.example.org/articles/s1");
    let told = newest.one("news:news");
    assert_eq!(told.one("news:publication").text_of("news:name"), "砝码 & Co");
    assert_eq!(told.one("news:publication").text_of("news:language"), "zh-cn");
    assert_eq!(told.text_of("news:title"), "t1");
    DateTime::parse_from_rfc3339(told.text_of("news:publication_date")).unwrap();
    assert_eq!(list_files(&anon).await[0].0, "/sitemaps/news.xml");
    app.db_execute(
        &insert
            .replace("40 minutes", "1 second")
            .replace("100", "2000")
            .replace("md5(n", "md5('x' || n")
            .replace("'s' || n", "'x' || n"),
    )
    .await;
    assert_eq!(read(&anon, "/sitemaps/news.xml").await.children.len(), 1_000);
}
