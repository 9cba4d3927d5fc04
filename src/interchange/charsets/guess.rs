//! Guesses the character set of a text that is not UTF-8, from all of its bytes.

use std::io::{self, BufReader, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, DecoderResult, EUC_JP, EUC_KR, Encoding, GB18030, GBK, ISO_2022_JP, SHIFT_JIS};

/// The character sets with characters of several bytes, UTF-8 left out.
const MULTIBYTE: [&Encoding; 5] = [GB18030, BIG5, SHIFT_JIS, EUC_JP, EUC_KR];
/// Longest piece of text that is judged at a time, in bytes.
const MAX_PIECE_BYTES: usize = 64 << 10;

/// Whether a character set has characters of several bytes, so that not every text is valid in it.
pub fn is_multibyte(encoding: &'static Encoding) -> bool {
    MULTIBYTE.contains(&encoding) || encoding == ISO_2022_JP
}

/// What decoding a text in a character set gives.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fit {
    /// Characters beyond ASCII.
    pub characters: u64,
    /// Malformed sequences, and characters for private use, which public text does not have.
    pub odd: u64,
}

impl Fit {
    /// Whether so much is odd that the text is in another character set.
    pub fn is_contradicted(&self) -> bool {
        self.odd >= 2 && self.odd * 20 > self.characters
    }
}

/// Opens a text from its beginning.
pub type Open<'o> = dyn FnMut() -> io::Result<Box<dyn Read + Send>> + 'o;

/// Guesses the character set of a text.
///
/// A detector gives a character set up at its first malformed sequence. So if no set of several bytes fits
/// entirely, each is judged once more without what is malformed in it, if that is little.
pub fn guess_encoding(open: &mut Open) -> io::Result<&'static Encoding> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    for_each_piece(open()?, &mut |piece| {
        detector.feed(piece, false);
    })?;
    detector.feed(&[], true);
    let guess = to_superset(detector.guess(None, Utf8Detection::Deny));
    if is_multibyte(guess) && measure_fit(open, guess)?.odd == 0 {
        return Ok(guess);
    }
    let mut candidates: Vec<_> = MULTIBYTE.into_iter().map(Candidate::new).collect();
    for_each_piece(open()?, &mut |piece| candidates.iter_mut().for_each(|candidate| candidate.add(piece)))?;
    let likely = candidates.into_iter().filter_map(Candidate::finish).min_by_key(|(fit, _)| fit.odd);
    Ok(likely.map_or(guess, |(_, encoding)| encoding))
}

/// Decodes a whole text in a character set, and counts.
pub fn measure_fit(open: &mut Open, encoding: &'static Encoding) -> io::Result<Fit> {
    let mut fit = Fit::default();
    for_each_piece(open()?, &mut |piece| {
        decode_piece(piece, encoding, &mut fit);
    })?;
    Ok(fit)
}

