//! The columns of CSV: which byte stands between cells, and which key each column has.

use std::io::{self, Read};

use csv::ByteRecord;

use super::csv_records::RecordCutter;
use crate::error::{Code, Error, Fault, Result};
use crate::http::pointer::{escape, truncate_key};
use crate::http::schema::find_nearest;
use crate::interchange::cell_dates::DateStyle;
use crate::interchange::charsets::marks::resolve_marks;
use crate::text::is_hidden;

/// The bytes that are tried between cells. The first is the default.
const DELIMITERS: [u8; 4] = *b",;\t|";

/// Common Chinese headers, and the keys that they stand for.
const CHINESE_HEADERS: &[(&str, &str)] = &[
    ("编号", "external_id"),
    ("序号", "external_id"),
    ("文章编号", "external_id"),
    ("标题", "title"),
    ("题目", "title"),
    ("文章标题", "title"),
    ("正文", "body"),
    ("内容", "body"),
    ("文章内容", "body"),
    ("摘要", "summary"),
    ("简介", "summary"),
    ("导读", "summary"),
    ("栏目", "category"),
    ("分类", "category"),
    ("类别", "category"),
    ("频道", "category"),
    ("标签", "tags"),
    ("关键词", "tags"),
    ("关键字", "tags"),
    ("作者", "author"),
    ("来源", "source_name"),
    ("文章来源", "source_name"),
    ("来源网址", "source_url"),
    ("来源链接", "source_url"),
    ("原文链接", "source_url"),
    ("封面", "cover_url"),
    ("封面图", "cover_url"),
    ("状态", "status"),
    ("发布时间", "published_at"),
    ("发布日期", "published_at"),
    ("发表时间", "published_at"),
    ("日期", "published_at"),
    ("时间", "published_at"),
    ("创建时间", "created_at"),
    ("录入时间", "created_at"),
    ("浏览量", "views"),
    ("阅读量", "views"),
    ("点击量", "views"),
    ("点击数", "views"),
    ("名称", "name"),
    ("上级栏目", "parent"),
    ("描述", "description"),
    ("失效时间", "expires_at"),
];

/// The columns of a body.
#[derive(Debug)]
pub struct Columns {
    /// The key of each column. `None` leaves the column out.
    pub keys: Vec<Option<String>>,
    /// The first column that has no name, from 1, and that no mapping leaves out.
    pub unnamed: Option<usize>,
    /// How cells with dates are read.
    pub dates: DateStyle,
}

/// How CSV is read: its delimiter, and the keys of its columns.
#[derive(Clone, Debug, Default)]
pub struct ColumnMapping {
    mapping: Vec<(String, String)>,
    /// The keys that rows can have.
    known: &'static [&'static str],
    delimiter: Option<u8>,
    dates: DateStyle,
}

impl ColumnMapping {
    /// Maps the header of each pair to its key. An empty key leaves the column out.
    pub fn new(mapping: Vec<(String, String)>) -> Self {
        Self { mapping, ..Self::default() }
    }

