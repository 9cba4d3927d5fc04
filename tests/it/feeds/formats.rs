//! What each format requires, with whatever an article holds.

use chrono::DateTime;
use inkstone::feeds::queries::load_newest_notices;
use inkstone::notices::model::NoticeKind;
use inkstone::operations::Role;
use serde_json::json;

use super::xml::{Element, parse};
use super::{NOTICES, SITE, name_site, publish};
use crate::harness::{Client, TestApp};

/// Everything that could break a document: marks of XML, characters that it does not know, other directions.
const HOSTILE: &str = "]]> <b>&amp; & \" ' \u{b}\u{1f}\u{85}\u{fffe}\u{ffff}\u{202e}עברית 🦀 <![CDATA[ -->";
/// The same as XML can hold it.
const KEPT: &str = "]]> <b>&amp; & \" ' \u{85}\u{202e}עברית 🦀 <![CDATA[ -->";

async fn read_xml(anon: &Client, path: &str) -> Element {
    parse(&anon.get(path).await.expect(200).text())
}

/// A site with a category, an article with all that there is to tell, and a bare one.
async fn set_scene() -> (TestApp, Client, Client) {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    name_site(&admin).await;
    admin.category("sea", None).await;
    admin.category("coast", Some("sea")).await;
    publish(&admin, json!({"title": "Bare", "slug": "bare", "published_at": "2020-01-01T00:00:00Z"})).await;
    let tide = json!({
        "title": "Tide", "slug": "tide", "category": "coast", "tags": ["salt", "盐"], "author": "Ada", "summary": "A & B",
        "body": "<p><a href=\"/a\">a</a><img src=\"b.png\"></p>", "cover_url": "/c.png",
        "published_at": "2020-01-02T03:04:05Z",
    });
    publish(&admin, tide).await;
    (app, anon, admin)
}

#[actix_web::test]
async fn an_atom_feed_has_what_the_rfc_requires() {
    let (app, anon, admin) = set_scene().await;
    admin.patch(SITE, json!({"websub_hub": "https://hub.example/?a&b"})).await.expect(200);
    let answer = anon.get("/feeds/articles.atom").await.expect(200);
    assert_eq!(answer.header("content-type"), "application/atom+xml");
    let feed = parse(&answer.text());
    assert_eq!((feed.name.as_str(), feed.attribute("xmlns")), ("feed", "http://www.w3.org/2005/Atom"));
    assert_eq!(feed.attribute("xml:lang"), "zh-CN");
    assert_eq!((feed.text_of("title"), feed.text_of("subtitle")), ("砝码 & Co", "<计量>"));
    assert!(feed.text_of("id").starts_with("urn:uuid:"));
    assert_eq!(feed.one("author").text_of("name"), "砝码 & Co");
    assert_eq!(feed.links("self"), ["https://news.example.org/feeds/articles.atom"]);
    assert_eq!(feed.links("alternate"), ["https://news.example.org/"]);
    assert_eq!(feed.links("hub"), ["https://hub.example/?a&b"]);
    let entries: Vec<&Element> = feed.all("entry").collect();
    assert_eq!(entries.iter().map(|entry| entry.text_of("title")).collect::<Vec<_>>(), ["Tide", "Bare"]);
    let ids = anon.get("/api/v1/articles").await.data(200);
    for (entry, article) in entries.iter().zip(ids.as_array().unwrap()) {
        assert_eq!(entry.text_of("id"), format!("urn:uuid:{}", article["id"].as_str().unwrap()));
        for name in ["updated", "published"] {
            DateTime::parse_from_rfc3339(entry.text_of(name)).unwrap();
        }
        assert!(entry.text_of("updated") <= feed.text_of("updated"));
    }
    let tide = entries[0];
    assert_eq!(tide.text_of("published"), "2020-01-02T03:04:05Z");
    assert_eq!(tide.links("alternate"), ["https://news.example.org/articles/tide"]);
    assert_eq!(tide.one("author").text_of("name"), "Ada");
    let terms: Vec<&str> = tide.all("category").map(|term| term.attribute("term")).collect();
    assert_eq!(terms, ["coast", "salt", "盐"]);
    assert_eq!((tide.text_of("summary"), tide.one("content").attribute("type")), ("A & B", "html"));
    let body = tide.text_of("content");
    assert!(body.contains("href=\"https://news.example.org/a\""), "{body}");
    assert!(body.contains("src=\"https://news.example.org/articles/b.png\""), "{body}");
    assert_eq!(entries[1].all("author").count(), 0);
    drop(app);
}

