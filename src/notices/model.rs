//! Notices as rows.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::db::schema::notices;
use crate::db::types::{Audience, BodyFormat, Status, text_enum};
use crate::media::queries::media_in;

text_enum! {
    /// The two kinds of notices.
    NoticeKind {
        /// 通知: tells those concerned what to do.
        Notice => "notice",
        /// 公告: tells everybody what is.
        Announcement => "announcement",
    }
}

/// What can be changed about a notice.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Insertable, AsChangeset, Queryable, Selectable, QueryableByName,
)]
#[diesel(table_name = notices, check_for_backend(Pg), treat_none_as_null = true)]
pub struct Content {
    /// The slug, used in URLs.
    pub slug: String,
    /// Its name in the system it was imported from.
    pub external_id: Option<String>,
    /// 通知 or 公告.
    pub kind: NoticeKind,
    /// Its title.
    pub title: String,
    /// A short version of it.
    pub summary: String,
    /// Whether the summary was made from the body, and is made again with it.
    #[serde(skip)]
    pub summary_made: bool,
    /// Sanitised HTML.
    pub body: String,
    /// What was written, when that was not HTML.
    #[serde(skip)]
    pub body_source: Option<String>,
    /// What it was written in.
    pub body_format: BodyFormat,
    /// The sanitiser that made `body`.
    #[serde(skip)]
    pub sanitizer: i16,
    /// Whether it comes before the others.
    pub pinned: bool,
    /// Whom it is for.
    pub audience: Audience,
    /// Where it stands in its life.
    pub status: Status,
    /// From when it is up.
    pub published_at: Option<DateTime<Utc>>,
    /// Until when it is up.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A notice.
#[derive(Clone, Debug, Queryable, Selectable, QueryableByName)]
#[diesel(table_name = notices, check_for_backend(Pg))]
pub struct Row {
    /// Never changes.
    pub id: Uuid,
    /// What can be changed.
    #[diesel(embed)]
    pub content: Content,
    /// For `If-Match`.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// The media in its body. Null without any.
    #[diesel(sql_type = Nullable<Jsonb>, select_expression = media(), select_expression_type = SqlLiteral<Nullable<Jsonb>>)]
    pub media: Option<Value>,
}

/// The columns that can name media.
const MEDIA_TEXTS: [&str; 1] = ["notices.body"];

/// All columns of a notice.
pub fn full_columns() -> String {
    format!("notices.*, {} AS media", media_in(&MEDIA_TEXTS))
}

/// The media of a notice, for statements that do not name the column.
fn media() -> SqlLiteral<Nullable<Jsonb>> {
    sql(&media_in(&MEDIA_TEXTS))
}

/// A notice next to another.
#[derive(Clone, Debug, QueryableByName)]
#[diesel(check_for_backend(Pg))]
pub struct NeighborRow {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The slug, used in URLs.
    #[diesel(sql_type = Text)]
    pub slug: String,
    /// Its title.
    #[diesel(sql_type = Text)]
    pub title: String,
    /// From when it is up.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub published_at: Option<DateTime<Utc>>,
    /// Whom it is for.
    #[diesel(sql_type = Text)]
    pub audience: Audience,
    /// Whether it came out before.
    #[diesel(sql_type = Bool)]
    pub is_previous: bool,
}
