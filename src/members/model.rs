//! Members: rows, roles, and what can be changed.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde::Serialize;
use uuid::Uuid;

use crate::config::ProfileField;
use crate::db::schema::members;
use crate::db::types::text_enum;
use crate::operations::Role;

text_enum! {
    /// The status of a member.
    MemberStatus {
        /// The member may sign in.
        Active => "active",
        /// The member may not sign in; all sessions have ended.
        Suspended => "suspended",
    }
}

impl Account {
    /// Returns the `required` fields that are empty.
    pub fn list_missing_fields(&self, required: &[ProfileField]) -> Vec<ProfileField> {
        let empty = |field: &ProfileField| {
            let text = match field {
                ProfileField::DisplayName => &self.display_name,
                ProfileField::Phone => &self.phone,
                ProfileField::Organisation => &self.organisation,
                ProfileField::Title => &self.title,
                ProfileField::AvatarUrl => self.avatar_url.as_deref().unwrap_or_default(),
                ProfileField::Bio => &self.bio,
            };
            text.trim().is_empty()
        };
        required.iter().copied().filter(empty).collect()
    }
}

/// The fields of a member that can be changed.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Insertable, Queryable, Selectable, QueryableByName, AsChangeset,
)]
#[diesel(table_name = members, check_for_backend(Pg), treat_none_as_null = true)]
pub struct Account {
    /// The email, as typed.
    pub email: String,
    /// The email, in its canonical form.
    pub email_canonical: String,
    /// The role.
    pub role: Role,
    /// The status.
    pub status: MemberStatus,
    /// The name that others see.
    pub display_name: String,
    /// The telephone number, as free text.
    pub phone: String,
    /// The organisation the member works for.
    pub organisation: String,
    /// The member's position in the organisation.
    pub title: String,
    /// The URL of a picture.
    pub avatar_url: Option<String>,
    /// A short text about the member.
    pub bio: String,
    /// The language of mails, `zh-CN` or `en`; `None` means the site's language.
    pub locale: Option<String>,
}

/// A member.
#[derive(Clone, Debug, Queryable, Selectable, QueryableByName)]
#[diesel(table_name = members, check_for_backend(Pg))]
pub struct MemberRow {
    /// The id: random, so that it does not tell the time of registration.
    pub id: Uuid,
    /// The fields that can be changed.
    #[diesel(embed)]
    pub account: Account,
    /// The time when the email was verified.
    pub email_verified_at: Option<DateTime<Utc>>,
    /// The time since which the profile has all required fields.
    pub profile_completed_at: Option<DateTime<Utc>>,
    /// The version, for `If-Match`.
    pub version: i32,
    /// The time of registration.
    pub created_at: DateTime<Utc>,
    /// The time of the last change.
    pub updated_at: DateTime<Utc>,
}

/// The criteria of a member list. An absent criterion matches all members.
#[derive(Clone, Debug, Default)]
pub struct MemberCriteria {
    /// Members with one of these roles.
    pub roles: Option<Vec<Role>>,
    /// Members with one of these statuses.
    pub statuses: Option<Vec<MemberStatus>>,
    /// Members whose name or email contains this text, in any case.
    pub text: Option<String>,
    /// Members whose email was verified, or was not.
    pub email_verified: Option<bool>,
}