#[actix_web::test]
async fn an_rss_feed_has_what_the_specification_requires() {
    let (_app, anon, _) = set_scene().await;
    let answer = anon.get("/feeds/categories/sea.rss").await.expect(200);
    assert_eq!(answer.header("content-type"), "application/rss+xml");
    let rss = parse(&answer.text());
    assert_eq!((rss.name.as_str(), rss.attribute("version")), ("rss", "2.0"));
    let channel = rss.one("channel");
    assert_eq!(channel.text_of("title"), "sea - 砝码 & Co");
    assert_eq!(channel.text_of("link"), "https://news.example.org/categories/sea");
    assert!(!channel.text_of("description").is_empty());
    assert_eq!(channel.text_of("language"), "zh-CN");
    assert_eq!(channel.links("self"), ["https://news.example.org/feeds/categories/sea.rss"]);
    DateTime::parse_from_rfc2822(channel.text_of("lastBuildDate")).unwrap();
    let items: Vec<&Element> = channel.all("item").collect();
    assert_eq!(items.len(), 1, "the other article is in no category");
    let item = items[0];
    assert_eq!(item.text_of("pubDate"), "Thu, 2 Jan 2020 03:04:05 +0000");
    assert!(
        item.text_of("guid").starts_with("urn:uuid:") && item.one("guid").attribute("isPermaLink") == "false"
    );
    assert_eq!(item.text_of("link"), "https://news.example.org/articles/tide");
    assert_eq!((item.text_of("dc:creator"), item.text_of("description")), ("Ada", "A &amp; B"));
    assert!(item.text_of("content:encoded").contains("https://news.example.org/a"));
}

#[actix_web::test]
async fn a_json_feed_has_what_the_specification_requires() {
    let (_app, anon, admin) = set_scene().await;
    admin.patch(SITE, json!({"websub_hub": "https://hub.example/"})).await.expect(200);
    let answer = anon.get("/feeds/tags/salt.json").await.expect(200);
    assert_eq!(answer.header("content-type"), "application/feed+json");
    let feed = answer.json();
    assert_eq!(feed["version"], "https://jsonfeed.org/version/1.1");
    assert_eq!(feed["title"], "salt - 砝码 & Co");
    assert_eq!(feed["home_page_url"], "https://news.example.org/tags/salt");
    assert_eq!(feed["feed_url"], "https://news.example.org/feeds/tags/salt.json");
    assert_eq!((&feed["language"], &feed["authors"]), (&json!("zh-CN"), &json!([{"name": "砝码 & Co"}])));
    assert_eq!(feed["hubs"], json!([{"type": "WebSub", "url": "https://hub.example/"}]));
    let items = feed["items"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    let item = &items[0];
    assert!(item["id"].as_str().unwrap().starts_with("urn:uuid:"));
    assert_eq!((&item["title"], &item["summary"]), (&json!("Tide"), &json!("A & B")));
    assert_eq!(
        (&item["authors"], &item["tags"]),
        (&json!([{"name": "Ada"}]), &json!(["coast", "salt", "盐"]))
    );
    assert_eq!(item["image"], "https://news.example.org/c.png");
    assert_eq!(item["date_published"], "2020-01-02T03:04:05Z");
    assert!(item["content_html"].as_str().unwrap().contains("https://news.example.org/a"));
}

#[actix_web::test]
async fn a_site_that_gives_summaries_gives_no_bodies() {
    let (_app, anon, admin) = set_scene().await;
    admin.patch(SITE, json!({"feed_content": "summary"})).await.expect(200);
    let atom = read_xml(&anon, "/feeds/articles.atom").await;
    let tide = atom.all("entry").next().unwrap();
    assert_eq!((tide.all("content").count(), tide.text_of("summary")), (0, "A & B"));
    let rss = read_xml(&anon, "/feeds/articles.rss").await;
    assert_eq!(rss.one("channel").all("item").next().unwrap().all("content:encoded").count(), 0);
    let json = anon.get("/feeds/articles.json").await.json();
    assert_eq!(
        (&json["items"][0]["content_text"], json["items"][0].get("content_html")),
        (&json!("A & B"), None)
    );
}

#[actix_web::test]
async fn whatever_an_article_holds_the_document_is_well_formed() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    admin.category("sea", None).await;
    publish(&admin, json!({"category": "sea", "tags": ["t"], "author": "a"})).await;
    let notice = json!({"kind": "notice", "title": "n", "body": "<p>n</p>", "status": "published"});
    admin.post(NOTICES, notice).await.expect(201);
    // Earlier versions and scripts have stored what a write refuses now.
    let hostile = HOSTILE.replace('\'', "''");
    for sql in [
        format!(
            "UPDATE articles SET title = '{hostile}', summary = '{hostile}', body = '<p>{hostile}', author = '{hostile}', tags = ARRAY['{hostile}']"
        ),
        format!("UPDATE notices SET title = '{hostile}', body = '{hostile}'"),
        format!("UPDATE categories SET name = '{hostile}', description = '{hostile}'"),
        format!("UPDATE site SET name = '{hostile}', tagline = '{hostile}'"),
    ] {
        app.db_execute(&sql).await;
    }
    for path in ["articles", "categories/sea", "notices/notice"] {
        let feed = read_xml(&anon, &format!("/feeds/{path}.atom")).await;
        let entry = feed.one("entry");
        assert_eq!(entry.text_of("title"), KEPT, "{path}");
        assert!(entry.text_of("content").contains("עברית 🦀"), "{path}");
        let rss = read_xml(&anon, &format!("/feeds/{path}.rss")).await;
        assert_eq!(rss.one("channel").one("item").text_of("title"), KEPT, "{path}");
        let json = anon.get(&format!("/feeds/{path}.json")).await.json();
        assert_eq!(json["items"][0]["title"], HOSTILE, "{path}");
    }
    for path in ["/sitemap.xml", "/sitemaps/news.xml", "/sitemaps/notices.xml", "/sitemaps/categories.xml"] {
        read_xml(&anon, path).await;
    }
    let news = read_xml(&anon, "/sitemaps/news.xml").await;
    assert_eq!(news.one("url").one("news:news").text_of("news:title"), KEPT);
}

