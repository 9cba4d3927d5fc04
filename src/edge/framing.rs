//! Where heads and bodies begin and end in the bytes of a connection.

/// The longest line of a head that is kept. The parser refuses a head of this size.
const MAX_LINE_BYTES: usize = 128 << 10;

/// The longest value of a header that is noted.
const MAX_NOTE_BYTES: usize = 1 << 10;

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// A request line, a header, or the empty line after them.
    Head,
    /// A body of which so many bytes are missing.
    Body(u64),
    /// The line before a chunk.
    ChunkSize,
    /// A chunk and its line end, of which so many bytes are missing.
    Chunk(u64),
    /// A line after the last chunk.
    Trailer,
    /// Bytes that the parser refuses.
    Malformed,
}

/// Follows the framing of the requests on a connection (RFC 9112 §6). Only the parser refuses what is malformed.
#[derive(Debug)]
pub struct Framing {
    part: Part,
    /// The line that has begun, if its end has not arrived yet.
    line: Vec<u8>,
    has_head_begun: bool,
    length: u64,
    is_chunked: bool,
    head: HeadNotes,
    /// Where the bytes that arrived last have parts of a request's target that are not ASCII.
    raw_bytes: Vec<usize>,
}

/// What the last head says of its client, as far as it has arrived. Longer values are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeadNotes {
    /// `Origin`.
    pub origin: Option<String>,
    /// `Host`.
    pub host: Option<String>,
    /// `Accept-Language`.
    pub accept_language: Option<String>,
}

impl Framing {
    /// The framing of a new connection.
    pub fn new() -> Self {
        Self {
            part: Part::Head,
            line: Vec::new(),
            has_head_begun: false,
            length: 0,
            is_chunked: false,
            head: HeadNotes::default(),
            raw_bytes: Vec::new(),
        }
    }

    /// What the last head says of its client.
    pub fn head(&self) -> &HeadNotes {
        &self.head
    }

    /// The bytes followed last, if the request lines in them are not all ASCII: with percent-encoding in place of the
    /// others, which no parser takes (RFC 3986 §2.1).
    pub fn encode_request_lines(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let first = *self.raw_bytes.first()?;
        let mut encoded = bytes[..first].to_vec();
        let ends = self.raw_bytes.iter().skip(1).copied().chain([bytes.len()]);
        for (at, end) in self.raw_bytes.iter().zip(ends) {
            encoded.extend(format!("%{:02X}", bytes[*at]).into_bytes());
            encoded.extend_from_slice(&bytes[at + 1..end]);
        }
        Some(encoded)
    }

    /// Whether a part of a head has arrived, and its end has not.
    pub fn is_in_head(&self) -> bool {
        matches!(self.part, Part::Head) && (self.has_head_begun || !self.line.is_empty())
    }

    /// Whether a body has begun, and its end has not arrived.
    pub fn is_in_body(&self) -> bool {
        matches!(self.part, Part::Body(_) | Part::ChunkSize | Part::Chunk(_) | Part::Trailer)
    }

    /// Follows `bytes`, which have just arrived.
    ///
    /// A line feed without a carriage return, and all bytes after it, become bytes that the parser refuses: it would
    /// take the line feed for a line end, and a proxy in front of it may not.
    pub fn advance(&mut self, mut bytes: &mut [u8]) {
        let whole = bytes.len();
        self.raw_bytes.clear();
        while !bytes.is_empty() {
            if self.part == Part::Head && !self.has_head_begun {
                self.note_raw_bytes(bytes, whole - bytes.len());
            }
            match self.part {
                Part::Body(missing) => {
                    let (left, rest) = skip(missing, bytes);
                    self.part = if left == 0 { Part::Head } else { Part::Body(left) };
                    bytes = rest;
                }
                Part::Chunk(missing) => {
                    let (left, rest) = skip(missing, bytes);
                    self.part = if left == 0 { Part::ChunkSize } else { Part::Chunk(left) };
                    bytes = rest;
                }
                Part::Head | Part::ChunkSize | Part::Trailer => bytes = self.advance_line(bytes),
                Part::Malformed => {
                    bytes.fill(b'\r');
                    return;
                }
            }
        }
    }

