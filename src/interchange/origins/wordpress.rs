//! WordPress exports: WXR 1.0 to 1.2, which is RSS with posts, terms and authors in it.
//!
//! The elements and what is in them are those of WordPress' own exporter,
//! `wp-admin/includes/export.php`; they are told by their names, prefix and all.

mod post;

use std::io::{self, BufRead, Read};
use std::ops::ControlFlow;

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::Found;
use post::Head;

/// Most bytes of one item, and of all that comes before the first.
const LARGEST: usize = 16 << 20;
/// Most children of a record that are looked at.
const MOST_FIELDS: usize = 10_000;

/// Depth of the channel's children, and of theirs.
const RECORD: usize = 3;
const FIELD: usize = 4;

/// The children of a record that say something about an article.
const FIELDS: [&str; 19] = [
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

/// Reads `input`, handing each article to `each` in the file's order until that breaks.
///
/// Pages, attachments and what else is no post are passed over, and so are posts
/// in the trash. Memory is bounded by the largest item, at most 16 MiB.
///
/// # Errors
///
/// The file as a whole cannot be read (any further): it is not XML in UTF-8, not
/// RSS, declares a document type, or has a larger item.
pub fn read(input: impl BufRead, each: &mut dyn FnMut(Found) -> ControlFlow<()>) -> Result<(), String> {
    let mut export = Export::new(input);
    let mut head = Head::default();
    while let Some(record) = export.next()? {
        if record.name != "item" {
            head.add(&record);
        } else if let Some(found) = post::found(&record, &head)
            && each(found).is_break()
        {
            break;
        }
    }
    Ok(())
}

/// A child of the channel, with its own children.
#[derive(Default)]
struct Record {
    name: String,
    fields: Vec<Field>,
    /// Whether the last field is one to read and not yet over.
    is_open: bool,
    /// Why it cannot be read.
    fault: Option<String>,
}

/// A child of a record, with the attributes that a category has.
struct Field {
    name: String,
    domain: String,
    nicename: String,
    text: String,
}

impl Record {
    /// The text of the first field of that name.
    fn text(&self, name: &str) -> &str {
        self.fields.iter().find(|field| field.name == name).map_or("", |field| field.text.trim())
    }

    fn begin_field(&mut self, tag: &BytesStart) {
        let name = tag.name().into_inner();
        self.is_open = FIELDS.contains(&name) && self.fields.len() < MOST_FIELDS;
        if self.is_open {
            let (domain, nicename) = (attribute(tag, "domain"), attribute(tag, "nicename"));
            self.fields.push(Field { name: name.to_owned(), domain, nicename, text: String::new() });
        }
    }

    fn add(&mut self, text: &str) {
        if let Some(field) = self.fields.last_mut().filter(|_| self.is_open) {
            field.text.push_str(text);
        }
    }

    /// Adds a character reference or one of the five entities that XML has itself.
    fn add_entity(&mut self, entity: &BytesRef) {
        match entity.resolve_char_ref() {
            Ok(Some(char)) => self.add(char.encode_utf8(&mut [0; 4])),
            Ok(None) if let Some(text) = resolve_xml_entity(entity) => self.add(text),
            _ => self.fault = Some(format!("There is no character &{};.", entity.xml10_content())),
        }
    }
}

fn attribute(tag: &BytesStart, name: &str) -> String {
    let attribute = tag.try_get_attribute(name).ok().flatten();
    let value = attribute
        .and_then(|attribute| Some(attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned()));
    value.unwrap_or_default()
}

/// The records of a file, one at a time.
struct Export<R> {
    reader: Reader<Metered<R>>,
    depth: usize,
    has_root: bool,
}

impl<R: BufRead> Export<R> {
    fn new(input: R) -> Self {
        let reader = Reader::from_reader(Metered { input, left: LARGEST });
        Self { reader, depth: 0, has_root: false }
    }

    fn next(&mut self) -> Result<Option<Record>, String> {
        let mut record = Record::default();
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            let event = self.reader.read_event_into(&mut buffer);
            match event.map_err(|error| format!("The file cannot be read: {error}."))? {
                Event::Start(tag) => {
                    self.depth += 1;
                    self.begin(self.depth, &tag, &mut record)?;
                }
                Event::Empty(tag) => self.begin(self.depth + 1, &tag, &mut record)?,
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    record.is_open &= self.depth >= FIELD;
                    if self.depth + 1 == RECORD {
                        return Ok(Some(record));
                    }
                }
                Event::DocType(_) => return Err("The file declares a document type.".into()),
                Event::Eof => return self.end(),
                event if self.depth == FIELD => add(&mut record, &event),
                _ => {}
            }
        }
    }

    fn begin(&mut self, depth: usize, tag: &BytesStart, record: &mut Record) -> Result<(), String> {
        let name = tag.name().into_inner();
        match depth {
            1 if name != "rss" => return Err("The file is no WordPress export: it is not RSS.".into()),
            1 => self.has_root = true,
            RECORD => *record = Record { name: name.to_owned(), ..Record::default() },
            FIELD => record.begin_field(tag),
            _ => {}
        }
        if depth == RECORD && name == "item" {
            self.reader.get_mut().left = LARGEST;
        }
        Ok(())
    }

    fn end(&self) -> Result<Option<Record>, String> {
        match (self.depth, self.has_root) {
            (0, true) => Ok(None),
            (0, false) => Err("The file is no WordPress export: it has no element.".into()),
            _ => Err("The file ends in the middle.".into()),
        }
    }
}

