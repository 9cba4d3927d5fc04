//! A page of a trade portal, as its editors typed it: every character comes back.

use inkstone::operations::Role;
use serde_json::{Value, json};

use super::ARTICLES;
use crate::harness::{Client, TestApp, column};

const TITLE: &str = "守住計量底線 服務民生實事——本市“誠信秤”行動走進86個農貿市場";
const SUMMARY: &str = "截至8月底,累計免費檢定電子秤1.2萬臺件,合格率達98.6%;“一秤一碼”已覆蓋九成攤位。";
const BODY: &str = "<p>\u{3000}\u{3000}“買得放心、稱得準”,是居民對菜市場最樸素的期待。今年3月以來,市計量所聯合12個街道開展“誠信秤”行動——先摸底、再檢定、後公示,分3步推進。</p>\
<p>\u{3000}\u{3000}一是“查”:抽調檢定員46名,對86個市場、5,300餘個攤位逐一登記(含流動攤點217個);二是“檢”:免費檢定電子秤1.2萬臺件,誤差超過±0.5%的一律停用;三是“亮”:推行“一秤一碼”,掃碼即可查看檢定日期與結果。</p>\
<p>\u{3000}\u{3000}“過去缺斤短兩要吵半天,現在掃一掃就清楚。”攤主老鄭說。據統計,行動開展後相關投訴由每月140件降至19件,下降86.4%。</p>\
<p><strong>下一步</strong>,該所將把範圍擴大到加油機、出租車計價器等6類器具,力爭2020年底前實現“應檢盡檢”。</p>";

struct Portal {
    _app: TestApp,
    anon: Client,
    article: Value,
}

/// An article of the portal's category for local news, as it was published that day.
fn page(title: &str, body: &str, hour: &str) -> Value {
    json!({"title": title, "body": body, "category": "local", "author": "", "source_name": "", "status": "published",
        "published_at": hour})
}

/// The portal: 首页 > 新闻 > 地方动态, three articles, a notice and an announcement.
async fn portal() -> Portal {
    let (app, anon) = TestApp::start().await;
    let admin = app.db_member(Role::Admin).await;
    for (name, slug, parent) in
        [("首页", "home", None), ("新闻", "news", Some("home")), ("地方动态", "local", Some("news"))]
    {
        let category = json!({"name": name, "slug": slug, "parent": parent});
        admin.post("/api/v1/categories", category).await.expect(201);
    }
    let older = page("“世界標準日”主題活動預告(第3號)", "<p>詳見附件。</p>", "2019-09-19T16:00:00Z");
    let newer = page("三部門部署秋季量值比對——時間、範圍與要求", "<p>共4項。</p>", "2019-09-21T01:30:00Z");
    let mut main = page(TITLE, BODY, "2019-09-20T00:00:00Z");
    main["summary"] = json!(SUMMARY);
    main["views"] = json!(2600);
    admin.post(ARTICLES, newer).await.expect(201);
    let article = admin.post(ARTICLES, main).await.data(201);
    admin.post(ARTICLES, older).await.expect(201);
    for (kind, title) in [
        ("notice", "通知:9月28日(周六)檢定大廳照常受理"),
        ("announcement", "公告〔2019〕17號——關於收費標準的說明"),
    ] {
        let notice = json!({"kind": kind, "title": title, "body": format!("<p>{title}。</p>"), "status": "published",
            "published_at": "2019-09-18T00:00:00Z"});
        admin.post("/api/v1/notices", notice).await.expect(201);
    }
    Portal { _app: app, anon, article }
}

#[actix_web::test]
async fn the_article_comes_back_character_by_character() {
    let portal = portal().await;
    for name in ["id", "slug"] {
        let path = format!("{ARTICLES}/{}", portal.article[name].as_str().unwrap());
        let read = portal.anon.get(&path).await.data(200);
        for (key, sent) in
            [("title", TITLE), ("summary", SUMMARY), ("body", BODY), ("author", ""), ("source_name", "")]
        {
            assert_eq!(read[key], sent, "{key}");
        }
        assert_eq!((&read["views"], &read["published_at"]), (&json!(2600), &json!("2019-09-20T00:00:00Z")));
    }
}

#[actix_web::test]
async fn the_breadcrumb_is_the_portals() {
    let portal = portal().await;
    let read =
        portal.anon.get(&format!("{ARTICLES}/{}", portal.article["id"].as_str().unwrap())).await.data(200);
    assert_eq!(column(&read["category"]["path"], "name"), ["首页", "新闻", "地方动态"]);
    assert_eq!(read["category"]["name"], "地方动态");
}

#[actix_web::test]
async fn the_category_lists_its_articles_newest_first() {
    let portal = portal().await;
    for category in ["home", "news", "local"] {
        let cards = portal.anon.get(&format!("{ARTICLES}?category={category}")).await.data(200);
        let wanted = ["三部門部署秋季量值比對——時間、範圍與要求", TITLE, "“世界標準日”主題活動預告(第3號)"];
        assert_eq!(column(&cards, "title"), wanted, "{category}");
        assert_eq!((&cards[1]["summary"], &cards[1]["views"]), (&json!(SUMMARY), &json!(2600)));
        assert_eq!(column(&cards[1]["category"]["path"], "name"), ["首页", "新闻", "地方动态"]);
    }
}

#[actix_web::test]
async fn the_articles_before_and_after_are_named() {
    let portal = portal().await;
    let path = format!("{ARTICLES}/{}?include=neighbors", portal.article["slug"].as_str().unwrap());
    let neighbors = portal.anon.get(&path).await.data(200)["neighbors"].clone();
    assert_eq!(neighbors["previous"]["title"], "“世界標準日”主題活動預告(第3號)");
    assert_eq!(neighbors["next"]["title"], "三部門部署秋季量值比對——時間、範圍與要求");
}

#[actix_web::test]
async fn the_notice_and_the_announcement_stand_beside_it() {
    let portal = portal().await;
    for (kind, title) in [
        ("notice", "通知:9月28日(周六)檢定大廳照常受理"),
        ("announcement", "公告〔2019〕17號——關於收費標準的說明"),
    ] {
        let listed = portal.anon.get(&format!("/api/v1/notices?kind={kind}")).await.data(200);
        assert_eq!(column(&listed, "title"), [title]);
        let read = portal
            .anon
            .get(&format!("/api/v1/notices/{}", listed[0]["id"].as_str().unwrap()))
            .await
            .data(200);
        assert_eq!(read["body"], format!("<p>{title}。</p>"));
    }
}

#[actix_web::test]
async fn the_slug_is_the_titles_pinyin() {
    let portal = portal().await;
    let slug = portal.article["slug"].as_str().unwrap();
    assert!(slug.starts_with("shou-zhu-ji-liang-di-xian-fu-wu-min-sheng-shi-shi-ben-shi-"), "{slug}");
}
