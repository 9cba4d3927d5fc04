//! What may not be seen is not found, not counted and not suggested, from the acknowledgement on.

use inkstone::articles::searching::highlight_articles;
use inkstone::db::visibility::Articles;
use serde_json::json;

use super::{ask, publish, start};

#[actix_web::test]
async fn what_was_unpublished_a_moment_ago_is_gone_from_hits_totals_and_counts() {
    let (app, anon, editor) = start().await;
    let category = editor.post("/api/v1/categories", json!({"name": "甲", "slug": "a"})).await.data(201);
    let mut ids = Vec::new();
    for at in 0..30 {
        let article = publish(
            &editor,
            json!({"title": format!("钢材抽查 {at}"), "tags": ["钢材"], "category": category["id"]}),
        )
        .await;
        ids.push(article["id"].as_str().unwrap().to_owned());
    }
    app.index().await;
    for (at, id) in ids.iter().enumerate() {
        let path = format!("/api/v1/articles/{id}");
        match at % 3 {
            0 => drop(editor.patch(&path, json!({"status": "draft"})).await.expect(200)),
            1 => drop(editor.delete(&path).await.expect(204)),
            _ => drop(editor.patch(&path, json!({"published_at": "2999-01-01T00:00:00Z"})).await.expect(200)),
        }
        // At once: the index may not have followed.
        let left = 29 - at as u64;
        let found = ask(&anon, "/api/v1/search", &[("q", "钢材"), ("page_size", "100")]).await;
        let counts = [
            found["page"]["total"].as_u64(),
            found["data"].as_array().map(|hits| hits.len() as u64),
            Some(found["facets"]["tag"][0]["count"].as_u64().unwrap_or(0)),
            Some(found["facets"]["category"][0]["count"].as_u64().unwrap_or(0)),
        ];
        assert_eq!(counts, [Some(left); 4]);
        let list =
            ask(&anon, "/api/v1/articles", &[("q", "抽查"), ("count", "true"), ("sort", "title")]).await;
        assert_eq!(list["page"]["total"], left);
    }
    app.index().await;
    assert_eq!(ask(&anon, "/api/v1/search", &[("q", "钢材")]).await["page"]["total"], 0);
    let suggested = ask(&anon, "/api/v1/search/suggest", &[("prefix", "钢材")]).await;
    assert_eq!(suggested["data"], json!([]));
}

#[actix_web::test]
async fn an_article_that_was_unpublished_after_its_row_was_read_is_not_marked() {
    let (app, _, editor) = start().await;
    let draft =
        editor.post("/api/v1/articles", json!({"title": "质量", "body": "<p>质量秘密</p>"})).await.data(201);
    let id = draft["id"].as_str().unwrap().parse().unwrap();
    let query = std::sync::Arc::new(inkstone::index::Query::parse("质量").unwrap());
    for (visible, count) in [(Articles::Public, 0), (Articles::All, 1)] {
        let marks = highlight_articles(&app.shared.app, &query, visible, vec![id]).await.unwrap();
        assert_eq!(marks.len(), count, "{visible:?}");
    }
}
