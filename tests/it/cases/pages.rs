//! Saved pages.

use std::fs;

use super::*;

const FLAGS: [&str; 5] = ["--from", "html", "--create-categories", "--status", "published"];

/// Two paragraphs of an article.
const PROSE: &str = "<p>省计量院今天上午发布了新的检定规程，要求各地在年底之前完成衡器的全面核查，并且把结果报送主管部门备案。</p>\
    <p>这项工作由三个小组分头进行，第一小组负责农贸市场，第二小组负责加油站，第三小组负责商场里的称重设备。</p>";

/// Imports a file of the cases with the flags of most of them.
async fn import_case(name: &str) -> (Site, Import) {
    let site = Site::start().await;
    let path = case_path(name);
    let import = site.import(&[&[path.as_str()], &FLAGS[..]].concat()).await;
    (site, import)
}

/// Imports one page with further flags, and returns the only article.
async fn import_page(html: &str, flags: &[&str]) -> (Value, Import) {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page.html");
    fs::write(&path, html).unwrap();
    let import = site.import(&[&[path.to_str().unwrap()], &FLAGS[..], flags].concat()).await;
    assert!(import.success, "{}", import.text);
    (site.load_only_article().await, import)
}

/// A page with this head, and this around its two paragraphs.
fn page(head: &str, before: &str, after: &str) -> String {
    format!(
        "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>新规程</title>{head}</head><body>\
         <h1>新规程</h1>{before}<div>{PROSE}{after}</div></body></html>"
    )
}

fn body(article: &Value) -> &str {
    article["body"].as_str().unwrap()
}

#[track_caller]
fn assert_parts(article: &Value, parts: &[&str]) {
    for part in parts {
        assert!(body(article).contains(part), "{part} is not in {}", body(article));
    }
}

#[actix_web::test]
async fn case_07_the_date_of_an_event_is_not_that_of_the_publication() {
    let (site, import) = import_case("07-page-event-date-as-publication.html").await;
    assert!(import.success, "{}", import.text);
    let article = site.load_only_article().await;
    assert_eq!((&article["published_at"], &article["status"]), (&Value::Null, &"draft".into()));
    assert_parts(&article, &["时间：2031年5月1日上午9:00", "地点：三楼会议室"]);
}

#[actix_web::test]
async fn case_08_lines_of_the_article_that_look_like_labels_stay() {
    let (site, import) = import_case("08-page-body-lines-that-look-like-labels.html").await;
    assert!(import.success, "{}", import.text);
    let article = site.load_only_article().await;
    assert_eq!(article["published_at"], "2019-09-24T01:10:00Z");
    let lines = [
        "一、时间：2031年5月1日上午9:00",
        "二、地点：三楼会议室",
        "作者：李白",
        "来源：第三章第二节",
        "阅读：第5页至第9页",
    ];
    assert_parts(&article, &lines);
    assert_eq!((&article["author"], &article["source_name"]), (&"".into(), &"".into()));
}

#[actix_web::test]
async fn case_11_a_text_goes_on_after_a_line_that_begins_with_notice() {
    let (site, import) = import_case("11-text-page-cut-at-notice.txt").await;
    assert!(import.success, "{}", import.text);
    let article = site.load_only_article().await;
    assert_parts(&article, &["现将有关事项公布如下。", "公告 第三号", "第一条", "第二条 各地应当执行。"]);
    assert_eq!(
        (&article["title"], &article["source_name"]),
        (&"省计量院发布新规程".into(), &"办公室".into())
    );
}

#[actix_web::test]
async fn case_12_a_date_without_a_label_beside_the_title_counts() {
    let (site, import) = import_case("12-page-date-without-label.html").await;
    assert!(import.success, "{}", import.text);
    assert_eq!(site.load_only_article().await["published_at"], "2019-09-24T01:10:00Z");
}

#[actix_web::test]
async fn case_14_a_breadcrumb_can_have_a_step_twice() {
    let (site, import) = import_case("14-page-breadcrumb-twice-the-same.html").await;
    assert!(import.success, "{}", import.text);
    assert_eq!(category_path(&site.load_only_article().await), "快讯/公司");
}

