//! What clients are told while the database starts.

use std::io;
use std::net::TcpListener;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::CACHE_CONTROL;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::framing::Framing;
use super::raw_answer::{Recipient, write_answer, write_response};
use crate::error::Error;
use crate::http::reply::JSON;
use crate::telemetry::make_request_id;

/// The longest time of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest time that requests in flight hold up the end of the start.
const HANDOVER_TIMEOUT: Duration = Duration::from_millis(500);
/// The longest head that is read.
const MAX_HEAD_BYTES: usize = 8 << 10;
/// Requests that are answered at a time.
const MAX_REQUESTS: usize = 256;

/// The body of the answer to `/healthz`.
const ALIVE: &str = r#"{"status":"ok"}"#;

/// Answers until the server is ready: `/healthz` with 200, everything else with 503.
pub struct StartingServer {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl StartingServer {
    /// Starts to answer the connections of `listener`, on a thread of its own.
    pub fn start(listener: &TcpListener) -> io::Result<Self> {
        let listener = listener.try_clone()?;
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("starting".to_owned()).spawn(move || {
            if let Err(cause) = runtime.block_on(answer_until(stopped, listener)) {
                tracing::warn!(%cause, "Clients are not answered before the server is ready");
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for StartingServer {
    /// Leaves new connections to the server that follows.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn answer_until(mut stopped: oneshot::Receiver<()>, listener: TcpListener) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut requests = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            _ = requests.join_next(), if !requests.is_empty() => {}
            accepted = listener.accept(), if requests.len() < MAX_REQUESTS => {
                if let Ok((stream, _)) = accepted {
                    requests.spawn(timeout(REQUEST_TIMEOUT, answer(stream)));
                }
            }
        }
    }
    let _ = timeout(HANDOVER_TIMEOUT, async { while requests.join_next().await.is_some() {} }).await;
    Ok(())
}

async fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < MAX_HEAD_BYTES {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let line = String::from_utf8_lossy(&head).into_owned();
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    let has_body = method != "HEAD";
    let answer = match path {
        "/healthz" => {
            let mut alive = HttpResponse::Ok();
            alive.content_type(JSON).insert_header((CACHE_CONTROL, "private, no-store"));
            write_response(alive.body(ALIVE), &make_request_id(), has_body)
        }
        _ => {
            let peer = stream.peer_addr().ok().map(|peer| peer.ip());
            let mut framing = Framing::new();
            framing.advance(&mut head);
            let recipient = Recipient { peer, head: framing.head(), rules: None };
            write_answer(&Error::Unavailable("the server is starting".to_owned()), has_body, recipient)
        }
    };
    stream.write_all(&answer).await?;
    stream.shutdown().await
}