    /// Sets the keys that rows can have.
    pub fn with_known_keys(self, known: &'static [&'static str]) -> Self {
        Self { known, ..self }
    }

    /// Sets the byte between cells. `None` finds it out.
    pub fn with_delimiter(self, delimiter: Option<u8>) -> Self {
        Self { delimiter, ..self }
    }

    /// Sets how cells with dates are read.
    pub fn with_dates(self, dates: DateStyle) -> Self {
        Self { dates, ..self }
    }

    /// Reads the header, after a line like `sep=;`. Returns the columns, or the faults of all headers.
    pub(super) fn read_header(&self, cutter: &mut RecordCutter<impl Read>) -> io::Result<Result<Columns>> {
        let named = take_separator_line(cutter)?;
        let delimiter = match self.delimiter.or(named) {
            Some(delimiter) => delimiter,
            None => self.find_delimiter(cutter)?,
        };
        cutter.set_delimiter(delimiter);
        Ok(match cutter.take_header()? {
            Some(header) => self.map_headers(&header),
            None if cutter.is_at_end()? => Ok(Columns { keys: Vec::new(), unnamed: None, dates: self.dates }),
            None => Err(Error::Refused(
                Code::BadRequest,
                "The header is not CSV: a quoted cell does not end.".into(),
            )),
        })
    }

    /// The delimiter with which the header has the most known columns, or else the most columns.
    fn find_delimiter(&self, cutter: &mut RecordCutter<impl Read>) -> io::Result<u8> {
        let mut best = (DELIMITERS[0], (0, 0));
        for delimiter in DELIMITERS {
            let header = cutter.peek_with(delimiter)?;
            let score = header.map_or((0, 0), |header| {
                let names = header.iter().map(read_name);
                (names.filter(|name| self.is_expected(name)).count(), header.len())
            });
            if score > best.1 {
                best = (delimiter, score);
            }
        }
        Ok(best.0)
    }

    fn is_expected(&self, name: &str) -> bool {
        self.find_mapped(name).is_some() || self.known.contains(&name) || self.suggest_key(name).is_some()
    }

    fn find_mapped(&self, name: &str) -> Option<&str> {
        self.mapping.iter().find(|(header, _)| header == name).map(|(_, key)| key.as_str())
    }

    /// The key that an unknown header may stand for.
    fn suggest_key(&self, name: &str) -> Option<&'static str> {
        let known = || self.known.iter().copied();
        let chinese = CHINESE_HEADERS.iter().find(|(header, _)| *header == name).map(|(_, key)| *key);
        let chinese = chinese.filter(|key| self.known.contains(key));
        chinese.or_else(|| find_nearest(&name.to_lowercase(), known()))
    }

    fn map_headers(&self, headers: &ByteRecord) -> Result<Columns> {
        let (mut faults, mut keys, mut unnamed) = (Vec::new(), Vec::new(), None);
        for (at, header) in headers.iter().enumerate() {
            let name = read_name(header);
            let mapped = self.find_mapped(&name);
            let key = mapped.unwrap_or(&name);
            if key.is_empty() {
                if mapped.is_none() {
                    unnamed.get_or_insert(at + 1);
                }
                keys.push(None);
                continue;
            }
            let pointer = format!("/{}", escape(&truncate_key(&name)));
            if !self.known.contains(&key) {
                faults.push(self.unknown_column(pointer, &name, key));
            } else if keys.iter().flatten().any(|known| known == key) {
                faults.push(Fault::body(pointer, Code::DuplicateField, "duplicate column"));
            }
            keys.push(Some(key.to_owned()));
        }
        Error::body(faults)?;
        Ok(Columns { keys, unnamed, dates: self.dates })
    }

    /// The fault of a column whose key is not known, with the mapping that may be meant.
    fn unknown_column(&self, pointer: String, name: &str, key: &str) -> Fault {
        let fault = |detail: &'static str| {
            let fault = Fault::body(pointer.clone(), Code::UnknownField, detail);
            fault.with("column", truncate_key(name))
        };
        match self.suggest_key(key) {
            Some(nearest) => fault(
                "unknown column; did you mean `{suggestion}`? Then map it: columns={column}:{suggestion}, on the \
                 command line --columns {column}:{suggestion}",
            )
            .with("suggestion", nearest),
            None => fault(
                "unknown column; map it to a key, or leave it out: columns={column}:, on the command line \
                 --columns {column}:",
            ),
        }
    }
}

/// The name in a cell of the header, without white space, invisible characters and quotes around it.
fn read_name(cell: &[u8]) -> String {
    let is_around = |c: char| c.is_whitespace() || is_hidden(c) || c == '"';
    let name = String::from_utf8_lossy(cell);
    resolve_marks(&name).text.trim_matches(is_around).to_owned()
}

/// Reads a first line like `sep=;`, by which spreadsheets name the delimiter.
fn take_separator_line(cutter: &mut RecordCutter<impl Read>) -> io::Result<Option<u8>> {
    // A byte that no text has: the line is one cell.
    let Some(line) = cutter.peek_with(0)? else { return Ok(None) };
    let cell = line.get(0).unwrap_or_default();
    let is_named = read_name(cell).get(..4).is_some_and(|start| start.eq_ignore_ascii_case("sep="));
    if !is_named {
        return Ok(None);
    }
    cutter.take_line()?;
    let delimiter = cell.iter().copied().skip_while(|byte| *byte != b'=').nth(1);
    Ok(delimiter.filter(|byte| can_delimit(*byte)))
}

/// Whether a byte can stand between cells.
fn can_delimit(byte: u8) -> bool {
    byte == b'\t' || (byte.is_ascii_punctuation() && byte != b'"')
}

/// Parses the name of a delimiter: the character itself, or a word for it.
pub fn parse_delimiter(text: &str) -> Option<u8> {
    match text {
        "comma" => Some(b','),
        "semicolon" => Some(b';'),
        "tab" | "\\t" => Some(b'\t'),
        "pipe" => Some(b'|'),
        text => text.bytes().next().filter(|byte| text.len() == 1 && can_delimit(*byte)),
    }
}
