//! No sentence of an article is lost, whatever the page around it looks like.
//!
//! The pages are made here, from texts that are known. Nothing of the reader is used to make them.

use proptest::prelude::*;
use serde_json::Value;

use super::tests::read_page;

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

/// Names of the layouts, for messages.
const LAYOUTS: [&str; 22] = [
    "plain",
    "divs",
    "breaks",
    "table",
    "nested table",
    "font",
    "article",
    "split by an advert",
    "aspnet form",
    "everything in one element",
    "lead apart",
    "spans",
    "center",
    "misnamed",
    "two columns",
    "title in the text",
    "nested wrappers",
    "no heading",
    "text without elements",
    "list",
    "sections",
    "comment-like name",
];

/// The page of a layout.
fn write_page(layout: usize, title: &str, blocks: &[Block]) -> String {
    let join =
        |open: &str, close: &str| blocks.iter().map(|block| block.write(open, close)).collect::<String>();
    let paragraphs = join("<p>", "</p>");
    let heading = format!("<h1>{title}</h1>");
    let after = format!("{SHARE}{PREV}{RELATED}{COMMENTS}");
    let body = match layout {
        0 => format!("{NAV}{heading}{INFO}<div class=content>{paragraphs}</div>{after}{FOOTER}"),
        1 => format!(
            "{NAV}<div id=wrap><div class=l>{heading}{INFO}<div>{}</div>{after}</div>{SIDE}</div>{FOOTER}",
            join("<div>", "</div>")
        ),
        2 => format!(
            "{NAV}{heading}{INFO}<div class=c>{}</div>{after}{FOOTER}",
            join("&nbsp;&nbsp;", "<br><br>")
        ),
        3 => format!(
            "{NAV}<table><tr><td>{LOGIN}{SIDE}</td><td>{heading}{INFO}{paragraphs}{SHARE}</td></tr></table>{FOOTER}"
        ),
        4 => format!(
            "<table><tr><td>{NAV}</td></tr><tr><td><table><tr><td><b>{title}</b></td></tr><tr><td>{INFO}</td></tr>\
             <tr><td>{paragraphs}</td></tr><tr><td>{PREV}</td></tr></table></td></tr><tr><td>{FOOTER}</td></tr></table>"
        ),
        5 => format!(
            "{NAV}{heading}{INFO}<div><font size=3>{}</font></div>{after}{FOOTER}",
            join("<p><font>", "</font></p>")
        ),
        6 => format!(
            "<header>{NAV}</header><main><article>{heading}{INFO}{paragraphs}<footer>{SHARE}</footer></article></main><aside>{SIDE}</aside><footer>{FOOTER}</footer>"
        ),
        7 => {
            let half = blocks.len() / 2;
            let (a, b) = blocks.split_at(half);
            let write =
                |blocks: &[Block]| blocks.iter().map(|block| block.write("<p>", "</p>")).collect::<String>();
            format!(
                "{NAV}{heading}{INFO}<div class=txt>{}</div><div class=ad><a href=/x>广告</a></div><div class=txt>{}</div>{after}{FOOTER}",
                write(a),
                write(b)
            )
        }
        8 => format!(
            "<form id=aspnetForm>{NAV}<div id=page>{heading}{INFO}<div class=bd>{paragraphs}</div>{after}</div>{FOOTER}</form>"
        ),
        9 => format!("<div class=page>{NAV}{LOGIN}{heading}{INFO}{paragraphs}{after}{FOOTER}</div>"),
        10 => {
            let (first, rest) = blocks.split_first().unwrap();
            let rest = rest.iter().map(|block| block.write("<p>", "</p>")).collect::<String>();
            format!(
                "{NAV}{heading}{INFO}<div class=lead>{}</div><div class=body>{rest}</div>{after}{FOOTER}",
                first.write("", "")
            )
        }
        11 => format!("{NAV}{heading}{INFO}<div>{}</div>{after}{FOOTER}", join("<p><span>", "</span></p>")),
        12 => format!("{NAV}<center>{heading}{INFO}</center><center>{paragraphs}</center>{after}{FOOTER}"),
        13 => {
            format!("{NAV}{heading}{INFO}<div class=\"side-bar-left share\">{paragraphs}</div>{PREV}{FOOTER}")
        }
        14 => format!(
            "{NAV}<div class=row><div class=a>{LOGIN}{SIDE}</div><div class=b>{heading}{INFO}<section>{paragraphs}</section>{after}</div></div>{FOOTER}"
        ),
        15 => format!("{NAV}<div class=content>{heading}{INFO}{paragraphs}{SHARE}</div>{RELATED}{FOOTER}"),
        16 => format!(
            "{NAV}<div><div><div>{heading}</div>{INFO}<div><div>{}</div></div></div></div>{after}{FOOTER}",
            join("<div><p>", "</p></div>")
        ),
        17 => format!("{NAV}<div class=x>{INFO}<div class=y>{paragraphs}</div></div>{after}{FOOTER}"),
        18 => format!("{NAV}{heading}{INFO}{}{after}{FOOTER}", join("", "<br>\n")),
        19 => format!("{NAV}{heading}{INFO}<ol class=main>{}</ol>{after}{FOOTER}", join("<li>", "</li>")),
        20 => format!("{NAV}{heading}{INFO}{}{after}{FOOTER}", join("<section><p>", "</p></section>")),
        _ => format!("{NAV}{heading}{INFO}<div class=commentary>{paragraphs}</div>{after}{FOOTER}"),
    };
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
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(220) })]

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
            prop_assert!(body.contains(&squash(text)), "{}: {text} is not in {}", LAYOUTS[layout], found.row["body"]);
        }
        prop_assert_eq!(&found.row["published_at"], &Value::from("2019-09-24T01:10:00Z"), "{}", LAYOUTS[layout]);
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
    for (layout, name) in LAYOUTS.iter().enumerate() {
        let found = read_page(&write_page(layout, "某某省发布新规程", &blocks), "a.html").unwrap();
        let body = strip_tags(found.row["body"].as_str().unwrap());
        assert!(body.chars().count() >= known, "{name}: {body}");
        if body.chars().count() > known {
            furniture.push(format!("{name} {}: {body}", body.chars().count() - known));
        }
    }
    assert!(furniture.is_empty(), "{furniture:#?}");
}