#[actix_web::test]
async fn case_15_the_name_of_the_site_is_no_part_of_the_title() {
    let (site, import) = import_case("15-page-title-with-site-name.html").await;
    assert!(import.success, "{}", import.text);
    assert_eq!(site.load_only_article().await["title"], "省计量院发布新规程");
}

#[actix_web::test]
async fn case_17_an_image_that_waits_for_a_script_has_its_address() {
    let (site, import) = import_case("17-page-lazy-image-svg-placeholder.html").await;
    assert!(import.success, "{}", import.text);
    assert_parts(&site.load_only_article().await, &["<img src=\"https://img.example/a.jpg\">"]);
}

#[actix_web::test]
async fn case_19_addresses_are_made_absolute() {
    let (site, import) = import_case("19-page-relative-images.html").await;
    assert!(import.success, "{}", import.text);
    let article = site.load_only_article().await;
    let addresses = [
        "\"https://news.example.org/upload/a.jpg\"",
        "\"https://news.example.org/2019/09/b.jpg\"",
        "\"https://news.example.org/2019/d.html\"",
    ];
    assert_parts(&article, &addresses);
    assert_eq!(article["external_id"], "page:https://news.example.org/2019/09/1.html");
}

#[actix_web::test]
async fn case_20_keywords_description_and_image_of_the_head_are_taken() {
    let (site, import) = import_case("20-page-markup-facts.html").await;
    assert!(import.success, "{}", import.text);
    let article = site.load_only_article().await;
    assert_eq!(article["tags"], serde_json::json!(["计量", "衡器"]));
    assert_eq!(
        (&article["summary"], &article["cover_url"]),
        (&"编辑写的摘要".into(), &"https://img.example/c.png".into())
    );
}

#[actix_web::test]
async fn case_21_pages_of_any_ending_are_read() {
    let (site, import) = import_case("21-folder-of-shtml").await;
    assert!(import.success, "{}", import.text);
    let articles = site.load_articles().await;
    let ids: Vec<&str> = articles.iter().map(|article| article["external_id"].as_str().unwrap()).collect();
    let names = ["a.shtml", "b.php", "c.asp", "d.html"];
    assert_eq!(ids, names.map(|name| format!("page:21-folder-of-shtml/{name}")));
}

