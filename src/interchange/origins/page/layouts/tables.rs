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
