//! Answers that are ready to be sent, many times and in every coding.

use actix_http::Response;
use actix_web::HttpResponse;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, ETAG, HeaderMap, HeaderName, HeaderValue, VARY,
};
use actix_web::web::Bytes;

use super::conditional::{Precondition, describes_body, find_version, tag_encoded};
use super::encoding::{Effort, EncodedBody, Encoding, is_plain_text};
use super::modified::Modified;
use super::reply::REVALIDATED_CACHE_CONTROL;
use crate::error::{Error, Result};
use crate::metrics::RequestNumbers;

/// The header by which encoded answers vary.
const ACCEPT_ENCODING: &str = "Accept-Encoding";

/// An answer with all its headers, but for those of one request.
pub struct ReadyAnswer {
    status: StatusCode,
    /// As a list, which takes a quarter of the memory of a map.
    headers: Box<[(HeaderName, HeaderValue)]>,
    /// The tag of the body in each coding, in the order of [`Encoding::ALL`].
    etags: Option<Box<[HeaderValue]>>,
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
        let etags = response.headers().get(ETAG).and_then(tag_codings);
        let others = response.headers().iter().filter(|(name, _)| *name != ETAG);
        let headers = others.map(|(name, value)| (name.clone(), value.clone())).collect();
        let body = EncodedBody::of_type(body, is_plain_text(response.headers()));
        Ok(Self { status: response.status(), headers, etags, modified, body, numbers })
    }

    /// Bytes that it takes, with what its body is in all codings.
    pub fn bytes(&self) -> u64 {
        const HEADER_BYTES: usize = size_of::<(HeaderName, HeaderValue)>();
        let tags = self.etags.iter().flatten().map(|etag| (&ETAG, etag));
        let all = self.headers.iter().map(|(name, value)| (name, value)).chain(tags);
        let headers: usize = all.map(|(name, value)| name.as_str().len() + value.len() + HEADER_BYTES).sum();
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
        let (encoding, body) = self.body.get(Encoding::negotiate_from_memory(request))?;
        self.respond_with(request, encoding, body)
    }

    /// The answer to a request with these headers.
    pub async fn respond(&self, request: &HeaderMap) -> Result<Response<BoxBody>> {
        let (encoding, body) = self.body.make(Encoding::negotiate_from_memory(request)).await;
        self.respond_with(request, encoding, body).ok_or_else(|| {
            let etag = self.etag(encoding).and_then(|etag| etag.to_str().ok());
            Error::Stale { current: etag.and_then(find_version).unwrap_or_default() }
        })
    }

    fn respond_with(
        &self,
        request: &HeaderMap,
        encoding: Encoding,
        body: Bytes,
    ) -> Option<Response<BoxBody>> {
        let etag = self.etag(encoding);
        // Conditions are for answers that are found (RFC 9110 §13.2.1).
        let is_known = self.status == StatusCode::OK
            && match Precondition::evaluate(request, etag.and_then(|etag| etag.to_str().ok()), self.modified)
            {
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
        // For what is added later too, so that the map does not grow.
        headers.reserve(self.headers.len() + 4);
        for (name, value) in self.headers.iter().filter(|(name, _)| !is_known || !describes_body(name)) {
            headers.insert(name.clone(), value.clone());
        }
        if let Some(etag) = etag {
            headers.insert(ETAG, etag.clone());
        }
        if !is_known && encoding != Encoding::Identity {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
        }
        Some(response)
    }

    /// The tag of the body in a coding.
    fn etag(&self, encoding: Encoding) -> Option<&HeaderValue> {
        let at = Encoding::ALL.iter().position(|one| *one == encoding)?;
        self.etags.as_ref()?.get(at)
    }
}

/// The tags of all codings of what has the tag `etag`, in the order of [`Encoding::ALL`].
fn tag_codings(etag: &HeaderValue) -> Option<Box<[HeaderValue]>> {
    let etag = etag.to_str().ok()?;
    let tags = Encoding::ALL.into_iter().map(|encoding| tag_encoded(etag, encoding, Effort::Thorough));
    tags.map(HeaderValue::try_from).collect::<Result<_, _>>().ok()
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
