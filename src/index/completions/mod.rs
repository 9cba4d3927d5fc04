//! Completions: titles and tags are found by the beginning of what a person types.
//!
//! A text can be typed by its characters, in pinyin (`zhiliang`), by initials (`zl`), and by all of these mixed
//! (`质l`, `zhiliang ts`); from its beginning, or from a beginning inside it. [`make_keys`] makes the terms that an
//! index has of a text, and [`Typed::prefixes`] the beginnings of terms to look for. They find each text that is meant,
//! and some others: [`Typed::matches`] tells which is meant.

mod letters;
#[cfg(test)]
mod tests;
mod typed;

use std::collections::BTreeSet;

use letters::{Letter, RARE_COST, list_beginnings, list_letters};

pub use typed::Typed;

/// The length of a key of characters, in characters.
const MAX_CHARACTERS: usize = 12;
/// The length of a key of pinyin, in letters.
const MAX_PINYIN: usize = 32;
/// The length of a key of initials, in letters.
const MAX_INITIALS: usize = 12;
/// Most spellings of one beginning. Characters with several readings multiply them; the likeliest are kept. They hold all
/// common readings of three characters with two such readings.
const MAX_SPELLINGS: usize = 8;
/// Most spellings of a beginning if some of them have a rare reading.
const MAX_RARE_SPELLINGS: usize = 3;

/// Makes the terms under which a text is found by a prefix.
///
/// They are, for each beginning in the text: `c:` and its characters, `p:` and its pinyin, `i:` and its initials. What is
/// not Chinese stands for itself; where there is nothing else, `p:` is the only one.
pub fn make_keys(text: &str) -> Vec<String> {
    let letters = list_letters(text);
    let mut keys = BTreeSet::new();
    for beginning in list_beginnings(&letters) {
        let beginning = &beginning[..beginning.len().min(MAX_PINYIN)];
        let spellings = |max, spell: fn(&str) -> &str| spell_letters(beginning, max, spell).into_iter();
        keys.extend(spellings(MAX_PINYIN, |reading| reading).map(|spelling| format!("p:{spelling}")));
        if beginning.iter().any(|letter| letter.find_common_reading().is_some()) {
            keys.extend(spellings(MAX_INITIALS, first_letter).map(|spelling| format!("i:{spelling}")));
            keys.insert(format!("c:{}", take_characters(beginning)));
        }
    }
    keys.into_iter().collect()
}

/// The first characters of a text, for a key.
fn take_characters(letters: &[Letter]) -> String {
    letters.iter().take(MAX_CHARACTERS).map(|letter| letter.character).collect()
}

/// The first letter of a reading, which is ASCII.
fn first_letter(reading: &str) -> &str {
    &reading[..1]
}

/// The likeliest spellings of `letters`, cut at `max` characters. `spell` is what is written of a reading.
///
/// A spelling comes after all those that have fewer of its rarer readings. So if a spelling is kept, it is also kept
/// with the common reading in the place of any other: for a character that is typed as itself, that one can be looked for.
fn spell_letters(letters: &[Letter], max: usize, spell: fn(&str) -> &str) -> BTreeSet<String> {
    let mut spellings = vec![(String::new(), 0)];
    for letter in letters {
        if spellings.iter().all(|(spelling, _)| spelling.chars().count() >= max) {
            break;
        }
        let options = list_options(letter, spell);
        let longer = options.iter().flat_map(|(option, cost)| {
            spellings
                .iter()
                .map(move |(spelling, sum)| (format!("{spelling}{option}"), sum + u32::from(*cost)))
        });
        let mut longer: Vec<(String, u32)> = longer.collect();
        // The sort is stable: of equally likely spellings, those with the rarer reading further in front stay.
        longer.sort_by_key(|(_, cost)| *cost);
        let common = longer.iter().take_while(|(_, cost)| *cost < RARE_COST.into()).count();
        longer.truncate(common.clamp(MAX_RARE_SPELLINGS, MAX_SPELLINGS));
        spellings = longer;
    }
    spellings.into_iter().map(|(spelling, _)| spelling.chars().take(max).collect()).collect()
}

/// What is written of a letter, each spelling once, with the cost of its cheapest reading.
fn list_options(letter: &Letter, spell: fn(&str) -> &str) -> Vec<(String, u8)> {
    let mut options: Vec<(String, u8)> = Vec::new();
    for (reading, cost) in letter.rate_readings() {
        let option = spell(&reading);
        if options.iter().all(|(known, _)| known != option) {
            options.push((option.to_owned(), cost));
        }
    }
    if options.is_empty() {
        options.push((letter.character.to_string(), 0));
    }
    options
}
