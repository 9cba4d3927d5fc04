//! Networks between the server and PostgreSQL: a long one, and one that drops packets.

use std::fs::File;
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_postgres::Config;

use super::wire::{open, url_through};

/// Bytes read at once.
const CHUNK: usize = 64 << 10;

/// A TCP proxy for one PostgreSQL server.
pub struct Link {
    /// The database, reached through the proxy.
    pub url: String,
    /// The ports from which the proxy was connected to.
    ports: Arc<Mutex<Vec<u16>>>,
}

impl Link {
    /// A link on which bytes take `delay` in each direction.
    pub fn slow(url: &str, delay: Duration, runtime: &Handle) -> Self {
        Self::start(url, TcpListener::bind("127.0.0.1:0").unwrap(), delay, runtime)
    }

    /// A link that leads through `network`.
    pub fn through(network: &Network, url: &str, runtime: &Handle) -> Self {
        Self::start(url, network.listen(), Duration::ZERO, runtime)
    }

    fn start(url: &str, listener: TcpListener, delay: Duration, runtime: &Handle) -> Self {
        let upstream: Config = url.parse().unwrap();
        let address = listener.local_addr().unwrap();
        let url = url_through(&upstream, &address.ip().to_string(), address.port());
        listener.set_nonblocking(true).unwrap();
        let ports = Arc::new(Mutex::new(Vec::new()));
        let seen = ports.clone();
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (frontend, peer) = listener.accept().await.unwrap();
                frontend.set_nodelay(true).unwrap();
                seen.lock().unwrap().push(peer.port());
                tokio::spawn(forward(frontend, upstream.clone(), delay));
            }
        });
        Self { url, ports }
    }

    /// Makes `network` drop the packets of all connections that are open now.
    pub fn drop_packets(&self, network: &Network) {
        for port in self.ports.lock().unwrap().drain(..) {
            let port = port.to_string();
            network.run(&["iptables", "-w", "-A", "INPUT", "-p", "tcp", "--sport", &port, "-j", "DROP"]);
            network.run(&["iptables", "-w", "-A", "OUTPUT", "-p", "tcp", "--dport", &port, "-j", "DROP"]);
        }
    }
}

async fn forward(frontend: TcpStream, upstream: Config, delay: Duration) {
    let (from_server, to_server) = frontend.into_split();
    let (from_database, to_database) = tokio::io::split(open(&upstream).await);
    tokio::join!(copy_late(from_server, to_database, delay), copy_late(from_database, to_server, delay));
}

/// Copies bytes, each `delay` after it was read.
async fn copy_late(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, delay: Duration) {
    let (sender, mut receiver) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let reading = async move {
        let mut chunk = vec![0; CHUNK];
        while let Ok(read @ 1..) = from.read(&mut chunk).await {
            let _ = sender.send((Instant::now() + delay, chunk[..read].to_vec()));
        }
    };
    let writing = async {
        while let Some((due, bytes)) = receiver.recv().await {
            tokio::time::sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                break;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(reading, writing);
}

/// A network namespace with an address of its own. Only root can make one.
pub struct Network {
    name: String,
    /// The interface on this side.
    interface: String,
    address: String,
}

impl Network {
    /// Makes a network. Where this process may not, or `ip` or `iptables` are missing, returns `None`.
    pub fn make() -> Option<Self> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let (pid, number) = (std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let (name, interface, inner) =
            (format!("inkstone-{pid}-{number}"), format!("ink{pid}a{number}"), format!("ink{pid}b{number}"));
        // RFC 2544 keeps 198.18.0.0/15 for tests of networks. Each has four addresses.
        let base = format!("198.{}.{}", 18 + pid % 2, pid / 2 % 256);
        let (outside, inside) = (4 * number + 1, 4 * number + 2);
        if !try_run(&["iptables", "--version"]) || !try_run(&["ip", "netns", "add", &name]) {
            return None;
        }
        let network = Self { name, interface, address: format!("{base}.{inside}") };
        let Self { name, interface, address } = &network;
        let made = try_run(&["ip", "link", "add", interface, "type", "veth", "peer", &inner, "netns", name])
            && try_run(&["ip", "address", "add", &format!("{base}.{outside}/30"), "dev", interface])
            && try_run(&["ip", "link", "set", interface, "up"])
            && try_run(&["ip", "-n", name, "address", "add", &format!("{address}/30"), "dev", &inner])
            && try_run(&["ip", "-n", name, "link", "set", &inner, "up"])
            && try_run(&["ip", "netns", "exec", name, "iptables", "-w", "-L"]);
        made.then_some(network)
    }

    /// Runs a program inside.
    fn run(&self, command: &[&str]) {
        assert!(try_run(&[&["ip", "netns", "exec", &self.name], command].concat()), "{command:?}");
    }

    /// Listens inside.
    fn listen(&self) -> TcpListener {
        let (namespace, address) = (format!("/run/netns/{}", self.name), self.address.clone());
        // The namespace is a thread's own; a socket stays in that of the thread that opened it.
        let listening = std::thread::spawn(move || {
            let namespace = File::open(namespace).unwrap();
            // SAFETY: the descriptor is open, and the call changes nothing but this thread.
            assert_eq!(unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) }, 0);
            TcpListener::bind((address.as_str(), 0)).unwrap()
        });
        listening.join().unwrap()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        try_run(&["ip", "link", "delete", &self.interface]);
        try_run(&["ip", "netns", "delete", &self.name]);
    }
}

/// Runs a program, and returns whether it succeeded.
pub fn try_run(command: &[&str]) -> bool {
    let status =
        Command::new(command[0]).args(&command[1..]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
