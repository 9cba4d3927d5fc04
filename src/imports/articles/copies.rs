//! Rows whose texts are nearly those of other articles (`duplicates=warn` and `duplicates=skip`).
//!
//! Before a batch is written, the articles that its new rows may be copies of are looked up: in the index, in one look
//! for all rows, and among the last rows of the import, since the index lags behind. Their texts are loaded together and
//! compared. While the batch is written, it is known which rows create articles; these are warned of, or left out.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;
use uuid::Uuid;

use super::fingerprints::{Fingerprints, LastRows};
use super::pending_write::PendingWrite;
use super::prepare::PreparedRow;
use super::queries;
use crate::articles::alike::{MAX_BODY_CHARS, MAX_WARNINGS, MIN_LIKENESS, list_pieces, round_likeness};
use crate::db::connection::Connection;
use crate::error::{Code, Fault, Result};
use crate::imports::job::Job;
use crate::imports::outcome::{Outcome, RowOutcome};
use crate::imports::params::Duplicates;
use crate::imports::threads::run_on_import_threads;
use crate::index::likeness::Pieces;
use crate::search::documents::{make_fingerprint, split_blocks};
use crate::search::{filters, finding};

/// Articles that a row is compared with, of each source.
const CANDIDATES: usize = 5;
/// Texts that are loaded at a time.
const TEXTS_AT_A_TIME: usize = 200;

/// What of a row is compared.
struct RowText {
    /// The index of the row in the batch.
    index: usize,
    /// Whether no article with its identity was found.
    is_new: bool,
    fingerprint: Vec<u64>,
    title: String,
    /// The beginning of the body.
    body: String,
    /// Most rows are compared with no other.
    pieces: OnceLock<Pieces>,
}

impl RowText {
    fn pieces(&self) -> &Pieces {
        self.pieces.get_or_init(|| list_pieces(&self.title, &self.body))
    }
}

/// An article of this import.
#[derive(Clone, Copy)]
struct Accepted {
    id: Uuid,
    line: u64,
}

/// Another article with nearly the text of a row.
#[derive(Clone, Copy, Debug)]
struct Copy {
    other: Other,
    likeness: f32,
}

#[derive(Clone, Copy, Debug)]
enum Other {
    /// An article, and its line if it is of this import.
    Article(Uuid, Option<u64>),
    /// The row of the batch with this index.
    Row(usize),
}

/// The copies that the rows of a batch are. Empty if nothing is compared.
#[derive(Default)]
pub struct BatchCopies {
    mode: Duplicates,
    /// The copies of each row that has some, by its index; those among articles first, then the most alike first.
    by_row: HashMap<usize, Vec<Copy>>,
    /// The fingerprints of all rows that may be written.
    fingerprints: Vec<(usize, Vec<u64>)>,
}

/// Finds copies for an import.
pub struct CopyFinder {
    job: Job,
    accepted: LastRows<Accepted>,
}

impl CopyFinder {
    /// A finder for an import that begins now, if its parameters ask for one.
    pub fn new(job: &Job) -> Option<Self> {
        job.compares_texts().then(|| Self { job: job.clone(), accepted: LastRows::default() })
    }

    /// Finds the copies of the rows of a batch. `conn` sees what the import has written before.
    pub async fn find(&self, conn: &Connection, rows: &mut Vec<PreparedRow>) -> Result<BatchCopies> {
        let mode = self.job.params.duplicates();
        let taken = std::mem::take(rows);
        let (given_back, texts) = run_on_import_threads(move || {
            let texts = read_texts(&taken);
            (taken, texts)
        })
        .await?;
        *rows = given_back;
        let texts = Arc::new(texts);
        let candidates = self.find_candidates(&texts).await?;
        let mut by_row = self.compare_articles(conn, &texts, candidates).await?;
        let (texts, by_row) = run_on_import_threads(move || {
            compare_rows(mode, &texts, &mut by_row);
            (texts, by_row)
        })
        .await?;
        let fingerprints = texts.iter().map(|text| (text.index, text.fingerprint.clone())).collect();
        Ok(BatchCopies { mode, by_row, fingerprints })
    }

    /// The articles that new rows may be copies of, each with the places of the rows in `texts`.
    async fn find_candidates(&self, texts: &Arc<Vec<RowText>>) -> Result<HashMap<Uuid, Candidate>> {
        let mut candidates: HashMap<Uuid, Candidate> = HashMap::new();
        let new = || texts.iter().enumerate().filter(|(_, text)| text.is_new && !text.fingerprint.is_empty());
        for (at, text) in new() {
            for Accepted { id, line } in self.accepted.find(&text.fingerprint, CANDIDATES) {
                let candidate = candidates.entry(id).or_default();
                candidate.line = Some(line);
                candidate.add_row(at);
            }
        }
        if new().next().is_none() {
            return Ok(candidates);
        }
        let app = &self.job.app;
        let (used, texts) = (finding::index(app).await?, texts.clone());
        let index = used.clone();
        let filter = filters::articles(self.job.readable, None, app.now());
        let found = run_on_import_threads(move || {
            let fingerprints: Vec<&[u64]> = texts
                .iter()
                .map(|text| if text.is_new { text.fingerprint.as_slice() } else { &[] })
                .collect();
            index.find_all_alike(&fingerprints, &filter, CANDIDATES)
        });
        let found = found.await?.map_err(|cause| finding::drop_failed(app, &used, cause))?;
        for (at, found) in found.into_iter().enumerate() {
            for (id, _) in found {
                candidates.entry(id).or_default().add_row(at);
            }
        }
        Ok(candidates)
    }

