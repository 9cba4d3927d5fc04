//! Media in bodies, for readers: with the addresses and the sizes that they have now.

use std::borrow::Cow;

use html5gum::StartTag;

use super::addresses::{Addresses, Image, UsedMedia};
use crate::markup::addresses::{read_attributes, rewrite_start_tags, write_start_tag};

/// The order in which readers get the attributes of a picture, before all others.
const ORDER: [&str; 7] = ["src", "srcset", "sizes", "width", "height", "alt", "loading"];
/// Attributes with an address, besides those of pictures.
const ADDRESS_ATTRIBUTES: [&str; 3] = ["href", "poster", "src"];

/// Completes the pictures of a body that are media: with `src`, `srcset`, `sizes`, `width`, `height`, `alt` and `loading`. What
/// the writer has said of them stays. Links to media get the address of the file.
///
/// Pictures that the reader may not have are left out, and links to such files lead nowhere. Media that are not in `media` stay
/// as they are written.
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
    let attributes = read_attributes(tag);
    let find = |address: &str| addresses.find(address, media);
    let completed = if tag.name.as_slice() == b"img" {
        let (_, src) = attributes.iter().find(|(name, _)| name == "src")?;
        let found = find(src)?;
        match addresses.image(found) {
            Some(image) => complete_picture(attributes, image),
            // A picture for others, or a file that is none.
            None if addresses.file(found).is_none() => return Some(String::new()),
            None => return None,
        }
    } else {
        complete_links(attributes, &find, addresses)?
    };
    Some(write_start_tag(tag, completed))
}

/// The attributes of a picture, with those that are missing.
fn complete_picture(mut attributes: Vec<(String, String)>, image: Image) -> Vec<(String, String)> {
    // What a picture shows is told by its media where the writer has not told it.
    attributes.retain(|(name, value)| name != "src" && !(name == "alt" && value.is_empty()));
    let has = |name: &str| attributes.iter().any(|(known, _)| known == name);
    let mut made = vec![("src", Some(image.src))];
    if image.srcset.is_some() {
        made.extend([("srcset", image.srcset), ("sizes", Some("auto, 100vw".to_owned()))]);
    }
    if !has("width") && !has("height") {
        let side = |side: Option<u32>| side.map(|side| side.to_string());
        made.extend([("width", side(image.width)), ("height", side(image.height))]);
    }
    made.extend([("alt", Some(image.alt)), ("loading", Some("lazy".to_owned()))]);
    made.retain(|(name, value)| value.is_some() && !has(name));
    attributes.extend(made.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    // In one order, whatever was written and whatever is made: what was read and written again is read as before.
    let place = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
    attributes.sort_by(|(one, _), (other, _)| (place(one), one).cmp(&(place(other), other)));
    attributes
}

/// The attributes of an element with the addresses of its media. `None` if it has none.
fn complete_links<'m>(
    attributes: Vec<(String, String)>,
    find: &impl Fn(&str) -> Option<&'m UsedMedia>,
    addresses: &Addresses,
) -> Option<Vec<(String, String)>> {
    let is_link = |(name, value): &(String, String)| {
        ADDRESS_ATTRIBUTES.contains(&name.as_str()) && find(value).is_some()
    };
    if !attributes.iter().any(is_link) {
        return None;
    }
    let complete = |pair: (String, String)| match is_link(&pair) {
        true => Some((pair.0, addresses.file(find(&pair.1)?)?)),
        false => Some(pair),
    };
    Some(attributes.into_iter().filter_map(complete).collect())
}
