//! Connections: how one is opened, and the pool they wait in.

use std::future::poll_fn;
use std::net::IpAddr;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use anyhow::Context;
use deadpool::Runtime;
use deadpool::managed::{self, Metrics, RecycleError, RecycleResult, TimeoutType};
use thread_local::ThreadLocal;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, Socket};

use super::connection::Connection;
use super::planning::PLANNING;
use super::tls::Tls;

/// A pool of connections, shared by all workers of a process.
pub type Pool = managed::Pool<Manager>;
/// A connection on loan from the [`Pool`].
pub type Conn = managed::Object<Manager>;
/// Why the pool has no connection to lend.
pub type PoolError = managed::PoolError<OpenError>;

/// How long a request waits for a free connection before it is told to come back.
const POOL_WAIT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long opening a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long packets may stay unanswered before a TCP connection counts as lost. The server limits a
/// statement to 5 s: whoever waits longer than both together waits for a network that drops packets.
const TCP_TIMEOUT: Duration = Duration::from_secs(6);
/// How often a silent peer is asked whether it is there, and how many unanswered questions end the connection.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
const MAX_KEEPALIVES: u32 = 3;
/// What every connection promises: no statement over 5 s, no lock waited for
/// over 2 s, no transaction left open for 10 s.
const LIMITS: &str = "-c statement_timeout=5000 -c lock_timeout=2000 \
     -c idle_in_transaction_session_timeout=10000 -c timezone=UTC -c client_encoding=UTF8";

/// A connection could not be opened.
#[derive(Debug)]
pub struct OpenError(String);

impl OpenError {
    /// Says why.
    pub fn new(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OpenError {}

impl From<tokio_postgres::Error> for OpenError {
    fn from(cause: tokio_postgres::Error) -> Self {
        let reason =
            std::error::Error::source(&cause).map_or_else(String::new, |source| format!(": {source}"));
        Self(format!("{cause}{reason}"))
    }
}

/// Opens the connections of a pool.
pub struct Manager {
    url: String,
    /// Drives the connections; without it, the runtime of the thread that opens one does.
    runtime: Option<Handle>,
    /// Options of the server for each connection.
    options: &'static str,
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = OpenError;

    async fn create(&self) -> Result<Connection, OpenError> {
        match &self.runtime {
            Some(runtime) => {
                let opening = runtime.spawn(open_with(self.url.clone(), self.options));
                opening.await.map_err(|cause| OpenError(cause.to_string()))?
            }
            None => open_with(self.url.clone(), self.options).await,
        }
    }

    /// Takes back what can be used again. A check query would cost about a third of the throughput:
    /// a connection that died in the meantime is found by its next statement.
    async fn recycle(&self, conn: &mut Connection, _: &Metrics) -> RecycleResult<OpenError> {
        if conn.is_idle() { Ok(()) } else { Err(RecycleError::message("closed, or left in a transaction")) }
    }
}

/// A pool of at most `size` connections to `url`, opened as they are needed.
///
/// Each has the given options of the server. The connections are driven on `runtime`, which must
/// outlive every thread that uses the pool.
pub fn build(url: &str, size: usize, options: &'static str, runtime: Handle) -> anyhow::Result<Pool> {
    build_pool(size, Manager { url: url.to_owned(), runtime: Some(runtime), options })
}

/// The connections of a pool at a moment.
#[derive(Clone, Copy, Debug)]
pub struct PoolStatus {
    /// Connections that are in use.
    pub in_use: usize,
    /// Tasks that wait for one.
    pub waiting: usize,
}

/// A pool for each thread that asks.
///
/// The thread's own runtime drives them: a round trip takes no hop to another thread and back.
pub struct ThreadPools {
    url: String,
    size_of_thread: usize,
    /// Bounds the connections that all threads together use at a time.
    permits: Arc<Semaphore>,
    pools: ThreadLocal<Pool>,
    size: usize,
    waiting: AtomicUsize,
}

/// One task that waits for a connection.
struct Waiting<'p>(&'p AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection on loan from a thread's pool.
pub struct ThreadConn {
    conn: Conn,
    _permit: OwnedSemaphorePermit,
}

impl ThreadConn {
    /// Closes the connection instead of giving it back.
    pub fn close(self) {
        drop(managed::Object::take(self.conn));
    }
}

impl Deref for ThreadConn {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.conn
    }
}

impl DerefMut for ThreadConn {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.conn
    }
}

