//! Lists by views, and of what is popular.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ARTICLES, at, create, titles};
use crate::harness::{Client, TestApp, column};

/// Counts so many views of an article, each by a reader of its own, and writes them.
async fn view(app: &TestApp, anon: &Client, article: &Value, times: usize) {
    for _ in 0..times {
        let request = anon.request(Method::POST, &format!("{}/views", at(article)));
        request.header("user-agent", &Uuid::new_v4().to_string()).send().await.expect(204);
    }
    app.shared.counter.flush(&app.shared.app).await.unwrap();
    // An answer to visitors may be some seconds old.
    app.shared.app.follower.forget_all();
}

#[actix_web::test]
async fn articles_are_listed_in_the_order_of_their_views() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    admin.category("news", None).await;
    admin.category("local", Some("news")).await;
    for (title, category, views) in
        [("few", "news", 3), ("most", "local", 100), ("none", "news", 0), ("some", "local", 7)]
    {
        create(&admin, json!({"title": title, "category": category, "views": views})).await;
    }
    create(&admin, json!({"title": "elsewhere", "views": 50})).await;
    create(&admin, json!({"title": "draft", "status": "draft", "views": 1000})).await;
    assert_eq!(titles(&anon, "sort=-views").await, ["most", "elsewhere", "some", "few", "none"]);
    assert_eq!(titles(&anon, "sort=views&category=news").await, ["none", "few", "some", "most"]);
    assert_eq!(titles(&anon, "sort=-views&category=local").await, ["most", "some"]);
    assert_eq!(titles(&admin, "sort=-views&status=draft").await, ["draft"]);
    assert_eq!(titles(&admin, "sort=-views&status=draft,published&page_size=2").await, ["draft", "most"]);
    assert_eq!(titles(&anon, "sort=title,-views&category=news").await, ["few", "most", "none", "some"]);
}

#[actix_web::test]
async fn a_walk_by_views_sees_every_article_once() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for number in 0..9 {
        create(&admin, json!({"title": format!("{number}"), "views": number / 3})).await;
    }
    for sort in ["-views", "views", "-views,title"] {
        let (mut seen, mut query) = (Vec::new(), format!("sort={sort}&page_size=2"));
        loop {
            let page = anon.get(&format!("{ARTICLES}?{query}")).await.expect(200).json();
            seen.extend(column(&page["data"], "title"));
            match page["page"]["next_cursor"].as_str() {
                Some(cursor) => query = format!("sort={sort}&page_size=2&cursor={cursor}"),
                None => break,
            }
        }
        let all = titles(&anon, &format!("sort={sort}")).await;
        assert_eq!(seen, all, "{sort}");
        assert_eq!(all.len(), 9);
    }
}

#[actix_web::test]
async fn an_article_moves_with_its_state_and_its_category_in_the_order_of_views() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for slug in ["one", "other"] {
        admin.category(slug, None).await;
    }
    let article = create(&admin, json!({"title": "moves", "category": "one", "views": 5})).await;
    let listed = async |query: &str| titles(&admin, query).await.len();
    assert_eq!(listed("sort=-views&category=one").await, 1);
    admin.patch(&at(&article), json!({"category": "other"})).await.expect(200);
    assert_eq!(
        [listed("sort=-views&category=one").await, listed("sort=-views&category=other").await],
        [0, 1]
    );
    admin.patch(&at(&article), json!({"status": "archived"})).await.expect(200);
    assert_eq!([listed("sort=-views").await, listed("sort=-views&status=archived").await], [0, 1]);
    admin.delete(&at(&article)).await.expect(204);
    assert_eq!(
        [listed("sort=-views&status=archived").await, listed("sort=-views&deleted=true").await],
        [0, 1]
    );
    admin.act(&format!("{}/restore", at(&article))).await.expect(200);
    admin.patch(&at(&article), json!({"status": "published"})).await.expect(200);
    assert_eq!(titles(&anon, "sort=-views&category=other").await, ["moves"]);
}

