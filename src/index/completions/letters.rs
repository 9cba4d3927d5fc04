//! A text as it can be typed: its letters, what each is read as, and where a reader may begin.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::index::fold::{Folded, fold_each};
use crate::slug::list_readings;

/// Most places in a text at which what is typed may begin.
const MAX_BEGINNINGS: usize = 6;
/// What a reading costs that is neither the commonest nor of a character with two common ones.
pub const RARE_COST: u8 = 4;

/// Characters of which two readings are common.
const HETERONYMS: &str = "重长行调乐了着还都得地的会率差参藏朝传降解校血宿薄曾单弹度角系没便给将觉卡强色省\
    什车盛数说似熟塞刹折扎择转阿柏泊剥伯堡扁屏核吓巷夹贾劲靓咖壳括落六露绿脉埋蔓秘模\
    南泥弄区厦谁缩尉吁咽叶粘爪殷仔畜恶番佛盖咳混稽见抹哪疟漂瀑奇铅切茄仇券雀舍识挑";

/// A character of a text, folded.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The folded character.
    pub character: char,
    /// The same before it was made Simplified.
    written: char,
    /// Whether the characters before it are of another word.
    pub begins_word: bool,
    /// Whether something stands before it that is no letter.
    pub follows_gap: bool,
}

impl Letter {
    /// What a Han character is read as in pinyin, with what the reading costs: 0 for the one that `character` commonly
    /// has, more for rarer ones. Each comes once; the cheapest are first.
    pub fn rate_readings(&self) -> Vec<(Cow<'static, str>, u8)> {
        let mut own: Vec<Cow<str>> = Vec::new();
        for reading in list_readings(self.character) {
            if !own.contains(&reading) {
                own.push(reading);
            }
        }
        let own = own.into_iter().enumerate().map(|(at, reading)| match at {
            0 => (reading, 0),
            1 if HETERONYMS.contains(self.character) => (reading, 1),
            _ => (reading, RARE_COST),
        });
        // The character before it was made Simplified can have a reading of its own: 乾 in 乾坤.
        let before = list_readings(self.written).filter(|_| self.written != self.character);
        let before = before.zip([1].into_iter().chain(std::iter::repeat(RARE_COST)));
        let mut rated = Vec::new();
        for (reading, cost) in own.chain(before) {
            // Many leave out the dots of ü.
            let undotted = undot(&reading);
            add_reading(&mut rated, reading, cost);
            undotted.into_iter().for_each(|undotted| add_reading(&mut rated, undotted, RARE_COST));
        }
        rated.sort_by_key(|(_, cost)| *cost);
        rated
    }

    /// The reading that the character commonly has.
    pub fn find_common_reading(&self) -> Option<Cow<'static, str>> {
        list_readings(self.character).next()
    }
}

/// A reading with ü without its dots.
fn undot(reading: &str) -> Option<Cow<'static, str>> {
    reading.contains('v').then(|| Cow::Owned(reading.replace('v', "u")))
}

fn add_reading(rated: &mut Vec<(Cow<'static, str>, u8)>, reading: Cow<'static, str>, cost: u8) {
    match rated.iter_mut().find(|(known, _)| *known == reading) {
        Some((_, known)) => *known = cost.min(*known),
        None => rated.push((reading, cost)),
    }
}

/// The kind of a letter. A word is of one kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A character of Chinese, Japanese or Korean, which is a word for itself.
    Ideograph,
    Alphabetic,
    Digit,
}

impl Kind {
    fn of(character: char) -> Self {
        match character {
            '\u{2e80}'.. => Self::Ideograph,
            c if c.is_numeric() => Self::Digit,
            _ => Self::Alphabetic,
        }
    }
}

/// The letters of a text, in its order: all characters but white space, punctuation and symbols.
pub fn list_letters(text: &str) -> Vec<Letter> {
    let mut letters: Vec<Letter> = Vec::new();
    let mut follows_gap = false;
    fold_each(text, |Folded { folded: character, written, .. }| {
        if !character.is_alphanumeric() {
            follows_gap = true;
            return;
        }
        let kind = Kind::of(character);
        let before = letters.last().map(|letter| Kind::of(letter.character));
        letters.push(Letter {
            character,
            written,
            begins_word: follows_gap || kind == Kind::Ideograph || before != Some(kind),
            follows_gap,
        });
        follows_gap = false;
    });
    letters
}

/// The places in a text at which what is typed may begin: its beginning, what follows a gap, and Latin words in
/// Chinese text. At most six.
pub fn list_beginnings(letters: &[Letter]) -> Vec<&[Letter]> {
    let kind = |at: usize| Kind::of(letters[at].character);
    let begins = |at: &usize| match at.checked_sub(1) {
        Some(before) => {
            letters[*at].follows_gap || kind(before) == Kind::Ideograph && kind(*at) == Kind::Alphabetic
        }
        None => true,
    };
    (0..letters.len()).filter(begins).take(MAX_BEGINNINGS).map(|at| &letters[at..]).collect()
}

/// All syllables of pinyin.
static SYLLABLES: LazyLock<BTreeSet<Cow<'static, str>>> = LazyLock::new(|| {
    let readings = ('\u{4e00}'..='\u{9fff}').flat_map(list_readings);
    readings.flat_map(|reading| undot(&reading).into_iter().chain([reading])).collect()
});

/// Whether `text` is a syllable of pinyin.
pub fn is_syllable(text: &str) -> bool {
    SYLLABLES.contains(text)
}

/// Whether a syllable of pinyin begins with `text` and is longer.
pub fn begins_syllable(text: &str) -> bool {
    let after = (std::ops::Bound::Excluded(text), std::ops::Bound::Unbounded);
    SYLLABLES.range::<str, _>(after).next().is_some_and(|syllable| syllable.starts_with(text))
}
