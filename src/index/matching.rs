//! Where a word stands in the documents of a segment.

use tantivy::index::InvertedIndexReader;
use tantivy::postings::{Postings, SegmentPostings, TermInfo};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, TERMINATED, Term};

use super::Field;
use super::docs::Docs;
use super::highlight::is_one_typo_away;
use super::plan::{Ending, LATIN, Plan};
use super::schema::find_letter;
use super::segment::Segment;

/// How well what was found fits the word. Greater is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// With one letter other than the word's.
    Typo,
    /// It is the beginning of a longer word.
    Prefix,
    /// In another script.
    OtherScript,
    /// As it was typed.
    Exact,
}

/// The occurrences of a word in one field of a document.
pub struct Occurrences<'o> {
    /// The document.
    pub doc: u32,
    /// How many there are.
    pub count: u32,
    /// Their positions, if they were read.
    pub starts: &'o [u32],
    /// The best fit of them.
    pub fit: Fit,
}

/// A token of a phrase.
struct Cursor {
    offset: u32,
    postings: SegmentPostings,
}

impl Cursor {
    /// Goes to `doc`, and returns whether it is there.
    fn seek(&mut self, doc: u32) -> bool {
        if self.postings.doc() < doc {
            self.postings.seek(doc);
        }
        self.postings.doc() == doc
    }

    /// How often it is in `doc`.
    fn count(&mut self, doc: u32) -> u32 {
        if self.seek(doc) { self.postings.term_freq() } else { 0 }
    }

    /// The beginnings of phrases that this token could be of, in this document.
    fn starts(&mut self) -> Vec<u32> {
        let mut positions = Vec::new();
        self.postings.positions(&mut positions);
        positions.into_iter().filter_map(|position| position.checked_sub(self.offset)).collect()
    }
}

/// Looks for the words of a plan in one field of a segment.
pub struct Matcher<'m> {
    segment: &'m Segment<'m>,
    plan: &'m Plan,
    field: Field,
    terms: std::sync::Arc<InvertedIndexReader>,
    wants_starts: bool,
}

impl<'m> Matcher<'m> {
    /// Looks for `plan` in `field`. Positions are read if they are wanted.
    pub fn open(
        segment: &'m Segment<'m>,
        plan: &'m Plan,
        field: Field,
        wants_starts: bool,
    ) -> tantivy::Result<Self> {
        let terms = segment.terms(segment.columns.text(field))?;
        Ok(Self { segment, plan, field, terms, wants_starts })
    }

