//! Members as clients see them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::model::{Account, MemberCriteria, MemberRow, MemberStatus, Role};
use super::sessions::view::OpenSession;
use crate::changes::model::Entry;
use crate::config::ProfileField;
use crate::http::patch::Patch;

/// A member.
#[derive(Clone, Debug, Serialize, ToSchema, Hash)]
pub struct Member {
    /// Never changes.
    id: Uuid,
    /// The address as typed.
    #[schema(example = "ada@example.org")]
    email: String,
    /// Whether the address was confirmed.
    email_verified: bool,
    /// What the member may do.
    role: Role,
    /// Whether the member may sign in.
    status: MemberStatus,
    /// The name others see.
    #[schema(example = "陈墨")]
    display_name: String,
    /// A telephone number.
    phone: String,
    /// Where the member works.
    organisation: String,
    /// The member's position there.
    title: String,
    /// A picture.
    #[schema(required)]
    avatar_url: Option<String>,
    /// A few words.
    bio: String,
    /// The language of mail; the site's when null.
    #[schema(required, example = "zh-CN")]
    locale: Option<String>,
    /// Since when the profile has all that the site requires; null if something is missing.
    #[schema(required)]
    profile_completed_at: Option<DateTime<Utc>>,
    /// For `If-Match`.
    #[schema(example = 1)]
    pub(super) version: i32,
    /// When the member registered.
    created_at: DateTime<Utc>,
    /// When the account last changed.
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
#[derive(Clone, Debug, Serialize, ToSchema, Hash)]
pub struct OwnProfile {
    /// What admins see too.
    #[serde(flatten)]
    pub(super) member: Member,
    /// What the site requires and the profile lacks.
    pub(super) profile_missing: Vec<ProfileField>,
}

/// All that the site keeps about a member.
#[derive(Clone, Debug, Serialize, ToSchema, Hash)]
pub struct OwnData {
    /// The profile.
    pub(super) profile: OwnProfile,
    /// Where the member is signed in.
    pub(super) sessions: Vec<OpenSession>,
    /// What the member did, the newest first; at most 10,000 lines.
    pub(super) activity: Vec<Activity>,
}

/// Something that a member did.
#[derive(Clone, Debug, Serialize, ToSchema, Hash)]
pub struct Activity {
    /// When.
    at: DateTime<Utc>,
    /// What was done.
    #[schema(example = "update")]
    action: String,
    /// To what kind of thing.
    #[schema(example = "article")]
    entity: String,
    /// To which.
    entity_id: Uuid,
}

impl From<Entry> for Activity {
    fn from(entry: Entry) -> Self {
        Self { at: entry.at, action: entry.action, entity: entry.entity, entity_id: entry.entity_id }
    }
}

/// What a visitor sends to become a member.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ada@example.org", "password": "a long pass phrase", "display_name": "Ada"}))]
pub struct Registration {
    /// An address nobody has registered yet.
    #[schema(format = "idn-email", max_length = 254)]
    pub email: String,
    /// 8 to 1,024 characters, any of them.
    #[schema(min_length = 8, max_length = 1024, format = Password)]
    pub password: String,
    /// The name others see.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub display_name: String,
    /// The language of mail, `zh-CN` or `en`; the site's when absent.
    #[schema(max_length = 5, pattern = "^(zh-CN|en)$", nullable = false)]
    pub locale: Option<String>,
}

/// What a member sends to sign in.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "admin@localhost", "password": "a long pass phrase"}))]
pub struct Login {
    /// The address, in any spelling.
    #[schema(max_length = 320)]
    pub email: String,
    /// The password.
    #[schema(max_length = 1024, format = Password)]
    pub password: String,
}

/// The answer to a login.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Session {
    /// Send it as `Authorization: Bearer …`.
    pub access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// Seconds until the token expires.
    #[schema(example = 600, minimum = 1)]
    pub expires_in: u64,
    /// Gives new tokens at `/auth/refresh`, once.
    #[schema(example = "inkr_…")]
    pub refresh_token: String,
    /// Who signed in.
    pub member: SignedInMember,
}

