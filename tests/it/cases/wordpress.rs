//! WordPress exports.

mod counts;

use super::*;

/// Imports a case's file into an empty site.
async fn import_case(name: &str, more: &[&str]) -> (Site, Import) {
    let site = Site::start().await;
    let import = import_text(&site, &std::fs::read_to_string(case_path(name)).unwrap(), more).await;
    (site, import)
}

/// An export with these items and this head.
fn wrap_items(head: &str, items: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><rss xmlns:content="http://purl.org/rss/1.0/modules/content/"
        xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/" xmlns:dc="http://purl.org/dc/elements/1.1/"
        xmlns:wp="http://wordpress.org/export/1.2/"><channel><link>https://news.example.org</link>{head}
        {items}</channel></rss>"#
    )
}

/// Imports an export with these items and this head.
async fn import_items(site: &Site, head: &str, items: &str, more: &[&str]) -> Import {
    import_text(site, &wrap_items(head, items), more).await
}

/// Imports an export.
async fn import_text(site: &Site, text: &str, more: &[&str]) -> Import {
    let folder = tempfile::tempdir().unwrap();
    let path = write_file(folder.path(), "export.xml", text);
    site.import(&[&["--from", "wordpress", &path, "--create-categories"], more].concat()).await
}

fn post(id: u32, title: &str, more: &str) -> String {
    format!(
        "<item><title><![CDATA[{title}]]></title><link>https://news.example.org/?p={id}</link>\
         <wp:post_id>{id}</wp:post_id><wp:post_date_gmt>2020-03-02 00:30:00</wp:post_date_gmt>\
         <wp:status>publish</wp:status><wp:post_type>post</wp:post_type>{more}</item>\n"
    )
}

fn body_of(article: &Value) -> &str {
    article["body"].as_str().unwrap()
}

#[actix_web::test]
async fn a_pre_takes_no_paragraph_away() {
    let (site, import) = import_case("25-wp-pre-loses-paragraphs.xml", &[]).await;
    assert!(import.success, "{}", import.text);
    let article = site.load_only_article().await;
    let expected = "<p>第一段。</p>\n<p>第二段，第一行<br>\n第二段，第二行</p>\n<pre>make check</pre>\n<p>第三段。</p>\n";
    assert_eq!(body_of(&article), expected);
}

#[actix_web::test]
async fn two_sites_do_not_overwrite_each_other() {
    let (site, _) = import_case("27-wp-two-sites-a.xml", &[]).await;
    let import = site.import(&["--from", "wordpress", &case_path("27-wp-two-sites-b.xml")]).await;
    assert!(import.success && import.text.contains("1 created, 0 updated"), "{}", import.text);
    let articles = site.load_articles().await;
    assert_eq!(articles.len(), 2);
    assert!(articles.iter().all(|article| article["external_id"].as_str().unwrap().ends_with(":7")));
}

#[actix_web::test]
async fn videos_and_sounds_stay_or_become_links() {
    let (site, import) = import_case("28-wp-video-only-posts.xml", &[]).await;
    assert!(import.success, "{}", import.text);
    let articles = site.load_articles().await;
    for (article, address) in articles.iter().zip([
        "https://player.example/x",
        "https://media.example/a.mp4",
        "https://media.example/a.mp3",
    ]) {
        assert!(body_of(article).contains(address), "{article}");
    }
    assert!(import.text.contains("links"), "{}", import.text);
}

#[actix_web::test]
async fn a_picture_within_the_text_is_told() {
    let (site, import) = import_case("29-wp-data-image.xml", &[]).await;
    assert!(body_of(&site.load_only_article().await).contains("图："));
    assert!(import.text.contains("src"), "{}", import.text);
}

#[actix_web::test]
async fn the_featured_image_is_the_cover() {
    let (site, import) = import_case("30-wp-featured-image.xml", &[]).await;
    assert!(import.success, "{}", import.text);
    let article = site.load_only_article().await;
    assert_eq!(article["cover_url"], "https://news.example.org/wp-content/uploads/c.jpg");
}

#[actix_web::test]
async fn captions_and_embeds_are_written_as_html_and_the_teaser_is_the_summary() {
    let (site, import) = import_case("31-wp-caption-gallery-more.xml", &[]).await;
    assert!(import.success, "{}", import.text);
    let article = site.load_only_article().await;
    let expected = "<p>导语。</p>\n<figure><img src=\"https://img.example/a.png\" alt=\"\"><figcaption>图注文字</figcaption></figure>\n\
        <p><a href=\"https://video.example/watch?v=1\" rel=\"noopener noreferrer\">https://video.example/watch?v=1</a></p>\n\
        <p><a href=\"https://video.example/watch?v=2\" rel=\"noopener noreferrer\">https://video.example/watch?v=2</a></p>\n";
    assert_eq!((body_of(&article), &article["summary"]), (expected, &"导语。".into()));
}

