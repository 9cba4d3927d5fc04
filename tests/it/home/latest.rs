//! Categories with their newest articles.

use inkstone::operations::Role;
use serde_json::{Value, json};

use crate::harness::{TestApp, column};

const CATEGORIES: &str = "/api/v1/categories";
const ARTICLES: &str = "/api/v1/articles";

#[actix_web::test]
async fn each_category_has_the_newest_articles_in_it_and_below() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for (slug, parent) in [("news", None), ("local", Some("news")), ("law", None), ("empty", None)] {
        admin.category(slug, parent).await;
    }
    for (title, category, status, day) in [
        ("one", "news", "published", 1),
        ("two", "local", "published", 2),
        ("three", "news", "published", 3),
        ("four", "local", "published", 4),
        ("draft", "local", "draft", 5),
        ("rule", "law", "published", 6),
    ] {
        let at = format!("2020-01-0{day}T00:00:00Z");
        let body =
            json!({"title": title, "body": "x", "category": category, "status": status, "published_at": at});
        admin.post(ARTICLES, body).await.expect(201);
    }
    let late = json!({"title": "late", "body": "x", "category": "news", "status": "published", "published_at": "2999-01-01T00:00:00Z"});
    admin.post(ARTICLES, late).await.expect(201);
    let find = |all: &Value, slug: &str| {
        all.as_array().unwrap().iter().find(|one| one["slug"] == slug).unwrap().clone()
    };
    let tree = anon.get(&format!("{CATEGORIES}?tree=true&include=latest&latest_size=3")).await.data(200);
    let news = find(&tree, "news");
    assert_eq!(column(&news["latest"], "title"), ["four", "three", "two"]);
    assert_eq!(news["article_count"], 4);
    let local = find(&news["children"], "local");
    assert_eq!(
        (column(&local["latest"], "title"), &local["article_count"]),
        (vec!["four".into(), "two".into()], &json!(2))
    );
    assert_eq!(local["latest"][0]["category"]["path"][0]["slug"], "news");
    assert_eq!(find(&tree, "empty")["latest"], json!([]));
    let flat = anon.get(&format!("{CATEGORIES}?include=article_count")).await.data(200);
    assert_eq!(
        (find(&flat, "news")["article_count"].clone(), find(&flat, "news")["latest"].clone()),
        (json!(4), Value::Null)
    );
    let plain = anon.get(CATEGORIES).await.data(200);
    assert!(
        plain
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one.get("article_count").is_none() && one.get("latest").is_none())
    );
}

#[actix_web::test]
async fn a_new_article_is_in_the_next_answer() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    admin.category("news", None).await;
    let path = format!("{CATEGORIES}?tree=true&include=latest");
    assert_eq!(anon.get(&path).await.data(200)[0]["latest"], json!([]));
    let article = admin.article("first", Some("news")).await;
    let listed = anon.get(&path).await.data(200);
    assert_eq!(
        (column(&listed[0]["latest"], "title"), &listed[0]["article_count"]),
        (vec!["first".into()], &json!(1))
    );
    admin.delete(&format!("{ARTICLES}/{}", article["id"].as_str().unwrap())).await.expect(204);
    assert_eq!(anon.get(&path).await.data(200)[0]["latest"], json!([]));
}

#[actix_web::test]
async fn more_articles_than_an_answer_holds_are_refused() {
    let (app, anon) = TestApp::start().await;
    app.db_execute(
        "INSERT INTO categories (id, slug, name) SELECT gen_random_uuid(), 'c' || n, 'c' FROM generate_series(1, 300) n",
    )
    .await;
    app.shared.app.follower.forget_all();
    let refused = anon.get(&format!("{CATEGORIES}?include=latest&latest_size=7")).await.expect(400);
    assert!(refused.text().contains("at most 6"), "{}", refused.text());
    anon.get(&format!("{CATEGORIES}?include=latest&latest_size=6")).await.expect(200);
    for query in
        ["latest_size=5", "include=latest&latest_size=21", "include=latest&latest_size=0", "include=newest"]
    {
        anon.get(&format!("{CATEGORIES}?{query}")).await.expect(400);
    }
}
