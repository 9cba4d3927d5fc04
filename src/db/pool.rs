//! Connections: how one is opened, and the pool they wait in.

use std::time::Duration;

use anyhow::Context;
use deadpool::Runtime;
use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool as DieselPool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Handle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A pool of connections, shared by all workers of a process.
pub type Pool = DieselPool<AsyncPgConnection>;
/// A connection on loan from the [`Pool`].
pub type Conn = Object<AsyncPgConnection>;

/// How long a request waits for a free connection before it is told to come back.
const WAIT: Duration = Duration::from_secs(2);
/// How long opening a connection may take.
const CONNECT: Duration = Duration::from_secs(3);
/// What every connection promises: no statement over 5 s, no lock waited for
/// over 2 s, no transaction left open for 10 s.
const LIMITS: &str = "-c statement_timeout=5000 -c lock_timeout=2000 \
     -c idle_in_transaction_session_timeout=10000 -c timezone=UTC";

/// A pool of at most `size` connections to `url`, opened as they are needed.
///
/// The connections are driven on `runtime`, which must outlive every worker: a
/// worker that stops must not take along connections that others are using.
pub fn build(url: &str, size: usize, runtime: Handle) -> anyhow::Result<Pool> {
    let mut config = ManagerConfig::default();
    // A check query before each use costs about a third of the throughput. A
    // connection that died is found by its first statement, and dropped.
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(move |url| {
        let opening = runtime.spawn(open(url.to_owned()));
        Box::pin(
            async move { opening.await.map_err(|cause| ConnectionError::BadConnection(cause.to_string()))? },
        )
    });
    DieselPool::builder(AsyncDieselConnectionManager::new_with_config(url, config))
        .max_size(size)
        .wait_timeout(Some(WAIT))
        .create_timeout(Some(CONNECT))
        .runtime(Runtime::Tokio1)
        .build()
        .context("building the connection pool")
}

/// Opens one connection to `url`, driven on the current runtime.
///
/// `sslmode=require` encrypts and checks the server's certificate against the
/// system's roots; any other mode connects in the clear.
pub async fn open(url: String) -> ConnectionResult<AsyncPgConnection> {
    let bad = |cause: tokio_postgres::Error| {
        let reason =
            std::error::Error::source(&cause).map_or_else(String::new, |source| format!(": {source}"));
        ConnectionError::BadConnection(format!("{cause}{reason}"))
    };
    let mut config: Config = url.parse().map_err(bad)?;
    config
        .application_name("inkstone")
        .connect_timeout(CONNECT)
        .tcp_user_timeout(Duration::from_secs(10))
        .keepalives_idle(Duration::from_secs(10));
    let options = match config.get_options() {
        Some(given) => format!("{LIMITS} {given}"),
        None => LIMITS.to_owned(),
    };
    config.options(options);
    if config.get_ssl_mode() == SslMode::Require {
        let (client, connection) = config.connect(tls()).await.map_err(bad)?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    } else {
        config.ssl_mode(SslMode::Disable);
        let (client, connection) = config.connect(NoTls).await.map_err(bad)?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    }
}

fn tls() -> MakeRustlsConnect {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    MakeRustlsConnect::new(config)
}
