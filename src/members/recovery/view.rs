//! Bodies of the operations that verify emails and reset passwords.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The request was accepted. The result, if any, is sent by mail.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Accepted {
    /// Always `accepted`, whether or not the account exists.
    #[schema(example = "accepted")]
    pub status: &'static str,
}

/// The email of an account.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.org"}))]
pub struct AccountEmail {
    /// The email of an account.
    #[schema(max_length = 320)]
    pub email: String,
}

/// A token that was sent by mail.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"token": "inkv_…"}))]
pub struct MailedToken {
    /// The `token` from the link.
    #[schema(max_length = 200, example = "inkv_…")]
    pub token: String,
}

/// The email is verified, and the account has no password yet.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PasswordRequired {
    /// Always `password_required`: the same token sets a password at `/auth/password/reset`.
    #[schema(example = "password_required")]
    pub status: &'static str,
}

/// A new password, and the token that permits to set it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"token": "inkp_…", "password": "a long pass phrase"}))]
pub struct PasswordReset {
    /// The `token` from the link.
    #[schema(max_length = 200, example = "inkp_…")]
    pub token: String,
    /// 8 to 1,024 characters of any kind.
    #[schema(min_length = 8, max_length = 1024, format = Password)]
    pub password: String,
}

/// A new email, and the own password as proof.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.org", "password": "a long pass phrase"}))]
pub struct EmailChange {
    /// The new email.
    #[schema(format = "idn-email", max_length = 254)]
    pub email: String,
    /// The own password.
    #[schema(max_length = 1024, format = Password)]
    pub password: String,
}

/// The own password as proof.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"password": "a long pass phrase"}))]
pub struct PasswordProof {
    /// The own password.
    #[schema(max_length = 1024, format = Password)]
    pub password: String,
}
