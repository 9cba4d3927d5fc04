//! What a parser of HTML can bear.
//!
//! Trees are built in time with the square of some measures: how deep elements are nested, how
//! many attributes one has, how many character references there are. One megabyte can hold up
//! a thread for minutes, so these are counted first, in time with the length alone.

use html5gum::Tokenizer;
use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};

/// Most elements open at once.
const DEPTH: usize = 200;
/// Most attributes of an element.
const ATTRIBUTES: usize = 200;
/// Most character references; of text and markdown also characters that become one: `&`, `<`.
const REFERENCES: usize = 50_000;
/// Most end tags that end another element than the one begun last.
const MISNESTED: usize = 3_000;

/// Most elements and texts in a table but in none of its cells: a parser moves each before the
/// table, and looks for that place anew.
const FOSTERED: usize = 10_000;

/// Elements that hold nothing.
const VOID: &[&[u8]] = &[
    b"area", b"base", b"br", b"col", b"embed", b"hr", b"img", b"input", b"link", b"meta", b"source",
    b"track", b"wbr",
];
/// Elements that end where what they are in ends.
const IMPLIED: &[&[u8]] = &[b"dd", b"dt", b"li", b"option", b"p", b"td", b"th", b"tr"];
/// Elements whose end tag ends the implied ones in them.
const BLOCKS: &[&[u8]] = &[
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
/// Elements whose content stands in cells, or before the table.
const ROWS: &[&[u8]] = &[b"table", b"tbody", b"tfoot", b"thead", b"tr"];
/// What may stand in them.
const TABLE: &[&[u8]] =
    &[b"caption", b"col", b"colgroup", b"table", b"tbody", b"td", b"tfoot", b"th", b"thead", b"tr"];
/// Elements through which no end tag of a mark reaches.
const BARRIERS: &[&[u8]] = &[b"applet", b"caption", b"marquee", b"object", b"table", b"td", b"th"];
/// Elements that a parser opens again in each paragraph until they are ended.
const MARKS: &[&[u8]] = &[
    b"a", b"b", b"big", b"code", b"em", b"font", b"i", b"nobr", b"s", b"small", b"strike", b"strong", b"tt",
    b"u",
];

/// The elements that end where one of that name begins, if they are the innermost.
fn ended_by(name: &[u8]) -> &'static [&'static [u8]] {
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

/// Fails with a phrase that says which bound `html` is beyond: "is nested more than 200 deep".
///
/// `most_elements` bounds how many elements there may be, those counted that come to be because
/// `<b>` and its like are opened again.
pub fn check(html: &str, most_elements: usize) -> Result<(), String> {
    if html.bytes().filter(|byte| *byte == b'&').count() > REFERENCES {
        return Err(format!("has more than {REFERENCES} character references, or characters that need one"));
    }
    let mut load = Load { most_elements, ..Load::default() };
    let mut emitter =
        CallbackEmitter::<_, String, ()>::new(|event: CallbackEvent<'_>, _| load.add(event).err());
    emitter.naively_switch_states(true);
    match Tokenizer::new_with_emitter(html, emitter).next() {
        Some(Ok(beyond)) => Err(beyond),
        Some(Err(never)) => match never {},
        None => Ok(()),
    }
}

/// What a parser would hold where it stands.
#[derive(Default)]
struct Load {
    most_elements: usize,
    elements: usize,
    /// The open elements, from the outermost.
    open: Vec<Vec<u8>>,
    marks: usize,
    misnested: usize,
    fostered: usize,
    /// Attributes of the tag that is being read.
    attributes: usize,
}

impl Load {
    fn add(&mut self, event: CallbackEvent<'_>) -> Result<(), String> {
        match event {
            CallbackEvent::OpenStartTag { name } => self.begin(name),
            CallbackEvent::AttributeName { .. } => self.attributes += 1,
            CallbackEvent::CloseStartTag { .. } => self.attributes = 0,
            CallbackEvent::EndTag { name } => {
                self.end(name);
                self.attributes = 0;
            }
            CallbackEvent::String { value } if !value.trim_ascii().is_empty() => self.foster(),
            _ => return Ok(()),
        }
        if self.attributes > ATTRIBUTES {
            Err(format!("has an element with more than {ATTRIBUTES} attributes"))
        } else if self.open.len() > DEPTH {
            Err(format!("is nested more than {DEPTH} deep"))
        } else if self.elements > self.most_elements {
            Err(format!("makes more than {} elements", self.most_elements))
        } else if self.misnested > MISNESTED {
            Err(format!("has more than {MISNESTED} end tags that do not end what was begun last"))
        } else if self.fostered > FOSTERED {
            Err(format!("has more than {FOSTERED} elements and texts in tables but in no cell"))
        } else {
            Ok(())
        }
    }

    fn begin(&mut self, name: &[u8]) {
        self.elements += 1 + self.marks;
        if VOID.contains(&name) {
            self.foster();
            return;
        }
        let ended = ended_by(name);
        while self.open.pop_if(|last| ended.contains(&last.as_slice())).is_some() {}
        if name == b"a" {
            self.close(name);
        }
        if !TABLE.contains(&name) {
            self.foster();
        }
        self.marks += usize::from(MARKS.contains(&name));
        self.open.push(name.to_vec());
    }

    /// Something that belongs into a cell has come.
    fn foster(&mut self) {
        self.fostered += usize::from(self.open.last().is_some_and(|last| ROWS.contains(&last.as_slice())));
    }

    fn end(&mut self, name: &[u8]) {
        // With nothing to end, `</p>` and `</br>` are elements of their own.
        self.elements += 1 + self.marks;
        self.close(name);
    }

    /// Ends the innermost element of that name, with the implied ones in it if it is a block.
    fn close(&mut self, name: &[u8]) {
        let Some(at) = self.open.iter().rposition(|open| open == name) else { return };
        let inside = &self.open[at + 1..];
        let is_implied = |open: &Vec<u8>| IMPLIED.contains(&open.as_slice());
        if inside.is_empty() || BLOCKS.contains(&name) && inside.iter().all(is_implied) {
            self.open.truncate(at);
        } else {
            self.misnested += 1;
            // A mark stays where a cell is around its end tag, or much else.
            let is_barrier = |open: &Vec<u8>| BARRIERS.contains(&open.as_slice());
            if MARKS.contains(&name) && (inside.len() > 7 || inside.iter().any(is_barrier)) {
                return;
            }
            self.open.remove(at);
        }
        self.marks -= usize::from(MARKS.contains(&name));
    }
}
