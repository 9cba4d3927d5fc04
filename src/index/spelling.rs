//! Other spellings of a query that finds nothing: a word with another letter or two, or with a character that sounds
//! the same, as people err who type Chinese by its sound.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use pinyin::ToPinyin;
use tantivy::{Searcher, Term};
use uuid::Uuid;

use super::fold::simplify;
use super::plan::{LATIN, accept_typos};
use super::query::{Query, Word};
use super::store::Index;
use super::tokens::Kind;
use super::{Field, Filter};

/// Words of a query that are spelled anew.
const MAX_WORDS: usize = 3;
/// Spellings of a word that are tried.
const MAX_TRIES: usize = 6;
/// Characters up to which a word is spelled anew.
const MAX_CHARS: usize = 8;
/// Letters from which a word is spelled anew.
const MIN_LETTERS: usize = 4;
/// Letters up to which a word is spelled anew.
const MAX_LETTERS: usize = 30;
/// The fields whose words are known to be spelled well.
const FIELDS: [Field; 2] = [Field::Title, Field::Body];

/// Characters by their sound, without tones.
static BY_SOUND: LazyLock<HashMap<&'static str, Vec<char>>> = LazyLock::new(|| {
    let mut by_sound: HashMap<&'static str, Vec<char>> = HashMap::new();
    for c in ('\u{4e00}'..='\u{9fff}').filter(|c| simplify(*c) == *c) {
        if let Some(sound) = c.to_pinyin() {
            by_sound.entry(sound.plain()).or_default().push(c);
        }
    }
    by_sound
});

impl Index {
    /// A spelling of the query that finds something, for one that finds nothing. One of its first three words is
    /// changed.
    pub fn find_spelling(&self, query: &Query, filter: &Filter, without: &HashSet<Uuid>) -> Option<String> {
        for word in query.words.iter().take(MAX_WORDS) {
            for spelling in self.look(|searcher| self.spell(searcher, word)).ok()? {
                let mut text = query.typed.clone();
                text.replace_range(word.source.clone(), &spelling);
                let Ok(other) = Query::parse(&text) else { continue };
                if self.find_all(&other, filter, without, 0).ok()?.is_none() {
                    return Some(text);
                }
            }
        }
        None
    }

    /// Other spellings of a word, the most frequent first.
    fn spell(&self, searcher: &Searcher, word: &Word) -> tantivy::Result<Vec<String>> {
        let units = &word.units.units;
        let mut spellings = if units.iter().all(|unit| unit.kind == Kind::Dense) {
            let chars: Vec<char> = word.units.folded.chars().collect();
            self.spell_by_sound(searcher, &chars)?
        } else if let [unit] = &units[..] {
            self.spell_letters(searcher, word.units.text(unit))?
        } else {
            Vec::new()
        };
        spellings.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        spellings.dedup_by(|a, b| a.1 == b.1);
        Ok(spellings.into_iter().take(MAX_TRIES).map(|(_, spelling)| spelling).collect())
    }

    /// The documents that have a token.
    fn count(&self, searcher: &Searcher, token: &str) -> tantivy::Result<u64> {
        FIELDS.iter().try_fold(0, |sum, field| {
            Ok(sum + searcher.doc_freq(&Term::from_field_text(self.store().columns.text(*field), token))?)
        })
    }

    /// The word with one character that sounds the same, if all its pairs are known.
    fn spell_by_sound(&self, searcher: &Searcher, word: &[char]) -> tantivy::Result<Vec<(u64, String)>> {
        let mut spellings = Vec::new();
        if !(2..=MAX_CHARS).contains(&word.len()) {
            return Ok(spellings);
        }
        for (i, c) in word.iter().enumerate() {
            let Some(alike) = c.to_pinyin().and_then(|sound| BY_SOUND.get(sound.plain())) else { continue };
            for other in alike.iter().filter(|other| *other != c) {
                let mut spelling = word.to_vec();
                spelling[i] = *other;
                // Pairs with the new character first: they are unknown most often.
                let near = spelling[i.saturating_sub(1)..(i + 2).min(word.len())].windows(2);
                let mut least = u64::MAX;
                for pair in near.chain(spelling.windows(2)) {
                    least = least.min(self.count(searcher, &pair.iter().collect::<String>())?);
                    if least == 0 {
                        break;
                    }
                }
                if least > 0 {
                    spellings.push((least, spelling.into_iter().collect()));
                }
            }
        }
        Ok(spellings)
    }

    /// Known words that differ from this in one or two letters.
    fn spell_letters(&self, searcher: &Searcher, word: &str) -> tantivy::Result<Vec<(u64, String)>> {
        let mut counts: HashMap<String, u64> = HashMap::new();
        if !(MIN_LETTERS..=MAX_LETTERS).contains(&word.chars().count()) {
            return Ok(Vec::new());
        }
        let Some(accepting) = accept_typos(word, 2) else { return Ok(Vec::new()) };
        for field in FIELDS {
            let column = self.store().columns.text(field);
            for reader in searcher.segment_readers() {
                let terms = reader.inverted_index(column)?;
                let among = terms.terms().search(&*accepting).ge(LATIN.start).lt(LATIN.end);
                let mut found = among.into_stream()?;
                while let Some((key, info)) = found.next() {
                    if let Ok(key) = std::str::from_utf8(key) {
                        *counts.entry(key.to_owned()).or_default() += u64::from(info.doc_freq);
                    }
                }
            }
        }
        counts.remove(word);
        Ok(counts.into_iter().map(|(spelling, count)| (count, spelling)).collect())
    }
}
