//! Pages with bodies, which are bounded in bytes.

use inkstone::operations::Role;
use serde_json::{Value, json};

use super::ARTICLES;
use crate::harness::TestApp;

#[actix_web::test]
async fn a_page_of_long_bodies_ends_early_and_a_walk_still_sees_all() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for number in 0..9 {
        let body = format!("<p>{}</p>", "x".repeat(900_000));
        let new = json!({"title": format!("Long {number}"), "body": body, "status": "published"});
        admin.post(ARTICLES, new).await.expect(201);
    }
    let mut path = format!("{ARTICLES}?fields=title,body&page_size=100");
    let mut seen = Vec::new();
    let mut pages = 0;
    loop {
        let answer = anon.get(&path).await.expect(200);
        assert!(answer.bytes.len() < 5 << 20, "{} bytes", answer.bytes.len());
        let page = answer.json();
        let rows = page["data"].as_array().unwrap();
        seen.extend(rows.iter().map(|row| row["title"].as_str().unwrap().to_owned()));
        pages += 1;
        let Some(cursor) = page["page"]["next_cursor"].as_str() else { break };
        assert_eq!(page["page"]["has_next"], true);
        path = format!("{ARTICLES}?fields=title,body&page_size=100&cursor={cursor}");
    }
    let wanted: Vec<String> = (0..9).rev().map(|number| format!("Long {number}")).collect();
    assert_eq!(seen, wanted);
    assert_eq!(pages, 3);
    let refused = anon.get(&format!("{ARTICLES}?fields=body&page_size=9&page=1")).await;
    assert_eq!(refused.problem(), (400, "invalid_parameter".to_owned()));
    assert_eq!(refused.json()["errors"][0]["parameter"], "page_size");
    let fitting = anon.get(&format!("{ARTICLES}?fields=body&page_size=4&page=2")).await.data(200);
    assert_eq!(fitting.as_array().map(Vec::len), Some(4));
}

#[actix_web::test]
async fn picked_keys_are_those_asked_for_and_no_more() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let article = admin.article("One", None).await;
    let keys = [
        "slug",
        "external_id",
        "title",
        "summary",
        "body",
        "body_format",
        "category",
        "tags",
        "author",
        "source_name",
        "source_url",
        "cover_url",
        "extra",
        "status",
        "published_at",
        "views",
        "version",
        "created_at",
        "updated_at",
    ];
    for key in keys {
        for path in [
            format!("{ARTICLES}/{}?fields={key},{key}", article["slug"].as_str().unwrap()),
            format!("{ARTICLES}?fields={key}"),
        ] {
            let data = anon.get(&path).await.data(200);
            let picked = if data.is_array() { data[0].clone() } else { data };
            assert_eq!(picked, json!({"id": article["id"], key: article[key]}), "{path}");
        }
    }
    let tag = async |path: &str| anon.get(path).await.expect(200).header("etag").to_owned();
    assert!(tag(&format!("{ARTICLES}?fields=title")).await.starts_with('"'), "no views, no weak tag");
    assert!(tag(&format!("{ARTICLES}?fields=title,views")).await.starts_with("W/"));
    let _: Value = article;
}
