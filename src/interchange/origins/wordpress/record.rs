//! Parses the XML of one piece of an export. Names are told by their namespaces, whatever their prefixes.

use std::borrow::Cow;

use html_escape::decode_html_entities;
use quick_xml::errors::{Error, IllFormedError};
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::{NsReader, XmlVersion};

/// Most elements of a piece.
const MAX_ELEMENTS: usize = 100_000;
/// How many elements are open around a piece: the root and the channel.
const OUTER_DEPTH: usize = 2;

/// Namespaces of an export by a part of their addresses, with the prefixes that WordPress writes.
const NAMESPACES: [(&str, &str); 4] = [
    ("/excerpt/", "excerpt"),
    ("wordpress.org/export/", "wp"),
    ("purl.org/rss/1.0/modules/content", "content"),
    ("purl.org/dc/elements/", "dc"),
];
/// Elements that hold elements. All others that are known hold text.
const CONTAINERS: [&str; 6] = ["item", "wp:author", "wp:category", "wp:postmeta", "wp:tag", "wp:term"];
/// Elements that hold text.
const TEXT_ELEMENTS: [&str; 45] = [
    "category",
    "content:encoded",
    "dc:creator",
    "description",
    "excerpt:encoded",
    "guid",
    "link",
    "pubDate",
    "title",
    "wp:attachment_url",
    "wp:author_display_name",
    "wp:author_first_name",
    "wp:author_last_name",
    "wp:author_login",
    "wp:base_blog_url",
    "wp:base_site_url",
    "wp:cat_name",
    "wp:category_description",
    "wp:category_nicename",
    "wp:category_parent",
    "wp:comment_status",
    "wp:is_sticky",
    "wp:menu_order",
    "wp:meta_key",
    "wp:meta_value",
    "wp:ping_status",
    "wp:post_date",
    "wp:post_date_gmt",
    "wp:post_id",
    "wp:post_modified",
    "wp:post_modified_gmt",
    "wp:post_name",
    "wp:post_parent",
    "wp:post_password",
    "wp:post_type",
    "wp:status",
    "wp:tag_description",
    "wp:tag_name",
    "wp:term_description",
    "wp:term_id",
    "wp:term_name",
    "wp:term_parent",
    "wp:term_slug",
    "wp:term_taxonomy",
    "wp:wxr_version",
];

/// An element, with its text and its children.
#[derive(Debug, Default)]
pub struct Element {
    /// Its name, with the prefix that WordPress writes: `wp:post_id`.
    pub name: Cow<'static, str>,
    /// An attribute of categories and tags: the taxonomy.
    pub domain: String,
    /// An attribute of categories and tags: WordPress' word for a slug.
    pub nicename: String,
    /// Its text.
    pub text: String,
    /// Its children.
    pub children: Vec<Self>,
}

impl Element {
    /// The text of the first child with this name, or an empty string.
    pub fn text(&self, name: &str) -> &str {
        self.children.iter().find(|child| child.name == name).map_or("", |child| child.text.trim())
    }

    /// The children with this name.
    pub fn find_children<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> + Clone {
        self.children.iter().filter(move |child| child.name == name)
    }
}

/// Whether WordPress itself writes elements of this name.
pub fn is_known(name: &str) -> bool {
    TEXT_ELEMENTS.contains(&name) || CONTAINERS.contains(&name) || name == "wp:comment"
}

/// What a piece holds.
#[derive(Debug, Default)]
pub struct Parsed {
    /// An item, or children of the channel.
    pub elements: Vec<Element>,
    /// How many control characters were removed from texts. XML has none.
    pub removed_chars: usize,
}

/// A fault of the XML of a piece.
#[derive(Debug, PartialEq, Eq)]
pub struct XmlFault {
    /// Where in the piece it is, in bytes.
    pub offset: usize,
    /// What it is: a clause.
    pub detail: String,
}

