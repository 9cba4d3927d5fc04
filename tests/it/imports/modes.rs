//! Outcomes of rows: created, updated, unchanged, refused.

use serde_json::{Value, json};

use super::*;
use crate::harness::column;

#[actix_web::test]
async fn rows_are_created_and_the_same_body_again_changes_nothing() {
    let (_app, editor) = start_app().await;
    let rows = make_rows(2_500);
    assert_eq!(outcome_counts(&import_rows(&editor, "", &rows).await), [2_500, 0, 0, 0]);
    let before = load_article(&editor, "n-7").await;
    assert_eq!(outcome_counts(&import_rows(&editor, "", &rows).await), [0, 0, 2_500, 0]);
    assert_eq!(load_article(&editor, "n-7").await, before);
    assert_eq!(count_articles(&editor).await, 2_500);
}

#[actix_web::test]
async fn a_changed_row_replaces_its_article_and_no_other() {
    let (app, editor) = start_app().await;
    import_rows(&editor, "", &make_rows(3)).await;
    let before = load_article(&editor, "n-1").await;
    let mut changed = make_rows(3);
    changed[1]["title"] = json!("Another title");
    assert_eq!(outcome_counts(&import_rows(&editor, "", &changed).await), [0, 1, 2, 0]);
    let after = load_article(&editor, "n-1").await;
    assert_eq!((&after["title"], &after["slug"]), (&json!("Another title"), &before["slug"]));
    assert_eq!(after["version"], 2);
    let admin = app.db_member(Role::Admin).await;
    let id = after["id"].as_str().unwrap();
    let log = admin.get(&format!("/api/v1/audit?entity=article&entity_id={id}")).await.data(200);
    assert_eq!(column(&log, "action"), ["update", "create"]);
    assert_eq!(log[0]["fields"], json!(["title"]));
    assert_eq!(log[0]["actor_id"], json!(editor.id));
}

#[actix_web::test]
async fn an_edited_article_is_reset_to_its_row() {
    let (_app, editor) = start_app().await;
    import_rows(&editor, "", &make_rows(2)).await;
    let path = format!("/api/v1/articles/{}", load_article(&editor, "n-0").await["id"].as_str().unwrap());
    editor.patch(&path, json!({"title": "Edited by hand"})).await.expect(200);
    assert_eq!(outcome_counts(&import_rows(&editor, "", &make_rows(2)).await), [0, 1, 1, 0]);
    assert_eq!(load_article(&editor, "n-0").await["title"], "Number 0");
    editor.delete(&path).await.expect(204);
    assert_eq!(outcome_counts(&import_rows(&editor, "?restore=true", &make_rows(2)).await), [0, 1, 1, 0]);
    editor.get(&path).await.expect(200);
}

#[actix_web::test]
async fn the_mode_decides_whether_articles_may_or_must_exist() {
    let (_app, editor) = start_app().await;
    import_rows(&editor, "", &make_rows(1)).await;
    let created = import_rows(&editor, "?mode=create", &make_rows(2)).await;
    assert_eq!(outcome_counts(&created), [1, 0, 0, 1]);
    assert_eq!(row_errors(&created), [(1, "/external_id".to_owned(), "external_id_taken".to_owned())]);
    let mut changed = make_rows(3);
    changed[0]["title"] = json!("Replaced");
    let updated = import_rows(&editor, "?mode=update", &changed).await;
    assert_eq!(outcome_counts(&updated), [0, 1, 1, 1]);
    assert_eq!(row_errors(&updated), [(3, "/external_id".to_owned(), "unknown_reference".to_owned())]);
    assert_eq!(count_articles(&editor).await, 2);
}

#[actix_web::test]
async fn the_last_row_with_an_id_counts_and_the_others_are_reported() {
    let (_app, editor) = start_app().await;
    let mut body = vec![make_row("a", "First"), make_row("b", "Other"), make_row("a", "Second")];
    let summary = import_rows(&editor, "", &body).await;
    assert_eq!((outcome_counts(&summary), &summary["superseded"]), ([2, 0, 0, 0], &json!(1)));
    assert_eq!(summary["warnings"][0]["line"], 1);
    assert_eq!(summary["warnings"][0]["code"], "repeated_row");
    assert_eq!(load_article(&editor, "a").await["title"], "Second");
    // Across batches too.
    body.extend(make_rows(2_500));
    body.push(make_row("a", "Third"));
    let summary = import_rows(&editor, "", &body).await;
    let lines = column(&summary["warnings"], "line");
    assert_eq!(lines, ["1", "2504"]);
    assert_eq!(load_article(&editor, "a").await["title"], "Third");
}

#[actix_web::test]
async fn a_dry_run_counts_and_writes_nothing() {
    let (_app, editor) = start_app().await;
    let summary =
        import_rows(&editor, "?dry_run=true&create_categories=true", &make_row_in_category("新闻/地方"))
            .await;
    assert_eq!((outcome_counts(&summary), &summary["ending"]), ([1, 0, 0, 0], &json!("dry_run")));
    assert_eq!((&summary["created_categories"], &summary["committed_rows"]), (&json!(2), &json!(0)));
    assert_eq!(count_articles(&editor).await, 0);
    assert_eq!(editor.get("/api/v1/categories").await.data(200), json!([]));
}

