//! Decompresses bodies and converts them to UTF-8.

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::Encoding;
use flate2::read::MultiGzDecoder;

use super::encoding::{BodyEncoding, DetectingReader};

/// Largest body after decompression, in bytes.
pub const MAX_DECODED_BYTES: u64 = 4 << 30;
/// Bytes of a body that may be decompressed, whatever their ratio.
const FREE_DECODED_BYTES: u64 = 10 << 20;
/// Most bytes decompressed from one, beyond [`FREE_DECODED_BYTES`]. Rows of articles have a ratio of 4 to 30.
const MAX_RATIO: u64 = 100;
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
    pub encoding: BodyEncoding,
}

/// Decompresses `source` and converts it to UTF-8. Detects the character set if `encoding` is absent.
///
/// Reading fails with `FileTooLarge` after [`MAX_DECODED_BYTES`], and if the body expands to more
/// than a hundred times its size.
pub fn decode_body(
    source: impl Read + Send + 'static,
    compression: Compression,
    encoding: Option<&'static Encoding>,
) -> io::Result<DecodedBody> {
    let compressed = Arc::new(AtomicU64::new(0));
    let source = CountingReader { source, count: compressed.clone() };
    let source: Box<dyn Read + Send> = match compression {
        Compression::Identity => Box::new(source),
        Compression::Gzip => Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 16, source))),
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::new(source)?;
            decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
    };
    let bounded = LimitedReader { source, decoded: 0, compressed };
    let text = DetectingReader::new(Box::new(bounded), encoding);
    Ok(DecodedBody { encoding: text.encoding(), text: Box::new(text) })
}

/// Counts the bytes read.
struct CountingReader<R> {
    source: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(into)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Fails when too many bytes are read, or too many for the compressed bytes that they came from.
struct LimitedReader<R> {
    source: R,
    decoded: u64,
    compressed: Arc<AtomicU64>,
}

impl<R: Read> Read for LimitedReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(into)?;
        self.decoded += read as u64;
        let too_large = |reason: String| Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
        if self.decoded > MAX_DECODED_BYTES {
            return too_large(format!("more than {MAX_DECODED_BYTES} bytes"));
        }
        if self.decoded > FREE_DECODED_BYTES + MAX_RATIO * self.compressed.load(Ordering::Relaxed) {
            return too_large(format!("it expands to more than {MAX_RATIO} times its size"));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use encoding_rs::{GB18030, UTF_8};

    use super::*;

    fn read(bytes: &[u8], compression: Compression) -> (String, &'static str) {
        let mut decoded = decode_body(Cursor::new(bytes.to_vec()), compression, None).unwrap();
        let mut text = Vec::new();
        decoded.text.read_to_end(&mut text).unwrap();
        (String::from_utf8_lossy(&text).into_owned(), decoded.encoding.get().name())
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
    fn a_body_that_expands_too_far_is_refused() {
        let expand = |bytes: Vec<u8>, compression| {
            let mut decoded = decode_body(Cursor::new(bytes), compression, None).unwrap();
            io::copy(&mut decoded.text, &mut io::sink()).map_err(|cause| cause.kind())
        };
        let blank = |length: usize| zstd::encode_all(vec![b' '; length].as_slice(), 1).unwrap();
        assert_eq!(expand(blank(30 << 20), Compression::Zstd), Err(io::ErrorKind::FileTooLarge));
        assert_eq!(expand(blank(10 << 20), Compression::Zstd), Ok(10 << 20));
        assert_eq!(expand(vec![b' '; 30 << 20], Compression::Identity), Ok(30 << 20));
    }
}
