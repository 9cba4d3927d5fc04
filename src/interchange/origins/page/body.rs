//! Writes the article of a page as HTML: its pieces, without what is not its own.

use dom_query::NodeRef;

use super::addresses::Addresses;
use super::lines::{holds_blocks, is_inline};
use super::main_text::{MainText, Piece};
use super::media::convert_medium;
use super::roles::Role;

/// Attributes that a body can use. Others are the page's, for its looks and its scripts.
const KEPT_ATTRIBUTES: [&str; 26] = [
    "align",
    "allowfullscreen",
    "alt",
    "cite",
    "colspan",
    "controls",
    "datetime",
    "dir",
    "headers",
    "height",
    "href",
    "id",
    "kind",
    "label",
    "lang",
    "name",
    "poster",
    "reversed",
    "rowspan",
    "scope",
    "span",
    "src",
    "srclang",
    "start",
    "title",
    "width",
];

/// Takes the lines that are no text of the article out of the page, and returns the HTML of the rest.
pub fn write_body(main: &MainText, roles: &[Role], addresses: &mut Addresses) -> String {
    for (_, first, last) in &main.pieces {
        for (line, role) in main.lines.iter().zip(roles).take(*last + 1).skip(*first) {
            if *role != Role::Kept {
                line.nodes.iter().for_each(remove_node);
            }
        }
    }
    let mut html = String::new();
    for (piece, first, last) in &main.pieces {
        if !roles[*first..=*last].contains(&Role::Kept) {
            continue;
        }
        let text = match piece {
            Piece::Element(node) => write_element(node, addresses),
            Piece::Line(at) => write_line(&main.lines[*at].nodes, addresses),
        };
        html.push_str(text.trim());
        html.push('\n');
    }
    html.trim().to_owned()
}

/// Removes a node, and the elements that hold nothing without it.
fn remove_node(node: &NodeRef) {
    const KEPT_EMPTY: [&str; 8] = ["body", "td", "th", "tr", "tbody", "thead", "table", "html"];
    let mut parent = node.parent();
    node.remove_from_parent();
    while let Some(element) = parent {
        let is_blank = |child: NodeRef| {
            child.is_comment() || child.has_name("br") || child.is_text() && child.text().trim().is_empty()
        };
        if element.node_name().is_none_or(|name| KEPT_EMPTY.contains(&&*name))
            || !element.children_it(false).all(is_blank)
        {
            return;
        }
        parent = element.parent();
        element.remove_from_parent();
    }
}

fn write_element(node: &NodeRef, addresses: &mut Addresses) -> String {
    dress(node, addresses);
    let name = node.node_name().unwrap_or_default();
    match &*name {
        "tr" | "tbody" | "thead" | "tfoot" => format!("<table>{}</table>", node.html()),
        name if is_inline(name) || is_kept_whole(name) => node.html().to_string(),
        _ if holds_blocks(node) => node.inner_html().to_string(),
        _ => format!("<p>{}</p>", node.inner_html().trim()),
    }
}

/// Whether an element is written with its own tags.
fn is_kept_whole(name: &str) -> bool {
    matches!(
        name,
        "p" | "ul"
            | "ol"
            | "dl"
            | "table"
            | "figure"
            | "blockquote"
            | "pre"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "details"
    )
}

/// A line that stands between elements, as a paragraph: its texts with the inline elements around them.
fn write_line(nodes: &[NodeRef], addresses: &mut Addresses) -> String {
    let mut html = String::from("<p>");
    let mut written = None;
    for node in nodes {
        let mut outer = *node;
        while let Some(parent) =
            outer.parent().filter(|parent| parent.node_name().is_some_and(|name| is_inline(&name)))
        {
            outer = parent;
        }
        if written != Some(outer.id) {
            dress(&outer, addresses);
            html.push_str(&outer.html());
            written = Some(outer.id);
        }
    }
    html + "</p>"
}

/// Removes what is for looks and scripts only, and completes addresses.
fn dress(root: &NodeRef, addresses: &mut Addresses) {
    addresses.complete(root);
    let nodes: Vec<_> =
        std::iter::once(*root).chain(root.descendants_it()).filter(NodeRef::is_element).collect();
    for node in nodes.iter().rev() {
        let name = node.node_name().unwrap_or_default();
        if convert_medium(node, addresses) {
            continue;
        }
        if node.id != root.id && matches!(&*name, "input" | "link" | "meta" | "base") {
            node.remove_from_parent();
            continue;
        }
        node.retain_attrs(&KEPT_ATTRIBUTES);
        match &*name {
            "font" | "label" | "nobr" => node.rename("span"),
            "div" | "form" | "center" | "fieldset" | "article" | "main" | "header" | "footer" | "aside"
            | "nav"
                if node.id != root.id =>
            {
                let is_paragraph =
                    !holds_blocks(node) && !node.children_it(false).all(|child| child.has_name("img"));
                let is_in_text =
                    node.parent().is_some_and(|parent| parent.has_name("p") || parent.has_name("li"));
                node.rename(if is_paragraph && !is_in_text { "p" } else { "div" });
            }
            _ => {}
        }
    }
}
