//! PostgreSQL: tables, connections, and the private server used when none is configured.

pub mod embedded;
pub mod pool;
pub mod rows;
pub mod schema;
pub mod types;
pub mod visibility;

use anyhow::{Context, anyhow};
use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Text, Timestamptz};
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
    warn_of_language(&mut conn).await?;
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

/// Warns of a server whose messages are not English: some passing faults (a full
/// pool, a timeout) are known by their text, and would be told as faults of ours.
async fn warn_of_language(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    let language = diesel::select(diesel::dsl::sql::<Text>("current_setting('lc_messages')"));
    let language: String = language.get_result(conn).await?;
    if !(language.is_empty() || ["C", "POSIX", "en"].iter().any(|english| language.starts_with(english))) {
        tracing::warn!(
            lc_messages = language,
            "Set lc_messages to C on the PostgreSQL server: Inkstone reads English messages"
        );
    }
    Ok(())
}

/// How long bulk work waits for a lock.
pub const LONG_WAIT: &str = "10s";

/// Lets the statements of this transaction take as long as bulk work does, wait for a
/// client in between, and for the locks of others as long as `lock_wait` says.
pub async fn allow_bulk(conn: &mut AsyncPgConnection, lock_wait: &str) -> QueryResult<()> {
    diesel::sql_query(
        "SELECT set_config('statement_timeout', '60s', true), set_config('lock_timeout', $1, true),
             set_config('idle_in_transaction_session_timeout', '60s', true),
             set_config('work_mem', '64MB', true)",
    )
    .bind::<diesel::sql_types::Text, _>(lock_wait)
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets this transaction commit without waiting for the disk. Whoever asks for that commits
/// another one afterwards, on any connection: what that waits for holds this one too.
pub async fn commit_lazily(conn: &mut AsyncPgConnection) -> QueryResult<()> {
    diesel::sql_query("SET LOCAL synchronous_commit = off").execute(conn).await?;
    Ok(())
}

/// The time, by the database's clock: the only clock that counts.
pub async fn now(conn: &mut AsyncPgConnection) -> QueryResult<DateTime<Utc>> {
    diesel::select(diesel::dsl::now.into_sql::<Timestamptz>()).get_result(conn).await
}