#[cfg(target_os = "linux")]
#[actix_web::test]
async fn case_24_names_that_are_not_utf8_stay_distinct() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    for (name, letter) in [(&b"\xd6\xd0.html"[..], '甲'), (b"\xb9\xfa.html", '乙')] {
        let text = format!("{letter}篇的正文，{letter}篇的正文，{letter}篇的正文。");
        let html = format!(
            "<html><head><meta charset=utf-8><title>{letter}</title></head><body><h1>{letter}篇的标题</h1>\
             <p>发布时间：2019-09-24</p><p>{text}</p></body></html>"
        );
        fs::write(folder.path().join(OsStr::from_bytes(name)), html).unwrap();
    }
    let import = site.import(&[&[folder.path().to_str().unwrap()], &FLAGS[..]].concat()).await;
    assert!(import.success, "{}", import.text);
    let articles = site.load_articles().await;
    let titles: Vec<&str> = articles.iter().map(|article| article["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["乙篇的标题", "甲篇的标题"]);
}

#[actix_web::test]
async fn case_61_a_zone_apart_from_the_time_counts() {
    let (site, import) = import_case("61-page-date-with-zone-apart.html").await;
    assert!(import.success, "{}", import.text);
    assert_eq!(site.load_only_article().await["published_at"], "2019-09-24T01:10:00Z");
}

#[actix_web::test]
async fn the_date_is_found_wherever_a_page_has_it() {
    let heads = [
        "<meta name=\"PubDate\" content=\"2019-09-24 09:10\">",
        "<meta name=\"weibo: article:create_at\" content=\"2019-09-24 09:10:00\">",
        "<meta name=\"DC.date.issued\" content=\"2019-09-24T01:10:00Z\">",
        "<meta itemprop=\"datePublished\" content=\"2019-09-24T09:10+08:00\">",
        "<meta property=\"og:published_time\" content=\"1569287400\">",
        "<script type=\"application/ld+json\">//<![CDATA[\n{\"@graph\":[{\"@type\":\"Organization\"},{\"@type\":[\"NewsArticle\"],\
         \"datePublished\":\"2019-09-24T09:10:00 GMT+8\"}]}\n//]]></script>",
        "<script type=\"application/ld+json; charset=utf-8\">[{\"@type\":\"Event\",\"datePublished\":\"2031-01-01\"},\
         {\"@type\":\"http://schema.org/BlogPosting\",\"datePublished\":\"2019-09-24 09:10:00\"}]</script>",
    ];
    let befores = [
        "<time datetime=\"2019-09-24T09:10:00+0800\">昨天</time>",
        "<div>新华网 2019-09-24 09:10</div>",
        "<div><span>稿源：新华网</span> <span>2019年9月24日 上午9:10</span></div>",
        "<div><em>发稿时间 ：2019/9/24 9:10:00</em><em>责编：周</em></div>",
        "<p>Published: September 24, 2019 9:10 am</p>",
    ];
    let heads = heads.iter().map(|head| page(head, "", ""));
    for html in heads.chain(befores.iter().map(|before| page("", before, ""))) {
        let (article, import) = import_page(&html, &[]).await;
        let found = (article["published_at"].as_str(), article["status"].as_str());
        assert_eq!(found, (Some("2019-09-24T01:10:00Z"), Some("published")), "{html}{}", import.text);
    }
}

#[actix_web::test]
async fn the_date_in_the_address_counts_if_there_is_no_other() {
    for path in
        ["/2019/09/24/1.html", "/n1/2019/0924/c1.html", "/201909/24/1.html", "/news/t20190924_12.html"]
    {
        let html = page(&format!("<link rel=\"canonical\" href=\"https://news.example.org{path}\">"), "", "");
        let (article, _) = import_page(&html, &[]).await;
        assert_eq!(article["published_at"], "2019-09-23T16:00:00Z", "{path}");
    }
}

#[actix_web::test]
async fn a_page_without_a_date_is_a_draft_unless_told_otherwise() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page.html");
    fs::write(&path, page("", "", "<p>2031年5月1日</p>")).unwrap();
    let arguments = [&[path.to_str().unwrap()], &FLAGS[..], &["--undated", "fail"]].concat();
    let import = site.import(&arguments).await;
    let failed = fs::read_to_string(folder.path().join("page.html.failed.ndjson")).unwrap();
    assert!(!import.success && failed.contains("names no date"), "{failed}");
    let import = site.import(&[&[path.to_str().unwrap()], &FLAGS[..]].concat()).await;
    assert!(import.success, "{}", import.text);
    let article = site.load_only_article().await;
    assert_eq!((&article["status"], &article["published_at"]), (&"draft".into(), &Value::Null));
    let (article, _) = import_page(&page("", "", ""), &["--undated", "now"]).await;
    assert_eq!(article["status"], "published");
}

#[actix_web::test]
async fn images_have_the_addresses_that_a_browser_shows() {
    let after = "<p><img class=lazy src=\"/img/blank.gif\" data-original=\"a.jpg\">\
        <img src=\"data:image/gif;base64,R0lGODlhAQABAAAAACw=\" data-lazy-src=\"/up/b.jpg\"><noscript><img src=\"/up/b.jpg\"></noscript>\
        <img srcset=\"/up/c-300.jpg 300w, /up/c-900.jpg 900w\"><img src=\"../d.jpg\" loading=lazy>\
        <img src=\"loading.gif\"><noscript><img src=\"//cdn.example.org/e.jpg\"></noscript>\
        <picture><source srcset=\"/up/f.webp 2x\"><img alt=图></picture></p>";
    let head = "<base href=\"https://img.example.org/n/m/\">";
    let (article, import) = import_page(&page(head, "", after), &[]).await;
    for (address, count) in [
        ("https://img.example.org/n/m/a.jpg", 1),
        ("https://img.example.org/up/b.jpg", 1),
        ("https://img.example.org/up/c-900.jpg", 1),
        ("https://img.example.org/n/d.jpg", 1),
        ("https://cdn.example.org/e.jpg", 1),
        ("https://img.example.org/up/f.webp", 1),
    ] {
        let found = body(&article).matches(&format!("src=\"{address}\"")).count();
        assert_eq!(found, count, "{address}: {} {}", body(&article), import.text);
    }
    assert!(!body(&article).contains("loading.gif"), "{}", body(&article));
}

