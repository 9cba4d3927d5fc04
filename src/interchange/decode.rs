//! Decompresses bodies and converts them to UTF-8.

use std::io::{self, BufReader, Cursor, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, GB18030, UTF_8};
use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::read::MultiGzDecoder;

/// Largest body after decompression, in bytes.
pub const MAX_DECODED_BYTES: u64 = 4 << 30;
/// Bytes at the beginning of a body from which its character set is detected.
const ENCODING_SAMPLE_BYTES: u64 = 64 << 10;
/// Largest zstd window, as a power of two: 8 MiB (RFC 9659). Bounds the memory of the decoder.
const MAX_ZSTD_WINDOW_LOG: u32 = 23;

/// How a body is compressed (RFC 9110 §8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// None.
    Identity,
    /// `gzip`
    Gzip,
    /// `zstd` (RFC 8878)
    Zstd,
}

/// A decompressed body in UTF-8.
pub struct DecodedBody {
    /// The body in UTF-8. A body that came as UTF-8 is passed through and can hold invalid bytes.
    pub text: Box<dyn Read + Send>,
    /// The character set it came in. If that was not UTF-8, U+FFFD replaces invalid bytes.
    pub encoding: &'static Encoding,
}

/// Decompresses `source` and converts it to UTF-8. Detects the character set if `encoding` is absent.
///
/// Reading fails with `FileTooLarge` after [`MAX_DECODED_BYTES`].
pub fn decode_body(
    source: impl Read + Send + 'static,
    compression: Compression,
    encoding: Option<&'static Encoding>,
) -> io::Result<DecodedBody> {
    let decompressed: Box<dyn Read + Send> = match compression {
        Compression::Identity => Box::new(source),
        Compression::Gzip => Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 16, source))),
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::new(source)?;
            decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
    };
    let mut bounded = LimitedReader { source: decompressed, remaining: MAX_DECODED_BYTES };
    let mut sample = Vec::new();
    bounded.by_ref().take(ENCODING_SAMPLE_BYTES).read_to_end(&mut sample)?;
    let (encoding, mark) = match Encoding::for_bom(&sample) {
        Some(marked) => marked,
        None => (encoding.unwrap_or_else(|| detect_encoding(&sample)), 0),
    };
    let rest = Cursor::new(sample.split_off(mark)).chain(bounded);
    let text: Box<dyn Read + Send> = if encoding == UTF_8 {
        Box::new(rest)
    } else {
        Box::new(DecodeReaderBytesBuilder::new().encoding(Some(encoding)).bom_override(false).build(rest))
    };
    Ok(DecodedBody { text, encoding })
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

/// Fails when more than `remaining` bytes are read.
struct LimitedReader<R> {
    source: R,
    remaining: u64,
}

impl<R: Read> Read for LimitedReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(into)?;
        self.remaining = self.remaining.checked_sub(read as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {MAX_DECODED_BYTES} bytes"))
        })?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(bytes: &[u8], compression: Compression) -> (String, &'static str) {
        let mut decoded = decode_body(Cursor::new(bytes.to_vec()), compression, None).unwrap();
        let mut text = Vec::new();
        decoded.text.read_to_end(&mut text).unwrap();
        (String::from_utf8_lossy(&text).into_owned(), decoded.encoding.name())
    }

    #[test]
    fn the_character_set_is_detected() {
        let text = "{\"title\": \"全省质量提升行动取得新进展\"}\n".repeat(3);
        for encoding in [UTF_8, GB18030] {
            let bytes = encoding.encode(&text).0.into_owned();
            assert_eq!(read(&bytes, Compression::Identity), (text.clone(), encoding.name()));
        }
        let marked = [b"\xef\xbb\xbf", text.as_bytes()].concat();
        assert_eq!(read(&marked, Compression::Identity), (text.clone(), "UTF-8"));
        assert_eq!(read(b"plain", Compression::Identity), ("plain".to_owned(), "UTF-8"));
    }

    #[test]
    fn an_invalid_line_does_not_change_the_detected_set() {
        let bytes = ["质量\n".as_bytes(), b"\xff\xfe\n", "标准\n".as_bytes()].concat();
        assert_eq!(read(&bytes, Compression::Identity).1, "UTF-8");
        // A sample that ends in the middle of a character is UTF-8 too.
        assert_eq!(read(&"质".repeat(30_000).into_bytes(), Compression::Identity).1, "UTF-8");
    }

    #[test]
    fn bodies_are_decompressed() {
        let text = "质量\n".repeat(100);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        assert_eq!(read(&gzip.finish().unwrap(), Compression::Gzip), (text.clone(), "UTF-8"));
        let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
        assert_eq!(read(&zstd, Compression::Zstd), (text, "UTF-8"));
    }

    #[test]
    fn a_body_that_is_too_large_after_decompression_is_refused() {
        let mut bounded = LimitedReader { source: io::repeat(b' '), remaining: 10 };
        let failed = bounded.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::FileTooLarge);
    }
}
