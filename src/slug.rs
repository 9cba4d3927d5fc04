//! Slugs: the names of articles, categories and notices in URLs.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::OnceLock;

use pinyin::ToPinyinMulti;
use uuid::Uuid;

/// The most characters of a slug (all ASCII).
pub const MAX: usize = 120;
/// The most characters of a slug made from a title. Leaves room for a suffix.
const MADE_MAX: usize = 80;
/// The fixed words of paths that stand where others have a slug.
static RESERVED: OnceLock<BTreeSet<String>> = OnceLock::new();

/// Reserves `words`: no slug may be one of them. Called once, with the words of the table of operations.
pub fn reserve(words: BTreeSet<String>) {
    RESERVED.get_or_init(|| words);
}

/// The reserved words.
pub fn reserved() -> impl Iterator<Item = &'static str> {
    RESERVED.get().into_iter().flatten().map(String::as_str)
}

/// Whether `slug` is a reserved word.
pub fn is_reserved(slug: &str) -> bool {
    RESERVED.get().is_some_and(|words| words.contains(slug))
}

/// Whether `slug` has the right form: words of `a-z` and digits, joined by single hyphens.
pub fn is_well_formed(slug: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    slug.split('-').all(is_word)
}

/// Returns the reason why `slug`, which has the right form, cannot be used.
pub fn refusal(slug: &str) -> Option<&'static str> {
    if is_reserved(slug) {
        Some("is reserved")
    } else if Uuid::try_parse(slug).is_ok() {
        Some("must not look like an id")
    } else {
        None
    }
}

/// Makes a slug from a title, cut at the end of a word; returns `fallback` if nothing is left.
///
/// Han characters become their pinyin, other scripts their Latin transcription.
pub fn from_title(title: &str, fallback: &str) -> String {
    let mut slug = String::new();
    for word in words(title) {
        let length = slug.len() + usize::from(!slug.is_empty()) + word.len();
        if length > MADE_MAX {
            if slug.is_empty() {
                slug.push_str(&word[..MADE_MAX]);
            }
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word);
    }
    if slug.is_empty() || refusal(&slug).is_some() { fallback.to_owned() } else { slug }
}

/// Appends a short random suffix to `slug`, for a slug that is taken. A long slug is cut before it.
pub fn with_suffix(slug: &str) -> String {
    const SUFFIX_LENGTH: usize = 5;
    const LETTERS: &[u8] = b"23456789abcdefghjkmnpqrstuvwxyz";
    let random = Uuid::new_v4();
    let suffix: String = random.as_bytes()[..SUFFIX_LENGTH]
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]))
        .collect();
    let kept = slug.get(..MAX - SUFFIX_LENGTH - 1).unwrap_or(slug).trim_end_matches('-');
    format!("{kept}-{suffix}")
}

/// Lists the readings of a Han character in pinyin without tones, the commonest first. Readings that differ only in
/// their tones come once for each.
///
/// They are ASCII: pinyin is typed with v for ü.
pub fn list_readings(character: char) -> impl Iterator<Item = Cow<'static, str>> {
    character.to_pinyin_multi().into_iter().flatten().map(|syllable| match syllable.plain() {
        plain if plain.is_ascii() => Cow::Borrowed(plain),
        plain => Cow::Owned(plain.replace('ü', "v").replace('ê', "e")),
    })
}

/// Splits a title into lower-case ASCII words. Each Han character is a word.
fn words(title: &str) -> Vec<String> {
    let mut latin = String::with_capacity(title.len());
    for character in title.chars() {
        match list_readings(character).next() {
            Some(syllable) => {
                latin.push(' ');
                latin.push_str(&syllable);
                latin.push(' ');
            }
            None => match deunicode::deunicode_char(character) {
                Some("'") => {}
                Some(text) => latin.push_str(text),
                None => latin.push(' '),
            },
        }
    }
    latin
        .to_ascii_lowercase()
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn han_becomes_pinyin_and_figures_stay() {
        assert_eq!(from_title("地方动态", "x"), "di-fang-dong-tai");
        assert_eq!(from_title("2019年ISO 9001认证", "x"), "2019-nian-iso-9001-ren-zheng");
        assert_eq!(from_title("質量檢測", "x"), "zhi-liang-jian-ce");
        assert_eq!(from_title("绿色旅游合格率", "x"), "lv-se-lv-you-he-ge-lv");
    }

    #[test]
    fn other_scripts_become_latin() {
        assert_eq!(from_title("Crème brûlée — it's done", "x"), "creme-brulee-its-done");
        assert_eq!(from_title("Эталон массы", "x"), "etalon-massy");
    }

    #[test]
    fn long_titles_are_cut_between_words() {
        let slug = from_title(&"质量提升行动".repeat(20), "x");
        assert!(slug.len() <= MADE_MAX && slug.starts_with("zhi-liang-ti-sheng"));
        assert!(["zhi", "liang", "ti", "sheng", "xing", "dong"].contains(&slug.rsplit('-').next().unwrap()));
        assert_eq!(from_title(&"a".repeat(200), "x").len(), MADE_MAX);
    }

    #[test]
    fn a_suffix_leaves_a_slug_as_long_as_it_may_be() {
        for length in [1, 80, MAX - 6, MAX - 5, MAX] {
            let slug = with_suffix(&"a".repeat(length));
            assert!(slug.len() <= MAX && is_well_formed(&slug), "{slug}");
        }
        assert!(is_well_formed(&with_suffix(&format!("{}-bbbbb", "a".repeat(MAX - 7)))));
    }

    #[test]
    fn nothing_usable_falls_back() {
        assert_eq!(from_title("!!!", "article"), "article");
        reserve(BTreeSet::from(["import".to_owned()]));
        assert_eq!(from_title("Import", "article"), "article");
        assert_eq!(from_title("0199f0a2-b6c5-7d3e-9f0a-1b2c3d4e5f60", "article"), "article");
    }
}
