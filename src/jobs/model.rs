//! Jobs as rows.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde_json::Value;
use uuid::Uuid;

use crate::changes::model::{Actor, ActorKind};
use crate::db::schema::jobs;
use crate::db::types::text_enum;

text_enum! {
    /// What work a job does.
    JobKind {
        /// Moves all articles of a category to another one, and deletes the category.
        CategoryMove => "category_move",
        /// Gives all articles of a tag another one in its place.
        TagMerge => "tag_merge",
    }
}

text_enum! {
    /// Where a job stands.
    JobState {
        /// Steps are being done.
        Running => "running",
        /// All is done.
        Done => "done",
        /// It cannot go on; `detail` says why. The steps done so far stay.
        Failed => "failed",
    }
}

/// A job.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = jobs, check_for_backend(Pg))]
pub struct Row {
    /// Never changes.
    pub id: Uuid,
    /// What work it does.
    pub kind: JobKind,
    /// Where it stands.
    pub state: JobState,
    /// What the work is about.
    pub params: Value,
    /// Pieces that are done.
    pub done: i64,
    /// Pieces there were at the beginning.
    pub total: i64,
    /// Why it failed.
    pub detail: Option<String>,
    /// What kind of caller asked for it.
    pub actor_kind: ActorKind,
    /// Who asked for it.
    pub actor_id: Option<Uuid>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When its last step was done.
    pub updated_at: DateTime<Utc>,
}

impl Row {
    /// Who asked for it: the author of the changes that it makes.
    pub const fn actor(&self) -> Actor {
        Actor { kind: self.actor_kind, id: self.actor_id }
    }
}
