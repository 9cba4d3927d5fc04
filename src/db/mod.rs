//! PostgreSQL: tables, connections, and the private server used when none is configured.

pub mod clock;
pub mod connection;
pub mod embedded;
mod fault;
pub mod names;
mod pending;
pub mod planning;
pub mod pool;
pub mod reader;
mod row;
pub mod rows;
pub mod schema;
mod tls;
pub mod types;
pub mod visibility;

use anyhow::{Context, anyhow};
use chrono::{DateTime, Utc};
use connection::Connection;
use diesel::sql_types::{BigInt, Timestamptz};
use diesel::{IntoSql, QueryResult};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

/// Every change of the schema, compiled into the binary.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The key of the advisory lock that lets one process migrate while others wait.
pub const MIGRATION_LOCK: i64 = 0x696e_6b73_746f_6e65;

/// Brings the database to the newest schema and says how many migrations ran.
///
/// Safe to call from many processes at once: they queue on an advisory lock
/// and all but the first find nothing to do. Must run inside a multi-thread
/// tokio runtime (the migration harness blocks in place).
pub async fn migrate(url: &str) -> anyhow::Result<usize> {
    let client = pool::open_client(url).await.context("connecting to the database")?;
    let mut conn = AsyncPgConnection::try_from(client).await?;
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

/// Names the servers of `url`, without the password.
pub fn describe_servers(url: &str) -> String {
    let Ok(config) = url.parse::<tokio_postgres::Config>() else { return String::new() };
    let ports = config.get_ports();
    let servers = config.get_hosts().iter().enumerate().map(|(index, host)| {
        let port = ports.get(index).or(ports.first()).copied().unwrap_or(5432);
        match host {
            tokio_postgres::config::Host::Tcp(name) => format!("{name}:{port}"),
            tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
        }
    });
    servers.collect::<Vec<_>>().join(", ")
}

/// Lets the statements of this transaction take as long as bulk work does, and wait as long for
/// locks and for the client.
pub async fn allow_bulk(mut conn: &Connection) -> QueryResult<()> {
    diesel::sql_query(
        "SELECT set_config('statement_timeout', '60s', true), set_config('lock_timeout', '10s', true),
             set_config('idle_in_transaction_session_timeout', '60s', true),
             set_config('work_mem', '64MB', true)",
    )
    .execute(&mut conn)
    .await?;
    Ok(())
}

/// The time, by the database's clock: the only clock that counts.
pub async fn now(mut conn: &Connection) -> QueryResult<DateTime<Utc>> {
    diesel::select(diesel::dsl::now.into_sql::<Timestamptz>()).get_result(&mut conn).await
}

/// The time at this very moment, by the database's clock.
pub async fn read_clock(mut conn: &Connection) -> QueryResult<DateTime<Utc>> {
    diesel::select(diesel::dsl::sql::<Timestamptz>("clock_timestamp()")).get_result(&mut conn).await
}
