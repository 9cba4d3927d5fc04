//! The outcomes of rows and batches.

use crate::error::Fault;
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
}

impl Outcome {
    /// Returns the name that numbers have of it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Superseded(_) => "superseded",
            Self::Failed(_) => "failed",
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
    /// The outcome.
    pub outcome: Outcome,
    /// What was changed of what was sent.
    pub warnings: Vec<Fault>,
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
