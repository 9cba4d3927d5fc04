//! What the engine of imports does with rows, whatever file they come from.

use serde_json::json;

use super::*;

const ARTICLES: &str = "/api/v1/articles";
const NDJSON: &str = "application/x-ndjson";

/// A published row.
fn row(id: &str, title: &str) -> Value {
    json!({"external_id": id, "title": title, "body": format!("<p>{title}</p>"), "status": "published", "published_at": "2019-09-20T00:00:00Z"})
}

fn at(article: &Value) -> String {
    format!("{ARTICLES}/{}", article["id"].as_str().unwrap())
}

/// Codes of the warnings of a summary.
fn codes(summary: &Value) -> Vec<&str> {
    let warnings = summary["warnings"].as_array().unwrap();
    warnings.iter().map(|warning| warning["code"].as_str().unwrap()).collect()
}

impl Site {
    /// Sends rows to the import of `resource`, with `query`.
    async fn send(&self, resource: &str, query: &str, rows: &[Value]) -> Value {
        let body: String = rows.iter().map(|row| format!("{row}\n")).collect();
        let path = format!("/api/v1/{resource}/import{query}");
        self.editor.request(reqwest::Method::POST, &path).labelled(NDJSON, body).send().await.data(200)
    }

    /// Imports rows of articles with `query`.
    async fn rows(&self, query: &str, rows: &[Value]) -> Value {
        self.send("articles", query, rows).await
    }
}

#[actix_web::test]
async fn a_file_that_cannot_be_read_says_so_itself() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.xml");
    std::fs::write(&path, "no export at all").unwrap();
    let import = site.import(&["--from", "wordpress", path.to_str().unwrap()]).await;
    assert!(!import.success && import.text.contains("not a WordPress export"), "{}", import.text);
}

#[actix_web::test]
async fn a_second_run_leaves_in_the_trash_what_was_put_there() {
    let site = Site::start().await;
    let path = case_path("46-wp-rerun-brings-back-the-dead.xml");
    let run = ["--from", "wordpress", &path, "--create-categories"];
    assert!(site.import(&run).await.success);
    let article = site.load_only_article().await;
    site.editor.delete(&at(&article)).await.expect(204);
    let again = site.import(&run).await;
    assert!(again.success && again.text.contains("1 left in the trash"), "{}", again.text);
    site.editor.get(&at(&article)).await.expect(404);
    let restoring = site.import(&[&run[..], &["--restore"]].concat()).await;
    assert!(restoring.text.contains("1 updated"), "{}", restoring.text);
    site.editor.get(&at(&article)).await.expect(200);
}

#[actix_web::test]
async fn a_changed_row_leaves_the_trash_alone_too_and_so_does_a_notice() {
    let site = Site::start().await;
    site.rows("", &[row("a", "One")]).await;
    site.editor.delete(&at(&site.load_only_article().await)).await.expect(204);
    for query in ["", "?atomic=true", "?dry_run=true", "?mode=update"] {
        let summary = site.rows(query, &[row("a", "Two")]).await;
        assert_eq!((&summary["kept_in_trash"], &summary["updated"]), (&json!(1), &json!(0)), "{query}");
        assert_eq!(codes(&summary), ["kept_in_trash"]);
    }
    assert_eq!(site.rows("?restore=true", &[row("a", "Two")]).await["updated"], 1);
    assert_eq!(site.load_only_article().await["title"], "Two");
    let notice = [json!({"external_id": "n", "kind": "notice", "title": "Closed", "status": "published"})];
    site.send("notices", "", &notice).await;
    let list = site.editor.get("/api/v1/notices").await.data(200);
    let path = format!("/api/v1/notices/{}", list[0]["id"].as_str().unwrap());
    site.editor.delete(&path).await.expect(204);
    assert_eq!(codes(&site.send("notices", "", &notice).await), ["kept_in_trash"]);
    site.editor.get(&path).await.expect(404);
    assert_eq!(site.send("notices", "?restore=true", &notice).await["updated"], 1);
    site.editor.get(&path).await.expect(200);
}