    /// Loads the texts of candidates, as far as the caller may read them or has imported them just now, and compares
    /// them with the rows.
    async fn compare_articles(
        &self,
        conn: &Connection,
        texts: &Arc<Vec<RowText>>,
        candidates: HashMap<Uuid, Candidate>,
    ) -> Result<HashMap<usize, Vec<Copy>>> {
        let mut by_row: HashMap<usize, Vec<Copy>> = HashMap::new();
        let mut ids: Vec<Uuid> = candidates.keys().copied().collect();
        ids.sort_unstable();
        let candidates = Arc::new(candidates);
        for ids in ids.chunks(TEXTS_AT_A_TIME) {
            let is_own = |id: &&Uuid| candidates.get(*id).is_some_and(|candidate| candidate.line.is_some());
            let own = ids.iter().filter(is_own).copied().collect();
            let loaded = queries::load_texts(conn, self.job.readable, own, ids.to_vec()).await?;
            let (texts, candidates) = (texts.clone(), candidates.clone());
            let found = run_on_import_threads(move || {
                let compare = |article: queries::ArticleText| {
                    let other = list_pieces(&article.title, &article.body);
                    let candidate = candidates.get(&article.id);
                    let line = candidate.and_then(|candidate| candidate.line);
                    let rows = candidate.map(|candidate| candidate.rows.as_slice()).unwrap_or_default();
                    let copies = rows.iter().filter_map(|at| texts.get(*at)).filter_map(|row| {
                        let likeness = row.pieces().likeness(&other);
                        let copy = Copy { other: Other::Article(article.id, line), likeness };
                        (likeness >= MIN_LIKENESS).then_some((row.index, copy))
                    });
                    copies.collect::<Vec<_>>()
                };
                loaded.into_par_iter().flat_map_iter(compare).collect::<Vec<(usize, Copy)>>()
            });
            for (index, copy) in found.await? {
                by_row.entry(index).or_default().push(copy);
            }
        }
        for copies in by_row.values_mut() {
            sort_copies(copies);
        }
        Ok(by_row)
    }

    /// Remembers the rows of a batch that was written.
    pub fn add_batch(&mut self, copies: &BatchCopies, outcomes: &[RowOutcome]) {
        for (index, fingerprint) in &copies.fingerprints {
            let Some(row) = outcomes.get(*index) else { continue };
            if let (Outcome::Created | Outcome::Updated, Some(resource)) = (&row.outcome, &row.resource) {
                self.accepted.add(Accepted { id: resource.id, line: row.line }, fingerprint);
            }
        }
    }
}

/// An article that rows may be copies of.
#[derive(Default)]
struct Candidate {
    /// Its line, if it is of this import.
    line: Option<u64>,
    /// The places of the rows.
    rows: Vec<usize>,
}

impl Candidate {
    fn add_row(&mut self, at: usize) {
        if !self.rows.contains(&at) {
            self.rows.push(at);
        }
    }
}

fn read_texts(rows: &[PreparedRow]) -> Vec<RowText> {
    let read = |(index, row): (usize, &PreparedRow)| {
        let article = row.article()?;
        let (title, body) = (&article.content.title, &article.content.body);
        Some(RowText {
            index,
            is_new: article.is_new,
            fingerprint: make_fingerprint(title, &split_blocks(body)),
            title: title.clone(),
            body: body.chars().take(MAX_BODY_CHARS).collect(),
            pieces: OnceLock::new(),
        })
    };
    rows.par_iter().enumerate().filter_map(read).collect()
}

/// Compares the new rows of a batch with those before them. With `skip`, those that are copies are left out of that.
fn compare_rows(mode: Duplicates, texts: &[RowText], by_row: &mut HashMap<usize, Vec<Copy>>) {
    let mut before: Fingerprints<usize> = Fingerprints::default();
    for (at, row) in texts.iter().enumerate() {
        if row.is_new {
            let others = before.find(&row.fingerprint, CANDIDATES);
            let others = others.into_iter().filter_map(|(at, _)| texts.get(at));
            let copies = others.map(|other| Copy {
                other: Other::Row(other.index),
                likeness: row.pieces().likeness(other.pieces()),
            });
            let mut copies: Vec<Copy> = copies.filter(|copy| copy.likeness >= MIN_LIKENESS).collect();
            sort_copies(&mut copies);
            if !copies.is_empty() {
                by_row.entry(row.index).or_default().extend(copies);
            }
        }
        if mode != Duplicates::Skip || !by_row.contains_key(&row.index) {
            before.add(at, &row.fingerprint);
        }
    }
}

