//! Pages like those of Chinese portals, with invented texts.

use std::path::Path;

use serde_json::{Value, json};

use super::html::read_html;
use super::page_source::PageSource;
use super::text::{MAX_PAGE_BYTES, read_text};
use super::title::SiteNames;
use crate::interchange::origins::reader_options::ReaderOptions;
use crate::interchange::origins::row_builder::RowResult;
use crate::interchange::text_filters::{self, FilterFn};

/// Reads a page at `path` in the folder `saved`, in Chinese time.
pub fn read_page(text: &str, path: &str) -> RowResult {
    let options = ReaderOptions {
        origin: Default::default(),
        timezone: chrono_tz::Asia::Shanghai,
        encoding: None,
        encoding_errors: Default::default(),
    };
    read_page_with(text, path, &options)
}

/// Reads a page with these options.
pub fn read_page_with(text: &str, path: &str, options: &ReaderOptions) -> RowResult {
    let names = SiteNames::default();
    let source = PageSource::new(path, "saved", Path::new(path), &names, options);
    if path.ends_with(".txt") { read_text(text, &source) } else { read_html(text, &source) }
}

const TEXT: &str = "衡器資訊網(wǎng) http://portal.example.org/
衡器資訊網(wǎng)——秤與尺的門戶
您當(dāng)前的位置: 首頁 > 新聞 > 地方動態(tài)

河口市推進“三查、三改”守住秤桿子公平

發(fā)布時間:2021-03-04 作者: 來源: 瀏覽:1830

河口市去年起在全市(縣)集貿(mào)市場推行“三查、三改”,兩年來檢查電子秤3120臺。

檢定員上門服務(wù)(試行),節(jié)省費用86.5萬元,培訓(xùn)2.4萬人,并著力推行“1+N”公平秤(點)。

分享到:
通知 點擊查看 點擊查看
會員注冊
找回密碼";

/// Applies both text filters, as an import does.
fn apply_filters(value: &Value) -> String {
    let filters: [FilterFn; 2] = [text_filters::strip_glosses, text_filters::fold_to_simplified];
    filters.iter().fold(value.as_str().unwrap().to_owned(), |text, filter| {
        text_filters::filter_html(&text, &mut 0, *filter).into_owned()
    })
}

fn category_names(row: &serde_json::Map<String, Value>) -> Vec<String> {
    row["category"].as_array().unwrap().iter().map(|step| apply_filters(&step["name"])).collect()
}

#[test]
fn a_copied_page_is_read_and_folds_to_simplified_text() {
    let row = read_page(TEXT, "a.txt").unwrap().row;
    assert_eq!(apply_filters(&row["title"]), "河口市推进“三查、三改”守住秤杆子公平");
    assert_eq!(category_names(&row), ["新闻", "地方动态"]);
    assert_eq!(row["published_at"], "2021-03-03T16:00:00Z");
    assert_eq!(row["views"], 1830);
    assert_eq!((row.get("author"), row.get("source_name")), (None, None));
    assert_eq!(row["body_format"], "text");
    assert_eq!(
        apply_filters(&row["body"]),
        "河口市去年起在全市(县)集贸市场推行“三查、三改”,两年来检查电子秤3120台。\n\n\
         检定员上门服务(试行),节省费用86.5万元,培训2.4万人,并着力推行“1+N”公平秤(点)。"
    );
}

#[test]
fn a_saved_page_is_read_and_folds_to_simplified_html() {
    let row = read_page(include_str!("portal.html"), "a.html").unwrap().row;
    assert_eq!(row["external_id"], "page:https://portal.example.org/news/show-31.html");
    assert_eq!(apply_filters(&row["title"]), "河口市推进“三查三改”守住秤杆子公平");
    assert_eq!(category_names(&row), ["新闻", "地方动态"]);
    assert_eq!(row["published_at"], "2021-03-03T16:00:00Z");
    assert_eq!(row["views"], 1830);
    assert_eq!((row.get("author"), row.get("source_name")), (None, None));
    assert_eq!(row["source_url"], "https://portal.example.org/news/show-31.html");
    assert_eq!(row["body_format"], "html");
    let body = apply_filters(&row["body"]);
    for kept in [
        "全市(县)集贸市场",
        "417台",
        "src=\"https://portal.example.org/img/scale.png\"",
        "(试行)",
        "“1+N”公平秤",
        "并着力培养",
    ] {
        assert!(body.contains(kept), "{kept}: {body}");
    }
    for gone in ["分享到", "公告", "会员", "浏览", "位置", "守住秤杆子", "版权", "<script", "资讯网"]
    {
        assert!(!body.contains(gone), "{gone}: {body}");
    }
}

