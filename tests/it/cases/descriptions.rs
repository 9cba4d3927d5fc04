//! What foreign files say of categories, tags and authors: it is in the site, or told.

use std::fs;

use serde_json::json;

use super::*;

/// An export of WordPress with a category in another one, one without posts, a tag and a series, all described.
fn described_export() -> String {
    let long = "长".repeat(1000);
    format!(
        "<?xml version=\"1.0\"?><rss xmlns:wp=\"http://wordpress.org/export/1.2/\"><channel><link>https://news.example.org</link>
<wp:category><wp:term_id>1</wp:term_id><wp:category_nicename>news</wp:category_nicename><wp:cat_name>新闻</wp:cat_name>
<wp:category_description><![CDATA[<p>全省的 &amp; <b>各地的</b></p>\n消息]]></wp:category_description></wp:category>
<wp:category><wp:term_id>2</wp:term_id><wp:category_nicename>local</wp:category_nicename><wp:category_parent>news</wp:category_parent>
<wp:cat_name>地方</wp:cat_name><wp:category_description><![CDATA[{long}余下]]></wp:category_description>
<wp:termmeta><wp:meta_key>color</wp:meta_key><wp:meta_value>red</wp:meta_value></wp:termmeta></wp:category>
<wp:category><wp:category_nicename>empty</wp:category_nicename><wp:cat_name>空栏目</wp:cat_name>
<wp:category_description>无人使用的说明</wp:category_description></wp:category>
<wp:tag><wp:tag_slug>jl</wp:tag_slug><wp:tag_name>计量</wp:tag_name><wp:tag_description>量值 <![CDATA[<a href=\"/x\">统一</a>]]></wp:tag_description></wp:tag>
<wp:tag><wp:tag_slug>zl</wp:tag_slug><wp:tag_name>质量</wp:tag_name><wp:tag_description></wp:tag_description></wp:tag>
<wp:term><wp:term_taxonomy>series</wp:term_taxonomy><wp:term_name>百年</wp:term_name><wp:term_description>百年史</wp:term_description></wp:term>
<item><title>一</title><wp:post_id>1</wp:post_id><wp:post_date_gmt>2020-03-02 00:30:00</wp:post_date_gmt><wp:status>publish</wp:status>
<category domain=\"category\" nicename=\"local\">地方</category><category domain=\"post_tag\" nicename=\"jl\">计量</category></item>
<item><title>二</title><wp:post_id>2</wp:post_id><wp:post_date_gmt>2020-03-02 00:30:00</wp:post_date_gmt><wp:status>publish</wp:status>
<category domain=\"category\" nicename=\"local\">地方</category><category domain=\"post_tag\" nicename=\"jl\">计量</category></item>
</channel></rss>"
    )
}

/// Imports a file with a report. Returns the report.
async fn report_import(site: &Site, origin: &str, text: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let path = write_file(folder.path(), "export", text);
    let to = folder.path().join("report.json");
    let arguments = ["--from", origin, &path, "--create-categories", "--report", to.to_str().unwrap()];
    let import = site.import(&arguments).await;
    assert!(import.success, "{}", import.text);
    let report: Value = serde_json::from_slice(&fs::read(to).unwrap()).unwrap();
    // What the report has is shown too.
    for warning in report["file_warnings"].as_array().unwrap() {
        assert!(import.text.contains(warning["place"].as_str().unwrap()), "{}", import.text);
    }
    report
}

/// The places, codes and ends of warnings that are about no row.
fn file_warnings(report: &Value) -> Vec<(&str, &str, String)> {
    let warnings = report["file_warnings"].as_array().unwrap().iter();
    let told = warnings.map(|warning| {
        let detail = warning["detail"].as_str().unwrap();
        let text = detail.rsplit(": ").next().unwrap().to_owned();
        (warning["place"].as_str().unwrap(), warning["code"].as_str().unwrap(), text)
    });
    told.collect()
}

#[actix_web::test]
async fn a_category_that_is_created_has_its_description_and_others_are_told_once() {
    let site = Site::start().await;
    let report = report_import(&site, "wordpress", &described_export()).await;
    let category = |slug: &'static str| {
        let site = &site;
        async move { site.editor.get(&format!("/api/v1/categories/{slug}")).await.data(200) }
    };
    assert_eq!(category("news").await["description"], "全省的 & 各地的\n消息");
    assert_eq!(category("local").await["description"], "长".repeat(1000));
    let told = file_warnings(&report);
    let expected = [
        ("line 4: category \"地方\"", "description_cut", "余下".to_owned()),
        ("line 9: tag \"计量\"", "description_dropped", "量值 统一".to_owned()),
        ("line 11: series \"百年\"", "description_dropped", "百年史".to_owned()),
        ("category \"空栏目\"", "description_dropped", "无人使用的说明".to_owned()),
    ];
    assert_eq!(told, expected);
    assert_eq!(report["warnings"], json!({"description_cut": 1, "description_dropped": 3}));
    assert_eq!(report["passed_over"], json!({"term meta": 1}));
}

#[actix_web::test]
async fn a_category_that_exists_keeps_its_description_and_the_other_is_told_once() {
    let site = Site::start().await;
    let own = json!({"name": "新闻", "slug": "news", "description": "本站的"});
    let news = site.editor.post("/api/v1/categories", own).await.data(201);
    let local = json!({"name": "地方", "slug": "local", "parent": news["id"]});
    site.editor.post("/api/v1/categories", local).await.expect(201);
    let report = report_import(&site, "wordpress", &described_export()).await;
    assert_eq!(site.editor.get("/api/v1/categories/news").await.data(200)["description"], "本站的");
    let rows = report["rows"].as_array().unwrap().iter();
    let warnings: Vec<_> = rows.map(|row| row["warnings"].as_array().unwrap().clone()).collect();
    let lost: Vec<_> = warnings[0].iter().map(|warning| &warning["params"]["description"]).collect();
    assert_eq!(lost, [&json!("长".repeat(1000)), &json!("全省的 & 各地的\n消息")], "{warnings:?}");
    assert_eq!(warnings[0][0]["code"], "description_dropped");
    assert_eq!(warnings[1], [] as [Value; 0]);
}

#[actix_web::test]
async fn rows_of_any_source_describe_the_categories_that_they_create() {
    let site = Site::start().await;
    let editor = &site.editor;
    let row = |id: &str, description: Value| {
        json!({"external_id": id, "title": id, "category": [{"name": "计量", "slug": "jl", "description": description}]})
            .to_string()
    };
    let import = async |row: String| {
        let path = "/api/v1/articles/import?create_categories=true";
        editor
            .request(reqwest::Method::POST, path)
            .labelled("application/x-ndjson", row)
            .send()
            .await
            .data(200)
    };
    assert_eq!(import(row("a", json!("量值统一"))).await["created_categories"], 1);
    assert_eq!(editor.get("/api/v1/categories/jl").await.data(200)["description"], "量值统一");
    let again = import([row("b", json!("量值统一")), row("c", json!(""))].join("\n")).await;
    assert_eq!(again["warnings"], json!([]));
    let other = import([row("d", json!("别的")), row("e", json!("别的"))].join("\n")).await;
    let codes: Vec<_> =
        other["warnings"].as_array().unwrap().iter().map(|warning| &warning["code"]).collect();
    assert_eq!(codes, ["description_dropped"]);
    let refused =
        import(row("f", json!("长".repeat(1001))).replace("jl", "jl-2").replace("计量", "衡器")).await;
    assert_eq!(refused["errors"][0]["pointer"], "/category");
}

#[actix_web::test]
async fn the_descriptions_of_tags_and_authors_in_ghost_are_told_once() {
    let posts: Vec<_> = ["1", "2"]
        .map(|id| {
            json!({"id": id, "title": id, "slug": id, "html": "<p>a</p>", "status": "published", "visibility": "public",
            "published_at": "2021-01-02T03:04:05.000Z"})
        })
        .to_vec();
    let tags = json!([{"id": "t", "name": "计量", "description": "量值 &amp; 统一", "feature_image": "https://e.org/t.png"},
        {"id": "u", "name": "质量", "description": null}]);
    let links = json!([{"post_id": "1", "tag_id": "t"}, {"post_id": "2", "tag_id": "t"}]);
    let users =
        json!([{"id": "9", "name": "林记者", "bio": "记者二十年", "profile_image": "https://e.org/l.png"}]);
    let file = json!({"data": {"posts": posts, "tags": tags, "posts_tags": links, "users": users}});
    let site = Site::start().await;
    let report = report_import(&site, "ghost", &file.to_string()).await;
    let expected = [
        ("tag t \"计量\"", "description_dropped", "量值 & 统一".to_owned()),
        ("author 9 \"林记者\"", "description_dropped", "记者二十年".to_owned()),
    ];
    assert_eq!(file_warnings(&report), expected);
    assert_eq!(report["passed_over"], json!({"picture of a tag": 1, "picture of an author": 1}));
}
