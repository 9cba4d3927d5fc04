//! Cuts HTML into tags, comments and texts. No byte of it is in none of them.

use html5gum::Token;

use crate::markup::tokens;

/// A part of HTML.
#[derive(Debug)]
pub struct Slice<'s> {
    /// What it is; `None` if it is something that HTML does not know.
    pub token: Option<Token<usize>>,
    /// Its source.
    pub text: &'s str,
}

/// Cuts HTML into its parts. Joined, their sources are `source`.
pub fn slices(source: &str) -> Vec<Slice<'_>> {
    let (mut parts, mut at) = (Vec::new(), 0);
    for token in tokens(source) {
        let span = match &token {
            Token::StartTag(tag) => tag.span,
            Token::EndTag(tag) => tag.span,
            Token::String(text) => text.span,
            Token::Comment(comment) => comment.span,
            Token::Doctype(doctype) => doctype.span,
            Token::Error(_) => continue,
        };
        // A token has the source from the end of the one before it.
        let (Some(between), Some(text)) = (source.get(at..span.start), source.get(span.start..span.end))
        else {
            continue;
        };
        if !between.is_empty() {
            parts.push(Slice { token: None, text: between });
        }
        parts.push(Slice { token: Some(token), text });
        at = span.end;
    }
    if let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        parts.push(Slice { token: None, text: rest });
    }
    parts
}

/// Whether an element has no end tag.
pub fn is_void(name: &[u8]) -> bool {
    matches!(
        name,
        b"area" | b"br" | b"col" | b"embed" | b"hr" | b"img" | b"input" | b"source" | b"track" | b"wbr"
    )
}
