//! What became of the rows of an import.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use super::outcome::{Outcome, RowOutcome};
use super::view::{Ending, Event, Progress, RowProblem, Summary};
use crate::error::{Code, Fault};
use crate::interchange::text_filters::Cleaned;

/// Failed rows that a summary names, and warnings.
pub const MOST_NAMED: usize = 1_000;
/// Rows whose repetition is noticed across batches: a bound on memory.
const MOST_REMEMBERED: usize = 2_000_000;

/// Counts what becomes of the rows.
pub struct Report {
    summary: Summary,
    line: u64,
    skip: u64,
    began: Instant,
    seen: HashSet<u64>,
}

impl Report {
    /// An empty report of an import that passes over `skip` rows and begins now.
    pub fn new(skip: u64) -> Self {
        let summary = Summary {
            ending: Ending::Completed,
            rows: 0,
            created: 0,
            updated: 0,
            unchanged: 0,
            superseded: 0,
            failed: 0,
            created_categories: 0,
            cleaned: Cleaned::default(),
            errors: Vec::new(),
            warnings: Vec::new(),
            committed_rows: skip,
            elapsed_ms: 0,
        };
        Self { summary, line: 0, skip, began: Instant::now(), seen: HashSet::new() }
    }

    /// Takes in what became of a batch, and returns the lines that tell it.
    pub fn take(&mut self, batch: Vec<RowOutcome>, cleaned: Cleaned, categories: u64) -> Vec<Event> {
        let mut events = Vec::new();
        self.summary.cleaned += cleaned;
        self.summary.created_categories += categories;
        for row in batch {
            self.summary.rows += 1;
            self.summary.committed_rows += 1;
            self.line = row.line;
            self.take_row(row, &mut events);
        }
        events.push(Event::Progress(self.progress()));
        events
    }

    /// Takes in the failed rows of a batch that is not written because of them.
    pub fn take_failures(&mut self, batch: Vec<RowOutcome>) -> Vec<Event> {
        let mut events = Vec::new();
        for row in batch.into_iter().filter(|row| matches!(row.outcome, Outcome::Failed(_))) {
            self.summary.rows += 1;
            self.take_row(row, &mut events);
        }
        events
    }

    fn take_row(&mut self, row: RowOutcome, events: &mut Vec<Event>) {
        let RowOutcome { line, name, outcome } = row;
        match outcome {
            Outcome::Created => self.summary.created += 1,
            Outcome::Updated => self.summary.updated += 1,
            Outcome::Unchanged => self.summary.unchanged += 1,
            Outcome::Superseded(by) => {
                self.summary.superseded += 1;
                return self.warn(
                    line,
                    name,
                    &format!("is replaced by line {by}, which has the same id"),
                    events,
                );
            }
            Outcome::Failed(faults) => {
                self.summary.failed += 1;
                let problem = RowProblem::new(line, name, &faults);
                if self.summary.errors.len() < MOST_NAMED {
                    self.summary.errors.push(problem.clone());
                }
                return events.push(Event::Error(problem));
            }
        }
        if name.as_ref().is_some_and(|name| self.is_repeated(name)) {
            self.warn(line, name, "replaces an earlier row that has the same id", events);
        }
    }

    fn warn(&mut self, line: u64, name: Option<String>, detail: &str, events: &mut Vec<Event>) {
        let warning = RowProblem::new(line, name, &[Fault::body("/external_id", Code::RepeatedRow, detail)]);
        if self.summary.warnings.len() < MOST_NAMED {
            self.summary.warnings.push(warning.clone());
        }
        events.push(Event::Warning(warning));
    }

    fn is_repeated(&mut self, name: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let hash = hasher.finish();
        if self.seen.len() < MOST_REMEMBERED { !self.seen.insert(hash) } else { self.seen.contains(&hash) }
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn progress(&self) -> Progress {
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

    /// The end. Where nothing is committed, nothing counts as done.
    pub fn end(mut self, ending: Ending) -> Summary {
        let elapsed_ms = self.elapsed_ms();
        let summary = &mut self.summary;
        (summary.ending, summary.elapsed_ms) = (ending, elapsed_ms);
        if matches!(ending, Ending::DryRun | Ending::RolledBack) {
            summary.committed_rows = self.skip;
        }
        if ending == Ending::RolledBack {
            (summary.created, summary.updated, summary.unchanged, summary.superseded) = (0, 0, 0, 0);
            (summary.created_categories, summary.cleaned) = (0, Cleaned::default());
        }
        self.summary
    }
}
