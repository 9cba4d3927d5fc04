//! Limits on HTML that keep parsing fast.
//!
//! A parser takes time quadratic in the depth of nesting, in the attributes of an element and in
//! the number of character references, among others. One megabyte can take minutes, so these are
//! counted first, in time linear in the length.

use html5gum::Tokenizer;
use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};

/// The deepest nesting of elements.
const MAX_DEPTH: usize = 200;
/// The most attributes of an element.
const MAX_ATTRIBUTES: usize = 200;
/// The most character references. In text and markdown, `&` and `<` become character references.
const MAX_CHARACTER_REFERENCES: usize = 50_000;
/// The most end tags that do not end the innermost open element.
const MAX_MISNESTED_END_TAGS: usize = 3_000;

/// The most elements and texts in a table but in no cell. A parser moves each of them before the
/// table ("foster parenting"), and searches the place each time.
const MAX_FOSTERED_NODES: usize = 10_000;

/// Elements without content.
const VOID_ELEMENTS: &[&[u8]] = &[
    b"area", b"base", b"br", b"col", b"embed", b"hr", b"img", b"input", b"link", b"meta", b"source",
    b"track", b"wbr",
];
/// Elements whose end tag is optional: they end with their parent.
const OPTIONAL_END_ELEMENTS: &[&[u8]] = &[b"dd", b"dt", b"li", b"option", b"p", b"td", b"th", b"tr"];
/// Elements whose end tag also ends the elements with an optional end tag in them.
const BLOCK_ELEMENTS: &[&[u8]] = &[
    b"article",
    b"aside",
    b"blockquote",
    b"body",
    b"center",
    b"dd",
    b"div",
    b"dl",
    b"dt",
    b"figure",
    b"footer",
    b"form",
    b"header",
    b"li",
    b"main",
    b"nav",
    b"ol",
    b"section",
    b"select",
    b"table",
    b"tbody",
    b"td",
    b"tfoot",
    b"th",
    b"thead",
    b"tr",
    b"ul",
];
/// Elements of a table that hold rows and cells only. A parser moves other content before the table.
const ROW_ELEMENTS: &[&[u8]] = &[b"table", b"tbody", b"tfoot", b"thead", b"tr"];
/// Elements that are allowed in [`ROW_ELEMENTS`].
const TABLE_ELEMENTS: &[&[u8]] =
    &[b"caption", b"col", b"colgroup", b"table", b"tbody", b"td", b"tfoot", b"th", b"thead", b"tr"];
/// Elements that limit the scope of the end tag of a formatting element.
const SCOPE_ELEMENTS: &[&[u8]] = &[b"applet", b"caption", b"marquee", b"object", b"table", b"td", b"th"];
/// Formatting elements: a parser opens them again in each paragraph until their end tag.
const FORMATTING_ELEMENTS: &[&[u8]] = &[
    b"a", b"b", b"big", b"code", b"em", b"font", b"i", b"nobr", b"s", b"small", b"strike", b"strong", b"tt",
    b"u",
];

/// Returns the elements that a start tag `name` ends, if they are the innermost.
fn elements_ended_by(name: &[u8]) -> &'static [&'static [u8]] {
    match name {
        b"p" => &[b"p"],
        b"option" => &[b"option"],
        b"li" => &[b"li", b"p"],
        b"dd" | b"dt" => &[b"dd", b"dt", b"p"],
        b"td" | b"th" => &[b"p", b"td", b"th"],
        b"tr" => &[b"p", b"td", b"th", b"tr"],
        _ => &[],
    }
}

