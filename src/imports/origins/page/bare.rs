//! A page without what is not its text, and within bounds that a parser can bear.

use std::collections::HashMap;

use html5gum::{Span, Token};

use crate::imports::clean;

/// Most elements, and most that are open at once: parsing takes time with the square of the depth.
const ELEMENTS: usize = 20_000;
const DEEPEST: usize = 200;
/// Most attributes of an element: a parser compares each with all before it.
const ATTRIBUTES: usize = 200;
/// Most character references: reading them takes time with the square of their number.
const REFERENCES: usize = 50_000;
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
/// The page has more elements, attributes of one, elements open at once, or
/// character references than a page may have.
pub fn bare(source: &str) -> Result<Bare, String> {
    let mut page = Bare::default();
    let mut open = Open::default();
    let (mut is_linked_data, mut is_raw) = (false, false);
    for token in clean::tokens(source) {
        match token {
            Token::StartTag(tag) if DROPPED.contains(&tag.name.as_slice()) => {
                is_raw = clean::RAW.contains(&tag.name.as_slice());
                let kind = tag.attributes.get(b"type".as_slice());
                is_linked_data = kind.is_some_and(|kind| kind.as_slice() == b"application/ld+json");
                page.html.push(' ');
            }
            Token::StartTag(tag) => {
                is_raw = false;
                open.begin(&tag.name, tag.attributes.len())?;
                page.html.push_str(slice(source, tag.span));
            }
            Token::EndTag(tag) => {
                is_raw = false;
                open.end(&tag.name)?;
                if !DROPPED.contains(&tag.name.as_slice()) {
                    page.html.extend(["</", &String::from_utf8_lossy(&tag.name), ">"]);
                }
            }
            Token::String(data) if is_raw && is_linked_data => {
                page.linked_data.push(slice(source, data.span).to_owned())
            }
            Token::String(text) if !is_raw => {
                page.html.push_str(&slice(source, text.span).replace('<', "&lt;"))
            }
            _ => {}
        }
    }
    if page.html.matches('&').count() > REFERENCES {
        return Err(format!("The page has more than {REFERENCES} character references."));
    }
    Ok(page)
}

fn slice(source: &str, span: Span) -> &str {
    source.get(span.start..span.end).unwrap_or_default()
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
    fn begin(&mut self, name: &[u8], attributes: usize) -> Result<(), String> {
        if attributes > ATTRIBUTES {
            return Err(format!("An element of the page has more than {ATTRIBUTES} attributes."));
        }
        self.elements += 1;
        if !SHALLOW.contains(&name) {
            self.depth += 1;
            self.marks += usize::from(MARKS.contains(&name));
            *self.by_name.entry(name.to_vec()).or_default() += 1;
        }
        self.check()
    }

    fn end(&mut self, name: &[u8]) -> Result<(), String> {
        // With nothing to end these two are elements of their own.
        self.elements += usize::from(matches!(name, b"br" | b"p"));
        if let Some(open) = self.by_name.get_mut(name).filter(|open| **open > 0) {
            *open -= 1;
            self.depth -= 1;
            self.marks -= usize::from(MARKS.contains(&name));
        }
        self.check()
    }

    fn check(&self) -> Result<(), String> {
        if self.elements > ELEMENTS {
            Err(format!("The page has more than {ELEMENTS} elements."))
        } else if self.depth > DEEPEST || self.marks > MOST_MARKS {
            Err("The page's elements are nested too deeply.".into())
        } else {
            Ok(())
        }
    }
}
