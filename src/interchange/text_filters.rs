//! Cleanings for text that scrapers leave: pinyin glosses and Traditional characters.
//!
//! Both are [`Clean`]s, for plain text as they are and for HTML through [`html`].
//! The readings come from the `pinyin` crate, the characters from OpenCC's tables
//! (Apache-2.0) in `hanconv`. All tables are built once, at first use.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use hanconv::{Dictionary, Trie};
use html5gum::Token;
use pinyin::ToPinyinMulti;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;

use crate::markup::{RAW, tokens};

/// A cleaning of the texts that scrapers leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Cleaning {
    /// Removes pinyin in brackets after a Han character: `網(wǎng)`.
    PinyinGlosses,
    /// Folds Traditional Chinese to Simplified.
    Simplified,
}

/// Counts of what was cleaned away in the rows that were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cleaned {
    /// Pinyin in brackets.
    pub pinyin_glosses: u64,
    /// Characters folded to Simplified.
    pub simplified: u64,
}

impl std::ops::AddAssign for Cleaned {
    fn add_assign(&mut self, more: Self) {
        self.pinyin_glosses += more.pinyin_glosses;
        self.simplified += more.simplified;
    }
}

/// A cleaning of plain text. It adds to `changes` how many places it changed.
pub type Clean = for<'t> fn(text: &'t str, changes: &mut u64) -> Cow<'t, str>;

/// Longest gloss, in bytes: `zhuǎng` with its tone mark as a character of its own has eight.
const LONGEST_GLOSS: usize = 12;

/// Every syllable that has a character, without its tone: `wang`, `lü`.
static SYLLABLES: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let han = ('\u{3400}'..='\u{9fff}').filter_map(|han| han.to_pinyin_multi());
    han.flatten().map(|reading| without_tone(reading.with_tone()).0).collect()
});

/// OpenCC's `t2s`, and `著` as a particle, which OpenCC leaves alone.
static TO_SIMPLIFIED: LazyLock<Trie<String>> = LazyLock::new(|| {
    let opencc = Dictionary::TSPhrases.iter().chain(Dictionary::TSCharacters.iter());
    let opencc = opencc.map(|(old, new)| (old.to_owned(), new.to_owned()));
    opencc.chain(particles()).collect()
});

/// Takes out the pinyin that some tools put in brackets after a character: `網(wǎng)` becomes `網`.
///
/// A gloss is one syllable in brackets of either width right after a Han
/// character. It bears a tone mark, or is a toneless reading of that very
/// character: `了(le)`. Other brackets stay: `(2019)`, `市(县)`, `（WTO）`, `好(ok)`.
pub fn without_glosses<'t>(text: &'t str, changes: &mut u64) -> Cow<'t, str> {
    let mut clean = String::new();
    let mut kept = 0;
    for (open, bracket) in text.match_indices(['(', '（']) {
        let glossed = text[kept..open].chars().next_back().or_else(|| clean.chars().next_back());
        let inside = open + bracket.len();
        let Some(end) = glossed.and_then(|glossed| gloss_end(glossed, &text[inside..])) else {
            continue;
        };
        clean.push_str(&text[kept..open]);
        kept = inside + end;
        *changes += 1;
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    clean.push_str(&text[kept..]);
    Cow::Owned(clean)
}

/// Where the gloss of `glossed` ends that `rest` begins with, after its closing bracket.
fn gloss_end(glossed: char, rest: &str) -> Option<usize> {
    let (end, close) = rest.char_indices().take(LONGEST_GLOSS).find(|(_, c)| matches!(c, ')' | '）'))?;
    let (syllable, tones) = rest.get(..end).filter(|gloss| gloss.len() <= LONGEST_GLOSS).map(without_tone)?;
    let is_gloss = match tones {
        0 => glossed.to_pinyin_multi()?.into_iter().any(|reading| reading.with_tone() == syllable),
        1 => is_han(glossed) && SYLLABLES.contains(&syllable),
        _ => false,
    };
    is_gloss.then_some(end + close.len_utf8())
}

