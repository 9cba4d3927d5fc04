//! Frames, films, sounds and plug-ins of a page: what shows in a body stays, the address of all else is told.

use dom_query::NodeRef;

use super::addresses::{Addresses, find_lazy_address};
use super::furniture::Furniture;
use super::lines::holds_blocks;
use super::main_text::MainText;
use super::roles::{Role, Roles};
use super::source::FRAME_ATTRIBUTE;
use crate::interchange::origins::row_builder::RowBuilder;

/// Attributes that a frame keeps.
const FRAME_ATTRIBUTES: [&str; 5] = ["allowfullscreen", "height", "src", "title", "width"];
/// Names of the parameters in which a plug-in finds what it shows.
const PLUGIN_PARAMETERS: [&str; 5] = ["movie", "src", "url", "filename", "data"];
/// Most addresses that a warning names.
const MAX_TOLD_ADDRESSES: usize = 5;

/// Makes of a medium what a body can have. Returns whether the node is one, and needs no more.
///
/// What is in a node must have been converted before. No node is removed, so that its place can be written.
pub fn convert_medium(node: &NodeRef, addresses: &mut Addresses) -> bool {
    if let Some(address) = node.attr(FRAME_ATTRIBUTE) {
        node.rename("iframe");
        node.set_attr("src", &addresses.resolve(&address));
        node.retain_attrs(&FRAME_ATTRIBUTES);
        return true;
    }
    match node.node_name().as_deref() {
        Some("source") => {
            use_lazy_address(node, addresses);
            false
        }
        Some("video" | "audio") => convert_player(node, addresses),
        Some("embed" | "object") => {
            convert_plugin(node, addresses);
            true
        }
        _ => false,
    }
}

/// Gives a medium the address that waits for a script.
fn use_lazy_address(node: &NodeRef, addresses: &mut Addresses) {
    let own = node.attr("src").is_some_and(|src| is_address(&src));
    if let Some(address) = find_lazy_address(node).filter(|_| !own) {
        node.set_attr("src", &addresses.resolve(&address));
    }
}

/// Whether an address leads anywhere but into the page itself.
fn is_address(address: &str) -> bool {
    let address = address.trim().to_ascii_lowercase();
    !address.is_empty()
        && !["blob:", "data:", "about:", "javascript:"].iter().any(|start| address.starts_with(start))
}

/// Keeps a film or sound that has an address. Returns whether it has none, and only its text is left.
fn convert_player(node: &NodeRef, addresses: &mut Addresses) -> bool {
    use_lazy_address(node, addresses);
    let has_address = |node: &NodeRef| node.attr("src").is_some_and(|src| is_address(&src));
    // The document is borrowed while its nodes are listed.
    let inner: Vec<_> = node.descendants_it().collect();
    let mut sources = inner.iter().filter(|inner| inner.has_name("source"));
    if has_address(node) || sources.any(has_address) {
        return false;
    }
    addresses.missing_media.push(describe_missing(node));
    leave_text(node);
    true
}

fn describe_missing(node: &NodeRef) -> String {
    let name = node.node_name().unwrap_or_default();
    match node.attr("src").filter(|src| !src.trim().is_empty()) {
        Some(src) => format!("{name} {}", src.chars().take(60).collect::<String>()),
        None => name.to_string(),
    }
}

