//! Cuts HTML into tags, comments and texts. No byte of it is in none of them.

use std::collections::HashSet;

use memchr::memchr;

/// What a part of HTML is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A start tag.
    Start,
    /// An end tag.
    End,
    /// Text.
    Text,
    /// A comment that has an end.
    Comment,
    /// Something that HTML does not know, or a tag without an end.
    Other,
}

/// A part of HTML.
#[derive(Debug)]
pub struct Slice<'s> {
    /// What it is.
    pub kind: Kind,
    /// The name of a tag, in lower case.
    pub name: String,
    /// Its source.
    pub text: &'s str,
}

impl Slice<'_> {
    /// Whether it is a tag that has no content.
    pub fn closes_itself(&self) -> bool {
        self.text.ends_with("/>")
    }
}

/// Elements in which tags are text.
const RAW: [&str; 9] =
    ["iframe", "noembed", "noframes", "noscript", "script", "style", "textarea", "title", "xmp"];

/// Cuts HTML into its parts. Joined, their sources are `source`.
pub fn slices(source: &str) -> Vec<Slice<'_>> {
    let (mut parts, mut rest, mut endless) = (Vec::new(), source, HashSet::new());
    while !rest.is_empty() {
        let (kind, length) = measure(rest);
        let (text, after) = rest.split_at(length);
        rest = after;
        let name = if matches!(kind, Kind::Start | Kind::End) { read_name(text) } else { String::new() };
        let is_raw = kind == Kind::Start && RAW.contains(&name.as_str()) && !endless.contains(&name);
        let raw_length = if is_raw { find_raw_end(rest, &name) } else { Some(0) };
        if raw_length.is_none() {
            endless.insert(name.clone());
        }
        parts.push(Slice { kind, name, text });
        if let Some(length @ 1..) = raw_length {
            let (text, after) = rest.split_at(length);
            parts.push(Slice { kind: Kind::Text, name: String::new(), text });
            rest = after;
        }
    }
    parts
}

/// The kind and the length of the part with which `rest` begins.
fn measure(rest: &str) -> (Kind, usize) {
    let bytes = rest.as_bytes();
    let opens = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphabetic);
    let until = |end: &str| rest.find(end).map_or(rest.len(), |at| at + end.len());
    match bytes {
        [b'<', b'!', b'-', b'-', b'>', ..] => (Kind::Comment, 5),
        [b'<', b'!', b'-', b'-', b'-', b'>', ..] => (Kind::Comment, 6),
        [b'<', b'!', b'-', b'-', ..] => match rest.contains("-->") {
            true => (Kind::Comment, until("-->")),
            false => (Kind::Other, rest.len()),
        },
        [b'<', b'/', ..] if opens(2) => {
            tag_length(bytes).map_or((Kind::Other, rest.len()), |end| (Kind::End, end))
        }
        [b'<', ..] if opens(1) => {
            tag_length(bytes).map_or((Kind::Other, rest.len()), |end| (Kind::Start, end))
        }
        [b'<', b'/' | b'!' | b'?', ..] => (Kind::Other, until(">")),
        _ => (Kind::Text, memchr(b'<', &bytes[1..]).map_or(rest.len(), |at| at + 1)),
    }
}

/// Returns the length of a tag. A `>` in a quoted value does not end it.
fn tag_length(tag: &[u8]) -> Option<usize> {
    let (mut at, mut is_value) = (1, false);
    while let Some(byte) = tag.get(at) {
        match byte {
            b'>' => return Some(at + 1),
            b'"' | b'\'' if is_value => at += memchr(*byte, &tag[at + 1..])? + 1,
            _ => {}
        }
        is_value = *byte == b'=' || is_value && byte.is_ascii_whitespace();
        at += 1;
    }
    None
}

fn read_name(tag: &str) -> String {
    let name = tag.trim_start_matches(['<', '/']);
    let end = name.find(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>').unwrap_or(name.len());
    name[..end].to_ascii_lowercase()
}

/// Returns where the end tag of a raw element begins.
fn find_raw_end(rest: &str, name: &str) -> Option<usize> {
    let is_end = |at: &usize| {
        let tag = rest.as_bytes().get(at + 2..at + 2 + name.len());
        tag.is_some_and(|tag| tag.eq_ignore_ascii_case(name.as_bytes()))
    };
    rest.match_indices("</").map(|(at, _)| at).find(is_end)
}

/// Whether an element has no end tag.
pub fn is_void(name: &str) -> bool {
    matches!(name, "area" | "br" | "col" | "embed" | "hr" | "img" | "input" | "source" | "track" | "wbr")
}
