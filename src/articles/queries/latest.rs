//! SQL of the newest articles of many categories at once, and how many there are.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::connection::Connection;
use crate::db::rows::IdRow;
use crate::db::visibility::{PUBLIC_ARTICLE, SCHEDULED_ARTICLE};

/// An article among the newest of its category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Newest {
    /// The category.
    #[diesel(sql_type = SqlUuid)]
    pub category_id: Uuid,
    /// From when the article is out.
    #[diesel(sql_type = Timestamptz)]
    pub published_at: DateTime<Utc>,
    /// The article.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
}

/// The newest public articles of each of `categories` itself, at most `most` of one.
pub async fn load_newest(
    mut conn: &Connection,
    categories: Vec<Uuid>,
    most: usize,
) -> QueryResult<Vec<Newest>> {
    let text = format!(
        "SELECT category.id AS category_id, newest.published_at, newest.id
         FROM unnest($1::uuid[]) AS category(id) CROSS JOIN LATERAL (
             SELECT published_at, id FROM articles
             WHERE articles.category_id = category.id AND {PUBLIC_ARTICLE}
             ORDER BY published_at DESC, id DESC LIMIT {most}
         ) AS newest"
    );
    sql_query(text).bind::<Array<SqlUuid>, _>(categories).load(&mut conn).await
}

/// The newest public articles of the whole site.
pub async fn load_newest_of_all(mut conn: &Connection, most: usize) -> QueryResult<Vec<Uuid>> {
    let text = format!(
        "SELECT id FROM articles WHERE {PUBLIC_ARTICLE} ORDER BY published_at DESC, id DESC LIMIT {most}"
    );
    let found: Vec<IdRow> = sql_query(text).load(&mut conn).await?;
    Ok(found.into_iter().map(|found| found.id).collect())
}

/// How many articles the public finds in each category itself; those without any are left out.
pub async fn count_public_in_each(mut conn: &Connection) -> QueryResult<HashMap<Uuid, i64>> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = SqlUuid)]
        category_id: Uuid,
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let text = format!(
        "SELECT category_id, sum(change)::bigint AS count FROM (
             SELECT category_id, change FROM article_counts
             UNION ALL
             SELECT category_id, -1 FROM articles WHERE {SCHEDULED_ARTICLE} AND category_id IS NOT NULL
         ) AS changes GROUP BY category_id"
    );
    let counts: Vec<Count> = sql_query(text).load(&mut conn).await?;
    Ok(counts.into_iter().map(|row| (row.category_id, row.count)).collect())
}
