//! Bodies: formats, compression, character sets, the live stream.

use std::io::Write;

use encoding_rs::GB18030;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use super::*;
use crate::harness::column;

#[actix_web::test]
async fn json_arrays_and_csv_give_the_same_articles_as_ndjson() {
    let (_app, editor) = start_app().await;
    let body = [make_row("a", "One, \"two\""), make_row("b", "三")];
    import_rows(&editor, "", &body).await;
    let array = send_body(&editor, "", "application/json", json!(body).to_string()).await.data(200);
    assert_eq!(outcome_counts(&array), [0, 0, 2, 0]);
    let csv = "external_id,标题,内容,status,published_at,ignored\r\n\
         a,\"One, \"\"two\"\"\",\"<p>One, \"\"two\"\"</p>\",published,2019-09-20T00:00:00Z,x\r\n\
         c,四,<p>四</p>,draft,,\r\n";
    let columns = "?columns=%E6%A0%87%E9%A2%98:title,%E5%86%85%E5%AE%B9:body,ignored:";
    let summary = send_body(&editor, columns, "text/csv", csv).await.data(200);
    assert_eq!(outcome_counts(&summary), [1, 0, 1, 0]);
    assert_eq!(load_article(&editor, "c").await["title"], "四");
}

#[actix_web::test]
async fn csv_with_unknown_columns_is_refused() {
    let (_app, editor) = start_app().await;
    let problem = send_body(&editor, "", "text/csv", "titel,body\nx,y\n").await;
    assert_eq!(problem.problem(), (422, "unknown_field".to_owned()));
    assert!(problem.text().contains("did you mean `title`?"), "{}", problem.text());
}

#[actix_web::test]
async fn compressed_bodies_and_other_character_sets_are_read() {
    let (_app, editor) = start_app().await;
    let text = to_ndjson(&[make_row("a", "全省质量提升行动取得新进展")]);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let bodies = [
        ("gzip", gzip.finish().unwrap(), ""),
        ("zstd", zstd::encode_all(text.as_bytes(), 1).unwrap(), ""),
        ("identity", GB18030.encode(&text).0.into_owned(), "?encoding=gbk"),
        ("identity", ["\u{feff}", &text].concat().into_bytes(), ""),
    ];
    for (at, (compression, body, query)) in bodies.into_iter().enumerate() {
        let request = editor.request(Method::POST, &format!("{IMPORT}{query}"));
        let summary = request.header("content-encoding", compression).labelled(NDJSON, body).send().await;
        let expected = if at == 0 { [1, 0, 0, 0] } else { [0, 0, 1, 0] };
        assert_eq!(outcome_counts(&summary.data(200)), expected, "{at}");
    }
}

#[actix_web::test]
async fn unsupported_formats_are_refused() {
    let (_app, editor) = start_app().await;
    send_body(&editor, "", "application/xml", "<x/>").await.expect(415);
    send_body(&editor, "", "application/x-ndjson; charset=klingon", "{}").await.expect(415);
    send_body(&editor, "?encoding=klingon", NDJSON, "{}").await.expect(400);
    let request = editor.request(Method::POST, IMPORT).header("content-encoding", "br");
    request.labelled(NDJSON, "{}").send().await.expect(415);
    let cut = editor.request(Method::POST, IMPORT).header("content-encoding", "gzip");
    let problem = cut.labelled(NDJSON, "no gzip at all").send().await;
    assert_eq!(problem.problem(), (400, "bad_request".to_owned()));
    let broken = send_body(&editor, "", "application/json", r#"[{"title": "x"}, oops"#).await;
    assert_eq!(broken.problem(), (400, "malformed_json".to_owned()));
}

#[actix_web::test]
async fn the_live_stream_has_progress_and_errors_and_ends_with_the_summary() {
    let (_app, editor) = start_app().await;
    let mut body = make_rows(4_100);
    body[3]["titel"] = json!("x");
    let request = editor.request(Method::POST, IMPORT).header("accept", NDJSON);
    let answer = request.labelled(NDJSON, to_ndjson(&body)).send().await.expect(200);
    let lines = answer.lines();
    let types = column(&json!(lines), "type");
    assert_eq!(types, ["error", "progress", "progress", "progress", "summary"]);
    assert_eq!((&lines[0]["line"], &lines[0]["pointer"]), (&json!(4), &json!("/titel")));
    assert_eq!(lines[1]["rows"], 2_000);
    assert_eq!(outcome_counts(&lines[4]), [4_099, 0, 0, 1]);
}

#[actix_web::test]
async fn a_key_with_the_scope_imports_and_another_does_not() {
    let (app, _) = start_app().await;
    let admin = app.db_member(Role::Admin).await;
    for (scope, status) in [("articles:import", 200), ("articles:write", 403)] {
        let made =
            admin.post("/api/v1/api-keys", json!({"name": "script", "scopes": [scope]})).await.data(201);
        let script = Client::new(&app.url, made["key"].as_str().map(str::to_owned));
        send_body(&script, "", NDJSON, to_ndjson(&make_rows(1))).await.expect(status);
    }
}

#[actix_web::test]
async fn a_key_that_imports_makes_categories_only_with_the_scope_for_that() {
    let (app, _) = start_app().await;
    let admin = app.db_member(Role::Admin).await;
    let mut row = make_row("a", "A");
    row["category"] = json!("Made by a key");
    for (scopes, query, status) in [
        (json!(["articles:import"]), "?create_categories=true", 403),
        (json!(["articles:import", "categories:import"]), "?create_categories=true&dry_run=true", 403),
        (json!(["articles:import"]), "?create_categories=false", 200),
        (json!(["articles:import", "categories:write"]), "?create_categories=true", 200),
    ] {
        let made =
            admin.post("/api/v1/api-keys", json!({"name": "script", "scopes": scopes})).await.data(201);
        let script = Client::new(&app.url, made["key"].as_str().map(str::to_owned));
        send_body(&script, query, NDJSON, to_ndjson(&[row.clone()])).await.expect(status);
        let categories = admin.get("/api/v1/categories").await.data(200);
        let are_made = status == 200 && query.ends_with("true");
        assert_eq!(categories.as_array().unwrap().len(), usize::from(are_made), "{scopes} {query}");
    }
}

#[actix_web::test]
async fn a_client_that_takes_the_summary_as_gladly_as_the_stream_gets_the_summary() {
    let (_app, editor) = start_app().await;
    for (accept, wanted) in [
        ("application/json, application/x-ndjson, application/problem+json", "application/json"),
        ("application/x-ndjson, application/json", "application/json"),
        ("application/x-ndjson;q=0.5, application/json;q=0.9", "application/json"),
        ("application/x-ndjson;q=0, */*", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("application/x-ndjson, application/json;q=0.5", NDJSON),
        ("application/x-ndjson, */*;q=0.1", NDJSON),
        ("Application/X-NDJSON", NDJSON),
    ] {
        let request = editor.request(Method::POST, IMPORT).header("accept", accept);
        let answer = request.labelled(NDJSON, to_ndjson(&make_rows(1))).send().await.expect(200);
        assert_eq!(answer.header("content-type"), wanted, "{accept}");
    }
}
