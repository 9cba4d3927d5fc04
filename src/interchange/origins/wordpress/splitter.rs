//! Cuts the text of an export into items, so that a fault of one costs no other.

use std::io::{BufRead, ErrorKind};

use memchr::{memchr, memchr_iter, memchr2, memmem};

/// Most bytes of one item.
pub(super) const MAX_ITEM_BYTES: usize = 16 << 20;
/// Most bytes before the channel.
const MAX_HEAD_BYTES: usize = 1 << 20;
/// Bytes that are kept of an item that is too large: its title and its id are looked for in them.
const KEPT_BYTES: usize = 64 << 10;
/// Most bytes that are read at a time.
const MAX_READ_BYTES: usize = 32 << 10;
/// Bytes that show what follows a `<`.
const LOOKAHEAD_BYTES: usize = 64;
/// The records before the items. Their prefix is not looked at.
const CHANNEL_RECORDS: [&[u8]; 4] = [b"author", b"category", b"tag", b"term"];

/// What a piece of an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceKind {
    /// What is between items: at most one author or term, and elements of the channel.
    Channel,
    /// An item, whole or broken.
    Item,
}

/// A piece of an export.
#[derive(Debug)]
pub struct Piece {
    /// What it is.
    pub kind: PieceKind,
    /// Its bytes.
    pub text: Vec<u8>,
    /// The line on which it begins, from 1.
    pub line: u64,
    /// Why it is not whole: a clause.
    pub fault: Option<&'static str>,
}

/// Cuts an export into pieces, in the file's order.
pub struct Splitter<R> {
    input: R,
    /// Bytes that were read. Those of returned pieces are removed.
    buffer: Vec<u8>,
    /// The line on which `buffer` begins, from 1.
    line: u64,
    is_at_end: bool,
    /// The start tags of the root and of the channel, which declare namespaces.
    root: String,
}

/// How far an item was looked through.
struct Scan {
    at: usize,
    section: Option<Section>,
    /// The lines of what was removed of an item that is too large.
    removed_lines: Option<u64>,
}

/// A part of an item in which tags are text.
struct Section {
    /// The first byte of its end.
    closer: u8,
    end: &'static [u8],
    /// The items that begin in it and have not ended: text about items.
    open_items: usize,
}

impl<R: BufRead> Splitter<R> {
    /// Reads `input` up to the channel.
    ///
    /// # Errors
    ///
    /// The file is no RSS, or declares a document type.
    pub fn open(input: R) -> Result<Self, String> {
        let (buffer, root) = (Vec::new(), String::new());
        let mut splitter = Self { input, buffer, line: 1, is_at_end: false, root };
        splitter.read_root()?;
        Ok(splitter)
    }

    /// The start tags of the root and of the channel. Those of each piece follow them.
    pub fn root(&self) -> &str {
        &self.root
    }

    fn read_root(&mut self) -> Result<(), String> {
        let rss = loop {
            let found = find_tag(&self.buffer, "<rss").or_else(|| find_tag(&self.buffer, "<RSS"));
            if let Some(start) = found
                && let Some(length) = memchr(b'>', &self.buffer[start..])
            {
                break start..start + length + 1;
            }
            if self.buffer.len() > MAX_HEAD_BYTES || !self.read_more()? {
                return Err(self.describe_head());
            }
        };
        if memmem::find(&self.buffer[..rss.start], b"<!DOCTYPE").is_some() {
            return Err("The file declares a document type.".to_owned());
        }
        self.root = String::from_utf8_lossy(&self.buffer[rss.clone()]).into_owned();
        self.remove(rss.end);
        while self.buffer.len() < LOOKAHEAD_BYTES && self.read_more()? {}
        let blank = self.buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        match memchr(b'>', &self.buffer) {
            Some(end) if self.buffer[blank..].starts_with(b"<channel") => {
                self.root.push_str(&String::from_utf8_lossy(&self.buffer[blank..=end]));
                self.remove(end + 1);
            }
            _ => self.root.push_str("<channel>"),
        }
        Ok(())
    }

    fn describe_head(&self) -> String {
        let names_element = |at: usize| self.buffer.get(at + 1).is_some_and(u8::is_ascii_alphabetic);
        let what = match memchr_iter(b'<', &self.buffer).any(names_element) {
            true => "it is not RSS",
            false => "it has no element",
        };
        format!("The file is not a WordPress export: {what}.")
    }

