//! Addresses in bodies, for readers that are not on the site.

use std::borrow::Cow;
use std::fmt::Write;

use html5gum::{StartTag, Token};
use url::{ParseError, Url};

use super::raw_elements::tokens;

/// Attributes that hold an address.
const ADDRESS_ATTRIBUTES: [&[u8]; 4] = [b"cite", b"href", b"poster", b"src"];

/// Makes the addresses in sanitised HTML absolute: paths that begin with a slash are on `site`, all others are as on `page`.
pub fn make_absolute<'h>(html: &'h str, site: &Url, page: &Url) -> Cow<'h, str> {
    rewrite_start_tags(html, |tag| rewrite_tag(tag, site, page))
}

/// Puts what `rewrite` returns in the place of start tags; all else stays as it is.
pub fn rewrite_start_tags(
    html: &str,
    mut rewrite: impl FnMut(&StartTag<usize>) -> Option<String>,
) -> Cow<'_, str> {
    if !html.contains('=') {
        return Cow::Borrowed(html);
    }
    let mut made = String::new();
    let mut kept = 0;
    for token in tokens(html) {
        let Token::StartTag(tag) = token else { continue };
        let Some(before) = html.get(kept..tag.span.start) else { continue };
        if let Some(written) = rewrite(&tag) {
            made.extend([before, &written]);
            kept = tag.span.end;
        }
    }
    match kept {
        0 => Cow::Borrowed(html),
        _ => Cow::Owned(made + html.get(kept..).unwrap_or_default()),
    }
}

/// The tag with absolute addresses. `None` if it has no other ones.
fn rewrite_tag(tag: &StartTag<usize>, site: &Url, page: &Url) -> Option<String> {
    let complete = |name: &[u8], value: &str| {
        ADDRESS_ATTRIBUTES.contains(&name).then(|| find_absolute(value, site, page)).flatten()
    };
    let attributes: Vec<(Cow<'_, str>, Cow<'_, str>, Option<String>)> = tag
        .attributes
        .iter()
        .map(|(name, value)| {
            let text = String::from_utf8_lossy(value.as_slice());
            let absolute = complete(name.as_slice(), &text);
            (String::from_utf8_lossy(name.as_slice()), text, absolute)
        })
        .collect();
    if attributes.iter().all(|(_, _, absolute)| absolute.is_none()) {
        return None;
    }
    let attributes =
        attributes.iter().map(|(name, value, absolute)| (&**name, absolute.as_deref().unwrap_or(value)));
    Some(write_start_tag(tag, attributes))
}

/// The attributes of a start tag, decoded.
pub fn read_attributes(tag: &StartTag<usize>) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    tag.attributes.iter().map(|(name, value)| (text(name), text(value.as_slice()))).collect()
}

/// The start tag with these attributes in the place of its own.
pub fn write_start_tag<N, V>(tag: &StartTag<usize>, attributes: impl IntoIterator<Item = (N, V)>) -> String
where
    N: AsRef<str>,
    V: AsRef<str>,
{
    let mut written = format!("<{}", String::from_utf8_lossy(&tag.name));
    for (name, value) in attributes {
        let value = html_escape::encode_double_quoted_attribute(value.as_ref());
        // Writing to a string does not fail.
        let _ = write!(written, " {}=\"{value}\"", name.as_ref());
    }
    written.push('>');
    written
}

/// The absolute form of a relative address. `None` if it is none, or has none.
fn find_absolute(address: &str, site: &Url, page: &Url) -> Option<String> {
    let address = address.trim();
    if address.is_empty() || Url::parse(address) != Err(ParseError::RelativeUrlWithoutBase) {
        return None;
    }
    let is_path = address.starts_with('/') && !address.starts_with("//");
    let base = if is_path { site } else { page };
    base.join(address).ok().map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_addresses_become_absolute_and_nothing_else_changes() {
        let site = Url::parse("https://news.example.org").unwrap();
        let page = Url::parse("https://m.example.org/sea/tide").unwrap();
        for (html, expected) in [
            ("<p>a &lt; b href=\"/x\"</p>", "<p>a &lt; b href=\"/x\"</p>"),
            ("<a href=\"/a?b=1&amp;c=2\">x</a>", "<a href=\"https://news.example.org/a?b=1&amp;c=2\">x</a>"),
            ("<img alt='\"' src='b.png'>y", "<img alt=\"&quot;\" src=\"https://m.example.org/sea/b.png\">y"),
            (
                "<a href=\"#user-content-1\">1</a>",
                "<a href=\"https://m.example.org/sea/tide#user-content-1\">1</a>",
            ),
            ("<img src=\"//i.example/a.png\">", "<img src=\"https://i.example/a.png\">"),
            (
                "<a href=\"\">x</a><a href=\"mailto:a@b.c\">y</a>",
                "<a href=\"\">x</a><a href=\"mailto:a@b.c\">y</a>",
            ),
            ("<a href=\"https://a.example/x\">x</a>", "<a href=\"https://a.example/x\">x</a>"),
            ("<q cite=\"../z\">质</q>", "<q cite=\"https://m.example.org/z\">质</q>"),
            (
                "<video controls=\"\" src=\"/v.mp4\"></video>",
                "<video controls=\"\" src=\"https://news.example.org/v.mp4\"></video>",
            ),
        ] {
            assert_eq!(make_absolute(html, &site, &page), expected);
        }
    }
}
