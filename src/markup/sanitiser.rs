//! The sanitiser: which elements, attributes and addresses a body keeps.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ammonia::Builder;
use html5gum::{StartTag, Token};
use url::{ParseError, Url};

use super::anchors::{Anchors, ID_PREFIX};
use super::bounds;
use super::changes::{CommentWatch, FRAME_TEXT, MarkupChanges, TableWatch};
use super::embeds::{
    Embed, Embeds, LOADING, REFERRER_POLICY, SANDBOX, is_embeddable, is_playable_address, is_size,
    keeps_frame_attribute,
};
use super::own_media::is_own_media;
use super::raw_elements::{GAP_COMMENT, RAW, attribute, opens_raw_text, rewrite_tags, tokens};

/// The version of the sanitiser, stored with each body so that a later version can be applied to it.
pub const SANITIZER: i16 = 6;

/// The schemes of URLs in a body. A URL without a scheme is relative, and allowed.
const URL_SCHEMES: [&str; 4] = ["http", "https", "mailto", "tel"];
/// Attributes that hold a URL.
const URL_ATTRIBUTES: [&str; 8] =
    ["background", "cite", "classid", "href", "longdesc", "poster", "profile", "src"];
/// Elements of video and sound. Their addresses are https.
const MEDIA_ELEMENTS: [&str; 4] = ["audio", "source", "track", "video"];
/// Elements of a whole page. A body loses nothing with them.
const PAGE_ELEMENTS: [&[u8]; 3] = [b"body", b"head", b"html"];
/// What every link of a body says of itself.
const LINK_RELATIONS: [&str; 2] = ["noopener", "noreferrer"];
/// Allowed elements that are decided on before a parser reads them.
const REWRITTEN_ELEMENTS: [&str; 5] = ["audio", "iframe", "source", "track", "video"];
/// Elements that are not allowed, but that a parser reads: most end a paragraph, and `image` is an `img`.
const PARSED_ELEMENTS: [&[u8]; 9] =
    [b"address", b"dialog", b"dir", b"fieldset", b"form", b"image", b"listing", b"main", b"menu"];

/// The most passes of the sanitiser over a body.
const MAX_PASSES: usize = 8;
/// The most elements of a body.
const MAX_ELEMENTS: usize = 500_000;
/// The most bytes of a body that is parsed without checking its bounds.
///
/// A body within both limits is parsed fast even in quadratic time.
pub const SMALL_BODY_BYTES: usize = 16 << 10;
/// The most tags of a body that is parsed without checking its bounds.
const SMALL_BODY_TAGS: usize = 400;

/// Why a body is refused, as a phrase about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It would take too long to parse, or has no stable form.
    Unreadable(String),
    /// Its HTML is longer than this number of characters.
    TooLong(usize),
}

/// Makes HTML safe. What stays depends on the hosts whose players may be embedded.
pub struct Sanitiser {
    filter: Builder<'static>,
    elements: HashSet<&'static str>,
    attributes: HashMap<&'static str, HashSet<&'static str>>,
    generic_attributes: HashSet<&'static str>,
    embed_hosts: Arc<[String]>,
    media_bases: Vec<String>,
}

impl std::fmt::Debug for Sanitiser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sanitiser").field("embed_hosts", &self.embed_hosts).finish_non_exhaustive()
    }
}

impl Sanitiser {
    /// The same for a server whose media readers find below these addresses.
    pub fn with_media_bases(self, media_bases: Vec<String>) -> Self {
        Self { media_bases, ..self }
    }

    /// The addresses below which readers find the media of this server.
    pub fn media_bases(&self) -> &[String] {
        &self.media_bases
    }

    /// Makes a sanitiser that keeps frames of `embed_hosts`.
    pub fn new(embed_hosts: &[String]) -> Self {
        let embed_hosts: Arc<[String]> = embed_hosts.into();
        let hosts = embed_hosts.clone();
        let mut filter = Builder::default();
        filter
            .add_tags(["audio", "iframe", "section", "source", "tfoot", "track", "u", "video"])
            .add_generic_attributes(["id"])
            .add_tag_attributes("a", ["title"])
            .add_tag_attributes("audio", ["controls", "loop", "muted", "preload", "src"])
            .add_tag_attributes("iframe", ["allowfullscreen", "height", "loading", "referrerpolicy"])
            .add_tag_attributes("iframe", ["sandbox", "src", "title", "width"])
            .add_tag_attributes("p", ["align"])
            .add_tag_attributes("source", ["media", "src", "type"])
            .add_tag_attributes("track", ["default", "kind", "label", "src", "srclang"])
            .add_tag_attributes("video", ["controls", "height", "loop", "muted", "playsinline"])
            .add_tag_attributes("video", ["poster", "preload", "src", "width"])
            .set_tag_attribute_value("iframe", "sandbox", SANDBOX)
            .add_clean_content_tags(
                RAW.iter()
                    .filter_map(|name| str::from_utf8(name).ok())
                    .filter(|name| !["iframe", "title"].contains(name)),
            )
            .attribute_filter(move |element, attribute, value| {
                is_allowed_value(&hosts, element, attribute, value).then_some(Cow::Borrowed(value))
            })
            .url_schemes(URL_SCHEMES.into());
        Self {
            elements: filter.clone_tags(),
            attributes: filter.clone_tag_attributes(),
            generic_attributes: filter.clone_generic_attributes(),
            filter,
            embed_hosts,
            media_bases: Vec::new(),
        }
    }