    /// The next piece. Returns `None` at the end of the file.
    ///
    /// # Errors
    ///
    /// The file cannot be read further.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, String> {
        let mut at = 0;
        loop {
            self.ensure(at + LOOKAHEAD_BYTES)?;
            let rest = &self.buffer[at..];
            let Some(tag) = memchr(b'<', rest) else {
                at = self.buffer.len();
                if self.is_at_end {
                    return Ok((at > 0).then(|| self.cut(PieceKind::Channel, at, None)));
                }
                continue;
            };
            at += tag;
            self.ensure(at + LOOKAHEAD_BYTES)?;
            let rest = &self.buffer[at..];
            if names_item(rest, b"<item") {
                return match at {
                    0 => self.next_item().map(Some),
                    _ => Ok(Some(self.cut(PieceKind::Channel, at, None))),
                };
            }
            match ends_record(rest) {
                Some(length) => return Ok(Some(self.cut(PieceKind::Channel, at + length, None))),
                None if at > MAX_ITEM_BYTES => return Ok(Some(self.cut(PieceKind::Channel, at, None))),
                None => at += 1,
            }
        }
    }

    /// Cuts the item with which the buffer begins.
    fn next_item(&mut self) -> Result<Piece, String> {
        if let Some(end) = memchr(b'>', &self.buffer)
            && self.buffer[..end].ends_with(b"/")
        {
            return Ok(self.cut(PieceKind::Item, end + 1, None));
        }
        let mut scan = Scan { at: 1, section: None, removed_lines: None };
        loop {
            if scan.at > MAX_ITEM_BYTES {
                let lines = count_lines(&self.buffer[KEPT_BYTES..scan.at]);
                *scan.removed_lines.get_or_insert(0) += lines;
                self.buffer.drain(KEPT_BYTES..scan.at);
                scan.at = KEPT_BYTES;
            }
            self.ensure(scan.at + LOOKAHEAD_BYTES)?;
            let closer = scan.section.as_ref().map_or(b'<', |section| section.closer);
            match memchr2(b'<', closer, &self.buffer[scan.at..]) {
                Some(next) => {
                    scan.at += next;
                    self.ensure(scan.at + LOOKAHEAD_BYTES)?;
                    if let Some((end, fault)) = self.step(&mut scan)? {
                        return Ok(self.finish_item(end, scan.removed_lines, fault));
                    }
                }
                None if self.is_at_end => {
                    return Ok(self.cut(PieceKind::Item, self.buffer.len(), Some(CUT_OFF)));
                }
                None => scan.at = self.buffer.len(),
            }
        }
    }

    /// Looks at what begins at `scan.at`, and moves it on. Returns where the item ends, if it ends there, and its
    /// fault.
    fn step(&mut self, scan: &mut Scan) -> Result<Option<(usize, Option<&'static str>)>, String> {
        let rest = &self.buffer[scan.at..];
        let Some(section) = &mut scan.section else {
            if names_item(rest, b"<item") {
                return Ok(Some((scan.at, Some(NO_END))));
            } else if names_item(rest, b"</item") {
                let length = memchr(b'>', rest).map_or(rest.len(), |end| end + 1);
                return Ok(Some((scan.at + length, None)));
            }
            scan.section = Section::open(rest);
            scan.at += 1;
            return Ok(None);
        };
        if rest.starts_with(section.end) {
            scan.at += section.end.len();
            scan.section = None;
            return Ok(None);
        }
        if names_item(rest, b"<item") {
            section.open_items += 1;
        } else if names_item(rest, b"</item") && section.open_items > 0 {
            section.open_items -= 1;
        } else if let Some(end) = self.find_broken_end(scan.at)? {
            return Ok(Some((end, Some(OPEN_SECTION))));
        }
        scan.at += 1;
        Ok(None)
    }

    /// Where an item ends that has a section without an end: at an end of items after which another one or nothing
    /// follows.
    fn find_broken_end(&mut self, at: usize) -> Result<Option<usize>, String> {
        let rest = &self.buffer[at..];
        if !names_item(rest, b"</item") {
            return Ok(None);
        }
        let end = at + memchr(b'>', rest).map_or(rest.len(), |length| length + 1);
        let mut next = end;
        while self.buffer.get(next).is_some_and(u8::is_ascii_whitespace) || next >= self.buffer.len() {
            if next - end > MAX_HEAD_BYTES {
                return Ok(None);
            } else if next < self.buffer.len() {
                next += 1;
            } else if !self.read_more()? {
                return Ok(Some(end));
            }
        }
        self.ensure(next + LOOKAHEAD_BYTES)?;
        let rest = &self.buffer[next..];
        Ok((names_item(rest, b"<item") || rest.starts_with(b"</channel")).then_some(end))
    }

    fn finish_item(&mut self, end: usize, removed_lines: Option<u64>, fault: Option<&'static str>) -> Piece {
        let fault = if removed_lines.is_some() { Some(TOO_LARGE) } else { fault };
        let piece = self.cut(PieceKind::Item, end, fault);
        self.line += removed_lines.unwrap_or(0);
        piece
    }

    fn cut(&mut self, kind: PieceKind, end: usize, fault: Option<&'static str>) -> Piece {
        let line = self.line;
        let rest = self.buffer.split_off(end);
        let text = std::mem::replace(&mut self.buffer, rest);
        self.line += count_lines(&text);
        Piece { kind, text, line, fault }
    }

    fn remove(&mut self, length: usize) {
        self.line += count_lines(&self.buffer[..length]);
        self.buffer.drain(..length);
    }

    /// Reads until the buffer has `length` bytes, or the file ends.
    fn ensure(&mut self, length: usize) -> Result<(), String> {
        while self.buffer.len() < length && self.read_more()? {}
        Ok(())
    }

    /// Reads more bytes into the buffer. Returns whether there were any.
    fn read_more(&mut self) -> Result<bool, String> {
        let bytes = loop {
            match self.input.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        let bytes = bytes.map_err(|error| format!("The file cannot be read: {error}."))?;
        // What is behind a piece is moved when the piece is cut off, so it is little.
        let length = bytes.len().min(MAX_READ_BYTES);
        self.buffer.extend_from_slice(&bytes[..length]);
        self.is_at_end = length == 0;
        self.input.consume(length);
        Ok(length > 0)
    }
}

