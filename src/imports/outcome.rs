//! The outcomes of rows and batches.

use uuid::Uuid;

use super::view::OutcomeKind;
use crate::error::{Code, Fault};
use crate::interchange::text_filters::FilterCounts;
use crate::markup::changes::MarkupChanges;

/// The outcome of one row.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The row created a resource.
    Created,
    /// The row changed a resource.
    Updated,
    /// The resource was already as the row describes it.
    Unchanged,
    /// The row at this line of the same batch has the same identity and replaces this one.
    Superseded(u64),
    /// The row has faults and was left out.
    Failed(Vec<Fault>),
    /// The resource is in the trash and stays there.
    KeptInTrash,
    /// The resource was edited since it was imported, and stays as it is.
    KeptEdited,
    /// The row is nearly a copy of another article, and was left out.
    SkippedDuplicate,
}

impl Outcome {
    /// Returns its kind.
    pub const fn kind(&self) -> OutcomeKind {
        match self {
            Self::Created => OutcomeKind::Created,
            Self::Updated => OutcomeKind::Updated,
            Self::Unchanged => OutcomeKind::Unchanged,
            Self::Superseded(_) => OutcomeKind::Superseded,
            Self::Failed(_) => OutcomeKind::Failed,
            Self::KeptInTrash => OutcomeKind::KeptInTrash,
            Self::KeptEdited => OutcomeKind::KeptEdited,
            Self::SkippedDuplicate => OutcomeKind::SkippedDuplicate,
        }
    }
}

/// The outcome of one row, with its line and identity.
#[derive(Clone, Debug)]
pub struct RowOutcome {
    /// The row's line.
    pub line: u64,
    /// The row's external id or slug, if it could be read.
    pub identity: Option<String>,
    /// The resource, if there is one and its kind is written in bulk.
    pub resource: Option<ResourceRef>,
    /// The outcome.
    pub outcome: Outcome,
    /// What was changed of what was sent.
    pub warnings: Vec<Fault>,
}

/// The warning of a row whose resource stays in the trash.
pub fn kept_in_trash() -> Fault {
    Fault::body("", Code::KeptInTrash, "is in the trash and stays there; restore=true takes it out")
}

/// The resource that a row is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceRef {
    /// Its id.
    pub id: Uuid,
    /// Its slug, after the row was written.
    pub slug: String,
}

/// The outcome of a batch.
#[derive(Debug)]
pub struct BatchResult {
    /// The outcome of each row, in the body's order.
    pub outcomes: Vec<RowOutcome>,
    /// Changes made by text filters in the rows that were written.
    pub filter_counts: FilterCounts,
    /// Changes made by the sanitiser in the rows that were written.
    pub markup_changes: MarkupChanges,
    /// Number of categories created.
    pub created_categories: u64,
    /// Number of rows that replaced what was edited since the last import.
    pub overwritten_edits: u64,
}

impl BatchResult {
    /// Whether a row has failed.
    pub fn has_failures(&self) -> bool {
        self.outcomes.iter().any(|row| matches!(row.outcome, Outcome::Failed(_)))
    }

    /// Whether a row was created or updated.
    pub fn has_changes(&self) -> bool {
        self.outcomes.iter().any(|row| matches!(row.outcome, Outcome::Created | Outcome::Updated))
    }
}