impl ThreadPools {
    /// Pools from which all threads together use at most `size` connections to `url` at a time, and
    /// each keeps at most `size_of_thread` open.
    pub fn new(url: &str, size: usize, size_of_thread: usize) -> Self {
        let permits = Arc::new(Semaphore::new(size));
        Self {
            url: url.to_owned(),
            size_of_thread,
            permits,
            pools: ThreadLocal::new(),
            size,
            waiting: AtomicUsize::new(0),
        }
    }

    /// Returns how many connections are in use, and how many tasks wait for one.
    pub fn status(&self) -> PoolStatus {
        PoolStatus {
            in_use: self.size.saturating_sub(self.permits.available_permits()),
            waiting: self.waiting.load(Ordering::Relaxed),
        }
    }

    fn build_pool_of_thread(&self) -> anyhow::Result<Pool> {
        build_pool(self.size_of_thread, Manager { url: self.url.clone(), runtime: None, options: "" })
    }

    /// A connection of this thread's pool; waits for one as long as a pool does.
    ///
    /// The thread's own connection comes first, then the permit: tasks that wait for their thread's connections, of which there are
    /// few, take no permits that other threads could use.
    pub async fn get(&self) -> anyhow::Result<Result<ThreadConn, PoolError>> {
        let pool = self.pools.get_or_try(|| self.build_pool_of_thread())?;
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        let conn = match pool.get().await {
            Ok(conn) => conn,
            Err(error) => return Ok(Err(error)),
        };
        match timeout(POOL_WAIT_TIMEOUT, self.permits.clone().acquire_owned()).await {
            Ok(permit) => Ok(Ok(ThreadConn { conn, _permit: permit? })),
            Err(_) => Ok(Err(PoolError::Timeout(TimeoutType::Wait))),
        }
    }
}

fn build_pool(size: usize, manager: Manager) -> anyhow::Result<Pool> {
    Pool::builder(manager)
        .max_size(size)
        .wait_timeout(Some(POOL_WAIT_TIMEOUT))
        .create_timeout(Some(CONNECT_TIMEOUT))
        .runtime(Runtime::Tokio1)
        .build()
        .context("building the connection pool")
}

/// Options of connections for long reads: a plan that is made for any value of a filter can be a
/// thousand times as slow as one that is made for this value, and making it takes less than a millisecond. No request
/// takes the cores of others by parallel workers, whose start takes longer than most of these reads.
pub const LONG_READ_OPTIONS: &str =
    "-c plan_cache_mode=force_custom_plan -c max_parallel_workers_per_gather=0";

/// Opens one connection to `url`, driven on the current runtime.
///
/// `sslmode=require` encrypts and checks the server's certificate against the
/// system's roots. `sslmode=prefer`, the default, encrypts if the server offers
/// it, and warns once if not. `sslmode=disable` connects in the clear.
pub async fn open(url: String) -> Result<Connection, OpenError> {
    open_with(url, "").await
}

async fn open_with(url: String, options: &str) -> Result<Connection, OpenError> {
    connect_to(&url, options).await.map(Connection::new)
}

/// As [`open`], for what needs the bare client.
pub async fn open_client(url: &str) -> Result<Client, OpenError> {
    connect_to(url, "").await
}

