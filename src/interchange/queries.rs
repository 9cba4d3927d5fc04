//! SQL of the article export.

use diesel::{QueryResult, sql_query};
use diesel_async::RunQueryDsl;
use futures_util::Stream;

use crate::articles::model::{FORMER_SLUGS, Row};
use crate::articles::queries::{EXTRA_COLUMNS, VIEWS};
use crate::db::connection::Connection;
use crate::db::rows::Conditions;

/// Streams all articles that meet `conditions`, by creation time and slug. This order does not
/// depend on ids, so that an export of a re-imported export is the same.
///
/// Removes the connection's statement timeout. Do not return the connection to the pool.
pub async fn stream_articles(
    conn: &mut Connection,
    conditions: Conditions,
) -> QueryResult<impl Stream<Item = QueryResult<Row>>> {
    sql_query("SET statement_timeout = 0").execute(conn).await?;
    let text = format!(
        "SELECT articles.*, {EXTRA_COLUMNS}, {FORMER_SLUGS} AS former_slugs, NULL::jsonb AS media FROM articles {VIEWS} WHERE {} ORDER BY articles.created_at, articles.slug",
        conditions.sql()
    );
    conditions.statement(text).load_stream::<Row>(conn).await
}
