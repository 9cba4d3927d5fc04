//! Webhooks as clients see and send them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::events::{EventFilter, EventType};
use super::model::{AttemptRow, DeliveryRow, DeliveryState, DisabledReason, Row, WebhookStatus};
use super::signing::SigningSecret;
use crate::keys::Keys;

/// A webhook.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Webhook {
    /// The id.
    pub id: Uuid,
    /// Where deliveries are sent.
    #[schema(max_length = 8192, example = "https://www.example.org/hooks/news")]
    pub url: String,
    /// The events that it is told of.
    #[schema(value_type = Vec<EventFilter>, max_items = 20, example = json!(["article.*", "notice.published"]))]
    pub events: Vec<String>,
    /// What it is for.
    #[schema(max_length = 200)]
    pub description: String,
    /// The least seconds between two events `articles.changed`.
    pub coalesce_seconds: i32,
    /// Whether it is told anything.
    pub status: WebhookStatus,
    /// Why it is disabled; null if it is not.
    #[schema(required)]
    pub disabled_reason: Option<DisabledReason>,
    /// Since when no delivery has succeeded; null if the last one has.
    #[schema(required)]
    pub failing_since: Option<DateTime<Utc>>,
    /// The key with which a receiver can check `v1a` signatures, without a secret.
    #[schema(max_length = 60, example = "whpk_…")]
    pub public_key: String,
    /// For `If-Match`.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl Webhook {
    /// The webhook in `row`.
    pub fn new(keys: &Keys, row: Row) -> Self {
        let secret = SigningSecret::derive(keys, row.id, row.secret_number);
        Self {
            id: row.id,
            url: row.content.url,
            events: row.content.events,
            description: row.content.description,
            coalesce_seconds: row.content.coalesce_seconds,
            status: row.content.status,
            disabled_reason: row.disabled_reason,
            failing_since: row.failing_since,
            public_key: secret.write_public_key(),
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A webhook with a new secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WebhookWithSecret {
    /// The webhook.
    #[serde(flatten)]
    pub webhook: Webhook,
    /// The secret with which a receiver checks `v1` signatures. It is shown only in this answer.
    #[schema(max_length = 60, example = "whsec_…")]
    pub secret: String,
}

impl WebhookWithSecret {
    /// The webhook in `row` with its secret.
    pub fn new(keys: &Keys, row: Row) -> Self {
        let secret = SigningSecret::derive(keys, row.id, row.secret_number).write_secret();
        Self { webhook: Webhook::new(keys, row), secret }
    }
}

/// A webhook to be created.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"url": "https://www.example.org/hooks/news", "events": ["article.*", "notice.published"]}))]
pub struct NewWebhook {
    /// Where deliveries are sent: an http or https address of the public internet. Networks of one's own take the setting
    /// `--webhook-allow`.
    #[schema(min_length = 1, max_length = 2000)]
    pub url: String,
    /// The events that it is to be told of. `*` is all but `articles.changed`.
    #[schema(min_items = 1, max_items = 20)]
    pub events: Vec<EventFilter>,
    /// What it is for.
    #[schema(format = "plain-text", max_length = 200, nullable = false)]
    pub description: Option<String>,
    /// The least seconds between two events `articles.changed`.
    #[schema(minimum = 1, maximum = 3600, default = 10, nullable = false)]
    pub coalesce_seconds: Option<i32>,
    /// Whether it is told anything.
    #[schema(nullable = false, default = "enabled")]
    pub status: Option<WebhookStatus>,
}

/// A change of a webhook (RFC 7396).
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"status": "disabled"}))]
pub struct WebhookPatch {
    /// Where deliveries are sent.
    #[schema(min_length = 1, max_length = 2000, nullable = false)]
    pub url: Option<String>,
    /// The events that it is to be told of.
    #[schema(min_items = 1, max_items = 20, nullable = false)]
    pub events: Option<Vec<EventFilter>>,
    /// What it is for.
    #[schema(format = "plain-text", max_length = 200, nullable = false)]
    pub description: Option<String>,
    /// The least seconds between two events `articles.changed`.
    #[schema(minimum = 1, maximum = 3600, nullable = false)]
    pub coalesce_seconds: Option<i32>,
    /// Whether it is told anything. One that is enabled again is told what happens from then on, and what was waiting.
    #[schema(nullable = false)]
    pub status: Option<WebhookStatus>,
}

