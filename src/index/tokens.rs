//! From a text to its units: characters of scripts without spaces, words, numbers, symbols, and what separates them.
//!
//! Units are what queries, highlights and the index have in common. A unit takes one position, so that a phrase is a
//! row of units. The index writes characters as pairs of neighbours, see [`each_token`].

use std::ops::Range;

use super::fold::{Folded, fold_each};
use unicode_normalization::char::is_combining_mark;

/// The character between texts of one field that no phrase crosses.
pub const BREAK: char = '\u{1e}';
/// Positions that a [`BREAK`] takes.
const BREAK_POSITIONS: u32 = 16;
/// Letters, or digits, of one unit; longer runs become several units.
const MAX_RUN_CHARS: u32 = 64;

/// What a unit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A character of a script that is written without spaces.
    Dense,
    /// Letters.
    Letters,
    /// Digits.
    Digits,
    /// A sign that is no punctuation, as + or an emoji.
    Symbol,
    /// White space and punctuation, however long.
    Gap,
    /// A gap that ends with a full stop right before letters, as in `.NET`.
    DottedGap,
    /// The end of a text.
    Break,
}

/// A unit of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// What it is.
    pub kind: Kind,
    /// Its bytes of [`Units::folded`].
    pub text: Range<usize>,
    /// For a character, how the text writes it.
    pub written: char,
    /// The bytes of the original text.
    pub source: Range<usize>,
    /// Its position.
    pub position: u32,
}

/// A text as units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Units {
    /// The folded text.
    pub folded: String,
    /// The units, in order.
    pub units: Vec<Unit>,
}

/// Whether `c` belongs to a script that is written without spaces.
pub fn is_dense(c: char) -> bool {
    matches!(c as u32,
        0x3005..=0x3007 | 0x3021..=0x3029 | 0x3031..=0x3035 | 0x3038..=0x303c | 0x3041..=0x309f
        | 0x30a1..=0x30fa | 0x30fc..=0x31bf | 0x31f0..=0x31ff | 0x3400..=0x4dbf | 0x4e00..=0xa4cf
        | 0x2e80..=0x2fdf | 0xf900..=0xfaff | 0x1b000..=0x1b16f | 0x20000..=0x3ffff
        | 0x1100..=0x11ff | 0xa960..=0xa97f | 0xac00..=0xd7ff
        | 0x0e01..=0x0e3a | 0x0e40..=0x0e4e | 0x0e81..=0x0ecf | 0x0edc..=0x0edf
        | 0x1000..=0x103f | 0x1050..=0x109f | 0x1780..=0x17d3)
}

/// Whether `c` is punctuation beyond ASCII.
fn is_punctuation(c: char) -> bool {
    matches!(c as u32,
        0xa1 | 0xa6..=0xa8 | 0xab | 0xad | 0xaf | 0xb4 | 0xb6..=0xb8 | 0xbb | 0xbf | 0x2c2..=0x2df | 0x37e | 0x387
        | 0x55a..=0x55f | 0x589 | 0x58a | 0x5be | 0x5c0 | 0x5c3 | 0x5f3 | 0x5f4 | 0x60c | 0x61b | 0x61f
        | 0x66a..=0x66d | 0x6d4 | 0x964 | 0x965 | 0xe2f | 0xe4f | 0xe5a | 0xe5b | 0x104a..=0x104f
        | 0x17d4..=0x17da | 0x2010..=0x2027 | 0x2030..=0x205e | 0x2308..=0x230b | 0x2329 | 0x232a
        | 0x2500..=0x257f | 0x2768..=0x2775 | 0x27e6..=0x27ef | 0x2983..=0x2998 | 0x2e00..=0x2e5d
        | 0x3000..=0x3004 | 0x3008..=0x3020 | 0x3030 | 0x3036 | 0x3037 | 0x303d..=0x303f | 0x30a0 | 0x30fb
        | 0xfe10..=0xfe6f | 0xff01..=0xff0f | 0xff1a..=0xff20 | 0xff3b..=0xff40 | 0xff5b..=0xff65)
}

