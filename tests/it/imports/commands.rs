//! `inkstone import` and `inkstone export`.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use serde_json::json;

use super::*;
use crate::harness::process::{run_on, write_file};

/// Runs `inkstone` with these arguments on the database of `app`. Returns success, standard output, standard error.
async fn run_command(app: &TestApp, arguments: &[&str]) -> (bool, String, String) {
    let (code, out, shown) = run_on(app, arguments).await;
    (code == Some(0), out, shown)
}

/// Writes rows to a file and returns its path.
fn write_rows(folder: &Path, name: &str, rows: &[Value]) -> String {
    write_file(folder, name, to_ndjson(rows))
}

#[actix_web::test]
async fn a_file_is_imported_and_its_failed_rows_can_be_corrected_and_imported() {
    let (app, editor) = start_app().await;
    let folder = tempfile::tempdir().unwrap();
    let mut body = make_rows(30);
    body[7]["views"] = json!("many");
    body[19]["titel"] = json!("x");
    let path = write_rows(folder.path(), "articles.ndjson", &body);
    let (success, _, output) = run_command(&app, &["import", &path]).await;
    assert!(!success && output.contains("28 created, 0 updated, 0 unchanged, 2 failed"), "{output}");
    let failed = format!("{path}.failed.ndjson");
    let text = fs::read_to_string(&failed).unwrap();
    assert!(text.contains("# line 8: /views must be integer or null, not string\n"), "{text}");
    fs::write(&failed, text.replace("\"many\"", "3").replace(",\"titel\":\"x\"", "")).unwrap();
    let (success, output, _) = run_command(&app, &["import", &failed]).await;
    assert!(success && output.contains("2 rows") && output.contains("2 created"), "{output}");
    assert_eq!(count_articles(&editor).await, 30);
}

#[actix_web::test]
async fn many_warnings_are_summed_up_and_do_not_drown_the_progress() {
    let (app, _) = start_app().await;
    let folder = tempfile::tempdir().unwrap();
    let mut body = make_rows(60);
    body.iter_mut().for_each(|row| row["body"] = json!("<font>a</font><img src=\"/b.png\">"));
    let path = write_rows(folder.path(), "articles.ndjson", &body);
    let (success, out, shown) = run_command(&app, &["import", &path]).await;
    assert!(success && out.contains("60 elements and attributes removed"), "{out}");
    assert!(out.contains("60 rows have warnings"), "{out}");
    let told = shown.lines().filter(|line| line.contains("<font> ×1; addresses without a scheme")).count();
    assert_eq!((told, shown.matches("More rows have warnings").count()), (50, 1), "{shown}");
}

#[actix_web::test]
async fn an_import_through_a_server_is_the_same_as_a_direct_one() {
    let (app, _) = start_app().await;
    let admin = app.db_member(Role::Admin).await;
    let scopes = json!({"name": "s", "scopes": ["articles:import", "articles:read"]});
    let key = admin.post("/api/v1/api-keys", scopes).await.data(201)["key"].as_str().unwrap().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let path = write_rows(folder.path(), "articles.ndjson", &make_rows(1_200));
    let remote = ["--url", &app.url, "--key", &key];
    let (success, output, errors) =
        run_command(&app, &[&["import", &path, "--dry-run"], &remote[..]].concat()).await;
    assert!(success && output.contains("1200 created"), "{output}{errors}");
    assert_eq!(count_articles(&admin).await, 0);
    let (success, output, _) = run_command(&app, &[&["import", &path], &remote[..]].concat()).await;
    assert!(success && output.contains("1200 created"), "{output}");
    let (success, output, _) = run_command(&app, &["import", &path]).await;
    assert!(success && output.contains("1200 unchanged"), "{output}");
    let there = folder.path().join("there.ndjson");
    let to = there.to_str().unwrap();
    let (success, _, errors) = run_command(&app, &[&["export", "-o", to], &remote[..]].concat()).await;
    assert!(success, "{errors}");
    let (_, here, _) = run_command(&app, &["export"]).await;
    assert_eq!(fs::read_to_string(&there).unwrap(), here);
    assert_eq!(here.lines().count(), 1_200);
}

#[actix_web::test]
async fn an_import_that_was_stopped_can_be_resumed() {
    let (app, editor) = start_app().await;
    let folder = tempfile::tempdir().unwrap();
    let mut body = make_rows(2_500);
    body[2_100]["views"] = json!(-1);
    let path = write_rows(folder.path(), "articles.ndjson", &body);
    let (success, _, output) = run_command(&app, &["import", &path, "--on-error", "abort"]).await;
    assert!(!success && output.contains("2000 created"), "{output}");
    let mark: Value = serde_json::from_slice(&fs::read(format!("{path}.resume.json")).unwrap()).unwrap();
    assert_eq!(mark["rows"], 2_000);
    let (success, _, output) = run_command(&app, &["import", &path, "--resume"]).await;
    assert!(!success && output.contains("500 rows") && output.contains("499 created"), "{output}");
    assert_eq!(count_articles(&editor).await, 2_499);
    assert!(!Path::new(&format!("{path}.resume.json")).exists());
}

#[actix_web::test]
async fn the_error_of_the_server_is_shown() {
    let (app, _) = start_app().await;
    let folder = tempfile::tempdir().unwrap();
    let path = write_rows(folder.path(), "articles.ndjson", &make_rows(1));
    let (success, _, output) =
        run_command(&app, &["import", &path, "--url", &app.url, "--key", "ink_wrong"]).await;
    assert!(!success && output.contains("401"), "{output}");
    let (success, _, output) = run_command(&app, &["import", "/nowhere.ndjson"]).await;
    assert!(!success && output.contains("/nowhere.ndjson"), "{output}");
}