/// GB18030 includes GBK.
fn to_superset(encoding: &'static Encoding) -> &'static Encoding {
    if encoding == GBK { GB18030 } else { encoding }
}

/// A character set, and the detector of the text without what is malformed in that set.
struct Candidate {
    encoding: &'static Encoding,
    detector: EncodingDetector,
    fit: Fit,
}

impl Candidate {
    fn new(encoding: &'static Encoding) -> Self {
        Self { encoding, detector: EncodingDetector::new(Iso2022JpDetection::Deny), fit: Fit::default() }
    }

    fn add(&mut self, piece: &[u8]) {
        let cleaned = decode_piece(piece, self.encoding, &mut self.fit);
        self.detector.feed(cleaned.as_deref().unwrap_or(piece), false);
    }

    /// The character set, if the text is in it but for a few bytes.
    fn finish(mut self) -> Option<(Fit, &'static Encoding)> {
        self.detector.feed(&[], true);
        let is_guessed = to_superset(self.detector.guess(None, Utf8Detection::Deny)) == self.encoding;
        (is_guessed && self.fit.odd * 5 <= self.fit.characters).then_some((self.fit, self.encoding))
    }
}

/// Decodes a piece, and counts. Returns the piece with spaces in place of what is malformed, if something is.
fn decode_piece(piece: &[u8], encoding: &'static Encoding, fit: &mut Fit) -> Option<Vec<u8>> {
    if piece.is_ascii() {
        return None;
    }
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::new();
    let (mut at, mut cleaned) = (0, None);
    loop {
        text.reserve(decoder.max_utf8_buffer_length_without_replacement(piece.len() - at).unwrap_or(0));
        let (result, read) = decoder.decode_to_string_without_replacement(&piece[at..], &mut text, true);
        at += read;
        match result {
            DecoderResult::InputEmpty => break,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(length, after) => {
                let end = at.saturating_sub(usize::from(after));
                let begin = end.saturating_sub(usize::from(length));
                cleaned.get_or_insert_with(|| piece.to_vec())[begin..end].fill(b' ');
                fit.odd += 1;
            }
        }
    }
    let beyond = text.chars().filter(|c| !c.is_ascii());
    fit.characters += beyond.clone().count() as u64;
    fit.odd += beyond.filter(|c| matches!(c, '\u{e000}'..='\u{f8ff}')).count() as u64;
    cleaned
}

/// Cuts a text into pieces, before bytes that are no part of a longer character in any set.
fn for_each_piece(source: impl Read, each: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut source = BufReader::with_capacity(MAX_PIECE_BYTES, source);
    let mut piece = Vec::with_capacity(MAX_PIECE_BYTES);
    loop {
        let length = source.by_ref().take((MAX_PIECE_BYTES - piece.len()) as u64).read_to_end(&mut piece)?;
        if length == 0 && piece.is_empty() {
            return Ok(());
        }
        // The digits are a part of characters of four bytes in GB18030.
        let is_cut = |byte: &u8| matches!(byte, ..0x30 | 0x3a..0x40);
        let end = match piece.iter().rposition(is_cut) {
            Some(end) if end > 0 && length > 0 => end,
            _ => piece.len(),
        };
        each(&piece[..end]);
        piece.drain(..end);
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{UTF_8, WINDOWS_1251, WINDOWS_1252};

    use super::*;

    const CHINESE: &str = "省计量院发布新规程，加强电子秤的监督检查，保护消费者的利益。";
    const TRADITIONAL: &str = "省計量院發佈新規程，加強電子秤的監督檢查，保護消費者的利益。";
    const JAPANESE: &str = "計量の新しい規程を発表しました。電子はかりの検査を強化します。";
    const KOREAN: &str = "계량원이 새로운 규정을 발표하였다. 전자저울의 검사를 강화한다.";
    const RUSSIAN: &str = "Институт метрологии опубликовал новые правила поверки весов.";
    const FRENCH: &str = "L'institut a publié de nouvelles règles après une étude menée à Besançon.";

    fn guess(bytes: &[u8]) -> &'static Encoding {
        guess_encoding(&mut || Ok(Box::new(io::Cursor::new(bytes.to_vec())))).unwrap()
    }

    /// The texts and their character sets.
    fn texts() -> Vec<(&'static str, &'static Encoding)> {
        vec![
            (CHINESE, GB18030),
            (TRADITIONAL, BIG5),
            (JAPANESE, SHIFT_JIS),
            (JAPANESE, EUC_JP),
            (JAPANESE, ISO_2022_JP),
            (KOREAN, EUC_KR),
            (RUSSIAN, WINDOWS_1251),
            (RUSSIAN, encoding_rs::KOI8_U),
            (FRENCH, WINDOWS_1252),
        ]
    }

    #[test]
    fn character_sets_are_told_apart() {
        for (text, encoding) in texts() {
            for text in [
                text.to_owned(),
                format!("title,body\n{text},x\n").repeat(3),
                format!("{text}\n").repeat(900),
            ] {
                let bytes = encoding.encode(&text).0;
                assert_ne!(encoding, UTF_8);
                assert_eq!(guess(&bytes), encoding, "{:.200}", text);
            }
        }
    }

    #[test]
    fn a_few_bad_bytes_do_not_change_the_guess() {
        for (text, encoding) in texts().into_iter().filter(|(_, encoding)| MULTIBYTE.contains(encoding)) {
            for text in [text.to_owned(), format!("title,body\n{text},x\n").repeat(300)] {
                let mut bytes = encoding.encode(&text).0.into_owned();
                bytes.splice(0..0, *b"a\xffb,");
                bytes.extend_from_slice(b"\n\xff");
                assert_eq!(guess(&bytes), encoding, "{:.200}", text);
            }
        }
    }
}
