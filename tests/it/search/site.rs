//! `GET /search` and `GET /search/suggest`.

use inkstone::operations::Role;
use serde_json::{Value, json};

use super::{ask, publish, start};

const SEARCH: &str = "/api/v1/search";

#[actix_web::test]
async fn articles_and_notices_are_found_together_and_counted() {
    let (app, anon, editor) = start().await;
    for (slug, parent) in [("news", None), ("local", Some("news"))] {
        editor
            .post("/api/v1/categories", json!({"name": slug, "slug": slug, "parent": parent}))
            .await
            .data(201);
    }
    for (category, tags, published_at) in [
        ("news", json!(["甲", "乙"]), "2018-12-31T16:00:00Z"),
        ("local", json!(["甲"]), "2019-05-01T00:00:00Z"),
        ("local", json!([]), "2020-05-01T00:00:00Z"),
    ] {
        publish(
            &editor,
            json!({"title": "质量监督", "category": category, "tags": tags, "published_at": published_at}),
        )
        .await;
    }
    for audience in ["public", "members"] {
        let notice = json!({"kind": "announcement", "title": "质量公告", "body": "x", "status": "published", "audience": audience, "published_at": "2019-06-01T00:00:00Z"});
        editor.post("/api/v1/notices", notice).await.data(201);
    }
    app.index().await;
    let found = ask(&anon, SEARCH, &[("q", "质量"), ("highlight", "true")]).await;
    assert_eq!(found["page"]["total"], 4);
    let kinds: Vec<&str> =
        found["data"].as_array().unwrap().iter().map(|hit| hit["type"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "notice").count(), 1);
    assert!(found["data"].as_array().unwrap().iter().all(|hit| hit["score"].as_f64().unwrap() > 0.0));
    assert!(found["data"][0]["highlight"]["title"].as_str().unwrap().starts_with("<mark>质量</mark>"));
    let facet = |name: &str, key: &str| -> Vec<(Value, u64)> {
        let all = found["facets"][name].as_array().unwrap().iter();
        all.map(|one| (one[key].clone(), one["count"].as_u64().unwrap())).collect()
    };
    assert_eq!(facet("category", "slug"), [(json!("news"), 3), (json!("local"), 2)]);
    assert_eq!(facet("tag", "tag"), [(json!("甲"), 2), (json!("乙"), 1)]);
    // The first hour of 2019 in Shanghai.
    assert_eq!(facet("year", "year"), [(json!(2020), 1), (json!(2019), 3)]);
    assert_eq!(facet("type", "type"), [(json!("article"), 3), (json!("notice"), 1)]);
    for (more, total) in
        [(("type", "notice"), 1), (("category", "local"), 2), (("tag", "乙"), 1), (("year", "2019"), 3)]
    {
        assert_eq!(ask(&anon, SEARCH, &[("q", "质量"), more]).await["page"]["total"], total, "{more:?}");
    }
    // Members find the notices for members too.
    let member = app.db_member(Role::Member).await;
    assert_eq!(ask(&member, SEARCH, &[("q", "质量")]).await["page"]["total"], 5);
    anon.get(&format!("{SEARCH}?q=a&category=nowhere")).await.expect(400);
    anon.get(SEARCH).await.expect(400);
}

#[actix_web::test]
async fn titles_and_tags_are_suggested_by_characters_and_pinyin() {
    let (app, anon, editor) = start().await;
    for title in ["质量提升行动启动", "质量提升在路上", "ISO 9001 换版"] {
        publish(&editor, json!({"title": title, "tags": ["质量提升", "重庆"]})).await;
    }
    editor.post("/api/v1/articles", json!({"title": "质量提升草稿", "tags": ["质量草稿"]})).await.data(201);
    app.index().await;
    let suggest = async |prefix: &str| -> Vec<(String, u64)> {
        let found = ask(&anon, "/api/v1/search/suggest", &[("prefix", prefix)]).await;
        let all = found["data"].as_array().unwrap().iter();
        all.map(|one| (one["text"].as_str().unwrap().to_owned(), one["count"].as_u64().unwrap())).collect()
    };
    for prefix in ["质量", "質量", "zlts", "zhiliang ts", "质l", "zhil"] {
        let found = suggest(prefix).await;
        assert_eq!(found[0], ("质量提升".to_owned(), 3), "{prefix}");
        assert_eq!(found.len(), 3, "{prefix} {found:?}");
    }
    assert_eq!(suggest("iso").await, [("ISO 9001 换版".to_owned(), 1)]);
    assert_eq!(suggest("chongq").await, [("重庆".to_owned(), 3)]);
    assert!(suggest("砝码").await.is_empty() && suggest("，").await.is_empty());
}
