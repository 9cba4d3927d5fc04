//! Which hit comes first: forty queries, each over two articles with words that no other query has.

use serde_json::{Value, json};

use super::{ask, publish, start, titles};

const ARTICLES: &str = "/api/v1/articles";

/// A query, the article that comes first, and the one that comes second.
#[expect(clippy::too_many_lines, reason = "a table")]
fn list_rules() -> Vec<(&'static str, Value, Value)> {
    let far = "。这里说的是另外一些不相干的话，很长很长，一句接着一句，说了很多很多别的事情，直到这一段结束";
    let article = |title: &str, body: &str| json!({"title": title, "body": format!("<p>{body}</p>")});
    let with = |mut article: Value, key: &str, value: Value| {
        article[key] = value;
        article
    };
    let plain = |title: &str| article(title, "正文");
    vec![
        // The title before the body.
        ("砝码", article("砝码送检", "无"), article("送检一则", "砝码")),
        ("天平", article("电子天平", "说明"), article("仪器说明", "天平天平天平")),
        ("压力表", article("压力表的检定周期和有关要求", "说明"), article("仪表", "压力表")),
        ("量块", article("量块", "无"), article("精密仪器", "量块的使用。量块的保养。量块的检定。")),
        ("\"水表\"", article("智能水表", "无"), article("家用仪表", "水表")),
        ("坛", article("花坛", "无"), article("园林", "坛")),
        ("telescope", article("A telescope", "x"), article("Optics", "telescope telescope")),
        ("JJG 1036", article("JJG 1036 宣贯", "无"), article("规程宣贯", "JJG 1036")),
        ("3.71亿", article("产值3.71亿", "无"), article("产值公布", "3.71亿元")),
        ("F#", article("学 F# 语言", "无"), article("学语言", "F#")),
        ("カメラ", article("カメラの検査", "x"), article("検査", "カメラ")),
        ("한글", article("한글 문서", "x"), article("문서", "한글")),
        // However old it is.
        (
            "汽油机",
            with(article("汽油机抽查", "无"), "published_at", json!("2016-01-01T00:00:00Z")),
            with(article("抽查", "汽油机"), "published_at", json!("2026-01-01T00:00:00Z")),
        ),
        // The title before a tag, a tag before the body.
        ("热量表", plain("热量表"), with(plain("供暖"), "tags", json!(["热量表"]))),
        ("燃气表", with(plain("燃料"), "tags", json!(["燃气表"])), article("燃料", "燃气表")),
        ("加油机", with(plain("油品"), "tags", json!(["加油机"])), article("油品", "说到加油机，加油机很多")),
        ("barometer", with(plain("Air"), "tags", json!(["barometer"])), article("Air", "the barometer")),
        // The author, the source and the summary before the body.
        ("欧阳明日", with(plain("专访"), "author", json!("欧阳明日")), article("专访", "欧阳明日说了话")),
        (
            "晨星日报",
            with(plain("转载"), "source_name", json!("晨星日报")),
            article("转载", "据晨星日报报道"),
        ),
        (
            "验光仪",
            with(article("眼镜", "其他"), "summary", json!("验光仪")),
            with(article("眼镜", "验光仪"), "summary", json!("其他")),
        ),
        // The spelling of the reader first.
        ("鐘錶", plain("鐘錶維修"), plain("钟表维修")),
        ("钟摆", plain("钟摆维修"), plain("鐘擺維修")),
        ("顯微鏡", article("實驗室", "顯微鏡"), article("实验室", "显微镜")),
        ("听诊器", article("医院", "听诊器"), article("醫院", "聽診器")),
        ("電壓", with(plain("設備"), "tags", json!(["電壓"])), with(plain("设备"), "tags", json!(["电压"]))),
        ("溫濕度計", plain("溫濕度計"), plain("温湿度计")),
        // Words near each other.
        (
            "蒸馏 烧瓶",
            article("化学", &format!("蒸馏用的烧瓶{far}")),
            article("化学", &format!("蒸馏{far}烧瓶")),
        ),
        (
            "离心 试管",
            article("生物", &format!("{far}离心和试管")),
            article("生物", &format!("试管{far}离心")),
        ),
        (
            "滴定 酸碱 指示",
            article("分析", &format!("酸碱滴定的指示{far}{far}")),
            article("分析", &format!("酸碱{far}滴定{far}指示")),
        ),
        (
            "granite marble",
            article("Stone", "granite and marble, then sand, then clay, then lime, then chalk, then slate"),
            article("Stone", "granite, then sand, then clay, then lime, then chalk, then slate, and marble"),
        ),
        // All words in the title before some in the body.
        ("桥梁 荷载", article("桥梁荷载", "试验"), article("桥梁试验", "荷载")),
        // Exact words before typos, before longer words, before beginnings.
        ("oscilloscope", article("Lab", "oscilloscope"), article("Lab", "oscilloscpe")),
        ("thermometer", article("Lab", "a thermometer"), plain("thermometre thermometr")),
        ("quartz", article("Lab", "quartz"), article("Lab", "quartzite")),
        // More of it, and in fewer words.
        (
            "卡尺",
            article("工具", "卡尺和卡尺，用卡尺量，卡尺"),
            article("工具", "卡尺和角尺，用直尺量，卷尺"),
        ),
        ("塞规", plain("塞规"), plain("关于进一步加强塞规以及其他各种量具使用和管理工作的若干意见")),
        ("螺纹", article("机械", "螺纹"), article("机械", &format!("螺纹{far}{far}{far}{far}{far}{far}"))),
        // Fresh before stale.
        (
            "秒表",
            with(plain("秒表"), "published_at", json!("2026-10-01T00:00:00Z")),
            with(plain("秒表"), "published_at", json!("2019-10-01T00:00:00Z")),
        ),
        (
            "转速表 校准",
            with(article("仪器", "转速表校准"), "published_at", json!("2026-10-01T00:00:00Z")),
            with(article("仪器", "转速表校准"), "published_at", json!("2024-10-01T00:00:00Z")),
        ),
        // Where it has to stand.
        (
            "tag:硬度计",
            with(plain("试验机"), "tags", json!(["硬度计"])),
            with(plain("试验机 一"), "tags", json!(["硬度计 台式"])),
        ),
    ]
}