async fn connect_to(url: &str, options: &str) -> Result<Client, OpenError> {
    let (client, connection) = connect(url, "inkstone", options).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Opens a connection that listens on `channel`: it comes with the payloads of the notifications.
///
/// The server lists it as `inkstone-follower`. The stream of payloads ends when the connection is lost.
pub async fn open_listening(
    url: &str,
    channel: &str,
) -> Result<(Connection, mpsc::UnboundedReceiver<String>), OpenError> {
    let (client, connection) = connect(url, "inkstone-follower", "").await?;
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(forward_notifications(connection, sender));
    client.batch_execute(&format!("LISTEN {channel}")).await?;
    Ok((Connection::new(client), receiver))
}

async fn forward_notifications<S>(
    mut connection: tokio_postgres::Connection<Socket, S>,
    to: mpsc::UnboundedSender<String>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
        if let AsyncMessage::Notification(notification) = message {
            // Nobody listens any more: the connection still has to be driven to its end.
            let _ = to.send(notification.payload().to_owned());
        }
    }
}

/// The settings of a connection to `url`, which the server lists under `application_name`, with `more` options of the server.
fn configure(url: &str, application_name: &str, more: &str) -> Result<Config, OpenError> {
    let mut config: Config = url.parse()?;
    config
        .application_name(application_name)
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_user_timeout(TCP_TIMEOUT)
        .keepalives_idle(TCP_TIMEOUT)
        .keepalives_interval(KEEPALIVE_INTERVAL)
        .keepalives_retries(MAX_KEEPALIVES);
    let given = config.get_options().unwrap_or_default();
    let planning = PLANNING.map(|setting| format!("-c {setting}")).join(" ");
    let options = format!("{LIMITS} {planning} {more} {given}");
    config.options(options.trim());
    // A socket of this machine needs no TLS, and has no name to check.
    if !config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(_))) {
        config.ssl_mode(SslMode::Disable);
    }
    Ok(config)
}

/// A client, and the connection that must be driven for it.
type Opened = (Client, tokio_postgres::Connection<Socket, <Tls as MakeTlsConnect<Socket>>::Stream>);

/// Connects to `url`, with TLS as its `sslmode` says.
async fn connect(url: &str, application_name: &str, more: &str) -> Result<Opened, OpenError> {
    let mut config = configure(url, application_name, more)?;
    if config.get_ssl_mode() != SslMode::Prefer {
        let tls =
            if config.get_ssl_mode() == SslMode::Require { Tls::verified() } else { Tls::opportunistic() };
        return Ok(within_timeout(&config, tls).await??);
    }
    let tls = Tls::opportunistic();
    match within_timeout(&config, tls.clone()).await? {
        Ok(opened) => {
            if !tls.has_begun() {
                warn_of_clear_text(url, &config, "the server offers none");
            }
            Ok(opened)
        }
        // It offered TLS, and failed by it: broken TLS, or an account that may connect without it only.
        Err(cause) if tls.has_begun() && cause.code().is_none_or(|code| *code == MAY_NOT_CONNECT) => {
            let opened = within_timeout(config.ssl_mode(SslMode::Disable), tls).await??;
            warn_of_clear_text(url, &config, &OpenError::from(cause).to_string());
            Ok(opened)
        }
        Err(cause) => Err(cause.into()),
    }
}

/// The error of a server whose rules do not let this account connect in this way.
const MAY_NOT_CONNECT: SqlState = SqlState::INVALID_AUTHORIZATION_SPECIFICATION;

/// Warns, once in this process, that the connections to the database are not encrypted.
///
/// Inside of this machine that is worth a word only to those who asked for TLS.
fn warn_of_clear_text(url: &str, config: &Config, cause: &str) {
    static WARN: Once = Once::new();
    let is_local = |host: &Host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback()),
        Host::Unix(_) => true,
    };
    if url.contains("sslmode=prefer") || !config.get_hosts().iter().all(is_local) {
        WARN.call_once(|| {
            tracing::warn!(cause, "The connections to PostgreSQL are not encrypted; sslmode=require insists on TLS, sslmode=disable says that none is wanted");
        });
    }
}

/// Bounds all of the opening: tokio-postgres itself bounds the TCP connection, not the server's first answers.
async fn within_timeout(
    config: &Config,
    tls: Tls,
) -> Result<Result<Opened, tokio_postgres::Error>, OpenError> {
    // The future is large, and most futures of requests contain it.
    let opening = Box::pin(config.connect(tls));
    timeout(CONNECT_TIMEOUT, opening).await.map_err(|_| OpenError::new("no answer in time"))
}
