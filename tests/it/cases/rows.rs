//! Rows as spreadsheets, databases and people write them: CSV of any separator, broken quotes, dates, tags.

use reqwest::Method;
use serde_json::json;

use super::*;

/// Imports `text` as the file `name`.
async fn import_text(site: &Site, name: &str, text: impl AsRef<[u8]>, arguments: &[&str]) -> Import {
    let folder = tempfile::tempdir().unwrap();
    let path = write_file(folder.path(), name, text);
    site.import(&[&[path.as_str()], arguments].concat()).await
}

/// A column of all articles, in the order of their external ids.
async fn load_column(site: &Site, key: &str) -> Vec<Value> {
    site.load_articles().await.iter().map(|article| article[key].clone()).collect()
}

#[actix_web::test]
async fn case_53_a_quote_without_an_end_costs_its_row_only() {
    let site = Site::start().await;
    let import = site.import(&[&case_path("53-csv-quote-without-end.csv")]).await;
    assert!(
        !import.success && import.text.contains("3 created") && import.text.contains("1 failed"),
        "{}",
        import.text
    );
    assert_eq!(load_column(&site, "external_id").await, ["1", "3", "4"]);
    let text = "external_id,title,body\n1,一,\"a\n2,二,b\n";
    let import = import_text(&site, "a.csv", text, &["--errors", "/dev/stdout"]).await;
    assert!(
        import.text.contains("line 2:  is not CSV: a quoted cell does not end; lines 2 to 2"),
        "{}",
        import.text
    );
}

#[actix_web::test]
async fn case_54_semicolons_tabs_and_bars_between_cells_are_found_out() {
    let site = Site::start().await;
    let import = site.import(&[&case_path("54-csv-semicolon.csv")]).await;
    assert!(import.success, "{}", import.text);
    let article = site.load_only_article().await;
    assert_eq!([&article["title"], &article["body"]], [&json!("标题"), &json!("正文")]);
    for (at, (text, arguments)) in [
        ("external_id\ttitle\tbody\nb\t标题\t<p>一, 二; 三</p>\n", &[][..]),
        ("\u{feff}external_id|title|body\r\nb|标题|<p>一, 二; 三</p>\r\n", &[]),
        ("sep=;\r\nexternal_id;title;body\r\nb;标题;\"<p>一, 二; 三</p>\"\r\n", &[]),
        ("\"sep=|\"\nexternal_id|title|body\nb|标题|<p>一, 二; 三</p>\n", &[]),
        ("external_id:title:body\nb:标题:<p>一, 二; 三</p>\n", &["--delimiter", ":"]),
        ("sep=;\nexternal_id\ttitle\tbody\nb\t标题\t<p>一, 二; 三</p>\n", &["--delimiter", "tab"]),
        (
            "编号;标题;正文\nb;标题; \"<p>一, 二; 三</p>\" \n",
            &["--columns", "编号:external_id,标题:title,正文:body"],
        ),
        ("\"external_id\" ; \"title\" ; \"body\" \n\"b\"; \"标题\"; \"<p>一, 二; 三</p>\"\n", &[]),
    ]
    .into_iter()
    .enumerate()
    {
        let site = Site::start().await;
        let import = import_text(&site, "a.csv", text, arguments).await;
        assert!(import.success, "{at}: {}", import.text);
        assert_eq!(site.load_only_article().await["body"], "<p>一, 二; 三</p>", "{at}");
    }
}

#[actix_web::test]
async fn case_55_dates_of_spreadsheets_are_in_the_zone_of_the_site_or_of_an_option() {
    let site = Site::start().await;
    let file = case_path("55-csv-dates-of-spreadsheets.csv");
    let import = site.import(&[&file]).await;
    assert!(import.success, "{}", import.text);
    let local =
        ["2019-09-20T00:30:00Z", "2019-09-20T00:30:00Z", "2019-09-19T16:00:00Z", "2019-09-19T16:00:00Z"];
    assert_eq!(load_column(&site, "published_at").await, local);
    let import = site.import(&[&file, "--timezone", "Europe/London"]).await;
    assert!(import.success, "{}", import.text);
    let london =
        ["2019-09-20T07:30:00Z", "2019-09-20T07:30:00Z", "2019-09-19T23:00:00Z", "2019-09-19T23:00:00Z"];
    assert_eq!(load_column(&site, "published_at").await, london);
}

