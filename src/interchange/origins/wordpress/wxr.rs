//! Reads the XML of a WordPress export, one record at a time.

use std::io::{self, BufRead, Read};

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// Most bytes of one item, and of everything before the first item.
pub(super) const MAX_ITEM_BYTES: usize = 16 << 20;
/// Most children of a record that are read.
const MAX_FIELDS: usize = 10_000;

/// Depth of the channel's children (records) and of their children (fields).
const RECORD_DEPTH: usize = 3;
const FIELD_DEPTH: usize = 4;

/// The fields that are read.
const FIELD_NAMES: [&str; 19] = [
    "category",
    "content:encoded",
    "dc:creator",
    "excerpt:encoded",
    "link",
    "pubDate",
    "title",
    "wp:author_display_name",
    "wp:author_login",
    "wp:cat_name",
    "wp:category_nicename",
    "wp:category_parent",
    "wp:post_date",
    "wp:post_date_gmt",
    "wp:post_id",
    "wp:post_name",
    "wp:post_password",
    "wp:post_type",
    "wp:status",
];

/// A child of the channel, with its own children.
#[derive(Default)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) fields: Vec<Field>,
    /// Whether text belongs to the last of `fields`.
    is_open: bool,
    /// Why the record cannot be read.
    pub(super) fault: Option<String>,
}

/// A child of a record. `domain` and `nicename` are attributes of categories and tags.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) domain: String,
    pub(super) nicename: String,
    pub(super) text: String,
}

impl Record {
    /// The text of the first field with this name, or an empty string.
    pub(super) fn text(&self, name: &str) -> &str {
        self.fields.iter().find(|field| field.name == name).map_or("", |field| field.text.trim())
    }

    fn begin_field(&mut self, tag: &BytesStart) {
        let name = tag.name().into_inner();
        self.is_open = FIELD_NAMES.contains(&name) && self.fields.len() < MAX_FIELDS;
        if self.is_open {
            let (domain, nicename) = (read_attribute(tag, "domain"), read_attribute(tag, "nicename"));
            self.fields.push(Field { name: name.to_owned(), domain, nicename, text: String::new() });
        }
    }

    fn add_text(&mut self, text: &str) {
        if let Some(field) = self.fields.last_mut().filter(|_| self.is_open) {
            field.text.push_str(text);
        }
    }

    /// Adds the text of a character reference or of one of XML's five entities.
    fn add_entity(&mut self, entity: &BytesRef) {
        match entity.resolve_char_ref() {
            Ok(Some(char)) => self.add_text(char.encode_utf8(&mut [0; 4])),
            Ok(None) if let Some(text) = resolve_xml_entity(entity) => self.add_text(text),
            _ => self.fault = Some(format!("unknown entity &{};", entity.xml10_content())),
        }
    }
}

fn read_attribute(tag: &BytesStart, name: &str) -> String {
    let attribute = tag.try_get_attribute(name).ok().flatten();
    let value = attribute
        .and_then(|attribute| Some(attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned()));
    value.unwrap_or_default()
}

/// Reads the records of a file, one at a time.
pub(super) struct RecordReader<R> {
    reader: Reader<ItemLimitReader<R>>,
    depth: usize,
    has_root: bool,
}

impl<R: BufRead> RecordReader<R> {
    pub(super) fn new(input: R) -> Self {
        let reader = Reader::from_reader(ItemLimitReader { input, left: MAX_ITEM_BYTES });
        Self { reader, depth: 0, has_root: false }
    }

    pub(super) fn next_record(&mut self) -> Result<Option<Record>, String> {
        let mut record = Record::default();
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            let event = self.reader.read_event_into(&mut buffer);
            match event.map_err(|error| format!("The file cannot be read: {error}."))? {
                Event::Start(tag) => {
                    self.depth += 1;
                    self.start_element(self.depth, &tag, &mut record)?;
                }
                Event::Empty(tag) => self.start_element(self.depth + 1, &tag, &mut record)?,
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    record.is_open &= self.depth >= FIELD_DEPTH;
                    if self.depth + 1 == RECORD_DEPTH {
                        return Ok(Some(record));
                    }
                }
                Event::DocType(_) => return Err("The file declares a document type.".into()),
                Event::Eof => return self.check_end(),
                event if self.depth == FIELD_DEPTH => add_event(&mut record, &event),
                _ => {}
            }
        }
    }

    fn start_element(&mut self, depth: usize, tag: &BytesStart, record: &mut Record) -> Result<(), String> {
        let name = tag.name().into_inner();
        match depth {
            1 if name != "rss" => return Err("The file is not a WordPress export: it is not RSS.".into()),
            1 => self.has_root = true,
            RECORD_DEPTH => *record = Record { name: name.to_owned(), ..Record::default() },
            FIELD_DEPTH => record.begin_field(tag),
            _ => {}
        }
        if depth == RECORD_DEPTH && name == "item" {
            self.reader.get_mut().left = MAX_ITEM_BYTES;
        }
        Ok(())
    }

    fn check_end(&self) -> Result<Option<Record>, String> {
        match (self.depth, self.has_root) {
            (0, true) => Ok(None),
            (0, false) => Err("The file is not a WordPress export: it has no element.".into()),
            _ => Err("The file ends in the middle.".into()),
        }
    }
}

fn add_event(record: &mut Record, event: &Event) {
    match event {
        Event::Text(text) => record.add_text(&text.xml10_content()),
        Event::CData(text) => record.add_text(&text.xml10_content()),
        Event::GeneralRef(entity) => record.add_entity(entity),
        _ => {}
    }
}

/// Limits the bytes that can be read until `left` is reset.
struct ItemLimitReader<R> {
    input: R,
    left: usize,
}

impl<R: BufRead> BufRead for ItemLimitReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let bytes = self.input.fill_buf()?;
        if self.left == 0 && !bytes.is_empty() {
            return Err(io::Error::other("an item is larger than 16 MiB"));
        }
        Ok(&bytes[..bytes.len().min(self.left)])
    }

    fn consume(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count);
        self.input.consume(count);
    }
}

impl<R: BufRead> Read for ItemLimitReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}