/// A syllable in lower case without its tone marks, and how many it had. The
/// third tone may be written with a breve, and `ɑ` and `ɡ` stand for `a` and `g`.
fn without_tone(syllable: &str) -> (String, usize) {
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

/// Folds Traditional Chinese to Simplified, phrases before single characters.
///
/// Characters are turned, not vocabulary: `乾隆` stays, `乾淨` is `干净`, and
/// `軟體` is `软体`. `changes` counts characters.
pub fn simplified<'t>(text: &'t str, changes: &mut u64) -> Cow<'t, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let folded = TO_SIMPLIFIED.convert(text);
    let changed = text.chars().zip(folded.chars()).filter(|(old, new)| old != new).count();
    *changes += changed as u64;
    if changed == 0 { Cow::Borrowed(text) } else { Cow::Owned(folded) }
}

/// The words in which `著` is `着`, as in `著力` and `隨著`, and not what somebody wrote or is
/// known for: `著名`, `隨著名家`. In Simplified text these words do not occur.
fn particles() -> impl Iterator<Item = (String, String)> {
    const AFTER: &str = "力手眼重陸陆急火落實实想迷涼凉裝装";
    const BEFORE: &str = "接隨随沿朝向跟看帶带繞绕味穿執执附沉本對对衣有在";
    const WRITTEN: &str = "名作者述書书稱称錄录";
    let after = AFTER.chars().map(|next| (format!("著{next}"), hanconv::t2s(format!("着{next}"))));
    let before = BEFORE.chars().flat_map(|word| {
        let written = WRITTEN.chars().map(move |next| format!("{word}著{next}"));
        let written = written.map(|kept| (kept.clone(), hanconv::t2s(kept)));
        written.chain([(format!("{word}著"), hanconv::t2s(format!("{word}着")))])
    });
    after.chain(before)
}

/// Cleans the text of an HTML fragment: tags, their attributes, comments, and
/// what scripts and styles hold stay byte for byte.
///
/// Each run of text between two tags is cleaned by itself, so a gloss that is
/// marked up apart from its character stays.
pub fn html<'s>(source: &'s str, changes: &mut u64, clean: Clean) -> Cow<'s, str> {
    if let Cow::Borrowed(_) = clean(source, &mut 0) {
        return Cow::Borrowed(source);
    }
    let mut cleaned = String::with_capacity(source.len());
    let mut kept = 0;
    for span in text_spans(source) {
        let Some(text) = source.get(span.clone()).filter(|_| span.start >= kept) else {
            continue;
        };
        cleaned.push_str(&source[kept..span.start]);
        cleaned.push_str(&clean(text, changes));
        kept = span.end;
    }
    cleaned.push_str(&source[kept..]);
    Cow::Owned(cleaned)
}

/// The words of an HTML fragment or page in lines, without entities: a line ends
/// where a block does. What is not shown as text is left out.
pub fn lines(source: &str) -> String {
    let mut text = String::new();
    let mut is_raw = false;
    for token in tokens(source) {
        let (tag, has_begun) = match &token {
            Token::StartTag(tag) => (&tag.name, true),
            Token::EndTag(tag) => (&tag.name, false),
            Token::String(words) if !is_raw => {
                text.push_str(&String::from_utf8_lossy(words).replace(['\r', '\n'], " "));
                continue;
            }
            _ => continue,
        };
        is_raw = has_begun && RAW.contains(&tag.as_slice());
        match tag.as_slice() {
            b"a" | b"abbr" | b"b" | b"em" | b"font" | b"i" | b"mark" | b"strong" | b"sub" | b"sup" | b"u" => {
            }
            b"span" | b"td" | b"th" | b"time" | b"label" | b"img" => text.push(' '),
            _ => text.push('\n'),
        }
    }
    text
}