#[actix_web::test]
async fn numbers_are_dates_only_on_request_and_the_refusal_names_the_option() {
    let site = Site::start().await;
    let text =
        "external_id,title,status,published_at\n1,一,published,43728.354166667\n2,二,published,9/20/2019\n";
    let import = import_text(&site, "a.csv", text, &["--errors", "/dev/stdout"]).await;
    assert!(
        import.text.contains("--excel-dates") && import.text.contains("2019/9/20 8:30"),
        "{}",
        import.text
    );
    let import = import_text(&site, "a.csv", text, &["--excel-dates"]).await;
    assert!(import.text.contains("1 created") && import.text.contains("1 failed"), "{}", import.text);
    assert_eq!(load_column(&site, "published_at").await, ["2019-09-20T00:30:00Z"]);
}

#[actix_web::test]
async fn json_rows_take_plain_dates_only_with_a_time_zone() {
    let site = Site::start().await;
    let text =
        r#"{"external_id": "1", "title": "一", "status": "published", "published_at": "2019/9/20 8:30"}"#;
    assert!(!import_text(&site, "a.ndjson", text, &[]).await.success);
    let import = import_text(&site, "a.ndjson", text, &["--timezone", "Asia/Tokyo"]).await;
    assert!(import.success, "{}", import.text);
    assert_eq!(load_column(&site, "published_at").await, ["2019-09-19T23:30:00Z"]);
}

#[actix_web::test]
async fn case_56_chinese_separators_separate_tags() {
    let site = Site::start().await;
    assert!(site.import(&[&case_path("56-csv-chinese-separators-in-tags.csv")]).await.success);
    assert_eq!(site.load_only_article().await["tags"], json!(["质量", "计量", "标准"]));
    let text = "external_id,title,tags\n2,二,质量; 计量 ；标准\n3,三,质量|计量\n4,四,\"质量、检验, 计量\"\n5,五,\" 质量 \"\n";
    assert!(import_text(&site, "a.csv", text, &[]).await.success);
    let expected = [
        json!(["质量", "计量", "标准"]),
        json!(["质量", "计量", "标准"]),
        json!(["质量", "计量"]),
        json!(["质量、检验", "计量"]),
        json!(["质量"]),
    ];
    assert_eq!(load_column(&site, "tags").await, expected);
}

#[actix_web::test]
async fn case_57_all_unknown_columns_are_named_with_the_mapping_they_need() {
    let site = Site::start().await;
    let import = site.import(&[&case_path("57-csv-several-faulty-headers.csv")]).await;
    assert!(!import.success);
    for hint in ["编号", "--columns 编号:external_id", "--columns 标题:title", "--columns 正文:body"]
    {
        assert!(import.text.contains(hint), "{hint}: {}", import.text);
    }
    let text = "编号,标题,发布时间,来源,栏目,标签,摘要,作者,备注,titel\n1,一,,,,,,,,\n";
    let import = import_text(&site, "a.csv", text, &[]).await;
    for hint in [
        "发布时间:published_at",
        "来源:source_name",
        "栏目:category",
        "标签:tags",
        "摘要:summary",
        "作者:author",
        "备注 unknown column",
        "--columns 备注:",
        "did you mean `title`?",
    ] {
        assert!(import.text.contains(hint), "{hint}: {}", import.text);
    }
    let remote = site.app.url.clone();
    let admin = site.app.db_member(Role::Admin).await;
    let key =
        admin.post("/api/v1/api-keys", json!({"name": "s", "scopes": ["articles:import"]})).await.data(201);
    let key = key["key"].as_str().unwrap();
    let file = case_path("57-csv-several-faulty-headers.csv");
    let import = site.import(&[&file, "--url", &remote, "--key", key]).await;
    assert!(!import.success && import.text.contains("--columns 标题:title"), "{}", import.text);
}