    /// Notes the bytes of the request line at the beginning of `bytes` that are not ASCII. `offset` comes before them.
    fn note_raw_bytes(&mut self, bytes: &[u8], offset: usize) {
        let line = bytes.iter().take_while(|byte| **byte != b'\n').enumerate();
        self.raw_bytes.extend(line.filter(|(_, byte)| !byte.is_ascii()).map(|(at, _)| offset + at));
    }

    /// Follows `bytes` to the end of a line, and returns the rest.
    fn advance_line<'b>(&mut self, bytes: &'b mut [u8]) -> &'b mut [u8] {
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
            self.line.extend_from_slice(bytes);
            if self.line.len() > MAX_LINE_BYTES {
                self.part = Part::Malformed;
            }
            return &mut [];
        };
        let (arrived, rest) = bytes.split_at_mut(end + 1);
        let mut begun = std::mem::take(&mut self.line);
        let line: &[u8] = if begun.is_empty() {
            arrived
        } else {
            begun.extend_from_slice(arrived);
            &begun
        };
        match line.strip_suffix(b"\r\n") {
            Some(content) => self.end_line(content),
            None => {
                // The parser skips the bytes of trailers up to a carriage return.
                arrived[end] = if self.part == Part::Trailer { b'\r' } else { 0 };
                self.part = Part::Malformed;
            }
        }
        begun.clear();
        self.line = begun;
        rest
    }

    fn end_line(&mut self, line: &[u8]) {
        match self.part {
            Part::Head if line.is_empty() && self.has_head_begun => self.end_head(),
            Part::Head if line.is_empty() => {}
            Part::Head if !self.has_head_begun => {
                self.has_head_begun = true;
                self.head = HeadNotes::default();
            }
            Part::Head => self.read_header(line),
            Part::ChunkSize => {
                self.part = match parse_chunk_size(line) {
                    Some(0) => Part::Trailer,
                    Some(size) => Part::Chunk(size.saturating_add(2)),
                    None => Part::Malformed,
                }
            }
            Part::Trailer if line.is_empty() => self.part = Part::Head,
            Part::Trailer | Part::Body(_) | Part::Chunk(_) | Part::Malformed => {}
        }
    }

    fn read_header(&mut self, line: &[u8]) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
            self.length = length.unwrap_or(0);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.is_chunked = value.eq_ignore_ascii_case(b"chunked");
        } else {
            self.head.note(name, value);
        }
    }

    fn end_head(&mut self) {
        self.part = match (self.is_chunked, self.length) {
            (true, _) => Part::ChunkSize,
            (false, 0) => Part::Head,
            (false, length) => Part::Body(length),
        };
        (self.has_head_begun, self.length, self.is_chunked) = (false, 0, false);
    }
}

impl HeadNotes {
    fn note(&mut self, name: &[u8], value: &[u8]) {
        let notes = [
            (&b"origin"[..], &mut self.origin),
            (b"host", &mut self.host),
            (b"accept-language", &mut self.accept_language),
        ];
        for (known, note) in notes {
            if name.eq_ignore_ascii_case(known) && value.len() <= MAX_NOTE_BYTES {
                *note = std::str::from_utf8(value).ok().map(str::to_owned);
            }
        }
    }
}

/// Skips at most `missing` bytes; returns how many are missing after that, and the rest.
fn skip(missing: u64, bytes: &mut [u8]) -> (u64, &mut [u8]) {
    let skipped = usize::try_from(missing).map_or(bytes.len(), |missing| missing.min(bytes.len()));
    (missing - skipped as u64, &mut bytes[skipped..])
}

