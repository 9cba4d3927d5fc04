//! Articles as rows.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::db::schema::articles;
use crate::db::types::{BodyFormat, Status};
use crate::media::queries::media_in;

/// What can be changed about an article. Serialised, it has the names clients know.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Insertable, AsChangeset, Queryable, Selectable, QueryableByName,
)]
#[diesel(table_name = articles, check_for_backend(Pg), treat_none_as_null = true)]
pub struct Content {
    /// The slug, used in URLs.
    pub slug: String,
    /// Its name in the system it was imported from.
    pub external_id: Option<String>,
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
    /// The byline; may be empty.
    pub author: String,
    /// Where it was taken from; may be empty.
    pub source_name: String,
    /// The address it was taken from.
    pub source_url: Option<String>,
    /// The category it is in.
    #[serde(rename = "category")]
    pub category_id: Option<Uuid>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Its picture: a web address, or a path on the site.
    pub cover_url: Option<String>,
    /// A frontend's own fields.
    pub extra: Value,
    /// Where it stands in its life.
    pub status: Status,
    /// From when it is out.
    pub published_at: Option<DateTime<Utc>>,
}

/// An article.
#[derive(Clone, Debug, Queryable, Selectable, QueryableByName)]
#[diesel(table_name = articles, check_for_backend(Pg))]
pub struct Row {
    /// Never changes; version 7, so it grows with time.
    pub id: Uuid,
    /// What can be changed. In lists, without the body.
    #[diesel(embed)]
    pub content: Content,
    /// The member who made it.
    pub created_by: Option<Uuid>,
    /// For `If-Match`.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// How often it was read.
    #[diesel(sql_type = BigInt, select_expression = views(), select_expression_type = SqlLiteral<BigInt>)]
    pub views: i64,
    /// Slugs that lead to it besides its own, in order. Empty in lists, and for visitors.
    #[diesel(sql_type = Array<Text>, select_expression = former_slugs(), select_expression_type = SqlLiteral<Array<Text>>)]
    pub former_slugs: Vec<String>,
    /// The media in its cover and its body; in lists, in its cover. Null without any.
    #[diesel(sql_type = Nullable<Jsonb>, select_expression = media(), select_expression_type = SqlLiteral<Nullable<Jsonb>>)]
    pub media: Option<Value>,
}

/// The columns that can name media.
pub const MEDIA_TEXTS: [&str; 2] = ["articles.cover_url", "articles.body"];

/// The media of an article, for statements that do not name the column.
fn media() -> SqlLiteral<Nullable<Jsonb>> {
    sql(&media_in(&MEDIA_TEXTS))
}

/// The former slugs of an article, in order.
pub const FORMER_SLUGS: &str = "ARRAY(SELECT article_slugs.slug FROM article_slugs WHERE \
     article_slugs.article_id = articles.id AND article_slugs.slug <> articles.slug ORDER BY article_slugs.slug)";

/// The former slugs of an article, for statements that do not name the column.
fn former_slugs() -> SqlLiteral<Array<Text>> {
    sql(FORMER_SLUGS)
}

/// The views of an article, for statements that do not join `article_views`.
fn views() -> SqlLiteral<BigInt> {
    sql("coalesce((SELECT views FROM article_views WHERE article_id = articles.id), 0)")
}

/// An article next to another one in its category.
#[derive(Clone, Debug, QueryableByName)]
#[diesel(table_name = articles, check_for_backend(Pg))]
pub struct NeighborRow {
    /// Its id.
    pub id: Uuid,
    /// The slug, used in URLs.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// From when it is out.
    pub published_at: Option<DateTime<Utc>>,
    /// Whether it came out before the other one.
    #[diesel(sql_type = diesel::sql_types::Bool)]
    pub is_previous: bool,
}
