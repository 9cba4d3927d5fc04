//! The opening tags of shortcodes.

use std::collections::HashMap;

/// Longest opening tag, in bytes.
const MAX_TAG_BYTES: usize = 4000;

/// An opening tag: `[name key="value"]`.
#[derive(Debug)]
pub struct Shortcode<'s> {
    /// Its name.
    pub name: &'s str,
    /// Values by name. Those without a name have their number.
    pub attributes: HashMap<String, String>,
    /// Whether it ends with `/]`: it has no text and no end tag.
    pub closes_itself: bool,
    /// Its length, in bytes.
    pub length: usize,
}

impl Shortcode<'_> {
    /// The value of an attribute, unless it is empty.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

/// Where the last tag and the last comment of a text end. Behind them no end is looked for, again and again.
#[derive(Debug)]
pub struct LastEnds {
    tag: Option<usize>,
    comment: Option<usize>,
}

impl LastEnds {
    /// Those of `content`.
    pub fn find(content: &str) -> Self {
        Self { tag: content.rfind('>'), comment: content.rfind("-->") }
    }

    /// Returns the length of the tag or comment that begins at `at` of the content, or 1 if it is none.
    pub fn skip_tag(&self, content: &str, at: usize) -> usize {
        let rest = &content[at..];
        let is_tag = rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
        let end = match rest {
            _ if rest.starts_with("<!--") && self.comment > Some(at) => rest.find("-->").map(|end| end + 3),
            _ if is_tag && self.tag > Some(at) => rest.find('>').map(|end| end + 1),
            _ => None,
        };
        end.unwrap_or(1)
    }
}

/// Returns the length of `[[name …]]`, which stands for `[name …]`.
pub fn escaped_length(rest: &str) -> Option<usize> {
    let code = parse_shortcode(rest.strip_prefix('[')?)?;
    rest[1 + code.length..].starts_with(']').then_some(code.length + 2)
}

/// Parses the opening tag with which `rest` begins.
pub fn parse_shortcode(rest: &str) -> Option<Shortcode<'_>> {
    let inside = rest.strip_prefix('[')?;
    let name_end = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')? + 1;
    let name = &rest[1..name_end];
    let after = rest[name_end..].chars().next()?;
    if !name.starts_with(|c: char| c.is_ascii_alphabetic())
        || !(after.is_whitespace() || "]/=".contains(after))
    {
        return None;
    }
    let end = find_end(rest, name_end)?;
    let inside = rest[name_end..end].trim_end();
    let (inside, closes_itself) = match inside.strip_suffix('/') {
        Some(inside) => (inside, true),
        None => (inside, false),
    };
    Some(Shortcode { name, attributes: parse_attributes(inside), closes_itself, length: end + 1 })
}

/// Finds the `]` of an opening tag. One in quotes is a part of a value, if the quotes end.
fn find_end(rest: &str, from: usize) -> Option<usize> {
    let mut quote = None;
    let mut first = None;
    for (at, byte) in rest.bytes().enumerate().skip(from).take(MAX_TAG_BYTES) {
        match (byte, quote) {
            (b']', None) => return Some(at),
            (b']', Some(_)) => first = first.or(Some(at)),
            (b'"' | b'\'', None) if rest.as_bytes()[at - 1] == b'=' => quote = Some(byte),
            (_, Some(open)) if open == byte => quote = None,
            _ => {}
        }
    }
    first
}

/// Parses `key="value" key='value' key=value value`.
fn parse_attributes(text: &str) -> HashMap<String, String> {
    let text = text.replace(['“', '”', '″'], "\"").replace("&quot;", "\"");
    let (mut attributes, mut rest, mut unnamed) = (HashMap::new(), text.trim_start(), 0);
    while !rest.is_empty() {
        let name_end = rest.find(|c: char| c.is_whitespace() || c == '=' || c == '"').unwrap_or(rest.len());
        let (name, after) = rest.split_at(name_end);
        let value = match after.trim_start().strip_prefix('=') {
            Some(value) => value.trim_start(),
            None => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                attributes.insert(unnamed.to_string(), rest[..end].trim_matches('"').to_owned());
                unnamed += 1;
                rest = rest.get(end..).unwrap_or_default().trim_start();
                continue;
            }
        };
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, next) = match quote.and_then(|quote| value[1..].split_once(quote)) {
            Some((value, next)) => (value, next),
            None => value.split_at(value.find(char::is_whitespace).unwrap_or(value.len())),
        };
        let value = html_escape::decode_html_entities(value).into_owned();
        attributes.insert(name.to_ascii_lowercase(), value);
        rest = next.trim_start();
    }
    attributes
}