fn parse_chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    u64::from_str_radix(std::str::from_utf8(&line[..digits]).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `text` in pieces of `size` bytes; returns what the parser sees, and the framing after it.
    fn follow(text: &str, size: usize) -> (String, Framing) {
        let mut framing = Framing::new();
        let mut bytes = text.as_bytes().to_vec();
        bytes.chunks_mut(size).for_each(|piece| framing.advance(piece));
        (String::from_utf8(bytes).unwrap(), framing)
    }

    #[test]
    fn the_end_of_each_request_is_found_however_it_arrives_in_pieces() {
        let requests = [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-LENGTH:  5 \r\n\r\na\nb\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\na\nb\r\n0a\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
        ];
        for (count, size) in (0..40).map(|index| (index % 5 + 1, index / 2 + 1)) {
            let text = requests.iter().cycle().take(count).copied().collect::<String>();
            let (seen, framing) = follow(&text, size);
            assert_eq!(seen, text);
            assert!(framing.part == Part::Head && !framing.is_in_head(), "{count} {size} {framing:?}");
        }
    }

    #[test]
    fn a_request_that_has_not_ended_is_known_for_what_it_is() {
        for head in
            ["G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r"]
        {
            assert!(follow(head, 3).1.is_in_head(), "{head:?}");
        }
        let length = "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n";
        let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        for (head, body) in [
            (length, ""),
            (length, "ab"),
            (chunked, ""),
            (chunked, "3"),
            (chunked, "3\r\nabc"),
            (chunked, "0\r\n"),
        ] {
            let framing = follow(&format!("{head}{body}"), 7).1;
            assert!(framing.is_in_body() && !framing.is_in_head(), "{head:?} {body:?} {framing:?}");
        }
    }

    #[test]
    fn text_of_request_lines_is_percent_encoded_and_nothing_else() {
        let head = |target: &str| format!("GET {target} HTTP/1.1\r\nX: 砝\r\nContent-Length: 3\r\n\r\n砝");
        let sent = [head("/砝?a=é"), head("/"), head("/é")].concat();
        let wanted = [head("/%E7%A0%9D?a=%C3%A9"), head("/"), head("/%C3%A9")].concat();
        for size in [1, 2, 5, 16, 1000] {
            let (mut framing, mut seen) = (Framing::new(), Vec::new());
            for piece in sent.clone().into_bytes().chunks_mut(size) {
                framing.advance(piece);
                seen.extend(framing.encode_request_lines(piece).unwrap_or_else(|| piece.to_vec()));
            }
            assert_eq!(String::from_utf8(seen).unwrap(), wanted);
        }
    }

    #[test]
    fn the_last_head_is_noted_as_far_as_it_has_arrived() {
        let first = "GET / HTTP/1.1\r\nORIGIN:  https://a.example \r\naccept-language: zh\r\n\r\n";
        let noted = |text: &str| follow(text, 7).1.head;
        let expected = HeadNotes {
            origin: Some("https://a.example".to_owned()),
            accept_language: Some("zh".to_owned()),
            host: None,
        };
        assert_eq!(noted(first), expected);
        assert_eq!(noted(&format!("{first}GET / HTTP/1.1\r\n")), HeadNotes::default());
        assert_eq!(noted(&format!("GET / HTTP/1.1\r\nHost: {}\r\n", "a".repeat(2000))).host, None);
    }

    #[test]
    fn a_bare_line_feed_never_reaches_the_parser_as_a_line_end() {
        for sent in [
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\n\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "\nGET / HTTP/1.1\r\n\r\n",
        ] {
            for size in [1, 5, 100] {
                let (seen, framing) = follow(sent, size);
                let is_bare = |(at, byte)| byte == b'\n' && !sent[..at].ends_with('\r');
                let bare = sent.bytes().enumerate().position(is_bare).unwrap();
                let (before, after) = seen.split_at(bare);
                assert_eq!((before, framing.part), (&sent[..bare], Part::Malformed));
                assert!(after.starts_with('\0') && !after.contains('\n'), "{seen:?}");
            }
        }
        let trailer =
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\n\nGET / HTTP/1.1\r\n\r\n";
        let (seen, _) = follow(trailer, 6);
        assert!(seen.contains("X: y\r\r\r") && !seen.contains("GET / HTTP"), "{seen:?}");
    }
}
