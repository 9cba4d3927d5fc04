//! What every handler can reach.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::config::Config;
use crate::db::connection::Connection;
use crate::db::pool::{self, Conn, OpenError, Pool, PoolError, ThreadConn, ThreadPools};
use crate::db::reader::Readers;
use crate::error::{Error, Result};
use crate::follower::{Follower, Snapshot};
use crate::keys::{Keys, Ring};
use crate::mail::Mailer;
use crate::permits::{MemoryBudget, RenderPermits, Turns};

/// Connections for transactions that each worker may have at least.
const MIN_WRITERS_OF_WORKER: usize = 2;
/// Exports that a process runs in parallel. Each holds a database connection.
const MAX_PARALLEL_EXPORTS: usize = 4;

/// The process: its configuration, its connections, its keys. Nothing in it
/// needs to survive; everything that must is in the database.
pub struct App {
    /// How it was told to run.
    pub config: Config,
    /// Connections for transactions, each opened and driven by the worker thread that uses it.
    writers: ThreadPools,
    /// Connections for reads that may take long, so that neither writers nor short reads wait for them.
    long_readers: Pool,
    /// One connection a worker thread, for short reads.
    readers: Readers,
    /// Permits to render long bodies.
    pub renderers: RenderPermits,
    /// Turns of imports through the API.
    pub imports: Turns,
    /// Turns of exports through the API.
    pub exports: Turns,
    /// The memory for the rows of all imports.
    pub import_memory: MemoryBudget,
    /// What is kept in memory of the database.
    pub follower: Arc<Follower>,
    /// Signing and sealing.
    pub keys: Keys,
    /// Sends mail, if that is configured.
    pub mailer: Option<Mailer>,
}

impl App {
    /// The process over the database at `url`; pooled connections are driven on `runtime`.
    pub fn new(
        config: Config,
        url: &str,
        runtime: Handle,
        keys: Keys,
        mailer: Option<Mailer>,
    ) -> anyhow::Result<Self> {
        let size = config.database.pool_size;
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let workers = config.http.workers.unwrap_or_else(cores).max(1);
        Ok(Self {
            writers: ThreadPools::new(url, size, size.div_ceil(workers).max(MIN_WRITERS_OF_WORKER)),
            long_readers: pool::build(url, size.div_ceil(3), runtime)?,
            readers: Readers::new(url),
            renderers: RenderPermits::default(),
            imports: Turns::new("imports", config.transfers.parallel_imports()),
            exports: Turns::new("exports", MAX_PARALLEL_EXPORTS),
            import_memory: MemoryBudget::new(config.transfers.row_memory()),
            follower: Arc::default(),
            config,
            keys,
            mailer,
        })
    }

    /// The connection for short reads of this worker thread, which it shares with other requests.
    ///
    /// One statement at a time from each, by primary key or in an index's order: whatever takes
    /// long keeps the others waiting. Fails with 503 when there is no connection to be had.
    pub async fn reader(&self) -> Result<Arc<Connection>> {
        Ok(self.readers.get().await?)
    }

    /// The snapshot `T`: no older than the last commit acknowledged here, and at most a second
    /// behind the commits of other nodes.
    pub async fn snapshot<T: Snapshot>(&self) -> Result<Arc<T>> {
        self.follower.snapshot(async || self.reader().await).await
    }

    /// The keys that sign and verify access tokens.
    pub async fn ring(&self) -> Result<Arc<Ring>> {
        match self.keys.configured() {
            Some(ring) => Ok(ring),
            None => self.snapshot().await,
        }
    }

    /// A connection for reads that may take long. Fails with 503 when none is to be had in time.
    pub async fn long_reader(&self) -> Result<Conn> {
        Ok(self.long_readers.get().await?)
    }
    /// A connection for a transaction. Fails with 503 when none is to be had in time.
    pub async fn writer(&self) -> Result<ThreadConn> {
        Ok(self.writers.get().await.map_err(Error::Internal)??)
    }
}

impl From<OpenError> for Error {
    fn from(cause: OpenError) -> Self {
        Self::Unavailable(format!("database: {cause}"))
    }
}

impl From<PoolError> for Error {
    fn from(cause: PoolError) -> Self {
        Self::Unavailable(format!("database: {cause}"))
    }
}
