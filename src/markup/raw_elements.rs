//! HTML without the elements in which parsers read by other rules.

use html5gum::{DefaultEmitter, Span, Token, Tokenizer};

/// Elements whose content a tokenizer reads as something other than text and tags.
pub const RAW: [&[u8]; 10] = [
    b"iframe",
    b"noembed",
    b"noframes",
    b"noscript",
    b"plaintext",
    b"script",
    b"style",
    b"textarea",
    b"title",
    b"xmp",
];

/// Other elements in which a parser reads by other rules.
const FOREIGN: [&[u8]; 4] = [b"frameset", b"math", b"svg", b"template"];

/// Whether an element is left out: without these every parser finds the same tags.
fn is_dropped(name: &[u8]) -> bool {
    name != b"title" && RAW.contains(&name) || FOREIGN.contains(&name)
}

/// What stands where something was: without it `&am<!-- -->p;` would come to mean something.
const GAP: &str = "<!---->";

/// HTML as it was, but for comments, scripts, styles, frames, forms' texts, and graphics.
#[derive(Default)]
pub struct Stripped {
    /// Any parser finds the tags in it that [`tokens`] finds.
    pub html: String,
    /// The JSON-LD that was in its scripts.
    pub linked_data: Vec<String>,
}

/// Takes out of HTML what a parser would read by other rules.
pub fn strip_raw_elements(source: &str) -> Stripped {
    let mut bare = Stripped::default();
    let (mut is_linked_data, mut is_raw) = (false, false);
    for token in tokens(source) {
        match token {
            Token::StartTag(tag) if is_dropped(&tag.name) => {
                is_raw = RAW.contains(&tag.name.as_slice());
                let kind = tag.attributes.get(b"type".as_slice());
                is_linked_data = kind.is_some_and(|kind| kind.as_slice() == b"application/ld+json");
                bare.html.push_str(GAP);
            }
            Token::StartTag(tag) => {
                is_raw = false;
                bare.html.push_str(slice(source, tag.span));
            }
            Token::EndTag(tag) => {
                is_raw = false;
                if is_dropped(&tag.name) {
                    bare.html.push_str(GAP);
                } else {
                    bare.html.extend(["</", &String::from_utf8_lossy(&tag.name), ">"]);
                }
            }
            Token::Comment(_) | Token::Doctype(_) => bare.html.push_str(GAP),
            Token::String(data) if is_raw && is_linked_data => {
                bare.linked_data.push(slice(source, data.span).to_owned())
            }
            Token::String(text) if !is_raw => {
                // `</>` is nothing, and in the midst of a text it is no token of its own.
                let texts = slice(source, text.span).split("</>");
                let texts: Vec<String> = texts.map(|text| text.replace('<', "&lt;")).collect();
                bare.html.push_str(&texts.join(GAP));
            }
            _ => {}
        }
    }
    bare
}

fn slice(source: &str, span: Span) -> &str {
    source.get(span.start..span.end).unwrap_or_default()
}

/// The tokens of HTML, with where they are in the source.
pub fn tokens(source: &str) -> impl Iterator<Item = Token<usize>> {
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(true);
    Tokenizer::new_with_emitter(source, emitter).map(|token| match token {
        Ok(token) => token,
        Err(never) => match never {},
    })
}
