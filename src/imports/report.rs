//! Counts the outcomes of rows and makes the events and the summary from them.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use super::outcome::{BatchResult, Outcome, RowOutcome};
use super::params::ImportParams;
use super::view::{Ending, Event, Progress, RowEvent, RowProblem, Summary};
use crate::error::{Code, Error, Fault, Result, Sentence};
use crate::interchange::text_filters::FilterCounts;
use crate::markup::changes::MarkupChanges;

/// Errors listed in a summary, and warnings.
const MAX_LISTED_PROBLEMS: usize = 1_000;
/// Identities remembered to notice repeated rows across batches. Bounds memory.
const MAX_TRACKED_IDENTITIES: usize = 250_000;

/// Counts the outcomes of rows.
pub struct Report {
    summary: Summary,
    line: u64,
    skip: u64,
    started_at: Instant,
    seen_identities: HashSet<u64>,
    /// Digests of descriptions of categories that were told to be left out.
    told_descriptions: HashSet<u64>,
    /// Rows that have failed since the last that did not.
    failures_in_a_row: u64,
    max_failures: u64,
    sends_outcomes: bool,
    has_too_many_failures: bool,
}

impl Report {
    /// A report of an import that begins now.
    pub fn new(params: &ImportParams) -> Self {
        let skip = params.skip.unwrap_or_default();
        let summary = Summary {
            ending: Ending::Completed,
            rows: 0,
            created: 0,
            updated: 0,
            unchanged: 0,
            superseded: 0,
            failed: 0,
            kept_in_trash: 0,
            kept_edits: 0,
            overwritten_edits: 0,
            skipped_duplicates: 0,
            created_categories: 0,
            cleaned: FilterCounts::default(),
            replaced_characters: 0,
            markup: MarkupChanges::default(),
            errors: Vec::new(),
            warnings: Vec::new(),
            committed_rows: skip,
            elapsed_ms: 0,
        };
        Self {
            summary,
            line: 0,
            skip,
            started_at: Instant::now(),
            seen_identities: HashSet::new(),
            told_descriptions: HashSet::new(),
            failures_in_a_row: 0,
            max_failures: params.max_failures(),
            sends_outcomes: params.sends_outcomes(),
            has_too_many_failures: false,
        }
    }

    /// The numbers so far.
    pub const fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Fails if too many rows have failed one after another.
    pub fn check_failures(&self) -> Result<()> {
        if !self.has_too_many_failures {
            return Ok(());
        }
        let (limit, read) = (self.max_failures, self.skip + self.summary.rows);
        let detail = "{max} rows in a row failed. Row {row} is the first that was not read; skip={skip} goes on there.";
        let detail = Sentence::from(detail).with("max", limit).with("row", read + 1).with("skip", read);
        Err(Error::Refused(Code::ImportAborted, detail))
    }

    /// Adds a batch that was written. Returns its events.
    pub fn add_batch(&mut self, batch: BatchResult) -> Vec<Event> {
        let mut events = Vec::new();
        self.summary.cleaned += batch.filter_counts;
        self.summary.markup += &batch.markup_changes;
        self.summary.created_categories += batch.created_categories;
        self.summary.overwritten_edits += batch.overwritten_edits;
        for row in batch.outcomes {
            self.summary.rows += 1;
            self.summary.committed_rows += 1;
            self.line = row.line;
            self.add_row(row, &mut events);
        }
        events.push(Event::Progress(self.build_progress()));
        events
    }

    /// Adds the failed rows of a batch that was not written because of them. Returns their events.
    pub fn add_failures(&mut self, batch: BatchResult) -> Vec<Event> {
        let mut events = Vec::new();
        for row in batch.outcomes.into_iter().filter(|row| matches!(row.outcome, Outcome::Failed(_))) {
            self.summary.rows += 1;
            self.add_row(row, &mut events);
        }
        events
    }