#[actix_web::test]
async fn what_was_viewed_lately_is_popular() {
    let (app, anon) = TestApp::start_with(&["--view-window", "600"]).await;
    let admin = app.db_member(Role::Admin).await;
    admin.category("news", None).await;
    let [seldom, often, never] = ["seldom", "often", "never"];
    let seldom = create(&admin, json!({"title": seldom, "category": "news"})).await;
    let often = create(&admin, json!({"title": often, "tags": ["hot"]})).await;
    create(&admin, json!({"title": never, "views": 1000})).await;
    view(&app, &anon, &seldom, 2).await;
    view(&app, &anon, &often, 3).await;
    for days in ["1d", "7d", "30d"] {
        let query = format!("popular={days}");
        assert_eq!(titles(&anon, &query).await, ["often", "seldom"], "{days}");
        assert_eq!(titles(&anon, &format!("{query}&category=news")).await, ["seldom"]);
        assert_eq!(
            titles(&anon, &format!("{query}&tag=hot&exclude={}", seldom["id"].as_str().unwrap())).await,
            ["often"]
        );
    }
    let page = anon.get(&format!("{ARTICLES}?popular=7d&page_size=1&count=true")).await.expect(200).json();
    assert_eq!(
        (column(&page["data"], "title"), &page["page"]["total"]),
        (vec!["often".to_owned()], &json!(2))
    );
    let cursor = page["page"]["next_cursor"].as_str().unwrap();
    assert_eq!(
        titles(&anon, &format!("popular=7d&page_size=1&count=true&cursor={cursor}")).await,
        ["seldom"]
    );
    admin.patch(&at(&often), json!({"status": "draft"})).await.expect(200);
    assert_eq!(titles(&anon, "popular=7d").await, ["seldom"]);
}

#[actix_web::test]
async fn views_of_long_ago_weigh_less_and_end() {
    let (app, anon) = TestApp::start_with(&["--view-window", "600"]).await;
    let admin = app.db_member(Role::Admin).await;
    let [old, new] =
        [create(&admin, json!({"title": "old"})).await, create(&admin, json!({"title": "new"})).await];
    view(&app, &anon, &old, 3).await;
    view(&app, &anon, &new, 2).await;
    let age = async |title: &str, days: &str| {
        // As if the views had been counted so many days earlier.
        let statement = format!(
            "UPDATE article_popularity SET viewed_at = viewed_at - interval '{days} days',
                 day_score = day_score - ln(2) * {days} / 0.5, week_score = week_score - ln(2) * {days} / 3.5,
                 month_score = month_score - ln(2) * {days} / 15.0
             FROM articles WHERE id = article_id AND title = '{title}'"
        );
        app.db_execute(&statement).await;
        app.shared.app.follower.forget_all();
    };
    assert_eq!(titles(&anon, "popular=7d").await, ["old", "new"]);
    age("old", "0.9").await;
    assert_eq!(titles(&anon, "popular=1d").await, ["new", "old"]);
    assert_eq!(titles(&anon, "popular=30d").await, ["old", "new"]);
    age("old", "5").await;
    assert_eq!(titles(&anon, "popular=1d").await, ["new"]);
    assert_eq!(titles(&anon, "popular=7d").await, ["new", "old"]);
    age("old", "27").await;
    assert_eq!(titles(&anon, "popular=30d").await, ["new"]);
    view(&app, &anon, &old, 4).await;
    assert_eq!(titles(&anon, "popular=1d").await, ["old", "new"]);
    let mut tx = app.shared.app.begin().await.unwrap();
    assert!(!inkstone::articles::queries::popular::delete_forgotten(&mut tx).await.unwrap());
}