    /// Calls `visit` for documents among `candidates`; for one of several words, once for each.
    pub fn visit(&self, candidates: &Docs, visit: &mut dyn FnMut(&Occurrences<'_>)) -> tantivy::Result<()> {
        if let Some(character) = &self.plan.character {
            return self.visit_character(character, candidates, visit);
        }
        if !self.plan.parts.is_empty() {
            match &self.plan.ending {
                Some(ending) => self.visit_open_phrase(ending, candidates, visit)?,
                None => self.visit_phrase(candidates, visit)?,
            }
        } else if let Some(ending) = &self.plan.ending {
            self.each_longer(ending, |info, fit| self.visit_term(info, fit, candidates, visit))?;
        }
        self.visit_typos(candidates, visit)
    }

    fn visit_character(
        &self,
        character: &str,
        candidates: &Docs,
        visit: &mut dyn FnMut(&Occurrences<'_>),
    ) -> tantivy::Result<()> {
        let open = |token: &str| -> tantivy::Result<Option<Cursor>> {
            let column = self.segment.columns.characters;
            let term = Term::from_field_text(column, &format!("{}{token}", find_letter(self.field)));
            let postings = self.segment.terms(column)?.read_postings(&term, IndexRecordOption::WithFreqs)?;
            Ok(postings.map(|postings| Cursor { offset: 0, postings }))
        };
        let Some(found) = open(character)? else { return Ok(()) };
        let mut own = self.plan.written.first().map(|(_, token)| open(token)).transpose()?;
        let mut others = Vec::new();
        for (_, token) in &self.plan.foreign {
            others.extend(open(token)?);
        }
        each_candidate(&mut [found], candidates, |doc, cursors| {
            let count = cursors[0].postings.term_freq();
            let is_own = match &mut own {
                Some(cursor) => cursor.as_mut().is_some_and(|cursor| cursor.seek(doc)),
                None => count > others.iter_mut().map(|other| other.count(doc)).sum(),
            };
            let fit = if is_own { Fit::Exact } else { Fit::OtherScript };
            visit(&Occurrences { doc, count, starts: &[], fit });
        });
        Ok(())
    }

    /// The documents of one term.
    fn visit_term(
        &self,
        info: &TermInfo,
        fit: Fit,
        candidates: &Docs,
        visit: &mut dyn FnMut(&Occurrences<'_>),
    ) -> tantivy::Result<()> {
        let postings =
            self.terms.read_postings_from_terminfo(info, IndexRecordOption::WithFreqsAndPositions)?;
        each_candidate(&mut [Cursor { offset: 0, postings }], candidates, |doc, cursors| {
            let starts = if self.wants_starts { cursors[0].starts() } else { Vec::new() };
            let count = cursors[0].postings.term_freq();
            visit(&Occurrences { doc, count, starts: &starts, fit });
        });
        Ok(())
    }

    fn visit_typos(&self, candidates: &Docs, visit: &mut dyn FnMut(&Occurrences<'_>)) -> tantivy::Result<()> {
        let Some((word, accepting)) = &self.plan.tolerant else { return Ok(()) };
        let among = self.terms.terms().search(&**accepting).ge(LATIN.start).lt(LATIN.end);
        let mut found = among.into_stream()?;
        while let Some((key, info)) = found.next() {
            if std::str::from_utf8(key).is_ok_and(|key| is_one_typo_away(word, key)) {
                self.visit_term(info, Fit::Typo, candidates, visit)?;
            }
        }
        Ok(())
    }

    /// Opens the tokens of the phrase, the rarest first. `None` if one is not in this segment.
    fn open_phrase(&self, tokens: &[(u32, String)]) -> tantivy::Result<Option<Vec<Cursor>>> {
        let mut cursors = Vec::with_capacity(tokens.len());
        for (offset, token) in tokens {
            match self.open_token(token)? {
                Some(postings) => cursors.push(Cursor { offset: *offset, postings }),
                None => return Ok(None),
            }
        }
        cursors.sort_by_key(|cursor| cursor.postings.doc_freq());
        Ok(Some(cursors))
    }

    fn open_token(&self, token: &str) -> tantivy::Result<Option<SegmentPostings>> {
        let term = Term::from_field_text(self.segment.columns.text(self.field), token);
        Ok(self.terms.read_postings(&term, IndexRecordOption::WithFreqsAndPositions)?)
    }

    fn visit_phrase(
        &self,
        candidates: &Docs,
        visit: &mut dyn FnMut(&Occurrences<'_>),
    ) -> tantivy::Result<()> {
        let Some(mut cursors) = self.open_phrase(&self.plan.parts)? else { return Ok(()) };
        let mut script = Script::open(self)?;
        let needs_starts = self.wants_starts || cursors.len() > 1;
        each_candidate(&mut cursors, candidates, |doc, cursors| {
            if !needs_starts && let Some(fit) = script.judge_by_document(doc) {
                let count = cursors[0].postings.term_freq();
                return visit(&Occurrences { doc, count, starts: &[], fit });
            }
            let starts = find_starts(cursors);
            if !starts.is_empty() {
                let fit = script.judge(doc, &starts);
                visit(&Occurrences { doc, count: starts.len() as u32, starts: &starts, fit });
            }
        });
        Ok(())
    }

    /// A phrase whose last token is only begun.
    fn visit_open_phrase(
        &self,
        ending: &Ending,
        candidates: &Docs,
        visit: &mut dyn FnMut(&Occurrences<'_>),
    ) -> tantivy::Result<()> {
        let Some(mut cursors) = self.open_phrase(&self.plan.parts)? else { return Ok(()) };
        let mut begun = Docs::none(self.segment.end());
        let mut found: Vec<(u32, Vec<u32>)> = Vec::new();
        each_candidate(&mut cursors, candidates, |doc, cursors| {
            let starts = find_starts(cursors);
            if !starts.is_empty() {
                begun.insert(doc);
                found.push((doc, starts));
            }
        });
        if found.is_empty() {
            return Ok(());
        }
        let mut ended: Vec<(Vec<u32>, Fit)> = vec![(Vec::new(), Fit::Prefix); found.len()];
        self.each_longer(ending, |info, fit| {
            let postings =
                self.terms.read_postings_from_terminfo(info, IndexRecordOption::WithFreqsAndPositions)?;
            each_candidate(&mut [Cursor { offset: ending.offset, postings }], &begun, |doc, cursors| {
                let Ok(at) = found.binary_search_by_key(&doc, |(doc, _)| *doc) else { return };
                let ends = cursors[0].starts();
                let before = ended[at].0.len();
                ended[at].0.extend(found[at].1.iter().filter(|start| ends.binary_search(start).is_ok()));
                if ended[at].0.len() > before {
                    ended[at].1 = ended[at].1.max(fit);
                }
            });
            Ok(())
        })?;
        let mut script = Script::open(self)?;
        for ((doc, _), (mut starts, fit)) in found.into_iter().zip(ended) {
            if !starts.is_empty() {
                starts.sort_unstable();
                let fit = fit.min(script.judge(doc, &starts));
                visit(&Occurrences { doc, count: starts.len() as u32, starts: &starts, fit });
            }
        }
        Ok(())
    }

    /// Calls `visit` with each token that begins as `ending` says.
    fn each_longer(
        &self,
        ending: &Ending,
        mut visit: impl FnMut(&TermInfo, Fit) -> tantivy::Result<()>,
    ) -> tantivy::Result<()> {
        let mut terms = self.terms.terms().range().ge(&ending.prefix).lt(ending.end()).into_stream()?;
        while let Some((key, info)) = terms.next() {
            let is_whole = !ending.is_word || key == ending.prefix.as_bytes();
            visit(info, if is_whole { Fit::Exact } else { Fit::Prefix })?;
        }
        Ok(())
    }
}

/// Calls `visit` for each document among `candidates` that all cursors have.
fn each_candidate(cursors: &mut [Cursor], candidates: &Docs, mut visit: impl FnMut(u32, &mut [Cursor])) {
    let mut from = 0;
    'next: while let Some(doc) = candidates.next_from(from) {
        for cursor in cursors.iter_mut() {
            if !cursor.seek(doc) {
                from = cursor.postings.doc();
                if from == TERMINATED {
                    return;
                }
                continue 'next;
            }
        }
        visit(doc, cursors);
        from = doc + 1;
    }
}

/// The positions where all tokens stand at their distances.
fn find_starts(cursors: &mut [Cursor]) -> Vec<u32> {
    let Some((first, others)) = cursors.split_first_mut() else { return Vec::new() };
    let mut starts = first.starts();
    for cursor in others {
        if starts.is_empty() {
            break;
        }
        let other = cursor.starts();
        starts.retain(|start| other.binary_search(start).is_ok());
    }
    starts
}

/// Tells whether a text has a word in the script in which it was typed.
struct Script {
    /// What the text must have. `None` if this segment does not have it.
    written: Option<Vec<Cursor>>,
    foreign: Vec<Cursor>,
}

impl Script {
    fn open(matcher: &Matcher<'_>) -> tantivy::Result<Self> {
        let written = matcher.open_phrase(&matcher.plan.written)?;
        let mut foreign = Vec::new();
        for (offset, token) in &matcher.plan.foreign {
            let postings = matcher.open_token(token)?;
            foreign.extend(postings.map(|postings| Cursor { offset: *offset, postings }));
        }
        Ok(Self { written, foreign })
    }

    /// The fit of a word that is in `doc`, if that takes no positions: most texts have one script. Documents come in order.
    fn judge_by_document(&mut self, doc: u32) -> Option<Fit> {
        let Some(written) = &self.written else { return Some(Fit::OtherScript) };
        let is_mixed = !written.is_empty() || self.foreign.iter_mut().any(|cursor| cursor.seek(doc));
        (!is_mixed).then_some(Fit::Exact)
    }

    /// The fit of a word that is in `doc` at `starts`. Documents come in order.
    fn judge(&mut self, doc: u32, starts: &[u32]) -> Fit {
        let Some(written) = &mut self.written else { return Fit::OtherScript };
        if written.is_empty() && self.foreign.is_empty() {
            return Fit::Exact;
        }
        let mut exact = starts.to_vec();
        for cursor in written {
            let found = if cursor.seek(doc) { cursor.starts() } else { Vec::new() };
            exact.retain(|start| found.binary_search(start).is_ok());
        }
        for cursor in &mut self.foreign {
            if cursor.seek(doc) {
                let found = cursor.starts();
                exact.retain(|start| found.binary_search(start).is_err());
            }
        }
        if exact.is_empty() { Fit::OtherScript } else { Fit::Exact }
    }
}
