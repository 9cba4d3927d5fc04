//! The home page.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{TestApp, column};

const HOME: &str = "/api/v1/home";
const COMPOSITION: &str = "/api/v1/site/home";

#[actix_web::test]
async fn a_site_that_nobody_has_composed_has_a_home_page() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for (slug, parent) in [("news", None), ("local", Some("news")), ("law", None)] {
        admin.category(slug, parent).await;
    }
    admin.article("fresh", Some("local")).await;
    let home = anon.get(HOME).await.data(200);
    assert_eq!(column(&home["blocks"], "kind"), ["latest", "notices", "latest", "latest"]);
    assert_eq!(home["blocks"][2]["category"]["slug"], "law");
    assert_eq!(column(&home["blocks"][3]["items"], "title"), ["fresh"]);
    assert_eq!(home["version"], 0);
    let composition = admin.get(COMPOSITION).await.data(200);
    assert_eq!(
        (composition["blocks"].as_array().unwrap().len(), &composition["updated_at"]),
        (4, &Value::Null)
    );
}

#[actix_web::test]
async fn the_blocks_that_staff_compose_are_filled_with_what_everybody_may_see() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let editor = app.db_member(Role::Editor).await;
    admin.category("news", None).await;
    let [one, two] = [admin.article("one", Some("news")).await, admin.article("two", None).await];
    let draft = admin.post("/api/v1/articles", json!({"title": "Secret", "body": "x"})).await.data(201);
    for (title, kind, audience) in
        [("all", "notice", "public"), ("inner", "notice", "members"), ("office", "announcement", "public")]
    {
        let body =
            json!({"kind": kind, "title": title, "body": "x", "audience": audience, "status": "published"});
        admin.post("/api/v1/notices", body).await.expect(201);
    }
    editor
        .put("/api/v1/site/menus/friends", json!({"items": [{"title": "One", "url": "https://one.example"}]}))
        .await
        .expect(201);
    anon.request(Method::POST, &format!("/api/v1/articles/{}/views", two["id"].as_str().unwrap()))
        .send()
        .await
        .expect(204);
    app.shared.counter.flush(&app.shared.app).await.unwrap();
    let blocks = json!([
        {"kind": "latest", "category": "news", "size": 5},
        {"kind": "latest", "size": 1},
        {"kind": "popular", "days": 7, "size": 10},
        {"kind": "articles", "title": "Picked", "ids": [draft["id"], two["slug"], one["id"]]},
        {"kind": "notices", "notice_kind": "notice", "size": 5},
        {"kind": "notices"},
        {"kind": "html", "body": "<p onclick=\"x()\">Hello</p><script>alert(1)</script>"},
        {"kind": "links", "menu": "friends"},
        {"kind": "links", "menu": "nobody"},
    ]);
    let put = editor.put(COMPOSITION, json!({"blocks": blocks})).await.expect(200).json();
    assert_eq!(put["warnings"][0]["pointer"], "/blocks/6/body");
    let home = anon.get(HOME).await.data(200);
    let items = |at: usize, key: &str| column(&home["blocks"][at]["items"], key);
    assert_eq!(items(0, "title"), ["one"]);
    assert_eq!(items(1, "title"), ["two"]);
    assert_eq!(items(2, "title"), ["two"]);
    assert_eq!(items(3, "title"), ["two", "one"]);
    assert_eq!(home["blocks"][3]["title"], "Picked");
    assert_eq!(items(4, "title"), ["all"]);
    assert_eq!(items(5, "title"), ["office", "all"]);
    assert_eq!(home["blocks"][6]["body"], "<p>Hello</p>");
    assert_eq!((items(7, "url"), items(8, "url").len()), (vec!["https://one.example".to_owned()], 0));
    assert!(!home.to_string().contains("Secret") && !home.to_string().contains("inner"));
    admin
        .patch(&format!("/api/v1/articles/{}", draft["id"].as_str().unwrap()), json!({"status": "published"}))
        .await
        .expect(200);
    assert_eq!(
        column(&anon.get(HOME).await.data(200)["blocks"][3]["items"], "title"),
        ["Secret", "two", "one"]
    );
    let source = editor.get(COMPOSITION).await.data(200)["blocks"].clone();
    assert_eq!(editor.put(COMPOSITION, json!({"blocks": source})).await.data(200)["version"], 1);
}