#[actix_web::test]
async fn what_was_edited_since_the_import_is_told_before_it_is_overwritten() {
    let site = Site::start().await;
    site.editor.category("news", None).await;
    site.editor.category("local", None).await;
    let mut first = row("a", "One");
    first["category"] = json!("news");
    site.rows("", std::slice::from_ref(&first)).await;
    let article = site.load_only_article().await;
    let mut second = first.clone();
    second["tags"] = json!(["new"]);
    // An import over an import says nothing.
    assert_eq!(codes(&site.rows("", &[second]).await), Vec::<&str>::new());
    site.rows("", std::slice::from_ref(&first)).await;
    let edits = [
        ("title", json!({"title": "Edited"})),
        ("author", json!({"author": "Ada"})),
        ("category", json!({"category": "local"})),
        ("status", json!({"status": "draft"})),
        ("extra", json!({"extra": {"k": 1}})),
        ("tags", json!({"tags": ["质量"]})),
    ];
    for (field, edit) in edits {
        site.editor.patch(&at(&article), edit).await.expect(200);
        let kept = site.rows("?keep_edited=true", std::slice::from_ref(&first)).await;
        assert_eq!((&kept["kept_edits"], &kept["updated"]), (&json!(1), &json!(0)), "{field}");
        assert_eq!(
            (codes(&kept), &kept["warnings"][0]["params"]["fields"]),
            (vec!["edits_kept"], &json!(field))
        );
        let told = site.rows("", std::slice::from_ref(&first)).await;
        assert_eq!((&told["overwritten_edits"], &told["updated"]), (&json!(1), &json!(1)), "{field}");
        assert_eq!(told["warnings"][0]["params"]["fields"], field);
        let again = site.rows("", std::slice::from_ref(&first)).await;
        assert_eq!((&again["unchanged"], codes(&again)), (&json!(1), vec![]), "{field}");
    }
}

#[actix_web::test]
async fn a_category_that_was_emptied_into_another_is_an_edit_of_its_articles() {
    let site = Site::start().await;
    site.editor.category("news", None).await;
    site.editor.category("local", None).await;
    let mut first = row("a", "One");
    first["category"] = json!("news");
    site.rows("", std::slice::from_ref(&first)).await;
    site.editor.delete("/api/v1/categories/news?move_to=local").await;
    site.editor.category("news", None).await;
    let kept = site.rows("?keep_edited=true", std::slice::from_ref(&first)).await;
    assert_eq!((&kept["kept_edits"], codes(&kept)), (&json!(1), vec!["edits_kept"]));
    assert_eq!(category_path(&site.load_only_article().await), "local");
}

#[actix_web::test]
async fn the_live_stream_tells_on_request_what_became_of_each_row() {
    let site = Site::start().await;
    site.rows("", &[row("same", "Same"), row("old", "Old"), row("gone", "Gone"), row("edited", "First")])
        .await;
    for (id, edit) in [("edited", Some(json!({"title": "Edited"}))), ("gone", None)] {
        let path = at(&site.editor.get(&format!("{ARTICLES}/by-external-id/{id}")).await.data(200));
        match edit {
            Some(edit) => site.editor.patch(&path, edit).await.expect(200),
            None => site.editor.delete(&path).await.expect(204),
        };
    }
    let rows = [
        row("same", "Same"),
        row("old", "Changed"),
        row("new", "New"),
        row("gone", "Gone"),
        row("edited", "First"),
        row("twice", "First"),
        row("twice", "Second"),
        json!({"external_id": "bad"}),
    ];
    let body: String = rows.iter().map(|row| format!("{row}\n")).collect();
    for query in ["?keep_edited=true&dry_run=true&outcomes=true", "?keep_edited=true&outcomes=true"] {
        let request = site.editor.request(reqwest::Method::POST, &format!("{ARTICLES}/import{query}"));
        let answer = request.header("accept", NDJSON).labelled(NDJSON, body.clone()).send().await.expect(200);
        let events: Vec<Value> = answer.lines().into_iter().filter(|event| event["type"] == "row").collect();
        let told: Vec<_> = events.iter().map(|event| (&event["external_id"], &event["outcome"])).collect();
        let expected = [
            "unchanged",
            "updated",
            "created",
            "kept_in_trash",
            "kept_edited",
            "superseded",
            "created",
            "failed",
        ];
        assert_eq!(told.len(), rows.len());
        for ((told, row), expected) in told.into_iter().zip(&rows).zip(expected) {
            assert_eq!(told, (&row["external_id"], &json!(expected)), "{query}");
        }
        let named: Vec<bool> =
            events.iter().map(|event| event["id"].is_string() && event["slug"].is_string()).collect();
        assert_eq!(named, [true, true, true, true, true, false, true, false]);
        assert_eq!(events[2]["slug"], "new");
    }
    let request = site.editor.request(reqwest::Method::POST, &format!("{ARTICLES}/import"));
    let answer = request.header("accept", NDJSON).labelled(NDJSON, body).send().await.expect(200);
    assert!(answer.lines().iter().all(|event| event["type"] != "row"));
}
