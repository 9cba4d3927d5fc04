//! Members as rows, and what their roles are.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use serde::Serialize;
use uuid::Uuid;

use crate::config::ProfileField;
use crate::db::schema::members;
use crate::db::types::text_enum;

text_enum! {
    /// What a member may do; each role includes those before it.
    Role {
        /// Reads what is for members, and keeps an own profile.
        Member => "member",
        /// Also writes own drafts.
        Author => "author",
        /// Also writes and publishes everything.
        Editor => "editor",
        /// Also runs members, the site and the audit trail.
        Admin => "admin",
    }
}

text_enum! {
    /// Whether a member may sign in.
    MemberStatus {
        /// May.
        Active => "active",
        /// May not; all sessions have ended.
        Suspended => "suspended",
    }
}

impl Account {
    /// Which of the `required` parts are empty.
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

/// What can be changed about a member.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Insertable, Queryable, Selectable, QueryableByName, AsChangeset,
)]
#[diesel(table_name = members, check_for_backend(Pg), treat_none_as_null = true)]
pub struct Account {
    /// The address as typed.
    pub email: String,
    /// The address as compared.
    pub email_canonical: String,
    /// What the member may do.
    pub role: Role,
    /// Whether the member may sign in.
    pub status: MemberStatus,
    /// The name others see.
    pub display_name: String,
    /// A telephone number, free text.
    pub phone: String,
    /// Where the member works.
    pub organisation: String,
    /// The member's position there.
    pub title: String,
    /// A picture.
    pub avatar_url: Option<String>,
    /// A few words.
    pub bio: String,
    /// The language of mail, `zh-CN` or `en`; the site's when empty.
    pub locale: Option<String>,
}

/// A member.
#[derive(Clone, Debug, Queryable, Selectable, QueryableByName)]
#[diesel(table_name = members, check_for_backend(Pg))]
pub struct MemberRow {
    /// Never changes; random, so that it tells nothing.
    pub id: Uuid,
    /// What can be changed.
    #[diesel(embed)]
    pub account: Account,
    /// When the address was confirmed.
    pub email_verified_at: Option<DateTime<Utc>>,
    /// Since when the profile has all that the site requires.
    pub profile_completed_at: Option<DateTime<Utc>>,
    /// For `If-Match`.
    pub version: i32,
    /// When the member registered.
    pub created_at: DateTime<Utc>,
    /// When the account last changed.
    pub updated_at: DateTime<Utc>,
}

/// Which members a list holds; an absent criterion admits all.
#[derive(Clone, Debug, Default)]
pub struct MemberCriteria {
    /// Members with one of these roles.
    pub roles: Option<Vec<Role>>,
    /// Members with this status.
    pub status: Option<MemberStatus>,
    /// Members whose name or email contains this text, in any case.
    pub text: Option<String>,
    /// Members whose email was verified, or was not.
    pub email_verified: Option<bool>,
}
