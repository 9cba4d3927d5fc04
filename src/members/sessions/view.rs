//! Sessions as their owners see them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::queries::SessionRow;

/// A place where a member is signed in.
#[derive(Clone, Debug, Serialize, ToSchema, Hash)]
pub struct OpenSession {
    /// Its id.
    id: Uuid,
    /// What the client called itself when it signed in (`User-Agent`).
    #[schema(example = "Inkstone-iOS/2.1")]
    device: String,
    /// When it was opened.
    created_at: DateTime<Utc>,
    /// When it was last refreshed.
    last_seen_at: DateTime<Utc>,
    /// When it ends if nobody refreshes it.
    expires_at: DateTime<Utc>,
    /// Whether it is the session of this request.
    current: bool,
}

impl OpenSession {
    /// `row` as seen from the session `current`.
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

/// What a client sends for new tokens.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// The refresh token of the last login or refresh.
    #[schema(max_length = 200, example = "inkr_…")]
    pub refresh_token: String,
}
