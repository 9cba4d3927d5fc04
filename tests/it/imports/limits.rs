//! What one body may cost: values, memory, turns, and the time that it may take.
use serde_json::json;

use super::*;

/// A row whose `extra` is an array of `count` numbers.
fn make_wide_row(id: &str, count: usize) -> Value {
    let mut row = make_row(id, "Wide");
    row["extra"] = json!({"a": vec![0; count]});
    row
}

#[actix_web::test]
async fn a_row_of_too_many_values_fails_and_the_rows_around_it_are_stored() {
    let (_app, editor) = start_app().await;
    let rows = [make_row("a", "A"), make_wide_row("wide", 10_001), make_wide_row("b", 8_000)];
    let expected = [(2, String::new(), "too_long".to_owned())];
    for (label, body) in [(NDJSON, to_ndjson(&rows)), ("application/json", json!(rows).to_string())] {
        let summary = send_body(&editor, "", label, body).await.data(200);
        assert_eq!(row_errors(&summary), expected, "{label}");
    }
    let csv = format!("title,extra\nx,\"[{}0]\"\ny,\n", "0,".repeat(10_000));
    let summary = send_body(&editor, "", "text/csv", csv).await.data(200);
    assert_eq!(row_errors(&summary), [(2, "/extra".to_owned(), "too_long".to_owned())]);
    assert_eq!(count_articles(&editor).await, 3);
}

#[actix_web::test]
async fn a_single_write_of_too_many_values_is_refused() {
    let (_app, editor) = start_app().await;
    let body = json!({"title": "x", "tags": vec![Vec::<Value>::new(); 10_000]});
    let answer = editor.post("/api/v1/articles", body).await;
    assert_eq!(answer.problem(), (422, "too_long".to_owned()));
    assert_eq!(answer.faults(), [(String::new(), "too_long".to_owned())]);
}

#[actix_web::test]
async fn a_cell_of_json_is_read_as_strictly_as_a_body() {
    let (_app, editor) = start_app().await;
    let csv = "title,extra,tags\nx,\"{\"\"a\"\": \"\"\\u0000\"\"}\",\ny,\"{\"\"a\"\": 1, \"\"a\"\": 2}\",\nz,,\"[\"\"\\u0000\"\"]\"\n";
    let summary = send_body(&editor, "", "text/csv", csv).await.data(200);
    let codes: Vec<_> = row_errors(&summary).into_iter().map(|(_, pointer, code)| (pointer, code)).collect();
    let expected =
        [("/extra/a", "invalid_format"), ("/extra/a", "duplicate_field"), ("/tags/0", "invalid_format")];
    assert_eq!(codes, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
}
