//! Filters for scraped text: remove pinyin glosses, fold Traditional Chinese to Simplified.
//!
//! Each filter is a [`FilterFn`] on plain text; [`filter_html`] applies one to HTML. Readings
//! come from the `pinyin` crate, characters from OpenCC's tables (Apache-2.0) in `hanconv`.
//! All tables are built once, at first use.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use hanconv::{Dictionary, Trie};
use html5gum::Token;
use pinyin::ToPinyinMulti;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;

use crate::markup::{opens_raw_text, tokens};

/// A filter for scraped texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum TextFilter {
    /// Removes pinyin in brackets after a Han character: `網(wǎng)`.
    PinyinGlosses,
    /// Folds Traditional Chinese to Simplified.
    Simplified,
}

/// Changes made by text filters in the rows that were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FilterCounts {
    /// Pinyin glosses removed.
    pub pinyin_glosses: u64,
    /// Characters folded to Simplified.
    pub simplified: u64,
}

impl std::ops::AddAssign for FilterCounts {
    fn add_assign(&mut self, more: Self) {
        self.pinyin_glosses += more.pinyin_glosses;
        self.simplified += more.simplified;
    }
}

/// Filters plain text. Adds the number of changes to `changes`.
pub type FilterFn = for<'t> fn(text: &'t str, changes: &mut u64) -> Cow<'t, str>;

/// Longest gloss, in bytes. `zhuǎng` has eight if its tone mark is a separate character.
const MAX_GLOSS_BYTES: usize = 12;

/// Every pinyin syllable, without its tone: `wang`, `lü`.
static SYLLABLES: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let han = ('\u{3400}'..='\u{9fff}').filter_map(|han| han.to_pinyin_multi());
    han.flatten().map(|reading| strip_tones(reading.with_tone()).0).collect()
});

/// OpenCC's `t2s` tables, and `著` as a particle, which OpenCC does not convert.
static TO_SIMPLIFIED: LazyLock<Trie<String>> = LazyLock::new(|| {
    let opencc = Dictionary::TSPhrases.iter().chain(Dictionary::TSCharacters.iter());
    let opencc = opencc.map(|(old, new)| (old.to_owned(), new.to_owned()));
    opencc.chain(particle_phrases()).collect()
});

/// Removes pinyin in brackets after a Han character: `網(wǎng)` becomes `網`.
///
/// A gloss is one syllable in ASCII or full-width brackets, directly after a Han character.
/// It has a tone mark, or it is a toneless reading of that character: `了(le)`. Other brackets
/// are kept: `(2019)`, `市(县)`, `（WTO）`, `好(ok)`.
pub fn strip_glosses<'t>(text: &'t str, changes: &mut u64) -> Cow<'t, str> {
    let mut result = String::new();
    let mut kept = 0;
    for (open, bracket) in text.match_indices(['(', '（']) {
        let glossed = text[kept..open].chars().next_back().or_else(|| result.chars().next_back());
        let inside = open + bracket.len();
        let Some(end) = glossed.and_then(|glossed| find_gloss_end(glossed, &text[inside..])) else {
            continue;
        };
        result.push_str(&text[kept..open]);
        kept = inside + end;
        *changes += 1;
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    result.push_str(&text[kept..]);
    Cow::Owned(result)
}

/// If `rest` begins with a gloss of `glossed`, returns the index after the closing bracket.
fn find_gloss_end(glossed: char, rest: &str) -> Option<usize> {
    let (end, close) = rest.char_indices().take(MAX_GLOSS_BYTES).find(|(_, c)| matches!(c, ')' | '）'))?;
    let (syllable, tones) =
        rest.get(..end).filter(|gloss| gloss.len() <= MAX_GLOSS_BYTES).map(strip_tones)?;
    let is_gloss = match tones {
        0 => glossed.to_pinyin_multi()?.into_iter().any(|reading| reading.with_tone() == syllable),
        1 => is_han(glossed) && SYLLABLES.contains(&syllable),
        _ => false,
    };
    is_gloss.then_some(end + close.len_utf8())
}

/// The syllable in lower case without tone marks, and the number of tone marks removed.
/// A breve counts as the third tone. `ɑ` and `ɡ` are read as `a` and `g`.
fn strip_tones(syllable: &str) -> (String, usize) {
    let mut tones = 0;
    let plain = syllable.nfd().filter(|mark| {
        let is_tone = matches!(mark, '\u{300}' | '\u{301}' | '\u{304}' | '\u{306}' | '\u{30c}');
        tones += usize::from(is_tone);
        !is_tone
    });
    let plain: String = plain.nfc().collect();
    (plain.to_lowercase().replace('ɑ', "a").replace('ɡ', "g"), tones)
}

/// Whether a character is Han.
pub fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Folds Traditional Chinese to Simplified. Phrases take precedence over single characters.
///
/// Converts characters, not vocabulary: `乾隆` is kept, `乾淨` becomes `干净`, `軟體` becomes
/// `软体`. `changes` counts characters.
pub fn fold_to_simplified<'t>(text: &'t str, changes: &mut u64) -> Cow<'t, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let folded = TO_SIMPLIFIED.convert(text);
    let changed = text.chars().zip(folded.chars()).filter(|(old, new)| old != new).count();
    *changes += changed as u64;
    if changed == 0 { Cow::Borrowed(text) } else { Cow::Owned(folded) }
}