#[actix_web::test]
async fn the_base_url_completes_addresses_of_pages_without_their_own() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("2019")).unwrap();
    fs::write(folder.path().join("2019/a.html"), page("", "", "<p><img src=\"b.jpg\"></p>")).unwrap();
    let path = folder.path().to_str().unwrap();
    let flags = ["--base-url", "https://news.example.org/old", "--id-prefix", "old"];
    let import = site.import(&[&[path], &FLAGS[..], &flags].concat()).await;
    assert!(import.success, "{}", import.text);
    let article = site.load_only_article().await;
    assert_parts(&article, &["src=\"https://news.example.org/old/2019/b.jpg\""]);
    assert_eq!(article["external_id"], "old:2019/a.html");
    assert_eq!(article["source_url"], "https://news.example.org/old/2019/a.html");
}

#[actix_web::test]
async fn two_folders_never_overwrite_each_other_and_a_repeated_address_is_told() {
    let site = Site::start().await;
    let root = tempfile::tempdir().unwrap();
    let canonical = "<link rel=\"canonical\" href=\"https://news.example.org/all.html\">";
    for (folder, head, letter) in
        [("one", "", "甲"), ("two", "", "乙"), ("two/c", canonical, "丙"), ("two/d", canonical, "丁")]
    {
        fs::create_dir(root.path().join(folder)).unwrap();
        let html = page(head, &format!("<p>发布时间：2019-09-24</p><p>{letter}篇</p>"), "");
        fs::write(root.path().join(folder).join("a.html"), html).unwrap();
    }
    for folder in ["one", "two"] {
        let path = root.path().join(folder);
        let import = site.import(&[&[path.to_str().unwrap()], &FLAGS[..]].concat()).await;
        assert!(import.success, "{}", import.text);
    }
    let articles = site.load_articles().await;
    let ids: Vec<&str> = articles.iter().map(|article| article["external_id"].as_str().unwrap()).collect();
    let expected =
        ["page:https://news.example.org/all.html", "page:one/a.html", "page:two/a.html", "page:two/d/a.html"];
    assert_eq!(ids, expected);
    for (article, letter) in articles.iter().zip(["丙", "甲", "乙", "丁"]) {
        assert_parts(article, &[letter]);
    }
}

#[actix_web::test]
async fn files_beside_a_saved_page_are_no_pages() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("新规程_files")).unwrap();
    for name in ["新规程.html", "新规程_files/frame.html", "新规程_files/a.css", "4711", "style.css"]
    {
        fs::write(folder.path().join(name), page("", "<p>发布时间：2019-09-24</p>", "")).unwrap();
    }
    let import = site.import(&[&[folder.path().to_str().unwrap()], &FLAGS[..]].concat()).await;
    assert!(import.success, "{}", import.text);
    assert_eq!(site.load_articles().await.len(), 2, "{}", import.text);
}

#[actix_web::test]
async fn the_name_of_the_site_is_learned_from_the_other_pages() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    for (name, title) in [("a", "甲-乙之争－说东道西"), ("b", "丙篇 - 说东道西"), ("c", "丁篇—说东道西")]
    {
        let html =
            format!("<title>{title}</title><p>发布时间：2019-09-24 来源：计量报</p><div>{PROSE}</div>");
        fs::write(folder.path().join(format!("{name}.html")), html).unwrap();
    }
    let import = site.import(&[&[folder.path().to_str().unwrap()], &FLAGS[..]].concat()).await;
    assert!(import.success, "{}", import.text);
    let articles = site.load_articles().await;
    let titles: Vec<&str> = articles.iter().map(|article| article["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["甲-乙之争", "丙篇", "丁篇"]);
}
