//! Addresses in Ghost exports: what stands for the site in them, and what a web address may not hold.

use html5gum::Token;
use url::Url;

use crate::markup::tokens;

/// What stands for the site's address in exports since Ghost 4.
const PLACEHOLDER: &str = "__GHOST_URL__";
/// Longest address of an article's source or cover.
const MAX_ADDRESS_CHARS: usize = 2000;
/// Attributes that hold an address.
const ADDRESS_ATTRIBUTES: [&str; 6] = ["src", "href", "poster", "srcset", "data-src", "data-srcset"];

/// The address of the site that was exported, if it is known.
#[derive(Clone, Debug, Default)]
pub struct SiteAddress(Option<Url>);

impl SiteAddress {
    /// The site at an address. `None` if it is no web address.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok()?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
        is_web.then_some(Self(Some(url)))
    }

    /// Whether the address is known.
    pub fn is_known(&self) -> bool {
        self.0.is_some()
    }

    /// The host, with its port if that is unusual.
    pub fn host(&self) -> Option<String> {
        let url = self.0.as_ref()?;
        let host = url.host_str()?.to_lowercase();
        Some(url.port().map_or(host.clone(), |port| format!("{host}:{port}")))
    }

    /// The address of a page of the site.
    pub fn page(&self, slug: &str) -> Option<String> {
        Some(encode_address(&format!("{}/{slug}/", self.base()?)))
    }

    /// The address without the slash at its end.
    fn base(&self) -> Option<String> {
        self.0.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned())
    }

    /// The site without its path.
    fn origin(&self) -> Option<String> {
        self.0.as_ref().map(|url| url.origin().ascii_serialization())
    }

    /// Makes an address absolute, as far as the site is known.
    pub fn complete(&self, address: &str) -> String {
        let address = address.trim();
        let own = address.strip_prefix(PLACEHOLDER);
        let path = own.unwrap_or(address);
        let is_root = path.starts_with('/') && !path.starts_with("//");
        let before = match (own, is_root && path.starts_with("/content/")) {
            (None, false) if path.starts_with("//") => Some("https:".to_owned()),
            (None, false) if !is_root => None,
            (None, false) => self.origin(),
            _ => self.base(),
        };
        encode_address(&format!("{}{path}", before.unwrap_or_default()))
    }

    /// Makes the addresses in HTML absolute, as far as the site is known, and encodes the spaces in them.
    pub fn complete_html(&self, html: &str) -> String {
        let base = self.base().unwrap_or_default();
        let html = html.replace(PLACEHOLDER, &base);
        let (mut completed, mut kept) = (String::with_capacity(html.len()), 0);
        for token in tokens(&html) {
            let Token::StartTag(tag) = token else { continue };
            let Some(source) = html.get(tag.span.start..tag.span.end).filter(|_| tag.span.start >= kept)
            else {
                continue;
            };
            completed.push_str(&html[kept..tag.span.start]);
            completed.push_str(&self.complete_tag(source));
            kept = tag.span.end;
        }
        completed.push_str(&html[kept..]);
        completed
    }

    /// Makes the addresses in a start tag absolute that begin with a slash, and encodes the spaces in all.
    fn complete_tag(&self, tag: &str) -> String {
        let mut completed = String::with_capacity(tag.len());
        let mut rest = tag;
        while let Some(at) = rest.find('=') {
            let (before, after) = rest.split_at(at + 1);
            completed.push_str(before);
            let name = before[..at].trim_end().rsplit(|c: char| c.is_whitespace() || c == '"' || c == '\'');
            let name = name.into_iter().next().unwrap_or_default().to_ascii_lowercase();
            let (quote, length) = measure_value(after);
            let (value, tail) = after.split_at(length);
            let address = &value[quote..value.len() - quote];
            let is_data =
                address.trim_start().get(..5).is_some_and(|start| start.eq_ignore_ascii_case("data:"));
            let is_changed = address.trim_start().starts_with('/')
                || !is_data && address.trim().contains(char::is_whitespace);
            if ADDRESS_ATTRIBUTES.contains(&name.as_str()) && is_changed {
                let mark = &value[..quote];
                completed.extend([mark, &self.complete_values(&name, address), mark]);
            } else {
                completed.push_str(value);
            }
            rest = tail;
        }
        completed + rest
    }

    fn complete_values(&self, name: &str, value: &str) -> String {
        if !name.ends_with("srcset") {
            return self.complete(value);
        }
        let candidates = value.split(", ").map(|candidate| {
            // The size is the last word: an address may have spaces in it.
            let is_size = |word: &&str| {
                word.ends_with(['w', 'x', 'h']) && word.starts_with(|c: char| c.is_ascii_digit())
            };
            let parts = candidate.trim().rsplit_once(' ').filter(|(_, last)| is_size(last));
            let (address, size) = parts.unwrap_or((candidate.trim(), ""));
            format!("{} {size}", self.complete(address)).trim_end().to_owned()
        });
        candidates.collect::<Vec<_>>().join(", ")
    }
}

