//! The addresses of images in bodies as they were sent.

use std::collections::HashSet;

use html5gum::Token;

use super::{render_markdown, tokens};
use crate::db::types::BodyFormat;

/// Attributes with the address of an image. Pages that load images late have it in one of the last.
const ADDRESS_ATTRIBUTES: [&[u8]; 5] = [b"src", b"poster", b"data-src", b"data-original", b"data-lazy-src"];
/// Attributes with a list of addresses.
const LIST_ATTRIBUTES: [&[u8]; 2] = [b"srcset", b"data-srcset"];

/// Finds the addresses of the images of a body, each once, in its order. An image that is in the text itself
/// (`data:`) has no address.
pub fn find_images(source: &str, format: BodyFormat) -> Vec<String> {
    let mut found = Addresses::default();
    match format {
        BodyFormat::Html => found.add_html(source),
        // A body that is refused has no images.
        BodyFormat::Markdown => found.add_html(&render_markdown(source).unwrap_or_default()),
        BodyFormat::Text => {}
    }
    found.list
}

/// Addresses, each once.
#[derive(Default)]
struct Addresses {
    list: Vec<String>,
    known: HashSet<String>,
}

impl Addresses {
    fn add(&mut self, address: &str) {
        let address = address.trim();
        let is_inline = address.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
        if !address.is_empty() && !is_inline && self.known.insert(address.to_owned()) {
            self.list.push(address.to_owned());
        }
    }

    fn add_html(&mut self, source: &str) {
        for token in tokens(source) {
            let Token::StartTag(tag) = token else { continue };
            let attributes: &[&[u8]] = match tag.name.as_slice() {
                b"img" => &ADDRESS_ATTRIBUTES,
                // Of a player, only the poster is an image.
                b"video" => &[b"poster"],
                b"image" => &[b"href", b"xlink:href", b"src"],
                b"source" => &[],
                _ => continue,
            };
            let value = |name: &[u8]| tag.attributes.get(name).map(|value| String::from_utf8_lossy(value));
            attributes.iter().filter_map(|name| value(name)).for_each(|address| self.add(&address));
            let lists = LIST_ATTRIBUTES.iter().filter_map(|name| value(name));
            lists.for_each(|list| split_srcset(&list).for_each(|address| self.add(address)));
        }
    }
}

/// The addresses of a `srcset`. An address may contain commas, but not end in one (HTML §4.8.4.3.4).
fn split_srcset(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ',');
        let end = rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len());
        let (address, after) = rest.split_at(end);
        if address.is_empty() {
            return None;
        }
        rest = match address.ends_with(',') {
            true => after,
            // The descriptor goes on to the next comma outside of parentheses.
            false => after.find(',').map_or("", |comma| &after[comma..]),
        };
        Some(address.trim_end_matches(','))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_images_of_a_body_are_found_once() {
        let html = "<p><img src=https://e.org/a.jpg><IMG SRC=' https://e.org/a.jpg '><img src='/b&amp;c.png?d=1&e'>\
            <img data-src=//e.org/lazy.webp src=data:image/gif;base64,R0><video poster=p.jpg src=v.mp4></video>\
            <picture><source srcset='s1.avif 1x, s2.avif 2x'><img srcset='a,b.jpg 480w,c.jpg 2x,d.jpg'></picture>\
            <audio src=a.mp3></audio><iframe src=https://e.org/f></iframe><svg><image href=i.svg /></svg>\
            <script>'<img src=no.jpg>'</script><!-- <img src=no.jpg> --><a href=no.jpg>x</a>";
        let expected = "https://e.org/a.jpg /b&c.png?d=1&e //e.org/lazy.webp p.jpg s1.avif s2.avif a,b.jpg c.jpg \
                        d.jpg i.svg";
        assert_eq!(find_images(html, BodyFormat::Html), expected.split_whitespace().collect::<Vec<_>>());
        assert_eq!(find_images(html, BodyFormat::Text), Vec::<String>::new());
    }

    #[test]
    fn images_of_markdown_are_found_in_its_html() {
        let source =
            "![a](https://e.org/a.png \"t\")\n\n![b][r] <img src=c.png> `![no](no.png)`\n\n[r]: b.png\n";
        assert_eq!(find_images(source, BodyFormat::Markdown), ["https://e.org/a.png", "b.png", "c.png"]);
    }
}
