//! Exports of Ghost, of all its generations.

use serde_json::json;

use super::*;

/// Imports `text` as an export of Ghost.
async fn import_export(site: &Site, text: impl AsRef<[u8]>, arguments: &[&str]) -> Import {
    let folder = tempfile::tempdir().unwrap();
    let path = write_file(folder.path(), "ghost.json", text);
    site.import(&[&["--from", "ghost", &path], arguments].concat()).await
}

/// An export of these posts.
fn make_export(posts: &[Value]) -> String {
    json!({ "db": [{ "meta": { "version": "5.80.0" }, "data": { "posts": posts } }] }).to_string()
}

/// A published post, with these fields beside.
fn make_post(id: u32, fields: Value) -> Value {
    let mut post = json!({ "id": id.to_string(), "title": format!("标题{id}"), "slug": format!("post-{id}"),
        "html": "<p>正文</p>", "status": "published", "type": "post", "visibility": "public",
        "created_at": "2020-03-01T00:00:00.000Z", "published_at": "2020-03-02T00:30:00.000Z" });
    post.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    post
}

#[actix_web::test]
async fn case_47_the_placeholder_of_the_site_gives_way_to_its_address() {
    let site = Site::start().await;
    let file = case_path("47-ghost-url-placeholder.json");
    let import = site.import(&["--from", "ghost", &file]).await;
    assert!(import.success, "{}", import.text);
    let article = site.load_only_article().await;
    assert_eq!(article["body"], "<p><img src=\"/content/images/2020/a.png\"></p>");
    assert!(article["cover_url"].as_str().unwrap().ends_with(":8080/content/images/2020/c.png"), "{article}");
    assert_eq!(article["external_id"], "ghost:1");
    let site = Site::start().await;
    let import =
        site.import(&["--from", "ghost", &file, "--base-url", "https://news.example.org/blog/"]).await;
    assert!(import.success, "{}", import.text);
    let article = site.load_only_article().await;
    assert_eq!(
        article["body"],
        "<p><img src=\"https://news.example.org/blog/content/images/2020/a.png\"></p>"
    );
    assert_eq!(article["cover_url"], "https://news.example.org/blog/content/images/2020/c.png");
    assert_eq!(article["external_id"], "ghost:news.example.org:1");
    assert_eq!(article["source_url"], "https://news.example.org/blog/post-1/");
}

#[actix_web::test]
async fn case_49_spaces_in_addresses_are_encoded() {
    let site = Site::start().await;
    let import = site.import(&["--from", "ghost", &case_path("49-ghost-cover-with-space.json")]).await;
    assert!(import.success, "{}", import.text);
    let articles = site.load_articles().await;
    assert_eq!(articles[0]["cover_url"], "https://img.example/图%20片.png");
    assert_eq!(articles[1]["source_url"], "https://img.example/a%20b");
}

#[actix_web::test]
async fn case_50_bodies_of_both_editors_are_rendered() {
    let site = Site::start().await;
    let import = site.import(&["--from", "ghost", &case_path("50-ghost-bodies-of-its-own.json")]).await;
    assert!(import.success, "{}", import.text);
    for article in site.load_articles().await {
        assert_eq!(article["body"].as_str().unwrap().trim(), "<p>你好</p>");
    }
}

#[actix_web::test]
async fn case_52_a_byte_order_mark_is_no_part_of_the_export() {
    let site = Site::start().await;
    assert!(site.import(&["--from", "ghost", &case_path("52-ghost-bom.json")]).await.success);
    assert_eq!(site.load_only_article().await["title"], "标题1");
    let units =
        make_export(&[make_post(2, json!({}))]).encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    assert!(import_export(&site, [&b"\xff\xfe"[..], &units].concat(), &[]).await.success);
    assert_eq!(site.load_articles().await.len(), 2);
}

