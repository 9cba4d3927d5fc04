//! What is sent to confirm an address or to recover a password.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The request was taken; whatever follows comes by mail.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Accepted {
    /// Always `accepted`, whether or not there is such an account.
    #[schema(example = "accepted")]
    pub status: &'static str,
}

/// An address to write to.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.org"}))]
pub struct Address {
    /// The address of an account.
    #[schema(max_length = 320)]
    pub email: String,
}

/// A token that came by mail.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailedToken {
    /// The `token` in the link.
    #[schema(max_length = 200, example = "inkv_…")]
    pub token: String,
}

/// A new password, and the right to set it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reset {
    /// The `token` in the link.
    #[schema(max_length = 200, example = "inkp_…")]
    pub token: String,
    /// 8 to 1,024 characters, any of them.
    #[schema(min_length = 8, max_length = 1024, format = Password)]
    pub password: String,
}

/// A new address, and the proof that it is you.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailChange {
    /// The new address.
    #[schema(format = "idn-email", max_length = 254)]
    pub email: String,
    /// Your password.
    #[schema(max_length = 1024, format = Password)]
    pub password: String,
}

/// The proof that it is you.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Your password.
    #[schema(max_length = 1024, format = Password)]
    pub password: String,
}