#[actix_web::test]
async fn what_cannot_be_combined_is_named() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let id = create(&admin, json!({})).await["id"].as_str().unwrap().to_owned();
    for (query, parameter) in [
        ("popular=7d&sort=title".to_owned(), "popular"),
        ("popular=7d&q=tide".to_owned(), "popular"),
        (format!("popular=7d&ids={id}"), "popular"),
        ("popular=7d&status=published".to_owned(), "popular"),
        ("popular=7d&fields=body".to_owned(), "fields"),
        ("popular=2d".to_owned(), "popular"),
        (format!("ids={id}&sort=title"), "ids"),
        (format!("ids={id}&q=tide"), "ids"),
        (format!("ids={id}&page_size=5"), "ids"),
        (format!("ids={id}&page=1"), "ids"),
        ("ids=tide".to_owned(), "ids"),
        ("q=tide&has=cover".to_owned(), "q"),
        ("q=tide&updated_since=2019-01-01T00:00:00Z".to_owned(), "q"),
    ] {
        let answer = admin.get(&format!("{ARTICLES}?{query}")).await.expect(400);
        assert_eq!(answer.faults()[0].0, parameter, "{query}");
    }
    assert_eq!(anon.get(&format!("{ARTICLES}?popular=7d&ids={id}&sort=title")).await.faults().len(), 3);
}

#[actix_web::test]
async fn lists_take_ids_categories_tags_covers_and_changes() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for (slug, parent) in [("news", None), ("local", Some("news")), ("law", None)] {
        admin.category(slug, parent).await;
    }
    let one = create(
        &admin,
        json!({"title": "one", "category": "local", "tags": ["a", "b"], "cover_url": "/c.png"}),
    )
    .await;
    let two = create(&admin, json!({"title": "two", "category": "law", "tags": ["a"]})).await;
    let three =
        create(&admin, json!({"title": "three", "tags": ["b"], "published_at": "2019-09-20T00:00:00Z"}))
            .await;
    let draft = create(&admin, json!({"title": "draft", "status": "draft"})).await;
    let id = |article: &Value| article["id"].as_str().unwrap().to_owned();
    let ids = [&three, &draft, &one, &three].map(id).join(",");
    assert_eq!(titles(&anon, &format!("ids={ids}")).await, ["three", "one"]);
    assert_eq!(titles(&anon, &format!("ids={ids}&category=news")).await, ["one"]);
    assert_eq!(titles(&anon, &format!("exclude={},{}", id(&one), id(&draft))).await, ["two", "three"]);
    assert_eq!(titles(&anon, "category=news,law").await, ["two", "one"]);
    assert_eq!(titles(&anon, "category=news,local&sort=title").await, ["one"]);
    assert_eq!(titles(&anon, "category=news,law&descendants=false").await, ["two"]);
    anon.get(&format!("{ARTICLES}?category=news,nws")).await.expect(400);
    assert_eq!(titles(&anon, "tag=a,b").await, ["two", "one", "three"]);
    assert_eq!(titles(&anon, "tag=a,b&tag_mode=all").await, ["one"]);
    assert_eq!(titles(&anon, "tag=a,b&tag_mode=all&sort=title").await, ["one"]);
    assert_eq!(titles(&anon, "has=cover").await, ["one"]);
    assert_eq!(titles(&anon, "has=cover&tag=a&sort=-views").await, ["one"]);
    let since = two["updated_at"].as_str().unwrap();
    assert_eq!(titles(&anon, &format!("updated_since={since}")).await, ["two", "three"]);
    assert_eq!(titles(&anon, &format!("updated_since={since}&sort=title&tag=b")).await, ["three"]);
    for query in ["tag=a,b&tag_mode=all", "has=cover", "category=news,local", "has=cover&tag=a"] {
        let page = anon.get(&format!("{ARTICLES}?{query}&count=true")).await.expect(200).json();
        assert_eq!(page["page"]["total"], 1, "{query}");
    }
    app.index().await;
    let found = format!("q=high+water&sort=title&exclude={}&tag=a,b&tag_mode=any&count=true", id(&one));
    assert_eq!(titles(&anon, &found).await, ["three", "two"]);
    assert_eq!(titles(&anon, "q=high+water&tag=a,b&tag_mode=all").await, ["one"]);
}
