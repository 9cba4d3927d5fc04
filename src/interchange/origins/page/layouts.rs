//! No sentence of an article is lost, whatever the page around it looks like.
//!
//! The pages are made here, from texts that are known. Nothing of the reader is used to make them.

use std::ops::ControlFlow;

use proptest::prelude::*;
use serde_json::Value;

use super::folder::read_pages;
use super::tests::read_page;
use crate::interchange::origins::found::Found;
use crate::interchange::origins::reader_options::ReaderOptions;
use crate::interchange::origins::tests::cases;
use crate::interchange::source_file::SourceFile;

mod tables;

/// A part of an article.
#[derive(Clone, Debug)]
enum Block {
    Paragraph(String),
    Heading(String),
    List(Vec<String>),
    Table(Vec<(String, String)>),
    Picture(String),
    Quote(String),
}

impl Block {
    /// All texts of the block.
    fn texts(&self) -> Vec<&str> {
        match self {
            Self::Paragraph(text) | Self::Heading(text) | Self::Picture(text) | Self::Quote(text) => {
                vec![text]
            }
            Self::List(items) => items.iter().map(String::as_str).collect(),
            Self::Table(rows) => rows.iter().flat_map(|(a, b)| [a.as_str(), b.as_str()]).collect(),
        }
    }

    /// The block as the paragraphs of a page, each begun and ended so.
    fn write(&self, open: &str, close: &str) -> String {
        match self {
            Self::Paragraph(text) => format!("{open}{text}{close}"),
            Self::Heading(text) => format!("<h3>{text}</h3>"),
            Self::List(items) => {
                format!(
                    "<ul>{}</ul>",
                    items.iter().map(|item| format!("<li>{item}</li>")).collect::<String>()
                )
            }
            Self::Table(rows) => {
                let rows = rows.iter().map(|(a, b)| format!("<tr><td>{a}</td><td>{b}</td></tr>"));
                format!("<table border=1>{}</table>", rows.collect::<String>())
            }
            Self::Picture(text) => {
                format!("<figure><img src=\"/a.jpg\"><figcaption>{text}</figcaption></figure>")
            }
            Self::Quote(text) => format!("<blockquote>{text}</blockquote>"),
        }
    }
}

const NAV: &str = "<div class=top><a href=/login>登录</a> <a href=/reg>注册</a></div>\
    <ul class=nav><li><a href=/>首页</a></li><li><a href=/a>新闻</a></li><li><a href=/b>通知公告</a></li></ul>";
const LOGIN: &str =
    "<form id=loginform>用户名：<input name=u> 密码：<input name=p><button>登录</button></form>";
const SHARE: &str = "<div class=\"bdsharebuttonbox\">分享到：<a href=#>微信</a> <a href=#>微博</a></div>";
const RELATED: &str = "<div class=related><h3>相关阅读</h3><ul><li><a href=/1>某某市召开专题会议研究部署重点工作</a></li>\
    <li><a href=/2>某某局开展春季检查，取得良好成效</a></li></ul></div>";
const COMMENTS: &str =
    "<div id=comments><h3>网友评论</h3><p>匿名：写得真好，支持一下，期待更多这样的报道。</p></div>";
const FOOTER: &str = "<div class=footer>版权所有 某某网 京ICP备05000000号 <a href=/about>关于我们</a></div>";
const SIDE: &str =
    "<div class=sidebar><h3>热门</h3><ul><li><a href=/3>热门文章之一的标题</a></li></ul></div>";
const INFO: &str =
    "<div class=info><span>2019-09-24 09:10</span> <span>来源：某某报</span> <span>编辑：周</span></div>";
const PREV: &str =
    "<div class=prevnext>上一篇：<a href=/p>前面的文章</a> 下一篇：<a href=/n>后面的文章</a></div>";

