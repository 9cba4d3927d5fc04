//! What a person types to find a text by its beginning.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::letters::{Letter, begins_syllable, is_syllable, list_beginnings, list_letters};
use super::{MAX_CHARACTERS, MAX_INITIALS, MAX_PINYIN, take_characters};

/// Most keys of initials that are looked for.
const MAX_INITIALS_SOUGHT: usize = 31;
/// How many initials of a text are looked for: the first of these numbers for which they are few.
const INITIALS_SOUGHT: [usize; 7] = [MAX_INITIALS, 8, 6, 5, 4, 3, 2];
/// Most ways to read the typed letters that are followed at a time.
const MAX_PARSES: usize = 256;
/// The length of the longest syllable.
const MAX_SYLLABLE: usize = 6;
/// Bits that a typed Han character, a letter of pinyin and an initial tell of a text, in halves.
const CHARACTER_BITS: usize = 20;
const PINYIN_BITS: usize = 5;
const INITIAL_BITS: usize = 9;

/// What a person has typed.
pub struct Typed {
    letters: Vec<Letter>,
}

impl Typed {
    /// Reads what was typed. Returns `None` if no letter, digit or character is in it.
    pub fn parse(prefix: &str) -> Option<Self> {
        let letters = list_letters(prefix);
        (!letters.is_empty()).then_some(Self { letters })
    }

    /// The beginnings of keys that the texts which complete this have; at most 32, none of which begins with another.
    ///
    /// The first is what was typed, taken as whole words and syllables. Texts that it finds are the likeliest meant.
    pub fn prefixes(&self) -> Vec<String> {
        let is_han = |letter: &Letter| letter.find_common_reading().is_some();
        let characters = format!("c:{}", take_characters(&self.letters));
        let pinyin = format!("p:{}", self.spell_commonly());
        if !self.letters.iter().any(|letter| letter.character.is_ascii_lowercase()) {
            // Nothing but characters that stand for themselves.
            let has_han = self.letters.iter().take(MAX_CHARACTERS).any(is_han);
            return vec![if has_han { characters } else { pinyin }];
        }
        let initials = self.list_initials();
        let fewest = initials.iter().map(|initials| initials.chars().count() * INITIAL_BITS).min();
        let bits = (pinyin.len() * PINYIN_BITS).min(fewest.unwrap_or(usize::MAX));
        let leading = self.letters.iter().take_while(|letter| is_han(letter)).count();
        if leading * CHARACTER_BITS > bits {
            return vec![format!("c:{}", take_characters(&self.letters[..leading]))];
        }
        std::iter::once(pinyin).chain(initials.iter().map(|initials| format!("i:{initials}"))).collect()
    }

    /// Whether `text`, or what begins inside it, begins with what was typed.
    pub fn matches(&self, text: &str) -> bool {
        let letters = list_letters(text);
        list_beginnings(&letters).into_iter().any(|beginning| self.begins(beginning))
    }

    fn begins(&self, text: &[Letter]) -> bool {
        // Of each number of typed letters, whether the letters of the text up to here can be typed so.
        let mut is_reached = vec![false; self.letters.len() + 1];
        is_reached[0] = true;
        for letter in text {
            let readings = letter.rate_readings();
            let mut is_reached_next = vec![false; is_reached.len()];
            for at in (0..self.letters.len()).filter(|at| is_reached[*at]) {
                for length in self.list_lengths(at, letter, &readings) {
                    is_reached_next[at + length] = true;
                }
            }
            if is_reached_next[self.letters.len()] || !is_reached_next.contains(&true) {
                return is_reached_next[self.letters.len()];
            }
            is_reached = is_reached_next;
        }
        false
    }

    /// How many of the typed letters from `at` on can stand for `letter`, which has these readings.
    fn list_lengths(&self, at: usize, letter: &Letter, readings: &[(Cow<str>, u8)]) -> Vec<usize> {
        let typed = &self.letters[at..];
        if at > 0 && typed[0].follows_gap && !letter.begins_word {
            return Vec::new();
        }
        let mut lengths = Vec::new();
        if typed[0].character == letter.character {
            lengths.push(1);
        }
        let run = self.take_run(at);
        for (reading, _) in readings {
            let common = run.bytes().zip(reading.bytes()).take_while(|(a, b)| a == b).count();
            // The initial, the whole, or as much as was typed.
            if common > 0 {
                lengths.push(1);
            }
            if common > 1 && is_double_initial(&reading[..2]) {
                lengths.push(2);
            }
            if common == reading.len() || common == typed.len() {
                lengths.push(common);
            }
        }
        lengths
    }

