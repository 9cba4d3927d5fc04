//! Tables of a page: those that hold data, and those that lay it out.

use dom_query::NodeRef;

/// Fewest rows with a label beside text that make a table one of data, whatever is in their cells.
const MIN_LABELLED_ROWS: usize = 2;

/// What a cell of a table holds.
pub struct Cell {
    /// The number of its lines.
    pub lines: usize,
    /// Whether all of them are labels.
    pub is_labels: bool,
    /// Whether one line is all it holds, and can be text of an article beside other text.
    pub is_short_text: bool,
    /// Whether it holds text by which an article is found.
    pub has_text: bool,
}

/// The cells of each row of a table. Tables in its cells are left out.
pub fn list_rows<'d>(table: &NodeRef<'d>) -> Vec<Vec<NodeRef<'d>>> {
    let is_group = |node: &NodeRef| ["tbody", "thead", "tfoot"].iter().any(|name| node.has_name(name));
    let is_cell = |node: &NodeRef| node.has_name("td") || node.has_name("th");
    let children = table.children_it(false).flat_map(|child| match is_group(&child) {
        true => child.children_it(false).collect(),
        false => vec![child],
    });
    let rows = children.filter(|row| row.has_name("tr"));
    rows.map(|row| row.children_it(false).filter(is_cell).collect()).collect()
}

/// Whether labels or short texts stand beside texts, row by row, as in a table of data.
///
/// A table that lays out a page has its labels in rows of their own, or many in one cell beside the article. So a
/// single row counts only if a short text, which can be a label, stands beside a single line.
pub fn has_labelled_rows(rows: &[Vec<Cell>]) -> bool {
    let with_text = || rows.iter().filter(|row| row.iter().any(|cell| cell.has_text));
    let is_short = |row: &&Vec<Cell>| {
        row.iter().any(|cell| cell.is_short_text) && row.iter().all(|cell| !cell.has_text || cell.lines == 1)
    };
    with_text().filter(|row| row.iter().any(|cell| cell.is_labels)).count() >= MIN_LABELLED_ROWS
        || with_text().any(|row| is_short(&row))
}
