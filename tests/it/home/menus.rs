//! Menus.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{TestApp, column};

const MENUS: &str = "/api/v1/site/menus";

#[actix_web::test]
async fn a_menu_leads_to_things_under_their_present_names() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let editor = app.db_member(Role::Editor).await;
    admin.category("news", None).await;
    let article = admin.article("About us", None).await;
    let notice = json!({"kind": "notice", "title": "Closed", "body": "x", "status": "published"});
    let notice = admin.post("/api/v1/notices", notice).await.data(201);
    let items = json!([
        {"title": "Home", "url": "/"},
        {"category": "news", "items": [{"title": "Mail", "url": "mailto:a@example.org"}]},
        {"article": article["slug"]},
        {"title": "Hours", "notice": notice["id"]},
        {"title": "Friends", "items": [{"title": "One", "url": "https://one.example/a?b=c"}]},
    ]);
    let menu = editor.put(&format!("{MENUS}/main"), json!({"items": items})).await;
    assert_eq!(menu.header("location"), format!("{MENUS}/main"));
    assert_eq!(menu.data(201)["version"], 1);
    let seen = anon.get(&format!("{MENUS}/main")).await.data(200);
    assert_eq!(column(&seen["items"], "title"), ["Home", "news", "About us", "Hours", "Friends"]);
    assert_eq!(seen["items"][1]["category"]["path"][0]["slug"], "news");
    assert_eq!(seen["items"][1]["items"][0]["url"], "mailto:a@example.org");
    assert!(seen.get("source").is_none());
    admin.patch("/api/v1/categories/news", json!({"name": "新闻", "slug": "xinwen"})).await.expect(200);
    let seen = anon.get(&format!("{MENUS}/main")).await.data(200);
    assert_eq!(
        (&seen["items"][1]["title"], &seen["items"][1]["category"]["slug"]),
        (&json!("新闻"), &json!("xinwen"))
    );
    let source = editor.get(&format!("{MENUS}/main")).await.data(200)["source"].clone();
    let again = editor.put(&format!("{MENUS}/main"), json!({"items": source})).await.data(200);
    assert_eq!(again["version"], 1, "what is sent again changes nothing");
}

#[actix_web::test]
async fn readers_see_no_link_to_what_they_may_not_see() {
    let (app, anon) = TestApp::start().await;
    let cast = app.db_cast().await;
    let article = cast.admin.article("Public", None).await;
    let draft = cast.admin.post("/api/v1/articles", json!({"title": "Secret", "body": "x"})).await.data(201);
    let inner = json!({"kind": "notice", "title": "Members", "body": "x", "audience": "members", "status": "published"});
    let inner = cast.admin.post("/api/v1/notices", inner).await.data(201);
    let items = json!([
        {"article": article["id"]},
        {"article": draft["id"], "title": "Heading", "items": [{"title": "Stays", "url": "/x"}]},
        {"article": draft["id"]},
        {"notice": inner["id"]},
    ]);
    cast.editor.put(&format!("{MENUS}/main"), json!({"items": items})).await.expect(201);
    for reader in [&anon, &cast.member, &cast.author] {
        let text = reader.get(MENUS).await.expect(200).text();
        assert!(!text.contains("Secret") && !text.contains("Members"), "{text}");
        assert!(
            !text.contains(draft["id"].as_str().unwrap()) && !text.contains(inner["id"].as_str().unwrap())
        );
        let menu = reader.get(&format!("{MENUS}/main")).await.data(200);
        assert_eq!(column(&menu["items"], "title"), ["Public", "Heading"]);
        assert!(menu["items"][1].get("article").is_none());
    }
    cast.admin
        .patch(&format!("/api/v1/articles/{}", article["id"].as_str().unwrap()), json!({"status": "draft"}))
        .await
        .expect(200);
    assert_eq!(column(&anon.get(&format!("{MENUS}/main")).await.data(200)["items"], "title"), ["Heading"]);
    cast.admin
        .patch(&format!("/api/v1/articles/{}", draft["id"].as_str().unwrap()), json!({"status": "published"}))
        .await
        .expect(200);
    assert_eq!(
        column(&anon.get(&format!("{MENUS}/main")).await.data(200)["items"], "title"),
        ["Heading", "Secret"]
    );
}

