//! What every handler can reach.

use std::time::Duration;

use actix_web::rt;
use diesel_async::pooled_connection::PoolError;
use diesel_async::pooled_connection::deadpool;
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager};

use crate::config::Config;
use crate::db::pool::{Conn, Pool};
use crate::error::{Error, Result, is_worth_retrying};
use crate::keys::Keys;
use crate::mail::Mailer;
use crate::telemetry::{self, REQUEST_ID};

/// A connection inside a transaction.
pub type Tx = AsyncPgConnection;

/// How often a transaction that lost against another one is tried in all.
const ATTEMPTS: u32 = 3;

/// The process: its configuration, its connections, its keys. Nothing in it
/// needs to survive; everything that must is in the database.
pub struct App {
    /// How it was told to run.
    pub config: Config,
    /// Connections to the database.
    pub pool: Pool,
    /// Signing and sealing.
    pub keys: Keys,
    /// Sends mail, if that is configured.
    pub mailer: Option<Mailer>,
}

impl App {
    /// A connection for reading. Fails with 503 when none is to be had in time.
    pub async fn conn(&self) -> Result<Conn> {
        Ok(self.pool.get().await?)
    }

    /// A connection to do something faster with; none where more than half of all would be in
    /// use then, so that others find theirs.
    pub async fn spare_conn(&self) -> Option<Conn> {
        let status = self.pool.status();
        if 2 * (status.size.saturating_sub(status.available) + 1) > status.max_size {
            return None;
        }
        let at_once = ::deadpool::managed::Timeouts { wait: Some(Duration::ZERO), ..self.pool.timeouts() };
        self.pool.timeout_get(&at_once).await.ok()
    }

    /// Runs `work` in a transaction: all of it, or none.
    ///
    /// It runs in a task of its own, so a client that hangs up cannot stop it
    /// halfway. A transaction that lost a deadlock is run again.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        F: AsyncFn(&mut Tx) -> Result<T> + 'static,
        T: 'static,
    {
        self.write_in(ATTEMPTS, work).await
    }

    /// As [`App::write`], tried so often in all.
    pub async fn write_in<T, F>(&self, attempts: u32, work: F) -> Result<T>
    where
        F: AsyncFn(&mut Tx) -> Result<T> + 'static,
        T: 'static,
    {
        let pool = self.pool.clone();
        let request_id = telemetry::request_id();
        let task = rt::spawn(REQUEST_ID.scope(request_id, async move {
            let mut conn = pool.get().await?;
            let mut attempt = 1;
            loop {
                match transaction(&mut conn, &work).await {
                    Err(error) if attempt < attempts && is_worth_retrying(&error) => {
                        rt::time::sleep(backoff(attempt)).await;
                        attempt += 1;
                    }
                    done => return done,
                }
            }
        }));
        task.await.map_err(|cause| Error::Internal(cause.into()))?
    }
}

async fn transaction<T, F>(conn: &mut Tx, work: &F) -> Result<T>
where
    F: AsyncFn(&mut Tx) -> Result<T>,
{
    AnsiTransactionManager::begin_transaction(conn).await?;
    match work(conn).await {
        Ok(value) => {
            AnsiTransactionManager::commit_transaction(conn).await?;
            Ok(value)
        }
        Err(error) => {
            // A connection that cannot even roll back is dropped by the pool.
            let _ = AnsiTransactionManager::rollback_transaction(conn).await;
            Err(error)
        }
    }
}

/// 10 to 30 ms after the first attempt, 20 to 40 after the second.
fn backoff(attempt: u32) -> Duration {
    let jitter = u64::from(uuid::Uuid::new_v4().as_bytes()[0]) * 20 / 255;
    Duration::from_millis(u64::from(attempt) * 10 + jitter)
}

impl From<deadpool::PoolError> for Error {
    fn from(cause: deadpool::PoolError) -> Self {
        match cause {
            deadpool::PoolError::Backend(PoolError::QueryError(cause)) => cause.into(),
            other => Self::Unavailable(format!("database: {other}")),
        }
    }
}