#[actix_web::test]
async fn a_saved_page_becomes_a_filtered_article_in_its_category() {
    let (app, editor) = start_app().await;
    let folder = tempfile::tempdir().unwrap();
    let page = "計量網(wǎng)首頁\n您當前的位置: 首頁 > 新聞 > 地方動態(tài)\n\n某省推進(jìn)“兩提高”行動\n\n\
        發(fā)布時間:2019-09-20 作者: 來源: 瀏覽:2600\n\n近3年來,舉辦培訓(xùn)班240多期,培訓(xùn)1.1萬名,各市(縣)參加。\n\n\
        抽查企業(yè)2824戶次,貨值9484.4萬元,形成“1+N”體系(試行)。\n\n分享到:\n會員注冊\n";
    fs::write(folder.path().join("page.txt"), page).unwrap();
    let path = folder.path().to_str().unwrap();
    let flags = "--from html --status published --create-categories --clean pinyin_glosses,simplified";
    let flags: Vec<&str> = flags.split(' ').collect();
    let (success, output, errors) = run_command(&app, &[&["import", path], &flags[..]].concat()).await;
    assert!(
        success && output.contains("1 created") && output.contains("2 categories created"),
        "{output}{errors}"
    );
    let list = editor.get("/api/v1/articles?fields=title,body,published_at,category,views");
    let article = list.await.data(200)[0].clone();
    assert_eq!(article["title"], "某省推进“两提高”行动");
    assert_eq!(crate::harness::column(&article["category"]["path"], "name"), ["新闻", "地方动态"]);
    assert_eq!((&article["published_at"], &article["views"]), (&json!("2019-09-19T16:00:00Z"), &json!(2600)));
    let body = article["body"].as_str().unwrap();
    for part in ["240多期", "1.1万名", "市(县)", "2824户次", "9484.4万元", "“1+N”体系(试行)", "企业"]
    {
        assert!(body.contains(part), "{part} is not in {body}");
    }
    assert!(!body.contains("会员") && !body.contains('ì'), "{body}");
}

#[actix_web::test]
async fn the_exports_of_other_systems_are_read() {
    let (app, editor) = start_app().await;
    let folder = tempfile::tempdir().unwrap();
    let wordpress = r#"<?xml version="1.0" encoding="UTF-8"?>
        <rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:wp="http://wordpress.org/export/1.2/">
        <channel><wp:category><wp:category_nicename>news</wp:category_nicename><wp:category_parent></wp:category_parent><wp:cat_name><![CDATA[News]]></wp:cat_name></wp:category>
        <item><title>From WordPress</title><dc:creator>ada</dc:creator><content:encoded><![CDATA[<p>Moved.</p>]]></content:encoded>
        <wp:post_id>7</wp:post_id><wp:post_date_gmt>2020-01-02 03:04:05</wp:post_date_gmt><wp:post_name>from-wordpress</wp:post_name>
        <wp:status>publish</wp:status><wp:post_type>post</wp:post_type><category domain="category" nicename="news"><![CDATA[News]]></category></item>
        </channel></rss>"#;
    let ghost = json!({"db": [{"data": {"posts": [{"id": "9", "title": "From Ghost", "slug": "from-ghost",
        "html": "<p>Moved too.</p>", "status": "published", "type": "post", "visibility": "public",
        "published_at": "2021-01-02T03:04:05.000Z"}], "tags": [], "posts_tags": [], "users": [], "posts_authors": []}}]});
    for (system, text) in [("wordpress", wordpress.to_owned()), ("ghost", ghost.to_string())] {
        let path = folder.path().join(system);
        fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap();
        let arguments = ["import", path, "--from", system, "--create-categories"];
        let (success, output, errors) = run_command(&app, &arguments).await;
        assert!(success && output.contains("1 created"), "{output}{errors}");
        assert!(run_command(&app, &arguments).await.1.contains("1 unchanged"));
    }
    let moved = editor.get("/api/v1/articles/from-wordpress").await.data(200);
    assert_eq!(
        (&moved["category"]["slug"], &moved["published_at"]),
        (&json!("news"), &json!("2020-01-02T03:04:05Z"))
    );
    assert_eq!(editor.get("/api/v1/articles/from-ghost").await.data(200)["external_id"], "ghost:9");
}

/// Answers one request for the site on the first connection that `listener` gets, and returns what else comes over it.
fn answer_site(listener: &TcpListener) -> Vec<u8> {
    let (mut connection, _) = listener.accept().unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte).unwrap();
        request.extend(byte);
    }
    let site = r#"{"data":{"timezone":"Asia/Shanghai"}}"#;
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        site.len()
    );
    connection.write_all((head + site).as_bytes()).unwrap();
    let mut more = Vec::new();
    connection.read_to_end(&mut more).unwrap();
    more
}

#[actix_web::test]
async fn rows_come_over_a_connection_that_has_not_waited_for_the_reading_of_the_file() {
    let (app, _) = start_app().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let page = write_file(
        folder.path(),
        "a.html",
        "<title>Tides</title><p>High water at noon, low water at six.</p>",
    );
    let server = std::thread::spawn(move || {
        let more = answer_site(&listener);
        // The rows are refused by closing their connection.
        drop(listener.accept().unwrap());
        more
    });
    let (success, ..) =
        run_command(&app, &["import", &page, "--from", "html", "--url", &url, "--key", "ink_x"]).await;
    assert!(!success);
    assert_eq!(String::from_utf8(server.join().unwrap()).unwrap(), "");
}
