//! Removal of the elements whose content parsers read differently, and replacement of start tags.

use std::borrow::Cow;

use html5gum::{DefaultEmitter, Span, StartTag, State, Token, Tokenizer};

/// Elements whose content a tokenizer does not read as text and tags.
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

/// Other elements in which a parser follows other rules.
const FOREIGN_ELEMENTS: [&[u8]; 4] = [b"frameset", b"math", b"svg", b"template"];

/// Whether an element is removed. Without these elements, all parsers find the same tags.
fn is_dropped(name: &[u8]) -> bool {
    name != b"title" && RAW.contains(&name) || FOREIGN_ELEMENTS.contains(&name)
}

/// Replaces each removed part. Without it, `&am<!-- -->p;` would become a character reference.
pub const GAP_COMMENT: &str = "<!---->";

/// HTML without comments, scripts, styles, frames, text areas and graphics.
#[derive(Default)]
pub struct Stripped {
    /// The HTML, in which all parsers find the tags that [`tokens`] finds.
    pub html: String,
    /// The JSON-LD of the removed scripts.
    pub linked_data: Vec<String>,
}

/// Removes the elements whose content parsers read differently.
pub fn strip_raw_elements(source: &str) -> Stripped {
    rewrite_tags(source, |_| true, |_| None)
}

/// Does what [`strip_raw_elements`] does, and puts the HTML that `replace` returns in place of a start tag.
///
/// Also removes the tags of elements whose name `keeps` does not accept; what is in them stays. The content of
/// a raw element goes, even if its start tag is replaced.
pub fn rewrite_tags(
    source: &str,
    keeps: impl Fn(&[u8]) -> bool,
    mut replace: impl FnMut(&StartTag<usize>) -> Option<String>,
) -> Stripped {
    let mut stripped = Stripped::default();
    let (mut is_linked_data, mut is_raw) = (false, false);
    for token in tokens(source) {
        match token {
            Token::StartTag(tag) => {
                let opens_raw_text = opens_raw_text(source, &tag);
                let is_title = tag.name.as_slice() == b"title";
                is_raw = opens_raw_text && !is_title;
                // A parser would take all that follows a title without an end for its text.
                let is_dropped = is_dropped(&tag.name) || !keeps(&tag.name) || (is_title && !opens_raw_text);
                let kind = tag.attributes.get(b"type".as_slice());
                is_linked_data = kind.is_some_and(|kind| {
                    kind.trim_ascii().to_ascii_lowercase().starts_with(b"application/ld+json")
                });
                match replace(&tag) {
                    Some(html) => stripped.html.push_str(&html),
                    None if is_dropped => stripped.html.push_str(GAP_COMMENT),
                    None => stripped.html.push_str(slice_source(source, tag.span)),
                }
            }
            Token::EndTag(tag) => {
                is_raw = false;
                if is_dropped(&tag.name) || !keeps(&tag.name) {
                    stripped.html.push_str(GAP_COMMENT);
                } else {
                    stripped.html.extend(["</", &String::from_utf8_lossy(&tag.name), ">"]);
                }
            }
            Token::Comment(_) | Token::Doctype(_) => stripped.html.push_str(GAP_COMMENT),
            Token::String(data) if is_raw && is_linked_data => {
                stripped.linked_data.push(slice_source(source, data.span).to_owned())
            }
            Token::String(text) if !is_raw => {
                // `</>` is dropped by parsers, but the tokenizer reports it as a part of the text.
                let texts = slice_source(source, text.span).split("</>");
                let texts: Vec<String> = texts.map(|text| text.replace('<', "&lt;")).collect();
                stripped.html.push_str(&texts.join(GAP_COMMENT));
            }
            _ => {}
        }
    }
    stripped
}

/// Returns an attribute of a start tag.
pub fn attribute<'t>(tag: &'t StartTag<usize>, name: &str) -> Option<Cow<'t, str>> {
    Some(String::from_utf8_lossy(tag.attributes.get(name.as_bytes())?.as_slice()))
}

fn slice_source(source: &str, span: Span) -> &str {
    source.get(span.start..span.end).unwrap_or_default()
}

/// Whether what follows a start tag is raw text: no tags are in it until the end tag.
///
/// An element without an end tag of its own has no raw text, and neither has a frame that closes itself. What
/// follows it would be lost otherwise. What follows a script or a style without an end is code.
pub fn opens_raw_text(source: &str, tag: &StartTag<usize>) -> bool {
    match tag.name.as_slice() {
        b"script" | b"style" => true,
        b"plaintext" => false,
        b"iframe" if tag.self_closing => false,
        name if RAW.contains(&name) => {
            str::from_utf8(name).is_ok_and(|name| ends_before_next(source.get(tag.span.end..), name))
        }
        _ => false,
    }
}

/// Whether the first tag of elements `name` in `rest` is an end tag.
fn ends_before_next(rest: Option<&str>, name: &str) -> bool {
    let is_named = |tag: &str| {
        tag.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
            && tag[name.len()..].starts_with([' ', '\t', '\n', '\r', '\u{c}', '/', '>'])
    };
    let mut tags = rest.unwrap_or_default().split('<').skip(1);
    tags.find_map(|tag| match tag.strip_prefix('/') {
        Some(end) => is_named(end).then_some(true),
        None => is_named(tag).then_some(false),
    })
    .unwrap_or_default()
}

/// Returns the tokens of HTML, with their positions in the source.
pub fn tokens(source: &str) -> impl Iterator<Item = Token<usize>> {
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(true);
    let mut tokenizer = Tokenizer::new_with_emitter(source, emitter);
    std::iter::from_fn(move || {
        let token = match tokenizer.next()? {
            Ok(token) => token,
            Err(never) => match never {},
        };
        if let Token::StartTag(tag) = &token {
            match (tag.name.as_slice(), opens_raw_text(source, tag)) {
                // The tokenizer does not know it.
                (b"noframes", true) => tokenizer.set_state(State::RawText),
                (name, false) if RAW.contains(&name) => tokenizer.set_state(State::Data),
                _ => {}
            }
        }
        Some(token)
    })
}
