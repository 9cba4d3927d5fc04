//! Media in bodies, for readers: with the addresses and the sizes that they have now.

use std::borrow::Cow;

use html5gum::StartTag;

use super::addresses::{Addresses, UsedMedia};
use crate::markup::addresses::{rewrite_start_tags, write_start_tag};

/// Attributes with an address, besides those of pictures.
const ADDRESS_ATTRIBUTES: [&str; 3] = ["href", "poster", "src"];

/// Completes the pictures of a body that are media: with `src`, `srcset`, `width`, `height`, `alt` and `loading`. What the
/// writer has said of them stays. Links to media get the address of the file.
///
/// Media that are not in `media`, or that the reader may not have, stay as they are written.
pub fn complete_body(html: String, media: &[UsedMedia], addresses: &Addresses) -> String {
    if media.is_empty() {
        return html;
    }
    match rewrite_start_tags(&html, |tag| complete_tag(tag, media, addresses)) {
        Cow::Borrowed(_) => html,
        Cow::Owned(completed) => completed,
    }
}

fn complete_tag(tag: &StartTag<usize>, media: &[UsedMedia], addresses: &Addresses) -> Option<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut attributes: Vec<(String, String)> =
        tag.attributes.iter().map(|(name, value)| (text(name), text(value.as_slice()))).collect();
    let find = |address: &str| {
        let id = addresses.find_id(address)?;
        media.iter().find(|media| media.id == id)
    };
    let mut is_changed = false;
    if tag.name.as_slice() == b"img" {
        let src = attributes.iter().position(|(name, _)| name == "src")?;
        let image = addresses.image(find(&attributes[src].1)?)?;
        attributes[src].1 = image.src;
        let mut add = |name: &str, value: String| {
            if attributes.iter().all(|(known, _)| known != name) {
                attributes.push((name.to_owned(), value));
            }
        };
        if let Some(srcset) = image.srcset {
            add("srcset", srcset);
        }
        let has_size =
            tag.attributes.keys().any(|name| [b"width".as_slice(), b"height"].contains(&name.as_slice()));
        if let (Some(width), Some(height), false) = (image.width, image.height, has_size) {
            add("width", width.to_string());
            add("height", height.to_string());
        }
        add("alt", image.alt);
        add("loading", "lazy".to_owned());
        is_changed = true;
    } else {
        for (name, value) in &mut attributes {
            if ADDRESS_ATTRIBUTES.contains(&name.as_str())
                && let Some(address) = find(value).and_then(|media| addresses.file(media))
            {
                *value = address;
                is_changed = true;
            }
        }
    }
    let pairs = attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    is_changed.then(|| write_start_tag(&text(&tag.name), pairs))
}
