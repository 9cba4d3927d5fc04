//! The rates as bars.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Figure, is_ours};

const BAR: usize = 14;
const LABEL_WIDTH: usize = 300;
const BARS_WIDTH: f64 = 460.0;

/// A group of bars for each part and number of connections. Bars of one group have one scale.
pub fn draw(figures: &[Figure]) -> anyhow::Result<String> {
    let mut groups: BTreeMap<usize, Vec<&Figure>> = BTreeMap::new();
    for figure in figures {
        let first = figures
            .iter()
            .position(|one| one.part == figure.part && one.connections == figure.connections)
            .unwrap_or_default();
        groups.entry(first).or_default().push(figure);
    }
    let (mut bars, mut top) = (String::new(), 10);
    for group in groups.values() {
        let most = group.iter().map(|figure| figure.measured.rate).fold(1.0, f64::max);
        for (at, figure) in group.iter().enumerate() {
            let rate = figure.measured.rate;
            let color = if is_ours(&figure.contestant) { "#b3402a" } else { "#8a9099" };
            let (text_top, width) = (top + BAR - 3, BARS_WIDTH * rate / most);
            if at == 0 {
                let (name, connections) = (&figure.part, figure.connections);
                writeln!(bars, "<text x='0' y='{text_top}' font-weight='bold'>{name}, {connections}</text>")?;
            }
            writeln!(
                bars,
                "<text x='{LABEL_WIDTH}' y='{text_top}' text-anchor='end'>{}</text>\
                 <rect x='{}' y='{top}' width='{width:.0}' height='{}' fill='{color}'/>\
                 <text x='{:.0}' y='{text_top}'>{rate:.0}</text>",
                figure.contestant,
                LABEL_WIDTH + 6,
                BAR - 2,
                LABEL_WIDTH as f64 + 10.0 + width
            )?;
            top += BAR;
        }
        top += BAR / 2;
    }
    Ok(format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 840 {top}' font-family='sans-serif' font-size='10'>\n\
         <rect width='840' height='{top}' fill='#fff'/>\n{bars}</svg>\n"
    ))
}
