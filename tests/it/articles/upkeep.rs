//! What the database keeps beside the articles so that lists of a large site are short work.

use inkstone::operations::Role;
use reqwest::Method;
use serde_json::json;

use super::{ARTICLES, at, create, db_rows, titles};
use crate::harness::machine::ask;
use crate::harness::{TestApp, column};

/// Lines of tags that are too many or too few.
const WRONG_TAGS: &str = "
    WITH wanted AS (SELECT DISTINCT tag COLLATE \"C\" AS tag, published_at, id, category_id, updated_at, created_at
                    FROM articles, unnest(tags) AS tag
                    WHERE status = 'published' AND deleted_at IS NULL),
         kept AS (SELECT tag, published_at, article_id, category_id, updated_at, created_at FROM article_tags)
    SELECT count(*) FROM ((TABLE wanted EXCEPT TABLE kept) UNION ALL (TABLE kept EXCEPT TABLE wanted)) AS wrong";
/// Categories whose number of published articles is wrong.
const WRONG_COUNTS: &str = "
    WITH wanted AS (SELECT category_id, count(*) FROM articles
                    WHERE status = 'published' AND deleted_at IS NULL AND category_id IS NOT NULL GROUP BY 1),
         kept AS (SELECT category_id, sum(change) FROM article_counts GROUP BY 1 HAVING sum(change) <> 0)
    SELECT count(*) FROM ((TABLE wanted EXCEPT TABLE kept) UNION ALL (TABLE kept EXCEPT TABLE wanted)) AS wrong";

/// Checks both against the articles.
async fn check(app: &TestApp, after: &str) {
    for query in [WRONG_TAGS, WRONG_COUNTS] {
        assert_eq!(ask(&app.db.url, query).await, "0", "after {after}: {query}");
    }
}

#[actix_web::test]
async fn lines_of_tags_and_counts_of_categories_follow_every_change() {
    let (app, _) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for category in ["news", "sport"] {
        editor.category(category, None).await;
    }
    let tagged = create(&editor, json!({"tags": ["a", "b"], "category": "news"})).await;
    check(&app, "a new article").await;
    assert_ne!(ask(&app.db.url, "SELECT count(*) FROM article_tags").await, "0");
    let path = at(&tagged);
    for change in [
        json!({"tags": ["b", "c"]}),
        json!({"category": "sport"}),
        json!({"category": null}),
        json!({"category": "news", "title": "Another", "tags": []}),
        json!({"tags": ["a", "b", "c"], "published_at": "2031-01-01T00:00:00Z"}),
        json!({"published_at": "2001-01-01T00:00:00Z"}),
        json!({"status": "archived"}),
        json!({"tags": ["d"]}),
        json!({"status": "published"}),
        json!({"status": "draft"}),
        json!({"status": "published", "category": "sport"}),
    ] {
        editor.patch(&path, change.clone()).await.expect(200);
        check(&app, &change.to_string()).await;
    }
    editor.delete(&path).await.expect(204);
    check(&app, "the trash").await;
    editor.act(&format!("{path}/restore")).await.expect(200);
    check(&app, "coming back").await;
    let row = |id: usize, tags: &str, category: &str| json!({"external_id": format!("x{id}"), "title": "Row", "tags": [tags, "a"], "category": category, "status": "published"});
    for (tags, category) in [("one", "news"), ("one", "news"), ("two", "sport")] {
        let rows: String = (0..50).map(|id| format!("{}\n", row(id, tags, category))).collect();
        let import = editor.request(Method::POST, "/api/v1/articles/import");
        import.labelled("application/x-ndjson", rows).send().await.expect(200);
        check(&app, "an import").await;
    }
    editor.delete("/api/v1/categories/sport?move_to=news").await;
    app.db_execute("UPDATE articles SET tags = tags || '{z}' || '{z}'::text[] WHERE title = 'Row'").await;
    check(&app, "a change of many rows").await;
    app.db_execute("DELETE FROM articles WHERE tags @> '{two}'").await;
    check(&app, "a removal").await;
    app.db_execute("TRUNCATE articles CASCADE").await;
    check(&app, "the end").await;
}

#[actix_web::test]
async fn the_number_of_articles_of_a_category_is_the_same_when_its_lines_are_joined() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    editor.category("part-0", None).await;
    let count = async || anon.get("/api/v1/categories/part-0").await.data(200)["article_count"].clone();
    db_rows(&app, 30, "now() - n * interval '1 minute'").await;
    create(&editor, json!({"category": "part-0", "published_at": "2031-01-01T00:00:00Z"})).await;
    let gone = create(&editor, json!({"category": "part-0"})).await;
    editor.delete(&at(&gone)).await.expect(204);
    assert_eq!(count().await, 10);
    let join = async || {
        let joined = app
            .shared
            .app
            .write(async |tx| Ok(inkstone::categories::queries::join_article_counts(tx).await?));
        joined.await.unwrap();
    };
    join().await;
    assert_eq!(ask(&app.db.url, "SELECT count(*) FROM article_counts").await, "1");
    assert_eq!(count().await, 10);
    futures::future::join(join(), join()).await;
    app.db_execute(
        "UPDATE articles SET published_at = now() - interval '1 second' WHERE published_at > now()",
    )
    .await;
    assert_eq!(count().await, 11);
}

#[actix_web::test]
async fn a_walk_by_several_tags_sees_each_article_once() {
    let (app, anon) = TestApp::start().await;
    db_rows(&app, 60, "now() - n / 7 * interval '1 minute'").await;
    app.db_execute(
        "UPDATE articles SET tags = array_remove(ARRAY[CASE WHEN substr(slug, 5)::int % 2 = 0 THEN 'even' END,
             CASE WHEN substr(slug, 5)::int % 3 = 0 THEN 'third' END], NULL)",
    )
    .await;
    for sort in ["", "&sort=published_at", "&sort=title", "&sort=-published_at,title"] {
        let list = format!("{ARTICLES}?tag=even,third&page_size=7&count=true{sort}");
        let (mut seen, mut path) = (Vec::new(), list.clone());
        loop {
            let page = anon.get(&path).await.expect(200).json();
            assert_eq!(page["page"]["total"], 40, "{path}");
            seen.extend(column(&page["data"], "title"));
            let Some(cursor) = page["page"]["next_cursor"].as_str() else { break };
            path = format!("{list}&cursor={cursor}");
        }
        let mut numbered = Vec::new();
        for page in 1..=6 {
            numbered.extend(titles(&anon, &format!("tag=even,third&page_size=7&page={page}{sort}")).await);
        }
        assert_eq!(seen, numbered, "{sort}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 40, "{sort}");
    }
}
