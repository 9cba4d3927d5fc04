//! Decompresses bodies and files, and converts them to UTF-8.

use std::io::{self, BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::Encoding;
use flate2::read::MultiGzDecoder;

use super::charsets::decoder::DecodingReader;

/// Largest body after decompression, in bytes.
pub const MAX_DECODED_BYTES: u64 = 4 << 30;
/// Bytes of a body that may be decompressed, whatever their ratio.
const FREE_DECODED_BYTES: u64 = 10 << 20;
/// Most bytes decompressed from one, beyond [`FREE_DECODED_BYTES`]. Rows of articles have a ratio of 4 to 30.
const MAX_RATIO: u64 = 100;
/// Largest zstd window, as a power of two: 8 MiB (RFC 9659). Bounds the memory of the decoder.
const MAX_ZSTD_WINDOW_LOG: u32 = 23;
/// Bytes at the beginning of a file by which its compression is known.
const MAGIC_BYTES: u64 = 8;
/// Files that hold others, by their first bytes, and what to do with them.
const ARCHIVES: [(&[u8], &str); 4] = [
    (b"PK\x03\x04", "it is a ZIP archive or a workbook; unpack it, or save it as CSV"),
    (b"\xd0\xcf\x11\xe0", "it is a document of an old Office; save it as CSV"),
    (b"BZh", "it is compressed with bzip2; unpack it"),
    (b"\xfd7zXZ", "it is compressed with xz; unpack it"),
];

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

impl Compression {
    /// The compression of a file that begins so. Names of files do not tell it: browsers unpack what they save.
    pub fn of_beginning(bytes: &[u8]) -> Self {
        match bytes {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Identity,
        }
    }
}

/// Decompresses `source` and converts it to UTF-8. The character set is `encoding` if that is given, else that
/// of a byte-order mark, else UTF-8. What cannot be decoded gets a [mark](super::charsets::marks).
///
/// Reading fails with `FileTooLarge` after [`MAX_DECODED_BYTES`], and if the body expands to more
/// than a hundred times its size.
pub fn decode_body(
    source: impl Read + Send + 'static,
    compression: Compression,
    encoding: Option<&'static Encoding>,
) -> io::Result<Box<dyn Read + Send>> {
    Ok(Box::new(DecodingReader::new(decompress_as(source, compression)?, encoding)))
}

/// Decompresses a file as its first bytes tell.
///
/// Fails with `InvalidData` if the file is an archive or a workbook. Reading a compressed file has the limits
/// of [`decode_body`].
pub fn decompress(mut source: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let mut beginning = Vec::new();
    source.by_ref().take(MAGIC_BYTES).read_to_end(&mut beginning)?;
    if let Some((_, reason)) = ARCHIVES.iter().find(|(magic, _)| beginning.starts_with(magic)) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, *reason));
    }
    let compression = Compression::of_beginning(&beginning);
    let source = Cursor::new(beginning).chain(source);
    match compression {
        Compression::Identity => Ok(Box::new(source)),
        _ => decompress_as(source, compression),
    }
}

fn decompress_as(
    source: impl Read + Send + 'static,
    compression: Compression,
) -> io::Result<Box<dyn Read + Send>> {
    let compressed = Arc::new(AtomicU64::new(0));
    let source = CountingReader::new(source, compressed.clone());
    let source: Box<dyn Read + Send> = match compression {
        Compression::Identity => Box::new(source),
        Compression::Gzip => Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 16, source))),
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::new(source)?;
            decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
    };
    Ok(Box::new(LimitedReader { source, decoded: 0, compressed }))
}

/// Counts the bytes read.
pub struct CountingReader<R> {
    source: R,
    count: Arc<AtomicU64>,
}

impl<R> CountingReader<R> {
    /// Adds the bytes that are read of `source` to `count`.
    pub fn new(source: R, count: Arc<AtomicU64>) -> Self {
        Self { source, count }
    }
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
    use std::io::Write;

    use encoding_rs::GB18030;

    use super::*;

    fn read(bytes: &[u8], compression: Compression, encoding: Option<&'static Encoding>) -> String {
        let mut text = String::new();
        let body = decode_body(Cursor::new(bytes.to_vec()), compression, encoding);
        body.unwrap().read_to_string(&mut text).unwrap();
        text
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        gzip.finish().unwrap()
    }

    #[test]
    fn a_body_is_in_the_given_character_set_or_in_that_of_its_mark_or_in_utf8() {
        let text = "{\"title\": \"全省质量提升行动取得新进展\"}\n";
        let gbk = GB18030.encode(text).0.into_owned();
        assert_eq!(read(&gbk, Compression::Identity, Some(GB18030)), text);
        assert_ne!(read(&gbk, Compression::Identity, None), text);
        let wide: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [text.as_bytes().to_vec(), ["\u{feff}", text].concat().into_bytes(), wide] {
            assert_eq!(read(&bytes, Compression::Identity, None), text);
        }
    }

    #[test]
    fn bodies_are_decompressed() {
        let text = "质量\n".repeat(100);
        assert_eq!(read(&gzip(&text), Compression::Gzip, None), text);
        let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
        assert_eq!(read(&zstd, Compression::Zstd, None), text);
    }

    #[test]
    fn the_compression_of_a_file_is_known_by_its_bytes() {
        let text = "质量\n".repeat(100);
        let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
        for bytes in [gzip(&text), zstd, text.clone().into_bytes()] {
            let mut read = String::new();
            decompress(Cursor::new(bytes)).unwrap().read_to_string(&mut read).unwrap();
            assert_eq!(read, text);
        }
        let refusal = decompress(Cursor::new(b"PK\x03\x04\x14".to_vec())).map(|_| ()).unwrap_err();
        assert!(refusal.to_string().contains("workbook"), "{refusal}");
    }

    #[test]
    fn a_body_that_expands_too_far_is_refused() {
        let expand = |bytes: Vec<u8>, compression| {
            let mut decoded = decode_body(Cursor::new(bytes), compression, None).unwrap();
            io::copy(&mut decoded, &mut io::sink()).map_err(|cause| cause.kind())
        };
        let blank = |length: usize| zstd::encode_all(vec![b' '; length].as_slice(), 1).unwrap();
        assert_eq!(expand(blank(30 << 20), Compression::Zstd), Err(io::ErrorKind::FileTooLarge));
        assert_eq!(expand(blank(10 << 20), Compression::Zstd), Ok(10 << 20));
        assert_eq!(expand(vec![b' '; 30 << 20], Compression::Identity), Ok(30 << 20));
    }
}
