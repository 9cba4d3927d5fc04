//! The responses of an import: the summary, and the events of the live stream.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::{At, Code, Fault, Params};
use crate::interchange::text_filters::FilterCounts;
use crate::markup::changes::MarkupChanges;

/// How an import ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The whole body was read. All rows but the failed ones are stored.
    Completed,
    /// It was a dry run. Nothing is stored.
    DryRun,
    /// It stopped early. The committed batches are stored.
    Aborted,
    /// It was atomic and failed. Nothing is stored.
    RolledBack,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ImportRowOutcome)]
pub enum OutcomeKind {
    /// It created a resource.
    Created,
    /// It changed a resource.
    Updated,
    /// The resource was already as it describes it.
    Unchanged,
    /// A later row of the same batch replaces it.
    Superseded,
    /// It was left out because of faults.
    Failed,
    /// The resource is in the trash and stays there.
    KeptInTrash,
    /// The resource was edited since it was imported, and stays as it is.
    KeptEdited,
    /// It is nearly a copy of another article, and was left out (with `duplicates=skip`).
    SkippedDuplicate,
}

impl OutcomeKind {
    /// Returns the name that clients and numbers have of it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::KeptInTrash => "kept_in_trash",
            Self::KeptEdited => "kept_edited",
            Self::SkippedDuplicate => "skipped_duplicate",
        }
    }
}

/// A problem of a row: an error or a warning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RowProblem {
    /// The position of the row: the line where it begins, in NDJSON and CSV; the number of the item, in an array. The first is 1.
    pub line: u64,
    /// The row's external id or slug, if it could be read.
    #[schema(required)]
    pub external_id: Option<String>,
    /// The place in the row: a JSON pointer (RFC 6901). Empty for the row as a whole.
    #[schema(example = "/title")]
    pub pointer: String,
    /// The stable name of the kind of fault.
    #[schema(example = "too_long")]
    pub code: String,
    /// What is wrong, for a person to read.
    pub detail: String,
    /// What the sentence holds, like `{"max": 300}`.
    #[serde(default, skip_serializing_if = "Params::is_empty")]
    #[schema(value_type = Option<Object>, nullable = false, example = json!({"max": 300}))]
    pub params: Params,
    /// Further faults of the same row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub more: Vec<PlacedFault>,
}

/// One of several faults of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlacedFault {
    /// The place in the row: a JSON pointer (RFC 6901).
    pub pointer: String,
    /// The stable name of the kind of fault.
    pub code: String,
    /// What is wrong, for a person to read.
    pub detail: String,
    /// What the sentence holds, like `{"max": 300}`.
    #[serde(default, skip_serializing_if = "Params::is_empty")]
    #[schema(value_type = Option<Object>, nullable = false)]
    pub params: Params,
}

impl From<&Fault> for PlacedFault {
    fn from(fault: &Fault) -> Self {
        let (At::Pointer(pointer) | At::Parameter(pointer)) = fault.at.clone();
        let (code, params) = (fault.code.as_str().to_owned(), fault.detail.params());
        Self { pointer, code, detail: fault.sentence(), params }
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
            params: Params::new(),
        });
        let PlacedFault { pointer, code, detail, params } = first;
        Self { line, external_id, pointer, code, detail, params, more: faults.collect() }
    }
}

/// The summary of an import.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ImportSummary)]
pub struct Summary {
    /// How it ended.
    pub ending: Ending,
    /// Rows read, without those skipped by `skip`.
    pub rows: u64,
    /// Rows that created a resource.
    pub created: u64,
    /// Rows that changed a resource.
    pub updated: u64,
    /// Rows whose resource was already as they describe it.
    pub unchanged: u64,
    /// Rows that a later row of the same batch replaces.
    pub superseded: u64,
    /// Rows that were left out because of faults.
    pub failed: u64,
    /// Rows whose resource is in the trash and stays there.
    #[serde(default)]
    #[schema(required)]
    pub kept_in_trash: u64,
    /// Rows whose article was edited since its last import, and stays as it is.
    #[serde(default)]
    #[schema(required)]
    pub kept_edits: u64,
    /// Rows that replaced an article that was edited since its last import. They count as updated too.
    #[serde(default)]
    #[schema(required)]
    pub overwritten_edits: u64,
    /// Rows that are nearly copies of other articles, and were left out.
    #[serde(default)]
    #[schema(required)]
    pub skipped_duplicates: u64,
    /// Categories that were created.
    pub created_categories: u64,
    /// Changes made by text filters.
    pub cleaned: FilterCounts,
    /// Characters of these rows that could not be decoded, and became U+FFFD.
    #[serde(default)]
    #[schema(required)]
    pub replaced_characters: u64,
    /// What the sanitiser changed in the bodies of the rows that were written.
    #[serde(default)]
    #[schema(required)]
    pub markup: MarkupChanges,
    /// The first 1,000 failed rows.
    pub errors: Vec<RowProblem>,
    /// The first 1,000 warnings: rows with the external id of another row, of which the last counts, and rows of which something was changed.
    pub warnings: Vec<RowProblem>,
    /// Rows from the beginning of the body that are done, with those skipped by `skip`. Use it as `skip` to resume the import.
    pub committed_rows: u64,
    /// Duration in milliseconds.
    pub elapsed_ms: u64,
}

/// An event: one line of the live stream.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// The batches up to here are committed (unless the import is atomic or a dry run).
    Progress(Progress),
    /// A row failed.
    Error(RowProblem),
    /// A row has the external id of another row, or something of it was changed.
    Warning(RowProblem),
    /// What became of a row (with `outcomes=true`).
    Row(RowEvent),
    /// The end of the import. Nothing follows but a `problem`, if there is one.
    Summary(Box<Summary>),
    /// The error that stopped the import. It follows the summary.
    Problem {
        /// The stable name of the error.
        code: String,
        /// What is wrong, for a person to read.
        #[schema(required)]
        detail: Option<String>,
        /// The places of faults of the body as a whole, like the columns of a CSV file.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schema(required = false, max_items = 100)]
        errors: Vec<PlacedFault>,
    },
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ImportRow)]
pub struct RowEvent {
    /// The position of the row: the line where it begins, in NDJSON and CSV; the number of the item, in an array. The first is 1.
    pub line: u64,
    /// The row's external id or slug, if it could be read.
    #[schema(required)]
    pub external_id: Option<String>,
    /// What became of it.
    pub outcome: OutcomeKind,
    /// The id of its article. Absent for other kinds of rows, and if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub id: Option<Uuid>,
    /// The slug of its article. Absent for other kinds of rows, and if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub slug: Option<String>,
}

/// The progress of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ImportProgress)]
pub struct Progress {
    /// The line of the last row that is done.
    pub line: u64,
    /// Rows read so far.
    pub rows: u64,
    /// Rows that created a resource.
    pub created: u64,
    /// Rows that changed a resource.
    pub updated: u64,
    /// Rows whose resource was already as they describe it.
    pub unchanged: u64,
    /// Rows that were left out because of faults.
    pub failed: u64,
    /// Milliseconds since the import began.
    pub elapsed_ms: u64,
}
