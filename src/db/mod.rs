//! PostgreSQL: tables, connections, and the private server used when none is configured.

pub mod embedded;
pub mod pool;
pub mod rows;
pub mod schema;
pub mod types;
pub mod visibility;

use anyhow::{Context, anyhow};
use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Timestamptz};
use diesel::{IntoSql, QueryResult};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

/// Every change of the schema, compiled into the binary.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The key of the advisory lock that lets one process migrate while others wait.
const MIGRATION_LOCK: i64 = 0x696e_6b73_746f_6e65;

/// Brings the database to the newest schema and says how many migrations ran.
///
/// Safe to call from many processes at once: they queue on an advisory lock
/// and all but the first find nothing to do. Must run inside a multi-thread
/// tokio runtime (the migration harness blocks in place).
pub async fn migrate(mut conn: AsyncPgConnection) -> anyhow::Result<usize> {
    // Waiting for another process, or building an index, may take longer than a request may.
    diesel::sql_query("SELECT set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false), set_config('idle_in_transaction_session_timeout', '0', false)")
        .execute(&mut conn)
        .await?;
    diesel::sql_query("SELECT pg_advisory_lock($1)")
        .bind::<BigInt, _>(MIGRATION_LOCK)
        .execute(&mut conn)
        .await
        .context("waiting for the migration lock")?;
    // The lock belongs to the connection and goes with it.
    let mut harness = AsyncMigrationHarness::new(conn);
    let ran =
        harness.run_pending_migrations(MIGRATIONS).map_err(|cause| anyhow!("a migration failed: {cause}"))?;
    Ok(ran.len())
}

/// The time, by the database's clock: the only clock that counts.
pub async fn now(conn: &mut AsyncPgConnection) -> QueryResult<DateTime<Utc>> {
    diesel::select(diesel::dsl::now.into_sql::<Timestamptz>()).get_result(conn).await
}
