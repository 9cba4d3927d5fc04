//! Pictures of the server itself in bodies as they were sent.
//!
//! Readers get them with sizes and addresses that change with the settings. What is sent back is kept in its short form,
//! `<img src="/media/{id}">`, so that a body that was read can be written again.

use std::borrow::Cow;

use html5gum::StartTag;

use super::addresses::{read_attributes, rewrite_start_tags, write_start_tag};

/// Attributes that readers get and that are made again.
const MADE_ATTRIBUTES: [&[u8]; 3] = [b"srcset", b"sizes", b"loading"];

/// Shortens the addresses of the server's own media, which are below `bases` or are paths.
pub fn shorten<'h>(html: &'h str, bases: &[String]) -> Cow<'h, str> {
    if !html.contains("/media/") {
        return Cow::Borrowed(html);
    }
    rewrite_start_tags(html, |tag| shorten_tag(tag, bases))
}

fn shorten_tag(tag: &StartTag<usize>, bases: &[String]) -> Option<String> {
    let attributes = read_attributes(tag);
    let own = |value: &str| shorten_address(value, bases);
    let is_picture = tag.name.as_slice() == b"img"
        && attributes.iter().any(|(name, value)| name == "src" && find_media_path(value, bases).is_some());
    if !is_picture && !attributes.iter().any(|(_, value)| own(value).is_some()) {
        return None;
    }
    let is_kept = |name: &str| !is_picture || !MADE_ATTRIBUTES.contains(&name.as_bytes());
    let kept = attributes.into_iter().filter(|(name, _)| is_kept(name));
    Some(write_start_tag(tag, kept.map(|(name, value)| (name, own(&value).unwrap_or(value)))))
}

/// Whether an address is the path of media of this server.
pub fn is_own_media(address: &str) -> bool {
    find_media_path(address, &[]).is_some()
}

/// The path of media of this server, and what follows it.
fn find_media_path<'a>(address: &'a str, bases: &[String]) -> Option<(&'a str, &'a str)> {
    let address = address.trim();
    let path = bases.iter().find_map(|base| address.strip_prefix(base.as_str())).unwrap_or(address);
    let (path, rest) = path.split_at_checked("/media/".len() + 36)?;
    let id = path.strip_prefix("/media/")?;
    let is_id = uuid::Uuid::try_parse(id).is_ok() && id.len() == 36;
    (is_id && matches!(rest.as_bytes().first(), None | Some(b'/' | b'?'))).then_some((path, rest))
}

/// The short form of an address that the server has made: `/media/{id}` for one of `/media/{id}/{preset}-{digest}`.
pub fn shorten_address(address: &str, bases: &[String]) -> Option<String> {
    let (path, rest) = find_media_path(address, bases)?;
    let file = rest.split('?').next().unwrap_or_default().strip_prefix('/');
    let is_made = file.is_none_or(|file| {
        let digest = file.split_once('-').map(|(_, digest)| digest.split('.').next().unwrap_or_default());
        digest.is_some_and(|digest| digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()))
    });
    (is_made && address.trim() != path).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "019378c4-8a3e-7d10-b1b5-9f7c2f1f3c00";
    const DIGEST: &str = "3f2a9c0d5e6b7a8190c1d2e3f4a5b6c7";

    #[test]
    fn what_was_read_is_kept_in_its_short_form() {
        let bases = ["https://news.example.org".to_owned()];
        let read = format!(
            "<p>a<img src=\"https://news.example.org/media/{ID}/w960-{DIGEST}\" srcset=\"x 1w\" loading=\"lazy\" alt=\"b\" \
             width=\"3\"><a href=\"/media/{ID}/file-{DIGEST}.pdf?exp=1&amp;sig=x\">c</a>"
        );
        let short =
            format!("<p>a<img alt=\"b\" src=\"/media/{ID}\" width=\"3\"><a href=\"/media/{ID}\">c</a>");
        assert_eq!(shorten(&read, &bases), short);
        assert_eq!(shorten(&short, &bases), short, "once more");
    }

    #[test]
    fn pictures_of_others_stay_as_they_are() {
        for html in [
            format!("<img src=\"https://other.example/media/{ID}/w960-{DIGEST}\" loading=\"lazy\">"),
            format!("<img src=\"/media/{ID}/thumb.jpg\">"),
            format!("<a href=\"/media/{ID}x\">a</a>"),
            "<img src=\"/media/a.jpg\" loading=\"lazy\">".to_owned(),
        ] {
            assert_eq!(shorten(&html, &["https://news.example.org".to_owned()]), html);
        }
    }
}
