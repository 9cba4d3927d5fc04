//! Servers and names of the tests' own.

use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{interval, sleep};
use url::Url;

use crate::outbound::client::{ClientSettings, OutboundClient};
use crate::outbound::download::{DownloadLimits, Downloaded};
use crate::outbound::error::FetchError;
use crate::outbound::lookup::{LookupFuture, NameLookup};

/// What a server does with a connection after it has read the head of a request. It closes it in the end.
#[derive(Clone)]
pub enum Step {
    Send(Vec<u8>),
    /// Sends these bytes again and again.
    Drip(&'static str, Duration),
    Wait(Duration),
    /// Sends and receives nothing more.
    Hold,
}

/// A server on a loopback address. It answers one request a connection.
pub struct TestServer {
    pub address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl TestServer {
    pub async fn start(reply: impl Fn(&str) -> Vec<Step> + Send + 'static) -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST, reply).await
    }

    pub async fn start_on(ip: Ipv4Addr, reply: impl Fn(&str) -> Vec<Step> + Send + 'static) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = heads.clone();
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let Some(head) = read_head(&mut stream).await else { continue };
                let steps = reply(&head);
                seen.lock().unwrap().push(head);
                tokio::spawn(run_steps(stream, steps));
            }
        });
        Self { address, heads, task }
    }

    pub fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}{path}", self.address)).unwrap()
    }

    /// An URL of this server by a name.
    pub fn named_url(&self, name: &str, path: &str) -> Url {
        Url::parse(&format!("http://{name}:{}{path}", self.address.port())).unwrap()
    }

    /// The heads of all requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

async fn run_steps(mut stream: TcpStream, steps: Vec<Step>) {
    for step in steps {
        if run_step(&mut stream, step).await.is_err() {
            return;
        }
    }
}

async fn run_step(stream: &mut (impl AsyncWrite + Unpin), step: Step) -> io::Result<()> {
    match step {
        Step::Send(bytes) => stream.write_all(&bytes).await,
        Step::Wait(pause) => {
            sleep(pause).await;
            Ok(())
        }
        Step::Hold => pending().await,
        Step::Drip(text, every) => {
            let mut ticks = interval(every);
            loop {
                ticks.tick().await;
                stream.write_all(text.as_bytes()).await?;
            }
        }
    }
}

pub fn send(text: impl AsRef<[u8]>) -> Step {
    Step::Send(text.as_ref().to_vec())
}

/// A whole answer with a body.
pub fn ok(body: &str) -> Vec<Step> {
    vec![send(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    ))]
}

/// An answer without a body.
pub fn head(status: &str, headers: &str) -> Vec<Step> {
    vec![send(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n{headers}\r\n"))]
}

pub fn redirect(location: &str) -> Vec<Step> {
    head("302 Found", &format!("Location: {location}\r\n"))
}

/// Names with answers. Each look-up takes the next answer; the last one is kept.
#[derive(Default)]
pub struct TestNames {
    answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    lookups: Mutex<Vec<String>>,
}

impl TestNames {
    pub fn of(names: &[(&str, &[&[&str]])]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|ip| ip.parse().unwrap()).collect();
        let answers = names
            .iter()
            .map(|(name, answers)| ((*name).to_owned(), answers.iter().map(parse).collect()))
            .collect();
        Arc::new(Self { answers: Mutex::new(answers), lookups: Mutex::default() })
    }

    pub fn lookups(&self) -> Vec<String> {
        self.lookups.lock().unwrap().clone()
    }
}

impl NameLookup for TestNames {
    /// `slow.test` is never found, `failing.test` fails.
    fn lookup<'a>(&'a self, name: &'a str) -> LookupFuture<'a> {
        self.lookups.lock().unwrap().push(name.to_owned());
        match name {
            "slow.test" => return Box::pin(pending()),
            "failing.test" => return Box::pin(async { Err(io::Error::other("the server is busy")) }),
            _ => {}
        }
        let found = self
            .answers
            .lock()
            .unwrap()
            .get_mut(name)
            .map(|answers| if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() });
        Box::pin(async move { found.ok_or_else(|| io::ErrorKind::NotFound.into()) })
    }
}

/// Settings with which the servers of the tests can be reached.
pub fn test_settings() -> ClientSettings {
    let mut settings = ClientSettings::new("Inkstone-Test/1");
    settings.allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
    let provider = Arc::new(ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    settings.tls = Some(tls.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    settings
}

/// A client that reaches the servers of the tests, and knows no name.
pub fn test_client() -> OutboundClient {
    OutboundClient::with_lookup(test_settings(), TestNames::of(&[])).unwrap()
}

/// A client that reaches the servers of the tests, and knows names.
pub fn client_with_names(names: &Arc<TestNames>) -> OutboundClient {
    OutboundClient::with_lookup(test_settings(), names.clone()).unwrap()
}

pub const LIMITS: DownloadLimits =
    DownloadLimits { max_bytes: 1 << 20, timeout: Duration::from_secs(300), min_rate: 0 };

/// Downloads into memory, with [`LIMITS`].
pub async fn fetch(client: &OutboundClient, url: &Url) -> Result<(Downloaded, Vec<u8>), FetchError> {
    fetch_within(client, url, LIMITS).await
}

/// Downloads into memory.
pub async fn fetch_within(
    client: &OutboundClient,
    url: &Url,
    limits: DownloadLimits,
) -> Result<(Downloaded, Vec<u8>), FetchError> {
    let mut body = Vec::new();
    let downloaded = client.download(url, &mut body, limits).await?;
    Ok((downloaded, body))
}

/// Parses a URL.
pub fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}
