//! The line that the log has of each request.

use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use tokio::time::Instant;
use uuid::Uuid;

use crate::http::client::{find_address, find_agent};
use crate::members::guard::{CallerId, find_caller_id};

/// What the log tells of a request.
pub struct AccessLine {
    began: Instant,
    method: Method,
    path: String,
    request_id: String,
    client: IpAddr,
    agent: String,
    status: StatusCode,
    caller: Option<CallerId>,
}

impl AccessLine {
    /// Reads what is to be told from a request that has arrived.
    pub fn begin(req: &ServiceRequest, request_id: &str) -> Self {
        Self {
            began: Instant::now(),
            method: req.method().clone(),
            path: req.path().to_owned(),
            request_id: request_id.to_owned(),
            client: find_address(req.request()),
            agent: find_agent(req.request()),
            status: StatusCode::OK,
            caller: None,
        }
    }

    /// Returns when the request arrived.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// Writes the line of an answered request. The line of a stream is written at its end.
    pub fn finish(mut self, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
        self.status = response.status();
        self.caller = find_caller_id(response.request());
        match response.response().body().size() {
            BodySize::Stream => {
                response.map_body(|_, body| BoxBody::new(LoggedBody { line: self, body, bytes: 0 }))
            }
            BodySize::Sized(bytes) if self.method != Method::HEAD => {
                self.write(bytes);
                response
            }
            _ => {
                self.write(0);
                response
            }
        }
    }

    /// Writes the line of a request whose answer was made without it.
    pub fn finish_lost(mut self, status: StatusCode) {
        self.status = status;
        self.write(0);
    }

    fn write(&self, bytes: u64) {
        let id = |id: Uuid| id.to_string();
        let (member, key) = match self.caller {
            Some(CallerId::Member(member)) => (Some(id(member)), None),
            Some(CallerId::Key(key)) => (None, Some(id(key))),
            None => (None, None),
        };
        tracing::info!(
            target: "inkstone::access",
            method = %self.method,
            path = self.path,
            status = self.status.as_u16(),
            ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            bytes,
            client = %self.client,
            member,
            key,
            agent = self.agent,
            request_id = self.request_id,
            "Answered"
        );
    }
}

/// The body of a stream, whose bytes are counted.
struct LoggedBody {
    line: AccessLine,
    body: BoxBody,
    bytes: u64,
}

impl MessageBody for LoggedBody {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_next(cx);
        if let Poll::Ready(Some(Ok(bytes))) = &polled {
            self.bytes += bytes.len() as u64;
        }
        polled
    }
}

impl Drop for LoggedBody {
    fn drop(&mut self) {
        self.line.write(self.bytes);
    }
}
