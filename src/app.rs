//! What every handler can reach.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::runtime::Handle;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::config::Config;
use crate::db::connection::Connection;
use crate::db::pool::{
    self, Conn, LONG_READ_OPTIONS, OpenError, Pool, PoolError, PoolStatus, ThreadConn, ThreadPools,
};
use crate::db::reader::Readers;
use crate::error::{Error, Result};
use crate::follower::{Follower, Snapshot};
use crate::index::Index;
use crate::index::live::LiveIndex;
use crate::keys::{Keys, Ring};
use crate::mail::Mailer;
use crate::markup::Sanitiser;
use crate::metrics::{Metrics, SearchState};
use crate::outbound::client::{ClientSettings, OutboundClient};
use crate::permits::{CorePermits, MemoryBudget, Turns, count_cores};
use crate::storage::{S3Options, Secret, Store, StoreSettings};

/// Connections for transactions that each worker may have at least.
const MIN_WRITERS_OF_WORKER: usize = 2;
/// How long a request waits for a permit to render a body.
const RENDER_WAIT: Duration = Duration::from_secs(10);
/// How long a costly read waits for those before it.
const COSTLY_READ_WAIT: Duration = Duration::from_secs(2);
/// How long the comparing of an article waits for others that are compared.
const COMPARE_WAIT: Duration = Duration::from_secs(10);
/// How long a search waits for those before it.
const SEARCH_WAIT: Duration = Duration::from_secs(2);
/// Exports that a process runs in parallel. Each holds a database connection.
const MAX_PARALLEL_EXPORTS: usize = 4;
/// Imports and exports that one caller may run in parallel.
const MAX_TRANSFERS_OF_CALLER: usize = 2;
/// How long an import waits for memory.
const IMPORT_MEMORY_WAIT: Duration = Duration::from_secs(60);
/// How long a picture waits for those before it.
const PICTURE_WAIT: Duration = Duration::from_secs(10);
/// What servers are told that files are fetched from.
const USER_AGENT: &str = concat!("Inkstone/", env!("CARGO_PKG_VERSION"));

/// The process: its configuration, its connections, its keys. Nothing in it
/// needs to survive; everything that must is in the database.
pub struct App {
    /// How it was told to run.
    pub config: Config,
    /// Connections for transactions, each opened and driven by the worker thread that uses it.
    writers: ThreadPools,
    /// Permits for the transactions of webhooks' lanes. All lanes run on one thread, and leave half of its connections to what else
    /// runs there.
    lane_permits: Semaphore,
    /// Connections for the transactions of signing in, which no other write can take away.
    sign_in_writers: ThreadPools,
    /// Connections for reads that may take long, so that neither writers nor short reads wait for them.
    long_readers: Pool,
    /// Permits for the long reads of visitors: they cannot take all connections, nor all cores.
    costly_reads: CorePermits,
    /// The connection that asks whether the database answers.
    health: Pool,
    /// One connection a worker thread, for short reads.
    readers: Readers,
    /// Permits to render long bodies.
    pub renderers: CorePermits,
    /// Makes bodies safe.
    pub sanitiser: Arc<Sanitiser>,
    /// Turns of imports through the API.
    pub imports: Turns,
    /// Turns of exports through the API.
    pub exports: Turns,
    /// The memory for the rows of all imports.
    pub import_memory: MemoryBudget,
    /// The index by which articles and notices are found.
    pub search: Arc<LiveIndex>,
    /// Permits to search.
    pub searchers: CorePermits,
    /// Permits to compare an article that is written with others.
    pub comparers: CorePermits,
    /// What is kept in memory of the database.
    pub follower: Arc<Follower>,
    /// Wakes what does the steps of jobs, when one was begun here.
    pub job_begun: Notify,
    /// Signing and sealing.
    pub keys: Arc<Keys>,
    /// The bytes of media.
    pub store: Store,
    /// How other people's servers are reached.
    pub outbound: OutboundClient,
    /// How the receivers of webhooks are reached.
    pub webhook_client: OutboundClient,
    /// Permits to work on pictures.
    pub picture_makers: CorePermits,
    /// The memory for all pictures that are worked on.
    pub picture_memory: MemoryBudget,
    /// Turns of uploads.
    pub uploads: Turns,
    /// Sends mail, if that is configured.
    pub mailer: Option<Mailer>,
    /// Numbers for monitoring.
    pub metrics: Metrics,
    /// Whether the process is about to stop.
    is_leaving: AtomicBool,
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
        let (follower, search) = (Arc::<Follower>::default(), Arc::<LiveIndex>::default());
        follower.add_listener(search.clone());
        let size = config.database.pool_size;
        let workers = config.http.workers.unwrap_or_else(count_cores).max(1);
        let size_of_thread = size.div_ceil(workers).max(MIN_WRITERS_OF_WORKER);
        Ok(Self {
            writers: ThreadPools::new(url, size, size_of_thread),
            lane_permits: Semaphore::new(size_of_thread / 2),
            sign_in_writers: ThreadPools::new(url, sign_in_size(size), sign_in_size(size)),
            long_readers: pool::build(url, size.div_ceil(3), LONG_READ_OPTIONS, runtime.clone())?,
            costly_reads: CorePermits::new(COSTLY_READ_WAIT, "too many costly reads at a time"),
            health: pool::build(url, 1, "", runtime)?,
            readers: Readers::new(url),
            renderers: CorePermits::new(RENDER_WAIT, "too many bodies to render"),
            sanitiser: build_sanitiser(&config),
            imports: Turns::new("imports", config.transfers.parallel_imports(), MAX_TRANSFERS_OF_CALLER),
            exports: Turns::new("exports", MAX_PARALLEL_EXPORTS, MAX_TRANSFERS_OF_CALLER),
            import_memory: MemoryBudget::new(
                config.transfers.row_memory(),
                IMPORT_MEMORY_WAIT,
                "no memory for imports is free",
            ),
            search,
            searchers: CorePermits::new(SEARCH_WAIT, "too many searches at a time"),
            comparers: CorePermits::new(COMPARE_WAIT, "too many articles to compare"),
            follower,
            job_begun: Notify::new(),
            store: Store::open(&find_store(&config)?)?,
            outbound: build_outbound_client(&config)?,
            webhook_client: build_webhook_client(&config)?,
            picture_makers: CorePermits::new(PICTURE_WAIT, "too many pictures at a time"),
            picture_memory: build_picture_memory(&config),
            uploads: build_upload_turns(&config),
            config,
            keys: Arc::new(keys),
            mailer,
            metrics: Metrics::new()?,
            is_leaving: AtomicBool::new(false),
        })
    }

    /// Returns the state of the pools of connections, by their names.
    pub fn pool_statuses(&self) -> Vec<(&'static str, PoolStatus)> {
        let long = self.long_readers.status();
        let long = PoolStatus { in_use: long.size.saturating_sub(long.available), waiting: long.waiting };
        vec![
            ("writers", self.writers.status()),
            ("sign_in", self.sign_in_writers.status()),
            ("long_reads", long),
        ]
    }

    /// Returns the state of the search index.
    pub fn search_state(&self) -> SearchState {
        let index = self.search.index();
        SearchState {
            is_ready: self.search.view_now(self.follower.is_current()).is_some(),
            documents: index.as_ref().map_or(0, Index::documents),
            touched: self.search.count_touched(),
            lag: self.search.lag(),
        }
    }

    /// Begins to leave: `/readyz` answers 503, and each answer closes its connection.
    pub fn begin_leaving(&self) {
        self.is_leaving.store(true, Ordering::Relaxed);
    }

    /// Whether the process is about to stop.
    pub fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Relaxed)
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

    /// The time by the database's clock, without asking the database.
    pub fn now(&self) -> DateTime<Utc> {
        self.follower.clock.now()
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
    /// As [`App::long_reader`], for what everybody may ask for. Few of these run at a time.
    pub async fn costly_reader(&self) -> Result<CostlyConn> {
        let permit = self.costly_reads.take().await?;
        Ok(CostlyConn { conn: self.long_reader().await?, _permit: permit })
    }

    /// The connection that asks whether the database answers: nothing else uses it.
    pub async fn health_reader(&self) -> Result<Conn> {
        Ok(self.health.get().await?)
    }

    /// A connection for a transaction. Fails with 503 when none is to be had in time.
    pub async fn writer(&self) -> Result<ThreadConn> {
        Ok(self.writers.get().await.map_err(Error::Internal)??)
    }

    /// The permit for a transaction of a webhook's lane, to be held until it has ended.
    pub async fn lane_permit(&self) -> Result<SemaphorePermit<'_>> {
        self.lane_permits.acquire().await.map_err(|cause| Error::Internal(cause.into()))
    }

    /// A connection for a transaction of signing in. Fails with 503 when none is to be had in time.
    pub async fn sign_in_writer(&self) -> Result<ThreadConn> {
        Ok(self.sign_in_writers.get().await.map_err(Error::Internal)??)
    }
}