/// The length of the quote and of the whole value that an attribute's text begins with.
fn measure_value(text: &str) -> (usize, usize) {
    match text.chars().next() {
        Some(mark @ ('"' | '\'')) => match text[1..].find(mark) {
            Some(end) => (1, end + 2),
            None => (0, text.len()),
        },
        _ => (0, text.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(text.len())),
    }
}

/// Encodes what an address may not hold: white space, quotes and angle brackets. Other characters stay.
fn encode_address(address: &str) -> String {
    let mut encoded = String::with_capacity(address.len());
    for c in address.chars() {
        if c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '\\') {
            let mut bytes = [0; 4];
            encoded.extend(c.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")));
        } else {
            encoded.push(c);
        }
    }
    encoded
}

/// Returns an address that an article may have as its source: http or https, with a host and no account.
pub fn accept_address(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty();
    let (_, rest) = address.split_once("://")?;
    let is_short = address.chars().nth(MAX_ADDRESS_CHARS).is_none();
    (is_web && is_short).then(|| format!("{}://{rest}", url.scheme()))
}

/// Returns an address that an article may have as its cover: also a path of a site that is not known.
pub fn accept_cover(address: &str) -> Option<String> {
    let is_path = address.starts_with('/') && !address.starts_with("//");
    let is_short = address.chars().nth(MAX_ADDRESS_CHARS).is_none();
    if is_path && is_short { Some(address.to_owned()) } else { accept_address(address) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_completed_by_the_site() {
        let site = SiteAddress::parse("https://news.example.org/blog/").unwrap();
        for (address, expected) in [
            ("__GHOST_URL__/content/images/a.png", "https://news.example.org/blog/content/images/a.png"),
            ("/content/images/图 片.png", "https://news.example.org/blog/content/images/图%20片.png"),
            ("/about/", "https://news.example.org/about/"),
            ("//img.example/a.png", "https://img.example/a.png"),
            ("https://img.example/a", "https://img.example/a"),
            ("#note", "#note"),
        ] {
            assert_eq!(site.complete(address), expected);
        }
        let unknown = SiteAddress::default();
        assert_eq!(unknown.complete("__GHOST_URL__/content/a.png"), "/content/a.png");
        assert_eq!(unknown.complete("/content/a.png"), "/content/a.png");
    }

    #[test]
    fn addresses_in_tags_are_completed_and_text_is_not() {
        let site = SiteAddress::parse("https://e.org").unwrap();
        let html = "<img alt=\"a=/x\" src='/content/a b.png' srcset=\"/content/s/w600/a.png 600w, /content/a.png 9w\"> \
                    href=\"/content/\" <a href=/b>__GHOST_URL__/c/</a><a href=\"#d\">";
        let expected = "<img alt=\"a=/x\" src='https://e.org/content/a%20b.png' \
                        srcset=\"https://e.org/content/s/w600/a.png 600w, https://e.org/content/a.png 9w\"> \
                        href=\"/content/\" <a href=https://e.org/b>https://e.org/c/</a><a href=\"#d\">";
        assert_eq!(site.complete_html(html), expected);
        let html = "<img src=\"/content/images/图 片.png\" srcset=\"/content/a b.png 600w, c d.png\"> <a href='https://e.org/a b'>x y</a> \
                    <a href=\"mailto:a@e.org\">z</a><img src=\"data:image/png;base64,iVBO Rw==\">";
        let expected = "<img src=\"/content/images/图%20片.png\" srcset=\"/content/a%20b.png 600w, c%20d.png\"> <a href='https://e.org/a%20b'>x y</a> \
                    <a href=\"mailto:a@e.org\">z</a><img src=\"data:image/png;base64,iVBO Rw==\">";
        assert_eq!(SiteAddress::default().complete_html(html), expected);
    }
}