#[actix_web::test]
async fn tags_of_the_first_format_are_read() {
    let (site, _) = import_case("32-wp-wxr10-tags.xml", &[]).await;
    let article = site.load_only_article().await;
    assert_eq!(article["tags"], serde_json::json!(["计量"]));
    assert_eq!(category_path(&article), "新闻");
}

#[actix_web::test]
async fn other_types_are_imported_on_request() {
    let (site, import) =
        import_case("33-wp-nothing-said-of-what-is-passed-over.xml", &["--types", "post,page,news"]).await;
    assert!(import.success, "{}", import.text);
    let titles: Vec<_> =
        site.load_articles().await.iter().map(|article| article["title"].to_string()).collect();
    assert_eq!(titles, ["\"关于我们\"", "\"自定义类型的新闻\"", "\"帖子\""]);
}

#[actix_web::test]
async fn an_empty_title_is_made_from_the_text() {
    let (site, import) = import_case("38-wp-empty-title.xml", &[]).await;
    assert!(import.success, "{}", import.text);
    assert_eq!(site.load_only_article().await["title"], "没有标题的短消息。");
}

#[actix_web::test]
async fn further_categories_become_tags() {
    let (site, _) = import_case("40-wp-many-sections.xml", &[]).await;
    let article = site.load_only_article().await;
    assert_eq!(category_path(&article), "国际");
    assert_eq!(article["tags"], serde_json::json!(["财经", "头条"]));
    let (site, _) = import_case("40-wp-many-sections.xml", &["--extra-categories", "drop"]).await;
    assert_eq!(site.load_only_article().await["tags"], serde_json::json!([]));
}

#[actix_web::test]
async fn a_bad_ampersand_costs_one_post() {
    let (site, import) = import_case("42-wp-one-bad-ampersand.xml", &[]).await;
    assert!(!import.success);
    assert!(import.text.contains("8 created") && import.text.contains("1 failed"), "{}", import.text);
    let ids: Vec<_> =
        site.load_articles().await.iter().map(|article| article["external_id"].to_string()).collect();
    assert_eq!(ids.len(), 8);
    assert!(!ids.iter().any(|id| id.contains(":6")), "{ids:?}");
}

#[actix_web::test]
async fn a_link_within_the_article_finds_its_place() {
    let (site, _) = import_case("43-wp-anchors.xml", &[]).await;
    let article = site.load_only_article().await;
    assert!(body_of(&article).contains("<p id=\"user-content-n1\">注一的内容</p>"), "{article}");
    assert!(body_of(&article).contains("href=\"#user-content-n1\""), "{article}");
}

#[actix_web::test]
async fn any_prefix_of_the_namespace_will_do() {
    let (site, import) = import_case("45-wp-namespace-prefix.xml", &[]).await;
    assert!(import.success, "{}", import.text);
    assert_eq!(site.load_only_article().await["published_at"], "2020-03-02T00:30:00Z");
}

#[actix_web::test]
async fn one_broken_post_rolls_an_atomic_import_back() {
    let (site, import) = import_case("42-wp-one-bad-ampersand.xml", &["--atomic"]).await;
    assert!(!import.success);
    assert!(site.load_articles().await.is_empty());
}

#[actix_web::test]
async fn categories_of_one_name_stay_apart_under_different_parents() {
    let category = |nicename: &str, parent: &str, name: &str| {
        format!(
            "<wp:category><wp:category_nicename>{nicename}</wp:category_nicename><wp:category_parent>{parent}\
                 </wp:category_parent><wp:cat_name><![CDATA[{name}]]></wp:cat_name></wp:category>"
        )
    };
    let head = category("home", "", "国内")
        + &category("world", "", "国际")
        + &category("%e7%bb%8f", "home", "经济")
        + &category("%e7%bb%8f-2", "world", "经济");
    let within = |nicename: &str| {
        format!("<category domain=\"category\" nicename=\"{nicename}\"><![CDATA[经济]]></category>")
    };
    let items = post(1, "一", &within("%e7%bb%8f")) + &post(2, "二", &within("%e7%bb%8f-2"));
    let site = Site::start().await;
    let import = import_items(&site, &head, &items, &[]).await;
    assert!(import.success, "{}", import.text);
    let paths: Vec<_> = site.load_articles().await.iter().map(category_path).collect();
    assert_eq!(paths, ["国内/经济", "国际/经济"]);
}

