//! What an address of another site has become.

use diesel_async::RunQueryDsl;
use inkstone::articles::queries::addresses::{Address, exact_statement};
use inkstone::db::visibility::Articles;
use inkstone::operations::Role;
use serde_json::json;

use super::*;
use crate::cache::{fill, list_forgotten};

const BY_URL: &str = "/api/v1/articles/by-url";

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The title of the article that an address leads to; `-` for none.
async fn found(client: &Client, parameter: &str, address: &str) -> String {
    let answer = client.get(&format!("{BY_URL}?{parameter}={}&fields=title", encode(address))).await;
    match answer.status {
        404 => "-".to_owned(),
        _ => answer.data(200)["title"].as_str().unwrap().to_owned(),
    }
}

async fn sourced(editor: &Client, title: &str, source: &str) -> Value {
    let keys =
        json!({"title": title, "slug": format!("slug-{}", title.to_lowercase()), "source_url": source});
    create(editor, keys).await
}

#[actix_web::test]
async fn an_old_address_leads_to_its_article_however_it_is_spelled() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    for (title, source) in [
        ("Page", "https://www.old.example/news/2019/09/123.html"),
        ("Script", "http://old.example:8080/view.php?id=123&lang=zh"),
        ("Other", "http://old.example:8080/view.php?id=124&lang=zh"),
        ("Han", "http://old.example/%e8%b4%a8%E9%87%8F/index.htm"),
        ("Gbk", "http://old.example/%D6%CA%C1%BF.html"),
        ("Plus", "http://old.example/a+b?q=c+d"),
        ("Slash", "https://old.example/archives/77/"),
        ("Only", "https://old.example/show.asp?aid=9"),
        ("Home", "https://home.example/"),
        ("Press", "https://wp.example/?p=55"),
        ("Percent", "https://old.example/100%/x%zz"),
    ] {
        sourced(&editor, title, source).await;
    }
    for (path, title) in [
        ("/news/2019/09/123.html", "Page"),
        ("news/2019/09/123.html", "Page"),
        ("/news/2019/09/123.html/", "Page"),
        ("/news/2019/09/123.html#top", "Page"),
        ("/%6Eews/2019/09/123.html", "Page"),
        ("/news/2019/09/123.html?from=timeline", "Page"),
        ("/News/2019/09/123.html", "-"),
        ("/2019/09/123.html", "-"),
        ("/view.php?id=123&lang=zh", "Script"),
        ("/view.php?lang=zh&id=123", "Script"),
        ("/view.php?lang=zh&id=%31%32%33", "Script"),
        ("/view.php?id=125&lang=zh", "-"),
        ("/view.php?id=123", "-"),
        ("/view.php", "-"),
        ("/show.asp", "Only"),
        ("/质量/index.htm", "Han"),
        ("/%E8%B4%A8%E9%87%8F/index.htm", "Han"),
        ("/%d6%ca%c1%bf.html", "Gbk"),
        ("/a+b?q=c+d", "Plus"),
        ("/a%2Bb?q=c%20d", "Plus"),
        ("/a b?q=c d", "-"),
        ("/archives/77", "Slash"),
        ("/", "-"),
        ("/?p=55", "Press"),
        ("/?p=56", "-"),
        ("/100%/x%zz", "Percent"),
        ("https://any.example/archives/77", "Slash"),
    ] {
        assert_eq!(found(&anon, "path", path).await, title, "{path}");
    }
    for (url, title) in [
        ("https://www.old.example/news/2019/09/123.html", "Page"),
        ("http://OLD.example:80/news/2019/09/123.html", "Page"),
        ("http://old.example/view.php?id=124&lang=zh", "Other"),
        ("http://new.example/news/2019/09/123.html", "-"),
        ("https://old.example", "-"),
    ] {
        assert_eq!(found(&anon, "url", url).await, title, "{url}");
    }
    let whole = anon.get(&format!("{BY_URL}?path=/archives/77&include=neighbors")).await.data(200);
    assert_eq!(whole, anon.get("/api/v1/articles/slug-slash?include=neighbors").await.data(200));
}

#[actix_web::test]
async fn an_old_address_without_a_source_leads_by_its_last_part() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    create(&editor, json!({"title": "A", "slug": "present", "former_slugs": ["质量", "Old_Post.html"]}))
        .await;
    for path in [
        "/2019/09/present/",
        "/2019/present.html",
        "/blog/质量",
        "/blog/%E8%B4%A8%E9%87%8F.aspx?x=1",
        "/Old_Post.html",
        "https://x.example/blog/present",
    ] {
        assert_eq!(found(&anon, "path", path).await, "A", "{path}");
    }
    assert_eq!(found(&anon, "url", "https://x.example/blog/present").await, "A");
    for path in ["/presen", "/present/more", "/old_post.html", "/..", "/%00", "/%FF", "/%2F"] {
        let answer = anon.get(&format!("{BY_URL}?path={path}")).await;
        assert!([400, 404].contains(&answer.status), "{path}: {}", answer.text());
    }
}

