//! A page without what is not its text, and within bounds that a parser can bear.

use std::collections::HashMap;

use html5gum::Token;

use crate::imports::clean;

/// Most elements, and most that are open at once: parsing takes time with the square of the depth.
const ELEMENTS: usize = 20_000;
const DEEPEST: usize = 200;
/// Most attributes of an element: a parser compares each with all before it.
const ATTRIBUTES: usize = 200;
/// Most elements that mark up words and are open at once: a parser opens all of them again in
/// each paragraph that follows.
const MOST_MARKS: usize = 40;

/// Elements that hold nothing, or that end where the next of their kind begins.
const SHALLOW: [&[u8]; 17] = [
    b"area", b"base", b"br", b"col", b"dd", b"dt", b"hr", b"img", b"input", b"li", b"link", b"meta",
    b"option", b"p", b"td", b"th", b"tr",
];
const MARKS: [&[u8]; 14] = [
    b"a", b"b", b"big", b"code", b"em", b"font", b"i", b"nobr", b"s", b"small", b"strike", b"strong", b"tt",
    b"u",
];
/// Elements in which a parser reads by other rules. Without them every parser finds the same
/// tags, and so no more than are counted here.
const DROPPED: [&[u8]; 13] = [
    b"frameset",
    b"iframe",
    b"math",
    b"noembed",
    b"noframes",
    b"noscript",
    b"plaintext",
    b"script",
    b"style",
    b"svg",
    b"template",
    b"textarea",
    b"xmp",
];

/// A page as it was, but for comments, scripts, styles, frames, forms' texts, and graphics.
#[derive(Default)]
pub struct Bare {
    pub html: String,
    /// The JSON-LD that was in its scripts.
    pub linked_data: Vec<String>,
}

/// # Errors
///
/// The page has more elements, more attributes in one, or more elements open at once than it may have.
pub fn bare(source: &str) -> Result<Bare, String> {
    let mut page = Bare::default();
    let mut open = Open::default();
    let (mut is_linked_data, mut is_raw) = (false, false);
    for token in clean::tokens(source) {
        let (name, span, begins) = match &token {
            Token::StartTag(tag) if tag.attributes.len() > ATTRIBUTES => {
                return Err(format!("An element of the page has more than {ATTRIBUTES} attributes."));
            }
            Token::StartTag(tag) => {
                is_linked_data = tag
                    .attributes
                    .get(b"type".as_slice())
                    .is_some_and(|kind| kind.as_slice() == b"application/ld+json");
                (&tag.name, tag.span, true)
            }
            Token::EndTag(tag) => (&tag.name, tag.span, false),
            Token::String(text) if is_raw => {
                if is_linked_data {
                    page.linked_data.push(String::from_utf8_lossy(text).into_owned());
                }
                continue;
            }
            Token::String(text) => {
                let text = source.get(text.span.start..text.span.end).unwrap_or_default();
                page.html.push_str(&text.replace('<', "&lt;"));
                continue;
            }
            _ => continue,
        };
        is_raw = begins && clean::RAW.contains(&name.as_slice()) && name.as_slice() != b"title";
        if DROPPED.contains(&name.as_slice()) {
            page.html.push(' ');
        } else if let Some(tag) = source.get(span.start..span.end) {
            open.count(name, begins)?;
            page.html.push_str(tag);
        }
    }
    Ok(page)
}

/// How many elements there were, and which are open. Counts a little high, never low by
/// much: an end tag closes one open element of its own name.
#[derive(Default)]
struct Open {
    elements: usize,
    depth: usize,
    marks: usize,
    by_name: HashMap<Vec<u8>, usize>,
}

impl Open {
    fn count(&mut self, name: &[u8], begins: bool) -> Result<(), String> {
        self.elements += usize::from(begins);
        if self.elements > ELEMENTS {
            return Err(format!("The page has more than {ELEMENTS} elements."));
        }
        if SHALLOW.contains(&name) {
            return Ok(());
        }
        let mark = usize::from(MARKS.contains(&name));
        let open = self.by_name.entry(name.to_vec()).or_default();
        if begins {
            (*open, self.depth, self.marks) = (*open + 1, self.depth + 1, self.marks + mark);
        } else if *open > 0 {
            (*open, self.depth, self.marks) = (*open - 1, self.depth - 1, self.marks - mark);
        }
        if self.depth > DEEPEST || self.marks > MOST_MARKS {
            return Err("The page's elements are nested too deeply.".into());
        }
        Ok(())
    }
}
