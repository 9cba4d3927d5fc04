//! The edge of the HTTP server: each connection before a request is parsed and after an answer is made.
//!
//! The HTTP library limits the first head of a connection and nothing after it. Here every connection is a
//! `stream::GuardedStream`, which follows the framing of what arrives and ends the connection of a client that is too
//! slow: with a head, with a body, or in taking an answer. [`connections::Connections`] counts the connections, and
//! makes room for new ones.

pub mod access_log;
pub mod backlog;
pub mod connections;
pub mod descriptors;
pub mod exchange;
mod framing;
pub mod hits;
mod pace;
mod raw_answer;
pub mod starting;
mod stream;

use std::fmt::Debug;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, KeepAlive, Protocol, Request, Response};
use actix_server::{Server, ServerBuilder};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, apply_fn_factory, fn_service, map_config,
};
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, ServiceResponse};
use futures_util::TryFutureExt;
use futures_util::future::{Either, ready};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use connections::Connections;
use framing::HeadNotes;
use hits::Hits;
use raw_answer::{Recipient, write_answer};
use stream::GuardedStream;

use crate::http::cross_origin::CrossOrigin;

/// Connections that are refused at a time with an answer; others are closed.
static REFUSALS: Semaphore = Semaphore::const_new(64);

/// How long a connection waits for its client.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a head, from its first byte; for the first head, from the connection on.
    pub head: Duration,
    /// For the first byte of the next request, after an answer.
    pub idle: Duration,
    /// For the client to close, after the last answer.
    pub linger: Duration,
    /// For bytes of a body.
    pub body: Duration,
    /// For the client to take bytes of an answer.
    pub answer: Duration,
    /// The same, while many bytes wait for other clients too.
    pub answer_under_pressure: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(5),
            idle: Duration::from_secs(5),
            linger: Duration::from_secs(1),
            body: Duration::from_secs(30),
            answer: Duration::from_secs(20),
            answer_under_pressure: Duration::from_secs(2),
        }
    }
}

/// How a server runs.
#[derive(Clone)]
pub struct Settings {
    /// All connections.
    pub connections: Arc<Connections>,
    /// The cross-origin rules, for answers that are made before a request is read.
    pub cross_origin: Arc<CrossOrigin>,
    /// Answers that are ready.
    pub hits: Hits,
    /// How long a connection waits for its client.
    pub patience: Patience,
    /// Threads that answer.
    pub workers: usize,
    /// Seconds that requests in flight may take to end.
    pub shutdown_timeout: u64,
}

/// Answers the requests that arrive on `listener`, until the handle of the returned server stops it.
pub fn serve<F, I, S>(listener: TcpListener, settings: &Settings, factory: F) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<
            Request,
            Config = AppConfig,
            Response = ServiceResponse<BoxBody>,
            Error = actix_web::Error,
        > + 'static,
    S::InitError: Debug,
{
    let Settings { connections, cross_origin, hits, patience, workers, shutdown_timeout } = settings.clone();
    let builder = ServerBuilder::new()
        .workers(workers)
        .disable_signals()
        .shutdown_timeout(shutdown_timeout)
        // Ours is lower: this one would stop accepting instead of making room.
        .max_concurrent_connections(connections.limit().saturating_mul(2));
    let stopping = builder.graceful_shutdown_signal();
    let builder = builder.listen("http", listener, move || {
        let stopping = stopping.clone();
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(KeepAlive::Timeout(patience.idle))
            // The guarded stream has the time limits of heads.
            .client_request_timeout(Duration::ZERO)
            .client_disconnect_timeout(patience.linger)
            .on_connect_ext(|stream: &GuardedStream, data| {
                data.insert(Rc::clone(stream.exchange_state()));
            });
        let app = factory().into_factory().map_err(|error: actix_web::Error| error.error_response());
        let hits = hits.clone();
        let app = apply_fn_factory(app, move |req: Request, app: &_| match hits.answer(&req) {
            Some(answer) => Either::Left(ready(Ok(answer))),
            None => Either::Right(Service::call(app, req).map_ok(Response::from)),
        });
        let (connections, rules) = (Arc::clone(&connections), Arc::clone(&cross_origin));
        fn_service(move |stream: TcpStream| {
            let (connections, rules) = (Arc::clone(&connections), Arc::clone(&rules));
            async move { admit(stream, &connections, patience, rules).await.map_err(DispatchError::Io) }
        })
        .and_then(http.finish(map_config(app, |()| AppConfig::default())))
    })?;
    Ok(builder.run())
}

/// Takes a new connection, or refuses it in a few bytes.
async fn admit(
    stream: TcpStream,
    connections: &Arc<Connections>,
    patience: Patience,
    rules: Arc<CrossOrigin>,
) -> io::Result<(GuardedStream, Protocol, Option<SocketAddr>)> {
    let peer = stream.peer_addr()?;
    let Some(slot) = connections.admit(peer.ip()) else {
        // The answer is lost if the connection closes before the request has been read.
        if let Ok(_permit) = REFUSALS.try_acquire() {
            let _ = tokio::time::timeout(patience.linger, refuse(stream, &rules)).await;
        }
        return Err(io::ErrorKind::ConnectionRefused.into());
    };
    Ok((GuardedStream::new(stream, slot, patience, rules), Protocol::Http1, Some(peer)))
}

/// Refuses a connection, and reads what its client sends.
async fn refuse(mut stream: TcpStream, rules: &CrossOrigin) -> io::Result<()> {
    let peer = stream.peer_addr().ok().map(|peer| peer.ip());
    let recipient = Recipient { peer, head: &HeadNotes::default(), rules: Some(rules) };
    stream.write_all(&write_answer(&raw_answer::busy(), true, recipient)).await?;
    stream.shutdown().await?;
    tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.map(drop)
}
