//! Request and response bodies of members.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::model::{Account, MemberCriteria, MemberRow, MemberStatus};
use super::sessions::view::OpenSession;
use crate::changes::model::Entry;
use crate::config::ProfileField;
use crate::http::patch::Patch;
use crate::operations::Role;

/// A member.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Member {
    /// The id; it never changes.
    id: Uuid,
    /// The email, as typed.
    #[schema(example = "ada@example.org")]
    email: String,
    /// Whether the email was verified.
    email_verified: bool,
    /// The role, which decides what the member may do.
    role: Role,
    /// The status; a suspended member cannot sign in.
    status: MemberStatus,
    /// The name that others see.
    #[schema(example = "陈墨")]
    display_name: String,
    /// The telephone number.
    phone: String,
    /// The organisation the member works for.
    organisation: String,
    /// The member's position in the organisation.
    title: String,
    /// The URL of a picture.
    #[schema(required)]
    avatar_url: Option<String>,
    /// A short text about the member.
    bio: String,
    /// The language of mails; null means the site's language.
    #[schema(required, example = "zh-CN")]
    locale: Option<String>,
    /// The time since which the profile has all required fields; null if one is missing.
    #[schema(required)]
    profile_completed_at: Option<DateTime<Utc>>,
    /// The version, for `If-Match`.
    #[schema(example = 1)]
    pub(super) version: i32,
    /// The time of registration.
    created_at: DateTime<Utc>,
    /// The time of the last change to the account.
    pub(super) updated_at: DateTime<Utc>,
}

impl From<MemberRow> for Member {
    fn from(row: MemberRow) -> Self {
        let account = row.account;
        Self {
            id: row.id,
            email: account.email,
            email_verified: row.email_verified_at.is_some(),
            role: account.role,
            status: account.status,
            display_name: account.display_name,
            phone: account.phone,
            organisation: account.organisation,
            title: account.title,
            avatar_url: account.avatar_url,
            bio: account.bio,
            locale: account.locale,
            profile_completed_at: row.profile_completed_at,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A member's own profile.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OwnProfile {
    /// The member, as admins see it.
    #[serde(flatten)]
    pub(super) member: Member,
    /// Required fields that are empty.
    pub(super) profile_missing: Vec<ProfileField>,
}

/// All data that the site stores about a member.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OwnData {
    /// The profile.
    pub(super) profile: OwnProfile,
    /// The open sessions.
    pub(super) sessions: Vec<OpenSession>,
    /// The changes that the member made, newest first; at most 10,000.
    pub(super) activity: Vec<Activity>,
}

/// A change that a member made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Activity {
    /// The time of the change.
    at: DateTime<Utc>,
    /// The action.
    #[schema(example = "update")]
    action: String,
    /// The kind of the changed entity.
    #[schema(example = "article")]
    entity: String,
    /// The id of the changed entity.
    entity_id: Uuid,
}

impl From<Entry> for Activity {
    fn from(entry: Entry) -> Self {
        Self { at: entry.at, action: entry.action, entity: entry.entity, entity_id: entry.entity_id }
    }
}

/// A registration.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.org", "password": "a long pass phrase", "display_name": "Ada"}))]
pub struct Registration {
    /// An email that no member has.
    #[schema(format = "idn-email", max_length = 254)]
    pub email: String,
    /// 8 to 1,024 characters of any kind.
    #[schema(min_length = 8, max_length = 1024, format = Password)]
    pub password: String,
    /// The name that others see.
    #[serde(default)]
    #[schema(format = "plain-text", max_length = 100)]
    pub display_name: String,
    /// The language of mails, `zh-CN` or `en`; by default the site's language.
    #[schema(max_length = 5, pattern = "^(zh-CN|en)$", nullable = false)]
    pub locale: Option<String>,
}

/// A login.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "admin@localhost", "password": "a long pass phrase"}))]
pub struct Login {
    /// The email, in any spelling.
    #[schema(max_length = 320)]
    pub email: String,
    /// The password.
    #[schema(max_length = 1024, format = Password)]
    pub password: String,
}

/// A session with its tokens.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Session {
    /// The access token; send it as `Authorization: Bearer …`.
    pub access_token: String,
    /// The type of the access token: always `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// Seconds until the access token expires.
    #[schema(example = 600, minimum = 1)]
    pub expires_in: u64,
    /// The refresh token; returns new tokens at `/auth/refresh`, once.
    #[schema(example = "inkr_…")]
    pub refresh_token: String,
    /// The member who signed in.
    pub member: SignedInMember,
}

/// A change of the own password.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"current_password": "a long pass phrase", "new_password": "a longer pass phrase"}))]
pub struct PasswordChange {
    /// The current password.
    #[schema(max_length = 1024, format = Password)]
    pub current_password: String,
    /// 8 to 1,024 characters of any kind.
    #[schema(min_length = 8, max_length = 1024, format = Password)]
    pub new_password: String,
}