/// Makes a link of a plug-in, before what it shows to those who do not have it.
fn convert_plugin(node: &NodeRef, addresses: &mut Addresses) {
    let inner: Vec<_> = node.descendants_it().collect();
    let parameters = inner.iter().filter(|inner| inner.has_name("param"));
    let named = parameters.filter(|param| {
        param.attr("name").is_some_and(|name| PLUGIN_PARAMETERS.contains(&name.to_ascii_lowercase().as_str()))
    });
    let own = ["src", "data"].iter().find_map(|name| node.attr(name));
    let address =
        own.into_iter().chain(named.filter_map(|param| param.attr("value"))).map(|text| text.to_string());
    let address = address.chain(find_lazy_address(node)).find(|address| is_address(address));
    let address = address.map(|address| addresses.resolve(&address));
    for param in inner.iter().filter(|inner| inner.has_name("param")) {
        param.remove_from_parent();
    }
    let is_linked = |address: &String| {
        inner.iter().any(|link| link.has_name("a") && link.attr("href").as_deref() == Some(address.as_str()))
    };
    let shows_other = || inner.iter().any(|inner| inner.has_name("iframe") || inner.has_name("a"));
    match &address {
        Some(address) if !is_linked(address) => {
            let title = node.attr("title").filter(|title| !title.trim().is_empty());
            let text = html_escape::encode_text(title.as_deref().unwrap_or(address)).into_owned();
            let href = html_escape::encode_double_quoted_attribute(address);
            node.prepend_html(format!("<a href=\"{href}\">{text}</a> "));
            addresses.linked_media.push(address.clone());
        }
        None if !shows_other() => addresses.missing_media.push(describe_missing(node)),
        _ => {}
    }
    leave_text(node);
}

/// Leaves what is in an element, in one without a meaning.
fn leave_text(node: &NodeRef) {
    node.rename(if holds_blocks(node) { "div" } else { "span" });
    node.remove_all_attrs();
}

/// Tells what became of the media of the article.
pub fn warn_of_media(mut row: RowBuilder, addresses: &Addresses) -> RowBuilder {
    if !addresses.linked_media.is_empty() {
        let detail = format!(
            "has {} plug-ins, which became links: {}",
            addresses.linked_media.len(),
            join_first(&addresses.linked_media)
        );
        row = row.warn("/body", "media_linked", detail);
    }
    if !addresses.missing_media.is_empty() {
        let (count, names) = (addresses.missing_media.len(), join_first(&addresses.missing_media));
        row = row.warn(
            "/body",
            "media_without_address",
            format!("is without {count} media that name no address: {names}"),
        );
    }
    row
}

/// Tells the media of the page that are not in the article.
pub fn warn_of_lost_media(row: RowBuilder, main: &MainText, roles: &Roles) -> RowBuilder {
    let mut lost = Vec::new();
    for (at, line) in main.lines.iter().enumerate() {
        if roles.roles[at] == Role::Kept || main.furniture[at] == Some(Furniture::Likely) {
            continue;
        }
        lost.extend(line.nodes.iter().filter(|node| is_medium(node)).map(describe_medium));
    }
    if lost.is_empty() {
        return row;
    }
    let detail =
        format!("is without {} frames or media beside the article: {}", lost.len(), join_first(&lost));
    row.warn("/body", "page_media_left_out", detail)
}

/// Whether a node of a line is more than a picture.
fn is_medium(node: &NodeRef) -> bool {
    node.has_attr(FRAME_ATTRIBUTE)
        || node.node_name().is_some_and(|name| matches!(&*name, "video" | "audio" | "embed" | "object"))
}

/// The address of a medium, or else its name.
fn describe_medium(node: &NodeRef) -> String {
    let inner = node.descendants_it().filter(|inner| inner.has_name("source") || inner.has_name("embed"));
    let mut nodes = std::iter::once(*node).chain(inner);
    let names = [FRAME_ATTRIBUTE, "src", "data"];
    let address = nodes.find_map(|node| names.iter().find_map(|name| node.attr(name)));
    let address = address.map(|address| address.to_string()).filter(|address| !address.trim().is_empty());
    address.or_else(|| find_lazy_address(node)).unwrap_or_else(|| describe_missing(node))
}

fn join_first(texts: &[String]) -> String {
    let more = if texts.len() > MAX_TOLD_ADDRESSES { ", …" } else { "" };
    texts[..texts.len().min(MAX_TOLD_ADDRESSES)].join(", ") + more
}
