//! What a person types to find a text by its beginning.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::letters::{Letter, begins_syllable, is_syllable, list_beginnings, list_letters};
use super::{MAX_CHARACTERS, MAX_INITIALS, MAX_PINYIN, take_characters};

/// Most keys of initials that are looked for.
const MAX_INITIALS_SOUGHT: usize = 31;
/// Most readings of the typed letters that are followed at a time.
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

    /// The initials of the texts that can be meant, unless they begin with what was typed in pinyin.
    ///
    /// If the letters can be read in too many ways, only the first ones are read.
    fn list_initials(&self) -> BTreeSet<String> {
        let parses = Parses::follow(self);
        let lengths = (1..parses.ways.len()).rev();
        let mut all = lengths.map(|length| parses.list_initials(self, length));
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
    fn add(&self, initial: char, ends_short: bool) -> Self {
        let is_full = self.initials.chars().count() == MAX_INITIALS;
        let initial = Some(initial).filter(|_| !is_full);
        Self {
            initials: self.initials.chars().chain(initial).collect(),
            is_shortened: self.is_shortened || self.ends_short,
            ends_short,
        }
    }
}

/// The ways to read what was typed.
struct Parses {
    /// The ways to read the first letters, by their number.
    ways: Vec<BTreeSet<Parse>>,
}

impl Parses {
    fn follow(typed: &Typed) -> Self {
        let end = typed.letters.len().min(MAX_PINYIN);
        let first = Parse { initials: String::new(), is_shortened: false, ends_short: false };
        let mut ways = vec![BTreeSet::new(); end + 1];
        ways[0].insert(first);
        for at in 0..end {
            if ways[at].len() > MAX_PARSES {
                ways.truncate(at);
                break;
            }
            for (length, initial, ends_short) in list_parts(typed, at) {
                if at + length <= end {
                    let longer: Vec<Parse> =
                        ways[at].iter().map(|way| way.add(initial, ends_short)).collect();
                    ways[at + length].extend(longer);
                }
            }
        }
        Self { ways }
    }

    /// The initials that the first `length` letters can stand for, none of which begins with another. Those are
    /// left out whose letters all stand for themselves or for whole syllables, if these letters are all.
    fn list_initials(&self, typed: &Typed, length: usize) -> BTreeSet<String> {
        let is_all = length == typed.letters.len();
        let mut found: BTreeSet<String> = self.ways[length]
            .iter()
            .filter(|way| way.is_shortened || !is_all)
            .map(|way| way.initials.clone())
            .collect();
        for at in length.saturating_sub(MAX_SYLLABLE)..length {
            let run = typed.take_run(at);
            let Some(part) = run.get(..length - at).filter(|part| begins_syllable(part)) else { continue };
            let initial = part.chars().next().unwrap_or_default();
            let ways = self.ways[at].iter().map(|way| way.add(initial, true));
            found.extend(ways.filter(|way| way.is_shortened || !is_all).map(|way| way.initials));
        }
        let mut kept: BTreeSet<String> = BTreeSet::new();
        for initials in found {
            // A text that others begin with is sorted before them.
            if kept.last().is_none_or(|last| !initials.starts_with(last.as_str())) {
                kept.insert(initials);
            }
        }
        kept
    }
}

/// The parts that the letters from `at` on can begin with: their lengths, their initials, and whether they can stand for
/// a syllable that is longer.
fn list_parts(typed: &Typed, at: usize) -> Vec<(usize, char, bool)> {
    let letter = &typed.letters[at];
    if let Some(initial) = letter.find_common_reading().and_then(|reading| reading.chars().next()) {
        return vec![(1, initial, false)];
    }
    let run = typed.take_run(at);
    let mut parts = vec![(1, letter.character, run.get(..1).is_some_and(begins_syllable))];
    for length in 2..=run.len() {
        let part = &run[..length];
        if is_double_initial(part) || is_syllable(part) {
            parts.push((length, letter.character, is_double_initial(part)));
        }
    }
    parts
}
