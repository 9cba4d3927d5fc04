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

#[actix_web::test]
async fn a_breadcrumb_that_names_a_category_twice_is_folded() {
    let site = Site::start().await;
    let path = case_path("14-page-breadcrumb-twice-the-same.html");
    let import =
        site.import(&["--from", "html", &path, "--create-categories", "--status", "published"]).await;
    assert!(import.success && import.text.contains("twice"), "{}", import.text);
    let article = site.load_only_article().await;
    assert_eq!(
        (&article["title"], category_path(&article)),
        (&json!("省计量院发布新规程"), "快讯/公司".to_owned())
    );
}

#[actix_web::test]
async fn a_reserved_slug_of_a_foreign_file_gets_a_suffix() {
    let site = Site::start().await;
    let path = case_path("35-wp-reserved-slug.xml");
    let run = ["--from", "wordpress", &path, "--create-categories"];
    let import = site.import(&run).await;
    assert!(import.success && import.text.contains("export became export-"), "{}", import.text);
    let slugs: Vec<String> = site
        .load_articles()
        .await
        .iter()
        .map(|article| article["slug"].as_str().unwrap().to_owned())
        .collect();
    assert!(slugs[0].starts_with("export-"), "{slugs:?}");
    // A second run gives none another one.
    assert!(site.import(&run).await.text.contains("2 unchanged"));
    assert!(site.load_articles().await.iter().zip(&slugs).all(|(article, slug)| article["slug"] == **slug));
}

#[actix_web::test]
async fn a_reserved_category_of_a_foreign_file_gets_another_slug() {
    let site = Site::start().await;
    let path = case_path("36-wp-reserved-section.xml");
    let run = ["--from", "wordpress", &path, "--create-categories"];
    let import = site.import(&run).await;
    assert!(import.success, "{}", import.text);
    assert_eq!(category_path(&site.load_only_article().await), "导入");
    assert!(site.import(&run).await.text.contains("1 unchanged"));
}

#[actix_web::test]
async fn slugs_that_cannot_be_used_are_made_anew_and_the_old_ones_stay_findable() {
    let site = Site::start().await;
    site.rows("", &[row("first", "Taken")]).await;
    let slugs =
        ["taken", "质量提升", "%E8%B4%A8%E9%87%8F", "Old_Post.html", "me", "a--b", &"zhi-".repeat(40), "!!!"];
    let rows: Vec<Value> = slugs
        .iter()
        .enumerate()
        .map(|(at, slug)| {
            let mut row = row(&format!("n-{at}"), &format!("Title {at}"));
            row["slug"] = json!(slug);
            row
        })
        .collect();
    assert_eq!(site.rows("?dry_run=true", &rows).await["failed"], slugs.len());
    let summary = site.rows("?slug_conflicts=suffix", &rows).await;
    assert_eq!(
        (&summary["created"], codes(&summary)),
        (&json!(slugs.len()), vec!["slug_changed"; slugs.len()])
    );
    let articles = site.load_articles().await;
    for (warning, (article, slug)) in
        summary["warnings"].as_array().unwrap().iter().zip(articles[1..].iter().zip(slugs))
    {
        assert_eq!((&warning["params"]["from"], &warning["params"]["to"]), (&json!(slug), &article["slug"]));
    }
    let made =
        ["taken-", "zhi-liang-ti-sheng", "zhi-liang", "old-post-html", "me-", "a-b", "zhi-zhi-", "title-7"];
    for (article, made) in articles[1..].iter().zip(made) {
        assert!(article["slug"].as_str().unwrap().starts_with(made), "{} {made}", article["slug"]);
    }
    for (segment, at) in
        [("质量提升", 1), ("%E8%B4%A8%E9%87%8F", 2), ("Old_Post.html", 3), ("a--b", 5), ("!!!", 7)]
    {
        let found = site.editor.get(&format!("{ARTICLES}/{segment}")).await.data(200);
        assert_eq!(found["id"], articles[at + 1]["id"], "{segment}");
    }
    // Changed rows keep the slugs that were made.
    let changed: Vec<Value> = rows
        .iter()
        .map(|row| {
            let mut row = row.clone();
            row["author"] = json!("Ada");
            row
        })
        .collect();
    assert_eq!(site.rows("?slug_conflicts=suffix", &changed).await["updated"], slugs.len());
    let again = site.load_articles().await;
    assert!(again.iter().zip(&articles).all(|(again, before)| again["slug"] == before["slug"]));
}

