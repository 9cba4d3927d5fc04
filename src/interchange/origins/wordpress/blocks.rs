//! Takes the comments of the block editor out of a body.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::autop::make_paragraphs;
use super::links::write_link;

/// Blocks that hold the text of the classic editor.
const CLASSIC: [&str; 3] = ["freeform", "core/freeform", "classic"];
/// Attributes of blocks that hold the address of what a block shows.
const ADDRESSES: [&str; 3] = ["url", "src", "href"];

/// A body without block comments.
#[derive(Debug, Default)]
pub struct Unwrapped {
    /// Its HTML, with paragraphs.
    pub html: String,
    /// How many blocks of each name have no HTML in the file: WordPress makes it when it shows them.
    pub dropped: BTreeMap<String, usize>,
}

/// Whether a body was written in the block editor.
pub fn has_blocks(content: &str) -> bool {
    content.contains("<!-- wp:")
}

/// Removes the comments of blocks. Makes paragraphs of the text that is in none, as far as it has none.
pub fn unwrap_blocks(content: &str) -> Unwrapped {
    let mut unwrapped = Unwrapped::default();
    let (mut rest, mut open) = (content, Vec::new());
    while let Some(at) = rest.find("<!--") {
        let Some(length) = rest[at..].find("-->") else { break };
        let comment = rest.get(at + 4..at + length).unwrap_or_default().trim();
        let Some(mark) = parse_mark(comment) else {
            let end = at + length + 3;
            unwrapped.add_text(&rest[..at], open.last());
            rest = &rest[end..];
            continue;
        };
        unwrapped.add_text(&rest[..at], open.last());
        rest = &rest[at + length + 3..];
        match mark {
            Mark::Open(name) => open.push(name),
            Mark::Close => drop(open.pop()),
            Mark::Whole(name, attributes) => unwrapped.add_block(name, &attributes),
        }
    }
    unwrapped.add_text(rest, open.last());
    unwrapped
}

impl Unwrapped {
    fn add_text(&mut self, text: &str, block: Option<&&str>) {
        let is_classic = block.is_none_or(|name| CLASSIC.contains(name));
        let text = match is_classic && !text.trim().is_empty() {
            true => Cow::Owned(make_paragraphs(text)),
            false => Cow::Borrowed(text),
        };
        self.html.push_str(&text);
    }

    fn add_block(&mut self, name: &str, attributes: &Value) {
        let address = ADDRESSES.iter().find_map(|key| attributes.get(key)?.as_str());
        match address.filter(|address| address.starts_with("http")) {
            Some(address) => self.html.push_str(&format!("<p>{}</p>\n", write_link(address))),
            None if ["more", "nextpage", "separator", "spacer"].contains(&name) => {}
            None => *self.dropped.entry(name.to_owned()).or_default() += 1,
        }
    }
}

/// A comment of a block.
enum Mark<'c> {
    Open(&'c str),
    Close,
    /// A block without HTML, with its attributes.
    Whole(&'c str, Value),
}

fn parse_mark(comment: &str) -> Option<Mark<'_>> {
    if comment.starts_with("/wp:") {
        return Some(Mark::Close);
    }
    let block = comment.strip_prefix("wp:")?;
    let (block, is_whole) = match block.strip_suffix('/') {
        Some(block) => (block, true),
        None => (block, false),
    };
    let (name, attributes) = block.split_once(char::is_whitespace).unwrap_or((block, ""));
    Some(match is_whole {
        true => Mark::Whole(name, serde_json::from_str(attributes).unwrap_or_default()),
        false => Mark::Open(name),
    })
}