/// The layouts: a name, the body, and what begins and ends a paragraph. `{all}` is the article; `{first}`, `{rest}`,
/// `{half}` and `{other}` are parts of it.
const LAYOUTS: [(&str, &str, &str, &str); 22] = [
    ("plain", "{nav}{h1}{info}<div class=content>{all}</div>{after}{foot}", "<p>", "</p>"),
    (
        "divs",
        "{nav}<div id=wrap><div class=l>{h1}{info}<div>{all}</div>{after}</div>{side}</div>{foot}",
        "<div>",
        "</div>",
    ),
    ("breaks", "{nav}{h1}{info}<div class=c>{all}</div>{after}{foot}", "&nbsp;&nbsp;", "<br><br>"),
    (
        "table",
        "{nav}<table><tr><td>{login}{side}</td><td>{h1}{info}{all}{share}</td></tr></table>{foot}",
        "<p>",
        "</p>",
    ),
    (
        "nested table",
        "<table><tr><td>{nav}</td></tr><tr><td><table><tr><td><b>{title}</b></td></tr><tr><td>{info}</td></tr>\
         <tr><td>{all}</td></tr><tr><td>{prev}</td></tr></table></td></tr><tr><td>{foot}</td></tr></table>",
        "<p>",
        "</p>",
    ),
    ("font", "{nav}{h1}{info}<div><font size=3>{all}</font></div>{after}{foot}", "<p><font>", "</font></p>"),
    (
        "article",
        "<header>{nav}</header><main><article>{h1}{info}{all}<footer>{share}</footer></article></main>\
         <aside>{side}</aside><footer>{foot}</footer>",
        "<p>",
        "</p>",
    ),
    (
        "split by an advert",
        "{nav}{h1}{info}<div class=txt>{half}</div><div class=ad><a href=/x>广告</a></div><div class=txt>{other}</div>\
         {after}{foot}",
        "<p>",
        "</p>",
    ),
    (
        "aspnet form",
        "<form id=aspnetForm>{nav}<div id=page>{h1}{info}<div class=bd>{all}</div>{after}</div>{foot}</form>",
        "<p>",
        "</p>",
    ),
    ("one element", "<div class=page>{nav}{login}{h1}{info}{all}{after}{foot}</div>", "<p>", "</p>"),
    (
        "lead apart",
        "{nav}{h1}{info}<div class=lead>{first}</div><div class=body>{rest}</div>{after}{foot}",
        "<p>",
        "</p>",
    ),
    ("spans", "{nav}{h1}{info}<div>{all}</div>{after}{foot}", "<p><span>", "</span></p>"),
    ("center", "{nav}<center>{h1}{info}</center><center>{all}</center>{after}{foot}", "<p>", "</p>"),
    ("misnamed", "{nav}{h1}{info}<div class=\"side-bar-left share\">{all}</div>{prev}{foot}", "<p>", "</p>"),
    (
        "columns",
        "{nav}<div class=row><div class=a>{login}{side}</div><div class=b>{h1}{info}<section>{all}</section>{after}\
         </div></div>{foot}",
        "<p>",
        "</p>",
    ),
    ("title in it", "{nav}<div class=content>{h1}{info}{all}{share}</div>{related}{foot}", "<p>", "</p>"),
    (
        "wrappers",
        "{nav}<div><div><div>{h1}</div>{info}<div><div>{all}</div></div></div></div>{after}{foot}",
        "<div><p>",
        "</p></div>",
    ),
    ("no heading", "{nav}<div class=x>{info}<div class=y>{all}</div></div>{after}{foot}", "<p>", "</p>"),
    ("no elements", "{nav}{h1}{info}{all}{after}{foot}", "", "<br>\n"),
    ("list", "{nav}{h1}{info}<ol class=main>{all}</ol>{after}{foot}", "<li>", "</li>"),
    ("sections", "{nav}{h1}{info}{all}{after}{foot}", "<section><p>", "</p></section>"),
    ("commentary", "{nav}{h1}{info}<div class=commentary>{all}</div>{after}{foot}", "<p>", "</p>"),
];

/// The page of a layout.
fn write_page(layout: usize, title: &str, blocks: &[Block]) -> String {
    let (_, template, open, close) = LAYOUTS[layout];
    let is_lead = |at: usize| at == 0 && template.contains("{first}");
    let blocks = blocks.iter().enumerate().map(|(at, block)| match is_lead(at) {
        true => block.write("", ""),
        false => block.write(open, close),
    });
    write_layout(layout, title, &blocks.collect::<Vec<_>>())
}