#[actix_web::test]
async fn a_feed_ends_at_thirty_entries() {
    let (app, anon) = TestApp::start().await;
    let insert = "INSERT INTO articles (id, slug, title, summary, body, sanitizer, status, published_at)
        SELECT md5(n::text)::uuid, 's' || n, 't' || n, 's', 'b', 1, 'published', now() - n * interval '1 minute'
        FROM generate_series(1, 40) n";
    app.db_execute(insert).await;
    let feed = read_xml(&anon, "/feeds/articles.atom").await;
    let titles: Vec<&str> = feed.all("entry").map(|entry| entry.text_of("title")).collect();
    assert_eq!((titles.len(), titles[0], titles[29]), (30, "t1", "t30"));
}

#[actix_web::test]
async fn the_bodies_of_a_feed_are_bounded_and_the_first_is_always_there() {
    let (app, _anon) = TestApp::start().await;
    let insert = "INSERT INTO notices (id, slug, kind, title, summary, body, sanitizer, status, published_at)
        SELECT md5(n::text)::uuid, 's' || n, 'notice', 't' || n, 's', repeat('潮', 500000), 1, 'published', now() - n * interval '1 minute'
        FROM generate_series(1, 10) n";
    app.db_execute(insert).await;
    let titles = async || {
        let conn = app.shared.app.long_reader().await.unwrap();
        let rows = load_newest_notices(&conn, NoticeKind::Notice).await.unwrap();
        rows.into_iter().map(|row| row.title).collect::<Vec<_>>()
    };
    assert_eq!(titles().await, ["t1", "t2", "t3"]);
    app.db_execute("UPDATE notices SET body = repeat('潮', 1500000) WHERE title = 't1'").await;
    assert_eq!(titles().await, ["t1"]);
}

#[actix_web::test]
async fn an_empty_feed_is_a_feed() {
    let (_app, anon) = TestApp::start().await;
    for path in ["articles", "tags/x", "authors/x", "notices/notice", "notices/announcement"] {
        let atom = read_xml(&anon, &format!("/feeds/{path}.atom")).await;
        DateTime::parse_from_rfc3339(atom.text_of("updated")).unwrap();
        assert_eq!(atom.all("entry").count(), 0);
        assert!(
            read_xml(&anon, &format!("/feeds/{path}.rss")).await.one("channel").all("item").next().is_none()
        );
        assert_eq!(anon.get(&format!("/feeds/{path}.json")).await.json()["items"], json!([]));
    }
}

#[actix_web::test]
async fn ids_of_feeds_and_entries_stay_and_differ() {
    let (_app, anon, admin) = set_scene().await;
    let read_ids = async || {
        let mut ids = Vec::new();
        for path in
            ["articles", "categories/sea", "categories/coast", "tags/salt", "authors/salt", "notices/notice"]
        {
            ids.push(read_xml(&anon, &format!("/feeds/{path}.atom")).await.text_of("id").to_owned());
        }
        ids
    };
    let before = read_ids().await;
    let distinct: std::collections::BTreeSet<&String> = before.iter().collect();
    assert_eq!(distinct.len(), before.len(), "{before:?}");
    admin.patch(SITE, json!({"name": "other", "base_url": "https://other.example"})).await.expect(200);
    assert_eq!(read_ids().await, before);
}
