//! What becomes of rows and of batches.

use crate::error::Fault;
use crate::interchange::text_filters::Cleaned;

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

/// What became of a batch.
#[derive(Debug)]
pub struct Written {
    /// Of each row, in the body's order.
    pub outcomes: Vec<RowOutcome>,
    /// What was cleaned away.
    pub cleaned: Cleaned,
    /// Categories created on the way.
    pub categories: u64,
}

impl Written {
    /// Whether a row has failed.
    pub fn has_failed(&self) -> bool {
        self.outcomes.iter().any(|row| matches!(row.outcome, Outcome::Failed(_)))
    }

    /// Whether a row has changed anything.
    pub fn has_changed(&self) -> bool {
        self.outcomes.iter().any(|row| matches!(row.outcome, Outcome::Created | Outcome::Updated))
    }
}