#[actix_web::test]
async fn every_fault_of_a_menu_is_named_where_it_is() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    app.db_member(Role::Admin).await.category("news", None).await;
    let faults = async |items: Value| {
        let answer = editor.put(&format!("{MENUS}/main"), json!({"items": items})).await.expect(422);
        answer.faults().into_iter().map(|(at, _)| at).collect::<Vec<_>>()
    };
    assert_eq!(
        faults(json!([{"title": "a", "items": [{"category": "nowhere"}]}])).await,
        ["/items/0/items/0/category"]
    );
    assert_eq!(faults(json!([{"url": "/"}])).await, ["/items/0/title"]);
    assert_eq!(faults(json!([{"title": "a", "url": "/", "category": "news"}])).await, ["/items/0"]);
    assert_eq!(
        faults(json!([{"article": "gone"}, {"notice": "x"}])).await,
        ["/items/0/article", "/items/1/notice"]
    );
    for url in [
        "javascript:alert(1)",
        "//evil.example",
        "https://a@b.example/",
        "data:text/html,x",
        "/\\evil.example",
        "x y",
    ] {
        assert_eq!(
            faults(json!([{"title": "a", "items": [{"title": "b", "url": url}]}])).await,
            ["/items/0/items/0/url"],
            "{url}"
        );
    }
    let deep = (0..6).fold(json!([]), |below, _| json!([{"title": "a", "items": below}]));
    assert_eq!(faults(deep).await, ["/items/0/items/0/items/0/items/0/items/0/items"]);
    let wide: Vec<Value> = (0..300).map(|_| json!({"title": "a", "items": [{"title": "b"}]})).collect();
    assert!(!faults(json!(wide)).await.is_empty());
    let wrong: Vec<Value> = (0..400).map(|_| json!({"article": "gone"})).collect();
    assert_eq!(faults(json!(wrong)).await.len(), 100, "a problem names a bounded number of faults");
    assert_eq!(faults(json!([{"title": "a", "target": "_blank"}])).await, ["/items/0/target"]);
}

#[actix_web::test]
async fn a_menu_is_replaced_only_by_who_has_seen_it() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let path = format!("{MENUS}/import");
    let put = async |header: (&str, &str), title: &str| {
        let body = json!({"items": [{"title": title}]});
        editor.request(Method::PUT, &path).header(header.0, header.1).json(&body).send().await
    };
    put(("if-match", "\"1\""), "none yet").await.expect(412);
    put(("if-none-match", "*"), "first").await.expect(201);
    put(("if-none-match", "*"), "second").await.expect(412);
    let tag = editor.get(&path).await.header("etag").to_owned();
    put(("if-match", &tag), "second").await.expect(200);
    put(("if-match", &tag), "third").await.expect(412);
    assert_eq!(anon.get(&path).await.data(200)["items"][0]["title"], "second");
    editor.delete(&path).await.expect(204);
    anon.get(&path).await.expect(404);
    editor.delete(&path).await.expect(404);
    for name in ["Main", "a_b", "a--b", "%E8%8F%9C%E5%8D%95"] {
        editor.put(&format!("{MENUS}/{name}"), json!({"items": []})).await.expect(400);
        anon.get(&format!("{MENUS}/{name}")).await.expect(404);
    }
    for number in 0..50 {
        editor.put(&format!("{MENUS}/m{number}"), json!({"items": []})).await.expect(201);
    }
    assert_eq!(
        editor.put(&format!("{MENUS}/more"), json!({"items": []})).await.problem().1,
        "too_many_menus"
    );
}

#[actix_web::test]
async fn what_was_read_of_a_menu_or_a_home_page_can_be_sent_again_when_things_are_gone() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    admin.category("news", None).await;
    let article = admin.article("Gone", None).await;
    let items = json!([{"article": article["id"]}, {"category": "news"}, {"title": "Home", "url": "/"}]);
    admin.put(&format!("{MENUS}/main"), json!({"items": items})).await.expect(201);
    let blocks =
        json!([{"kind": "articles", "ids": [article["id"]]}, {"kind": "latest", "category": "news"}]);
    admin.put("/api/v1/site/home", json!({"blocks": blocks})).await.expect(200);
    admin.delete(&format!("/api/v1/articles/{}", article["id"].as_str().unwrap())).await.expect(204);
    admin.delete("/api/v1/categories/news").await.expect(204);
    let source = admin.get(&format!("{MENUS}/main")).await.data(200)["source"].clone();
    admin.put(&format!("{MENUS}/main"), json!({"items": source})).await.expect(200);
    let blocks = admin.get("/api/v1/site/home").await.data(200)["blocks"].clone();
    admin.put("/api/v1/site/home", json!({"blocks": blocks})).await.expect(200);
    assert_eq!(column(&anon.get(&format!("{MENUS}/main")).await.data(200)["items"], "title"), ["Home"]);
    let other = json!({"items": [{"article": article["id"]}]});
    assert_eq!(admin.put(&format!("{MENUS}/other"), other).await.problem().1, "unknown_reference");
}
