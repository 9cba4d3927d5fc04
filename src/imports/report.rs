//! What became of the rows of an import.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{At, Code, Fault};
use crate::interchange::text_filters::Cleaned;

/// Failed rows that a summary names, and warnings.
pub const MOST_NAMED: usize = 1_000;
/// Rows whose repetition is noticed across batches: a bound on memory.
const MOST_REMEMBERED: usize = 2_000_000;

/// How an import ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The whole body was read; all rows but the failed ones are in.
    Completed,
    /// It was a dry run: nothing is in.
    DryRun,
    /// It stopped early; the committed batches are in.
    Aborted,
    /// It was to be all or nothing, and is nothing.
    RolledBack,
}

/// A row that failed, or that needs a second look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RowProblem {
    /// Where the row is: the line of NDJSON and CSV (from 1, where a row begins), the number of an array's item (from 1).
    pub line: u64,
    /// The row's external id or slug, as far as it could be read.
    #[schema(required)]
    pub external_id: Option<String>,
    /// Where in the row: a JSON pointer (RFC 6901); empty for the row as a whole.
    #[schema(example = "/title")]
    pub pointer: String,
    /// The stable name of the kind of fault.
    #[schema(example = "too_long")]
    pub code: String,
    /// What is wrong, for a person to read.
    pub detail: String,
    /// Further faults of the same row, each with its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub more: Vec<PlacedFault>,
}

/// One of several faults of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlacedFault {
    /// Where in the row: a JSON pointer (RFC 6901).
    pub pointer: String,
    /// The stable name of the kind of fault.
    pub code: String,
    /// What is wrong, for a person to read.
    pub detail: String,
}

impl From<&Fault> for PlacedFault {
    fn from(fault: &Fault) -> Self {
        let (At::Pointer(pointer) | At::Parameter(pointer)) = fault.at.clone();
        Self { pointer, code: fault.code.as_str().to_owned(), detail: fault.detail.clone() }
    }
}

impl RowProblem {
    /// The problem of a row with these faults.
    pub fn new(line: u64, external_id: Option<String>, faults: &[Fault]) -> Self {
        let mut faults = faults.iter().map(PlacedFault::from);
        let first = faults.next().unwrap_or_else(|| PlacedFault {
            pointer: String::new(),
            code: Code::InvalidBody.as_str().to_owned(),
            detail: "is not valid".to_owned(),
        });
        let PlacedFault { pointer, code, detail } = first;
        Self { line, external_id, pointer, code, detail, more: faults.collect() }
    }
}

/// What an import did.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// How it ended.
    pub ending: Ending,
    /// Rows read, those passed over by `skip` not counted.
    pub rows: u64,
    /// Rows that made something new.
    pub created: u64,
    /// Rows that replaced something.
    pub updated: u64,
    /// Rows that stood there already, word for word.
    pub unchanged: u64,
    /// Rows that a later row of the same batch replaces.
    pub superseded: u64,
    /// Rows that were left out because of faults.
    pub failed: u64,
    /// Categories that were created.
    pub created_categories: u64,
    /// What was cleaned away.
    pub cleaned: Cleaned,
    /// The first 1,000 failed rows.
    pub errors: Vec<RowProblem>,
    /// The first 1,000 rows that repeat the external id of an earlier row: the last one counts.
    pub warnings: Vec<RowProblem>,
    /// Rows from the beginning of the body that are done, those passed over by `skip` included: the `skip` of an import that goes on.
    pub committed_rows: u64,
    /// Milliseconds it took.
    pub elapsed_ms: u64,
}

/// A line of the live stream.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// Batches up to here are committed (unless the import is atomic or a dry run).
    Progress(Progress),
    /// A row failed.
    Error(RowProblem),
    /// A row repeats an earlier one.
    Warning(RowProblem),
    /// The end; nothing follows.
    Summary(Box<Summary>),
    /// The end, by a fault of the body or the server; a summary precedes it.
    Problem {
        /// The stable name of what went wrong.
        code: String,
        /// What went wrong, for a person to read.
        #[schema(required)]
        detail: Option<String>,
    },
}

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// The last line that is done.
    pub line: u64,
    /// Rows read so far.
    pub rows: u64,
    /// Rows that made something new.
    pub created: u64,
    /// Rows that replaced something.
    pub updated: u64,
    /// Rows that stood there already.
    pub unchanged: u64,
    /// Rows that were left out.
    pub failed: u64,
    /// Milliseconds since the beginning.
    pub elapsed_ms: u64,
}

/// What became of one row.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It made something new.
    Created,
    /// It replaced something.
    Updated,
    /// It stood there already.
    Unchanged,
    /// The row at this line of the same batch replaces it.
    Superseded(u64),
    /// It was left out.
    Failed(Vec<Fault>),
}

/// What became of one row, and which it was.
#[derive(Clone, Debug)]
pub struct RowOutcome {
    /// Its line.
    pub line: u64,
    /// Its external id or slug.
    pub name: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
}

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