    /// The typed letters `a` to `z` from `at` on, up to a gap; as many as a syllable can have.
    fn take_run(&self, at: usize) -> String {
        let letters = self.letters[at..].iter().take(MAX_SYLLABLE).enumerate();
        let run = letters.take_while(|(n, letter)| {
            letter.character.is_ascii_lowercase() && (*n == 0 || !letter.follows_gap)
        });
        run.map(|(_, letter)| letter.character).collect()
    }

    /// What was typed, in pinyin: Han characters by their common readings, all else as it is.
    fn spell_commonly(&self) -> String {
        let mut spelling = String::new();
        for letter in self.letters.iter().take(MAX_PINYIN) {
            match letter.find_common_reading() {
                Some(reading) => spelling.push_str(&reading),
                None => spelling.push(letter.character),
            }
        }
        spelling.chars().take(MAX_PINYIN).collect()
    }

    /// The initials of the texts that can be meant, unless they begin with what was typed in pinyin. None begins with
    /// another.
    ///
    /// If the letters can be read in many ways, fewer initials are looked for.
    fn list_initials(&self) -> BTreeSet<String> {
        let mut all = INITIALS_SOUGHT.into_iter().filter_map(|max| follow_parses(self, max)).map(|found| {
            let mut kept: BTreeSet<String> = BTreeSet::new();
            for initials in found {
                // A text that others begin with is sorted before them.
                if kept.last().is_none_or(|last| !initials.starts_with(last.as_str())) {
                    kept.insert(initials);
                }
            }
            kept
        });
        all.find(|initials| initials.len() <= MAX_INITIALS_SOUGHT).unwrap_or_default()
    }
}

/// Whether `text` is an initial of two letters.
fn is_double_initial(text: &str) -> bool {
    matches!(text, "zh" | "ch" | "sh")
}

/// A way to read typed letters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Parse {
    initials: String,
    /// Whether a part before the last stands for a syllable that is longer.
    is_shortened: bool,
    /// Whether the last part can stand for a syllable that is longer.
    ends_short: bool,
}

impl Parse {
    /// This with one more part. `max` is how many initials are kept.
    fn add(&self, initial: char, ends_short: bool, max: usize) -> Self {
        let is_full = self.initials.chars().count() == max;
        let initial = Some(initial).filter(|_| !is_full);
        Self {
            initials: self.initials.chars().chain(initial).collect(),
            is_shortened: self.is_shortened || self.ends_short,
            ends_short,
        }
    }
}

/// The first `max` initials that the typed letters can stand for, but those whose letters all stand for themselves or
/// for whole syllables. Returns `None` if there are too many ways to read them.
fn follow_parses(typed: &Typed, max: usize) -> Option<BTreeSet<String>> {
    let end = typed.letters.len().min(MAX_PINYIN);
    let mut ways = vec![BTreeSet::new(); end + 1];
    ways[0].insert(Parse { initials: String::new(), is_shortened: false, ends_short: false });
    for at in 0..end {
        let here = std::mem::take(&mut ways[at]);
        if here.len() > MAX_PARSES {
            return None;
        }
        for (length, initial, ends_short) in list_parts(typed, at, end) {
            ways[at + length].extend(here.iter().map(|way| way.add(initial, ends_short, max)));
        }
    }
    let all = std::mem::take(&mut ways[end]).into_iter();
    Some(all.filter(|way| way.is_shortened).map(|way| way.initials).collect())
}

/// The parts that the letters from `at` to `end` can begin with: their lengths, their initials, and whether they can
/// stand for a syllable that is longer.
fn list_parts(typed: &Typed, at: usize, end: usize) -> Vec<(usize, char, bool)> {
    let letter = &typed.letters[at];
    if let Some(initial) = letter.find_common_reading().and_then(|reading| reading.chars().next()) {
        return vec![(1, initial, false)];
    }
    let run = typed.take_run(at);
    let mut parts = vec![(1, letter.character, run.get(..1).is_some_and(begins_syllable))];
    for length in 2..=run.len().min(end - at) {
        let part = &run[..length];
        let is_last = at + length == end;
        if is_double_initial(part) || is_syllable(part) || is_last && begins_syllable(part) {
            parts.push((length, letter.character, is_double_initial(part)));
        }
    }
    parts
}
