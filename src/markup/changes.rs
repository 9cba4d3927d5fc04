//! What the sanitiser changed of a body, in numbers.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use html5gum::{Error, StartTag, Token};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most names that are counted one by one.
const MAX_NAMES: usize = 30;
/// The longest name that is counted by itself, in bytes.
const MAX_NAME_BYTES: usize = 32;
/// The name of all that is not counted by itself.
const OTHER: &str = "other";

/// What the sanitiser changed of one or more bodies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MarkupChanges {
    /// How many elements of each name were dropped. Beyond 30 names, those of further ones are under `other`.
    #[schema(example = json!({"script": 1}))]
    pub elements: BTreeMap<String, u64>,
    /// How many attributes of each name were dropped from elements that were kept.
    #[schema(example = json!({"onclick": 2}))]
    pub attributes: BTreeMap<String, u64>,
    /// Frames, videos and sounds that became links to their addresses: frames of other hosts than `--embed-hosts`
    /// names, and media without an https address.
    pub embeds_linked: u64,
    /// Addresses without a scheme and a host. They were kept.
    pub relative_addresses: u64,
    /// Tables that were not closed, or had something outside of their cells.
    pub tables_repaired: u64,
}

impl MarkupChanges {
    /// Counts a dropped element.
    pub fn add_element(&mut self, name: &[u8]) {
        add_name(&mut self.elements, &String::from_utf8_lossy(name), 1);
    }

    /// Counts a dropped attribute.
    pub fn add_attribute(&mut self, name: &[u8]) {
        add_name(&mut self.attributes, &String::from_utf8_lossy(name), 1);
    }
}

impl AddAssign<&Self> for MarkupChanges {
    fn add_assign(&mut self, more: &Self) {
        for (name, count) in &more.elements {
            add_name(&mut self.elements, name, *count);
        }
        for (name, count) in &more.attributes {
            add_name(&mut self.attributes, name, *count);
        }
        self.embeds_linked += more.embeds_linked;
        self.relative_addresses += more.relative_addresses;
        self.tables_repaired += more.tables_repaired;
    }
}

fn add_name(counts: &mut BTreeMap<String, u64>, name: &str, count: u64) {
    let is_plain = name.len() <= MAX_NAME_BYTES
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:".contains(&byte));
    let is_counted = is_plain && (counts.contains_key(name) || counts.len() < MAX_NAMES);
    *counts.entry(if is_counted { name } else { OTHER }.to_owned()).or_default() += count;
}

/// Elements of a table that hold rows and cells only.
const ROW_ELEMENTS: [&[u8]; 5] = [b"colgroup", b"tbody", b"tfoot", b"thead", b"tr"];
/// Elements of a table that hold text.
const CELL_ELEMENTS: [&[u8]; 3] = [b"caption", b"td", b"th"];
/// Elements that are allowed outside of cells.
const SILENT_ELEMENTS: [&[u8]; 5] = [b"col", b"script", b"style", b"table", b"template"];

/// Follows the tables of a body.
#[derive(Default)]
pub struct TableWatch {
    open: Vec<Table>,
    repaired: u64,
}

#[derive(Default)]
struct Table {
    is_in_cell: bool,
    has_stray_content: bool,
}

impl TableWatch {
    /// Notes a start tag. Returns whether a parser drops it, because it is of a table and in none.
    pub fn open_element(&mut self, tag: &StartTag<usize>) -> bool {
        let name = tag.name.as_slice();
        let is_cell = CELL_ELEMENTS.contains(&name);
        let is_part = is_cell || ROW_ELEMENTS.contains(&name) || name == b"col";
        if name == b"table" {
            self.open.push(Table::default());
            return false;
        }
        let Some(table) = self.open.last_mut() else { return is_part };
        if is_part {
            table.is_in_cell = is_cell;
        } else if !SILENT_ELEMENTS.contains(&name) {
            table.has_stray_content |= !table.is_in_cell;
        }
        false
    }

    /// Notes an end tag.
    pub fn end_element(&mut self, name: &[u8]) {
        if name == b"table" {
            self.repaired += u64::from(self.open.pop().is_some_and(|table| table.has_stray_content));
        } else if let Some(table) = self.open.last_mut()
            && (CELL_ELEMENTS.contains(&name) || ROW_ELEMENTS.contains(&name))
        {
            table.is_in_cell = false;
        }
    }

    /// Notes text.
    pub fn add_text(&mut self, text: &[u8]) {
        if let Some(table) = self.open.last_mut() {
            table.has_stray_content |= !table.is_in_cell && !text.trim_ascii().is_empty();
        }
    }

    /// Returns the number of tables that a parser closed, or took content out of.
    pub fn count_repaired(&self) -> u64 {
        self.repaired + self.open.len() as u64
    }
}

/// The name under which the text within a frame is counted.
pub const FRAME_TEXT: &[u8] = b"iframe-text";

/// Finds text that a parser takes for something else: comments that are not closed or not begun as such, tags
/// without an end, and what follows the name of an end tag.
#[derive(Default)]
pub struct CommentWatch {
    is_broken: bool,
}

impl CommentWatch {
    /// Notes a token. Returns the name under which dropped text is counted.
    pub fn add_token(&mut self, token: &Token<usize>) -> Option<&'static [u8]> {
        match token {
            Token::Error(error) => match error.value {
                Error::EofInTag => return Some(b"unfinished-tag"),
                Error::EndTagWithAttributes => return Some(b"end-tag-attributes"),
                // Which comment it was is told by the next token.
                Error::CdataInHtmlContent
                | Error::EofInComment
                | Error::IncorrectlyOpenedComment
                | Error::InvalidFirstCharacterOfTagName
                | Error::UnexpectedQuestionMarkInsteadOfTagName => self.is_broken = true,
                _ => {}
            },
            Token::Comment(comment) => {
                let is_broken = std::mem::take(&mut self.is_broken);
                return (is_broken && !comment.trim_ascii().is_empty()).then_some(b"comment");
            }
            _ => self.is_broken = false,
        }
        None
    }
}
