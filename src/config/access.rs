//! Tokens, passwords and profiles.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Serialize;
use utoipa::ToSchema;

use super::values::parse_seconds;

/// Tokens, passwords and profiles.
#[derive(Args, Clone, Debug)]
pub struct Access {
    /// PEM files (PKCS #8) of Ed25519 keys, comma-separated. The first signs access tokens, all verify them.
    /// By default the keys are in the database, and `inkstone signing-key rotate` changes them.
    #[arg(long, env = "INKSTONE_SIGNING_KEY_FILE", value_delimiter = ',', value_name = "FILES")]
    pub signing_key_file: Vec<PathBuf>,
    /// Seconds until an access token expires.
    #[arg(long, env = "INKSTONE_ACCESS_TOKEN_TTL", default_value = "600", value_parser = parse_seconds, value_name = "SECONDS")]
    pub access_token_ttl: Duration,
    /// Fields that a complete profile has, comma-separated.
    #[arg(
        long,
        env = "INKSTONE_PROFILE_FIELDS",
        value_delimiter = ',',
        default_value = "display_name,phone,organisation",
        value_name = "FIELDS"
    )]
    pub profile_fields: Vec<ProfileField>,
    /// Login attempts per account and network in 15 minutes before further ones must wait. The other limits are multiples of it.
    #[arg(long, env = "INKSTONE_LOGIN_ATTEMPTS", default_value_t = 5, value_parser = clap::value_parser!(i32).range(1..=1_000_000), value_name = "N")]
    pub login_attempts: i32,
    /// Days that ended sessions are kept. A login from a network that has no session any more is one from a new network.
    #[arg(long, env = "INKSTONE_SESSION_RETENTION_DAYS", default_value_t = 30, value_parser = clap::value_parser!(i32).range(1..=36_500), value_name = "DAYS")]
    pub session_retention_days: i32,
    /// Days that entries of the audit trail are kept; for ever by default.
    #[arg(long, env = "INKSTONE_AUDIT_RETENTION_DAYS", value_parser = clap::value_parser!(i32).range(1..=36_500), value_name = "DAYS")]
    pub audit_retention_days: Option<i32>,
}

/// A field of a profile that a site may require.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum ProfileField {
    /// The name that others see.
    DisplayName,
    /// The telephone number.
    Phone,
    /// The organisation the member works for.
    Organisation,
    /// The member's position in the organisation.
    Title,
    /// The URL of a picture.
    AvatarUrl,
    /// A short text about the member.
    Bio,
}
