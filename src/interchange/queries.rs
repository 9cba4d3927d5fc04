//! The SQL of exports.

use diesel::{QueryResult, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::Stream;

use crate::articles::model::Row;
use crate::articles::queries::{EXTRA_COLUMNS, VIEWS};
use crate::db::rows::Conditions;

/// All articles that meet `conditions`, in an order that does not depend on
/// their ids, one after another as they are read. The connection serves nothing else afterwards.
pub async fn export(
    conn: &mut AsyncPgConnection,
    conditions: Conditions,
) -> QueryResult<impl Stream<Item = QueryResult<Row>>> {
    sql_query("SET statement_timeout = 0").execute(conn).await?;
    let text = format!(
        "SELECT articles.*, {EXTRA_COLUMNS} FROM articles {VIEWS} WHERE {} ORDER BY articles.created_at, articles.slug",
        conditions.sql()
    );
    conditions.statement(text).load_stream::<Row>(conn).await
}
