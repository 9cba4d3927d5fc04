//! The last step of an answer that is not kept: conditions and codings.

use actix_web::HttpResponse;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_ENCODING, ETAG, HeaderMap, HeaderValue};
use actix_web::web::Bytes;

use super::conditional::{Precondition, describes_body, find_version, set_tag, tag_encoded};
use super::encoding::{Effort, Encoding, MIN_BYTES, encode, is_plain_text};
use super::modified::Modified;
use super::ready::add_vary;
use crate::error::Error;

/// Judges the conditions of a request to read, and encodes the body if it may be and the client likes it.
pub async fn finish_answer(
    request: &HeaderMap,
    is_read: bool,
    may_encode: bool,
    response: HttpResponse,
) -> HttpResponse {
    let modified = response.extensions().get::<Modified>().copied();
    let (mut head, body) = response.into_parts();
    let body = match body.try_into_bytes() {
        Ok(body) => body,
        Err(body) => return head.set_body(body),
    };
    let encoding = if may_encode && body.len() >= MIN_BYTES && is_plain_text(head.headers()) {
        add_vary(head.headers_mut());
        Encoding::negotiate(request, Effort::Fast)
    } else {
        Encoding::Identity
    };
    let etag = head.headers().get(ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
    if is_read && head.status() == StatusCode::OK && (etag.is_some() || modified.is_some()) {
        let etag = etag.as_deref().map(|etag| tag_encoded(etag, encoding, Effort::Fast));
        match Precondition::evaluate(request, etag.as_deref(), modified) {
            Precondition::Met => {}
            Precondition::NotModified => {
                *head.status_mut() = StatusCode::NOT_MODIFIED;
                head.headers_mut().retain(|name, _| !describes_body(name));
                set_tag(head.headers_mut(), etag);
                return head.set_body(BoxBody::new(()));
            }
            Precondition::Failed => {
                let current = etag.as_deref().and_then(find_version).unwrap_or_default();
                return HttpResponse::from_error(Error::Stale { current });
            }
        }
    }
    encode_body(head, body, encoding, etag).await
}

async fn encode_body(
    mut head: HttpResponse<()>,
    body: Bytes,
    encoding: Encoding,
    etag: Option<String>,
) -> HttpResponse {
    let Some(encoded) = encode(body.clone(), encoding, Effort::Fast).await else {
        return head.set_body(BoxBody::new(body));
    };
    head.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
    set_tag(head.headers_mut(), etag.map(|etag| tag_encoded(&etag, encoding, Effort::Fast)));
    head.set_body(BoxBody::new(encoded))
}
