//! Request and response bodies of API keys.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::queries::KeyRow;
use crate::operations::scope::Scope;

/// An API key, without its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ApiKey {
    /// The id.
    id: Uuid,
    /// The characters after `ink_`, which identify the key.
    #[schema(example = "x7Kq2mPa")]
    prefix: String,
    /// The purpose of the key.
    #[schema(example = "nightly import")]
    name: String,
    /// The scopes of the key.
    scopes: Vec<Scope>,
    /// The admin the key belongs to; null if it was created on the command line.
    #[schema(required)]
    member_id: Option<Uuid>,
    /// The time of creation.
    created_at: DateTime<Utc>,
    /// The time when the key expires; null if never.
    #[schema(required)]
    expires_at: Option<DateTime<Utc>>,
    /// The time of the last use, to the minute; null if never.
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
    /// The key without its secret.
    #[serde(flatten)]
    pub api_key: ApiKey,
    /// The key itself; send it as `Authorization: Bearer …`. It is shown only in this answer.
    #[schema(example = "ink_…")]
    pub key: String,
}

/// A key to be created.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "nightly import", "scopes": ["articles:import"], "expires_at": "2030-01-01T00:00:00Z"}))]
pub struct NewApiKey {
    /// The purpose of the key.
    #[schema(format = "plain-text", min_length = 1, max_length = 100, pattern = r"\S")]
    pub name: String,
    /// The scopes of the key.
    #[schema(min_items = 1, max_items = 20)]
    pub scopes: Vec<Scope>,
    /// The time when the key expires; by default never.
    #[schema(value_type = Option<String>, format = DateTime, max_length = 64)]
    pub expires_at: Option<DateTime<Utc>>,
}