/// An event on its way to a receiver, or in the log.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Delivery {
    /// The id, which the receiver gets as `webhook-id`. It is the same in all tries.
    pub id: Uuid,
    /// What it tells.
    pub event: EventType,
    /// Of which thing; null if of none.
    #[schema(required)]
    pub entity_id: Option<Uuid>,
    /// How far it has come.
    pub state: DeliveryState,
    /// How often it was tried, since it was last asked for.
    pub tries: i32,
    /// What the receiver is sent.
    #[schema(value_type = Object)]
    pub body: Value,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// When it is tried next; null if it has ended.
    #[schema(required)]
    pub due_at: Option<DateTime<Utc>>,
    /// When it was delivered, or failed for good; null before that.
    #[schema(required)]
    pub ended_at: Option<DateTime<Utc>>,
    /// The last 20 tries, the oldest first.
    #[schema(max_items = 20)]
    pub attempts: Vec<Attempt>,
}

impl Delivery {
    /// The delivery in `row`, with its tries.
    pub fn new(row: DeliveryRow, attempts: Vec<Attempt>) -> Self {
        Self {
            id: row.id,
            event: row.event,
            entity_id: row.entity_id,
            state: row.state,
            tries: row.tries,
            body: row.body,
            created_at: row.created_at,
            due_at: row.ended_at.is_none().then_some(row.due_at),
            ended_at: row.ended_at,
            attempts,
        }
    }
}

/// A try of a delivery.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Attempt {
    /// When it began.
    pub at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub duration_ms: i32,
    /// The status that the receiver answered with; null if there was no answer.
    #[schema(required)]
    pub status: Option<i32>,
    /// Why there was no answer, or what was wrong with it; null if nothing.
    #[schema(required, max_length = 1000)]
    pub error: Option<String>,
    /// The head of the answer: 32 headers at most, without those that hold secrets.
    #[schema(value_type = Object)]
    pub response_headers: Value,
}

impl From<AttemptRow> for Attempt {
    fn from(row: AttemptRow) -> Self {
        Self {
            at: row.at,
            duration_ms: row.duration_ms,
            status: row.status,
            error: row.error,
            response_headers: row.response_headers,
        }
    }
}

/// Which deliveries to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeliveryFilter {
    /// Only those that have come so far.
    #[param(inline, nullable = false)]
    pub state: Option<DeliveryState>,
    /// Only those that tell of this.
    #[param(inline, nullable = false)]
    pub event: Option<EventType>,
}

/// Which deliveries to send once more: one, or those of a span of time.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z", "state": "failed"}))]
pub struct ReplayRequest {
    /// This one. Not together with the others.
    #[schema(nullable = false)]
    pub delivery: Option<Uuid>,
    /// Those that were enqueued from here on. Required without `delivery`.
    #[schema(value_type = Option<String>, format = DateTime, max_length = 64, nullable = false)]
    pub since: Option<DateTime<Utc>>,
    /// And before this time. Required without `delivery`.
    #[schema(value_type = Option<String>, format = DateTime, max_length = 64, nullable = false)]
    pub until: Option<DateTime<Utc>>,
    /// Of those, only the ones in this state. Without it, all that are not in their turn already.
    #[schema(nullable = false)]
    pub state: Option<DeliveryState>,
    /// Where to go on: `next_cursor` of the answer before, with the same `since`, `until` and `state`.
    #[schema(nullable = false)]
    pub cursor: Option<Uuid>,
}

/// What is sent once more.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Replay {
    /// How many deliveries.
    pub replayed: usize,
    /// Whether there are more: ask again with `next_cursor`.
    pub has_more: bool,
    /// What to send as `cursor` to go on; null if there are no more.
    #[schema(required)]
    pub next_cursor: Option<Uuid>,
}