#[actix_web::test]
async fn cells_of_many_lines_are_one_cell() {
    let site = Site::start().await;
    let lines = (0..1_000).map(|n| format!("第 {n} 行，他说：\"\"好\"\"。")).collect::<Vec<_>>().join("\r\n");
    let text = format!("external_id,title,body\r\n1,一,\"{lines}\"\r\n2,二,\"短\r\n\r\n文\"\r\n3,三,文\r\n");
    let import = import_text(&site, "a.csv", text, &[]).await;
    assert!(import.success && !import.text.contains("warnings"), "{}", import.text);
    let bodies = load_column(&site, "body").await;
    assert_eq!(bodies[0].as_str().unwrap().matches("他说：\"好\"。").count(), 1_000);
    assert_eq!([&bodies[1], &bodies[2]], [&json!("短\n\n文"), &json!("文")]);
}

#[actix_web::test]
async fn no_broken_quote_swallows_the_rows_after_it() {
    // The broken record, and the lines of it that are told.
    for (broken, lines) in [
        ("b,二,\"没有结束", "lines 3 to 3"),
        ("b,二,\"他说\"好\"\"", "lines 3 to 3"),
        ("b,\"二,正文", "lines 3 to 3"),
        ("b,二,\"第一行\n第二行，\"引号\"\n第三行\"", "lines 3 to 5"),
        ("b,二,\"\"\"", "lines 3 to 3"),
        ("b,\"二\nx\",正文,多一格", "lines 3 to 4"),
        ("b,\"二\n少一格\"", "lines 3 to 4"),
    ] {
        for rest in
            ["c,三,文\nd,四,文\n", "c,\"三\",\"文\"\nd,四,\"\"\n", "\"c\",三,\"一\n二\"\nd,四,\"他\"\"说\"\n"]
        {
            let site = Site::start().await;
            let text = format!("external_id,title,body\na,一,文\n{broken}\n{rest}");
            let import = import_text(&site, "a.csv", &text, &["--errors", "/dev/stdout"]).await;
            assert!(
                import.text.contains("3 created") && import.text.contains("1 failed"),
                "{text}{}",
                import.text
            );
            assert!(
                import.text.contains("line 3:  is not CSV: ") && import.text.contains(lines),
                "{text}{}",
                import.text
            );
            assert_eq!(load_column(&site, "external_id").await, ["a", "c", "d"], "{text}");
        }
    }
}

#[actix_web::test]
async fn quotes_inside_of_a_cell_are_text() {
    let site = Site::start().await;
    let text = "external_id,title,body\na,他说\"好\",5\" 管\nb,\"二\" ,\"\"\nc,三\"\"三,\"\"\"全引\"\"\"\n";
    let import = import_text(&site, "a.csv", text, &[]).await;
    assert!(import.success, "{}", import.text);
    assert_eq!(load_column(&site, "title").await, ["他说\"好\"", "二", "三\"\"三"]);
    assert_eq!(load_column(&site, "body").await, ["5\" 管", "", "\"全引\""]);
}

#[actix_web::test]
async fn rows_inside_of_a_cell_missing_cells_and_unnamed_columns_are_told() {
    let site = Site::start().await;
    let text =
        "external_id,title,body,\na,一,\"文\nb,二,文二\nc,三,文三\",\nd,四\ne,五,文,多\nf,六,文,,,\n\n,,,\n";
    let import = import_text(&site, "a.csv", text, &["--errors", "/dev/stdout"]).await;
    assert!(import.text.contains("a cell holds lines that look like rows"), "{}", import.text);
    assert!(import.text.contains("has 2 cells, fewer than the header's 3"), "{}", import.text);
    assert!(import.text.contains("has 4 cells, more than the header's 3"), "{}", import.text);
    assert!(import.text.contains("3 created") && import.text.contains("1 failed"), "{}", import.text);
    let text = ",external_id,title\n0,g,七\n1,h,八\n";
    let import = import_text(&site, "a.csv", text, &[]).await;
    assert!(
        import.text.contains("column 1 has no name") && import.text.contains("1 rows have warnings"),
        "{}",
        import.text
    );
}

#[actix_web::test]
async fn titles_tags_and_categories_are_composed_and_trimmed() {
    let site = Site::start().await;
    let row = json!({"external_id": "1", "title": "Cafe\u{301}", "tags": [" Re\u{301}sume\u{301} "], "category": [" Me\u{301}dia "]});
    let import = import_text(&site, "a.ndjson", row.to_string(), &["--create-categories"]).await;
    assert!(import.success, "{}", import.text);
    let article = site.load_only_article().await;
    assert_eq!([&article["title"], &article["tags"][0]], [&json!("Café"), &json!("Résumé")]);
    assert_eq!(category_path(&article), "Média");
    let import = import_text(&site, "a.ndjson", row.to_string(), &["--create-categories"]).await;
    assert!(import.text.contains("1 unchanged"), "{}", import.text);
}