/// The words of an HTML fragment in one line, white space folded.
pub fn plain(source: &str) -> String {
    lines(source).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Where the text of an HTML fragment is.
fn text_spans(source: &str) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut is_raw = false;
    tokens(source).filter_map(move |token| {
        match token {
            Token::StartTag(tag) => is_raw = RAW.contains(&tag.name.as_slice()),
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

    fn unglossed(text: &str) -> (String, u64) {
        let mut count = 0;
        (without_glosses(text, &mut count).into_owned(), count)
    }

    #[test]
    fn glosses_go_in_brackets_of_either_width() {
        assert_eq!(unglossed("計量網(wǎng)的質(zhì)量（liàng）員(Yuán)"), ("計量網的質量員".into(), 4));
    }

    #[test]
    fn composed_and_decomposed_marks_and_u_with_dots_are_read() {
        assert_eq!(
            unglossed("網(wa\u{30c}ng)綠(lǜ)女(nu\u{308}\u{30c})略(lu\u{308}e\u{300})"),
            ("網綠女略".into(), 4)
        );
        assert_eq!(unglossed("導(dăo)講(jiɑ̌nɡ)"), ("導講".into(), 2));
    }

    #[test]
    fn a_toneless_gloss_must_be_a_reading_of_its_character() {
        assert_eq!(unglossed("來了(le)我們(men)什麼(me)"), ("來了我們什麼".into(), 3));
        assert_eq!(unglossed("網(wang)好(le)"), ("網(wang)好(le)".into(), 0));
    }

    #[test]
    fn other_brackets_stay() {
        let text =
            "今年(2019)世贸（WTO）“1+N”市(縣)好(ok)试(test)区(安徽)f(à)网 (wǎng)网(wǎng yè)咖啡(café)网(wǎng";
        assert_eq!(unglossed(text), (text.into(), 0));
    }

    #[test]
    fn traditional_text_is_folded_by_phrases_and_counted() {
        let mut count = 0;
        assert_eq!(
            simplified("乾隆年間的乾淨街道,著名的1+N方案", &mut count),
            "乾隆年间的干净街道,著名的1+N方案"
        );
        assert_eq!(count, 3);
        assert!(matches!(simplified("已经是简体", &mut count), Cow::Borrowed(_)));
    }

    #[test]
    fn the_particle_is_told_from_the_work() {
        let folded =
            simplified("著力推進,隨著發展,圍繞著著名作家的著作;对著名专家、显著成效有着著述", &mut 0);
        assert_eq!(folded, "着力推进,随着发展,围绕着著名作家的著作;对著名专家、显著成效有着著述");
    }

    #[test]
    fn html_is_cleaned_in_its_text_only() {
        let source = "<p title=\"網(wǎng)>\">網(wǎng)&amp;頁<a href='/網(wǎng)頁'>網(wǎng)</a><!--網(wǎng)--></p>\r\n<script>\"網(wǎng)\"</script>網(wǎng)";
        let mut count = 0;
        let bare = html(source, &mut count, without_glosses);
        assert_eq!(
            bare,
            "<p title=\"網(wǎng)>\">網&amp;頁<a href='/網(wǎng)頁'>網</a><!--網(wǎng)--></p>\r\n<script>\"網(wǎng)\"</script>網"
        );
        assert_eq!(count, 3);
        let folded = html(&bare, &mut count, simplified);
        assert_eq!(
            folded,
            "<p title=\"網(wǎng)>\">网&amp;页<a href='/網(wǎng)頁'>网</a><!--網(wǎng)--></p>\r\n<script>\"網(wǎng)\"</script>网"
        );
        assert_eq!(count, 7);
    }

    #[test]
    fn the_words_of_html_are_read_in_lines() {
        let source = "<h1>质量 &amp; <b>计</b>量</h1><p>一<span>二</span>\n三<script>x</script></p>";
        assert_eq!(plain(source), "质量 & 计量 一 二 三");
        assert_eq!(lines(source).lines().filter(|line| !line.is_empty()).count(), 2);
    }

    #[test]
    fn an_unfinished_tag_is_left_alone() {
        assert_eq!(html("網<a href='網", &mut 0, simplified), "网<a href='網");
    }
}
