//! Chooses the character set of a file that can be read more than once.
//!
//! The one that a person names is obeyed. Else a byte-order mark counts, else what the file declares, unless
//! its bytes contradict that, else what all of its bytes look like.

use std::io::{self, Read};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::declared::{Declaration, find_declared};
use super::decoder::choose_encoding;

use super::guess::{Open, guess_encoding, is_multibyte, measure_fit};
use super::utf8_scan::Utf8Scan;
use crate::config::charsets::find_charset;

/// Bytes of a file in which its XML declaration is looked for.
const HEAD_BYTES: u64 = 64 << 10;
/// Least characters of a guess that goes before a declared set of single bytes, in which every text is valid.
const MIN_GUESSED_CHARACTERS: u64 = 8;

/// The character set of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The character set.
    pub encoding: &'static Encoding,
    /// Whether it was found out from the bytes, because nothing names it.
    pub is_guessed: bool,
    /// What the file declares and is not: a clause about the file.
    pub contradiction: Option<String>,
}

impl Choice {
    fn of(encoding: &'static Encoding) -> Self {
        Self { encoding, is_guessed: false, contradiction: None }
    }
}

/// Chooses the character set of the file that `open` opens. Reads the file to its end, unless it is named.
pub fn choose_charset(
    given: Option<&'static Encoding>,
    declaration: Declaration,
    open: &mut Open,
) -> io::Result<Choice> {
    let mut head = Vec::new();
    open()?.take(HEAD_BYTES).read_to_end(&mut head)?;
    choose_by_head(given, declaration, &head, open)
}

/// Chooses the character set of a file whose beginning is `head`: as much as the declaration can be in.
pub(super) fn choose_by_head(
    given: Option<&'static Encoding>,
    declaration: Declaration,
    head: &[u8],
    open: &mut Open,
) -> io::Result<Choice> {
    if given.is_some() || Encoding::for_bom(head).is_some() {
        return Ok(Choice::of(choose_encoding(given, head)));
    }
    let scan = Utf8Scan::read(open()?)?;
    if let Some(utf16) = scan.find_utf16() {
        return Ok(Choice { is_guessed: true, ..Choice::of(utf16) });
    }
    let Some(name) = find_declared(head, declaration) else {
        return guess_freely(&scan, open);
    };
    let Some(declared) = find_charset(&name).map(without_utf16) else {
        let choice = guess_freely(&scan, open)?;
        return Ok(contradict(choice.encoding, &name, " is unknown"));
    };
    let encoding = check_declared(declared, &scan, open)?;
    Ok(if encoding == declared {
        Choice::of(declared)
    } else {
        contradict(encoding, &name, " does not fit its bytes")
    })
}

/// What is declared in bytes that are ASCII is not UTF-16. Browsers take it as UTF-8.
fn without_utf16(encoding: &'static Encoding) -> &'static Encoding {
    if encoding == UTF_16LE || encoding == UTF_16BE { UTF_8 } else { encoding }
}

fn contradict(encoding: &'static Encoding, name: &str, why: &str) -> Choice {
    let name: String = name.chars().take(40).collect();
    let contradiction =
        format!("declares the character set {name:?}, which{why}; read as {}", encoding.name());
    Choice { encoding, is_guessed: true, contradiction: Some(contradiction) }
}

/// The character set of a file that names none.
///
/// A file is UTF-8 if all of it is. If much of it is, it is UTF-8 too: then what is not fails, where another
/// character set would turn it all into wrong characters.
fn guess_freely(scan: &Utf8Scan, open: &mut Open) -> io::Result<Choice> {
    let is_utf8 = if scan.is_valid() { !scan.may_be_iso_2022_jp() } else { is_utf8_in_part(scan, 3) };
    let encoding = match is_utf8 {
        true => UTF_8,
        false => Some(guess_encoding(open)?)
            .filter(|guess| !scan.is_valid() || is_multibyte(guess))
            .unwrap_or(UTF_8),
    };
    Ok(Choice { is_guessed: true, ..Choice::of(encoding) })
}

/// Whether there are few malformed sequences for the characters that speak for UTF-8.
fn is_utf8_in_part(scan: &Utf8Scan, most_malformed: u64) -> bool {
    let evidence = scan.count_evidence();
    evidence >= 3 && scan.malformed <= evidence * most_malformed
}

/// The declared character set, or another if the bytes contradict it.
fn check_declared(
    declared: &'static Encoding,
    scan: &Utf8Scan,
    open: &mut Open,
) -> io::Result<&'static Encoding> {
    if scan.is_ascii() {
        return Ok(declared);
    }
    if scan.is_valid() {
        // Text in an East Asian language has longer characters than those that are there by chance.
        let evidence = if is_multibyte(declared) { scan.count_long() } else { scan.count_evidence() };
        return Ok(if evidence > 0 { UTF_8 } else { declared });
    }
    let is_nearly_utf8 = scan.malformed * 4 <= scan.count_evidence();
    if declared == UTF_8 {
        if is_nearly_utf8 {
            return Ok(UTF_8);
        }
        let guess = guess_encoding(open)?;
        return Ok(if is_multibyte(guess) || scan.malformed > 2 { guess } else { UTF_8 });
    }
    if is_nearly_utf8 {
        return Ok(UTF_8);
    }
    let fit = measure_fit(open, declared)?;
    let is_doubtful =
        if is_multibyte(declared) { fit.is_contradicted() } else { fit.characters >= MIN_GUESSED_CHARACTERS };
    let guess = if is_doubtful { guess_encoding(open)? } else { declared };
    Ok(if is_multibyte(guess) { guess } else { declared })
}
