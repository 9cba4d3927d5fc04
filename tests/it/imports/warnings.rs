//! What an import changed of its rows is told for each row, and in sum.

use inkstone::operations::Role;
use serde_json::{Value, json};

use super::import_rows;
use crate::harness::TestApp;

fn row(id: &str, body: &str) -> Value {
    json!({"external_id": id, "title": "網頁", "body": body})
}

#[actix_web::test]
async fn dropped_markup_is_told_for_each_row_and_in_sum() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let rows = [
        row("a", "<p>a</p><script></script><img src=\"/b.png\">"),
        row("b", "<p>b</p>"),
        row("c", "<table><tr><td onclick=x()>c<script></script><iframe src=\"https://e.org/\"></iframe>"),
    ];
    let summary = import_rows(&editor, "", &rows).await;
    assert_eq!(
        summary["markup"],
        json!({"elements": {"script": 2}, "attributes": {"onclick": 1}, "embeds_linked": 1,
               "relative_addresses": 1, "tables_repaired": 1})
    );
    let warnings = summary["warnings"].as_array().unwrap();
    let lines: Vec<_> = warnings.iter().map(|warning| warning["line"].as_i64().unwrap()).collect();
    assert_eq!(lines, [1, 3], "{summary}");
    assert_eq!(warnings[0]["code"], "markup_dropped");
    assert_eq!(warnings[0]["params"]["elements"], json!({"script": 1}));
    assert_eq!(warnings[0]["more"][0]["code"], "relative_address");
    // A row whose article is as it was changes nothing, and neither does a dry run.
    for query in ["", "?dry_run=true"] {
        let again = import_rows(&editor, query, &rows).await;
        assert_eq!((&again["unchanged"], &again["markup"]["elements"]), (&json!(3), &json!({})));
    }
}

#[actix_web::test]
async fn text_filters_are_told_for_each_row() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let summary = import_rows(&editor, "?clean=simplified", &[row("a", "<p>計量</p>"), row("b", "")]).await;
    let told = &summary["warnings"][0];
    assert_eq!((&told["code"], &told["line"]), (&json!("text_filtered"), &json!(1)));
    assert_eq!(told["params"], json!({"pinyin_glosses": 0, "simplified": 3}), "{summary}");
}

#[actix_web::test]
async fn markup_of_notices_is_told_too() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let rows = [json!({"kind": "notice", "title": "n", "external_id": "n", "body": "<font>a</font>"})];
    let body = super::to_ndjson(&rows);
    let request = editor.request(reqwest::Method::POST, "/api/v1/notices/import");
    let summary = request.labelled(super::NDJSON, body).send().await.data(200);
    assert_eq!(summary["markup"]["elements"], json!({"font": 1}));
    assert_eq!(summary["warnings"][0]["code"], "markup_dropped");
}

#[actix_web::test]
async fn other_hosts_of_players_make_other_articles_of_the_same_rows() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let rows = [row("a", "<iframe src=\"https://video.example.org/1\"></iframe>")];
    import_rows(&editor, "", &rows).await;
    let (other, _) = TestApp::start_on(app.db.clone(), &["--embed-hosts", "video.example.org"]).await;
    let editor = other.db_member(Role::Editor).await;
    assert_eq!(import_rows(&editor, "", &rows).await["updated"], 1);
}
