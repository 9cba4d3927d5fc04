//! Jobs as clients see them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{JobKind, JobState, Row};

/// Long work, and how far it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Job {
    /// Never changes.
    pub id: Uuid,
    /// What work it does.
    pub kind: JobKind,
    /// Where it stands.
    pub state: JobState,
    /// Pieces that are done.
    #[schema(example = 1200)]
    pub done: i64,
    /// Pieces there were at the beginning.
    #[schema(example = 250_000)]
    pub total: i64,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub detail: Option<String>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When its last step was done.
    pub updated_at: DateTime<Utc>,
}

impl From<Row> for Job {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            state: row.state,
            done: row.done,
            total: row.total,
            detail: row.detail,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
