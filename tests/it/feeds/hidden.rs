//! Nothing that visitors do not see is in any file.

use inkstone::operations::Role;
use serde_json::json;

use super::{ARTICLES, FORMATS, NOTICES, publish};
use crate::harness::{Client, TestApp};

/// All files in which an article of the category `sea`, the tag `salt` and the author `Ada` could be, and notices.
async fn read_all(anon: &Client) -> String {
    let mut text = String::new();
    for name in
        ["articles", "categories/sea", "tags/salt", "authors/Ada", "notices/notice", "notices/announcement"]
    {
        for format in FORMATS {
            text += &anon.get(&format!("/feeds/{name}.{format}")).await.expect(200).text();
        }
    }
    let index = anon.get("/sitemap.xml").await.expect(200).text();
    for file in index.split("/sitemaps/").skip(1).map(|rest| rest.split('<').next().unwrap()) {
        text += &anon.get(&format!("/sitemaps/{file}")).await.expect(200).text();
    }
    text + &index + &anon.get("/sitemaps/news.xml").await.expect(200).text()
}

#[actix_web::test]
async fn drafts_and_scheduled_archived_and_deleted_things_and_those_for_members_are_in_no_file() {
    let (app, anon) = TestApp::start().await;
    let editor = app.db_member(Role::Editor).await;
    editor.category("sea", None).await;
    let article = |slug: &str| json!({"title": slug, "slug": slug, "category": "sea", "tags": ["salt"], "author": "Ada"});
    publish(&editor, article("seen")).await;
    let later = "2090-01-01T00:00:00Z";
    for (name, more) in [
        ("hidden-draft", json!({"status": "draft"})),
        ("hidden-dated-draft", json!({"status": "draft", "published_at": "2020-01-01T00:00:00Z"})),
        ("hidden-archived", json!({"status": "archived", "published_at": "2020-01-01T00:00:00Z"})),
        ("hidden-scheduled", json!({"published_at": later})),
    ] {
        let mut fields = article(name);
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        publish(&editor, fields).await;
    }
    publish(&editor, article("hidden-deleted")).await;
    editor.delete(&format!("{ARTICLES}/hidden-deleted")).await.expect(204);
    for (title, more) in [
        ("seen notice", json!({})),
        ("hidden draft", json!({"status": "draft"})),
        ("hidden for members", json!({"audience": "members"})),
        (
            "hidden expired",
            json!({"published_at": "2020-01-01T00:00:00Z", "expires_at": "2020-01-02T00:00:00Z"}),
        ),
        ("hidden until later", json!({"published_at": later})),
        ("hidden archived", json!({"status": "archived"})),
    ] {
        for kind in ["notice", "announcement"] {
            let mut notice = json!({"kind": kind, "title": title, "body": format!("<p>{title}</p>"), "status": "published"});
            notice.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            editor.post(NOTICES, notice).await.expect(201);
        }
    }
    let text = read_all(&anon).await;
    assert!(text.contains("/articles/seen") && text.contains("seen notice") && text.contains("/notices/"));
    assert!(!text.contains("hidden"), "{text}");
    let hidden = "SELECT string_agg(id::text, ' ') FROM (SELECT id FROM articles WHERE slug LIKE 'hidden%' \
                  UNION ALL SELECT id FROM notices WHERE title LIKE 'hidden%') AS hidden";
    let ids = crate::harness::machine::ask(&app.db.url, hidden).await;
    assert_eq!(ids.split(' ').count(), 15);
    assert!(ids.split(' ').all(|id| !text.contains(id)));
    assert_eq!(anon.get("/sitemaps/articles-2090-01.xml").await.status, 404);
    assert_eq!(anon.get("/sitemaps/articles-2020-01.xml").await.status, 404);
}

#[actix_web::test]
async fn a_credential_shows_no_more_and_one_that_is_not_valid_is_not_looked_at() {
    let (app, anon) = TestApp::start().await;
    let cast = app.db_cast().await;
    publish(&cast.editor, json!({"slug": "seen"})).await;
    publish(&cast.editor, json!({"slug": "draft", "status": "draft"})).await;
    let notice = json!({"kind": "notice", "title": "n", "status": "published", "audience": "members"});
    cast.editor.post(NOTICES, notice).await.expect(201);
    let stranger = Client::new(&app.url, Some("no-token".to_owned()));
    for path in ["/feeds/articles.atom", "/feeds/notices/notice.atom", "/sitemap.xml", "/sitemaps/news.xml"] {
        let open = anon.get(path).await.expect(200);
        for client in [&cast.member, &cast.editor, &cast.admin, &stranger] {
            assert_eq!(client.get(path).await.expect(200).text(), open.text(), "{path}");
        }
    }
}
