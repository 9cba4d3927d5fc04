//! A proxy between the server and PostgreSQL that counts round trips.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::runtime::Handle;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// `application_name` of the connections on which a server works without having been asked.
pub const FOLLOWER: &str = "inkstone-follower";
/// How often [`Wire::fewest`] repeats a request. A pool of four connections needs eight to prepare everything.
const REPEATS: usize = 12;
/// Bytes read at once.
const CHUNK: usize = 64 << 10;
/// Codes that stand where a StartupMessage has its protocol version.
const CANCEL_REQUEST: u32 = 80_877_102;
const PROTOCOL_3: u32 = 3 << 16;

/// A proxy for one database. Counts the round trips of all its connections together.
///
/// A round trip is a burst of frontend messages, sent without waiting for an
/// answer in between, that PostgreSQL answers up to a ReadyForQuery. Pipelined
/// statements are one round trip. Connecting is none, nor is the Close of a
/// prepared statement, whose answer no client waits for.
pub struct Wire {
    /// The database, reached through the proxy.
    pub url: String,
    count: Arc<AtomicUsize>,
}

impl Wire {
    /// A proxy on `runtime` for the database at `url`. Connections whose
    /// `application_name` is in `left_out` are forwarded and not counted.
    pub async fn start(url: &str, left_out: &'static [&'static str], runtime: &Handle) -> Self {
        let upstream: Config = url.parse().unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        let own = upstream.clone();
        let accepting = runtime.spawn(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            tokio::spawn(async move {
                loop {
                    let (frontend, _) = listener.accept().await.unwrap();
                    frontend.set_nodelay(true).unwrap();
                    let tally = Tally::new(counted.clone(), left_out);
                    tokio::spawn(connect(frontend, own.clone(), tally));
                }
            });
            port
        });
        let port = accepting.await.unwrap();
        Self { url: url_through(&upstream, "127.0.0.1", port), count }
    }

    /// Starts counting from zero.
    pub fn reset(&self) {
        self.count.store(0, Ordering::SeqCst);
    }

    /// Round trips begun since the last [`Wire::reset`]. An HTTP answer comes after those of its request.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// The round trips of `request` once all connections are warm: the fewest of several tries.
    ///
    /// Unprepared statements and background work on the same connections can only add to a count.
    pub async fn fewest(&self, mut request: impl AsyncFnMut()) -> usize {
        let mut fewest = usize::MAX;
        for _ in 0..REPEATS {
            self.reset();
            request().await;
            fewest = fewest.min(self.count());
        }
        fewest
    }
}

/// The connection string of `config`'s database behind `port` of `host`.
pub fn url_through(config: &Config, host: &str, port: u16) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
    let mut url = format!("host={host} port={port} sslmode=disable");
    let password = config.get_password().map(|password| String::from_utf8_lossy(password).into_owned());
    let fields = [
        ("user", config.get_user()),
        ("password", password.as_deref()),
        ("dbname", config.get_dbname()),
        ("options", config.get_options()),
    ];
    for (name, value) in fields.iter().filter_map(|(name, value)| Some((name, (*value)?))) {
        url.push_str(&format!(" {name}='{}'", quoted(value)));
    }
    url
}

/// One side of a connection to PostgreSQL.
pub trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Socket for T {}

/// Opens a connection to the server of `config`.
pub async fn open(config: &Config) -> Box<dyn Socket> {
    let port = config.get_ports().first().copied().unwrap_or(5432);
    match &config.get_hosts()[0] {
        Host::Tcp(host) => {
            let backend = TcpStream::connect((host.as_str(), port)).await.unwrap();
            backend.set_nodelay(true).unwrap();
            Box::new(backend)
        }
        Host::Unix(folder) => {
            let socket = Path::new(folder).join(format!(".s.PGSQL.{port}"));
            Box::new(UnixStream::connect(socket).await.unwrap())
        }
    }
}

/// Opens the other half of a connection, and forwards until one side closes.
async fn connect(frontend: TcpStream, upstream: Config, tally: Tally) {
    forward(frontend, open(&upstream).await, tally).await;
}

