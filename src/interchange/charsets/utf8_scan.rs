//! Looks at all bytes of a text, for what speaks for UTF-8 and against it.

use std::io::{self, Read};

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

/// Bytes read at a time.
const CHUNK_BYTES: usize = 64 << 10;
/// The escape that begins a change of the set in ISO-2022-JP.
const ESCAPE: u8 = 0x1b;

/// What the bytes of a text say about UTF-8.
#[derive(Clone, Debug, Default)]
pub struct Utf8Scan {
    /// Bytes.
    pub length: u64,
    /// Malformed sequences.
    pub malformed: u64,
    /// Characters of three or four bytes. Other character sets have few of them by chance.
    long: u64,
    /// Characters of two bytes, by their first byte from C0 on.
    short: [u64; 32],
    /// Whether there is an escape.
    has_escape: bool,
    /// NUL bytes at even and at odd offsets.
    nuls: [u64; 2],
    /// The beginning of a character that the next bytes continue.
    cut: Vec<u8>,
}

impl Utf8Scan {
    /// Reads `source` to its end.
    pub fn read(mut source: impl Read) -> io::Result<Self> {
        let (mut scan, mut chunk) = (Self::default(), vec![0; CHUNK_BYTES]);
        loop {
            match source.read(&mut chunk) {
                Ok(0) => break,
                Ok(length) => scan.add(&chunk[..length]),
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(cause),
            }
        }
        scan.malformed += u64::from(!scan.cut.is_empty());
        Ok(scan)
    }

    /// Whether all is UTF-8.
    pub fn is_valid(&self) -> bool {
        self.malformed == 0
    }

    /// Whether all is ASCII, in which most character sets agree.
    pub fn is_ascii(&self) -> bool {
        self.is_valid() && self.count_characters() == 0 && !self.has_escape
    }

    /// Whether the escapes of ISO-2022-JP can be there: ASCII with escapes.
    pub fn may_be_iso_2022_jp(&self) -> bool {
        self.is_valid() && self.count_characters() == 0 && self.has_escape
    }

    /// The characters that speak for UTF-8, because they are hardly there by chance.
    ///
    /// Characters of two bytes speak for it if nearly all are of one script: short words in GBK, like 通知,
    /// are valid UTF-8, but of a mixture of scripts.
    pub fn count_evidence(&self) -> u64 {
        let scripts = [0xc2..=0xc9, 0xce..=0xcf, 0xd0..=0xd3, 0xd7..=0xd7, 0xd8..=0xdb];
        let count =
            |script: std::ops::RangeInclusive<usize>| script.map(|lead| self.short[lead - 0xc0]).sum::<u64>();
        let most = scripts.map(count).into_iter().max().unwrap_or_default();
        let all: u64 = self.short.iter().sum();
        self.long + if most * 10 >= all * 9 { all } else { 0 }
    }

    /// Characters of three or four bytes, which every text in an East Asian language has.
    pub fn count_long(&self) -> u64 {
        self.long
    }

    /// UTF-16 without a byte-order mark: text has no NUL, but in UTF-16 every other byte of ASCII is one.
    pub fn find_utf16(&self) -> Option<&'static Encoding> {
        let [even, odd] = self.nuls;
        let is_enough = even + odd >= 2 && (even + odd) * 20 >= self.length;
        match is_enough && self.length.is_multiple_of(2) {
            true if odd >= even * 20 => Some(UTF_16LE),
            true if even >= odd * 20 => Some(UTF_16BE),
            _ => None,
        }
    }

    fn count_characters(&self) -> u64 {
        self.long + self.short.iter().sum::<u64>()
    }

    fn add(&mut self, chunk: &[u8]) {
        for (at, _) in chunk.iter().enumerate().filter(|(_, byte)| **byte == 0) {
            self.nuls[usize::from((self.length + at as u64) % 2 == 1)] += 1;
        }
        self.has_escape |= chunk.contains(&ESCAPE);
        self.length += chunk.len() as u64;
        if self.cut.is_empty() && chunk.is_ascii() {
            return;
        }
        let joined = [std::mem::take(&mut self.cut), chunk.to_vec()].concat();
        let mut rest = joined.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => return self.count_valid(valid.as_bytes()),
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    self.count_valid(valid);
                    match error.error_len() {
                        None => return self.cut = after.to_vec(),
                        Some(length) => rest = &after[length..],
                    }
                    self.malformed += 1;
                }
            }
        }
    }

    fn count_valid(&mut self, text: &[u8]) {
        for byte in text {
            match byte {
                0xc0..=0xdf => self.short[usize::from(byte - 0xc0)] += 1,
                0xe0.. => self.long += 1,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{GBK, WINDOWS_1251};

    use super::*;

    #[test]
    fn only_what_is_all_valid_is_utf8() {
        for (bytes, is_valid) in [
            (b"".as_slice(), true),
            ("质量".as_bytes(), true),
            ("质量".as_bytes().split_last().unwrap().1, false),
            (b"abc\xff", false),
        ] {
            assert_eq!(Utf8Scan::read(bytes).unwrap().is_valid(), is_valid, "{bytes:?}");
            let (one, two) = bytes.split_at(bytes.len() / 2);
            assert_eq!(Utf8Scan::read(one.chain(two)).unwrap().is_valid(), is_valid);
        }
    }

    #[test]
    fn words_that_are_valid_by_chance_are_no_evidence() {
        let gbk = GBK.encode("通知，图片，通知，资料").0.into_owned();
        assert_eq!(Utf8Scan::read(gbk.as_slice()).unwrap().count_evidence(), 0);
        let russian = "Новости".as_bytes();
        assert_eq!(Utf8Scan::read(russian).unwrap().count_evidence(), 7);
        let other = WINDOWS_1251.encode("Новости").0.into_owned();
        assert_eq!(Utf8Scan::read(other.as_slice()).unwrap().count_evidence(), 0);
    }

    #[test]
    fn utf16_without_a_mark_is_known_by_its_nuls() {
        let text = "title,body\n质量,标准\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(Utf8Scan::read(little.as_slice()).unwrap().find_utf16(), Some(UTF_16LE));
        assert_eq!(Utf8Scan::read(big.as_slice()).unwrap().find_utf16(), Some(UTF_16BE));
        assert_eq!(Utf8Scan::read(b"a\0b\0\0\0\0\0".as_slice()).unwrap().find_utf16(), None);
    }
}