/// Faults of items, as clauses.
const OPEN_SECTION: &str = "a CDATA section or a comment in it has no end";
const NO_END: &str = "it has no end tag </item>";
const TOO_LARGE: &str = "it is larger than 16 MiB";
/// The fault of an item in which the file ends.
pub(super) const CUT_OFF: &str = "the file ends in the middle of it";

impl Section {
    /// The section that begins with `rest`.
    fn open(rest: &[u8]) -> Option<Self> {
        let (closer, end): (u8, &[u8]) = match rest {
            _ if rest.starts_with(b"<![CDATA[") => (b']', b"]]>"),
            _ if rest.starts_with(b"<!--") => (b'-', b"-->"),
            _ => return None,
        };
        Some(Self { closer, end, open_items: 0 })
    }
}

/// Whether `rest` begins with the tag `tag`, and not with a longer name.
fn names_item(rest: &[u8], tag: &[u8]) -> bool {
    rest.starts_with(tag)
        && rest.get(tag.len()).is_none_or(|byte| byte.is_ascii_whitespace() || b"/>".contains(byte))
}

/// Returns the length of the end tag with which `rest` begins, if it is one of a record of the channel.
fn ends_record(rest: &[u8]) -> Option<usize> {
    let length = memchr(b'>', rest.get(..LOOKAHEAD_BYTES).unwrap_or(rest))?;
    let name = rest[..length].strip_prefix(b"</")?.trim_ascii_end();
    let local = name.rsplit(|byte| *byte == b':').next()?;
    CHANNEL_RECORDS.contains(&local).then_some(length + 1)
}

fn find_tag(buffer: &[u8], tag: &str) -> Option<usize> {
    memmem::find_iter(buffer, tag)
        .find(|at| buffer.get(at + tag.len()).is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b'>'))
}

fn count_lines(text: &[u8]) -> u64 {
    memchr_iter(b'\n', text).count() as u64
}
