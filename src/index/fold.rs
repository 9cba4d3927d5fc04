//! Folding: texts that a reader takes for the same become equal.
//!
//! Full-width and half-width forms, capitals, accents, and Traditional and Simplified characters fold to one form.
//! Characters fold one by one, never by phrases, so that the fold of a part is a part of the fold.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use hanconv::Dictionary;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

use crate::text::is_hidden;

/// A character of a folded text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// The folded character.
    pub folded: char,
    /// The character in the script that the text has: folded, but not made Simplified.
    pub written: char,
    /// The bytes of the original text that it stands for.
    pub source: Range<usize>,
}

/// Traditional characters and the Simplified ones, by OpenCC's table (Apache-2.0) in `hanconv`.
///
/// A character that stands for itself and for another, as 著 for 着, becomes the other.
static SIMPLIFIED: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let mut table: HashMap<char, char> = Dictionary::TSCharacters
        .iter()
        .filter_map(|(from, to)| Some((from.chars().next()?, to.chars().next()?)))
        .chain([('著', '着'), ('瞭', '了'), ('藉', '借'), ('祇', '只'), ('衹', '只')])
        .collect();
    table.retain(|from, to| from != to);
    let chained: Vec<(char, char)> =
        table.iter().filter_map(|(from, to)| table.get(to).map(|end| (*from, *end))).collect();
    table.extend(chained);
    table
});

/// The characters that fold to a Simplified one, beside itself.
static VARIANTS: LazyLock<HashMap<char, Vec<char>>> = LazyLock::new(|| {
    let mut variants: HashMap<char, Vec<char>> = HashMap::new();
    for (from, to) in SIMPLIFIED.iter() {
        variants.entry(*to).or_default().push(*from);
    }
    variants
});

/// The Simplified form of `c`.
pub fn simplify(c: char) -> char {
    if (c as u32) < 0x3400 { c } else { SIMPLIFIED.get(&c).copied().unwrap_or(c) }
}

/// The other characters that `folded` stands for.
pub fn find_variants(folded: char) -> &'static [char] {
    VARIANTS.get(&folded).map_or(&[], Vec::as_slice)
}

/// Whether `c` is invisible and no white space. Joiners and variation selectors are.
fn is_ignored(c: char) -> bool {
    match c {
        '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => true,
        '\u{2028}' | '\u{2029}' => false,
        c => (c as u32) >= 0xad && is_hidden(c) && !c.is_control(),
    }
}

/// Whether `c` belongs to the character before it.
fn continues(c: char) -> bool {
    match c as u32 {
        0..0xad | 0x3400..=0x9fff => false,
        // Vowels and final consonants of hangul; the half-width marks of kana.
        0x1160..=0x11ff | 0xff9e | 0xff9f => true,
        _ => canonical_combining_class(c) != 0 || is_ignored(c),
    }
}

/// Whether `c` is an accent, or a frame around a character.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{20d0}'..='\u{20ff}')
}

/// Calls `emit` with each character of the folded `text`.
pub fn fold_each(text: &str, mut emit: impl FnMut(Folded)) {
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        let mut end = start + c.len_utf8();
        while let Some((at, next)) = chars.next_if(|(_, next)| continues(*next)) {
            end = at + next.len_utf8();
        }
        let source = start..end;
        let is_single = end == start + c.len_utf8();
        if is_single && c.is_ascii() {
            let c = c.to_ascii_lowercase();
            emit(Folded { folded: c, written: c, source });
        } else if is_single && matches!(c, '\u{3400}'..='\u{9fff}') {
            emit(Folded { folded: simplify(c), written: c, source });
        } else {
            fold_cluster(&text[source.clone()], |folded, written| {
                emit(Folded { folded, written, source: source.clone() });
            });
        }
    }
}

/// Folds a character with all that belongs to it.
fn fold_cluster(cluster: &str, mut emit: impl FnMut(char, char)) {
    let visible = cluster.chars().filter(|c| !is_ignored(*c));
    let plain = visible.nfkd().flat_map(char::to_lowercase).filter(|c| !is_accent(*c));
    for c in plain.nfc() {
        match c {
            'ς' => emit('σ', 'σ'),
            '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' if c.is_alphabetic() => {
                let letters = deunicode::deunicode_char(c).unwrap_or_default();
                letters.chars().map(|c| c.to_ascii_lowercase()).for_each(|c| emit(c, c));
            }
            c => emit(simplify(c), c),
        }
    }
}

/// The folded `text`.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_each(text, |c| folded.push(c.folded));
    folded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_of_one_character_fold_to_one() {
        for (text, folded) in [
            ("ＡＢＣ１２３", "abc123"),
            ("Café Ångström", "cafe angstrom"),
            ("cafe\u{301}", "cafe"),
            ("ﬁn ㎏ Æther Straße Łódź İI", "fin kg aether strasse lodz ii"),
            ("發髮后後裡裏里質量標準", "发发后后里里里质量标准"),
            ("看著 乾坤 瞭解", "看着 干坤 了解"),
            ("ｶﾞｷﾞ がか\u{3099}", "ガギ がが"),
            ("\u{1112}\u{1161}\u{11ab}글", "한글"),
            ("质\u{200b}量 葛\u{e0100} co\u{ad}op ❤\u{fe0f}", "质量 葛 coop ❤"),
            ("℃ ㈱ ①", "°c (株) 1"),
            ("Й σοφός", "и σοφοσ"),
        ] {
            assert_eq!(fold(text), folded);
        }
    }

    #[test]
    fn a_character_that_becomes_two_keeps_its_place() {
        let mut found = Vec::new();
        fold_each("aﬁ㎏", |c| found.push((c.folded, c.source)));
        assert_eq!(found, [('a', 0..1), ('f', 1..4), ('i', 1..4), ('k', 4..7), ('g', 4..7)]);
    }

    proptest! {
        #[test]
        fn the_fold_of_a_fold_is_itself(text in "\\PC{0,20}") {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }

        #[test]
        fn the_fold_of_a_part_is_a_part_of_the_fold(before in "[a-zé质質發髮 ﬁ한ガ]{0,6}", after in "[a-zé质質發髮 ﬁ한ガ]{0,6}") {
            prop_assert_eq!(fold(&before) + &fold(&after), fold(&format!("{before}{after}")));
        }
    }
}