/// The page of a layout, of an article whose parts are markup.
fn write_layout(layout: usize, title: &str, blocks: &[String]) -> String {
    let (_, template, ..) = LAYOUTS[layout];
    let (half, other) = blocks.split_at(blocks.len() / 2);
    let (first, rest) = blocks.split_at(1);
    let after = format!("{SHARE}{PREV}{RELATED}{COMMENTS}");
    let heading = format!("<h1>{title}</h1>");
    let parts = [
        ("{nav}", NAV),
        ("{login}", LOGIN),
        ("{share}", SHARE),
        ("{related}", RELATED),
        ("{foot}", FOOTER),
        ("{side}", SIDE),
        ("{info}", INFO),
        ("{prev}", PREV),
        ("{after}", &after),
        ("{title}", title),
        ("{h1}", &heading),
        ("{all}", &blocks.concat()),
        ("{half}", &half.concat()),
        ("{other}", &other.concat()),
        ("{first}", &first[0]),
        ("{rest}", &rest.concat()),
    ];
    let body = parts.iter().fold(template.to_owned(), |body, (name, part)| body.replace(name, part));
    format!("<!DOCTYPE html><html><head><title>{title}_某某网</title></head><body>{body}</body></html>")
}

fn any_sentence() -> impl Strategy<Value = String> {
    let beginning = prop::sample::select(vec![
        "省计量院今天上午",
        "据了解，",
        "时间：2031年5月1日，",
        "作者：李白认为，",
        "来源：第三章规定，",
        "公告第三号提出，",
        "版权归作者，但",
        "通知要求各地",
        "分享经济的发展使",
        "会议指出，",
        "第一条　",
        "热门景区",
        "（一）",
    ]);
    let middle = prop::collection::vec(
        prop::sample::select(vec![
            "检定规程",
            "农贸市场",
            "加油站",
            "两百余台衡器",
            "主管部门",
            "核查工作",
            "3.5万人",
        ]),
        1..12,
    );
    let end = prop::sample::select(vec!["。", "！", "；", "……", "？”"]);
    (beginning, middle, end, any::<u32>()).prop_map(|(beginning, middle, end, number)| {
        format!("{beginning}{}{}第{number}号{end}", middle.join("与"), "全面展开")
    })
}

fn any_short() -> impl Strategy<Value = String> {
    let words = vec![
        "时间：上午9:00",
        "地点：三楼会议室",
        "作者：李白",
        "来源：第三章第二节",
        "二、工作要求",
        "附件",
        "签发：周宁",
    ];
    (prop::sample::select(words), any::<u32>()).prop_map(|(word, number)| format!("{word}{number}"))
}

fn any_block() -> impl Strategy<Value = Block> {
    prop_oneof![
        6 => any_sentence().prop_map(Block::Paragraph),
        2 => any_short().prop_map(Block::Paragraph),
        1 => any_short().prop_map(Block::Heading),
        1 => prop::collection::vec(prop_oneof![any_sentence(), any_short()], 1..5).prop_map(Block::List),
        1 => prop::collection::vec((any_short(), any_sentence()), 1..5).prop_map(Block::Table),
        1 => any_short().prop_map(Block::Picture),
        1 => any_sentence().prop_map(Block::Quote),
    ]
}

