//! Prepares the source of a page for the parser: nothing that shows is lost with the scripts.

use std::borrow::Cow;

use html5gum::{StartTag, Token};

use super::addresses::LAZY_ATTRIBUTES;
use super::lines::is_prose;
use crate::markup::html_text::html_to_text;
use crate::markup::{Stripped, attribute, rewrite_tags, tokens};

/// The attribute that holds the address of a frame, on the picture that stands for it.
pub const FRAME_ATTRIBUTE: &str = "data-frame-address";

/// Removes scripts and styles. Frames become pictures with [`FRAME_ATTRIBUTE`], so that their place is kept.
pub fn strip_page(source: &str) -> Stripped {
    rewrite_tags(
        &unwrap_raw_text(source),
        |_| true,
        |tag| (tag.name.as_slice() == b"iframe").then(|| stand_in_for_frame(tag)).flatten(),
    )
}

fn stand_in_for_frame(tag: &StartTag<usize>) -> Option<String> {
    let is_address = |source: &Cow<'_, str>| !matches!(source.trim(), "" | "about:blank");
    let names = ["src"].iter().chain(&LAZY_ATTRIBUTES);
    let source = names.filter_map(|name| attribute(tag, name)).find(is_address)?;
    let is_hidden = ["width", "height"].iter().any(|name| {
        attribute(tag, name).is_some_and(|size| matches!(size.trim().trim_end_matches("px"), "0" | "1"))
    });
    if is_hidden {
        return None;
    }
    let mut html = String::from("<img");
    let kept = ["title", "width", "height"].iter().filter_map(|name| Some((*name, attribute(tag, name)?)));
    for (name, value) in kept.chain([(FRAME_ATTRIBUTE, source)]) {
        let value = html_escape::encode_double_quoted_attribute(value.trim()).into_owned();
        html.extend([" ", name, "=\"", &value, "\""]);
    }
    html.push_str(if attribute(tag, "allowfullscreen").is_some() { " allowfullscreen>" } else { ">" });
    Some(html)
}

/// An element whose content is no markup for browsers: its tag and its content, with their places.
struct RawElement<'s> {
    name: Vec<u8>,
    start: usize,
    end: usize,
    content: &'s str,
}

/// The elements of these names whose content is raw text.
fn list_raw_elements<'s>(source: &'s str, names: &[&[u8]]) -> Vec<RawElement<'s>> {
    let (mut elements, mut open) = (Vec::new(), None);
    for token in tokens(source) {
        match token {
            Token::StartTag(tag) if names.contains(&tag.name.as_slice()) => {
                open = Some((tag.name.to_vec(), tag.span.start, tag.span.end));
            }
            Token::EndTag(tag) => {
                let Some((name, start, inner)) = open.take_if(|(name, ..)| *name == tag.name.as_slice())
                else {
                    continue;
                };
                let content = source.get(inner..tag.span.start).unwrap_or_default();
                elements.push(RawElement { name, start, end: tag.span.end, content });
            }
            _ => {}
        }
    }
    elements
}

/// Makes an element with `data-noscript` of each `noscript` with a picture in it, and `pre` of each `xmp`.
fn unwrap_raw_text(source: &str) -> String {
    let mut html = String::with_capacity(source.len());
    let mut copied = 0;
    for RawElement { name, start, end, content } in list_raw_elements(source, &[b"noscript", b"xmp"]) {
        if start < copied {
            continue;
        }
        let unwrapped = match name.as_slice() {
            b"xmp" => format!("<pre>{}</pre>", html_escape::encode_text(content)),
            _ if content.to_ascii_lowercase().contains("<img") => {
                format!("<span data-noscript=\"\">{content}</span>")
            }
            _ => continue,
        };
        html.push_str(&source[copied..start]);
        html.push_str(&unwrapped);
        copied = end;
    }
    html.push_str(&source[copied..]);
    html
}

/// The texts of frames that have them in their tags, and no address.
fn list_framed_texts(source: &str) -> Vec<String> {
    let texts = tokens(source).filter_map(|token| match token {
        Token::StartTag(tag) if tag.name.as_slice() == b"iframe" && stand_in_for_frame(&tag).is_none() => {
            attribute(&tag, "srcdoc").map(|html| html_to_text(&html))
        }
        _ => None,
    });
    texts.collect()
}

/// The sentences of a page that stand where no reader of it sees text: in fields of forms, and for browsers without
/// scripts. What is said about scripts and browsers is none.
pub fn find_hidden_sentences(source: &str) -> Vec<String> {
    const ABOUT_BROWSERS: [&str; 6] = ["script", "browser", "cookie", "脚本", "腳本", "浏览器"];
    let elements = list_raw_elements(source, &[b"noscript", b"textarea"]);
    let texts = elements.iter().filter(|element| !element.content.to_ascii_lowercase().contains("<img"));
    let texts = texts.map(|element| html_to_text(element.content));
    let is_told = |text: &String| {
        let lower = text.to_lowercase();
        is_prose(text, text.chars().count()) && !ABOUT_BROWSERS.iter().any(|word| lower.contains(word))
    };
    texts.chain(list_framed_texts(source)).filter(is_told).collect()
}
