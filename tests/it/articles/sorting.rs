//! Orders: each column both ways, several at once, and the same order page by page.

use inkstone::operations::Role;
use serde_json::{Value, json};

use super::{ARTICLES, create, titles};
use crate::harness::{Client, TestApp};

/// Articles whose four columns put them into four different orders.
async fn scene() -> (TestApp, Client) {
    let (app, anon) = TestApp::start().await;
    app.db_execute(
        "INSERT INTO articles (id, slug, title, summary, body, sanitizer, status, published_at, created_at, updated_at)
         SELECT gen_random_uuid(), 's' || p || c || u, title, '', '', 1, 'published', day + p, day + c, day + u
         FROM (VALUES ('beta', 1, 4, 2), ('Zeta', 2, 3, 1), ('中', 3, 1, 4), ('Alpha', 4, 2, 3)) AS rows(title, p, c, u),
              LATERAL (SELECT date '2019-09-01') AS first(day)",
    )
    .await;
    (app, anon)
}

#[actix_web::test]
async fn each_column_sorts_both_ways() {
    let (_app, anon) = scene().await;
    for (column, wanted) in [
        ("published_at", ["beta", "Zeta", "中", "Alpha"]),
        ("created_at", ["中", "Alpha", "Zeta", "beta"]),
        ("updated_at", ["Zeta", "beta", "Alpha", "中"]),
        ("title", ["Alpha", "Zeta", "beta", "中"]),
    ] {
        assert_eq!(titles(&anon, &format!("sort={column}")).await, wanted, "{column}");
        let mut turned = wanted;
        turned.reverse();
        assert_eq!(titles(&anon, &format!("sort=-{column}")).await, turned, "-{column}");
    }
}

#[actix_web::test]
async fn without_a_sort_the_newest_come_first() {
    let (_app, anon) = scene().await;
    assert_eq!(titles(&anon, "").await, ["Alpha", "中", "Zeta", "beta"]);
}

/// The titles of a list walked one article at a time.
async fn one_by_one(client: &Client, query: &str) -> Vec<String> {
    let mut seen = Vec::new();
    let mut path = format!("{ARTICLES}?page_size=1&{query}");
    loop {
        let page = client.get(&path).await.expect(200).json();
        seen.extend(
            page["data"].as_array().unwrap().iter().map(|card| card["title"].as_str().unwrap().to_owned()),
        );
        match page["page"]["next_cursor"].as_str() {
            Some(cursor) if seen.len() < 50 => {
                path = format!("{ARTICLES}?page_size=1&{query}&cursor={cursor}")
            }
            _ => return seen,
        }
    }
}

#[actix_web::test]
async fn a_walk_keeps_the_order_of_the_list() {
    let (_app, anon) = scene().await;
    for column in ["published_at", "created_at", "updated_at", "title"] {
        for sort in [format!("sort={column}"), format!("sort=-{column}")] {
            assert_eq!(one_by_one(&anon, &sort).await, titles(&anon, &sort).await, "{sort}");
        }
    }
}

/// Articles with two hours and two titles in all combinations, named by their authors.
async fn pairs() -> (TestApp, Client) {
    let (app, anon) = TestApp::start().await;
    app.db_execute(
        "INSERT INTO articles (id, slug, title, summary, body, sanitizer, status, published_at, updated_at)
         SELECT gen_random_uuid(), 's' || n, title || day, '', '', 1, 'published', date '2019-09-01' + day, date '2020-01-01' + n % 2
         FROM unnest(ARRAY['a', 'b', 'c']) WITH ORDINALITY AS t(title, i), generate_series(1, 2) AS day, LATERAL (SELECT (i * 2 + day)::int) AS o(n)",
    )
    .await;
    (app, anon)
}

#[actix_web::test]
async fn a_second_column_orders_what_the_first_leaves_equal() {
    let (_app, anon) = pairs().await;
    for (sort, wanted) in [
        ("published_at,title", ["a1", "b1", "c1", "a2", "b2", "c2"]),
        ("-published_at,title", ["a2", "b2", "c2", "a1", "b1", "c1"]),
        ("published_at,-title", ["c1", "b1", "a1", "c2", "b2", "a2"]),
        ("-published_at,-title", ["c2", "b2", "a2", "c1", "b1", "a1"]),
        ("updated_at,-published_at,title", ["a2", "b2", "c2", "a1", "b1", "c1"]),
        ("-updated_at,published_at,-title", ["c1", "b1", "a1", "c2", "b2", "a2"]),
    ] {
        let sort = format!("sort={sort}");
        assert_eq!(titles(&anon, &sort).await, wanted, "{sort}");
        assert_eq!(one_by_one(&anon, &sort).await, wanted, "{sort}");
    }
}

#[actix_web::test]
async fn for_staff_a_draft_without_an_hour_counts_as_newest() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for (title, hour) in [
        ("old", json!("2019-09-20T00:00:00Z")),
        ("none", Value::Null),
        ("new", json!("2020-09-20T00:00:00Z")),
    ] {
        create(&editor, json!({"title": title, "status": "draft", "published_at": hour})).await;
    }
    for (sort, wanted) in
        [("-published_at", ["none", "new", "old"]), ("published_at,title", ["old", "new", "none"])]
    {
        let query = format!("status=draft&sort={sort}");
        assert_eq!(titles(&editor, &query).await, wanted);
        assert_eq!(one_by_one(&editor, &query).await, wanted);
    }
}

#[actix_web::test]
async fn a_sort_that_makes_no_sense_is_refused() {
    let (_app, anon) = scene().await;
    for sort in [
        "popular",
        "titel",
        "--title",
        "title,-title",
        "title,",
        "",
        "title;DROP",
        "published_at,title,created_at,updated_at",
    ] {
        let answer = anon.get(&format!("{ARTICLES}?sort={sort}")).await;
        assert_eq!(answer.problem(), (400, "invalid_parameter".to_owned()), "{sort}");
        assert!(answer.faults().iter().all(|(name, _)| name == "sort"), "{sort}");
    }
    assert!(anon.get(&format!("{ARTICLES}?sort=titel")).await.text().contains("`title`"));
}
