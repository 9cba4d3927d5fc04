//! A TCP proxy that makes the network and the store behind it fail.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::waits::within_limit;

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    /// Nothing.
    Pass,
    /// Each request is answered with this status, and never reaches the store.
    Answer(u16),
    /// The connection is reset after so many bytes of requests.
    ResetUpload(usize),
    /// The connection is reset after so many bytes of answers.
    ResetDownload(usize),
    /// No byte of requests passes after so many.
    StallUpload(usize),
    /// No byte of answers passes after so many.
    StallDownload(usize),
    /// Bytes of requests pass in parts of this size, one each 20 ms.
    Slow(usize),
}

/// A proxy before a server. It ends when it is dropped.
pub(super) struct Proxy {
    pub(super) endpoint: String,
    /// How many connections came to their fault.
    faults: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

struct State {
    server: SocketAddr,
    /// Faults of the next connections.
    next: Mutex<VecDeque<Fault>>,
    /// The fault of all others.
    always: Fault,
    reached: watch::Sender<usize>,
}

impl Proxy {
    pub(super) async fn start(server: SocketAddr, next: &[Fault], always: Fault) -> Self {
        // Small buffers and the packets of Ethernet, so that the client notices soon how fast its bytes pass.
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(16 << 10).unwrap();
        socket2::SockRef::from(&socket).set_tcp_mss(1_400).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(64).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (reached, faults) = watch::channel(0);
        let next = Mutex::new(next.iter().copied().collect());
        let state = Arc::new(State { server, next, always, reached });
        let task = tokio::spawn(accept(listener, state));
        Self { endpoint, faults, task }
    }

    /// Waits until so many connections have come to their fault.
    pub(super) async fn wait_for_faults(&self, count: usize) {
        within_limit(self.faults.clone().wait_for(|reached| *reached >= count)).await.unwrap();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        let next = state.next.lock().unwrap().pop_front();
        let fault = next.unwrap_or(state.always);
        tokio::spawn(connect(client, fault, state.clone()));
    }
}

async fn connect(client: TcpStream, fault: Fault, state: Arc<State>) {
    if let Fault::Answer(status) = fault {
        state.reached.send_modify(|reached| *reached += 1);
        return answer(client, status).await;
    }
    let server = TcpStream::connect(state.server).await.unwrap();
    // A reset instead of an end of the stream, when both halves are dropped.
    let is_reset = matches!(fault, Fault::ResetUpload(_) | Fault::ResetDownload(_));
    if is_reset {
        client.set_zero_linger().unwrap();
    }
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    let (up, down) = match fault {
        Fault::ResetUpload(limit) | Fault::StallUpload(limit) => (limit, usize::MAX),
        Fault::ResetDownload(limit) | Fault::StallDownload(limit) => (usize::MAX, limit),
        _ => (usize::MAX, usize::MAX),
    };
    let part = if let Fault::Slow(bytes) = fault { Some(bytes) } else { None };
    tokio::select! {
        () = forward(client_read, server_write, up, part, (&state, is_reset)) => {}
        () = forward(server_read, client_write, down, None, (&state, is_reset)) => {}
    }
}

/// Passes bytes on, at most `limit`, and then stops.
async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    limit: usize,
    slow: Option<usize>,
    (state, is_reset): (&State, bool),
) {
    let mut buffer = vec![0; slow.unwrap_or(16 << 10)];
    let mut passed = 0;
    loop {
        if slow.is_some() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let length = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(length) => length,
        };
        let allowed = length.min(limit - passed);
        if to.write_all(&buffer[..allowed]).await.is_err() {
            return;
        }
        passed += allowed;
        if passed == limit {
            state.reached.send_modify(|reached| *reached += 1);
            if !is_reset {
                // The stalled direction stays open, and the other one works on.
                std::future::pending::<()>().await;
            }
            return;
        }
    }
}

/// Answers one request, and reads what the client still sends.
async fn answer(mut client: TcpStream, status: u16) {
    let mut buffer = vec![0; 16 << 10];
    let _ = client.read(&mut buffer).await;
    let body = "<Error><Code>SlowDown</Code><Message>Later.</Message></Error>";
    let length = body.len();
    let head = format!("HTTP/1.1 {status} No\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    let _ = client.write_all(format!("{head}{body}").as_bytes()).await;
    let _ = client.shutdown().await;
    while client.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
}