/// The kind of a folded character.
fn find_kind(c: char) -> Kind {
    match c {
        BREAK => Kind::Break,
        'a'..='z' | 'A'..='Z' => Kind::Letters,
        '0'..='9' => Kind::Digits,
        '+' | '#' | '$' | '%' => Kind::Symbol,
        c if c.is_ascii() => Kind::Gap,
        c if is_punctuation(c) || c.is_whitespace() || c.is_control() => Kind::Gap,
        c if is_dense(c) => Kind::Dense,
        c if c.is_numeric() => Kind::Digits,
        c if c.is_alphabetic() || is_combining_mark(c) => Kind::Letters,
        _ => Kind::Symbol,
    }
}

impl Units {
    /// Cuts `text` into units.
    pub fn cut(text: &str) -> Self {
        let mut units = Self { folded: String::with_capacity(text.len()), units: Vec::new() };
        let mut position = 0;
        let mut run = 0;
        fold_each(text, |c| units.add(c, &mut position, &mut run));
        units
    }

    /// Adds a folded character: to the last unit, or as a new one.
    fn add(&mut self, c: Folded, position: &mut u32, run: &mut u32) {
        let kind = find_kind(c.folded);
        let start = self.folded.len();
        let follows_stop = self.folded.ends_with('.');
        self.folded.push(c.folded);
        if let Some(last) = self.units.last_mut() {
            let is_run = matches!(kind, Kind::Letters | Kind::Digits) && *run < MAX_RUN_CHARS;
            if last.kind == kind && (is_run || kind == Kind::Gap) {
                last.text.end = self.folded.len();
                last.source.end = c.source.end;
                *run += 1;
                return;
            }
            if last.kind == Kind::Gap && kind == Kind::Letters && follows_stop {
                last.kind = Kind::DottedGap;
            }
        }
        *run = 1;
        let text = start..self.folded.len();
        self.units.push(Unit { kind, text, written: c.written, source: c.source, position: *position });
        *position += if kind == Kind::Break { BREAK_POSITIONS } else { 1 };
    }

    /// The folded text of a unit.
    pub fn text(&self, unit: &Unit) -> &str {
        &self.folded[unit.text.clone()]
    }

    /// Whether a character was folded to one of another script.
    pub fn is_converted(&self, unit: &Unit) -> bool {
        unit.kind == Kind::Dense && !self.text(unit).starts_with(unit.written)
    }

    /// Whether something could be found in it.
    pub fn has_words(&self) -> bool {
        self.units.iter().any(|unit| !matches!(unit.kind, Kind::Gap | Kind::DottedGap | Kind::Break))
    }
}

/// What stands before the characters of a token that are as the text has them, and not folded.
pub const WRITTEN: char = '=';

/// Calls `emit` with each token of the index, and its position.
///
/// A character is written with its neighbour, so that a row of characters is found by its pairs; the last of a row
/// stands alone. Where a text has another script than its fold, the pair stands there as written, too.
pub fn each_token(units: &Units, mut emit: impl FnMut(&str, u32)) {
    let mut token = String::new();
    for (i, unit) in units.units.iter().enumerate() {
        match unit.kind {
            Kind::Dense => {
                let next = units.units.get(i + 1).filter(|next| next.kind == Kind::Dense);
                let end = next.unwrap_or(unit).text.end;
                emit(&units.folded[unit.text.start..end], unit.position);
                if units.is_converted(unit) || next.is_some_and(|next| units.is_converted(next)) {
                    token.clear();
                    token.push(WRITTEN);
                    token.push(unit.written);
                    token.extend(next.map(|next| next.written));
                    emit(&token, unit.position);
                }
            }
            Kind::Letters | Kind::Digits | Kind::Symbol => emit(units.text(unit), unit.position),
            Kind::DottedGap => emit(".", unit.position),
            Kind::Gap | Kind::Break => {}
        }
    }
}