#[actix_web::test]
async fn categories_of_foreign_rows_that_have_one_name_or_slug_stay_apart() {
    let site = Site::start().await;
    let paths = [
        json!([{"name": "快讯", "slug": "kx"}, {"name": "公司", "slug": "gs"}]),
        json!([{"name": "人物", "slug": "rw"}, {"name": "公司", "slug": "gs"}]),
        json!([{"name": "公司", "slug": "gs"}]),
        json!([{"name": "产品", "slug": "gs"}]),
        json!([{"name": "快讯", "slug": "import"}, "公司"]),
        json!([{"name": "长".repeat(120), "slug": "News_Room"}]),
        json!(["快讯", "公司", "快讯"]),
    ];
    let rows: Vec<Value> = paths
        .iter()
        .enumerate()
        .map(|(at, path)| {
            let mut row = row(&format!("n-{at}"), "T");
            row["category"] = path.clone();
            row
        })
        .collect();
    let query = "?create_categories=true&slug_conflicts=suffix";
    let summary = site.rows(query, &rows).await;
    assert_eq!((&summary["failed"], &summary["created"]), (&json!(0), &json!(paths.len())), "{summary:#}");
    let found: Vec<String> = site.load_articles().await.iter().map(category_path).collect();
    let long = "长".repeat(100);
    assert_eq!(found, ["快讯/公司", "人物/公司", "公司", "产品", "快讯/公司", &long, "快讯/公司"]);
    let told: Vec<i64> = summary["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| warning["line"].as_i64().unwrap())
        .collect();
    assert_eq!((codes(&summary), told), (vec!["category_changed"; 6], vec![2, 3, 4, 5, 6, 7]));
    assert_eq!(site.rows(query, &rows).await["unchanged"], paths.len());
    // What an editor has moved is not made again.
    site.editor.category("top", None).await;
    site.editor.patch("/api/v1/categories/rw", json!({"parent": "top"})).await.expect(200);
    let again = site.rows(query, &rows).await;
    assert_eq!((&again["unchanged"], &again["created_categories"]), (&json!(paths.len()), &json!(0)));
}

#[actix_web::test]
async fn an_article_keeps_its_identity_when_its_site_gives_it_a_longer_id() {
    let site = Site::start().await;
    let old = |id: &str, source: Value| {
        let mut row = row(id, id);
        row["source_url"] = source;
        row
    };
    let longer = |id: &str, former: &str, source: Value| {
        let mut row = old(id, source);
        row["former_external_id"] = json!(former);
        row
    };
    let first = [
        old("wordpress:7", json!("https://News.example.org/?p=7")),
        old("wordpress:8", json!(null)),
        old("wordpress:9", json!("https://news.example.org/9")),
    ];
    site.rows("", &first).await;
    let before = site.editor.get(&format!("{ARTICLES}/by-external-id/wordpress:7")).await.data(200);
    let rows = [
        // Another site with the same number makes an article of its own.
        longer("wordpress:other.example:7", "wordpress:7", json!("https://other.example/7")),
        longer("wordpress:news.example.org:7", "wordpress:7", json!("http://www.news.example.org/a")),
        // So does one of which the old one does not say the site, or which says none.
        longer("wordpress:news.example.org:8", "wordpress:8", json!("https://news.example.org/8")),
        longer("wordpress:news.example.org:9", "wordpress:9", json!(null)),
    ];
    let summary = site.rows("", &rows).await;
    assert_eq!((&summary["created"], &summary["updated"]), (&json!(3), &json!(1)), "{summary:#}");
    let after =
        site.editor.get(&format!("{ARTICLES}/by-external-id/wordpress:news.example.org:7")).await.data(200);
    assert_eq!((&after["id"], &after["title"]), (&before["id"], &json!("wordpress:news.example.org:7")));
    site.editor.get(&format!("{ARTICLES}/by-external-id/wordpress:7")).await.expect(404);
    let again = site.rows("", &rows).await;
    assert_eq!(again["unchanged"], 4, "{again:#}");
    // A row that is about the old id itself has it, and of two others the first.
    site.rows("", &[old("f", json!("https://a.example/")), old("g", json!("https://a.example/"))]).await;
    let source = || json!("https://a.example/x");
    let rows = [
        longer("f-1", "f", source()),
        old("f", source()),
        longer("g-1", "g", source()),
        longer("g-2", "g", source()),
    ];
    let summary = site.rows("", &rows).await;
    assert_eq!((&summary["created"], &summary["updated"]), (&json!(2), &json!(2)), "{summary:#}");
    let taken = site.rows("", &[longer("t", "g-1", source())]).await;
    assert_eq!(taken["updated"], 1);
    let wrong = site
        .rows(
            "",
            &[
                longer("u", "g-2", source()),
                json!({"external_id": "v", "title": "V", "former_external_id": 7}),
            ],
        )
        .await;
    assert_eq!(
        (&wrong["failed"], &wrong["errors"][0]["pointer"]),
        (&json!(1), &json!("/former_external_id"))
    );
}

#[actix_web::test]
async fn of_two_imports_at_once_one_takes_an_old_article_over() {
    let site = Site::start().await;
    let other = site.app.db_member(Role::Editor).await;
    for round in 0..8 {
        let source = json!("https://news.example.org/1");
        let mut old = row(&format!("old-{round}"), "Old");
        old["source_url"] = source.clone();
        site.rows("", &[old]).await;
        let send = async |client: &Client, id: String| {
            let mut row = row(&id, "New");
            row["source_url"] = source.clone();
            row["former_external_id"] = json!(format!("old-{round}"));
            let request = client.request(reqwest::Method::POST, &format!("{ARTICLES}/import"));
            request.labelled(NDJSON, format!("{row}\n")).send().await.data(200)
        };
        // The same new id, or two.
        let ids = [format!("new-{round}"), format!("new-{round}{}", if round % 2 == 0 { "" } else { "-b" })];
        let [one, two] = ids;
        let (one, two) = futures_util::join!(send(&site.editor, one), send(&other, two));
        let sum = |key: &str| one[key].as_i64().unwrap() + two[key].as_i64().unwrap();
        assert_eq!(sum("failed"), 0);
        let created = if round % 2 == 0 { 0 } else { 1 };
        assert_eq!(
            (sum("created"), sum("updated") + sum("unchanged")),
            (created, 2 - created),
            "{one} {two}"
        );
        site.editor.get(&format!("{ARTICLES}/by-external-id/old-{round}")).await.expect(404);
    }
}