/// The member who signed in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SignedInMember {
    /// The id; it never changes.
    pub id: Uuid,
    /// The email, as typed.
    #[schema(example = "admin@localhost")]
    pub email: String,
    /// The role, which decides what the member may do.
    pub role: Role,
    /// The name that others see.
    pub display_name: String,
}

/// A member that an admin creates.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "editor@example.org", "password": "a long pass phrase", "role": "editor", "display_name": "Lin"}))]
pub struct NewMember {
    /// An email that no member has.
    #[schema(format = "idn-email", max_length = 254)]
    pub email: String,
    /// 8 to 1,024 characters of any kind. Without it, the member gets an invitation by mail.
    #[schema(min_length = 8, max_length = 1024, format = Password, nullable = false)]
    pub password: Option<String>,
    /// The role; by default `member`.
    #[schema(nullable = false)]
    pub role: Option<Role>,
    /// The name that others see.
    #[serde(default)]
    #[schema(format = "plain-text", max_length = 100)]
    pub display_name: String,
}

/// A change to the own profile. An absent field keeps its value.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"display_name": "Ada", "organisation": "Example Metrology"}))]
pub struct ProfilePatch {
    /// The name that others see.
    #[schema(format = "plain-text", max_length = 100, nullable = false)]
    pub display_name: Option<String>,
    /// The telephone number, in any notation.
    #[schema(format = "plain-text", max_length = 40, nullable = false)]
    pub phone: Option<String>,
    /// The organisation the member works for.
    #[schema(format = "plain-text", max_length = 200, nullable = false)]
    pub organisation: Option<String>,
    /// The member's position in the organisation.
    #[schema(format = "plain-text", max_length = 100, nullable = false)]
    pub title: Option<String>,
    /// The URL of a picture (http or https); null removes it.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2000, pattern = r"^https?://[^\s/?#@\\<>\x22]+([/?#][^\s<>\x22]*)?$")]
    pub avatar_url: Patch<String>,
    /// A short text about the member.
    #[schema(max_length = 2000, nullable = false)]
    pub bio: Option<String>,
    /// The language of mails, `zh-CN` or `en`; null means the site's language.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 5, pattern = "^(zh-CN|en)$")]
    pub locale: Patch<String>,
}

impl ProfilePatch {
    /// Returns the account after the change.
    pub fn apply_to(self, current: Account) -> Account {
        Account {
            display_name: self.display_name.unwrap_or(current.display_name),
            phone: self.phone.unwrap_or(current.phone),
            organisation: self.organisation.unwrap_or(current.organisation),
            title: self.title.unwrap_or(current.title),
            avatar_url: self.avatar_url.over(current.avatar_url),
            bio: self.bio.unwrap_or(current.bio),
            locale: self.locale.over(current.locale),
            ..current
        }
    }
}

/// A change to a member by an admin. An absent field keeps its value.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "editor"}))]
pub struct MemberPatch {
    /// The role, which decides what the member may do.
    #[schema(nullable = false)]
    pub role: Option<Role>,
    /// The status; `suspended` ends all sessions.
    #[schema(nullable = false)]
    pub status: Option<MemberStatus>,
    /// The name that others see.
    #[schema(format = "plain-text", max_length = 100, nullable = false)]
    pub display_name: Option<String>,
}

impl MemberPatch {
    /// Returns the account after the change.
    pub fn apply_to(self, current: Account) -> Account {
        Account {
            role: self.role.unwrap_or(current.role),
            status: self.status.unwrap_or(current.status),
            display_name: self.display_name.unwrap_or(current.display_name),
            ..current
        }
    }
}

/// The filters and the order of the member list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MemberFilter {
    /// Only members with one of these roles, comma-separated.
    #[param(inline, style = Form, explode = false, min_items = 1, max_items = 10, nullable = false)]
    pub role: Option<Vec<Role>>,
    /// Only members with one of these statuses, comma-separated.
    #[param(inline, style = Form, explode = false, min_items = 1, max_items = 10, nullable = false)]
    pub status: Option<Vec<MemberStatus>>,
    /// Only members whose name or email contains this text, in any case.
    #[param(min_length = 1, max_length = 254, nullable = false)]
    pub q: Option<String>,
    /// Only members whose email was verified (true) or was not (false).
    #[param(nullable = false)]
    pub verified: Option<bool>,
    /// The order; by default newest first. Of one column.
    #[param(inline, style = Form, explode = false, min_items = 1, max_items = 1, nullable = false)]
    pub sort: Option<Vec<MemberSort>>,
}

impl From<MemberFilter> for MemberCriteria {
    fn from(filter: MemberFilter) -> Self {
        let MemberFilter { role, status, q, verified, sort: _ } = filter;
        Self { roles: role, statuses: status, text: q, email_verified: verified }
    }
}

/// The orders of the member list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
pub enum MemberSort {
    /// Newest first.
    #[serde(rename = "-created_at")]
    Newest,
    /// Oldest first.
    #[serde(rename = "created_at")]
    Oldest,
}
