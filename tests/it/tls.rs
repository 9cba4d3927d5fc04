//! TLS to PostgreSQL, as `sslmode` says.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use inkstone::db::pool::open_client;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_postgres::Config;
use tokio_postgres::config::Host;
use tokio_rustls::TlsAcceptor;

use crate::harness::cluster::{self, TestDb};

/// A certificate that nobody has signed but its own key, and that key.
const CERTIFICATE: &str = concat!(
    "MIIBPjCB8aADAgECAhRzrEK1K7fRJUwzdoHvCSubwcaaBDAFBgMrZXAwFDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEy",
    "NjExMDEwOVoYDzIxMjYxMTAyMTEwMTA5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwKjAFBgMrZXADIQBf/Ike4by3L7R4SqBt",
    "YqKd7l7gV/flhHXKsWsWbQdDgKNTMFEwHQYDVR0OBBYEFBh0cdECoDMPOeHlPGQ16+Dk9zmgMB8GA1UdIwQYMBaAFBh0cdEC",
    "oDMPOeHlPGQ16+Dk9zmgMA8GA1UdEwEB/wQFMAMBAf8wBQYDK2VwA0EALXv72ywYY7YGh6zUQQ0HO4dnbBE2XMaHBY/tRJnb",
    "/ZaqHFtc4enRmQijyyFNeH43QgDlNhDcDFBxXrKMy2MIAQ==",
);
const KEY: &str = concat!("MC4CAQAwBQYDK2VwBCIEIAS6jpjCtoLmLAU2Mg8krt+XaH8Ij+oLewbzSXeIO4ba",);

/// What a server does when it is asked for TLS.
#[derive(Clone, Copy, PartialEq)]
enum Offer {
    /// It refuses.
    None,
    /// It encrypts.
    Tls,
    /// It offers TLS and then hangs up.
    Broken,
}

/// A server in front of PostgreSQL, which has no TLS of its own here.
struct Front {
    port: u16,
    /// The number of connections that were encrypted, and of those in the clear.
    encrypted: AtomicUsize,
    clear: AtomicUsize,
}

impl Front {
    async fn start(offer: Offer, db: &TestDb) -> Arc<Self> {
        let config: Config = db.url.parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let front = Arc::new(Self { port, encrypted: AtomicUsize::new(0), clear: AtomicUsize::new(0) });
        let own = front.clone();
        actix_web::rt::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                actix_web::rt::spawn(serve(own.clone(), offer, client, config.clone()));
            }
        });
        front
    }

    fn url(&self, db: &TestDb, sslmode: &str) -> String {
        let config: Config = db.url.parse().unwrap();
        let (user, name) = (config.get_user().unwrap(), config.get_dbname().unwrap());
        format!("host=localhost port={} user={user} dbname={name}{sslmode}", self.port)
    }

    fn counts(&self) -> (usize, usize) {
        (self.encrypted.load(Ordering::SeqCst), self.clear.load(Ordering::SeqCst))
    }
}

async fn serve(front: Arc<Front>, offer: Offer, mut client: TcpStream, config: Config) {
    let mut head = [0; 8];
    client.peek(&mut head).await.unwrap();
    let is_ssl_request = head == [0, 0, 0, 8, 4, 210, 22, 47];
    if !is_ssl_request {
        front.clear.fetch_add(1, Ordering::SeqCst);
        return forward(client, &config).await;
    }
    client.read_exact(&mut head).await.unwrap();
    client.write_all(if offer == Offer::None { b"N" } else { b"S" }).await.unwrap();
    match offer {
        Offer::Broken => {}
        Offer::None => {
            front.clear.fetch_add(1, Ordering::SeqCst);
            forward(client, &config).await;
        }
        Offer::Tls => {
            let certificate = CertificateDer::from(STANDARD.decode(CERTIFICATE).unwrap());
            let key = PrivateKeyDer::try_from(STANDARD.decode(KEY).unwrap()).unwrap();
            let server = rustls::ServerConfig::builder().with_no_client_auth();
            let server = server.with_single_cert(vec![certificate], key).unwrap();
            let Ok(client) = TlsAcceptor::from(Arc::new(server)).accept(client).await else { return };
            front.encrypted.fetch_add(1, Ordering::SeqCst);
            forward(client, &config).await;
        }
    }
}

async fn forward(mut client: impl AsyncRead + AsyncWrite + Unpin, config: &Config) {
    let port = config.get_ports()[0];
    let _ = match &config.get_hosts()[0] {
        Host::Tcp(host) => {
            let mut server = TcpStream::connect((host.as_str(), port)).await.unwrap();
            copy_bidirectional(&mut client, &mut server).await
        }
        Host::Unix(folder) => {
            let socket = folder.join(format!(".s.PGSQL.{port}"));
            copy_bidirectional(&mut client, &mut UnixStream::connect(socket).await.unwrap()).await
        }
    };
}

/// Connects through `offer` with `sslmode`; returns whether it worked, and the connections.
async fn connect(offer: Offer, sslmode: &str) -> (bool, (usize, usize)) {
    let db = cluster::fresh_database().await;
    let front = Front::start(offer, &db).await;
    let opened = match open_client(&front.url(&db, sslmode)).await {
        Ok(client) => client.simple_query("SELECT 1").await.is_ok(),
        Err(_) => false,
    };
    (opened, front.counts())
}

#[actix_web::test]
async fn no_connection_is_in_the_clear_where_the_server_offers_tls() {
    // Without a mode it is `prefer`. The certificate need not be known, as for other clients.
    for sslmode in [" sslmode=prefer", ""] {
        assert_eq!(connect(Offer::Tls, sslmode).await, (true, (1, 0)), "{sslmode}");
        assert_eq!(connect(Offer::None, sslmode).await, (true, (0, 1)), "{sslmode}");
        assert_eq!(connect(Offer::Broken, sslmode).await, (true, (0, 1)), "{sslmode}");
    }
}

#[actix_web::test]
async fn require_takes_neither_clear_text_nor_an_unknown_certificate() {
    for offer in [Offer::None, Offer::Broken, Offer::Tls] {
        let (is_open, (encrypted, _)) = connect(offer, " sslmode=require").await;
        assert_eq!((is_open, encrypted), (false, 0));
    }
    assert_eq!(connect(Offer::Tls, " sslmode=disable").await, (true, (0, 1)));
}
