//! What an import answers: the summary, and the events of the live stream.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{At, Code, Fault};
use crate::interchange::text_filters::Cleaned;

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
