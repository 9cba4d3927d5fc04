//! What PostgreSQL's planner knows of tables.

use diesel::QueryResult;
use diesel_async::SimpleAsyncConnection;

use super::connection::Connection;

/// Lets PostgreSQL look at `tables` anew, each by itself.
///
/// It does so on its own, but a minute or more after much has been written. Until then it plans as for a table whose rows
/// it knows nothing of, and may read all of it for one.
pub async fn refresh_statistics(mut conn: &Connection, tables: &[&str]) -> QueryResult<()> {
    for table in tables {
        conn.batch_execute(&format!("ANALYZE {table}")).await?;
    }
    Ok(())
}
