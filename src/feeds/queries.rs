//! SQL of feeds of notices. Those of articles are lists, which the feature of articles reads.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::model::{MAX_BODY_BYTES, MAX_ENTRIES};
use crate::db::connection::Connection;
use crate::db::visibility::Notices;
use crate::media::queries::media_in;
use crate::notices::model::NoticeKind;

/// A notice of a feed.
#[derive(Clone, Debug, QueryableByName)]
pub struct NoticeRow {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The slug, used in URLs.
    #[diesel(sql_type = Text)]
    pub slug: String,
    /// A short version of it.
    #[diesel(sql_type = Text)]
    pub summary: String,
    /// Its title.
    #[diesel(sql_type = Text)]
    pub title: String,
    /// Sanitised HTML.
    #[diesel(sql_type = Text)]
    pub body: String,
    /// The media in its body.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub media: Option<Value>,
    /// From when it is up.
    #[diesel(sql_type = Timestamptz)]
    pub published_at: DateTime<Utc>,
    /// When it last changed.
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

/// The newest notices of a kind for everybody, as far as their bodies are few enough bytes; the first is always there.
pub async fn load_newest_notices(mut conn: &Connection, kind: NoticeKind) -> QueryResult<Vec<NoticeRow>> {
    // The length of a body is known without reading it.
    let text = format!(
        "SELECT id, slug, title, summary, body, published_at, updated_at, {} AS media FROM (
             SELECT *, sum(octet_length(body)) OVER (ORDER BY published_at DESC, id DESC) - octet_length(body) AS before
             FROM (SELECT id, slug, title, summary, body, published_at, updated_at FROM notices WHERE {} AND kind = $1
                   ORDER BY published_at DESC, id DESC LIMIT {MAX_ENTRIES}) AS newest) AS summed
         WHERE before < {MAX_BODY_BYTES} ORDER BY published_at DESC, id DESC",
        media_in(&["body"]),
        Notices::Public.sql()
    );
    sql_query(text).bind::<Text, _>(kind.as_str()).load(&mut conn).await
}
