//! Characters that nobody sees: invisible ones, and those that only change the direction of text.
//!
//! They hide what a name really is: two names look alike, or a name reads backwards. Single
//! writes refuse them in names and titles by the schema format [`PLAIN_TEXT`]. Imports remove
//! them with [`strip_hidden`], before a row is checked against its schema.

use std::borrow::Cow;

/// The schema format of names and titles: text without hidden characters.
pub const PLAIN_TEXT: &str = "plain-text";

/// Whether `c` is invisible or a bidirectional control character.
///
/// Joiners (ZWJ, ZWNJ) and variation selectors are not meant: scripts and emoji need them. Tabs
/// and line ends are white space and are not meant either.
pub fn is_hidden(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        // Soft hyphen, combining grapheme joiner, Arabic letter mark, Hangul fillers, Khmer
        // inherent vowels, Mongolian vowel separator.
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}' => {
            true
        }
        // Zero-width space, directional marks, line and paragraph separators, embeddings and overrides.
        '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' => true,
        // Word joiner, invisible operators, isolates, deprecated format characters.
        '\u{2060}'..='\u{206f}' => true,
        // Hangul fillers, byte order mark, annotation and unassigned ignorable characters.
        '\u{3164}' | '\u{ffa0}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' => true,
        // Shorthand and musical format characters, tags.
        '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e00ff}' => true,
        // Unassigned ignorable characters behind the variation selectors.
        '\u{e01f0}'..='\u{e0fff}' => true,
        c => c.is_control(),
    }
}

/// Whether `text` has no hidden characters.
pub fn is_plain(text: &str) -> bool {
    !text.chars().any(is_hidden)
}

/// Removes hidden characters. Line and paragraph separators become blanks.
///
/// Adds the number of characters to `changes`.
pub fn strip_hidden<'t>(text: &'t str, changes: &mut u64) -> Cow<'t, str> {
    let count = text.chars().filter(|c| is_hidden(*c)).count();
    if count == 0 {
        return Cow::Borrowed(text);
    }
    *changes += count as u64;
    let kept = text.chars().filter_map(|c| match c {
        '\u{2028}' | '\u{2029}' => Some(' '),
        c => (!is_hidden(c)).then_some(c),
    });
    Cow::Owned(kept.collect())
}

/// Whether an email has a character that mail programs do not show: also joiners and variation selectors.
pub fn has_invisible(email: &str) -> bool {
    let is_selector =
        |c| matches!(c, '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}');
    email.chars().any(|c| is_hidden(c) || is_selector(c) || matches!(c, '\u{200c}' | '\u{200d}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_found_wherever_they_stand() {
        for hidden in [
            "\u{7}",
            "\u{7f}",
            "\u{85}",
            "\u{ad}",
            "\u{61c}",
            "\u{180e}",
            "\u{200b}",
            "\u{200e}",
            "\u{202e}",
            "\u{2066}",
            "\u{2069}",
            "\u{2028}",
            "\u{2060}",
            "\u{206a}",
            "\u{3164}",
            "\u{feff}",
            "\u{fff9}",
            "\u{e0041}",
        ] {
            let mut changes = 0;
            let stripped = strip_hidden(&format!("计{hidden}量"), &mut changes).replace(' ', "");
            assert_eq!((stripped.as_str(), changes), ("计量", 1), "{}", hidden.escape_unicode());
            assert!(!is_plain(hidden) && has_invisible(hidden), "{}", hidden.escape_unicode());
        }
    }

    #[test]
    fn what_scripts_and_emoji_need_is_plain() {
        for text in [
            "نامه\u{200c}ای",
            "ක්\u{200d}ර",
            "👩\u{200d}🔬",
            "❤\u{fe0f}",
            "葛\u{e0100}",
            "a\tb\r\nc",
            "日本 2026",
        ] {
            let mut changes = 0;
            assert!(is_plain(text), "{text}");
            assert_eq!((strip_hidden(text, &mut changes).as_ref(), changes), (text, 0));
        }
        assert!(has_invisible("a\u{200d}@example.org") && !has_invisible("李@例子.公司"));
    }
}
