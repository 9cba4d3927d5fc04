//! Reading XML as others do: what is not well-formed fails.

use quick_xml::events::Event;
use quick_xml::{Reader, XmlVersion};

/// An element with what is in it.
#[derive(Clone, Debug, Default)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub text: String,
    pub children: Vec<Element>,
}

impl Element {
    /// The elements in it with this name.
    pub fn all<'e>(&'e self, name: &str) -> impl Iterator<Item = &'e Element> + use<'e> {
        let name = name.to_owned();
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The one element in it with this name.
    #[track_caller]
    pub fn one(&self, name: &str) -> &Element {
        let found: Vec<&Element> = self.all(name).collect();
        assert_eq!(found.len(), 1, "{name} in {}", self.name);
        found[0]
    }

    /// The text of the one element in it with this name.
    #[track_caller]
    pub fn text_of(&self, name: &str) -> &str {
        &self.one(name).text
    }

    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The addresses of its links with this relation.
    pub fn links(&self, relation: &str) -> Vec<&str> {
        let links = self.children.iter().filter(|child| child.name == "link" || child.name == "atom:link");
        links.filter(|link| link.attribute("rel") == relation).map(|link| link.attribute("href")).collect()
    }
}

/// The root of a document.
pub fn parse(text: &str) -> Element {
    let is_allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert!(text.chars().all(is_allowed), "a character that XML does not know");
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) => open.push(read_start(&tag)),
            Event::Empty(tag) => {
                let element = read_start(&tag);
                open.last_mut().unwrap().children.push(element);
            }
            Event::End(_) => {
                let element = open.pop().unwrap();
                open.last_mut().unwrap().children.push(element);
            }
            Event::Text(part) => {
                assert!(!part.contains("]]>"));
                open.last_mut().unwrap().text.push_str(&part.xml10_content());
            }
            Event::CData(part) => open.last_mut().unwrap().text.push_str(&part.xml10_content()),
            Event::GeneralRef(name) => {
                let text = format!("&{};", &*name);
                open.last_mut().unwrap().text.push_str(&quick_xml::escape::unescape(&text).unwrap());
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!((open.len(), open[0].children.len()), (1, 1));
    open[0].children.remove(0)
}

fn read_start(tag: &quick_xml::events::BytesStart<'_>) -> Element {
    let attributes = tag.attributes().map(|attribute| {
        let attribute = attribute.unwrap();
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).unwrap();
        (attribute.key.into_inner().to_owned(), value.into_owned())
    });
    let attributes = attributes.collect();
    Element { name: tag.name().into_inner().to_owned(), attributes, ..Element::default() }
}