/// Forwards both ways in one task, so that a message is counted before any answer to it can pass.
async fn forward(
    mut frontend: TcpStream,
    mut backend: impl AsyncRead + AsyncWrite + Unpin,
    mut tally: Tally,
) {
    let (mut asked, mut answered) = (vec![0; CHUNK], vec![0; CHUNK]);
    loop {
        let passed = tokio::select! {
            biased;
            read = frontend.read(&mut asked) => match read {
                Ok(1..) => {
                    let bytes = &asked[..read.unwrap()];
                    tally.read_frontend(bytes);
                    backend.write_all(bytes).await
                }
                _ => return,
            },
            read = backend.read(&mut answered) => match read {
                Ok(1..) => {
                    // What has been sent by now was sent without this answer: it is part of the same burst.
                    while let Ok(more @ 1..) = frontend.try_read(&mut asked) {
                        tally.read_frontend(&asked[..more]);
                        if backend.write_all(&asked[..more]).await.is_err() {
                            return;
                        }
                    }
                    let bytes = &answered[..read.unwrap()];
                    tally.read_backend(bytes);
                    frontend.write_all(bytes).await
                }
                _ => return,
            },
        };
        if passed.is_err() {
            return;
        }
    }
}

/// The state of one connection.
struct Tally {
    count: Arc<AtomicUsize>,
    left_out: &'static [&'static str],
    is_counted: bool,
    asked: Framing,
    answered: Framing,
    /// Whether a message since the last Sync has an answer that the client waits for.
    is_waiting: bool,
    /// For each ReadyForQuery that is due, whether the client waits for it.
    due: VecDeque<bool>,
}

impl Tally {
    fn new(count: Arc<AtomicUsize>, left_out: &'static [&'static str]) -> Self {
        Self {
            count,
            left_out,
            is_counted: false,
            asked: Framing { bytes: Vec::new(), expects_startup: true },
            answered: Framing { bytes: Vec::new(), expects_startup: false },
            is_waiting: false,
            // The one that ends the authentication.
            due: VecDeque::from([false]),
        }
    }

    fn read_frontend(&mut self, bytes: &[u8]) {
        self.asked.bytes.extend_from_slice(bytes);
        while let Some((kind, body)) = self.asked.next() {
            match kind {
                0 => self.is_counted = is_counted(&body, self.left_out),
                // Query, FunctionCall and Sync ask for a ReadyForQuery.
                b'Q' | b'F' | b'S' => {
                    let waited_for = self.is_waiting || kind != b'S';
                    if self.is_counted && waited_for && !self.due.contains(&true) {
                        self.count.fetch_add(1, Ordering::SeqCst);
                    }
                    self.due.push_back(waited_for);
                    self.is_waiting = false;
                }
                // Close, Terminate, and a password.
                b'C' | b'X' | b'p' => {}
                _ => self.is_waiting = true,
            }
        }
    }

    fn read_backend(&mut self, bytes: &[u8]) {
        self.answered.bytes.extend_from_slice(bytes);
        while let Some((kind, _)) = self.answered.next() {
            match kind {
                // A client goes on after an ErrorResponse; the ReadyForQuery follows by itself.
                b'E' => self.due.iter_mut().take(1).for_each(|is_waiting| *is_waiting = false),
                b'Z' => assert!(self.due.pop_front().is_some(), "a ReadyForQuery that nobody asked for"),
                // PostgreSQL ignores a Sync while it takes a COPY.
                b'G' | b'W' => panic!("the round trips of COPY cannot be counted"),
                _ => {}
            }
        }
    }
}

/// Whether the connection that begins with the StartupMessage `body` is counted.
fn is_counted(body: &[u8], left_out: &[&str]) -> bool {
    let code = u32::from_be_bytes(body[..4].try_into().unwrap());
    if code == CANCEL_REQUEST {
        return false;
    }
    assert_eq!(code >> 16, PROTOCOL_3 >> 16, "an encrypted connection cannot be counted");
    let mut words = body[4..].split(|byte| *byte == 0);
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        if name == b"application_name" {
            return !left_out.iter().any(|one| one.as_bytes() == value);
        }
    }
    true
}

/// Cuts one direction of a connection into messages.
struct Framing {
    bytes: Vec<u8>,
    /// The first message of a frontend has no type.
    expects_startup: bool,
}

impl Framing {
    /// The next whole message: its type (0 for the first of a frontend), and what follows its length.
    fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let head = if self.expects_startup { 0 } else { 1 };
        let length: [u8; 4] = self.bytes.get(head..head + 4)?.try_into().unwrap();
        let end = head + u32::from_be_bytes(length) as usize;
        if self.bytes.len() < end {
            return None;
        }
        let message: Vec<u8> = self.bytes.drain(..end).collect();
        self.expects_startup = false;
        Some((if head == 0 { 0 } else { message[0] }, message[head + 4..].to_vec()))
    }
}
