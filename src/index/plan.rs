//! A word of a query as the terms that find it.

use std::ops::Range;
use std::sync::Arc;

use tantivy::Term;
use tantivy::query::{DfaWrapper, FuzzyTermQuery};

use super::Field;
use super::fold::find_variants;
use super::query::Word;
use super::tokens::{Kind, Unit, WRITTEN};

/// Spellings of a pair of characters that are looked at to tell scripts apart.
const MAX_SPELLINGS: usize = 64;

/// How a word is found in a field.
#[derive(Clone, Default)]
pub struct Plan {
    /// The fields that it is looked for in.
    pub fields: Vec<Field>,
    /// The number of positions that it takes.
    pub length: u32,
    /// For a word of one character: that character.
    pub character: Option<String>,
    /// Tokens, each at its distance from the word's beginning.
    pub parts: Vec<(u32, String)>,
    /// What the token at the end begins with, if the word does not say how it ends.
    pub ending: Option<Ending>,
    /// The word, if one letter of it may be wrong, and what accepts it then.
    pub tolerant: Option<(String, Arc<DfaWrapper>)>,
    /// Tokens that a text of the word's script has, at their distances.
    pub written: Vec<(u32, String)>,
    /// Tokens that a text of another script has.
    pub foreign: Vec<(u32, String)>,
}

/// The terms between which all words of Latin letters are.
pub const LATIN: Range<&str> = "a".."{";

/// What accepts words with up to `typos` letters other than those of `word`.
pub fn accept_typos(word: &str, typos: u8) -> Option<Arc<DfaWrapper>> {
    // The column does not matter: terms are looked up in that of each field.
    let term = Term::from_field_text(tantivy::schema::Field::from_field_id(0), word);
    FuzzyTermQuery::new(term, typos, true).automaton().ok().map(Arc::new)
}

/// The beginning of a token.
#[derive(Clone, Debug)]
pub struct Ending {
    /// The distance from the word's beginning.
    pub offset: u32,
    /// What the token begins with.
    pub prefix: String,
    /// Whether longer tokens are worse than this one.
    pub is_word: bool,
}

impl Ending {
    /// The term before which all are that begin so.
    pub fn end(&self) -> Vec<u8> {
        let mut end = self.prefix.clone().into_bytes();
        // The last byte of a character is never the greatest one.
        end.last_mut().into_iter().for_each(|last| *last += 1);
        end
    }
}

impl Plan {
    /// Plans how `word` is found.
    pub fn make(word: &Word) -> Self {
        let units = &word.units.units;
        let mut plan = Self { length: units.len() as u32, ..Self::default() };
        plan.fields = word.field.map_or_else(|| Field::ALL.to_vec(), |field| vec![field]);
        if let [Unit { kind: Kind::Dense, .. }] = units[..] {
            plan.character = Some(word.units.text(&units[0]).to_owned());
            plan.tell_script(word, 0, &units[0], None);
            return plan;
        }
        if word.is_tolerant {
            let accepting = accept_typos(&word.units.folded[units[0].text.clone()], 1);
            plan.tolerant = accepting.map(|accepting| (word.units.text(&units[0]).to_owned(), accepting));
        }
        for (i, unit) in units.iter().enumerate() {
            plan.add(word, i as u32, unit, units.get(i + 1), i > 0 && units[i - 1].kind == Kind::Dense);
        }
        plan
    }

    /// Adds what finds the unit at `offset`.
    fn add(&mut self, word: &Word, offset: u32, unit: &Unit, next: Option<&Unit>, follows_dense: bool) {
        let text = word.units.text(unit).to_owned();
        match unit.kind {
            Kind::Dense => {
                let neighbour = next.filter(|next| next.kind == Kind::Dense);
                match neighbour {
                    Some(next) => {
                        let pair = word.units.folded[unit.text.start..next.text.end].to_owned();
                        self.parts.push((offset, pair));
                    }
                    None if next.is_some() => self.parts.push((offset, text)),
                    // The pair before has this character already.
                    None if follows_dense => return,
                    None => self.ending = Some(Ending { offset, prefix: text, is_word: false }),
                }
                if neighbour.is_some() || next.is_some() {
                    self.tell_script(word, offset, unit, neighbour);
                }
            }
            Kind::Letters if next.is_none() && word.is_prefix => {
                self.ending = Some(Ending { offset, prefix: text, is_word: true });
            }
            Kind::Letters | Kind::Digits | Kind::Symbol => self.parts.push((offset, text)),
            Kind::DottedGap if offset == 0 => self.parts.push((offset, ".".to_owned())),
            Kind::Gap | Kind::DottedGap | Kind::Break => {}
        }
    }

    /// Adds how a text of the word's script, and of another, has the characters at `offset`.
    fn tell_script(&mut self, word: &Word, offset: u32, unit: &Unit, next: Option<&Unit>) {
        let spell = |unit: &Unit| {
            let folded = word.units.text(unit).chars().next().unwrap_or(unit.written);
            let mut all = vec![folded];
            all.extend_from_slice(find_variants(folded));
            all
        };
        let token = |first: char, second: Option<char>| {
            let mut token = String::from(WRITTEN);
            token.push(first);
            token.extend(second);
            token
        };
        let own = token(unit.written, next.map(|next| next.written));
        let is_converted = |unit: &Unit| word.units.is_converted(unit);
        if is_converted(unit) || next.is_some_and(is_converted) {
            self.written.push((offset, own));
            return;
        }
        let seconds = next.map_or_else(|| vec![None], |next| spell(next).into_iter().map(Some).collect());
        let firsts = spell(unit);
        let pairs = firsts.iter().flat_map(|first| seconds.iter().map(|second| token(*first, *second)));
        self.foreign
            .extend(pairs.filter(|token| *token != own).take(MAX_SPELLINGS).map(|token| (offset, token)));
    }
}
