//! The templates of addresses, as the site sets them.

use inkstone::operations::Role;
use serde_json::{Value, json};

use super::{NOTICES, SITE, name_site, publish};
use crate::harness::TestApp;

#[actix_web::test]
async fn a_site_without_templates_has_pages_below_its_address() {
    let (app, anon) = TestApp::start().await;
    let site = anon.get(SITE).await.data(200);
    for name in ["article_url", "category_url", "notice_url", "tag_url", "websub_hub"] {
        assert_eq!(site[name], "", "{name}");
    }
    assert_eq!(site["feed_content"], "full");
    let admin = app.db_member(Role::Admin).await;
    name_site(&admin).await;
    publish(&admin, json!({"slug": "tide"})).await;
    let feed = anon.get("/feeds/articles.json").await.json();
    assert_eq!(feed["items"][0]["url"], "https://news.example.org/articles/tide");
}

#[actix_web::test]
async fn templates_that_are_set_make_all_addresses() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    name_site(&admin).await;
    let templates = json!({
        "article_url": "https://m.example.org/{category_path}/{year}-{month}-{day}/{slug}.html",
        "category_url": "/c/{category_path}", "notice_url": "/{kind}/{slug}", "tag_url": "/?tag={tag}",
    });
    let after = admin.patch(SITE, templates.clone()).await.data(200);
    for (name, template) in templates.as_object().unwrap() {
        assert_eq!(after[name], *template);
    }
    admin.category("sea", None).await;
    admin.category("coast", Some("sea")).await;
    let tide =
        json!({"slug": "tide", "category": "coast", "tags": ["a&b"], "published_at": "2019-12-31T20:00:00Z"});
    publish(&admin, tide).await;
    let notice = json!({"kind": "announcement", "title": "n", "slug": "low-water", "summary": "Low", "status": "published"});
    admin.post(NOTICES, notice).await.expect(201);
    let read = async |path: &str| anon.get(path).await.expect(200).json();
    let category = read("/feeds/categories/coast.json").await;
    assert_eq!(category["home_page_url"], "https://news.example.org/c/sea/coast");
    // The new year has begun in Shanghai.
    assert_eq!(category["items"][0]["url"], "https://m.example.org/sea/coast/2020-01-01/tide.html");
    let tag = read("/feeds/tags/a%26b.json").await;
    assert_eq!(tag["home_page_url"], "https://news.example.org/?tag=a%26b");
    let notices = read("/feeds/notices/announcement.json").await;
    let item = &notices["items"][0];
    assert_eq!(item["url"], "https://news.example.org/announcement/low-water");
    assert_eq!(item["summary"], "Low");
    admin.patch(SITE, json!({"article_url": "", "timezone": "America/New_York"})).await.expect(200);
    let url = &read("/feeds/articles.json").await["items"][0]["url"];
    assert_eq!(*url, "https://news.example.org/articles/tide");
}

#[actix_web::test]
async fn a_template_that_makes_no_addresses_is_refused_where_it_stands() {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let before = anon.get(SITE).await.data(200);
    let long = format!("/{{slug}}/{}", "a".repeat(500));
    for (name, template, code) in [
        ("article_url", "news/{slug}", "invalid_format"),
        ("article_url", "//evil.example/{slug}", "invalid_format"),
        ("article_url", "javascript:{slug}", "invalid_format"),
        ("article_url", "ftp://a.example/{slug}", "invalid_format"),
        ("article_url", "https://u:p@a.example/{slug}", "invalid_format"),
        ("article_url", "https://{slug}.example/", "invalid_format"),
        ("article_url", "https://a.example:99999/{slug}", "invalid_format"),
        ("article_url", "/a b/{slug}", "invalid_format"),
        ("article_url", "/#/{slug}", "invalid_format"),
        ("article_url", "/{slug", "invalid_format"),
        ("article_url", "/news", "invalid_format"),
        ("article_url", "/{year}/{month}", "invalid_format"),
        ("article_url", "/{slug}/{author}", "unknown_value"),
        ("article_url", "/{Slug}", "unknown_value"),
        ("article_url", &long, "too_long"),
        ("category_url", "/{slug}/{year}", "unknown_value"),
        ("category_url", "/categories", "invalid_format"),
        ("notice_url", "/{kind}", "invalid_format"),
        ("notice_url", "/{category}/{id}", "unknown_value"),
        ("tag_url", "/{slug}", "unknown_value"),
        ("tag_url", "/tags", "invalid_format"),
        ("websub_hub", "hub.example", "invalid_format"),
        ("websub_hub", "javascript:x()", "invalid_format"),
        ("websub_hub", "https://[::1", "invalid_format"),
        ("feed_content", "all", "unknown_value"),
    ] {
        let answer = admin.patch(SITE, json!({name: template})).await.expect(422);
        assert_eq!(answer.faults(), [(format!("/{name}"), code.to_owned())], "{name} {template}");
    }
    for name in ["article_url", "category_url", "notice_url", "tag_url", "feed_content", "websub_hub"] {
        for value in [Value::Null, json!(1), json!("a\u{0}b")] {
            let answer = admin.patch(SITE, json!({name: value})).await;
            assert!([400, 422].contains(&answer.status), "{name}: {}", answer.text());
        }
    }
    assert_eq!(anon.get(SITE).await.data(200), before);
}

#[actix_web::test]
async fn the_faults_of_templates_are_told_in_words() {
    let (app, _) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    let body = json!({"article_url": "/{year}", "tag_url": "/{x}", "category_url": "/{slug"});
    for (language, words) in
        [("en", ["{id}, {slug}", "there are {tag}", "brace"]), ("zh-CN", ["{id}, {slug}", "{tag}", "花括号"])]
    {
        let request = admin.request(reqwest::Method::PATCH, SITE).header("accept-language", language);
        let errors = request.json(&body).send().await.expect(422).json()["errors"].to_string();
        assert!(words.iter().all(|word| errors.contains(word)), "{errors}");
    }
}