fn make_row_in_category(category: impl Into<Value>) -> Vec<Value> {
    let mut one = make_row("c", "In a category");
    one["category"] = category.into();
    vec![one]
}

#[actix_web::test]
async fn an_atomic_import_is_all_or_nothing() {
    let (_app, editor) = start_app().await;
    let mut body = make_rows(1_200);
    body[1_100]["title"] = json!("");
    let problem = send_body(&editor, "?atomic=true", NDJSON, to_ndjson(&body)).await;
    assert_eq!(problem.problem(), (422, "import_aborted".to_owned()));
    let summary = problem.json()["summary"].clone();
    assert_eq!((&summary["ending"], outcome_counts(&summary)), (&json!("rolled_back"), [0, 0, 0, 1]));
    assert_eq!(summary["errors"][0]["line"], 1_101);
    assert_eq!(count_articles(&editor).await, 0);
    body[1_100]["title"] = json!("Mended");
    assert_eq!(outcome_counts(&import_rows(&editor, "?atomic=true", &body).await), [1_200, 0, 0, 0]);
}

#[actix_web::test]
async fn a_repeated_row_in_a_later_batch_counts_and_is_reported() {
    let (_app, editor) = start_app().await;
    for (query, distance) in
        [("?dry_run=true", 4_500), ("?atomic=true", 4_500), ("", 10), ("", 2_000), ("", 4_500)]
    {
        let mut body = make_rows(4_600);
        body[distance + 20] = make_row("n-20", &format!("Again after {distance}{query}"));
        let summary = import_rows(&editor, query, &body).await;
        assert_eq!(summary["failed"], 0, "{query} {distance}");
        assert_eq!(summary["warnings"][0]["code"], "repeated_row", "{query} {distance}");
        if query != "?dry_run=true" {
            let title = load_article(&editor, "n-20").await["title"].clone();
            assert_eq!(title, format!("Again after {distance}{query}"));
        }
    }
    assert_eq!(count_articles(&editor).await, 4_600);
}

#[actix_web::test]
async fn a_later_row_that_restores_an_article_takes_effect() {
    let (_app, editor) = start_app().await;
    let before = make_rows(2_100);
    import_rows(&editor, "", &before).await;
    for distance in [10, 2_000, 2_050] {
        let mut body = before.clone();
        body[20] = make_row("n-20", "Changed");
        body.insert(20 + distance, before[20].clone());
        import_rows(&editor, "", &body).await;
        assert_eq!(load_article(&editor, "n-20").await["title"], "Number 20", "{distance}");
    }
}

#[actix_web::test]
async fn an_aborted_import_reports_where_to_resume() {
    let (_app, editor) = start_app().await;
    let mut body = make_rows(3_200);
    body[2_500]["views"] = json!(-1);
    let problem = send_body(&editor, "?on_error=abort", NDJSON, to_ndjson(&body)).await;
    let summary = problem.expect(422).json()["summary"].clone();
    assert_eq!((&summary["ending"], &summary["committed_rows"]), (&json!("aborted"), &json!(2_000)));
    assert_eq!(count_articles(&editor).await, 2_000);
    body[2_500]["views"] = json!(1);
    let rest = import_rows(&editor, "?skip=2000", &body).await;
    assert_eq!((outcome_counts(&rest), &rest["committed_rows"]), ([1_200, 0, 0, 0], &json!(3_200)));
}

#[actix_web::test]
async fn rows_without_a_status_get_the_default_status() {
    let (_app, editor) = start_app().await;
    let silent =
        |id: &str| json!({"external_id": id, "title": "Silent", "published_at": "2019-09-20T00:00:00Z"});
    let mut outspoken = silent("b");
    outspoken["status"] = json!("archived");
    let body = [silent("a"), outspoken];
    for (query, wanted) in [("", "draft"), ("?status=published", "published"), ("", "draft")] {
        import_rows(&editor, query, &body).await;
        assert_eq!(load_article(&editor, "a").await["status"], wanted, "{query}");
        assert_eq!(load_article(&editor, "b").await["status"], "archived");
    }
    let notice = json!({"external_id": "n", "kind": "notice", "title": "Closed on Monday"}).to_string();
    let request = editor.request(Method::POST, "/api/v1/notices/import?status=published");
    request.labelled(NDJSON, notice).send().await.expect(200);
    let notices = editor.get("/api/v1/notices").await.data(200);
    assert_eq!(column(&notices, "title"), ["Closed on Monday"]);
    let refused = send_body(&editor, "?status=gone", NDJSON, to_ndjson(&body)).await;
    assert_eq!(refused.problem(), (400, "invalid_parameter".to_owned()));
}

