//! The requests to an S3-compatible store: no wait without a limit, and failures as [`StoreError`].
//!
//! `object_store` signs requests and reads answers. It tries a request again if this client says so, by the kind of
//! the error: all requests of a store may be repeated, because an object has the same bytes whoever writes it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream, StreamExt};
use http_body_util::BodyExt;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
    HttpResponseBody, HttpService,
};
use reqwest::redirect::Policy;
use reqwest::{Method, Response, StatusCode, Url};
use tokio::time::{Instant, sleep_until, timeout};

use super::super::error::StoreError;
use super::super::settings::S3Settings;
use super::fault::{Fault, RangeFault, Verdict, describe_cause, judge_answer, unavailable};

/// Bytes after which an upload counts as having made progress. The connection takes up to 16 such frames in advance.
const FRAME_BYTES: usize = 16 << 10;
/// The most bytes of an answer that is read for its code. Longer ones are cut.
const MAX_FAULT_BYTES: usize = 64 << 10;

/// A client whose every wait is limited. Clones share its connections.
#[derive(Clone, Debug)]
pub(super) struct LimitedClient {
    client: reqwest::Client,
    stall: Duration,
}

impl LimitedClient {
    pub(super) fn new(settings: &S3Settings) -> Result<Self, StoreError> {
        // An error says that one is installed: the process has one provider for all its clients.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = reqwest::Client::builder()
            .connect_timeout(settings.limits.connect)
            .http1_only()
            .https_only(!settings.is_http)
            .redirect(Policy::none());
        if settings.is_loopback {
            client = client.no_proxy();
        }
        let client = client.build().map_err(|cause| StoreError::Other(describe_cause(&cause)))?;
        Ok(Self { client, stall: settings.limits.stall })
    }

    /// Sends a request. Fails if nothing moves for the time of a stall before the answer begins.
    async fn send(&self, request: HttpRequest) -> Result<Response, StoreError> {
        let (parts, body) = request.into_parts();
        let url = parts.uri.to_string();
        let url = Url::parse(&url).map_err(|cause| StoreError::Other(format!("no address: {cause}")))?;
        let progress = Arc::new(Progress::new());
        let mut request = reqwest::Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        *request.body_mut() = Some(into_watched_body(body, &progress));
        tokio::select! {
            answer = self.client.execute(request) => answer.map_err(|cause| unavailable(&cause)),
            () = progress.wait_for_stall(self.stall) => Err(self.describe_stall()),
        }
    }

    /// The body of an answer. It fails if no byte arrives for the time of a stall.
    fn watch_answer(&self, answer: Response) -> impl Stream<Item = Result<Bytes, HttpError>> + Send + use<> {
        let (client, body) = (self.clone(), answer.bytes_stream().boxed());
        stream::unfold((client, body), |(client, mut body)| async move {
            let part = match timeout(client.stall, body.next()).await {
                Ok(part) => part?.map_err(|cause| unavailable(&cause)),
                Err(_) => Err(client.describe_stall()),
            };
            Some((part.map_err(retryable), (client, body)))
        })
    }

    /// The beginning of an answer that is short or cut.
    async fn read_beginning(&self, answer: Response) -> Result<Bytes, HttpError> {
        let mut body = Box::pin(self.watch_answer(answer));
        let mut bytes = BytesMut::new();
        while bytes.len() < MAX_FAULT_BYTES
            && let Some(part) = body.next().await
        {
            bytes.extend_from_slice(&part?);
        }
        Ok(bytes.freeze())
    }

    fn describe_stall(&self) -> StoreError {
        StoreError::Unavailable(format!("nothing was sent or received for {:?}", self.stall))
    }
}

#[async_trait]
impl HttpService for LimitedClient {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let has_late_fault = is_completion(&request);
        let answer = self.send(request).await.map_err(retryable)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        if status == StatusCode::RANGE_NOT_SATISFIABLE {
            return Err(HttpError::new(HttpErrorKind::Unknown, RangeFault));
        }
        let body = if status.is_success() && !has_late_fault {
            let body = reqwest::Body::wrap_stream(self.watch_answer(answer));
            HttpResponseBody::new(body.map_err(|cause| HttpError::new(HttpErrorKind::Request, cause)))
        } else {
            let body = self.read_beginning(answer).await?;
            match judge_answer(status, &body) {
                Verdict::Pass => HttpResponseBody::from(body),
                Verdict::Retry(error) => return Err(retryable(error)),
                Verdict::Fail(error) => return Err(HttpError::new(HttpErrorKind::Unknown, Fault(error))),
            }
        };
        let mut response = HttpResponse::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

impl HttpConnector for LimitedClient {
    /// The options are not read: this client has its settings already.
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

/// An error after which `object_store` tries again, as often as it may.
fn retryable(error: StoreError) -> HttpError {
    HttpError::new(HttpErrorKind::Request, Fault(error))
}

/// Whether a request ends a multipart upload. Its answer may begin with 200 and end with a fault.
fn is_completion(request: &HttpRequest) -> bool {
    let query = request.uri().query().unwrap_or_default();
    request.method() == Method::POST && query.contains("uploadId=")
}

/// When a request last sent something.
struct Progress(Mutex<Instant>);

impl Progress {
    fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    fn record(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Ends when nothing was recorded for `stall`.
    async fn wait_for_stall(&self, stall: Duration) {
        loop {
            let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let deadline = last + stall;
            if deadline <= Instant::now() {
                return;
            }
            sleep_until(deadline).await;
        }
    }
}

/// A body that records its progress. Small ones without parts are sent at once.
fn into_watched_body(body: HttpRequestBody, progress: &Arc<Progress>) -> reqwest::Body {
    if let Some(bytes) = body.as_bytes() {
        return reqwest::Body::from(bytes.clone());
    }
    let progress = progress.clone();
    let frames = body.into_data_stream().flat_map(|part| match part {
        Ok(part) => stream::iter(split_frames(part)).map(Ok).boxed(),
        Err(error) => stream::iter([Err(error)]).boxed(),
    });
    reqwest::Body::wrap_stream(frames.inspect(move |_| progress.record()))
}

/// Cuts bytes into frames without copying them.
fn split_frames(mut bytes: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let length = bytes.len().min(FRAME_BYTES);
        (length > 0).then(|| bytes.split_to(length))
    })
}

/// Fetches an address that is signed already, and reads its answer up to 4 MiB.
///
/// Not tried again. The address is a secret for as long as its signature is valid: no error shows it.
pub(super) async fn fetch_signed(client: &LimitedClient, url: &str) -> Result<Bytes, StoreError> {
    const MAX_ANSWER_BYTES: usize = 4 << 20;
    let unreadable = |_| StoreError::Other("a signed address is not valid".to_owned());
    let mut request = HttpRequest::new(HttpRequestBody::empty());
    *request.uri_mut() = url.parse().map_err(unreadable)?;
    let response = client.call(request).await.map_err(|cause| super::fault::classify_chain(&cause))?;
    if response.status() == StatusCode::NOT_FOUND {
        return Err(StoreError::Other("the store answered 404".to_owned()));
    }
    let mut body = response.into_body().bytes_stream();
    let mut bytes = BytesMut::new();
    while let Some(part) = body.next().await {
        bytes.extend_from_slice(&part.map_err(|cause| super::fault::classify_chain(&cause))?);
        if bytes.len() > MAX_ANSWER_BYTES {
            return Err(StoreError::Other("the answer of the store is too long".to_owned()));
        }
    }
    Ok(bytes.freeze())
}
