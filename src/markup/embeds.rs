//! Frames, video and sound: what is safe stays, all else becomes a link to its address.

use html5gum::StartTag;
use url::{ParseError, Url};

use super::raw_elements::attribute;

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

/// Decides on the element of a start tag.
pub fn decide_embed(hosts: &[String], tag: &StartTag<usize>) -> Embed {
    match tag.name.as_slice() {
        b"iframe" => decide_frame(hosts, tag),
        b"audio" | b"video" => match attribute(tag, "src") {
            // Its addresses are those of the elements in it.
            None => Embed::Untouched,
            Some(address) if is_https(&address) => Embed::Untouched,
            Some(address) => link_to(tag, &address),
        },
        b"source" | b"track" if !attribute(tag, "src").is_some_and(|address| is_https(&address)) => {
            Embed::Dropped
        }
        _ => Embed::Untouched,
    }
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

/// Whether an address is absolute, and https.
pub fn is_https(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| url.scheme() == "https")
}

fn write_frame(tag: &StartTag<usize>, address: &str) -> String {
    let mut html = format!("<iframe src=\"{}\"", escape(address));
    for name in ["width", "height", "title"] {
        let is_kept = |value: &str| name == "title" || is_size(value);
        if let Some(value) = attribute(tag, name).filter(|value| is_kept(value)) {
            html.push_str(&format!(" {name}=\"{}\"", escape(&value)));
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

fn escape(value: &str) -> std::borrow::Cow<'_, str> {
    html_escape::encode_double_quoted_attribute(value)
}

/// Whether a width or a height is a number of pixels, or of per cent.
pub fn is_size(value: &str) -> bool {
    let digits = value.strip_suffix('%').unwrap_or(value);
    (1..=5).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}