#[actix_web::test]
async fn covers_of_all_generations_are_found() {
    let site = Site::start().await;
    let export = json!({ "meta": { "version": "000" }, "data": {
        "posts": [
            make_post(1, json!({ "image": "/content/images/2015/a.jpg" })),
            make_post(2, json!({ "feature_image": "//cdn.example/b c.jpg" })),
            make_post(3, json!({ "og_image": "HTTPS://cdn.example/c.jpg" })),
            make_post(4, json!({})),
            make_post(5, json!({ "feature_image": "data:image/png;base64,AA" })),
        ],
        "posts_meta": [{ "post_id": "4", "og_image": "__GHOST_URL__/content/images/d.jpg" }],
    } });
    let import = import_export(&site, export.to_string(), &[]).await;
    assert!(import.success, "{}", import.text);
    let articles = site.load_articles().await;
    let covers: Vec<_> = articles
        .iter()
        .map(|article| article["cover_url"].as_str().unwrap_or("none"))
        .map(|cover| cover.rsplit(":8080").next().unwrap())
        .collect();
    let expected = [
        "/content/images/2015/a.jpg",
        "https://cdn.example/b%20c.jpg",
        "https://cdn.example/c.jpg",
        "/content/images/d.jpg",
        "none",
    ];
    assert_eq!(covers, expected);
}

#[actix_web::test]
async fn two_sites_with_the_same_ids_are_two_articles() {
    let site = Site::start().await;
    for host in ["a.example.org", "b.example.org"] {
        let export = json!({ "data": { "posts": [make_post(1, json!({ "slug": format!("on-{host}").replace('.', "-") }))],
            "settings": [{ "key": "url", "value": format!("https://{host}/") }] } });
        assert!(import_export(&site, export.to_string(), &[]).await.success);
    }
    let export =
        make_export(&[make_post(1, json!({ "slug": "c", "canonical_url": "https://c.example.org/c/" }))]);
    assert!(import_export(&site, &export, &[]).await.success);
    assert!(import_export(&site, export.replace("\"c\"", "\"d\""), &["--id-prefix", "old"]).await.success);
    let ids: Vec<_> =
        site.load_articles().await.iter().map(|article| article["external_id"].clone()).collect();
    assert_eq!(ids, ["ghost:a.example.org:1", "ghost:b.example.org:1", "ghost:c.example.org:1", "old:1"]);
}

#[actix_web::test]
async fn pages_are_imported_on_request_and_drafts_say_why() {
    let site = Site::start().await;
    let export = make_export(&[
        make_post(1, json!({ "type": "page" })),
        make_post(2, json!({ "page": 1 })),
        make_post(3, json!({ "status": "sent" })),
        make_post(4, json!({ "visibility": "paid" })),
    ]);
    let import = import_export(&site, &export, &["--types", "post,page"]).await;
    assert!(import.success && import.text.contains("4 created"), "{}", import.text);
    let states: Vec<_> = site.load_articles().await.iter().map(|article| article["status"].clone()).collect();
    assert_eq!(states, ["published", "published", "draft", "draft"]);
}

#[actix_web::test]
async fn one_broken_post_costs_itself_and_a_broken_file_what_comes_after() {
    let site = Site::start().await;
    let export = make_export(&[make_post(1, json!({})), make_post(2, json!({})), make_post(3, json!({}))]);
    let import = import_export(&site, export.replace("标题2", "标\\题2"), &["--errors", "/dev/stdout"]).await;
    assert!(
        import.text.contains("2 created") && import.text.contains("is not JSON in line 1, column"),
        "{}",
        import.text
    );
    let cut = export.split_at(export.find("标题3").unwrap()).0;
    let site = Site::start().await;
    let import = import_export(&site, cut, &[]).await;
    assert!(!import.success && import.text.contains("2 posts before it were read"), "{}", import.text);
    assert!(import.text.contains("line 1, column"), "{}", import.text);
    assert_eq!(site.load_articles().await.len(), 2);
}

