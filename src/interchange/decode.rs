//! Bodies as they come: compressed, in this or that character set.

use std::io::{self, BufReader, Cursor, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, GB18030, UTF_8};
use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::read::MultiGzDecoder;

/// Largest body after decompression, in bytes.
pub const DECODED_MAX: u64 = 4 << 30;
/// How much of a body is looked at to find its character set out.
const SAMPLE: u64 = 64 << 10;
/// Largest window of zstd, as a power of two: 8 MiB (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;

/// How a body is compressed (RFC 9110 §8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    Identity,
    /// `gzip`
    Gzip,
    /// `zstd` (RFC 8878)
    Zstd,
}

/// A body, ready to be cut into rows.
pub struct Decoded {
    /// The body as UTF-8, but for the broken places of a body that is UTF-8 itself.
    pub text: Box<dyn Read + Send>,
    /// What it was before. A U+FFFD in what was not UTF-8 stands for bytes that were no text.
    pub encoding: &'static Encoding,
}

/// Unpacks `source` and makes UTF-8 of it; without `encoding` the set is found out.
///
/// Reading fails with `FileTooLarge` beyond [`DECODED_MAX`].
pub fn decoded(
    source: impl Read + Send + 'static,
    compression: Compression,
    encoding: Option<&'static Encoding>,
) -> io::Result<Decoded> {
    let unpacked: Box<dyn Read + Send> = match compression {
        Compression::Identity => Box::new(source),
        Compression::Gzip => Box::new(MultiGzDecoder::new(BufReader::with_capacity(1 << 16, source))),
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::new(source)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
    };
    let mut bounded = Bounded { source: unpacked, left: DECODED_MAX };
    let mut sample = Vec::new();
    bounded.by_ref().take(SAMPLE).read_to_end(&mut sample)?;
    let (encoding, mark) = match Encoding::for_bom(&sample) {
        Some(marked) => marked,
        None => (encoding.unwrap_or_else(|| found_out(&sample)), 0),
    };
    let rest = Cursor::new(sample.split_off(mark)).chain(bounded);
    let text: Box<dyn Read + Send> = if encoding == UTF_8 {
        Box::new(rest)
    } else {
        Box::new(DecodeReaderBytesBuilder::new().encoding(Some(encoding)).bom_override(false).build(rest))
    };
    Ok(Decoded { text, encoding })
}

/// The character set of a body that begins with `sample`.
///
/// It is UTF-8 if any line with more than ASCII is: a few broken lines do not
/// make it another, and Chinese in GBK is as good as never UTF-8 by chance.
fn found_out(sample: &[u8]) -> &'static Encoding {
    // The last line may be cut in the middle of a character.
    let whole = sample.iter().rposition(|byte| *byte == b'\n').map_or(sample, |end| &sample[..end]);
    let beyond_ascii = whole.split(|byte| *byte == b'\n').filter(|line| !line.is_ascii());
    let mut is_foreign = false;
    for line in beyond_ascii {
        if std::str::from_utf8(line).is_ok() {
            return UTF_8;
        }
        is_foreign = true;
    }
    if !is_foreign || is_utf8_but_for_its_end(whole) {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(whole, true);
    match detector.guess(Some(b"cn"), Utf8Detection::Allow) {
        // GB18030 holds all of GBK.
        guess if guess == encoding_rs::GBK => GB18030,
        guess => guess,
    }
}

fn is_utf8_but_for_its_end(sample: &[u8]) -> bool {
    std::str::from_utf8(sample).is_err_and(|cut| cut.error_len().is_none())
}

/// Reads up to a bound and fails beyond it.
struct Bounded<R> {
    source: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(into)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {DECODED_MAX} bytes"))
        })?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(bytes: &[u8], compression: Compression) -> (String, &'static str) {
        let mut decoded = decoded(Cursor::new(bytes.to_vec()), compression, None).unwrap();
        let mut text = Vec::new();
        decoded.text.read_to_end(&mut text).unwrap();
        (String::from_utf8_lossy(&text).into_owned(), decoded.encoding.name())
    }

    #[test]
    fn the_character_set_is_found_out() {
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
    fn a_broken_line_does_not_make_utf8_another_set() {
        let bytes = ["质量\n".as_bytes(), b"\xff\xfe\n", "标准\n".as_bytes()].concat();
        assert_eq!(read(&bytes, Compression::Identity).1, "UTF-8");
        // Nor does a sample that ends in the middle of a character.
        assert_eq!(read(&"质".repeat(30_000).into_bytes(), Compression::Identity).1, "UTF-8");
    }

    #[test]
    fn bodies_are_unpacked() {
        let text = "质量\n".repeat(100);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        assert_eq!(read(&gzip.finish().unwrap(), Compression::Gzip), (text.clone(), "UTF-8"));
        let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
        assert_eq!(read(&zstd, Compression::Zstd), (text, "UTF-8"));
    }

    #[test]
    fn what_grows_beyond_bounds_is_cut_off() {
        let mut bounded = Bounded { source: io::repeat(b' '), left: 10 };
        let failed = bounded.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::FileTooLarge);
    }
}
