//! Finds the character set of a body while it is read, and converts the body to UTF-8.
//!
//! The beginning of a body is passed on while it is ASCII, which is the same in all character sets.
//! So the rows of a slow sender are not held back until there is a sample to judge by.

use std::io::{self, Cursor, Read};
use std::sync::{Arc, OnceLock};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, GB18030, UTF_8};
use encoding_rs_io::DecodeReaderBytesBuilder;

/// Bytes after the ASCII beginning of a body from which its character set is detected.
const SAMPLE_BYTES: usize = 64 << 10;
/// A beginning that is valid UTF-8 and has so many characters that are not ASCII settles that the body is UTF-8.
const SETTLING_CHARS: usize = 16;

type Source = Box<dyn Read + Send>;

/// The character set of a body. It is known when the first character that is not ASCII was read.
#[derive(Clone, Default)]
pub struct BodyEncoding(Arc<OnceLock<&'static Encoding>>);

impl BodyEncoding {
    /// The character set; UTF-8 while all is ASCII.
    pub fn get(&self) -> &'static Encoding {
        self.0.get().copied().unwrap_or(UTF_8)
    }
}

/// Converts a body to UTF-8. A body that is UTF-8 is passed through and can hold invalid bytes.
pub struct DetectingReader {
    source: Source,
    stage: Stage,
    /// Bytes read that were not passed on.
    pending: Vec<u8>,
    given: Option<&'static Encoding>,
    encoding: BodyEncoding,
}

#[derive(Clone, Copy)]
enum Stage {
    /// Nothing was read. A byte order mark can follow.
    Beginning,
    /// All was ASCII.
    Ascii,
    /// The character set is known, and the source converts from it.
    Decided,
}

impl DetectingReader {
    /// Reads `source`, which is in the character set `given` if there is one, unless it has a byte order mark.
    pub fn new(source: Source, given: Option<&'static Encoding>) -> Self {
        let encoding = BodyEncoding::default();
        Self { source, stage: Stage::Beginning, pending: Vec::new(), given, encoding }
    }

    /// The character set, which becomes known while the body is read.
    pub fn encoding(&self) -> BodyEncoding {
        self.encoding.clone()
    }

    /// Reads more bytes into `pending`. Returns whether there were any.
    fn read_more(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 8 << 10];
        let length = self.source.read(&mut chunk)?;
        self.pending.extend_from_slice(&chunk[..length]);
        Ok(length > 0)
    }

    /// Takes the character set from the byte order mark or from the request, if there is one.
    fn begin(&mut self) -> io::Result<()> {
        while self.pending.len() < 3 && self.read_more()? {}
        match (Encoding::for_bom(&self.pending), self.given) {
            (Some((marked, length)), _) => {
                self.pending.drain(..length);
                self.decide(marked);
            }
            (None, Some(given)) => self.decide(given),
            (None, None) => self.stage = Stage::Ascii,
        }
        Ok(())
    }

    /// Detects the character set from what follows the ASCII beginning.
    fn detect(&mut self) -> io::Result<()> {
        let mut next_look = 0;
        loop {
            let length = self.pending.len();
            if length >= next_look || self.pending.ends_with(b"\n") {
                next_look = length * 2;
                if is_settled_utf8(&self.pending) {
                    self.decide(UTF_8);
                    return Ok(());
                }
            }
            if length >= SAMPLE_BYTES || !self.read_more()? {
                self.decide(detect_encoding(&self.pending));
                return Ok(());
            }
        }
    }

    /// Converts all that follows from `encoding`.
    fn decide(&mut self, encoding: &'static Encoding) {
        let _ = self.encoding.0.set(encoding);
        let source = std::mem::replace(&mut self.source, Box::new(io::empty()));
        let rest = Cursor::new(std::mem::take(&mut self.pending)).chain(source);
        self.stage = Stage::Decided;
        self.source = if encoding == UTF_8 {
            Box::new(rest)
        } else {
            Box::new(DecodeReaderBytesBuilder::new().encoding(Some(encoding)).bom_override(false).build(rest))
        };
    }
}

impl Read for DetectingReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.stage {
                Stage::Decided => return self.source.read(into),
                Stage::Beginning => self.begin()?,
                Stage::Ascii => {
                    if self.pending.is_empty() && !self.read_more()? {
                        return Ok(0);
                    }
                    let ascii =
                        self.pending.iter().take_while(|byte| byte.is_ascii()).count().min(into.len());
                    if ascii > 0 || into.is_empty() {
                        into[..ascii].copy_from_slice(&self.pending[..ascii]);
                        self.pending.drain(..ascii);
                        return Ok(ascii);
                    }
                    self.detect()?;
                }
            }
        }
    }
}

/// Whether the beginning of a body settles that it is UTF-8, whatever follows.
fn is_settled_utf8(sample: &[u8]) -> bool {
    let is_valid_line =
        |line: &[u8]| line.ends_with(b"\n") && !line.is_ascii() && std::str::from_utf8(line).is_ok();
    if sample.split_inclusive(|byte| *byte == b'\n').any(is_valid_line) {
        return true;
    }
    // The last character can be cut.
    let valid = match std::str::from_utf8(sample) {
        Ok(text) => text,
        Err(cut) if cut.error_len().is_none() => {
            std::str::from_utf8(&sample[..cut.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    valid.chars().filter(|c| !c.is_ascii()).count() >= SETTLING_CHARS
}

/// Detects the character set of a body from its first bytes.
///
/// The body counts as UTF-8 if at least one non-ASCII line is valid UTF-8. A few invalid lines
/// do not change that. Chinese text in GBK is practically never valid UTF-8 by chance.
fn detect_encoding(sample: &[u8]) -> &'static Encoding {
    // Leave out the last line: it can be cut in the middle of a character.
    let whole = sample.iter().rposition(|byte| *byte == b'\n').map_or(sample, |end| &sample[..end]);
    let non_ascii_lines = whole.split(|byte| *byte == b'\n').filter(|line| !line.is_ascii());
    let mut has_other_encoding = false;
    for line in non_ascii_lines {
        if std::str::from_utf8(line).is_ok() {
            return UTF_8;
        }
        has_other_encoding = true;
    }
    if !has_other_encoding || is_truncated_utf8(whole) {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(whole, true);
    match detector.guess(Some(b"cn"), Utf8Detection::Allow) {
        // GB18030 is a superset of GBK.
        guess if guess == encoding_rs::GBK => GB18030,
        guess => guess,
    }
}

fn is_truncated_utf8(sample: &[u8]) -> bool {
    std::str::from_utf8(sample).is_err_and(|cut| cut.error_len().is_none())
}

#[cfg(test)]
mod tests {
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
            let mut reader = DetectingReader::new(Box::new(SlowSender(chunks.clone())), None);
            assert!(reader.read_to_end(&mut text).is_err());
            assert_eq!(String::from_utf8(text).unwrap(), chunks.concat().trim_start_matches('\u{feff}'));
        }
    }
}
