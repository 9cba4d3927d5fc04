//! Members get the bytes that visitors get, once their session is found valid.

use reqwest::Method;
use serde_json::json;

use super::{ARTICLES, CATEGORIES, NOTICES, SITE, ask, fill};
use crate::harness::TestApp;

#[actix_web::test]
async fn a_member_gets_the_answer_of_a_visitor_without_a_statement() {
    let (app, anon, wire) = TestApp::start_counting().await;
    let cast = app.db_cast().await;
    cast.editor.category("sea", None).await;
    cast.editor.article("Tide", Some("sea")).await;
    let paths = [ARTICLES, "/api/v1/articles/tide", CATEGORIES, "/api/v1/categories/sea", SITE];
    fill(&app, &anon, &paths).await;
    // The session is looked up, and remembered for a second.
    let mut fewest = usize::MAX;
    for _ in 0..5 {
        cast.member.get(SITE).await.expect(200);
        let before = wire.count();
        for path in paths {
            let (is_hit, answer) = ask(&app, &cast.member, path).await;
            assert!(is_hit, "{path}");
            assert_eq!(answer.header("cache-control"), "private, no-cache");
            let visitors = anon.get(path).await;
            assert_eq!((answer.header("etag"), &answer.bytes), (visitors.header("etag"), &visitors.bytes));
            assert!(visitors.header("cache-control").starts_with("public"));
            let known =
                cast.member.request(Method::GET, path).header("if-none-match", visitors.header("etag"));
            assert_eq!(known.send().await.expect(304).header("cache-control"), "private, no-cache");
        }
        fewest = fewest.min(wire.count() - before);
    }
    assert_eq!(fewest, 0);
}

#[actix_web::test]
async fn what_a_member_asks_for_first_is_kept_as_a_visitor_gets_it() {
    let (app, anon) = TestApp::start().await;
    let cast = app.db_cast().await;
    cast.editor.article("Tide", None).await;
    fill(&app, &anon, &[SITE]).await;
    let path = "/api/v1/articles/tide";
    assert_eq!(cast.member.get(path).await.expect(200).header("cache-control"), "private, no-cache");
    let (is_hit, answer) = ask(&app, &anon, path).await;
    assert!(is_hit && answer.header("cache-control").starts_with("public"));
}

#[actix_web::test]
async fn staff_and_keys_see_more_and_nothing_of_it_is_kept() {
    let (app, anon) = TestApp::start().await;
    let cast = app.db_cast().await;
    let draft = cast.editor.post(ARTICLES, json!({"title": "Draft", "slug": "draft"})).await.data(201);
    let path = format!("{ARTICLES}/{}", draft["id"].as_str().unwrap());
    let notice =
        json!({"kind": "notice", "title": "for members", "audience": "members", "status": "published"});
    cast.editor.post(NOTICES, notice).await.expect(201);
    fill(&app, &anon, &[ARTICLES]).await;
    for _ in 0..2 {
        cast.editor.get(&path).await.expect(200);
        assert_eq!(
            cast.editor.get("/api/v1/articles?status=draft").await.data(200).as_array().unwrap().len(),
            1
        );
        cast.member.get("/api/v1/articles?status=draft").await.expect(403);
        anon.get("/api/v1/articles?status=draft").await.expect(401);
        anon.get(&path).await.expect(404);
        cast.member.get(&path).await.expect(404);
        assert_eq!(cast.member.get(NOTICES).await.data(200).as_array().unwrap().len(), 1);
        assert_eq!(anon.get(NOTICES).await.data(200), json!([]));
    }
}

#[actix_web::test]
async fn a_session_that_has_ended_gets_nothing_from_the_cache() {
    let (app, anon) = TestApp::start().await;
    let cast = app.db_cast().await;
    fill(&app, &anon, &[SITE]).await;
    cast.member.get(SITE).await.expect(200);
    let mut forged = cast.member.clone();
    forged.token = forged.token.map(|token| format!("{token}x"));
    forged.get(SITE).await.expect(401);
    let path = format!("/api/v1/members/{}", cast.member.id.unwrap());
    cast.admin.patch(&path, json!({"status": "suspended"})).await.expect(200);
    cast.member.get(SITE).await.expect(401);
    cast.member.get(ARTICLES).await.expect(401);
}
