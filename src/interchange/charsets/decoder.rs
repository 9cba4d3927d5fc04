//! Converts text of a known character set to UTF-8, with marks where bytes are no characters.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::marks::{escape_own, push_mark, push_next_mark};

/// Bytes read at a time.
const CHUNK_BYTES: usize = 64 << 10;
/// The longest byte-order mark.
const BOM_BYTES: usize = 3;

/// Converts bytes to UTF-8. What it cannot decode gets a [mark](super::marks).
pub struct TextDecoder {
    decoder: Decoder,
    /// Bytes taken so far.
    offset: u64,
    /// The offset after the last bytes with a mark.
    marked_until: Option<u64>,
    /// Whether a character other than a byte-order mark was found.
    has_begun: bool,
}

impl TextDecoder {
    /// A decoder of `encoding`. Byte-order marks at the beginning are left out.
    pub fn new(encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_without_bom_handling();
        Self { decoder, offset: 0, marked_until: None, has_begun: false }
    }

    /// Decodes further bytes, and adds their text to `out`.
    pub fn decode(&mut self, mut bytes: &[u8], is_last: bool, out: &mut String) {
        loop {
            let start = out.len();
            out.reserve(self.decoder.max_utf8_buffer_length_without_replacement(bytes.len()).unwrap_or(0));
            let (result, read) = self.decoder.decode_to_string_without_replacement(bytes, out, is_last);
            self.offset += read as u64;
            bytes = &bytes[read..];
            if !self.has_begun {
                let text = out[start..].trim_start_matches('\u{feff}').len();
                out.drain(start..out.len() - text);
                self.has_begun = text > 0;
            }
            escape_own(out, start);
            match result {
                DecoderResult::InputEmpty => return,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(length, after) => {
                    let end = self.offset - u64::from(after);
                    let begin = end - u64::from(length);
                    if self.marked_until == Some(begin) {
                        push_next_mark(out);
                    } else {
                        push_mark(out, begin);
                    }
                    self.marked_until = Some(end);
                    self.has_begun = true;
                }
            }
        }
    }
}

/// Converts a stream to UTF-8, as its bytes arrive.
pub struct DecodingReader<R> {
    source: R,
    given: Option<&'static Encoding>,
    decoder: Option<TextDecoder>,
    chunk: Vec<u8>,
    text: String,
    /// Bytes of `text` that were passed on.
    passed: usize,
    has_ended: bool,
}

impl<R: Read> DecodingReader<R> {
    /// Reads `source`, which is in the character set `given` if there is one; else in that of its byte-order
    /// mark, else in UTF-8.
    pub fn new(source: R, given: Option<&'static Encoding>) -> Self {
        let chunk = vec![0; CHUNK_BYTES];
        Self { source, given, decoder: None, chunk, text: String::new(), passed: 0, has_ended: false }
    }

    /// Reads and decodes further bytes.
    fn read_more(&mut self) -> io::Result<()> {
        self.text.clear();
        self.passed = 0;
        let mut length = self.source.read(&mut self.chunk)?;
        if self.decoder.is_none() {
            while length > 0 && length < BOM_BYTES {
                match self.source.read(&mut self.chunk[length..])? {
                    0 => break,
                    more => length += more,
                }
            }
        }
        self.has_ended = length == 0;
        let beginning = &self.chunk[..length];
        let decoder =
            self.decoder.get_or_insert_with(|| TextDecoder::new(choose_encoding(self.given, beginning)));
        decoder.decode(beginning, self.has_ended, &mut self.text);
        Ok(())
    }
}

impl<R: Read> Read for DecodingReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.passed == self.text.len() && !self.has_ended && !into.is_empty() {
            self.read_more()?;
        }
        let rest = &self.text.as_bytes()[self.passed..];
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        self.passed += length;
        Ok(length)
    }
}