#[actix_web::test]
async fn creation_times_and_views_are_imported() {
    let (_app, editor) = start_app().await;
    let mut one = make_row("old", "Old");
    one["created_at"] = json!("2018-01-02T03:04:05Z");
    one["views"] = json!(2600);
    import_rows(&editor, "", &[one.clone()]).await;
    let made = load_article(&editor, "old").await;
    assert_eq!((&made["created_at"], &made["views"]), (&json!("2018-01-02T03:04:05Z"), &json!(2600)));
    // An import never lowers the view counter.
    one["views"] = json!(5);
    one["title"] = json!("Older");
    import_rows(&editor, "", &[one]).await;
    assert_eq!(load_article(&editor, "old").await["views"], 2600);
}

#[actix_web::test]
async fn categories_are_found_by_slug_or_path_and_created_on_request() {
    let (_app, editor) = start_app().await;
    let news = editor.category("news", None).await;
    let unknown = import_rows(&editor, "", &make_row_in_category("新闻/地方动态")).await;
    assert_eq!(row_errors(&unknown), [(1, "/category".to_owned(), "unknown_reference".to_owned())]);
    import_rows(&editor, "", &make_row_in_category("news")).await;
    assert_eq!(load_article(&editor, "c").await["category"]["id"], news["id"]);
    let made =
        import_rows(&editor, "?create_categories=true", &make_row_in_category("news/地方动态/安徽")).await;
    assert_eq!(made["created_categories"], 2);
    let path = load_article(&editor, "c").await["category"]["path"].clone();
    assert_eq!(column(&path, "name"), ["news", "地方动态", "安徽"]);
    assert_eq!(column(&path, "slug"), ["news", "di-fang-dong-tai", "an-hui"]);
    let steps = json!([{"name": "news", "slug": "news"}, {"name": "Elsewhere", "slug": "an-hui"}]);
    import_rows(&editor, "?create_categories=true", &make_row_in_category(steps)).await;
    assert_eq!(load_article(&editor, "c").await["category"]["slug"], "an-hui");
}

#[actix_web::test]
async fn rows_without_an_external_id_are_identified_by_slug_or_content() {
    let (_app, editor) = start_app().await;
    let slugged = json!({"title": "By slug", "slug": "by-slug"});
    let bare = json!({"title": "By nothing"});
    let body = [slugged, bare];
    assert_eq!(outcome_counts(&import_rows(&editor, "", &body).await), [2, 0, 0, 0]);
    assert_eq!(outcome_counts(&import_rows(&editor, "", &body).await), [0, 0, 2, 0]);
    let found = editor.get("/api/v1/articles/by-slug").await.data(200);
    assert_eq!(found["external_id"], json!(null));
}

#[actix_web::test]
async fn equal_titles_get_different_slugs() {
    let (_app, editor) = start_app().await;
    let body: Vec<Value> = (0..30).map(|at| make_row(&format!("t-{at}"), "通知")).collect();
    assert_eq!(outcome_counts(&import_rows(&editor, "", &body).await), [30, 0, 0, 0]);
    assert_eq!(outcome_counts(&import_rows(&editor, "", &body[..1]).await), [0, 0, 1, 0]);
    let mut taken = make_row("t-99", "Taken");
    taken["slug"] = json!("tong-zhi");
    assert_eq!(row_errors(&import_rows(&editor, "", &[taken]).await)[0].2, "slug_taken");
}

#[actix_web::test]
async fn categories_and_notices_are_imported_the_same_way() {
    let (_app, editor) = start_app().await;
    let post = async |path: &str, rows: &[Value]| {
        editor.request(Method::POST, path).labelled(NDJSON, to_ndjson(rows)).send().await.data(200)
    };
    let categories = [
        json!({"name": "新闻", "slug": "news"}),
        json!({"name": "地方动态", "parent": "新闻", "position": 2}),
        json!({"name": "Lost", "parent": "nowhere"}),
    ];
    let first = post("/api/v1/categories/import", &categories).await;
    assert_eq!(
        (outcome_counts(&first), row_errors(&first)[0].clone()),
        ([2, 0, 0, 1], (3, "/parent".into(), "unknown_reference".into()))
    );
    assert_eq!(outcome_counts(&post("/api/v1/categories/import", &categories[..2]).await), [0, 0, 2, 0]);
    let mut notices =
        [json!({"external_id": "n1", "kind": "notice", "title": "通知", "status": "published"})];
    assert_eq!(outcome_counts(&post("/api/v1/notices/import", &notices).await), [1, 0, 0, 0]);
    assert_eq!(outcome_counts(&post("/api/v1/notices/import", &notices).await), [0, 0, 1, 0]);
    notices[0]["title"] = json!("公告");
    assert_eq!(outcome_counts(&post("/api/v1/notices/import", &notices).await), [0, 1, 0, 0]);
    assert_eq!(editor.get("/api/v1/notices").await.data(200)[0]["title"], "公告");
}
