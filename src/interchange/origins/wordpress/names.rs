//! Titles and names, which WordPress keeps as HTML.

use html_escape::decode_html_entities;
use memchr::{memchr, memmem};

use crate::interchange::origins::row_builder::fold_whitespace;

/// Marks of text. Anything else in angle brackets is the text of a title.
const MARKS: [&str; 29] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "cite", "code", "del", "dfn", "em", "font", "i",
    "ins", "kbd", "mark", "p", "q", "s", "small", "span", "strike", "strong", "sub", "sup", "u", "wbr",
];

/// Longest tag or comment that is none of the text of a title, in bytes.
const MAX_MARK_BYTES: usize = 4000;

/// The text of a title or a name on one line: without marks of text, with entities decoded.
///
/// What is no mark stays, as in `a < b`, `<标题>` and `the <video> element`.
pub fn plain_name(html: &str) -> String {
    if !html.contains(['<', '&']) {
        return fold_whitespace(html);
    }
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        match mark_length(rest) {
            Some(length) => {
                let is_break = rest[..length].to_ascii_lowercase().starts_with("<br");
                text.push_str(if is_break { " " } else { "" });
                rest = &rest[length..];
            }
            None => {
                text.push('<');
                rest = &rest[1..];
            }
        }
    }
    text.push_str(rest);
    fold_whitespace(&decode_html_entities(&text))
}

/// Returns the length of the tag or the comment with which `rest` begins, if it is one of a mark.
fn mark_length(rest: &str) -> Option<usize> {
    let bytes = &rest.as_bytes()[..rest.len().min(MAX_MARK_BYTES)];
    if bytes.starts_with(b"<!--") {
        return memmem::find(bytes, b"-->").map(|end| end + 3);
    }
    let end = memchr(b'>', bytes)?;
    let tag = rest[1..end].strip_prefix('/').unwrap_or(&rest[1..end]);
    let (name, attributes) = tag.split_at(tag.find([' ', '\t', '\n', '/']).unwrap_or(tag.len()));
    let is_mark = MARKS.iter().any(|mark| mark.eq_ignore_ascii_case(name));
    let has_attributes = matches!(attributes.trim(), "" | "/") || attributes.contains('=');
    (is_mark && has_attributes).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marks_are_removed() {
        for (html, text) in [
            ("Weights &amp; <b>scales</b>", "Weights & scales"),
            ("a < b & c > d", "a < b & c > d"),
            ("x<y and y>z", "x<y and y>z"),
            ("《<标题>》 <3", "《<标题>》 <3"),
            ("the <video> element", "the <video> element"),
            ("if a<b c>d", "if a<b c>d"),
            ("one<br/>two&nbsp;<span class=\"x\">three</span>", "one two three"),
            ("AT&T &lt;b&gt;", "AT&T <b>"),
            ("a <!-- b --> c", "a c"),
        ] {
            assert_eq!(plain_name(html), text, "{html}");
        }
    }
}
