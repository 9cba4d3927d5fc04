//! Places of a body that its own links point to.
//!
//! Their ids get a prefix, so that they cannot be those of the page, or names that its scripts use.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use html5gum::{StartTag, Token};
use percent_encoding::percent_decode_str;

use super::raw_elements::{attribute, tokens};

/// The prefix of the ids of a body.
pub const ID_PREFIX: &str = "user-content-";

/// The ids of a body that its links point to, without the prefix.
pub struct Anchors {
    linked: HashSet<String>,
    /// The ids that were written already: of several equal ones, the first counts.
    written: HashSet<String>,
}

impl Anchors {
    /// Finds the ids of elements that `is_kept` accepts, and to which a link of `html` points.
    pub fn find(html: &str, is_kept: impl Fn(&StartTag<usize>) -> bool) -> Self {
        let (mut ids, mut targets) = (HashSet::new(), HashSet::new());
        for token in tokens(html) {
            let Token::StartTag(tag) = token else { continue };
            if is_kept(&tag) {
                ids.extend(read_id(&tag));
                targets.extend(read_target(&tag).map(|(target, _)| target));
            }
        }
        ids.retain(|id| targets.contains(id));
        Self { linked: ids, written: HashSet::new() }
    }

    /// Whether a link points to the id of this element.
    pub fn keeps_id_of(&self, tag: &StartTag<usize>) -> bool {
        read_id(tag).is_some_and(|id| self.linked.contains(&id))
    }

    /// Returns the start tag with its id and its link under the prefix. `None` if it has neither.
    pub fn rewrite_tag(&mut self, tag: &StartTag<usize>) -> Option<String> {
        let (id, target) = (read_id(tag), read_target(tag));
        if id.is_none() && target.is_none() {
            return None;
        }
        let mut attributes: BTreeMap<Cow<'_, str>, Cow<'_, str>> = BTreeMap::new();
        for name in tag.attributes.keys().map(|name| String::from_utf8_lossy(name)) {
            // Other names are of no allowed attribute.
            let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if let Some(value) = attribute(tag, &name).filter(|_| is_plain) {
                attributes.insert(name, value);
            }
        }
        attributes.remove("id");
        if let Some(id) = id.filter(|id| self.linked.contains(id))
            && self.written.insert(id.clone())
        {
            attributes.insert("id".into(), format!("{ID_PREFIX}{id}").into());
        }
        if let Some((_, fragment)) = target.filter(|(target, _)| self.linked.contains(target)) {
            attributes.insert("href".into(), format!("#{ID_PREFIX}{fragment}").into());
        }
        let mut html = format!("<{}", String::from_utf8_lossy(&tag.name));
        for (name, value) in attributes {
            html.extend([" ", &name, "=\"", &html_escape::encode_double_quoted_attribute(&value), "\""]);
        }
        html.push('>');
        Some(html)
    }
}

/// Returns the id of an element without the prefix. An `a` can have it as its `name`.
fn read_id(tag: &StartTag<usize>) -> Option<String> {
    let name = || attribute(tag, "name").filter(|_| tag.name.as_slice() == b"a");
    let id = attribute(tag, "id").or_else(name)?;
    let id = id.strip_prefix(ID_PREFIX).unwrap_or(&id);
    (!id.is_empty() && !id.contains(char::is_whitespace)).then(|| id.to_owned())
}

/// Returns the id that a link points to, and how the link writes it. Both are without the prefix.
fn read_target(tag: &StartTag<usize>) -> Option<(String, String)> {
    let href = attribute(tag, "href")?;
    let fragment = href.trim().strip_prefix('#')?;
    let fragment = fragment.strip_prefix(ID_PREFIX).unwrap_or(fragment);
    let id = percent_decode_str(fragment).decode_utf8_lossy();
    (!id.is_empty()).then(|| (id.into_owned(), fragment.to_owned()))
}