    /// What decides on the result: the version, and the hosts of players.
    pub fn fingerprint(&self) -> String {
        format!("{SANITIZER} {}", self.embed_hosts.join(","))
    }

    /// Sanitises HTML until it does not change any more. Also returns what was changed.
    ///
    /// One pass is not enough for some broken HTML: the parser nests what is left after an element was
    /// removed in another way. Most bodies do not change in the second pass.
    ///
    /// # Errors
    ///
    /// Refuses HTML that exceeds one of the [`bounds`], or whose result has more than `max_chars` characters.
    pub fn sanitise(&self, source: &str, max_chars: usize) -> Result<(String, MarkupChanges), Refusal> {
        let mut html = Cow::Borrowed(source);
        for _ in 0..MAX_PASSES {
            let cleaned = self.sanitise_once(&html).map_err(Refusal::Unreadable)?;
            if cleaned.len() > max_chars && cleaned.chars().nth(max_chars).is_some() {
                return Err(Refusal::TooLong(max_chars));
            }
            if cleaned == html {
                let changes = self.find_changes(source, &cleaned);
                return Ok((cleaned, changes));
            }
            html = Cow::Owned(cleaned);
        }
        Err(Refusal::Unreadable("changes each time that it is cleaned".to_owned()))
    }

    /// Cleans HTML in one pass, without looking at frames and ids first.
    #[cfg(test)]
    pub fn clean_unchecked(&self, html: &str) -> String {
        self.filter.clean(html).to_string()
    }

    fn sanitise_once(&self, html: &str) -> Result<String, String> {
        let count_tags = || html.bytes().filter(|byte| *byte == b'<').count();
        let is_small = html.len() <= SMALL_BODY_BYTES && count_tags() <= SMALL_BODY_TAGS;
        if is_small && !self.needs_rewriting(html) {
            return Ok(self.filter.clean(html).to_string());
        }
        if !is_small {
            bounds::check(html, MAX_ELEMENTS)?;
        }
        let rewritten = self.rewrite(html);
        if !is_small {
            // More tags are found in it: those after a frame that was not closed.
            bounds::check(&rewritten, MAX_ELEMENTS)?;
        }
        Ok(self.filter.clean(&rewritten).to_string())
    }

    /// Decides on frames, media and ids. Removes what parsers read differently, and the tags of other elements
    /// that are not allowed: a parser would take the content of some away with them.
    fn rewrite(&self, html: &str) -> String {
        let embeds = Embeds::find(&self.embed_hosts, html);
        let mut anchors = Anchors::find(html, |tag| self.keeps_element(&embeds, tag));
        let is_parsed = |name: &[u8]| self.allows_element(name) || PARSED_ELEMENTS.contains(&name);
        let rewritten = rewrite_tags(html, is_parsed, |tag| match embeds.decide(tag) {
            Embed::Kept(html) | Embed::Linked(html) => Some(html),
            Embed::Dropped | Embed::Unwrapped => Some(GAP_COMMENT.to_owned()),
            Embed::Untouched if self.keeps_element(&embeds, tag) => anchors.rewrite_tag(tag),
            Embed::Untouched => None,
        });
        rewritten.html
    }

    fn allows_element(&self, name: &[u8]) -> bool {
        str::from_utf8(name).is_ok_and(|name| self.elements.contains(name))
    }

    /// Whether HTML has something that is decided on before a parser reads it: frames, media, ids, comments, and
    /// elements that are not allowed.
    fn needs_rewriting(&self, html: &str) -> bool {
        let is_plain = |tag: &str| {
            let tag = tag.strip_prefix('/').unwrap_or(tag);
            let end = tag.find([' ', '\n', '/', '>']).unwrap_or(tag.len());
            let name = &tag[..end];
            self.elements.contains(name) && !REWRITTEN_ELEMENTS.contains(&name)
        };
        html.contains('#') || html.contains(ID_PREFIX) || !html.split('<').skip(1).all(is_plain)
    }

    /// Whether an element stays, as far as its start tag tells.
    fn keeps_element(&self, embeds: &Embeds<'_>, tag: &StartTag<usize>) -> bool {
        match embeds.decide(tag) {
            Embed::Kept(_) => true,
            Embed::Untouched => self.allows_element(&tag.name),
            Embed::Linked(_) | Embed::Unwrapped | Embed::Dropped => false,
        }
    }

