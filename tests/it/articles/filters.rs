//! Filters: each alone, and together.

use inkstone::operations::Role;
use serde_json::json;

use super::{A_MINUTE_APART, ARTICLES, create, db_rows, titles};
use crate::harness::{Client, TestApp};

/// Three categories in each other, and an article in each; one in none.
async fn scene() -> (TestApp, Client, Client) {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for (slug, parent) in [("news", None), ("local", Some("news")), ("town", Some("local")), ("else", None)] {
        editor.category(slug, parent).await;
    }
    for (day, (title, category, tags, author)) in [
        ("one", json!("news"), json!(["质量", "tide"]), "林悦"),
        ("two", json!("local"), json!(["tide"]), ""),
        ("three", json!("town"), json!(["moon"]), "Lin Yue"),
        ("four", json!(null), json!([]), "林悦"),
    ]
    .into_iter()
    .enumerate()
    {
        create(&editor, json!({"title": title, "category": category, "tags": tags, "author": author,
            "source_name": if day < 2 { "报社" } else { "" }, "published_at": format!("2019-09-0{}T12:00:00Z", day + 1)}))
        .await;
    }
    (app, anon, editor)
}

#[actix_web::test]
async fn each_filter_shows_what_it_names() {
    let (_app, anon, _) = scene().await;
    for (query, wanted) in [
        ("category=news", vec!["one", "two", "three"]),
        ("category=local", vec!["two", "three"]),
        ("category=news&descendants=false", vec!["one"]),
        ("category=news&descendants=true", vec!["one", "two", "three"]),
        ("category=else", vec![]),
        ("tag=质量", vec!["one"]),
        ("tag=moon,%E8%B4%A8%E9%87%8F", vec!["one", "three"]),
        ("tag=tid", vec![]),
        ("author=林悦", vec!["one", "four"]),
        ("author=", vec!["two"]),
        ("author=Lin", vec![]),
        ("author=Lin+Yue", vec!["three"]),
        ("source=报社", vec!["one", "two"]),
        ("published_from=2019-09-02T12:00:00Z", vec!["two", "three", "four"]),
        ("published_to=2019-09-02T12:00:00Z", vec!["one"]),
        (
            "published_from=2019-09-02T20:00:00%2B08:00&published_to=2019-09-03T12:00:01Z",
            vec!["two", "three"],
        ),
        ("category=news&tag=tide&author=林悦&source=报社", vec!["one"]),
        ("category=local&author=林悦", vec![]),
    ] {
        assert_eq!(titles(&anon, &format!("{query}&sort=published_at")).await, wanted, "{query}");
    }
}

#[actix_web::test]
async fn a_category_is_named_by_id_as_well() {
    let (_app, anon, _) = scene().await;
    let local = anon.get("/api/v1/categories/local").await.data(200);
    let query = format!("category={}&sort=published_at", local["id"].as_str().unwrap());
    assert_eq!(titles(&anon, &query).await, ["two", "three"]);
}

#[actix_web::test]
async fn totals_and_pages_follow_the_filter() {
    let (_app, anon, _) = scene().await;
    let path = format!("{ARTICLES}?category=news&sort=published_at&count=true&page_size=2");
    let first = anon.get(&path).await.expect(200).json();
    assert_eq!(first["page"]["total"], 3);
    let cursor = first["page"]["next_cursor"].as_str().unwrap();
    assert_eq!(titles(&anon, &format!("category=news&sort=published_at&cursor={cursor}")).await, ["three"]);
    assert_eq!(titles(&anon, "category=news&sort=published_at&page=2&page_size=2").await, ["three"]);
}

#[actix_web::test]
async fn one_category_is_paged_like_the_whole_list() {
    let (app, anon, editor) = scene().await;
    editor.category("part-1", Some("else")).await;
    db_rows(&app, 13, A_MINUTE_APART).await;
    for category in ["part-1", "else"] {
        let mut seen = Vec::new();
        for number in 1..=3 {
            seen.push(titles(&anon, &format!("category={category}&page={number}&page_size=2")).await);
        }
        assert_eq!(seen, [vec!["row 00001", "row 00004"], vec!["row 00007", "row 00010"], vec!["row 00013"]]);
        let query = format!("category={category}&page_size=2");
        let first = anon.get(&format!("{ARTICLES}?{query}")).await.expect(200).json();
        let cursor = first["page"]["next_cursor"].as_str().unwrap();
        assert_eq!(titles(&anon, &format!("{query}&cursor={cursor}")).await, ["row 00007", "row 00010"]);
    }
}

#[actix_web::test]
async fn a_category_that_moves_takes_its_articles_along() {
    let (_app, anon, editor) = scene().await;
    editor.patch("/api/v1/categories/local", json!({"parent": "else"})).await.expect(200);
    assert_eq!(titles(&anon, "category=news").await, ["one"]);
    assert_eq!(titles(&anon, "category=else").await, ["three", "two"]);
}

#[actix_web::test]
async fn what_a_filter_cannot_mean_is_refused() {
    let (_app, anon, editor) = scene().await;
    for query in [
        "category=nowhere",
        "category=0199f0a2-b6c5-7d3e-9f0a-1b2c3d4e5f60",
        "category=",
        "descendants=maybe",
        "published_from=yesterday",
        "published_to=2019-09-20",
        "status=live",
        "deleted=1",
        "count=yes",
    ] {
        let answer = editor.get(&format!("{ARTICLES}?{query}")).await;
        let name = query.split('=').next().unwrap();
        assert_eq!(answer.faults(), [(name.to_owned(), "invalid_parameter".to_owned())], "{query}");
    }
    let many = anon.get(&format!("{ARTICLES}?count=yes&descendants=maybe&page_size=0")).await;
    assert_eq!(many.problem(), (400, "invalid_parameter".to_owned()));
}

#[actix_web::test]
async fn query_strings_are_text_without_nul() {
    let (_app, anon, _) = scene().await;
    for query in ["author=%00", "tag=a,%00", "author=%FF", "category=%C0%AF"] {
        let answer = anon.get(&format!("{ARTICLES}?{query}")).await;
        assert_eq!(answer.problem(), (400, "bad_request".to_owned()), "{query}");
    }
}

#[actix_web::test]
async fn hostile_values_are_values_and_nothing_more() {
    let (_app, anon, _) = scene().await;
    for text in ["'", "%27%20OR%201=1--", "$1", "%3F", "%25", "_", "%5C", "'::text", "%7B%7D", "\"", "a%2Cb"]
    {
        for name in ["author", "source", "tag"] {
            assert_eq!(titles(&anon, &format!("{name}={text}")).await, [""; 0], "{name}={text}");
        }
    }
}

#[actix_web::test]
async fn staff_filter_by_state_and_trash_together_with_the_rest() {
    let (_app, _, editor) = scene().await;
    create(&editor, json!({"title": "draft", "status": "draft", "category": "town"})).await;
    create(&editor, json!({"title": "later", "category": "town", "published_at": "2199-01-01T00:00:00Z"}))
        .await;
    let thrown = create(&editor, json!({"title": "thrown", "category": "town", "status": "archived"})).await;
    editor.delete(&super::at(&thrown)).await.expect(204);
    assert_eq!(titles(&editor, "category=news&status=draft").await, ["draft"]);
    assert_eq!(
        titles(&editor, "category=town&status=published,draft&sort=title").await,
        ["draft", "later", "three"]
    );
    assert_eq!(titles(&editor, "deleted=true&category=news&status=archived").await, ["thrown"]);
    assert_eq!(titles(&editor, "deleted=true&status=draft").await, [""; 0]);
}
