//! Writing XML 1.0.

use std::borrow::Cow;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// Writes a document, element by element. Texts and values are escaped, and lose the characters that XML cannot hold.
pub struct XmlWriter(Writer<Vec<u8>>);

impl XmlWriter {
    /// A document with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> io::Result<Self> {
        let mut writer = Writer::new(Vec::with_capacity(bytes));
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
        writer.get_mut().push(b'\n');
        Ok(Self(writer))
    }

    /// Begins an element.
    pub fn open(&mut self, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
        self.0.write_event(Event::Start(start(name, attributes)))
    }

    /// Ends an element.
    pub fn close(&mut self, name: &str) -> io::Result<()> {
        self.0.write_event(Event::End(BytesEnd::new(name)))?;
        self.0.get_mut().push(b'\n');
        Ok(())
    }

    /// An element without content.
    pub fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) -> io::Result<()> {
        self.0.write_event(Event::Empty(start(name, attributes)))
    }

    /// An element with a text.
    pub fn text(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.text_with(name, &[], text)
    }

    /// An element with attributes and a text.
    pub fn text_with(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) -> io::Result<()> {
        self.open(name, attributes)?;
        self.0.write_event(Event::Text(BytesText::new(&keep_xml_chars(text))))?;
        self.0.write_event(Event::End(BytesEnd::new(name)))
    }

    /// The bytes.
    pub fn finish(self) -> Vec<u8> {
        self.0.into_inner()
    }
}

fn start<'n>(name: &'n str, attributes: &[(&str, &str)]) -> BytesStart<'n> {
    let mut start = BytesStart::new(name);
    for (name, value) in attributes {
        start.push_attribute((*name, keep_xml_chars(value).as_ref()));
    }
    start
}

/// The text without the characters that no document of XML 1.0 holds, escaped or not (§2.2).
pub fn keep_xml_chars(text: &str) -> Cow<'_, str> {
    let is_allowed = |c: char| !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    if text.chars().all(is_allowed) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().filter(|c| is_allowed(*c)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let hostile = "]]> <b> & \" ' \u{0}\u{b}\u{1f}\u{ffff}\u{202e}🦀\t\n";
        let kept = "]]> <b> & \" ' \u{202e}🦀\t\n";
        let mut xml = XmlWriter::with_capacity(64).unwrap();
        xml.open("feed", &[("a", hostile)]).unwrap();
        xml.text("title", hostile).unwrap();
        xml.empty("link", &[("href", "x?a=1&b=\"2\"")]).unwrap();
        xml.close("feed").unwrap();
        let text = String::from_utf8(xml.finish()).unwrap();
        let mut reader = quick_xml::Reader::from_str(&text);
        let mut read = String::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Text(part) => read.push_str(&part),
                Event::GeneralRef(name) => read.push_str(&format!("&{};", &*name)),
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(quick_xml::escape::unescape(read.trim_start()).unwrap().trim_end(), kept.trim_end());
        assert!(text.contains("href=\"x?a=1&amp;b=&quot;2&quot;\""), "{text}");
    }
}
