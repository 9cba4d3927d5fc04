//! Pictures, recordings and their captions, as HTML.

use html_escape::encode_double_quoted_attribute;

use super::links::{is_web_address, write_link};
use super::shortcode_tag::Shortcode;
use super::site::Attachment;

/// Attributes of players that hold the address of a recording, `src` first.
const SOURCES: [&str; 14] =
    ["src", "mp4", "m4v", "webm", "ogv", "wmv", "flv", "mov", "mp3", "m4a", "ogg", "wav", "wma", "flac"];
/// Endings of the names of pictures.
const PICTURES: [&str; 12] =
    ["avif", "bmp", "gif", "heic", "ico", "jpe", "jpeg", "jpg", "png", "svg", "tiff", "webp"];

fn escape(value: &str) -> std::borrow::Cow<'_, str> {
    encode_double_quoted_attribute(value)
}

/// Whether an address ends like one of a picture.
pub fn is_picture(address: &str) -> bool {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit('.').next().unwrap_or_default();
    PICTURES.iter().any(|known| known.eq_ignore_ascii_case(ending))
}

/// A picture of a gallery, with its caption.
pub fn write_picture(attachment: &Attachment) -> String {
    if !is_picture(&attachment.url) {
        return write_track(attachment);
    }
    let caption = match attachment.caption.trim() {
        "" => String::new(),
        caption => format!("<figcaption>{caption}</figcaption>"),
    };
    let (url, alt) = (escape(&attachment.url), escape(&attachment.alt));
    format!("<figure><img src=\"{url}\" alt=\"{alt}\">{caption}</figure>\n")
}

/// A recording of a playlist, with its title.
pub fn write_track(attachment: &Attachment) -> String {
    let title = html_escape::encode_text(&attachment.title);
    let text = if title.is_empty() { escape(&attachment.url) } else { title };
    format!("<p><a href=\"{}\">{text}</a></p>\n", escape(&attachment.url))
}

/// What `[caption]` holds as a figure: its picture, perhaps in a link, and the text that follows. Old exports
/// have the text in an attribute.
pub fn write_caption(inside: &str, attribute: &str) -> String {
    let inside = inside.trim();
    let (picture, text) = inside.split_at(find_picture_end(inside));
    let text = if text.trim().is_empty() { attribute } else { text.trim() };
    if text.is_empty() {
        return picture.to_owned();
    }
    format!("\n<figure>{}<figcaption>{text}</figcaption></figure>\n", picture.trim())
}

/// Returns the length of the picture with which `inside` begins. Without one, all is the picture.
fn find_picture_end(inside: &str) -> usize {
    let Some(end) = inside.find("<img").and_then(|at| Some(at + inside[at..].find('>')? + 1)) else {
        return inside.len();
    };
    let rest = &inside[end..];
    let link_end = rest.trim_start().starts_with("</a>").then(|| rest.find("</a>")).flatten();
    end + link_end.map_or(0, |at| at + 4)
}

/// A player for `[video]` or `[audio]`. Returns `None` if it names no recording.
pub fn write_player(code: &Shortcode<'_>, element: &str, inside: &str) -> Option<String> {
    let mut sources: Vec<&str> = SOURCES.iter().filter_map(|name| code.attribute(name)).collect();
    sources.extend(code.attribute("0"));
    let inside = inside.trim();
    let is_address = is_web_address(inside);
    if is_address {
        sources.push(inside);
    }
    let mut seen = std::collections::HashSet::new();
    sources.retain(|source| seen.insert(*source));
    let first = sources.first()?;
    // A page of a video site is no file that a player can play.
    let has_file_name = |source: &&str| {
        let path = source.split(['?', '#']).next().unwrap_or_default();
        path.rsplit('/').next().is_some_and(|name| name.contains('.')) && path.matches('/').count() != 2
    };
    let rest = if is_address { "" } else { inside };
    if sources.len() == 1 && !has_file_name(first) {
        return Some(format!("\n<p>{}</p>\n{rest}", write_link(&escape(first))));
    }
    let mut html = format!("\n<p><{element} controls");
    let names = ["poster", "width", "height"];
    for (name, value) in names.iter().filter_map(|name| Some((name, code.attribute(name)?))) {
        html.push_str(&format!(" {name}=\"{}\"", escape(value)));
    }
    match sources.as_slice() {
        [source] => html.push_str(&format!(" src=\"{}\">", escape(source))),
        sources => {
            html.push('>');
            html.extend(sources.iter().map(|source| format!("<source src=\"{}\">", escape(source))));
        }
    }
    let is_track = inside.starts_with("<track") || inside.starts_with("<source");
    let (inner, after) = if is_track { (rest, "") } else { ("", rest) };
    html.push_str(&format!("{inner}</{element}></p>\n{after}"));
    Some(html)
}
