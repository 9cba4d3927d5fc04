//! The category tree.

mod former_slugs;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Client, TestApp, column};

const SECTIONS: &str = "/api/v1/categories";

fn at(slug: &str) -> String {
    format!("{SECTIONS}/{slug}")
}

/// The slugs of a nested list, children in brackets.
fn outline(categories: &Value) -> String {
    let categories = categories.as_array().unwrap();
    let one = |category: &Value| {
        let inner = outline(&category["children"]);
        let inner = if inner.is_empty() { inner } else { format!("({inner})") };
        format!("{}{inner}", category["slug"].as_str().unwrap())
    };
    categories.iter().map(one).collect::<Vec<_>>().join(" ")
}

async fn nested(client: &Client) -> String {
    outline(&client.get(&format!("{SECTIONS}?tree=true")).await.data(200))
}

#[actix_web::test]
async fn a_category_gets_its_slug_from_pinyin_and_a_second_one_a_suffix() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let named = json!({"name": "地方动态", "description": "各地消息", "position": 3});
    let answer = cast.editor.post(SECTIONS, named.clone()).await.expect(201);
    let location = answer.header("location").to_owned();
    let first = answer.data(201);
    assert_eq!((&first["slug"], &first["position"]), (&json!("di-fang-dong-tai"), &json!(3)));
    assert_eq!(cast.anon.get(&location).await.data(200), first);
    let second = cast.editor.post(SECTIONS, named).await.data(201);
    assert!(second["slug"].as_str().unwrap().starts_with("di-fang-dong-tai-"), "{second}");
}

#[actix_web::test]
async fn a_slug_that_is_taken_or_cannot_be_one_is_refused_at_its_place() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    cast.editor.category("news", None).await;
    cast.editor.category("sport", None).await;
    for (slug, status, code) in [
        ("news", 409, "slug_taken"),
        ("import", 422, "invalid_format"),
        ("0199f0a2-b6c5-7d3e-9f0a-1b2c3d4e5f60", 422, "invalid_format"),
        ("No Slug", 422, "invalid_format"),
    ] {
        for answer in [
            cast.editor.post(SECTIONS, json!({"name": "x", "slug": slug})).await,
            cast.editor.patch(&at("sport"), json!({"slug": slug})).await,
        ] {
            assert_eq!(answer.faults(), [("/slug".to_owned(), code.to_owned())], "{slug}");
            assert_eq!(answer.status, status);
        }
    }
}

#[actix_web::test]
async fn three_levels_have_a_breadcrumb_each() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let news = cast.editor.category("news", None).await;
    cast.editor.category("local", Some(news["id"].as_str().unwrap())).await;
    let town = cast.editor.category("town", Some("local")).await;
    assert_eq!(column(&town["path"], "slug"), ["news", "local", "town"]);
    let middle = cast.anon.get(&at("local")).await.data(200);
    assert_eq!(column(&middle["path"], "slug"), ["news", "local"]);
    assert_eq!(column(&middle["children"], "slug"), ["town"]);
    let by_id = at(town["id"].as_str().unwrap());
    assert_eq!(cast.anon.get(&by_id).await.data(200), town);
}

#[actix_web::test]
async fn siblings_stand_by_position_then_name_and_parents_before_children() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    for (slug, parent, position) in
        [("late", None, 2), ("b", None, 1), ("a", None, 1), ("a2", Some("a"), 1), ("a1", Some("a"), 0)]
    {
        let body = json!({"name": slug, "slug": slug, "parent": parent, "position": position});
        cast.editor.post(SECTIONS, body).await.expect(201);
    }
    let flat = cast.anon.get(SECTIONS).await.data(200);
    assert_eq!(column(&flat, "slug"), ["a", "a1", "a2", "b", "late"]);
    assert_eq!(flat[1]["path"][0]["slug"], "a");
    assert_eq!(nested(&cast.anon).await, "a(a1 a2) b late");
}

#[actix_web::test]
async fn a_category_moves_with_all_that_is_in_it() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    for (slug, parent) in [("a", None), ("b", Some("a")), ("c", Some("b")), ("z", None)] {
        cast.editor.category(slug, parent).await;
    }
    let moved = cast.editor.patch(&at("b"), json!({"parent": "z"})).await.data(200);
    assert_eq!(column(&moved["path"], "slug"), ["z", "b"]);
    assert_eq!(nested(&cast.anon).await, "a z(b(c))");
    cast.editor.patch(&at("b"), json!({"parent": null})).await.expect(200);
    assert_eq!(nested(&cast.anon).await, "a b(c) z");
    cast.editor.patch(&at("c"), json!({"name": "still there"})).await.expect(200);
    assert_eq!(nested(&cast.anon).await, "a b(c) z");
}

#[actix_web::test]
async fn a_category_never_ends_up_inside_itself() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    for (slug, parent) in [("a", None), ("b", Some("a")), ("c", Some("b"))] {
        cast.editor.category(slug, parent).await;
    }
    for target in ["a", "b", "c"] {
        let answer = cast.editor.patch(&at("a"), json!({"parent": target})).await;
        assert_eq!(answer.problem(), (409, "category_cycle".to_owned()), "{target}");
        assert_eq!(answer.faults()[0].0, "/parent");
    }
    assert_eq!(nested(&cast.anon).await, "a(b(c))");
}

