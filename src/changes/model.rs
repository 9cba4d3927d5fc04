//! A change, and who made it.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::db::types::text_enum;

text_enum! {
    /// Who can make a change.
    ActorKind {
        /// A signed-in member.
        Member => "member",
        /// A script with an API key.
        ApiKey => "api_key",
        /// Somebody not signed in (who registers, say).
        Visitor => "visitor",
        /// Inkstone itself: first start, command line.
        System => "system",
    }
}

/// Who makes a change.
#[derive(Clone, Copy, Debug)]
pub struct Actor {
    /// What they are.
    pub kind: ActorKind,
    /// Their id, if they have one.
    pub id: Option<Uuid>,
}

impl Actor {
    /// Inkstone itself.
    pub const SYSTEM: Self = Self { kind: ActorKind::System, id: None };
    /// Somebody not signed in.
    pub const VISITOR: Self = Self { kind: ActorKind::Visitor, id: None };

    /// A script with an API key.
    pub const fn api_key(id: Uuid) -> Self {
        Self { kind: ActorKind::ApiKey, id: Some(id) }
    }

    /// The member, if it is one.
    pub fn member_id(&self) -> Option<Uuid> {
        self.id.filter(|_| self.kind == ActorKind::Member)
    }

    /// A signed-in member.
    pub const fn member(id: Uuid) -> Self {
        Self { kind: ActorKind::Member, id: Some(id) }
    }
}

/// One change, to be recorded.
#[derive(Clone, Debug)]
pub struct Change {
    /// What was done: `create`, `update`, `delete`, `restore`, …
    pub action: &'static str,
    /// The kind of thing, singular.
    pub entity: &'static str,
    /// Which one.
    pub id: Uuid,
    /// The changed fields, by the names clients know. Never their values.
    pub fields: Vec<String>,
}

impl Change {
    /// A change without named fields.
    pub const fn new(action: &'static str, entity: &'static str, id: Uuid) -> Self {
        Self { action, entity, id, fields: Vec::new() }
    }

    /// The same, naming the changed fields.
    pub fn of_fields(mut self, fields: Vec<String>) -> Self {
        self.fields = fields;
        self
    }

    /// An update from `before` to `after`, naming the fields in which they differ.
    pub fn between<T: Serialize>(entity: &'static str, id: Uuid, before: &T, after: &T) -> Self {
        let fields = match (serde_json::to_value(before), serde_json::to_value(after)) {
            (Ok(Value::Object(before)), Ok(Value::Object(after))) => after
                .into_iter()
                .filter(|(name, value)| before.get(name) != Some(value))
                .map(|(name, _)| name)
                .collect(),
            _ => Vec::new(),
        };
        Self::new("update", entity, id).of_fields(fields)
    }
}

/// A change of one or more things, on its way into the log.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Who made it.
    pub actor: Actor,
    /// What was done.
    pub change: Change,
    /// Which things, each of which gets a line.
    pub ids: Vec<Uuid>,
}

/// A line of the log.
#[derive(Clone, Debug, QueryableByName)]
pub struct Entry {
    /// Position in the log.
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    /// The transaction, as a number that only grows.
    #[diesel(sql_type = BigInt)]
    pub transaction_id: i64,
    /// When that transaction began.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    /// Who: the kind.
    #[diesel(sql_type = Text)]
    pub actor_kind: ActorKind,
    /// Who: the id.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub actor_id: Option<Uuid>,
    /// What was done.
    #[diesel(sql_type = Text)]
    pub action: String,
    /// To what kind of thing.
    #[diesel(sql_type = Text)]
    pub entity: String,
    /// To which.
    #[diesel(sql_type = SqlUuid)]
    pub entity_id: Uuid,
    /// The changed fields.
    #[diesel(sql_type = Array<Text>)]
    pub fields: Vec<String>,
    /// The request that did it.
    #[diesel(sql_type = Nullable<Text>)]
    pub request_id: Option<String>,
}
