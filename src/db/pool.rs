//! Connections: how one is opened, and the pool they wait in.

use std::future::poll_fn;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use deadpool::Runtime;
use deadpool::managed::{self, Metrics, RecycleError, RecycleResult, TimeoutType};
use rustls::{ClientConfig, RootCertStore};
use thread_local::ThreadLocal;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::TlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connection::Connection;

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
/// How long packets may stay unanswered before a TCP connection counts as lost.
const TCP_TIMEOUT: Duration = Duration::from_secs(10);
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
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = OpenError;

    async fn create(&self) -> Result<Connection, OpenError> {
        match &self.runtime {
            Some(runtime) => {
                let opening = runtime.spawn(open(self.url.clone()));
                opening.await.map_err(|cause| OpenError(cause.to_string()))?
            }
            None => open(self.url.clone()).await,
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
/// The connections are driven on `runtime`, which must outlive every thread that uses the pool.
pub fn build(url: &str, size: usize, runtime: Handle) -> anyhow::Result<Pool> {
    build_pool(url, size, Some(runtime))
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
        Self { url: url.to_owned(), size_of_thread, permits, pools: ThreadLocal::new() }
    }

    /// A connection of this thread's pool; waits for one as long as a pool does.
    pub async fn get(&self) -> anyhow::Result<Result<ThreadConn, PoolError>> {
        let pool = self.pools.get_or_try(|| build_pool(&self.url, self.size_of_thread, None))?;
        let permit = match timeout(POOL_WAIT_TIMEOUT, self.permits.clone().acquire_owned()).await {
            Ok(permit) => permit?,
            Err(_) => return Ok(Err(PoolError::Timeout(TimeoutType::Wait))),
        };
        Ok(pool.get().await.map(|conn| ThreadConn { conn, _permit: permit }))
    }
}

fn build_pool(url: &str, size: usize, runtime: Option<Handle>) -> anyhow::Result<Pool> {
    Pool::builder(Manager { url: url.to_owned(), runtime })
        .max_size(size)
        .wait_timeout(Some(POOL_WAIT_TIMEOUT))
        .create_timeout(Some(CONNECT_TIMEOUT))
        .runtime(Runtime::Tokio1)
        .build()
        .context("building the connection pool")
}

/// Opens one connection to `url`, driven on the current runtime.
///
/// `sslmode=require` encrypts and checks the server's certificate against the
/// system's roots; any other mode connects in the clear.
pub async fn open(url: String) -> Result<Connection, OpenError> {
    // The future is large, and most futures of requests contain it.
    Box::pin(open_client(&url)).await.map(Connection::new)
}

/// As [`open`], for what needs the bare client.
pub async fn open_client(url: &str) -> Result<Client, OpenError> {
    let config = configure(url, "inkstone")?;
    if config.get_ssl_mode() == SslMode::Require {
        connect(&config, make_tls()).await
    } else {
        connect(&config, NoTls).await
    }
}

/// Opens a connection that listens on `channel`: it comes with the payloads of the notifications.
///
/// The server lists it as `inkstone-follower`. The stream of payloads ends when the connection is lost.
pub async fn open_listening(
    url: &str,
    channel: &str,
) -> Result<(Connection, mpsc::UnboundedReceiver<String>), OpenError> {
    let config = configure(url, "inkstone-follower")?;
    let (sender, receiver) = mpsc::unbounded_channel();
    let client = if config.get_ssl_mode() == SslMode::Require {
        let (client, connection) = within_timeout(config.connect(make_tls())).await?;
        tokio::spawn(forward_notifications(connection, sender));
        client
    } else {
        let (client, connection) = within_timeout(config.connect(NoTls)).await?;
        tokio::spawn(forward_notifications(connection, sender));
        client
    };
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

/// The settings of a connection to `url`, which the server lists under `application_name`.
fn configure(url: &str, application_name: &str) -> Result<Config, OpenError> {
    let mut config: Config = url.parse()?;
    config
        .application_name(application_name)
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_user_timeout(TCP_TIMEOUT)
        .keepalives_idle(TCP_TIMEOUT);
    let options = match config.get_options() {
        Some(given) => format!("{LIMITS} {given}"),
        None => LIMITS.to_owned(),
    };
    config.options(options);
    if config.get_ssl_mode() != SslMode::Require {
        config.ssl_mode(SslMode::Disable);
    }
    Ok(config)
}

async fn connect<T>(config: &Config, tls: T) -> Result<Client, OpenError>
where
    T: tokio_postgres::tls::MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
    T::TlsConnect: TlsConnect<Socket>,
{
    let (client, connection) = within_timeout(config.connect(tls)).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Bounds all of the opening: tokio-postgres itself bounds the TCP connection, not the server's first answers.
async fn within_timeout<T>(
    opening: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, OpenError> {
    match timeout(CONNECT_TIMEOUT, opening).await {
        Ok(opened) => Ok(opened?),
        Err(_) => Err(OpenError::new("no answer in time")),
    }
}

fn make_tls() -> MakeRustlsConnect {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    MakeRustlsConnect::new(config)
}