/// Parses a piece of the channel. `root` declares its namespaces: the start tags of the root and the channel.
///
/// References to characters and to entities of HTML are resolved.
pub fn parse_piece(root: &str, piece: &str) -> Result<Parsed, XmlFault> {
    let text = format!("{root}{piece}");
    let mut reader = NsReader::from_str(&text);
    let mut tree = Tree::default();
    loop {
        let fault = |at: u64, detail| {
            let offset = usize::try_from(at).unwrap_or_default().saturating_sub(root.len());
            XmlFault { offset: offset.min(piece.len()), detail }
        };
        let at = reader.buffer_position();
        let event = match reader.read_resolved_event() {
            Ok((_, Event::Eof)) if tree.open.len() > OUTER_DEPTH => {
                return Err(fault(at, "an element in it has no end tag".to_owned()));
            }
            Ok((_, Event::Eof)) => return Ok(tree.parsed),
            Ok((namespace, event)) => tree.add_event(&namespace, &event),
            Err(error) => Err(describe_error(&error)),
        };
        event.map_err(|detail| fault(at.max(reader.error_position()), detail))?;
    }
}

fn describe_error(error: &Error) -> String {
    match error {
        Error::IllFormed(IllFormedError::UnclosedReference) => {
            "an & in it begins no character reference".to_owned()
        }
        Error::IllFormed(IllFormedError::MismatchedEndTag { expected, found }) => {
            format!("it has </{found}> where </{expected}> should be")
        }
        Error::IllFormed(IllFormedError::UnmatchedEndTag(found)) => {
            format!("it has </{found}> without a start tag")
        }
        other => other.to_string(),
    }
}

/// The elements read so far.
#[derive(Default)]
struct Tree {
    parsed: Parsed,
    /// The open elements, outermost first; `None` of those that are not read.
    open: Vec<Option<Element>>,
    count: usize,
}

impl Tree {
    fn add_event(&mut self, namespace: &ResolveResult, event: &Event) -> Result<(), String> {
        match event {
            Event::Start(tag) => self.open_element(namespace, tag)?,
            Event::Empty(tag) => {
                self.open_element(namespace, tag)?;
                self.close_element();
            }
            Event::End(_) => self.close_element(),
            Event::Text(text) => {
                let text = text.xml10_content();
                if text.contains("]]>") {
                    return Err("]]> in it is outside of a CDATA section".to_owned());
                }
                self.add_text(&text);
            }
            Event::CData(text) => self.add_text(&text.xml10_content()),
            Event::GeneralRef(entity) => return self.add_entity(entity),
            _ => {}
        }
        Ok(())
    }

    fn open_element(&mut self, namespace: &ResolveResult, tag: &BytesStart) -> Result<(), String> {
        let name = write_name(namespace, tag);
        let parent = self.open.last().and_then(Option::as_ref);
        let is_outer = self.open.len() < OUTER_DEPTH;
        if let Some(parent) = parent.filter(|parent| TEXT_ELEMENTS.contains(&parent.name.as_ref())) {
            return Err(format!("<{name}> is in the text of {}", parent.name));
        }
        self.count += 1;
        if self.count > MAX_ELEMENTS {
            return Err(format!("it has more than {MAX_ELEMENTS} elements"));
        }
        let is_read = !is_outer && (parent.is_some() || self.open.len() == OUTER_DEPTH);
        let mut element = Element::default();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|error| format!("<{name}> has a bad attribute: {error}"))?;
            let into = match attribute.key.into_inner() {
                "domain" => &mut element.domain,
                "nicename" => &mut element.nicename,
                _ => continue,
            };
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            *into = value.map_err(|error| format!("<{name}> has a bad attribute: {error}"))?.into_owned();
        }
        element.name = name;
        self.open.push(is_read.then_some(element));
        Ok(())
    }

    fn close_element(&mut self) {
        let Some(Some(element)) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(Some(parent)) if CONTAINERS.contains(&parent.name.as_ref()) => parent.children.push(element),
            Some(Some(_)) => {}
            _ => self.parsed.elements.push(element),
        }
    }

    fn add_text(&mut self, text: &str) {
        let Some(Some(element)) = self.open.last_mut() else { return };
        if !TEXT_ELEMENTS.contains(&element.name.as_ref()) {
            return;
        }
        let is_control = |c: char| c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r' | '\x7f');
        if text.contains(is_control) {
            self.parsed.removed_chars += text.matches(is_control).count();
            element.text.extend(text.chars().filter(|c| !is_control(*c)));
        } else {
            element.text.push_str(text);
        }
    }

    fn add_entity(&mut self, entity: &BytesRef) -> Result<(), String> {
        let reference = format!("&{};", entity.xml10_content());
        match entity.resolve_char_ref() {
            Ok(Some(char)) => self.add_text(char.encode_utf8(&mut [0; 4])),
            Ok(None) => match decode_html_entities(&reference) {
                text if text == reference => return Err(format!("{reference} in it is no known entity")),
                text => self.add_text(&text),
            },
            Err(_) => return Err(format!("{reference} in it is no character")),
        }
        Ok(())
    }
}