/// Phrases in which `著` is the particle `着`, as in `著力` and `隨著`, with the exceptions in
/// which it means "written" or "famous": `著名`, `隨著名家`. Simplified text has none of them.
fn particle_phrases() -> impl Iterator<Item = (String, String)> {
    const FOLLOWING: &str = "力手眼重陸陆急火落實实想迷涼凉裝装";
    const PRECEDING: &str = "接隨随沿朝向跟看帶带繞绕味穿執执附沉本對对衣有在";
    const VERB_ENDINGS: &str = "名作者述書书稱称錄录";
    let after = FOLLOWING.chars().map(|next| (format!("著{next}"), hanconv::t2s(format!("着{next}"))));
    let before = PRECEDING.chars().flat_map(|word| {
        let written = VERB_ENDINGS.chars().map(move |next| format!("{word}著{next}"));
        let written = written.map(|kept| (kept.clone(), hanconv::t2s(kept)));
        written.chain([(format!("{word}著"), hanconv::t2s(format!("{word}着")))])
    });
    after.chain(before)
}

/// Applies a filter to the text of an HTML fragment. Tags, attributes, comments, scripts and
/// styles are kept byte for byte.
///
/// Filters the text between two tags separately. A gloss with a tag between it and its
/// character is therefore kept.
pub fn filter_html<'s>(source: &'s str, changes: &mut u64, filter: FilterFn) -> Cow<'s, str> {
    if let Cow::Borrowed(_) = filter(source, &mut 0) {
        return Cow::Borrowed(source);
    }
    let mut filtered = String::with_capacity(source.len());
    let mut kept = 0;
    for span in find_text_spans(source) {
        let Some(text) = source.get(span.clone()).filter(|_| span.start >= kept) else {
            continue;
        };
        filtered.push_str(&source[kept..span.start]);
        filtered.push_str(&filter(text, changes));
        kept = span.end;
    }
    filtered.push_str(&source[kept..]);
    Cow::Owned(filtered)
}

/// The byte ranges of text in an HTML fragment.
fn find_text_spans(source: &str) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut is_raw = false;
    tokens(source).filter_map(move |token| {
        match token {
            Token::StartTag(tag) => is_raw = opens_raw_text(source, &tag),
            Token::EndTag(_) => is_raw = false,
            Token::String(text) if !is_raw => return Some(text.span.start..text.span.end),
            _ => {}
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip_and_count(text: &str) -> (String, u64) {
        let mut count = 0;
        (strip_glosses(text, &mut count).into_owned(), count)
    }

    #[test]
    fn glosses_in_brackets_of_both_widths_are_removed() {
        assert_eq!(strip_and_count("計量網(wǎng)的質(zhì)量（liàng）員(Yuán)"), ("計量網的質量員".into(), 4));
    }

    #[test]
    fn composed_and_decomposed_marks_and_u_with_dots_are_read() {
        assert_eq!(
            strip_and_count("網(wa\u{30c}ng)綠(lǜ)女(nu\u{308}\u{30c})略(lu\u{308}e\u{300})"),
            ("網綠女略".into(), 4)
        );
        assert_eq!(strip_and_count("導(dăo)講(jiɑ̌nɡ)"), ("導講".into(), 2));
    }

    #[test]
    fn a_toneless_gloss_must_be_a_reading_of_its_character() {
        assert_eq!(strip_and_count("來了(le)我們(men)什麼(me)"), ("來了我們什麼".into(), 3));
        assert_eq!(strip_and_count("網(wang)好(le)"), ("網(wang)好(le)".into(), 0));
    }

    #[test]
    fn other_brackets_are_kept() {
        let text =
            "今年(2019)世贸（WTO）“1+N”市(縣)好(ok)试(test)区(安徽)f(à)网 (wǎng)网(wǎng yè)咖啡(café)网(wǎng";
        assert_eq!(strip_and_count(text), (text.into(), 0));
    }

    #[test]
    fn traditional_text_is_folded_by_phrases_and_counted() {
        let mut count = 0;
        assert_eq!(
            fold_to_simplified("乾隆年間的乾淨街道,著名的1+N方案", &mut count),
            "乾隆年间的干净街道,著名的1+N方案"
        );
        assert_eq!(count, 3);
        assert!(matches!(fold_to_simplified("已经是简体", &mut count), Cow::Borrowed(_)));
    }

    #[test]
    fn the_particle_is_distinguished_from_the_verb() {
        let folded =
            fold_to_simplified("著力推進,隨著發展,圍繞著著名作家的著作;对著名专家、显著成效有着著述", &mut 0);
        assert_eq!(folded, "着力推进,随着发展,围绕着著名作家的著作;对著名专家、显著成效有着著述");
    }

    #[test]
    fn only_the_text_of_html_is_filtered() {
        let source = "<p title=\"網(wǎng)>\">網(wǎng)&amp;頁<a href='/網(wǎng)頁'>網(wǎng)</a><!--網(wǎng)--></p>\r\n<script>\"網(wǎng)\"</script>網(wǎng)";
        let mut count = 0;
        let stripped = filter_html(source, &mut count, strip_glosses);
        assert_eq!(
            stripped,
            "<p title=\"網(wǎng)>\">網&amp;頁<a href='/網(wǎng)頁'>網</a><!--網(wǎng)--></p>\r\n<script>\"網(wǎng)\"</script>網"
        );
        assert_eq!(count, 3);
        let folded = filter_html(&stripped, &mut count, fold_to_simplified);
        assert_eq!(
            folded,
            "<p title=\"網(wǎng)>\">网&amp;页<a href='/網(wǎng)頁'>网</a><!--網(wǎng)--></p>\r\n<script>\"網(wǎng)\"</script>网"
        );
        assert_eq!(count, 7);
    }

    #[test]
    fn an_unfinished_tag_is_not_changed() {
        assert_eq!(filter_html("網<a href='網", &mut 0, fold_to_simplified), "网<a href='網");
    }
}