/// Fails with a phrase that names the limit `html` exceeds, like "is nested more than 200 deep".
///
/// `max_elements` limits the elements, including those that a parser adds because it opens
/// formatting elements again.
pub fn check(html: &str, max_elements: usize) -> Result<(), String> {
    if html.bytes().filter(|byte| *byte == b'&').count() > MAX_CHARACTER_REFERENCES {
        return Err(format!(
            "has more than {MAX_CHARACTER_REFERENCES} character references, or characters that need one"
        ));
    }
    let mut load = ParserLoad { max_elements, ..ParserLoad::default() };
    let mut emitter =
        CallbackEmitter::<_, String, ()>::new(|event: CallbackEvent<'_>, _| load.add_event(event).err());
    emitter.naively_switch_states(true);
    match Tokenizer::new_with_emitter(html, emitter).next() {
        Some(Ok(exceeded)) => Err(exceeded),
        Some(Err(never)) => match never {},
        None => Ok(()),
    }
}

/// The state of a parser, as far as the limits need it.
#[derive(Default)]
struct ParserLoad {
    max_elements: usize,
    elements: usize,
    /// The names of the open elements, outermost first.
    open: Vec<Vec<u8>>,
    open_formatting: usize,
    misnested: usize,
    fostered: usize,
    /// The number of attributes of the current tag.
    attributes: usize,
}

impl ParserLoad {
    fn add_event(&mut self, event: CallbackEvent<'_>) -> Result<(), String> {
        match event {
            CallbackEvent::OpenStartTag { name } => self.open_element(name),
            CallbackEvent::AttributeName { .. } => self.attributes += 1,
            CallbackEvent::CloseStartTag { .. } => self.attributes = 0,
            CallbackEvent::EndTag { name } => {
                self.end_element(name);
                self.attributes = 0;
            }
            CallbackEvent::String { value } if !value.trim_ascii().is_empty() => self.count_fostered(),
            _ => return Ok(()),
        }
        if self.attributes > MAX_ATTRIBUTES {
            Err(format!("has an element with more than {MAX_ATTRIBUTES} attributes"))
        } else if self.open.len() > MAX_DEPTH {
            Err(format!("is nested more than {MAX_DEPTH} deep"))
        } else if self.elements > self.max_elements {
            Err(format!("makes more than {} elements", self.max_elements))
        } else if self.misnested > MAX_MISNESTED_END_TAGS {
            Err(format!(
                "has more than {MAX_MISNESTED_END_TAGS} end tags that do not end what was begun last"
            ))
        } else if self.fostered > MAX_FOSTERED_NODES {
            Err(format!("has more than {MAX_FOSTERED_NODES} elements and texts in tables but in no cell"))
        } else {
            Ok(())
        }
    }

    fn open_element(&mut self, name: &[u8]) {
        self.elements += 1 + self.open_formatting;
        if VOID_ELEMENTS.contains(&name) {
            self.count_fostered();
            return;
        }
        let ended = elements_ended_by(name);
        while self.open.pop_if(|last| ended.contains(&last.as_slice())).is_some() {}
        if name == b"a" {
            self.close_innermost(name);
        }
        if !TABLE_ELEMENTS.contains(&name) {
            self.count_fostered();
        }
        self.open_formatting += usize::from(FORMATTING_ELEMENTS.contains(&name));
        self.open.push(name.to_vec());
    }

    /// Counts a node that belongs into a cell, if it is in a table but in no cell.
    fn count_fostered(&mut self) {
        self.fostered +=
            usize::from(self.open.last().is_some_and(|last| ROW_ELEMENTS.contains(&last.as_slice())));
    }

    fn end_element(&mut self, name: &[u8]) {
        // Without an element to end, a parser makes elements of `</p>` and `</br>`.
        self.elements += 1 + self.open_formatting;
        self.close_innermost(name);
    }

    /// Ends the innermost element `name`. A block also ends the elements with an optional end tag in it.
    fn close_innermost(&mut self, name: &[u8]) {
        let Some(at) = self.open.iter().rposition(|open| open == name) else { return };
        let inside = &self.open[at + 1..];
        let is_optional = |open: &Vec<u8>| OPTIONAL_END_ELEMENTS.contains(&open.as_slice());
        if inside.is_empty() || BLOCK_ELEMENTS.contains(&name) && inside.iter().all(is_optional) {
            self.open.truncate(at);
        } else {
            self.misnested += 1;
            // A formatting element stays open if a scope element or many others are inside.
            let is_scope = |open: &Vec<u8>| SCOPE_ELEMENTS.contains(&open.as_slice());
            if FORMATTING_ELEMENTS.contains(&name) && (inside.len() > 7 || inside.iter().any(is_scope)) {
                return;
            }
            self.open.remove(at);
        }
        self.open_formatting -= usize::from(FORMATTING_ELEMENTS.contains(&name));
    }
}
