//! Links of a body: bare addresses on lines of their own, and addresses that are made absolute.

use html5gum::Token;
use url::{ParseError, Url};

use super::tags::{Kind, Slice, slices};
use crate::markup::tokens;

/// Attributes that hold an address.
const ADDRESSES: [&str; 4] = ["cite", "href", "poster", "src"];
/// Elements in which an address stays as it is.
const UNLINKED: [&str; 8] = ["a", "button", "code", "pre", "script", "style", "svg", "textarea"];
/// Tags within a line. All others begin and end lines.
const INLINE: [&str; 19] = [
    "abbr", "b", "big", "cite", "del", "em", "font", "i", "img", "ins", "mark", "q", "s", "small", "span",
    "strong", "sub", "sup", "u",
];

/// A link whose text is its address. `address` is HTML already.
pub fn write_link(address: &str) -> String {
    format!("<a href=\"{}\">{address}</a>", address.replace('"', "&quot;"))
}

/// Makes links of the addresses that stand alone on a line, and relative addresses absolute: as if `page` were
/// the address of the body.
pub fn complete_links(html: &str, page: Option<&Url>) -> String {
    if !html.contains("://") && !html.contains('=') {
        return html.to_owned();
    }
    let slices = slices(html);
    let mut written = String::with_capacity(html.len() + html.len() / 8);
    let mut unlinked = 0_usize;
    for (at, slice) in slices.iter().enumerate() {
        match slice.kind {
            Kind::Start => {
                unlinked += usize::from(UNLINKED.contains(&slice.name.as_str()));
                match page.and_then(|page| write_absolute(slice.text, page)) {
                    Some(tag) => written.push_str(&tag),
                    None => written.push_str(slice.text),
                }
            }
            Kind::End => {
                unlinked -= usize::from(UNLINKED.contains(&slice.name.as_str())).min(unlinked);
                written.push_str(slice.text);
            }
            Kind::Text if unlinked == 0 && slice.text.contains("://") => {
                let before = at.checked_sub(1).and_then(|at| slices.get(at));
                let starts_line = before.is_none_or(ends_line);
                let ends_line = slices.get(at + 1).is_none_or(ends_line);
                link_lines(slice.text, starts_line, ends_line, &mut written);
            }
            _ => written.push_str(slice.text),
        }
    }
    written
}

/// Whether a line ends before, and another one begins after a tag.
fn ends_line(slice: &Slice<'_>) -> bool {
    match slice.kind {
        Kind::Start | Kind::End => {
            !INLINE.contains(&slice.name.as_str()) && (slice.kind == Kind::Start || slice.name != "a")
        }
        Kind::Comment => true,
        Kind::Text | Kind::Other => false,
    }
}

fn link_lines(text: &str, starts_line: bool, ends_line: bool, written: &mut String) {
    let last = text.split('\n').count() - 1;
    for (at, line) in text.split('\n').enumerate() {
        written.push_str(if at > 0 { "\n" } else { "" });
        let is_whole = (at > 0 || starts_line) && (at < last || ends_line);
        let address = line.trim();
        if is_whole && is_web_address(address) {
            written.push_str(&line.replacen(address, &write_link(address), 1));
        } else {
            written.push_str(line);
        }
    }
}

/// Whether `text` is an address and nothing else.
pub fn is_web_address(text: &str) -> bool {
    (text.starts_with("http://") || text.starts_with("https://"))
        && !text.contains(|c: char| c.is_whitespace() || "<>\"".contains(c))
        && Url::parse(text).is_ok()
}

/// Returns `address` as an absolute one, if it is relative.
pub fn make_absolute(address: &str, page: &Url) -> Option<String> {
    let address = address.trim();
    let is_relative = !address.is_empty()
        && !address.starts_with('#')
        && Url::parse(address) == Err(ParseError::RelativeUrlWithoutBase);
    is_relative.then(|| page.join(address).ok().map(String::from)).flatten()
}

/// Writes a start tag with absolute addresses. Returns `None` if none of its addresses is relative.
fn write_absolute(source: &str, page: &Url) -> Option<String> {
    if !source.contains('=') {
        return None;
    }
    let Some(Token::StartTag(tag)) = tokens(source).next() else { return None };
    let absolute = |name: &[u8], value: &[u8]| {
        let is_address = ADDRESSES.iter().any(|known| known.as_bytes() == name);
        is_address.then(|| make_absolute(str::from_utf8(value).ok()?, page)).flatten()
    };
    if !tag.attributes.iter().any(|(name, value)| absolute(name, value).is_some()) {
        return None;
    }
    let mut html = format!("<{}", str::from_utf8(&tag.name).ok()?);
    for (name, value) in &tag.attributes {
        let (name, text) = (str::from_utf8(name).ok()?, str::from_utf8(value).ok()?);
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:.".contains(&byte)) {
            return None;
        }
        let value = absolute(name.as_bytes(), value).unwrap_or_else(|| text.to_owned());
        html.extend([" ", name, "=\"", &html_escape::encode_double_quoted_attribute(&value), "\""]);
    }
    html.push_str(if tag.self_closing { " />" } else { ">" });
    Some(html)
}