#[actix_web::test]
async fn of_several_the_newest_that_may_be_seen_is_found() {
    let (app, anon) = TestApp::start().await;
    let cast = app.db_cast().await;
    let source = "https://old.example/1.html";
    let keys = |title: &str, at: &str| json!({"title": title, "source_url": source, "published_at": at});
    let old = create(&cast.editor, keys("Old", "2001-01-01T00:00:00Z")).await;
    let path = format!("{BY_URL}?path=/1.html");
    fill(&app, &anon, &[&path]).await;
    create(&cast.editor, keys("New", "2002-01-01T00:00:00Z")).await;
    assert_eq!(list_forgotten(&app, &anon, &[&path]).await, [path.as_str()]);
    create(&cast.editor, keys("Later", "2999-01-01T00:00:00Z")).await;
    let mut draft = keys("Draft", "2003-01-01T00:00:00Z");
    draft["status"] = json!("draft");
    create(&cast.editor, draft).await;
    for client in [&anon, &cast.member, &cast.author] {
        assert_eq!(found(client, "path", "/1.html").await, "New");
    }
    assert_eq!(found(&cast.editor, "path", "/1.html").await, "Later");
    app.db_execute("UPDATE articles SET status = 'draft' WHERE title = 'New'").await;
    assert_eq!(found(&anon, "path", "/1.html").await, "Old");
    fill(&app, &anon, &[&path]).await;
    cast.editor.patch(&at(&old), json!({"source_url": "https://old.example/2.html"})).await.expect(200);
    assert_eq!(found(&anon, "path", "/1.html").await, "-");
    cast.editor.delete(&at(&old)).await.expect(204);
    assert_eq!(found(&anon, "path", "/2.html").await, "-");
}

#[actix_web::test]
async fn an_address_is_needed_and_one_only() {
    let (_app, anon) = TestApp::start().await;
    let long = format!("path=/{}", "a".repeat(2000));
    for (query, parameter) in [
        ("", "path"),
        ("path=/a&url=https://a.example/a", "path"),
        ("path=", "path"),
        ("url=ftp://a.example/a", "url"),
        ("url=/a", "url"),
        (&long, "path"),
    ] {
        let answer = anon.get(&format!("{BY_URL}?{query}")).await;
        assert_eq!(answer.faults(), [(parameter.to_owned(), "invalid_parameter".to_owned())], "{query}");
    }
}

#[actix_web::test]
async fn addresses_of_any_length_are_kept_and_found_by_an_index() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    let long = format!("/{}", "长".repeat(1_900));
    sourced(&editor, "Long", &format!("https://old.example{long}")).await;
    sourced(&editor, "Longer", &format!("https://old.example{long}x")).await;
    assert_eq!(found(&anon, "path", &long).await, "Long");
    db_rows(&app, 5_000, A_MINUTE_APART).await;
    app.db_execute(
        "UPDATE articles SET source_url = 'https://old.example/show.php?id=' || slug WHERE slug LIKE 'row-%'",
    )
    .await;
    assert_eq!(found(&anon, "path", "/show.php?id=row-77").await, "row 00077");
    assert_eq!(found(&anon, "path", "/show.php").await, "-");
}

#[actix_web::test]
async fn the_newest_of_many_with_one_address_is_found_without_reading_them() {
    let (app, anon) = TestApp::start().await;
    db_rows(&app, 5_000, A_MINUTE_APART).await;
    app.db_execute("UPDATE articles SET source_url = 'https://old.example/same.html'").await;
    app.db_execute("VACUUM (ANALYZE) articles").await;
    assert_eq!(found(&anon, "path", "/same.html").await, "row 00001");
    #[derive(diesel::QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Json, column_name = "QUERY PLAN")]
        plan: Value,
    }
    let conn = app.shared.app.long_reader().await.unwrap();
    let address = Address { text: "/same.html".to_owned(), is_of_any_host: true };
    let (conditions, text) = exact_statement(&address, Articles::Public);
    let text = format!("EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT JSON) {text}");
    let line: Line = conditions.statement(text).get_result(&mut &*conn).await.unwrap();
    let scan = &line.plan[0]["Plan"]["Plans"][0];
    assert_eq!(scan["Index Name"], "articles_address_idx", "{scan}");
    assert_eq!(scan["Actual Rows"].as_f64(), Some(1.0), "{scan}");
}