#[actix_web::test]
async fn filling_many_blocks_takes_no_more_round_trips_than_filling_few() {
    let (app, anon, wire) = TestApp::start_counting().await;
    let admin = app.db_member(Role::Admin).await;
    for number in 0..8 {
        admin.category(&format!("c{number}"), None).await;
        admin.article(&format!("a{number}"), Some(&format!("c{number}"))).await;
    }
    let mut counts = Vec::new();
    for blocks in [1, 8] {
        let block = |at: usize| json!({"kind": "latest", "category": format!("c{at}")});
        let blocks: Vec<Value> = (0..blocks).map(block).collect();
        admin.put(COMPOSITION, json!({"blocks": blocks})).await.expect(200);
        let count = wire.fewest(async || {
            app.shared.app.follower.forget_answers();
            anon.get(HOME).await.expect(200);
        });
        counts.push(count.await);
    }
    assert_eq!(counts[0], counts[1]);
}

#[actix_web::test]
async fn every_fault_of_a_block_is_named_where_it_is() {
    let (app, anon) = TestApp::start().await;
    let cast = app.db_cast().await;
    for (block, pointers) in [
        (json!({"kind": "latest", "category": "nowhere"}), vec!["/blocks/0/category"]),
        (json!({"kind": "latest", "days": 7}), vec!["/blocks/0/days"]),
        (json!({"kind": "latest", "size": 21}), vec!["/blocks/0/size"]),
        (json!({"kind": "popular", "days": 2}), vec!["/blocks/0/days"]),
        (json!({"kind": "articles"}), vec!["/blocks/0/ids"]),
        (json!({"kind": "articles", "ids": ["gone"]}), vec!["/blocks/0/ids/0"]),
        (json!({"kind": "html"}), vec!["/blocks/0/body"]),
        (json!({"kind": "links", "menu": "No such"}), vec!["/blocks/0/menu"]),
        (json!({"kind": "links", "body": "x"}), vec!["/blocks/0/body", "/blocks/0/menu"]),
        (json!({"kind": "banner"}), vec!["/blocks/0/kind"]),
    ] {
        let answer = cast.editor.put(COMPOSITION, json!({"blocks": [block]})).await.expect(422);
        let found: Vec<String> = answer.faults().into_iter().map(|(at, _)| at).collect();
        assert_eq!(found, pointers, "{block}");
    }
    let many: Vec<Value> = (0..31).map(|_| json!({"kind": "latest"})).collect();
    cast.editor.put(COMPOSITION, json!({"blocks": many})).await.expect(422);
    let body = json!({"blocks": [{"kind": "latest"}]});
    cast.author.put(COMPOSITION, body.clone()).await.expect(403);
    cast.author.get(COMPOSITION).await.expect(403);
    anon.get(COMPOSITION).await.expect(401);
    let put = async |tag: &str| {
        cast.editor.request(Method::PUT, COMPOSITION).header("if-match", tag).json(&body).send().await
    };
    put("\"1\"").await.expect(412);
    put("\"0\"").await.expect(200);
    put("\"0\"").await.expect(412);
}

#[actix_web::test]
async fn a_block_of_a_category_that_is_gone_is_left_out() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    admin.category("news", None).await;
    admin.category("law", None).await;
    let blocks = json!([{"kind": "latest", "category": "news"}, {"kind": "latest", "category": "law"}]);
    admin.put(COMPOSITION, json!({"blocks": blocks})).await.expect(200);
    admin.delete("/api/v1/categories/news").await.expect(204);
    let home = anon.get(HOME).await.data(200);
    assert_eq!(home["blocks"].as_array().unwrap().len(), 1);
    assert_eq!(home["blocks"][0]["category"]["slug"], "law");
}

#[actix_web::test]
async fn an_article_page_takes_one_request() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    admin.category("news", None).await;
    admin.article("before", Some("news")).await;
    let article = admin.article("middle", Some("news")).await;
    admin.article("after", Some("news")).await;
    for (title, audience) in [("inner", "members"), ("all", "public")] {
        let body = json!({"kind": "notice", "title": title, "body": "x", "audience": audience, "status": "published"});
        admin.post("/api/v1/notices", body).await.expect(201);
    }
    let path =
        format!("/api/v1/articles/{}?include=neighbors,related,notices", article["slug"].as_str().unwrap());
    app.index().await;
    let page = anon.get(&path).await.data(200);
    assert_eq!(
        (&page["neighbors"]["previous"]["title"], &page["neighbors"]["next"]["title"]),
        (&json!("before"), &json!("after"))
    );
    assert_eq!(column(&page["notices"], "title"), ["all"]);
    assert!(page["notices"][0].get("body").is_none());
    assert!(page["related"].is_array());
    let picked = anon.get(&format!("{path}&fields=title")).await.data(200);
    assert_eq!(column(&picked["notices"], "title"), ["all"]);
    let late = json!({"kind": "announcement", "title": "new", "body": "x", "status": "published"});
    admin.post("/api/v1/notices", late).await.expect(201);
    assert_eq!(column(&anon.get(&path).await.data(200)["notices"], "title"), ["new", "all"]);
}