#[actix_web::test]
async fn a_gallery_shows_its_pictures_with_absolute_addresses() {
    let picture = |id: u32, name: &str| {
        format!(
            "<item><title>{name}</title><excerpt:encoded><![CDATA[图注 {name}]]></excerpt:encoded>\
                 <wp:post_id>{id}</wp:post_id><wp:post_parent>1</wp:post_parent><wp:status>inherit</wp:status>\
                 <wp:post_type>attachment</wp:post_type><wp:attachment_url>https://img.example/{name}</wp:attachment_url></item>"
        )
    };
    let content = "<content:encoded><![CDATA[前\n[gallery]\n后 <img src=\"/x.png\"> <a href=\"y.html\">y</a>\n[gallery ids=\"9,77\"]]]></content:encoded>";
    let items = post(1, "图集", content) + &picture(8, "a.jpg") + &picture(9, "b.png");
    let site = Site::start().await;
    let import = import_items(&site, "", &items, &["--base-url", "https://old.example/blog/"]).await;
    assert!(import.success, "{}", import.text);
    let article = site.load_only_article().await;
    let body = body_of(&article);
    for part in [
        "src=\"https://img.example/a.jpg\"",
        "<figcaption>图注 b.png</figcaption>",
        "src=\"https://old.example/x.png\"",
        "href=\"https://old.example/blog/y.html\"",
        "<p>前</p>",
    ] {
        assert!(body.contains(part), "{part} {body}");
    }
}

#[actix_web::test]
async fn a_post_without_a_date_is_a_draft() {
    let items = "<item><title>无日期</title><wp:post_id>1</wp:post_id><wp:status>publish</wp:status>\
                 <wp:post_date_gmt>0000-00-00 00:00:00</wp:post_date_gmt></item>";
    let site = Site::start().await;
    assert!(import_items(&site, "", items, &["--status", "published"]).await.success);
    let article = site.load_only_article().await;
    assert_eq!((&article["status"], &article["published_at"]), (&"draft".into(), &Value::Null));
}

#[actix_web::test]
async fn a_reserved_slug_gets_a_suffix() {
    let (site, import) = import_case("35-wp-reserved-slug.xml", &[]).await;
    assert!(import.success && import.text.contains("2 created"), "{}", import.text);
    let slugs: Vec<_> =
        site.load_articles().await.iter().map(|article| article["slug"].to_string()).collect();
    assert!(slugs[0].starts_with("\"export-") && slugs[1].starts_with("\"me-"), "{slugs:?}");
}

#[actix_web::test]
async fn a_reserved_category_gets_another_slug() {
    let (site, import) = import_case("36-wp-reserved-section.xml", &[]).await;
    assert!(import.success, "{}", import.text);
    assert_eq!(category_path(&site.load_only_article().await), "导入");
}

#[actix_web::test]
async fn an_article_of_an_earlier_version_is_found_again() {
    let site = Site::start().await;
    let old = serde_json::json!({"external_id": "wordpress:7", "title": "旧", "source_url": "https://news.example.org/?p=7"});
    site.editor.post("/api/v1/articles", old).await.expect(201);
    let import = import_items(&site, "", &post(7, "新", ""), &[]).await;
    assert!(import.success && import.text.contains("0 created, 1 updated"), "{}", import.text);
    assert_eq!(site.load_only_article().await["external_id"], "wordpress:news.example.org:7");
}

#[actix_web::test]
async fn an_old_address_leads_to_the_article() {
    let more = "<wp:post_name>%e8%b4%a8%e9%87%8f</wp:post_name><wp:postmeta><wp:meta_key>_wp_old_slug</wp:meta_key>\
                <wp:meta_value>%e6%97%a7</wp:meta_value></wp:postmeta>";
    let site = Site::start().await;
    let import = import_items(&site, "", &post(1, "质量", more), &[]).await;
    assert!(import.success, "{}", import.text);
    assert_eq!(site.load_only_article().await["slug"], "zhi-liang");
    for old in ["%E8%B4%A8%E9%87%8F", "%e6%97%a7"] {
        // The client follows the redirect.
        let found = site.editor.get(&format!("/api/v1/articles/{old}")).await.data(200);
        assert_eq!(found["slug"], "zhi-liang", "{old}");
    }
}
