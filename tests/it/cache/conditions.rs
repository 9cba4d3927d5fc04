//! Conditional requests, answered from the cache and beside it (RFC 9110 §13).

use inkstone::operations::Role;
use reqwest::Method;

use super::{ARTICLES, CATEGORIES, fill, hits, settle};
use crate::harness::TestApp;

const TIDE: &str = "/api/v1/articles/tide";

#[actix_web::test]
async fn conditions_are_judged_in_the_order_of_the_standard() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    editor.category("sea", None).await;
    editor.article("Tide", Some("sea")).await;
    let past = "Mon, 01 Jan 2001 00:00:00 GMT";
    let future = "Fri, 01 Jan 2100 00:00:00 GMT";
    for path in [TIDE, ARTICLES, CATEGORIES] {
        fill(&app, &anon, &[path]).await;
        settle(&anon, path).await;
        let tag = anon.get(path).await.header("etag").to_owned();
        let listed = format!("\"1-x\", {tag} , \"2-y\"");
        let other = "\"1-other\"";
        for (conditions, status) in [
            (vec![("if-none-match", tag.as_str())], 304),
            (vec![("if-none-match", listed.as_str())], 304),
            (vec![("if-none-match", "*")], 304),
            (vec![("if-none-match", other)], 200),
            (vec![("if-none-match", "nonsense")], 200),
            (vec![("if-none-match", tag.as_str()), ("cache-control", "no-cache")], 304),
            (vec![("if-modified-since", future)], 304),
            (vec![("if-modified-since", past)], 200),
            (vec![("if-modified-since", "yesterday")], 200),
            // With a tag the date does not count.
            (vec![("if-none-match", other), ("if-modified-since", future)], 200),
            (vec![("if-none-match", tag.as_str()), ("if-modified-since", past)], 304),
            (vec![("if-match", tag.as_str())], 200),
            (vec![("if-match", "*")], 200),
            (vec![("if-match", other)], 412),
            (vec![("if-unmodified-since", future)], 200),
            (vec![("if-unmodified-since", past)], 412),
            // What has to be comes before what is known.
            (vec![("if-match", other), ("if-none-match", tag.as_str())], 412),
            (vec![("if-match", tag.as_str()), ("if-none-match", tag.as_str())], 304),
            (vec![("if-match", tag.as_str()), ("if-unmodified-since", past)], 200),
            (vec![("if-unmodified-since", past), ("if-none-match", tag.as_str())], 412),
            (vec![("range", "bytes=0-9")], 200),
        ] {
            for method in [Method::GET, Method::HEAD] {
                let before = hits(&app);
                let request = anon.request(method.clone(), path);
                let request =
                    conditions.iter().fold(request, |request, (name, value)| request.header(name, value));
                let answer = request.send().await;
                assert_eq!(answer.status, status, "{method} {path} {conditions:?}");
                assert_eq!(hits(&app), before + 1, "{conditions:?}");
                if status == 304 {
                    assert!(answer.bytes.is_empty() && answer.header("etag") == tag);
                    for name in ["cache-control", "vary", "last-modified", "surrogate-key"] {
                        assert!(!answer.header(name).is_empty(), "{name}");
                    }
                    assert_eq!(answer.header("content-type"), "");
                }
            }
        }
    }
}

#[actix_web::test]
async fn staff_who_read_a_draft_are_never_told_that_an_old_copy_is_good() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let draft = editor.post(ARTICLES, serde_json::json!({"title": "Draft"})).await.data(201);
    let path = format!("{ARTICLES}/{}", draft["id"].as_str().unwrap());
    let future = "Fri, 01 Jan 2100 00:00:00 GMT";
    for path in [path.as_str(), "/api/v1/articles?status=draft"] {
        editor.request(Method::GET, path).header("if-modified-since", future).send().await.expect(200);
    }
    let tag = editor.get(&path).await.header("etag").to_owned();
    editor.request(Method::GET, &path).header("if-none-match", &tag).send().await.expect(304);
}