    /// Whether an attribute of an element that stays does.
    fn keeps_attribute(&self, anchors: &Anchors, tag: &StartTag<usize>, name: &str) -> bool {
        let element = String::from_utf8_lossy(&tag.name);
        let value = attribute(tag, name).unwrap_or_default();
        match (element.as_ref(), name) {
            ("iframe", _) => return keeps_frame_attribute(name, &value),
            (_, "id") | ("a", "name") => return value.is_empty() || anchors.keeps_id_of(tag),
            ("a", "rel") => return value.split_whitespace().all(|word| LINK_RELATIONS.contains(&word)),
            _ => {}
        }
        let is_known = self.generic_attributes.contains(name)
            || self.attributes.get(element.as_ref()).is_some_and(|known| known.contains(name));
        is_known && is_allowed_value(&self.embed_hosts, &element, name, &value)
    }

    /// Counts what of `source` is not in `html`, which was made of it.
    fn find_changes(&self, source: &str, html: &str) -> MarkupChanges {
        let mut changes = MarkupChanges::default();
        if source != html {
            self.count_dropped(source, &mut changes);
        }
        if html.contains("=\"") {
            changes.relative_addresses = count_relative_addresses(html);
        }
        changes
    }

    fn count_dropped(&self, source: &str, changes: &mut MarkupChanges) {
        let embeds = Embeds::find(&self.embed_hosts, source);
        let anchors = Anchors::find(source, |tag| self.keeps_element(&embeds, tag));
        let (mut tables, mut comments) = (TableWatch::default(), CommentWatch::default());
        let (mut is_raw, mut is_in_frame) = (false, false);
        for token in tokens(source) {
            if let Some(name) = comments.add_token(&token) {
                changes.add_element(name);
            }
            match token {
                Token::StartTag(tag) => {
                    is_raw = opens_raw_text(source, &tag);
                    let is_embed = || matches!(embeds.decide(&tag), Embed::Kept(_) | Embed::Linked(_));
                    is_in_frame = is_raw && tag.name.as_slice() == b"iframe" && is_embed();
                    let is_stray = tables.open_element(&tag);
                    self.count_tag(&embeds, &anchors, &tag, is_stray, changes);
                }
                Token::EndTag(tag) => {
                    is_raw = false;
                    is_in_frame = false;
                    tables.end_element(&tag.name);
                }
                Token::String(text) if !is_raw => tables.add_text(&text),
                Token::String(text) if is_in_frame && !text.trim_ascii().is_empty() => {
                    changes.add_element(FRAME_TEXT);
                }
                _ => {}
            }
        }
        changes.tables_repaired = tables.count_repaired();
    }

    fn count_tag(
        &self,
        embeds: &Embeds<'_>,
        anchors: &Anchors,
        tag: &StartTag<usize>,
        is_stray: bool,
        changes: &mut MarkupChanges,
    ) {
        let name = tag.name.as_slice();
        if is_stray || !self.keeps_element(embeds, tag) {
            match embeds.decide(tag) {
                Embed::Linked(_) => changes.embeds_linked += 1,
                Embed::Unwrapped => {}
                _ if PAGE_ELEMENTS.contains(&name) => {}
                _ => changes.add_element(name),
            }
            return;
        }
        for name in tag.attributes.keys().map(|name| name.as_slice()) {
            if !str::from_utf8(name).is_ok_and(|name| self.keeps_attribute(anchors, tag, name)) {
                changes.add_attribute(name);
            }
        }
    }
}

/// Whether an attribute may have this value.
fn is_allowed_value(hosts: &[String], element: &str, attribute: &str, value: &str) -> bool {
    match (element, attribute) {
        (_, "id") => value.starts_with(ID_PREFIX),
        ("iframe", "src") => is_embeddable(hosts, value),
        ("iframe", "sandbox") => value == SANDBOX,
        ("iframe", "loading") => value == LOADING,
        ("iframe", "referrerpolicy") => value == REFERRER_POLICY,
        ("iframe", "width" | "height") => is_size(value),
        (element, "src" | "poster") if MEDIA_ELEMENTS.contains(&element) => is_playable_address(value),
        (_, attribute) if URL_ATTRIBUTES.contains(&attribute) => match Url::parse(value) {
            Ok(url) => URL_SCHEMES.contains(&url.scheme()),
            Err(cause) => cause == ParseError::RelativeUrlWithoutBase,
        },
        _ => true,
    }
}

/// Counts the links and pictures of sanitised HTML whose address has no scheme. Links within the body are none, and neither are
/// media of the server, which readers get with their addresses.
fn count_relative_addresses(html: &str) -> u64 {
    let is_relative = |address: Cow<'_, str>| {
        !address.trim().is_empty()
            && !address.trim_start().starts_with('#')
            && !is_own_media(&address)
            && Url::parse(&address) == Err(ParseError::RelativeUrlWithoutBase)
    };
    let addresses = tokens(html).map(|token| match token {
        Token::StartTag(tag) => {
            ["href", "src"].iter().filter(|name| attribute(&tag, name).is_some_and(is_relative)).count()
                as u64
        }
        _ => 0,
    });
    addresses.sum()
}