/// A connection for a costly read, and the permit for it.
pub struct CostlyConn {
    conn: Conn,
    _permit: OwnedSemaphorePermit,
}

impl Deref for CostlyConn {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.conn
    }
}

/// Where media are kept.
fn find_store(config: &Config) -> anyhow::Result<StoreSettings> {
    let media = &config.media;
    let Some(address) = &media.url else {
        return Ok(StoreSettings::Folder(config.database.data_dir.join("media")));
    };
    let options = S3Options {
        endpoint: media.endpoint.clone(),
        region: Some(media.region.clone()),
        access_key_id: media.key_id.clone(),
        secret_access_key: media.key_secret.clone().map(Secret::new),
        allow_http: true,
        ..S3Options::default()
    };
    Ok(StoreSettings::parse(address, &options)?)
}

/// Connections for signing in, where there are `pool_size` for all other transactions.
fn sign_in_size(pool_size: usize) -> usize {
    pool_size.div_ceil(4).max(2)
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

/// The sanitiser of bodies, which knows the addresses of media.
fn build_sanitiser(config: &Config) -> Arc<Sanitiser> {
    Arc::new(Sanitiser::new(&config.bodies.embed_hosts()).with_media_bases(config.media_bases()))
}

/// The client for requests to other servers.
fn build_outbound_client(config: &Config) -> anyhow::Result<OutboundClient> {
    OutboundClient::new(ClientSettings {
        allowed_networks: config.media.fetch_allow.clone(),
        ..ClientSettings::new(USER_AGENT)
    })
}

/// The client for the receivers of webhooks.
fn build_webhook_client(config: &Config) -> anyhow::Result<OutboundClient> {
    OutboundClient::new(ClientSettings {
        allowed_networks: config.webhooks.allow.clone(),
        max_redirects: 0,
        ..ClientSettings::new(USER_AGENT)
    })
}

/// The memory for all pictures that are worked on.
fn build_picture_memory(config: &Config) -> MemoryBudget {
    let bytes = usize::try_from(config.media.memory).unwrap_or(usize::MAX);
    MemoryBudget::new(bytes, PICTURE_WAIT, "no memory for pictures is free")
}

/// The turns of uploads. One caller gets at most half of them.
fn build_upload_turns(config: &Config) -> Turns {
    let turns = config.media.parallel_uploads;
    Turns::new("uploads", turns, turns.div_ceil(2))
}
