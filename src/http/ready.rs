//! Answers that are ready to be sent, many times and in every coding.

use actix_http::Response;
use actix_web::HttpResponse;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, VARY,
};
use actix_web::web::Bytes;

use super::conditional::{Precondition, find_version, set_tag, tag_encoded};
use super::encoding::{Effort, EncodedBody, Encoding};
use super::modified::Modified;
use super::reply::REVALIDATED_CACHE_CONTROL;
use crate::error::{Error, Result};
use crate::metrics::RequestNumbers;

/// The header by which encoded answers vary.
const ACCEPT_ENCODING: &str = "Accept-Encoding";

/// An answer with all its headers, but for those of one request.
pub struct ReadyAnswer {
    status: StatusCode,
    headers: HeaderMap,
    etag: Option<String>,
    modified: Option<Modified>,
    body: EncodedBody,
    numbers: AnswerNumbers,
}

/// Where answers from the cache are counted.
pub struct AnswerNumbers {
    /// Those in full.
    pub whole: RequestNumbers,
    /// Those without a body, as the client has it.
    pub not_modified: RequestNumbers,
}

impl ReadyAnswer {
    /// Takes an answer that has all its headers. Gives it back if its body is not ready as a whole.
    pub fn new(response: HttpResponse, numbers: AnswerNumbers) -> Result<Self, Box<HttpResponse>> {
        let modified = response.extensions().get::<Modified>().copied();
        let (response, body) = response.into_parts();
        let body = match body.try_into_bytes() {
            Ok(body) => body,
            Err(body) => return Err(Box::new(response.set_body(body))),
        };
        let mut headers = response.headers().clone();
        let etag = headers.remove(ETAG).next().and_then(|etag| etag.to_str().ok().map(str::to_owned));
        let body = EncodedBody::new(body);
        Ok(Self { status: response.status(), headers, etag, modified, body, numbers })
    }

    /// Bytes that it takes, with what its body is in all codings.
    pub fn bytes(&self) -> u64 {
        let headers: usize =
            self.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 64).sum();
        let body = if self.body.is_encodable() { 3 * self.body.len() } else { self.body.len() };
        (headers + body) as u64
    }

    /// Where it is counted, with this status.
    pub fn numbers(&self, status: StatusCode) -> &RequestNumbers {
        if status == StatusCode::NOT_MODIFIED { &self.numbers.not_modified } else { &self.numbers.whole }
    }

    /// The answer to a request with these headers. `None` if there is work to do first: a coding that was not made yet,
    /// or a condition that is not met.
    pub fn respond_now(&self, request: &HeaderMap) -> Option<Response<BoxBody>> {
        let (encoding, body) = self.body.get(Encoding::negotiate(request, Effort::Thorough))?;
        self.respond_with(request, encoding, body)
    }

    /// The answer to a request with these headers.
    pub async fn respond(&self, request: &HeaderMap) -> Result<Response<BoxBody>> {
        let (encoding, body) = self.body.make(Encoding::negotiate(request, Effort::Thorough)).await;
        let current = || self.etag.as_deref().and_then(find_version).unwrap_or_default();
        self.respond_with(request, encoding, body).ok_or_else(|| Error::Stale { current: current() })
    }

    fn respond_with(
        &self,
        request: &HeaderMap,
        encoding: Encoding,
        body: Bytes,
    ) -> Option<Response<BoxBody>> {
        let etag = self.etag.as_deref().map(|etag| tag_encoded(etag, encoding, Effort::Thorough));
        // Conditions are for answers that are found (RFC 9110 §13.2.1).
        let is_found = self.status == StatusCode::OK;
        let is_known = is_found
            && match Precondition::evaluate(request, etag.as_deref(), self.modified) {
                Precondition::Failed => return None,
                Precondition::NotModified => true,
                Precondition::Met => false,
            };
        let mut response = if is_known {
            Response::new(StatusCode::NOT_MODIFIED).map_body(|_, _| BoxBody::new(()))
        } else {
            Response::with_body(self.status, BoxBody::new(body))
        };
        let headers = response.headers_mut();
        *headers = self.headers.clone();
        set_tag(headers, etag);
        if is_known {
            headers.remove(CONTENT_TYPE);
        } else if encoding != Encoding::Identity {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
        }
        Some(response)
    }
}

/// Says that an answer, which visitors get too, is kept for one member alone.
pub fn make_private(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(REVALIDATED_CACHE_CONTROL));
}

/// Says that an answer varies by the codings that the client takes.
pub fn add_vary(headers: &mut HeaderMap) {
    let given = headers.get(VARY).and_then(|vary| vary.to_str().ok()).filter(|vary| !vary.is_empty());
    if given.is_some_and(|given| given.contains(ACCEPT_ENCODING)) {
        return;
    }
    let vary =
        given.map_or_else(|| ACCEPT_ENCODING.to_owned(), |given| format!("{given}, {ACCEPT_ENCODING}"));
    if let Ok(vary) = HeaderValue::from_str(&vary) {
        headers.insert(VARY, vary);
    }
}