fn add(record: &mut Record, event: &Event) {
    match event {
        Event::Text(text) => record.add(&text.xml10_content()),
        Event::CData(text) => record.add(&text.xml10_content()),
        Event::GeneralRef(entity) => record.add_entity(entity),
        _ => {}
    }
}

/// Input of which no more is read than is left.
struct Metered<R> {
    input: R,
    left: usize,
}

impl<R: BufRead> BufRead for Metered<R> {
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

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8" ?>
<rss version="2.0" xmlns:wp="http://wordpress.org/export/1.2/"><channel><title>Metrology &amp; news</title>
<wp:wxr_version>1.2</wp:wxr_version>
<wp:author><wp:author_login><![CDATA[lin]]></wp:author_login><wp:author_display_name><![CDATA[林记者]]></wp:author_display_name></wp:author>
<wp:category><wp:category_nicename>news</wp:category_nicename><wp:category_parent></wp:category_parent><wp:cat_name><![CDATA[新闻]]></wp:cat_name></wp:category>
<wp:category><wp:category_nicename>%e5%9c%b0</wp:category_nicename><wp:category_parent>news</wp:category_parent><wp:cat_name><![CDATA[地方 &amp; 行业]]></wp:cat_name></wp:category>"#;

    fn read_all(items: &str) -> (Vec<Found>, Result<(), String>) {
        let mut found = Vec::new();
        let file = format!("{HEAD}{items}</channel></rss>");
        let end = read(file.as_bytes(), &mut |article| {
            found.push(article);
            ControlFlow::Continue(())
        });
        (found, end)
    }

    fn post(fields: &str) -> String {
        format!("<item><wp:post_id>7</wp:post_id><wp:post_type>post</wp:post_type>{fields}</item>")
    }

    fn row(fields: &str) -> serde_json::Value {
        let (mut found, end) = read_all(&post(fields));
        assert_eq!(end, Ok(()));
        found.remove(0).unwrap().into()
    }

