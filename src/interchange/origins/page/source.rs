//! Prepares the source of a page for the parser: nothing that shows is lost with the scripts.

use html5gum::{StartTag, Token};

use crate::markup::{Stripped, attribute, rewrite_tags, tokens};

/// The attribute that holds the address of a frame, on the picture that stands for it.
pub const FRAME_ATTRIBUTE: &str = "data-frame-address";

/// Removes scripts and styles. Frames become pictures with [`FRAME_ATTRIBUTE`], so that their place is kept.
pub fn strip_page(source: &str) -> Stripped {
    rewrite_tags(
        &unwrap_noscript(source),
        |_| true,
        |tag| (tag.name.as_slice() == b"iframe").then(|| stand_in_for_frame(tag)).flatten(),
    )
}

fn stand_in_for_frame(tag: &StartTag<usize>) -> Option<String> {
    let source = ["src", "data-src"]
        .iter()
        .find_map(|name| attribute(tag, name).filter(|src| !src.trim().is_empty()))?;
    let is_hidden = ["width", "height"].iter().any(|name| {
        attribute(tag, name).is_some_and(|size| matches!(size.trim().trim_end_matches("px"), "0" | "1"))
    });
    let source = html_escape::encode_double_quoted_attribute(source.trim()).into_owned();
    (!is_hidden && source != "about:blank").then(|| format!("<img {FRAME_ATTRIBUTE}=\"{source}\">"))
}

/// Makes an element with `data-noscript` of each `noscript` with a picture in it.
pub fn unwrap_noscript(source: &str) -> String {
    let mut html = String::with_capacity(source.len());
    let (mut copied, mut open) = (0, None);
    for token in tokens(source) {
        match token {
            Token::StartTag(tag) if tag.name.as_slice() == b"noscript" => {
                open = Some((tag.span.start, tag.span.end))
            }
            Token::EndTag(tag) if tag.name.as_slice() == b"noscript" => {
                let Some((start, inner)) = open.take() else { continue };
                let Some(content) = source.get(inner..tag.span.start) else { continue };
                if content.to_ascii_lowercase().contains("<img") && start >= copied {
                    html.push_str(&source[copied..start]);
                    html.extend(["<span data-noscript=\"\">", content, "</span>"]);
                    copied = tag.span.end;
                }
            }
            _ => {}
        }
    }
    html.push_str(&source[copied..]);
    html
}
