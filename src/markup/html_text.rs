//! Extracts plain text from HTML.

use html5gum::Token;

use crate::markup::{opens_raw_text, tokens};

/// The text of an HTML fragment or page, with entities decoded. A block element ends a line.
/// Scripts and styles are left out.
pub fn html_to_lines(source: &str) -> String {
    let mut text = String::new();
    let mut is_raw = false;
    for token in tokens(source) {
        let (tag, opens_raw) = match &token {
            Token::StartTag(tag) => (&tag.name, opens_raw_text(source, tag)),
            Token::EndTag(tag) => (&tag.name, false),
            Token::String(words) if !is_raw => {
                text.push_str(&String::from_utf8_lossy(words).replace(['\r', '\n'], " "));
                continue;
            }
            _ => continue,
        };
        is_raw = opens_raw;
        match tag.as_slice() {
            b"a" | b"abbr" | b"b" | b"em" | b"font" | b"i" | b"mark" | b"strong" | b"sub" | b"sup" | b"u" => {
            }
            b"span" | b"td" | b"th" | b"time" | b"label" | b"img" => text.push(' '),
            _ => text.push('\n'),
        }
    }
    text
}

/// The text of an HTML fragment on one line, with white space folded.
pub fn html_to_text(source: &str) -> String {
    html_to_lines(source).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_html_is_read_in_lines() {
        let source = "<h1>质量 &amp; <b>计</b>量</h1><p>一<span>二</span>\n三<script>x</script></p>";
        assert_eq!(html_to_text(source), "质量 & 计量 一 二 三");
        assert_eq!(html_to_lines(source).lines().filter(|line| !line.is_empty()).count(), 2);
    }
}