/// Sorts copies: the most alike first, and of these the oldest.
fn sort_copies(copies: &mut [Copy]) {
    let age = |copy: &Copy| match copy.other {
        Other::Article(id, _) => (id, 0),
        Other::Row(index) => (Uuid::nil(), index),
    };
    copies.sort_by(|a, b| b.likeness.total_cmp(&a.likeness).then_with(|| age(a).cmp(&age(b))));
}

impl BatchCopies {
    /// Leaves rows out that would create a copy of an article, if copies are left out. Those that are copies of rows of
    /// the same batch stay until it is known that these are written.
    pub(super) fn skip_copies_of_articles(
        &self,
        pending: &mut Vec<PendingWrite<'_>>,
        outcomes: &mut [Option<Outcome>],
        warnings: &mut [Vec<Fault>],
    ) {
        if self.mode != Duplicates::Skip || self.by_row.is_empty() {
            return;
        }
        let replaced = list_replaced(pending);
        pending.retain(|write| {
            let copy = self.list_copies(write).find_map(|copy| match copy.other {
                Other::Article(id, line) if !replaced.contains(&id) => {
                    Some(describe_skipped(id, line, copy.likeness))
                }
                Other::Article(..) | Other::Row(_) => None,
            });
            skip(write.index, copy, outcomes, warnings)
        });
    }

    /// Warns of rows that create a copy, or leaves those out that would create one of a row that is written.
    pub(super) fn tell(
        &self,
        rows: &[PreparedRow],
        pending: &mut Vec<PendingWrite<'_>>,
        outcomes: &mut [Option<Outcome>],
        warnings: &mut [Vec<Fault>],
    ) {
        if self.by_row.is_empty() {
            return;
        }
        let replaced = list_replaced(pending);
        let mut written: HashMap<usize, Accepted> = HashMap::new();
        pending.retain(|write| {
            let mut others = self.list_copies(write).filter_map(|copy| match copy.other {
                Other::Article(id, line) => (!replaced.contains(&id)).then_some((id, line, copy.likeness)),
                Other::Row(index) => written.get(&index).map(|row| (row.id, Some(row.line), copy.likeness)),
            });
            if self.mode == Duplicates::Skip {
                let copy = others.next().map(|(id, line, likeness)| describe_skipped(id, line, likeness));
                if !skip(write.index, copy, outcomes, warnings) {
                    return false;
                }
            } else {
                let described = others.take(MAX_WARNINGS);
                let described = described.map(|(id, line, likeness)| describe_created(id, line, likeness));
                warnings[write.index].extend(described);
            }
            let line = rows.get(write.index).map_or(0, |row| row.line);
            written.insert(write.index, Accepted { id: write.id, line });
            true
        });
    }

    /// The copies of a row that creates an article.
    fn list_copies(&self, write: &PendingWrite<'_>) -> impl Iterator<Item = &Copy> {
        let copies = self.by_row.get(&write.index).filter(|_| write.before.is_none());
        copies.into_iter().flatten()
    }
}

/// The articles that a batch replaces: it is not known any more what they are like.
fn list_replaced(pending: &[PendingWrite<'_>]) -> HashSet<Uuid> {
    pending.iter().filter(|write| write.before.is_some()).map(|write| write.id).collect()
}

/// Notes that a row is left out if it is a copy. Returns whether it stays.
fn skip(
    index: usize,
    copy: Option<Fault>,
    outcomes: &mut [Option<Outcome>],
    warnings: &mut [Vec<Fault>],
) -> bool {
    let Some(fault) = copy else { return true };
    outcomes[index] = Some(Outcome::SkippedDuplicate);
    warnings[index].push(fault);
    false
}

fn describe_created(id: Uuid, line: Option<u64>, likeness: f32) -> Fault {
    let detail = match line {
        None => "is nearly the text of the article {id}",
        Some(_) => "is nearly the text of line {line}, the article {id}",
    };
    describe_copy(detail, id, line, likeness)
}

fn describe_skipped(id: Uuid, line: Option<u64>, likeness: f32) -> Fault {
    let detail = match line {
        None => "is nearly the text of the article {id}, and was left out",
        Some(_) => "is nearly the text of line {line}, the article {id}, and was left out",
    };
    describe_copy(detail, id, line, likeness)
}

fn describe_copy(detail: &'static str, id: Uuid, line: Option<u64>, likeness: f32) -> Fault {
    let fault = Fault::body("/body", Code::PossibleDuplicate, detail);
    let fault = fault.with("id", id.to_string());
    let fault = fault.with("similarity", round_likeness(likeness));
    match line {
        Some(line) => fault.with("line", line),
        None => fault,
    }
}