#[test]
fn metadata_in_markup_takes_precedence_over_text() {
    let page = r#"<title>秤 - Portal</title><meta property="og:title" content="一杆秤">
        <script type="application/ld+json">{"@graph":[{"@type":"NewsArticle","datePublished":"2021-03-04T08:00:00+08:00"}]}</script>
        <p>时间：2020-01-01 作者：林　编辑：周</p><p>秤砣虽小。</p><svg><style><p>x</p></style></svg>"#;
    let row = read_page(page, "b.html").unwrap().row;
    assert_eq!(row["title"], "一杆秤");
    assert_eq!(row["published_at"], "2021-03-04T00:00:00Z");
    assert_eq!(row["author"], "林");
    assert!(row["body"].as_str().unwrap().contains("秤砣虽小"), "{row:?}");
}

#[test]
fn a_text_without_labels_is_a_title_and_paragraphs() {
    let row = read_page("\n一杆秤\n\n秤砣虽小。\n压千斤。\n\n完。\n", "c.txt").unwrap().row;
    assert_eq!(
        Value::from(row),
        json!({
            "external_id": "page:saved/c.txt", "title": "一杆秤", "body": "秤砣虽小。\n压千斤。\n\n完。", "body_format": "text",
            "status": "draft",
        })
    );
}

#[test]
fn a_page_without_text_is_refused() {
    for page in ["", " \n", "<p></p>", "<script>x</script>"] {
        assert!(read_page(page, "d.txt").is_err() || page.contains('<'), "{page}");
        assert!(read_page(page, "d.html").is_err(), "{page}");
    }
}

#[test]
fn excessive_nesting_is_refused_before_it_is_parsed() {
    let deep = [
        "<div>",
        "<svg><style><div>",
        "<select><style></select><div>",
        "<noframes><a title='</noframes><div>'>",
    ];
    for open in deep.map(|open| open.to_owned() + &"<div>".repeat(100_000)) {
        assert!(read_page(&open, "e.html").is_err());
    }
    let marks = (0..100).map(|n| format!("<b id=x{n}>")).collect::<String>() + &"<p>x".repeat(10_000);
    assert!(read_page(&marks, "e.html").is_err());
    assert!(read_page(&"<p>x</p>".repeat(100_000), "e.html").is_err());
    let attributes = (0..1000).map(|n| format!("a{n} ")).collect::<String>();
    assert!(read_page(&format!("<p {attributes}>x"), "e.html").is_err());
    assert!(read_page(&"</p>".repeat(100_000), "e.html").is_err());
    assert!(read_page(&"&".repeat(100_000), "e.html").is_err());
    assert!(read_page(&"x".repeat(MAX_PAGE_BYTES + 1), "e.html").is_err());
}

#[test]
fn a_single_label_below_the_text_is_in_the_article_or_told() {
    const PROSE: &str = "<p>省计量院今天上午发布了新的检定规程，要求各地在年底之前完成衡器的全面核查。</p>\
        <p>这项工作由三个小组分头进行，第一小组负责农贸市场，第二小组负责加油站。</p>";
    for (open, close) in [
        ("<div class=\"text\">", "</div><div class=\"by\">$</div>"),
        ("<table><tr><td>", "</td></tr><tr><td>$</td></tr></table>"),
        ("<article>", "</article><p>$</p>"),
        ("<div class=\"text\">", "</div><p class=\"zz\"><span>$</span></p>"),
    ] {
        for (head, line) in [
            ("", "作者：李白"),
            ("<p>来源：计量报　时间：2019-09-20</p>", "作者：李白"),
            ("<p>作者：杜甫　时间：2019-09-20</p>", "作者：李白"),
            ("", "来源：李白报"),
            ("", "责任编辑：李白"),
        ] {
            let page = format!("<title>新规程</title><h1>新规程</h1>{head}{open}{PROSE}{close}<div class=\"footer\">版权所有</div>")
                .replace('$', line);
            let found = read_page(&page, "s.html").unwrap();
            let row = Value::from(found.row).to_string();
            let told = format!("{:?}", found.warnings);
            assert!(row.contains("李白") || told.contains("李白"), "{head} {open} {line}: {row} {told}");
        }
    }
}
