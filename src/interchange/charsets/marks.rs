//! Marks in a decoded text, where its bytes were no characters.
//!
//! A decoded text is always UTF-8, so that every parser takes it. A mark stands where bytes could not be
//! decoded: U+FDD0, their offset in hexadecimal digits (U+FDE0 to U+FDEF), U+FDD1. Bad bytes that follow
//! at once are U+FDD1 alone. These are noncharacters, which Unicode keeps for use inside of programs. A
//! noncharacter of the text itself is escaped: U+FDD2, and two digits.
//!
//! A text from outside is never stored with marks: [`resolve_marks`] ends them.

use std::borrow::Cow;

use memchr::memmem;

const BEGIN: char = '\u{fdd0}';
const END: char = '\u{fdd1}';
const ESCAPE: char = '\u{fdd2}';
const DIGITS: u32 = 0xfde0;

/// What could not be decoded of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Undecoded {
    /// How many byte sequences.
    pub count: u64,
    /// The offset of the first in its file or body. Absent if a reader has cut the mark.
    pub first: Option<u64>,
}

impl Undecoded {
    /// Where the first is: ` at byte 7`.
    pub fn describe_place(&self) -> String {
        self.first.map_or_else(|| " at an unknown byte".to_owned(), |at| format!(" at byte {at}"))
    }
}

/// A text without marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved<'t> {
    /// The text, with a replacement in place of what could not be decoded.
    pub text: Cow<'t, str>,
    /// What could not be decoded.
    pub undecoded: Undecoded,
}

/// Whether a text can have marks. Quick.
pub fn has_marks(text: &[u8]) -> bool {
    // The noncharacters are EF B7 90 to EF B7 AF.
    memmem::find_iter(text, b"\xef\xb7").any(|at| matches!(text.get(at + 2), Some(0x90..=0xaf)))
}

/// Puts U+FFFD in place of marks, and the text's own noncharacters in place of their escapes.
pub fn resolve_marks(text: &str) -> Resolved<'_> {
    resolve_marks_as(text, "\u{fffd}")
}

/// Puts `replacement` in place of marks, and the text's own noncharacters in place of their escapes.
pub fn resolve_marks_as<'t>(text: &'t str, replacement: &str) -> Resolved<'t> {
    let mut undecoded = Undecoded::default();
    if !has_marks(text.as_bytes()) {
        return Resolved { text: text.into(), undecoded };
    }
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(is_noncharacter) {
        out.push_str(&rest[..at]);
        let mut chars = rest[at..].chars();
        match chars.next() {
            Some(ESCAPE) if let Some(own) = read_escaped(&mut chars) => out.push(own),
            begin => {
                let offset = if begin == Some(BEGIN) { read_offset(&mut chars) } else { None };
                undecoded.first = undecoded.first.or(offset);
                undecoded.count += 1;
                out.push_str(replacement);
            }
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    Resolved { text: out.into(), undecoded }
}

/// Adds a mark for bytes at `offset`.
pub(super) fn push_mark(out: &mut String, offset: u64) {
    out.push(BEGIN);
    let digits = 16 - (offset.leading_zeros() / 4).min(15);
    out.extend((0..digits).rev().map(|at| digit((offset >> (4 * at)) & 15)));
    out.push(END);
}

/// Adds a mark for bytes that follow others with a mark.
pub(super) fn push_next_mark(out: &mut String) {
    out.push(END);
}

/// Escapes the noncharacters of `out` from `start` on.
pub(super) fn escape_own(out: &mut String, start: usize) {
    if !has_marks(&out.as_bytes()[start..]) {
        return;
    }
    let own = out.split_off(start);
    for c in own.chars() {
        if is_noncharacter(c) {
            let code = u64::from(c) - 0xfdd0;
            out.extend([ESCAPE, digit(code >> 4), digit(code & 15)]);
        } else {
            out.push(c);
        }
    }
}

fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}')
}

fn digit(value: u64) -> char {
    u32::try_from(value).ok().and_then(|value| char::from_u32(DIGITS + value)).unwrap_or(END)
}

/// The value of a digit.
fn digit_value(c: char) -> Option<u64> {
    u32::from(c).checked_sub(DIGITS).filter(|value| *value < 16).map(u64::from)
}

/// Reads the digits and the end of a mark. A mark that was cut has no offset.
fn read_offset(chars: &mut std::str::Chars) -> Option<u64> {
    let (mut offset, mut rest) = (None, chars.clone());
    while let Some(c) = rest.next() {
        match digit_value(c) {
            Some(value) => offset = Some(offset.unwrap_or(0) << 4 | value),
            None if c == END => {
                *chars = rest;
                return offset;
            }
            None => return None,
        }
        *chars = rest.clone();
    }
    None
}

/// Reads the digits of an escaped noncharacter.
fn read_escaped(chars: &mut std::str::Chars) -> Option<char> {
    let mut rest = chars.clone();
    let (high, low) = (digit_value(rest.next()?)?, digit_value(rest.next()?)?);
    let own =
        char::from_u32(0xfdd0 + u32::try_from(high * 16 + low).ok()?).filter(|c| is_noncharacter(*c))?;
    *chars = rest;
    Some(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_tells_the_offset_of_the_bytes() {
        for offset in [0, 1, 15, 16, 0xabcdef, u64::MAX] {
            let mut text = "质".to_owned();
            push_mark(&mut text, offset);
            push_next_mark(&mut text);
            text.push('量');
            let resolved = resolve_marks(&text);
            assert_eq!(resolved.text, "质\u{fffd}\u{fffd}量");
            assert_eq!(resolved.undecoded, Undecoded { count: 2, first: Some(offset) });
        }
    }

    #[test]
    fn noncharacters_of_a_text_are_no_marks() {
        let own: String = ('\u{fdc0}'..='\u{fdff}').chain("質\u{fffd}".chars()).collect();
        let mut text = own.clone();
        escape_own(&mut text, 0);
        assert_eq!(resolve_marks(&text), Resolved { text: own.into(), undecoded: Undecoded::default() });
    }

    #[test]
    fn a_mark_that_was_cut_is_still_a_fault() {
        let mut whole = String::new();
        push_mark(&mut whole, 0x1234);
        let whole: Vec<char> = whole.chars().collect();
        for cut in 1..whole.len() {
            for part in [&whole[..cut], &whole[cut..]] {
                let text = format!("a{}b", part.iter().collect::<String>());
                assert!(resolve_marks(&text).undecoded.count > 0, "{cut} {text:?}");
            }
        }
    }
}