#[actix_web::test]
async fn chinese_and_encoded_slugs_stay_findable() {
    let site = Site::start().await;
    let export = make_export(&[
        make_post(1, json!({ "slug": "%E8%B4%A8%E9%87%8F" })),
        make_post(2, json!({ "slug": "计量", "title": "计量" })),
    ]);
    let import = import_export(&site, &export, &[]).await;
    assert!(import.success, "{}", import.text);
    let articles = site.load_articles().await;
    for (article, former) in articles.iter().zip(["%E8%B4%A8%E9%87%8F", "%E8%AE%A1%E9%87%8F"]) {
        // The client follows the redirection.
        let found = site.editor.get(&format!("/api/v1/articles/{former}")).await.data(200);
        assert_eq!(found["slug"], article["slug"]);
    }
}

/// A post that is generated from a number, and what of it must be found again: paragraphs, pictures, tags and text.
fn generate_post(n: u32) -> (Value, usize, usize, usize, String) {
    let (paragraphs, pictures, tags) = (1 + n as usize % 4, n as usize % 3, n as usize % 5);
    let texts: Vec<String> = (0..paragraphs).map(|p| format!("第{n}篇第{p}段，“引文” & <号>。")).collect();
    let addresses: Vec<String> =
        (0..pictures).map(|p| format!("__GHOST_URL__/content/images/{n}-{p}.png")).collect();
    let escape = |text: &String| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let html = texts.iter().map(|text| format!("<p>{}</p>", escape(text)));
    let html =
        html.chain(addresses.iter().map(|address| format!("<figure><img src=\"{address}\"></figure>")));
    let node = |text: &String| json!({ "type": "paragraph", "children": [{ "type": "text", "text": text }] });
    let nodes: Vec<Value> = texts
        .iter()
        .map(node)
        .chain(addresses.iter().map(|src| json!({ "type": "image", "src": src })))
        .collect();
    let mut cards: Vec<Value> = addresses.iter().map(|src| json!(["image", { "src": src }])).collect();
    cards.push(json!(["hr", {}]));
    let sections = texts.iter().map(|text| json!([1, "p", [[0, [], 0, text]]]));
    let sections: Vec<Value> = sections.chain((0..pictures).map(|at| json!([10, at]))).collect();
    let body = match n % 3 {
        0 => json!({ "html": html.collect::<String>() }),
        1 => json!({ "html": null, "lexical": json!({ "root": { "children": nodes } }).to_string() }),
        _ => {
            json!({ "html": "", "mobiledoc": json!({ "version": "0.3.1", "markups": [], "atoms": [], "cards": cards,
            "sections": sections }).to_string() })
        }
    };
    let mut post = make_post(n, body);
    post["tags"] = (0..tags).map(|tag| json!({ "name": format!("标签{tag}") })).collect();
    post["published_at"] = json!(format!("2020-01-{:02}T08:00:00.000+08:00", 1 + n % 28));
    (post, paragraphs, pictures, tags, texts.concat())
}

#[actix_web::test]
async fn all_paragraphs_pictures_tags_and_dates_of_a_generated_export_are_stored() {
    let site = Site::start().await;
    let generated: Vec<_> = (1..=60).map(generate_post).collect();
    let posts: Vec<Value> = generated.iter().map(|post| post.0.clone()).collect();
    let import = import_export(&site, make_export(&posts), &["--base-url", "https://old.example"]).await;
    assert!(import.success && import.text.contains("60 created"), "{}", import.text);
    let articles = site.load_articles().await;
    for (post, paragraphs, pictures, tags, text) in generated {
        let id = format!("ghost:old.example:{}", post["id"].as_str().unwrap());
        let article = articles.iter().find(|article| article["external_id"] == *id).unwrap();
        let body = article["body"].as_str().unwrap();
        let counts =
            [body.matches("<p>").count(), body.matches("src=\"https://old.example/content/images/").count()];
        assert_eq!(
            (counts, article["tags"].as_array().unwrap().len()),
            ([paragraphs, pictures], tags),
            "{body}"
        );
        let day = post["published_at"].as_str().unwrap().split('T').next().unwrap();
        assert_eq!(article["published_at"], format!("{day}T00:00:00Z"));
        let plain = body
            .replace("</p>", "<")
            .split('<')
            .filter_map(|piece| piece.rsplit('>').next())
            .collect::<String>();
        let plain = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace('\n', "");
        assert_eq!(plain, text);
    }
}