/// What a member sends to change the own password.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The password until now.
    #[schema(max_length = 1024, format = Password)]
    pub current_password: String,
    /// 8 to 1,024 characters, any of them.
    #[schema(min_length = 8, max_length = 1024, format = Password)]
    pub new_password: String,
}

/// The member who signed in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SignedInMember {
    /// Never changes.
    pub id: Uuid,
    /// The address as typed.
    #[schema(example = "admin@localhost")]
    pub email: String,
    /// What the member may do.
    pub role: Role,
    /// The name others see.
    pub display_name: String,
}

/// A member made by an admin.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "editor@example.org", "password": "a long pass phrase", "role": "editor", "display_name": "Lin"}))]
pub struct NewMember {
    /// An address no member has.
    #[schema(format = "idn-email", max_length = 254)]
    pub email: String,
    /// 8 to 1,024 characters, any of them; without it the member gets an invitation by mail.
    #[schema(min_length = 8, max_length = 1024, format = Password, nullable = false)]
    pub password: Option<String>,
    /// What the member may do; `member` when absent.
    #[schema(nullable = false)]
    pub role: Option<Role>,
    /// The name others see.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub display_name: String,
}

/// What a member changes about the own profile. Absent: kept.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"display_name": "Ada", "organisation": "Example Metrology"}))]
pub struct ProfilePatch {
    /// The name others see.
    #[schema(max_length = 100, nullable = false)]
    pub display_name: Option<String>,
    /// A telephone number, in any notation.
    #[schema(max_length = 40, nullable = false)]
    pub phone: Option<String>,
    /// Where the member works.
    #[schema(max_length = 200, nullable = false)]
    pub organisation: Option<String>,
    /// The member's position there.
    #[schema(max_length = 100, nullable = false)]
    pub title: Option<String>,
    /// A picture (http or https); null removes it.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 2000, pattern = r"^https?://[^\s/?#@\\<>\x22]+([/?#][^\s<>\x22]*)?$")]
    pub avatar_url: Patch<String>,
    /// A few words.
    #[schema(max_length = 2000, nullable = false)]
    pub bio: Option<String>,
    /// The language of mail, `zh-CN` or `en`; null for the site's.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 5, pattern = "^(zh-CN|en)$")]
    pub locale: Patch<String>,
}

impl ProfilePatch {
    /// The account after the change.
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

/// What an admin changes about a member. Absent: kept.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "editor"}))]
pub struct MemberPatch {
    /// What the member may do.
    #[schema(nullable = false)]
    pub role: Option<Role>,
    /// Whether the member may sign in; `suspended` ends all sessions.
    #[schema(nullable = false)]
    pub status: Option<MemberStatus>,
    /// The name others see.
    #[schema(max_length = 100, nullable = false)]
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

/// Which members to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MemberFilter {
    /// Only those with one of these roles, comma-separated.
    #[param(inline, style = Form, explode = false, min_items = 1, nullable = false)]
    pub role: Option<Vec<Role>>,
    /// Only those with this status.
    #[param(inline, nullable = false)]
    pub status: Option<MemberStatus>,
    /// Only those whose name or address contains this, in any case.
    #[param(min_length = 1, max_length = 254, nullable = false)]
    pub q: Option<String>,
    /// Only those whose address was confirmed, or was not.
    #[param(nullable = false)]
    pub verified: Option<bool>,
    /// The order; newest first when absent.
    #[param(inline, nullable = false)]
    pub sort: Option<MemberSort>,
}

impl From<MemberFilter> for MemberCriteria {
    fn from(filter: MemberFilter) -> Self {
        let MemberFilter { role, status, q, verified, sort: _ } = filter;
        Self { roles: role, status, text: q, email_verified: verified }
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
