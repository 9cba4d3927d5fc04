//! Renders the documents of Ghost's editor since version 5: Lexical.

use html_escape::encode_text;
use serde_json::Value;

use super::cards::{Rendered, link, wrap};

/// The bits of a text's format, and their elements.
const FORMATS: [(u64, &str); 8] =
    [(1, "strong"), (2, "em"), (4, "s"), (8, "u"), (16, "code"), (32, "sub"), (64, "sup"), (128, "mark")];

/// Renders a document. Fails if it is none.
pub fn render(document: &str) -> Result<Rendered, String> {
    let document: Value = serde_json::from_str(document).map_err(|error| error.to_string())?;
    let blocks = document["root"]["children"].as_array().ok_or("it has no root")?;
    let mut rendered = Rendered::default();
    blocks.iter().for_each(|block| render_block(block, &mut rendered));
    Ok(rendered)
}

fn kind(node: &Value) -> &str {
    node["type"].as_str().unwrap_or_default()
}

fn children(node: &Value) -> impl Iterator<Item = &Value> {
    node["children"].as_array().into_iter().flatten()
}

fn render_block(node: &Value, rendered: &mut Rendered) {
    let tag = |default: &'static str, allowed: &[&'static str]| {
        let tag = node["tag"].as_str().and_then(|tag| allowed.iter().find(|known| **known == tag));
        tag.copied().unwrap_or(default)
    };
    let element = match kind(node) {
        "paragraph" => "p",
        "heading" | "extended-heading" => tag("h2", &["h1", "h2", "h3", "h4", "h5", "h6"]),
        "quote" | "extended-quote" | "aside" => "blockquote",
        "list" => tag(if node["listType"] == "number" { "ol" } else { "ul" }, &["ul", "ol"]),
        "table" | "tablerow" | "tablecell" => {
            let name = match kind(node) {
                "table" => "table",
                "tablerow" => "tr",
                _ => "td",
            };
            return wrap_blocks(name, node, rendered);
        }
        "root" => return children(node).for_each(|child| render_block(child, rendered)),
        name if node["children"].is_array() && is_inline(name) => "p",
        name if node["children"].is_array() => {
            rendered.unknown.insert(name.to_owned());
            return children(node).for_each(|child| render_block(child, rendered));
        }
        name if is_inline(name) => {
            let html = render_inline(node, rendered);
            return rendered.html.push_str(&wrap("p", &html));
        }
        name => return rendered.add_card(name, node),
    };
    let html = if element == "ul" || element == "ol" {
        render_items(node, rendered)
    } else {
        children(node).map(|child| render_inline(child, rendered)).collect()
    };
    rendered.html.push_str(&wrap(element, &html));
    rendered.html.push('\n');
}

fn wrap_blocks(tag: &str, node: &Value, rendered: &mut Rendered) {
    rendered.html.extend(["<", tag, ">"]);
    children(node).for_each(|child| render_block(child, rendered));
    rendered.html.extend(["</", tag, ">"]);
}

fn is_inline(name: &str) -> bool {
    matches!(
        name,
        "text"
            | "extended-text"
            | "linebreak"
            | "tab"
            | "link"
            | "autolink"
            | "at-link"
            | "zwnj"
            | "code-highlight"
    )
}

fn render_items(list: &Value, rendered: &mut Rendered) -> String {
    let items = children(list).map(|item| {
        let html: String = children(item).map(|child| render_inline(child, rendered)).collect();
        if html.trim().is_empty() { String::new() } else { format!("<li>{html}</li>") }
    });
    items.collect()
}

/// Renders a node within a block. A list in an item and other blocks are rendered where they stand.
fn render_inline(node: &Value, rendered: &mut Rendered) -> String {
    match kind(node) {
        "text" | "extended-text" | "code-highlight" => render_text(node),
        "linebreak" => "<br>".to_owned(),
        "tab" => "\t".to_owned(),
        "zwnj" => String::new(),
        "link" | "autolink" | "at-link" => {
            let html: String = children(node).map(|child| render_inline(child, rendered)).collect();
            link(node["url"].as_str().unwrap_or_default(), &html)
        }
        _ => {
            let before = std::mem::take(&mut rendered.html);
            render_block(node, rendered);
            std::mem::replace(&mut rendered.html, before)
        }
    }
}

fn render_text(node: &Value) -> String {
    let text = encode_text(node["text"].as_str().unwrap_or_default()).into_owned();
    let format = node["format"].as_u64().unwrap_or_default();
    let marked = FORMATS.iter().filter(|(bit, _)| format & bit != 0);
    marked.fold(text, |html, (_, tag)| wrap_text(tag, &html))
}

/// An element around text, also around white space.
fn wrap_text(tag: &str, html: &str) -> String {
    if html.is_empty() { String::new() } else { format!("<{tag}>{html}</{tag}>") }
}