/// The character set of a text: the one given, else that of its byte-order mark, else UTF-8.
///
/// Of the two orders of bytes of UTF-16, the byte-order mark tells which.
pub fn choose_encoding(given: Option<&'static Encoding>, beginning: &[u8]) -> &'static Encoding {
    let marked = Encoding::for_bom(beginning).map(|(encoding, _)| encoding);
    let is_utf16 = |encoding: &'static Encoding| encoding == UTF_16LE || encoding == UTF_16BE;
    match (given, marked) {
        (Some(given), Some(marked)) if is_utf16(given) && is_utf16(marked) => marked,
        (Some(given), _) => given,
        (None, marked) => marked.unwrap_or(UTF_8),
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{BIG5, GB18030, SHIFT_JIS};

    use super::super::marks::resolve_marks;
    use super::*;

    /// A sender of the given chunks, who then sends nothing more.
    struct SlowSender(Vec<&'static str>);

    impl Read for SlowSender {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let chunk = self.0.remove(0).as_bytes();
            into[..chunk.len()].copy_from_slice(chunk);
            Ok(chunk.len())
        }
    }

    #[test]
    fn the_rows_of_a_slow_sender_are_not_held_back() {
        let rows = ["title\n", "plain\n", "质量\n", "标准\n"];
        let array = ["[{\"title\": \"", "全省质量提升行动取得新进展质量强省\"},"];
        for chunks in [rows.to_vec(), array.to_vec(), vec!["\u{feff}质\n"]] {
            let mut text = Vec::new();
            let mut reader = DecodingReader::new(SlowSender(chunks.clone()), None);
            assert!(reader.read_to_end(&mut text).is_err());
            assert_eq!(String::from_utf8(text).unwrap(), chunks.concat().trim_start_matches('\u{feff}'));
        }
    }

    /// Decodes `bytes` in chunks of `size`.
    fn decode(encoding: &'static Encoding, bytes: &[u8], size: usize) -> String {
        let (mut decoder, mut out) = (TextDecoder::new(encoding), String::new());
        bytes.chunks(size).for_each(|chunk| decoder.decode(chunk, false, &mut out));
        decoder.decode(&[], true, &mut out);
        out
    }

    #[test]
    fn undecodable_bytes_are_told_with_their_offset() {
        for (encoding, bytes, at, count) in [
            (UTF_8, b"{\"a\": \"\xe8\xb4\xa8\xff\xfe\"}".as_slice(), 10, 2),
            (UTF_8, b"\xef\xbb\xbfabc\xe8\xb4", 6, 1),
            (GB18030, b"\xd6\xca\xc1\xbf\xff,", 4, 1),
            (BIG5, b"ab\xff\xff,", 2, 2),
            (SHIFT_JIS, b"\x82\xa0\xa0\n", 2, 1),
            (UTF_16LE, b"\xff\xfea\0\x00\xd8b\0", 4, 1),
        ] {
            for size in [1, 2, 3, 100] {
                let text = decode(encoding, bytes, size);
                let undecoded = resolve_marks(&text).undecoded;
                assert_eq!(
                    (undecoded.first, undecoded.count),
                    (Some(at), count),
                    "{encoding:?} {size} {text:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_decoded_has_no_byte_order_mark_and_all_its_own_characters() {
        for text in ["", "a", "\u{fffd}", "\u{fdd0}\u{fdef}质", "质\u{feff}量"] {
            let bytes = ["\u{feff}\u{feff}", text].concat().into_bytes();
            let mut decoded = String::new();
            DecodingReader::new(bytes.as_slice(), None).read_to_string(&mut decoded).unwrap();
            let resolved = resolve_marks(&decoded);
            assert_eq!((resolved.text.as_ref(), resolved.undecoded.count), (text, 0));
        }
    }

    #[test]
    fn a_given_character_set_goes_before_a_byte_order_mark() {
        assert_eq!(choose_encoding(Some(GB18030), b"\xef\xbb\xbfa"), GB18030);
        assert_eq!(choose_encoding(Some(UTF_16LE), b"\xfe\xff\0a"), UTF_16BE);
        assert_eq!(choose_encoding(None, b"\xff\xfea\0"), UTF_16LE);
        assert_eq!(choose_encoding(None, b"\xd6\xca"), UTF_8);
    }
}
