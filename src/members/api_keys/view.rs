//! API keys as admins see them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::queries::KeyRow;
use super::scope::Scope;

/// A key of a script, without its secret.
#[derive(Clone, Debug, Serialize, ToSchema, Hash)]
pub struct ApiKey {
    /// Its id.
    id: Uuid,
    /// The characters behind `ink_`, by which a key found somewhere is known.
    #[schema(example = "x7Kq2mPa")]
    prefix: String,
    /// What it is for.
    #[schema(example = "nightly import")]
    name: String,
    /// What it may do.
    scopes: Vec<Scope>,
    /// The admin it belongs to; null if it was made on the command line.
    #[schema(required)]
    member_id: Option<Uuid>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it stops working; null if never.
    #[schema(required)]
    expires_at: Option<DateTime<Utc>>,
    /// When it was last used, within a minute; null if never.
    #[schema(required)]
    last_used_at: Option<DateTime<Utc>>,
}

impl From<KeyRow> for ApiKey {
    fn from(row: KeyRow) -> Self {
        Self {
            id: row.id,
            prefix: row.prefix,
            name: row.name,
            scopes: row.scopes.iter().filter_map(|scope| Scope::parse(scope)).collect(),
            member_id: row.member_id,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
        }
    }
}

/// A new key, with its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CreatedKey {
    /// What is known of it later.
    #[serde(flatten)]
    pub api_key: ApiKey,
    /// The key itself: send it as `Authorization: Bearer …`. It is shown this once.
    #[schema(example = "ink_…")]
    pub key: String,
}

/// A key to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "nightly import", "scopes": ["articles:import"], "expires_at": "2030-01-01T00:00:00Z"}))]
pub struct NewApiKey {
    /// What it is for.
    #[schema(min_length = 1, max_length = 100, pattern = r"\S")]
    pub name: String,
    /// What it may do.
    #[schema(min_items = 1, max_items = 20)]
    pub scopes: Vec<Scope>,
    /// When it stops working; never when absent or null.
    pub expires_at: Option<DateTime<Utc>>,
}