    fn add_row(&mut self, row: RowOutcome, events: &mut Vec<Event>) {
        events.extend(self.sends_outcomes.then(|| Event::Row(build_row_event(&row))));
        let RowOutcome { line, identity, outcome, mut warnings, .. } = row;
        self.failures_in_a_row =
            if matches!(outcome, Outcome::Failed(_)) { self.failures_in_a_row + 1 } else { 0 };
        self.has_too_many_failures |= self.failures_in_a_row >= self.max_failures;
        match outcome {
            Outcome::Created => self.summary.created += 1,
            Outcome::Updated => self.summary.updated += 1,
            Outcome::Unchanged => self.summary.unchanged += 1,
            Outcome::KeptInTrash => self.summary.kept_in_trash += 1,
            Outcome::KeptEdited => self.summary.kept_edits += 1,
            Outcome::SkippedDuplicate => self.summary.skipped_duplicates += 1,
            Outcome::Superseded(by) => {
                self.summary.superseded += 1;
                let fault =
                    repeated_row("is replaced by line {line}, which has the same id").with("line", by);
                return self.add_warning(line, identity, &[fault], events);
            }
            Outcome::Failed(faults) => {
                self.summary.failed += 1;
                let problem = RowProblem::new(line, identity, &faults);
                if self.summary.errors.len() < MAX_LISTED_PROBLEMS {
                    self.summary.errors.push(problem.clone());
                }
                return events.push(Event::Error(problem));
            }
        }
        warnings.retain(|warning| warning.code != Code::DescriptionDropped || self.is_first_told(warning));
        if !warnings.is_empty() {
            self.summary.replaced_characters += warnings.iter().map(count_replaced).sum::<u64>();
            self.add_warning(line, identity.clone(), &warnings, events);
        }
        if identity.as_ref().is_some_and(|identity| self.is_repeated(identity)) {
            let fault = repeated_row("replaces an earlier row that has the same id");
            self.add_warning(line, identity, &[fault], events);
        }
    }

    fn add_warning(
        &mut self,
        line: u64,
        identity: Option<String>,
        faults: &[Fault],
        events: &mut Vec<Event>,
    ) {
        let warning = RowProblem::new(line, identity, faults);
        if self.summary.warnings.len() < MAX_LISTED_PROBLEMS {
            self.summary.warnings.push(warning.clone());
        }
        events.push(Event::Warning(warning));
    }

    /// Whether an earlier row had this identity. Remembers the identity.
    fn is_repeated(&mut self, identity: &str) -> bool {
        let hash = hash_text(identity);
        if self.seen_identities.len() < MAX_TRACKED_IDENTITIES {
            !self.seen_identities.insert(hash)
        } else {
            self.seen_identities.contains(&hash)
        }
    }

    /// Whether a description that is left out was not told with an earlier row. Many rows are in one category.
    fn is_first_told(&mut self, warning: &Fault) -> bool {
        let hash = hash_text(&warning.sentence());
        self.told_descriptions.len() >= MAX_TRACKED_IDENTITIES || self.told_descriptions.insert(hash)
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started_at.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn build_progress(&self) -> Progress {
        let summary = &self.summary;
        Progress {
            line: self.line,
            rows: summary.rows,
            created: summary.created,
            updated: summary.updated,
            unchanged: summary.unchanged,
            failed: summary.failed,
            elapsed_ms: self.elapsed_ms(),
        }
    }

    /// Returns the summary. If nothing was committed, no row counts as committed.
    pub fn finish(mut self, ending: Ending) -> Summary {
        let elapsed_ms = self.elapsed_ms();
        let summary = &mut self.summary;
        (summary.ending, summary.elapsed_ms) = (ending, elapsed_ms);
        if matches!(ending, Ending::DryRun | Ending::RolledBack) {
            summary.committed_rows = self.skip;
        }
        if ending == Ending::RolledBack {
            (summary.created, summary.updated, summary.unchanged, summary.superseded) = (0, 0, 0, 0);
            (summary.kept_in_trash, summary.kept_edits, summary.overwritten_edits) = (0, 0, 0);
            (summary.skipped_duplicates, summary.created_categories) = (0, 0);
            summary.cleaned = FilterCounts::default();
            (summary.markup, summary.replaced_characters) = (MarkupChanges::default(), 0);
        }
        self.summary
    }
}

fn hash_text(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// How many characters of a row were replaced, by the warning of them.
fn count_replaced(warning: &Fault) -> u64 {
    let count = || warning.detail.params().get("count").and_then(serde_json::Value::as_u64);
    if warning.code == Code::CharactersReplaced { count().unwrap_or_default() } else { 0 }
}

fn build_row_event(row: &RowOutcome) -> RowEvent {
    let resource = row.resource.as_ref();
    RowEvent {
        line: row.line,
        external_id: row.identity.clone(),
        outcome: row.outcome.kind(),
        id: resource.map(|resource| resource.id),
        slug: resource.map(|resource| resource.slug.clone()),
    }
}

fn repeated_row(detail: &'static str) -> Fault {
    Fault::body("/external_id", Code::RepeatedRow, detail)
}
