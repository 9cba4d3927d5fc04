//! How PostgreSQL plans: by which settings, and by what it knows of tables.

use diesel::QueryResult;
use diesel_async::SimpleAsyncConnection;

use super::connection::Connection;

/// The settings by which every connection plans, and the private server. Compiling a plan takes up to a second, and no
/// statement here runs that long: where a server compiles, which is PostgreSQL's default, a change of an article would take a
/// hundred times as long. Pages that an index leads to are in memory, or on a disk without arms.
pub const PLANNING: [&str; 2] = ["jit=off", "random_page_cost=1.1"];

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
