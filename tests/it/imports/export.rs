//! The export, and its import on another site.

use serde_json::json;

use super::*;
use crate::harness::column;

const EXPORT: &str = "/api/v1/articles/export";

/// Starts a server with articles of all kinds.
async fn start_site() -> (TestApp, Client) {
    let (app, editor) = start_app().await;
    let mut all = make_rows(40);
    for (at, one) in all.iter_mut().enumerate() {
        one["category"] = json!(if at % 2 == 0 { "新闻/地方动态" } else { "标准" });
        one["tags"] = json!(["质量", "a b"]);
        one["views"] = json!(at);
    }
    all.push(json!({"slug": "own-slug", "title": "=1+1", "body": "# 标题\n\n正文", "body_format": "markdown",
        "summary": "@summary", "extra": {"b": [1, 2.5], "a": null}, "status": "archived", "author": "-x",
        "created_at": "2011-12-13T14:15:16.171819Z", "cover_url": "/x.png", "source_url": "https://example.org/"}));
    let summary = import_rows(&editor, "?create_categories=true", &all).await;
    assert_eq!(outcome_counts(&summary), [41, 0, 0, 0], "{summary:#}");
    (app, editor)
}

#[actix_web::test]
async fn an_export_imported_elsewhere_and_exported_again_is_the_same_to_the_byte() {
    let (_here, editor) = start_site().await;
    for (format, label) in [("ndjson", NDJSON), ("csv", "text/csv")] {
        let path = format!("{EXPORT}?format={format}");
        let exported = editor.get(&path).await.expect(200);
        assert_eq!(exported.header("content-type"), label);
        let (_there, other) = start_app().await;
        let summary =
            send_body(&other, "?create_categories=true", label, exported.bytes.clone()).await.data(200);
        assert_eq!(outcome_counts(&summary), [41, 0, 0, 0], "{summary:#}");
        assert_eq!(other.get(&path).await.text(), exported.text());
    }
}

#[actix_web::test]
async fn a_spreadsheet_finds_nothing_to_execute_in_an_export() {
    let (_app, editor) = start_site().await;
    let csv = editor.get(&format!("{EXPORT}?format=csv&status=archived")).await.expect(200);
    let mut reader = csv::Reader::from_reader(csv.bytes.as_slice());
    let record = reader.records().next().unwrap().unwrap();
    assert!(record.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@'])), "{record:?}");
    assert!(record.iter().any(|cell| cell == "'=1+1"), "{record:?}");
}

#[actix_web::test]
async fn an_export_has_the_articles_that_the_caller_may_read_and_that_match_the_filters() {
    let (app, editor) = start_site().await;
    let author = app.db_member(Role::Author).await;
    author.post("/api/v1/articles", json!({"title": "Own draft"})).await.expect(201);
    let load_titles = async |client: &Client, query: &str| {
        let lines = client.get(&format!("{EXPORT}{query}")).await.expect(200).lines();
        column(&json!(lines), "title")
    };
    assert_eq!(load_titles(&editor, "").await.len(), 42);
    let own = load_titles(&author, "").await;
    assert!(own.contains(&"Own draft".to_owned()) && !own.contains(&"=1+1".to_owned()), "{own:?}");
    assert_eq!(load_titles(&editor, "?status=draft").await, ["Own draft"]);
    assert_eq!(load_titles(&editor, "?category=xin-wen").await.len(), 20);
    editor.get(&format!("{EXPORT}?fields=password_hash")).await.expect(400);
    app.db_cast().await.member.get(EXPORT).await.expect(403);
}