fn squash(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// The text of HTML: what stands between its tags.
fn strip_tags(html: &str) -> String {
    let pieces = html.split('<').enumerate().map(|(at, piece)| match at {
        0 => piece,
        _ => piece.split_once('>').map_or("", |(_, text)| text),
    });
    squash(&pieces.collect::<String>().replace("&nbsp;", "").replace("&amp;", "&"))
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn no_text_of_an_article_is_lost_in_any_layout(
        layout in 0..LAYOUTS.len(),
        first in any_sentence(),
        blocks in prop::collection::vec(any_block(), 0..12),
        last in any_sentence(),
    ) {
        let mut all = vec![Block::Paragraph(first)];
        all.extend(blocks);
        all.push(Block::Paragraph(last));
        let page = write_page(layout, "某某省发布新规程", &all);
        let found = read_page(&page, "a.html").unwrap();
        let body = strip_tags(found.row["body"].as_str().unwrap());
        for text in all.iter().flat_map(Block::texts) {
            prop_assert!(body.contains(&squash(text)), "{}: {text} is not in {}", LAYOUTS[layout].0, found.row["body"]);
        }
        prop_assert_eq!(&found.row["published_at"], &Value::from("2019-09-24T01:10:00Z"), "{}", LAYOUTS[layout].0);
        prop_assert_eq!(&found.row["title"], &Value::from("某某省发布新规程"));
    }
}

/// Of a middling article, the characters of furniture that come into the body, in all layouts.
#[test]
fn little_of_what_surrounds_an_article_comes_along() {
    let text = |n: usize| {
        format!("第{n}小组负责农贸市场，检查加油站和商场里的称重设备，要求在年底之前完成全部核查工作。")
    };
    let blocks: Vec<Block> = (0..6).map(|n| Block::Paragraph(text(n))).collect();
    let known: usize = blocks.iter().flat_map(Block::texts).map(|text| squash(text).chars().count()).sum();
    let mut furniture = Vec::new();
    for (layout, (name, ..)) in LAYOUTS.iter().enumerate() {
        let found = read_page(&write_page(layout, "某某省发布新规程", &blocks), "a.html").unwrap();
        let body = strip_tags(found.row["body"].as_str().unwrap());
        assert!(body.chars().count() >= known, "{name}: {body}");
        if body.chars().count() > known {
            furniture.push(format!("{name} {}: {body}", body.chars().count() - known));
        }
    }
    assert!(furniture.is_empty(), "{furniture:#?}");
}

/// Sentences of the languages of a character set.
fn sentences_for(charset: &str) -> [&'static str; 3] {
    match charset {
        "big5" => [
            "省計量院今天上午發佈了新的檢定規程。",
            "要求各地在年底之前完成全面核查，並報送主管部門。",
            "作者：李白",
        ],
        "shift_jis" | "euc-jp" | "iso-2022-jp" => [
            "計量研究所は本日、新しい規程を発表しました。",
            "年末までにすべての計量器を検査するとしています。",
            "日時：午前九時",
        ],
        "euc-kr" => [
            "계량연구원은 오늘 새로운 규정을 발표했습니다.",
            "연말까지 모든 저울을 점검하도록 했습니다.",
            "장소: 회의실",
        ],
        "windows-1251" | "koi8-r" => [
            "Институт метрологии опубликовал новые правила.",
            "До конца года проверят все весы в стране.",
            "Место: зал заседаний",
        ],
        "windows-1252" => [
            "Das Institut veröffentlichte heute neue Regeln für Waagen.",
            "L’été prochain, tout sera vérifié à nouveau.",
            "Ort: großer Saal",
        ],
        _ => [
            "省计量院今天上午发布了新的检定规程。",
            "要求各地在年底之前完成全面核查，并报送主管部门。",
            "地点：三楼会议室",
        ],
    }
}

#[test]
fn no_text_is_lost_in_any_charset_and_layout() {
    let charsets = [
        "utf-8",
        "gbk",
        "gb18030",
        "big5",
        "shift_jis",
        "euc-jp",
        "iso-2022-jp",
        "euc-kr",
        "windows-1251",
        "koi8-r",
        "windows-1252",
    ];
    for charset in charsets {
        let encoding = encoding_rs::Encoding::for_label(charset.as_bytes()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let sentences = sentences_for(charset);
        let blocks = [sentences[0], sentences[2], sentences[1]].map(|text| Block::Paragraph(text.to_owned()));
        for layout in 0..LAYOUTS.len() {
            let page = write_page(layout, sentences[0].trim_end_matches(['。', '.']), &blocks);
            // Furniture that the character set does not have becomes references.
            std::fs::write(folder.path().join(format!("{layout:02}.html")), &encoding.encode(&page).0)
                .unwrap();
        }
        let options = ReaderOptions { encoding: Some(encoding), ..super::super::tests::options() };
        let mut layout = 0;
        let read = read_pages(&SourceFile::at(folder.path()), &options, &mut |found| {
            let Found::Row(found) = found else { panic!("{charset}: {found:?}") };
            let body = strip_tags(found.row["body"].as_str().unwrap());
            for text in blocks.iter().flat_map(Block::texts) {
                assert!(
                    body.contains(&squash(text)),
                    "{charset}, {}: {text} is not in {body}",
                    LAYOUTS[layout].0
                );
            }
            layout += 1;
            ControlFlow::Continue(())
        });
        assert!(read.is_ok() && layout == LAYOUTS.len(), "{charset}");
    }
}
