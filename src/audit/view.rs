//! Changes as admins see them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::changes::model::{ActorKind, Entry};

/// A change: who did what to which thing, and when. Never a value, so never a secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Change {
    /// Its position in the log.
    seq: i64,
    /// The transaction it was part of.
    transaction_id: i64,
    /// When.
    at: DateTime<Utc>,
    /// Who: what kind of actor.
    actor_kind: ActorKind,
    /// Who: the member or the API key.
    #[schema(required)]
    actor_id: Option<Uuid>,
    /// What was done.
    #[schema(example = "update")]
    action: String,
    /// To what kind of thing.
    #[schema(example = "article")]
    entity: String,
    /// To which.
    entity_id: Uuid,
    /// The changed fields.
    #[schema(example = json!(["title", "status"]))]
    fields: Vec<String>,
    /// The request that did it.
    #[schema(required)]
    request_id: Option<String>,
}

impl From<Entry> for Change {
    fn from(entry: Entry) -> Self {
        Self {
            seq: entry.seq,
            transaction_id: entry.transaction_id,
            at: entry.at,
            actor_kind: entry.actor_kind,
            actor_id: entry.actor_id,
            action: entry.action,
            entity: entry.entity,
            entity_id: entry.entity_id,
            fields: entry.fields,
            request_id: entry.request_id,
        }
    }
}

/// Which changes to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ChangeFilter {
    /// Only those by this member.
    #[param(nullable = false)]
    pub actor: Option<Uuid>,
    /// Only those of this kind of thing.
    #[param(max_length = 40, nullable = false, example = "article")]
    pub entity: Option<String>,
    /// Only those of this very thing.
    #[param(nullable = false)]
    pub entity_id: Option<Uuid>,
    /// Only this action.
    #[param(max_length = 40, nullable = false, example = "update")]
    pub action: Option<String>,
    /// Only those at or after this time.
    #[param(value_type = Option<String>, format = DateTime, max_length = 64, nullable = false)]
    pub from: Option<DateTime<Utc>>,
    /// Only those before this time.
    #[param(value_type = Option<String>, format = DateTime, max_length = 64, nullable = false)]
    pub to: Option<DateTime<Utc>>,
}