#[actix_web::test]
async fn moves_at_once_that_would_close_a_ring_leave_a_tree() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    let ring = ["a", "b", "c", "d"];
    for slug in ring {
        cast.editor.category(slug, None).await;
    }
    let moves = ring
        .iter()
        .zip(ring.iter().cycle().skip(1))
        .map(async |(slug, parent)| cast.editor.patch(&at(slug), json!({"parent": parent})).await.status);
    let mut statuses = join_all(moves).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 409]);
    let tree = nested(&cast.anon).await;
    assert_eq!(tree.matches(char::is_alphabetic).count(), 4, "{tree}");
}

#[actix_web::test]
async fn a_parent_that_does_not_exist_is_a_fault_of_the_body() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    cast.editor.category("a", None).await;
    for parent in ["nowhere", "0199f0a2-b6c5-7d3e-9f0a-1b2c3d4e5f60"] {
        for answer in [
            cast.editor.post(SECTIONS, json!({"name": "b", "parent": parent})).await,
            cast.editor.patch(&at("a"), json!({"parent": parent})).await,
        ] {
            assert_eq!(answer.problem(), (422, "unknown_reference".to_owned()));
            assert_eq!(answer.faults()[0].0, "/parent");
        }
    }
}

#[actix_web::test]
async fn a_category_in_use_is_not_deleted_and_says_what_it_holds() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    cast.editor.category("a", None).await;
    cast.editor.category("b", Some("a")).await;
    cast.author.post("/api/v1/articles", json!({"title": "draft", "category": "a"})).await.expect(201);
    let trashed = cast.editor.article("trashed", Some("a")).await;
    cast.editor.delete(&format!("/api/v1/articles/{}", trashed["slug"].as_str().unwrap())).await.expect(204);
    let refused = cast.editor.delete(&at("a")).await.expect(409);
    assert_eq!(refused.problem().1, "category_in_use");
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("2 articles") && detail.contains("1 categories"), "{detail}");
    cast.editor.delete(&at("b")).await.expect(204);
    assert_eq!(cast.anon.get(&at("b")).await.status, 404);
}

#[actix_web::test]
async fn a_deleted_category_hands_its_articles_trash_and_categories_over() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    for (slug, parent) in [("a", None), ("b", Some("a")), ("z", None)] {
        cast.editor.category(slug, parent).await;
    }
    let kept = cast.editor.article("kept", Some("a")).await;
    cast.editor.article("trashed", Some("a")).await;
    cast.editor.delete("/api/v1/articles/trashed").await.expect(204);
    cast.editor.delete(&format!("{}?move_to=z", at("a"))).await.expect(204);
    assert_eq!(nested(&cast.anon).await, "z(b)");
    let moved = cast.anon.get("/api/v1/articles/kept").await.data(200);
    assert_eq!(moved["category"]["slug"], "z");
    assert_ne!(moved["version"], kept["version"]);
    let restored = cast.editor.act("/api/v1/articles/trashed/restore").await.data(200);
    assert_eq!(restored["category"]["slug"], "z");
}

#[actix_web::test]
async fn nothing_moves_into_the_deleted_category_itself() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    cast.editor.category("a", None).await;
    cast.editor.category("b", Some("a")).await;
    for target in ["a", "b", "nowhere"] {
        let answer = cast.editor.delete(&format!("{}?move_to={target}", at("a"))).await.expect(400);
        assert_eq!(answer.faults(), [("move_to".to_owned(), "invalid_parameter".to_owned())], "{target}");
    }
    assert_eq!(nested(&cast.anon).await, "a(b)");
}

#[actix_web::test]
async fn only_public_articles_of_the_category_and_below_are_counted() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    for (slug, parent) in [("a", None), ("b", Some("a")), ("z", None)] {
        cast.editor.category(slug, parent).await;
    }
    for (category, more) in [
        ("a", json!({"status": "published"})),
        ("b", json!({"status": "published"})),
        ("b", json!({"status": "draft"})),
        ("b", json!({"status": "archived"})),
        ("b", json!({"status": "published", "published_at": "2999-01-01T00:00:00Z"})),
        ("z", json!({"status": "published"})),
    ] {
        let mut article = json!({"title": "t", "category": category});
        article.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        cast.editor.post("/api/v1/articles", article).await.expect(201);
    }
    for client in [&cast.anon, &cast.admin] {
        assert_eq!(client.get(&at("a")).await.data(200)["article_count"], 2);
        assert_eq!(client.get(&at("b")).await.data(200)["article_count"], 1);
    }
}

#[actix_web::test]
async fn a_stale_change_or_deletion_is_refused() {
    let (app, _) = TestApp::start().await;
    let cast = app.db_cast().await;
    cast.editor.category("a", None).await;
    let seen = cast.anon.get(&at("a")).await.expect(200).header("etag").to_owned();
    cast.editor.patch(&at("a"), json!({"name": "new"})).await.expect(200);
    let stale = cast.editor.request(Method::DELETE, &at("a")).header("if-match", &seen).send().await;
    assert_eq!(stale.problem(), (412, "version_mismatch".to_owned()));
    assert_eq!(stale.json()["current_version"], 2);
}
