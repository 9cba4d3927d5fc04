//! What the public does not see changes nothing that it gets.

use inkstone::operations::Role;
use serde_json::json;

use super::{ARTICLES, CATEGORIES, NOTICES, fill, list_forgotten, settle};
use crate::harness::TestApp;

#[actix_web::test]
async fn drafts_and_archived_and_future_things_change_no_byte_and_no_header() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    editor.category("sea", None).await;
    editor.article("Tide", Some("sea")).await;
    let paths = [
        ARTICLES,
        "/api/v1/articles?category=sea",
        "/api/v1/articles?count=true",
        "/api/v1/articles/tide?include=neighbors",
        "/api/v1/categories/sea",
        CATEGORIES,
        NOTICES,
    ];
    fill(&app, &anon, &paths).await;
    let see = async || {
        let mut seen = Vec::new();
        for path in paths {
            let answer = anon.get(path).await.expect(200);
            let headers =
                ["etag", "last-modified", "link", "surrogate-key"].map(|name| answer.header(name).to_owned());
            seen.push((path, headers, answer.text()));
        }
        seen
    };
    for path in paths {
        settle(&anon, path).await;
    }
    let before = see().await;
    for status in ["draft", "archived"] {
        let article = json!({"title": status, "category": "sea", "status": status, "published_at": "2020-01-01T00:00:00Z"});
        let made = editor.post(ARTICLES, article).await.data(201);
        let path = format!("{ARTICLES}/{}", made["id"].as_str().unwrap());
        editor.patch(&path, json!({"title": "changed"})).await.expect(200);
        editor.delete(&path).await.expect(204);
        assert_eq!(list_forgotten(&app, &anon, &paths).await, [""; 0], "{status}");
        let notice = json!({"kind": "notice", "title": status, "status": status});
        editor.post(NOTICES, notice).await.expect(201);
    }
    let later = json!({"title": "later", "category": "sea", "status": "published", "published_at": "2090-01-01T00:00:00Z"});
    let made = editor.post(ARTICLES, later).await.data(201);
    editor
        .patch(&format!("{ARTICLES}/{}", made["id"].as_str().unwrap()), json!({"title": "much later"}))
        .await
        .expect(200);
    for (audience, published_at) in [("members", "2020-01-01T00:00:00Z"), ("public", "2090-01-01T00:00:00Z")]
    {
        let notice = json!({"kind": "notice", "title": "n", "status": "published", "audience": audience, "published_at": published_at});
        editor.post(NOTICES, notice).await.expect(201);
    }
    assert_eq!(see().await, before);
    app.shared.app.follower.forget_answers();
    assert_eq!(see().await, before, "nor what is made anew");
}
