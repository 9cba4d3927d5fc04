//! Request and response bodies of sessions.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::queries::SessionRow;

/// An open session of a member.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OpenSession {
    /// The id.
    id: Uuid,
    /// The `User-Agent` of the client at the login.
    #[schema(example = "Inkstone-iOS/2.1")]
    device: String,
    /// The time of the login.
    created_at: DateTime<Utc>,
    /// The time of the last refresh.
    last_seen_at: DateTime<Utc>,
    /// The time when the session ends, unless it is refreshed.
    expires_at: DateTime<Utc>,
    /// Whether this is the session of the request.
    current: bool,
}

impl OpenSession {
    /// Builds the view of `row` for a request in the session `current`.
    pub fn new(row: SessionRow, current: Option<Uuid>) -> Self {
        Self {
            id: row.id,
            device: row.device,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            expires_at: row.expires_at,
            current: Some(row.id) == current,
        }
    }
}

/// A request for new tokens.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"refresh_token": "inkr_…"}))]
pub struct RefreshRequest {
    /// The refresh token of the last login or refresh.
    #[schema(max_length = 200, example = "inkr_…")]
    pub refresh_token: String,
}