/// The name of an element, with the prefix that WordPress writes. An undeclared prefix stays.
fn write_name(namespace: &ResolveResult, tag: &BytesStart) -> Cow<'static, str> {
    let (qualified, local) = (tag.name(), tag.local_name());
    let prefix = match namespace {
        ResolveResult::Bound(Namespace(address)) => NAMESPACES
            .iter()
            .find(|(part, _)| address.contains(part) || address.trim_end_matches('/').ends_with(part))
            .map(|(_, prefix)| *prefix),
        _ => None,
    };
    let name = match prefix {
        Some(prefix) => format!("{prefix}:{}", local.into_inner()),
        None => qualified.into_inner().to_owned(),
    };
    let known = TEXT_ELEMENTS.iter().chain(&CONTAINERS).find(|known| **known == name);
    known.map_or(Cow::Owned(name), |known| Cow::Borrowed(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = r#"<rss xmlns:w="http://wordpress.org/export/1.1/" xmlns:e="http://wordpress.org/export/1.1/excerpt/"><channel>"#;

    fn fault(piece: &str) -> (usize, String) {
        let fault = parse_piece(ROOT, piece).unwrap_err();
        (fault.offset, fault.detail)
    }

    #[test]
    fn names_are_told_by_their_namespaces() {
        let parsed = parse_piece(
            ROOT,
            "<item><w:post_id>7</w:post_id><e:encoded>e</e:encoded><c:encoded \
             xmlns:c='http://purl.org/rss/1.0/modules/content/'>c</c:encoded><wp:status>draft</wp:status>\
             <w:postmeta><w:meta_key>k</w:meta_key></w:postmeta></item>",
        )
        .unwrap();
        let item = &parsed.elements[0];
        for (name, text) in
            [("wp:post_id", "7"), ("excerpt:encoded", "e"), ("content:encoded", "c"), ("wp:status", "draft")]
        {
            assert_eq!(item.text(name), text, "{name}");
        }
        assert_eq!(item.find_children("wp:postmeta").next().unwrap().text("wp:meta_key"), "k");
    }

    #[test]
    fn references_are_resolved_and_control_characters_removed() {
        let piece = "<item><title>a&nbsp;b&hellip;&#20013;\u{b}&amp;</title></item>";
        let parsed = parse_piece(ROOT, piece).unwrap();
        assert_eq!(parsed.elements[0].text("title"), "a\u{a0}b…中&");
        assert_eq!(parsed.removed_chars, 1);
    }

    #[test]
    fn a_fault_has_its_place() {
        assert!(fault("<item><title>Q&A</title></item>").1.contains("an & in it"));
        assert!(fault("<item><title>Q &what; A</title></item>").1.contains("&what;"));
        assert!(fault("<item><title>a<b>c</b></title></item>").1.contains("<b> is in the text of title"));
        assert!(fault("<item><title>a]]></title></item>").1.contains("]]>"));
        assert!(fault("<item><title>a</link></item>").1.contains("</link> where </title>"));
        assert!(fault("<item><title>a</title>").1.contains("no end tag"));
        assert!(fault("<item><category domain=x>a</category></item>").1.contains("bad attribute"));
        assert!((6..20).contains(&fault("<item><title>\nQ&A</title></item>").0));
    }
}
