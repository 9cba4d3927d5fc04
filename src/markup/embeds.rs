//! Frames, video and sound: what is safe stays, all else becomes a link to its address.

use std::collections::HashSet;

use html5gum::{StartTag, Token};
use url::{ParseError, Url};

use super::own_media::is_own_media;
use super::raw_elements::{attribute, tokens};

/// What a framed player may do: run, in its own origin, and open its site. It cannot reach the page.
pub const SANDBOX: &str = "allow-scripts allow-same-origin allow-presentation allow-popups";
/// When a frame loads.
pub const LOADING: &str = "lazy";
/// What a framed site learns of the page.
pub const REFERRER_POLICY: &str = "strict-origin-when-cross-origin";

/// What becomes of an element that shows something of another address.
#[derive(Debug, PartialEq, Eq)]
pub enum Embed {
    /// It is no such element, or stays as it is.
    Untouched,
    /// It stays, as this HTML.
    Kept(String),
    /// A link to its address takes its place.
    Linked(String),
    /// The links to the addresses of the elements in it take its place.
    Unwrapped,
    /// It has no address that a link may have.
    Dropped,
}

/// Whether `address` is https and of one of `hosts`, on the usual port and without a user.
pub fn is_embeddable(hosts: &[String], address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| has_host_of(hosts, &url))
}

fn has_host_of(hosts: &[String], url: &Url) -> bool {
    url.scheme() == "https"
        && url.port().is_none()
        && url.username().is_empty()
        && url.password().is_none()
        && url.host_str().is_some_and(|host| hosts.iter().any(|known| known == host))
}

/// Decides on the embeds of one text.
pub struct Embeds<'h> {
    hosts: &'h [String],
    /// Where the tags of videos and sounds begin of which no address is https, and those of their sources.
    unplayable: HashSet<usize>,
}

impl<'h> Embeds<'h> {
    /// Looks for the videos and sounds of `html` that cannot be played.
    pub fn find(hosts: &'h [String], html: &str) -> Self {
        let mut embeds = Self { hosts, unplayable: HashSet::new() };
        let mut open: Option<Media> = None;
        for token in tokens(html) {
            match token {
                Token::StartTag(tag) if is_media(&tag.name) => {
                    embeds.add_media(open.take());
                    open = attribute(&tag, "src").is_none().then(|| Media::new(tag.span.start));
                }
                Token::StartTag(tag) if tag.name.as_slice() == b"source" => {
                    if let Some(media) = &mut open {
                        media.add_source(&tag);
                    }
                }
                Token::EndTag(tag) if is_media(&tag.name) => embeds.add_media(open.take()),
                _ => {}
            }
        }
        embeds.add_media(open);
        embeds
    }

    fn add_media(&mut self, media: Option<Media>) {
        if let Some(media) = media.filter(|media| media.has_link && !media.is_playable) {
            self.unplayable.extend(media.tags);
        }
    }

    /// Decides on the element of a start tag.
    pub fn decide(&self, tag: &StartTag<usize>) -> Embed {
        let is_unplayable = self.unplayable.contains(&tag.span.start);
        match tag.name.as_slice() {
            b"iframe" => decide_frame(self.hosts, tag),
            b"audio" | b"video" if is_unplayable => Embed::Unwrapped,
            b"audio" | b"video" => match attribute(tag, "src") {
                // Its addresses are those of the elements in it.
                None => Embed::Untouched,
                Some(address) if is_playable_address(&address) => Embed::Untouched,
                Some(address) => link_to(tag, &address),
            },
            b"source" if is_unplayable => link_to_source(tag),
            b"source" | b"track"
                if !attribute(tag, "src").is_some_and(|address| is_playable_address(&address)) =>
            {
                Embed::Dropped
            }
            _ => Embed::Untouched,
        }
    }
}

/// A video or sound without an address of its own.
struct Media {
    /// Where its tag begins, and those of its sources.
    tags: Vec<usize>,
    has_link: bool,
    is_playable: bool,
}

impl Media {
    fn new(start: usize) -> Self {
        Self { tags: vec![start], has_link: false, is_playable: false }
    }

    fn add_source(&mut self, tag: &StartTag<usize>) {
        self.tags.push(tag.span.start);
        self.is_playable |= attribute(tag, "src").is_some_and(|address| is_playable_address(&address));
        self.has_link |= matches!(link_to_source(tag), Embed::Linked(_));
    }
}

fn is_media(name: &[u8]) -> bool {
    matches!(name, b"audio" | b"video")
}

fn link_to_source(tag: &StartTag<usize>) -> Embed {
    link_to(tag, &attribute(tag, "src").unwrap_or_default())
}

fn decide_frame(hosts: &[String], tag: &StartTag<usize>) -> Embed {
    let source = attribute(tag, "src").unwrap_or_default();
    // Embed codes often leave the scheme out.
    let address = match source.trim().strip_prefix("//") {
        Some(rest) => format!("https://{rest}"),
        None => source.trim().to_owned(),
    };
    match Url::parse(&address) {
        Ok(url) if has_host_of(hosts, &url) => Embed::Kept(write_frame(tag, url.as_str())),
        _ => link_to(tag, &address),
    }
}

/// A link to `address`, with the title of the element as its text.
fn link_to(tag: &StartTag<usize>, address: &str) -> Embed {
    let address = match Url::parse(address) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url.to_string(),
        Err(ParseError::RelativeUrlWithoutBase) if !address.trim().is_empty() => address.to_owned(),
        _ => return Embed::Dropped,
    };
    let title = attribute(tag, "title").filter(|title| !title.trim().is_empty());
    let text = html_escape::encode_text(title.as_deref().unwrap_or(&address));
    Embed::Linked(format!("<a href=\"{}\">{text}</a>", escape(&address)))
}

/// Whether an address is absolute, and https, or is that of media of this server.
pub fn is_playable_address(address: &str) -> bool {
    is_own_media(address) || Url::parse(address).is_ok_and(|url| url.scheme() == "https")
}

fn write_frame(tag: &StartTag<usize>, address: &str) -> String {
    let mut html = format!("<iframe src=\"{}\"", escape(address));
    for name in ["width", "height", "title"] {
        if let Some(value) = attribute(tag, name).filter(|value| keeps_frame_attribute(name, value)) {
            let value = if name == "title" { value.trim() } else { trim_pixels(&value) };
            html.push_str(&format!(" {name}=\"{}\"", escape(value)));
        }
    }
    if attribute(tag, "allowfullscreen").is_some() {
        html.push_str(" allowfullscreen=\"\"");
    }
    html.push_str(&format!(
        " sandbox=\"{SANDBOX}\" loading=\"{LOADING}\" referrerpolicy=\"{REFERRER_POLICY}\"></iframe>"
    ));
    html
}

/// Whether a frame that stays keeps this attribute, or gets one in its place.
pub fn keeps_frame_attribute(name: &str, value: &str) -> bool {
    match name {
        "width" | "height" => is_size(trim_pixels(value)),
        "allowfullscreen" | "loading" | "referrerpolicy" | "sandbox" | "src" | "title" => true,
        _ => false,
    }
}

/// A size without its unit, if that is the pixel.
fn trim_pixels(value: &str) -> &str {
    let value = value.trim();
    value.strip_suffix("px").unwrap_or(value).trim_end()
}

fn escape(value: &str) -> std::borrow::Cow<'_, str> {
    html_escape::encode_double_quoted_attribute(value)
}

/// Whether a width or a height is a number of pixels, or of per cent.
pub fn is_size(value: &str) -> bool {
    let digits = value.strip_suffix('%').unwrap_or(value);
    (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}
