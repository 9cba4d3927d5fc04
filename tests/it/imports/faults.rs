//! Invalid rows: every invalid row is reported with its fault, and every valid row is stored.

use serde_json::json;

use super::*;

#[expect(clippy::too_many_lines, reason = "a list")]
/// Invalid rows of every kind: the row, the pointer of its fault, its code.
fn invalid_rows() -> Vec<(Vec<u8>, &'static str, &'static str)> {
    let with = |key: &str, value: Value| {
        let mut one = make_row("dirty", "Dirty");
        one[key] = value;
        one.to_string().into_bytes()
    };
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        (with("published_at", json!("20.9.2019")), "/published_at", "invalid_format"),
        (with("published_at", json!("2019-02-30T00:00:00Z")), "/published_at", "invalid_format"),
        (with("published_at", json!("9019-02-03T00:00:00Z")), "/published_at", "invalid_format"),
        (with("published_at", json!(1569000000)), "/published_at", "wrong_type"),
        (with("created_at", json!("yesterday")), "/created_at", "invalid_format"),
        (with("created_at", json!(7)), "/created_at", "invalid_format"),
        (with("titel", json!("x")), "/titel", "unknown_field"),
        (with("id", json!("0199f0a2-b6c5-7d3e-9f0a-1b2c3d4e5f60")), "/id", "unknown_field"),
        (with("author_id", json!("x")), "/author_id", "unknown_field"),
        (with("role", json!("admin")), "/role", "unknown_field"),
        (with("title", json!("x".repeat(2 << 20))), "/title", "too_long"),
        (with("title", json!("")), "/title", "too_short"),
        (with("title", json!(" \t ")), "/title", "too_short"),
        (with("title", json!(null)), "/title", "wrong_type"),
        (with("title", json!(["x"])), "/title", "wrong_type"),
        (text(r#"{"external_id": "dirty", "body": "x"}"#), "/title", "missing_field"),
        (b"{\"title\": \"\xff\xfe\"}".to_vec(), "", "invalid_encoding"),
        (text(r#"{"title": "\ud800"}"#), "", "malformed_json"),
        (text(r#"{"title": "a\u0000b"}"#), "/title", "invalid_format"),
        (text(r#"{"title": "a", "title": "b"}"#), "/title", "duplicate_field"),
        (text(r#"{"title": "a""#), "", "malformed_json"),
        (text("{'title': 'a'}"), "", "malformed_json"),
        (text(r#"{"title": "a"} {"title": "b"}"#), "", "malformed_json"),
        (text("null"), "", "wrong_type"),
        (text("[]"), "", "wrong_type"),
        (text("title"), "", "malformed_json"),
        (text("\"title\""), "", "wrong_type"),
        (text(r#"{"title": "x", "views": 1e400}"#), "", "malformed_json"),
        (text(&"[".repeat(100_000)), "", "malformed_json"),
        (with("body", json!("<div>".repeat(5_000))), "/body", "invalid_format"),
        (with("body", json!("x".repeat(1_000_001))), "/body", "too_long"),
        (with("body_format", json!("rtf")), "/body_format", "unknown_value"),
        (with("category", json!("新闻/地方/新闻")), "/category", "category_cycle"),
        (with("category", json!("a//b")), "/category", "too_short"),
        (with("category", json!(7)), "/category", "wrong_type"),
        (with("category", json!("nowhere")), "/category", "unknown_reference"),
        (with("views", json!(-1)), "/views", "out_of_range"),
        (with("views", json!("many")), "/views", "wrong_type"),
        (with("status", json!("publik")), "/status", "unknown_value"),
        (with("slug", json!("Not A Slug")), "/slug", "invalid_format"),
        (with("slug", json!("import")), "/slug", "invalid_format"),
        (with("tags", json!(["a,b"])), "/tags/0", "invalid_format"),
        (with("tags", json!("a")), "/tags", "wrong_type"),
        (with("cover_url", json!("javascript:alert(1)")), "/cover_url", "invalid_format"),
        (with("cover", json!("javascript:alert(1)")), "/cover", "invalid_format"),
        (with("source_url", json!("ftp://example.org")), "/source_url", "invalid_format"),
        (with("extra", json!({"x": "x".repeat(20_000)})), "/extra", "too_long"),
        (with("external_id", json!("x".repeat(201))), "/external_id", "too_long"),
        (with("external_id", json!(4711)), "/external_id", "wrong_type"),
    ]
}

#[actix_web::test]
async fn a_thousand_invalid_rows_are_reported_and_the_valid_ones_between_are_stored() {
    let (_app, editor) = start_app().await;
    let invalid = invalid_rows();
    let (mut body, mut expected) = (Vec::new(), Vec::new());
    for at in 0..1_000 {
        let (dirty, pointer, code) = &invalid[at % invalid.len()];
        // One long title is enough.
        let (dirty, pointer, code) = if dirty.len() > 1 << 20 && at >= invalid.len() {
            &invalid[0]
        } else {
            &(dirty.clone(), *pointer, *code)
        };
        body.extend_from_slice(dirty);
        body.push(b'\n');
        body.extend_from_slice(make_row(&format!("good-{at}"), &format!("Good {at}")).to_string().as_bytes());
        body.push(b'\n');
        expected.push((2 * i64::try_from(at).unwrap() + 1, (*pointer).to_owned(), (*code).to_owned()));
    }
    let summary = send_body(&editor, "", NDJSON, body).await.data(200);
    assert_eq!(outcome_counts(&summary), [1_000, 0, 0, 1_000]);
    assert_eq!(count_articles(&editor).await, 1_000);
    for (found, expected) in row_errors(&summary).into_iter().zip(expected) {
        assert_eq!(found, expected);
    }
}

#[actix_web::test]
async fn all_faults_of_a_row_are_reported() {
    let (_app, editor) = start_app().await;
    let bad = json!({"titel": "x", "views": -1, "category": "a//b", "created_at": "x"});
    let summary = import_rows(&editor, "", &[bad]).await;
    let error = &summary["errors"][0];
    let mut pointers = vec![error["pointer"].as_str().unwrap().to_owned()];
    pointers.extend(
        error["more"].as_array().unwrap().iter().map(|one| one["pointer"].as_str().unwrap().to_owned()),
    );
    pointers.sort();
    assert_eq!(pointers, ["/category", "/created_at", "/titel", "/title", "/views"]);
}

#[actix_web::test]
async fn imported_bodies_are_sanitised_like_written_ones() {
    let (_app, editor) = start_app().await;
    let mut one = make_row("xss", "x");
    one["body"] = json!("<p onclick=x()>a<script>x()</script><a href='javascript:x()'>b</a></p>");
    import_rows(&editor, "", &[one.clone()]).await;
    let imported = load_article(&editor, "xss").await["body"].clone();
    let written = editor.post("/api/v1/articles", json!({"title": "x", "body": one["body"]})).await.data(201);
    assert_eq!(imported, written["body"]);
    assert!(!imported.to_string().contains("script"));
}

#[actix_web::test]
async fn rows_that_are_too_large_are_skipped() {
    let (_app, editor) = start_app().await;
    let long = format!("{{\"title\": \"{}\"}}\n", "x".repeat(9 << 20));
    let body = format!("{}{long}{}", to_ndjson(&make_rows(1)), to_ndjson(&make_rows(2)));
    let summary = send_body(&editor, "", NDJSON, body).await.data(200);
    assert_eq!(row_errors(&summary), [(2, String::new(), "too_long".to_owned())]);
    assert_eq!(count_articles(&editor).await, 2);
    let array = format!("[{{\"title\": \"{}\"}}]", "x".repeat(9 << 20));
    let problem = send_body(&editor, "", "application/json", array).await;
    assert_eq!(problem.problem(), (413, "payload_too_large".to_owned()));
}

#[actix_web::test]
async fn invisible_characters_of_names_and_titles_are_removed_with_a_warning() {
    let (_app, editor) = start_app().await;
    let mut row = make_row("a", "计\u{200b}量\u{202e}");
    row["author"] = json!("\u{feff}李");
    row["tags"] = json!(["质\u{2066}量", "👩\u{200d}🔬"]);
    row["category"] = json!(["新\u{200b}闻", {"name": "地方\u{ad}", "slug": "local"}]);
    row["body"] = json!("<p>\u{200b}kept</p>");
    let summary = import_rows(&editor, "?create_categories=true", &[row.clone()]).await;
    assert_eq!(outcome_counts(&summary), [1, 0, 0, 0]);
    let warning = &summary["warnings"][0];
    assert_eq!((&warning["line"], &warning["code"]), (&json!(1), &json!("characters_removed")));
    let mut pointers = vec![warning["pointer"].clone()];
    pointers.extend(warning["more"].as_array().unwrap().iter().map(|more| more["pointer"].clone()));
    pointers.sort_by_key(Value::to_string);
    assert_eq!(pointers, ["/author", "/category", "/tags", "/title"]);
    let stored = load_article(&editor, "a").await;
    assert_eq!((&stored["title"], &stored["author"]), (&json!("计量"), &json!("李")));
    assert_eq!(stored["tags"], json!(["质量", "👩\u{200d}🔬"]));
    assert_eq!(stored["category"]["path"][0]["name"], "新闻");
    assert!(stored["body"].as_str().unwrap().contains('\u{200b}'));
    // The same row again is unchanged; a title of nothing else fails.
    row["title"] = json!("\u{200b}");
    row["external_id"] = json!("b");
    let summary = import_rows(&editor, "", &[row]).await;
    assert_eq!(row_errors(&summary), [(1, "/title".to_owned(), "too_short".to_owned())]);
    for (path, row) in [
        ("notices", json!({"kind": "notice", "title": "通\u{200f}知", "external_id": "n"})),
        ("categories", json!({"name": "标\u{2060}准", "slug": "standards"})),
    ] {
        let request = editor.request(Method::POST, &format!("/api/v1/{path}/import"));
        let summary = request.labelled(NDJSON, to_ndjson(&[row])).send().await.data(200);
        assert_eq!(
            (outcome_counts(&summary), &summary["warnings"][0]["code"]),
            ([1, 0, 0, 0], &json!("characters_removed"))
        );
    }
    assert_eq!(editor.get("/api/v1/categories/standards").await.data(200)["name"], "标准");
}
