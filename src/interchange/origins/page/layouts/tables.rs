//! Tables with labels in an article are its text, in any layout; tables that lay out a page are not.

use proptest::prelude::*;

use super::super::tests::read_page;
use super::{LAYOUTS, any_sentence, any_short, squash, strip_tags, write_layout};
use crate::interchange::origins::tests::cases;

/// The body of a page in this layout, without tags and white space.
fn read_body(layout: usize, paragraphs: [&str; 2], table: &str) -> String {
    let (_, _, open, close) = LAYOUTS[layout];
    let [first, last] = paragraphs.map(|text| format!("{open}{text}{close}"));
    let page = write_layout(layout, "某某省发布新规程", &[first, table.to_owned(), last]);
    strip_tags(read_page(&page, "a.html").unwrap().row["body"].as_str().unwrap())
}

/// A row of a table: what begins and ends its cells, and its texts.
fn write_row((cell, texts): &(&str, Vec<String>)) -> String {
    let (name, inner) = cell.split_once(' ').unwrap_or((cell, "{}"));
    let cells = texts.iter().map(|text| format!("<{name}>{}</{name}>", inner.replace("{}", text)));
    format!("<tr>{}</tr>", cells.collect::<String>())
}

fn any_row() -> impl Strategy<Value = (&'static str, Vec<String>)> {
    let cell = prop::sample::select(vec![
        "td",
        "th",
        "td <p>{}</p>",
        "td <b>{}</b>",
        "td <div><span>{}</span></div>",
    ]);
    let texts = prop_oneof![
        (any_short(), any_sentence()).prop_map(|(short, text)| vec![short, text]),
        (any_sentence(), any_short()).prop_map(|(text, short)| vec![text, short]),
        (any_short(), any_sentence(), any_short()).prop_map(|(first, text, last)| vec![first, text, last]),
    ];
    (cell, texts)
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn no_cell_of_a_table_is_lost_in_any_layout(
        layout in 0..LAYOUTS.len(),
        rows in prop::collection::vec(any_row(), 1..4),
        has_body in any::<bool>(),
    ) {
        let written = rows.iter().map(write_row).collect::<String>();
        let table = match has_body {
            true => format!("<table><tbody>{written}</tbody></table>"),
            false => format!("<table>{written}</table>"),
        };
        let body = read_body(layout, ["会议指出，加油站全面展开。", "据了解，农贸市场全面展开。"], &table);
        for text in rows.iter().flat_map(|(_, texts)| texts) {
            prop_assert!(body.contains(&squash(text)), "{}: {text} is not in {body}", LAYOUTS[layout].0);
        }
    }
}

#[test]
fn labels_beside_sentences_of_an_article_are_its_text() {
    let long = "时间：2031年5月1日，两百余台衡器与加油站与农贸市场与主管部门与检定规程与核查工作与农贸市场全面展开第1号。";
    let short = "省计量院今天上午检定规程全面展开第0号。";
    let rows = [("td", vec!["作者：李白0", short]), ("td", vec!["来源：第三章第二节0", long])];
    let rows = rows.map(|(cell, texts)| (cell, texts.into_iter().map(str::to_owned).collect()));
    let table = format!("<table border=1>{}</table>", rows.iter().map(write_row).collect::<String>());
    for (layout, (name, ..)) in LAYOUTS.iter().enumerate() {
        let body = read_body(layout, [short, "会议指出，加油站全面展开第0号！"], &table);
        for text in rows.iter().flat_map(|(_, texts)| texts) {
            assert!(body.contains(text), "{name}: {text} is not in {body}");
        }
    }
}

#[test]
fn labels_beside_an_article_in_the_layout_of_a_page_are_not_its_text() {
    let first = "省计量院今天上午发布了新的检定规程，要求各地完成核查。";
    let last = "加油站和农贸市场的两百余台衡器已经检查完毕，结果良好。";
    let article = format!("<p>{first}</p><p>{last}</p>");
    let tables = [
        format!("<tr><td>来源：某某报<br>作者：李白<br>浏览：12</td><td>{article}</td></tr>"),
        format!("<tr><td>来源：某某报</td><td>作者：李白</td></tr><tr><td colspan=2>{article}</td></tr>"),
        format!("<tr><td>作者：李白</td><td></td></tr><tr><td>来源：某某报</td><td>{article}</td></tr>"),
        format!("<tr><td>来源：某某报 作者：李白</td><td>{first}{last}</td></tr>"),
    ];
    for table in tables {
        let title = "某某省发布新规程";
        let page = format!(
            "<html><head><title>{title}</title></head><body><h1>{title}</h1><p>2019-09-24 09:10</p>\
             <table>{table}</table></body></html>"
        );
        let row = read_page(&page, "a.html").unwrap().row;
        let body = strip_tags(row["body"].as_str().unwrap());
        assert_eq!(body, squash(&format!("{first}{last}")), "{table}");
        assert_eq!(row.get("author"), Some(&"李白".into()), "{table}");
    }
}