#[actix_web::test]
async fn the_hit_that_fits_best_comes_first() {
    let (app, anon, editor) = start().await;
    let rules = list_rules();
    assert!(rules.len() >= 40, "{}", rules.len());
    let mut expected = Vec::new();
    for (q, first, second) in rules {
        let mut ids = Vec::new();
        // Where all else is equal, the newer one comes first.
        for mut article in [first, second] {
            if article["published_at"].is_null() {
                article["published_at"] = json!("2025-01-01T00:00:00Z");
            }
            ids.push(publish(&editor, article).await["id"].clone());
        }
        expected.push((q, ids));
    }
    app.index().await;
    let mut wrong = Vec::new();
    for path in [ARTICLES, "/api/v1/search"] {
        for (q, ids) in &expected {
            let found = ask(&anon, path, &[("q", q)]).await;
            let hits: Vec<Value> =
                found["data"].as_array().unwrap().iter().map(|hit| hit["id"].clone()).collect();
            if hits != *ids {
                wrong.push(format!("{path} {q}: {:?}", found["data"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[actix_web::test]
async fn a_notice_is_ranked_among_the_articles() {
    let (app, anon, editor) = start().await;
    publish(&editor, json!({"title": "仪器", "body": "<p>示波器</p>"})).await;
    let notice = json!({"kind": "notice", "title": "示波器停检", "body": "<p>x</p>", "status": "published"});
    editor.post("/api/v1/notices", notice).await.data(201);
    app.index().await;
    assert_eq!(titles(&anon, "/api/v1/search", &[("q", "示波器")]).await, ["示波器停检", "仪器"]);
}

/// A page of a portal, as its editors type it.
fn portal_page() -> Value {
    json!({
        "title": "安徽省落實「四聚焦、四提升」強力推進質量提升行動",
        "author": "通訊員",
        "body": "<p>安徽省生產領域產品質量監督抽查合格率連續14年穩步提高。</p>\
                 <p>「質量流動診所」是安徽省幫扶企業的一項舉措，三年來舉辦培訓班240多期。</p>\
                 <p>推行「雙隨機、一公開」監管，共查處各類違法案件2.29萬件。</p>"
    })
}

#[actix_web::test]
async fn a_page_of_a_portal_is_found_by_all_that_it_says() {
    let (app, anon, editor) = start().await;
    publish(&editor, portal_page()).await;
    publish(&editor, json!({"title": "別的", "body": "<p>量質，隨機，2.28万，安徽。</p>"})).await;
    app.index().await;
    let title = portal_page()["title"].clone();
    for q in [
        "質量",
        "质量",
        "安徽省",
        "质量流动诊所",
        "質量流動診所",
        "雙隨機",
        "双随机",
        "2.29万",
        "2.29萬",
        "\"2.29万件\"",
        "四聚焦、四提升",
        "连续14年",
        "240",
        "一公开 监管",
        "通讯员",
        "tag:质量 -质量x 质量",
    ] {
        let found = titles(&anon, ARTICLES, &[("q", q)]).await;
        let expected: Vec<Value> = if q.starts_with("tag:") { Vec::new() } else { vec![title.clone()] };
        assert_eq!(json!(found), json!(expected), "{q}");
    }
    for q in
        ["质量诊所", "质量提升行动安徽", "2.30万", "\"29万\" 质量 24", "行动安徽省", "提高质量", "机一公开"]
    {
        assert_eq!(titles(&anon, ARTICLES, &[("q", q)]).await, Vec::<String>::new(), "{q}");
    }
    let marked = ask(&anon, ARTICLES, &[("q", "质量 强力"), ("highlight", "true")]).await;
    let highlight = &marked["data"][0]["highlight"];
    assert_eq!(
        highlight["title"],
        "安徽省落實「四聚焦、四提升」<mark>強力</mark>推進<mark>質量</mark>提升行動"
    );
    assert!(highlight["snippets"][0].as_str().unwrap().contains("產品<mark>質量</mark>監督"), "{highlight}");
}