    #[test]
    fn a_post_becomes_a_row_with_all_that_is_known_of_it() {
        let row = row(r#"<title>Weights &amp;amp; scales</title><link>https://example.org/?p=7</link>
            <dc:creator>lin</dc:creator><pubDate>Mon, 02 Mar 2020 01:00:00 +0000</pubDate>
            <excerpt:encoded><![CDATA[<b>Short</b> words]]></excerpt:encoded>
            <content:encoded><![CDATA[one
two

<h2>A]]]]><![CDATA[>B</h2>

three]]></content:encoded>
            <wp:post_date_gmt>2020-03-02 00:30:00</wp:post_date_gmt><wp:post_name>weights</wp:post_name>
            <wp:status>future</wp:status><category domain="category" nicename="news">新闻</category>
            <category domain="category" nicename="%e5%9c%b0"><![CDATA[地方 &amp; 行业]]></category>
            <category domain="category" nicename="other">其他</category>
            <category domain="post_tag" nicename="a"><![CDATA[计量,校准]]></category>
            <wp:postmeta><wp:meta_key>title</wp:meta_key></wp:postmeta>"#);
        let expected = serde_json::json!({
            "external_id": "wordpress:7", "title": "Weights & scales", "slug": "weights",
            "summary": "Short words", "body": "<p>one<br>\ntwo</p>\n<h2>A]]>B</h2>\n<p>three</p>\n",
            "body_format": "html",
            "category": [{ "name": "新闻", "slug": "news" }, { "name": "地方 & 行业" }],
            "tags": ["计量 校准", "其他"], "author": "林记者", "source_url": "https://example.org/?p=7",
            "status": "published", "published_at": "2020-03-02T00:30:00Z", "created_at": "2020-03-02T00:30:00Z",
        });
        assert_eq!(row, expected);
    }

    #[test]
    fn drafts_are_told_from_what_readers_saw() {
        for (fields, status) in [
            ("<wp:status>publish</wp:status>", "published"),
            ("<wp:status>private</wp:status>", "draft"),
            ("<wp:status>auto-draft</wp:status>", "draft"),
            ("<wp:status>publish</wp:status><wp:post_password>x</wp:post_password>", "draft"),
        ] {
            assert_eq!(row(fields)["status"], status, "{fields}");
        }
        let draft = row(
            "<wp:post_date_gmt>0000-00-00 00:00:00</wp:post_date_gmt><wp:post_date>2020-03-02 08:00:00</wp:post_date>",
        );
        assert_eq!(draft["created_at"], "2020-03-02T00:00:00Z");
        assert_eq!(draft.get("published_at"), None);
    }

    #[test]
    fn blocks_and_paragraphs_of_their_own_stay_as_they_are() {
        for body in ["<p>a</p>\n\nb", "<!-- wp:list -->\n\n<ul></ul>"] {
            assert_eq!(row(&format!("<content:encoded><![CDATA[{body}]]></content:encoded>"))["body"], body);
        }
    }

    #[test]
    fn what_is_no_post_is_passed_over_and_a_bad_one_stops_no_other() {
        let items = "<item><wp:post_id>1</wp:post_id><wp:post_type>page</wp:post_type></item><item/>"
            .to_owned()
            + &post("<wp:status>trash</wp:status>")
            + &post("<title>&nbsp;</title>")
            + "<item><title>x</title></item>"
            + &post("");
        let (found, end) = read_all(&items);
        assert_eq!(end, Ok(()));
        assert_eq!(found.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, false, true]);
    }

    #[test]
    fn a_file_that_is_no_export_is_refused() {
        let read = |file: &str| read(file.as_bytes(), &mut |_| ControlFlow::Continue(()));
        assert!(read("").unwrap_err().contains("no element"));
        assert!(read("<html></html>").unwrap_err().contains("not RSS"));
        assert!(read("<rss><channel>").unwrap_err().contains("ends in the middle"));
        let bomb = "<!DOCTYPE rss [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><rss></rss>";
        assert!(read(bomb).unwrap_err().contains("document type"));
        assert!(read("<rss><a></b></rss>").is_err());
    }

    #[test]
    fn an_item_larger_than_any_article_ends_the_reading() {
        let large = format!("<content:encoded><![CDATA[{}]]></content:encoded>", "长文".repeat(LARGEST / 6));
        let (found, end) = read_all(&(post("") + &post(&large)));
        assert_eq!(found.len(), 1);
        assert!(end.unwrap_err().contains("16 MiB"));
        let many = post(&format!("<title>{}</title>", "x".repeat(1 << 20))).repeat(20);
        assert_eq!(read_all(&many).1, Ok(()));
    }

    #[test]
    fn reading_stops_when_it_is_told_to() {
        let file = format!("{HEAD}{}", post("").repeat(3));
        let mut count = 0;
        let end = read(file.as_bytes(), &mut |_| {
            count += 1;
            ControlFlow::Break(())
        });
        assert_eq!((end, count), (Ok(()), 1));
    }
}