#[actix_web::test]
async fn a_long_row_after_an_open_quote_costs_no_memory_and_no_other_row() {
    let site = Site::start().await;
    let filler = "没有引号的一行\n".repeat(450_000);
    let text = format!("external_id,title,body\na,一,\"没有结束\n{filler}b,二,文\n");
    let import = import_text(&site, "a.csv", text, &[]).await;
    assert!(import.text.contains("1 created") && import.text.contains("1 failed"), "{}", import.text);
}

#[actix_web::test]
async fn parameters_of_csv_are_checked() {
    let site = Site::start().await;
    for (query, parameter) in [
        ("delimiter=ab", "delimiter"),
        ("delimiter=%22", "delimiter"),
        ("timezone=Mars", "timezone"),
        ("dates=lotus", "dates"),
    ] {
        let path = format!("/api/v1/articles/import?{query}");
        let request = site.editor.request(Method::POST, &path);
        let answer = request.labelled("text/csv", "title\nx\n").send().await;
        assert_eq!(answer.problem(), (400, "invalid_parameter".to_owned()), "{query}");
        assert!(answer.text().contains(parameter), "{}", answer.text());
    }
}

#[actix_web::test]
async fn an_export_imported_into_an_empty_site_is_exported_the_same() {
    let bodies = [
        "<pre>一\n\n\n二\n  三</pre>",
        "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>b</td></tr></tbody><tfoot><tr><td>c</td></tr></tfoot></table>",
        "<figure><img src=\"https://e.org/a.png\" alt=\"图\"><figcaption>注</figcaption></figure>",
        "<video src=\"https://e.org/a.mp4\" controls></video>",
        "<p>\"引\", 号; | \n\r\n</p>\n\n<p>= 1</p>",
    ];
    let rows: String = bodies
        .iter()
        .enumerate()
        .map(|(n, body)| {
            let row = json!({"external_id": format!("x-{n}"), "title": format!("标题, \"{n}\""), "body": body,
                "category": ["新闻", "地方"], "tags": (&["a;b", "质量"][n % 2..]), "status": "published",
                "published_at": "2019-09-20T08:30:00Z", "created_at": "2019-09-20T08:30:00Z", "extra": {"n": n}});
            format!("{row}\n")
        })
        .collect();
    let site = Site::start().await;
    assert!(import_text(&site, "a.ndjson", rows, &["--create-categories"]).await.success);
    for (format, media_type) in [("ndjson", "application/x-ndjson"), ("csv", "text/csv")] {
        let export = async |site: &Site| {
            let path = format!("/api/v1/articles/export?format={format}&status=draft,published,archived");
            site.editor.get(&path).await.expect(200).bytes
        };
        let first = export(&site).await;
        let copy = Site::start().await;
        let path = "/api/v1/articles/import?create_categories=true";
        let answer = copy.editor.request(Method::POST, path).labelled(media_type, first.clone()).send().await;
        assert_eq!(answer.data(200)["created"], 5);
        assert_eq!(
            String::from_utf8(export(&copy).await.to_vec()),
            String::from_utf8(first.to_vec()),
            "{format}"
        );
    }
}

#[actix_web::test]
async fn dates_without_a_zone_are_in_that_of_the_site() {
    let site = Site::start().await;
    let admin = site.app.db_member(Role::Admin).await;
    admin.patch("/api/v1/site", json!({"timezone": "America/New_York"})).await.expect(200);
    let text = "title;status;published_at\n一;published;2019/9/20 8:30\n";
    let answer =
        site.editor.request(Method::POST, "/api/v1/articles/import").labelled("text/csv", text).send().await;
    assert_eq!(answer.data(200)["created"], 1);
    let import =
        import_text(&site, "a.csv", "external_id,title,status,published_at\nz,二,published,2019-9-20\n", &[])
            .await;
    assert!(import.success, "{}", import.text);
    assert_eq!(load_column(&site, "published_at").await, ["2019-09-20T12:30:00Z", "2019-09-20T04:00:00Z"]);
}
