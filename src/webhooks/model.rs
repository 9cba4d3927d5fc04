//! Webhooks and their deliveries, as rows.

use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::events::EventType;
use crate::db::types::text_enum;

/// Webhooks of a site at most.
pub const MAX_WEBHOOKS: i64 = 100;
/// Hours for which a secret signs beside the one that has taken its place.
pub const FORMER_SECRET_HOURS: i32 = 24;
/// Former secrets of a webhook that sign at a time, at most.
pub const MAX_FORMER_SECRETS: i64 = 4;
/// Days for which deliveries and their tries are kept.
pub const LOG_DAYS: i32 = 30;

text_enum! {
    /// Whether a webhook is told anything.
    WebhookStatus {
        /// It is.
        Enabled => "enabled",
        /// It is not. What happens meanwhile is not told later.
        Disabled => "disabled",
    }
}

text_enum! {
    /// Why a webhook is disabled.
    DisabledReason {
        /// An admin has disabled it.
        ByAdmin => "by_admin",
        /// The receiver has answered 410.
        Gone => "gone",
        /// All tries of a delivery have failed, over three days, and no other has succeeded meanwhile.
        Failing => "failing",
    }
}

text_enum! {
    /// How far a delivery has come.
    DeliveryState {
        /// It waits for its turn, or for its next try.
        Pending => "pending",
        /// It has failed for half an hour, and is tried again out of turn; or it was asked for again.
        Parked => "parked",
        /// The receiver has taken it.
        Delivered => "delivered",
        /// All tries have failed.
        Failed => "failed",
    }
}

/// What an admin decides of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, QueryableByName)]
pub struct Content {
    /// Where deliveries are sent.
    #[diesel(sql_type = Text)]
    pub url: String,
    /// What it is for.
    #[diesel(sql_type = Text)]
    pub description: String,
    /// The texts of its filters.
    #[diesel(sql_type = Array<Text>)]
    pub events: Vec<String>,
    /// The least seconds between two events `articles.changed`.
    #[diesel(sql_type = Integer)]
    pub coalesce_seconds: i32,
    /// Whether it is told anything.
    #[diesel(sql_type = Text)]
    pub status: WebhookStatus,
}

/// A webhook.
#[derive(Clone, Debug, QueryableByName)]
pub struct Row {
    /// The id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// What an admin decides.
    #[diesel(embed)]
    pub content: Content,
    /// Why it is disabled.
    #[diesel(sql_type = Nullable<Text>)]
    pub disabled_reason: Option<DisabledReason>,
    /// The number of its secret.
    #[diesel(sql_type = Integer)]
    pub secret_number: i32,
    /// Since when no delivery has succeeded.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub failing_since: Option<DateTime<Utc>>,
    /// For `If-Match`.
    #[diesel(sql_type = Integer)]
    pub version: i32,
    /// When it was made.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

/// The columns of a [`DeliveryRow`].
pub const DELIVERY_COLUMNS: &str = "id, event, entity_id, body, state, tries, due_at, created_at, ended_at";

/// A delivery in the log.
#[derive(Clone, Debug, QueryableByName)]
pub struct DeliveryRow {
    /// The id, which is also that of the message.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// What it tells.
    #[diesel(sql_type = Text)]
    pub event: EventType,
    /// Of which thing.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub entity_id: Option<Uuid>,
    /// What the receiver is sent.
    #[diesel(sql_type = Jsonb)]
    pub body: Value,
    /// How far it has come.
    #[diesel(sql_type = Text)]
    pub state: DeliveryState,
    /// How often it was tried, since it was last asked for.
    #[diesel(sql_type = Integer)]
    pub tries: i32,
    /// When it is tried next, or was to be tried last.
    #[diesel(sql_type = Timestamptz)]
    pub due_at: DateTime<Utc>,
    /// When it was enqueued.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it was delivered, or failed for good.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub ended_at: Option<DateTime<Utc>>,
}

/// A try in the log.
#[derive(Clone, Debug, QueryableByName)]
pub struct AttemptRow {
    /// Of which delivery.
    #[diesel(sql_type = SqlUuid)]
    pub delivery_id: Uuid,
    /// When it began.
    #[diesel(sql_type = Timestamptz)]
    pub at: DateTime<Utc>,
    /// How long it took.
    #[diesel(sql_type = Integer)]
    pub duration_ms: i32,
    /// The status that the receiver answered with.
    #[diesel(sql_type = Nullable<Integer>)]
    pub status: Option<i32>,
    /// Why there was no answer.
    #[diesel(sql_type = Nullable<Text>)]
    pub error: Option<String>,
    /// The head of the answer.
    #[diesel(sql_type = Jsonb)]
    pub response_headers: Value,
}

/// What a sender needs to know of a delivery whose turn it is.
#[derive(Clone, Debug, QueryableByName)]
pub struct Due {
    /// The delivery.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The body.
    #[diesel(sql_type = Text)]
    pub body: String,
    /// Tries, this one included.
    #[diesel(sql_type = Integer)]
    pub tries: i32,
    /// Whether it holds up those behind it.
    #[diesel(sql_type = Bool)]
    pub is_in_turn: bool,
    /// Whether it is a test, which is tried once.
    #[diesel(sql_type = Bool)]
    pub is_test: bool,
    /// Whether it stands for many events of articles.
    #[diesel(sql_type = Bool)]
    pub is_coalesced: bool,
    /// Seconds since its first try.
    #[diesel(sql_type = diesel::sql_types::Double)]
    pub age: f64,
}

/// A webhook as its lane finds it.
#[derive(Clone, Debug, QueryableByName)]
pub struct Receiver {
    /// Where deliveries are sent.
    #[diesel(sql_type = Text)]
    pub url: String,
    /// Whether it is told anything but what is asked for.
    #[diesel(sql_type = Bool)]
    pub is_enabled: bool,
    /// The number of its secret.
    #[diesel(sql_type = Integer)]
    pub secret_number: i32,
    /// The numbers of the former secrets that sign too, the latest first.
    #[diesel(sql_type = Array<Integer>)]
    pub former_numbers: Vec<i32>,
}
