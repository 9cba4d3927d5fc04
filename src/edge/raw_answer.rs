//! Answers that are written without the HTTP library.

use std::net::IpAddr;

use actix_web::body::MessageBody;
use actix_web::{HttpResponse, ResponseError};

use super::framing::HeadNotes;
use crate::error::{Code, Error};
use crate::http::cross_origin::{Asked, CrossOrigin};
use crate::http::page_headers;
use crate::language::{LANGUAGE, Language};
use crate::telemetry::{REQUEST_ID, make_request_id};

/// Who gets an answer, as far as it is known.
#[derive(Clone, Copy)]
pub struct Recipient<'a> {
    /// The address of the connection.
    pub peer: Option<IpAddr>,
    /// What has arrived of the head.
    pub head: &'a HeadNotes,
    /// The cross-origin rules of the server. A server that is starting has none yet.
    pub rules: Option<&'a CrossOrigin>,
}

/// Returns the bytes of the answer that tells of `error` and closes the connection. Logs it as a request.
pub fn write_answer(error: &Error, has_body: bool, recipient: Recipient<'_>) -> Vec<u8> {
    let Recipient { peer, head, rules } = recipient;
    let id = make_request_id();
    let language = Language::negotiate(head.accept_language.as_deref().unwrap_or_default());
    let render = || REQUEST_ID.sync_scope(Some(id.clone()), || error.error_response());
    let mut response = LANGUAGE.sync_scope(language, render);
    if let Some(rules) = rules {
        let asked = Asked::by_page(head.origin.as_deref(), head.host.as_deref());
        rules.open_to_page(&asked, response.headers_mut());
        rules.open_to_all(&asked, response.headers_mut());
        rules.write_vary(&asked, None, response.headers_mut());
    }
    let status = response.status();
    let client = peer.map(|peer| peer.to_canonical().to_string());
    tracing::info!(target: "inkstone::access", status = status.as_u16(), request_id = id, client, "A request was refused before it was read");
    write_response(response, &id, has_body)
}

/// Returns the bytes of `response`, with the headers that every answer has. It closes the connection.
pub fn write_response(mut response: HttpResponse, id: &str, has_body: bool) -> Vec<u8> {
    page_headers::write_headers(response.headers_mut());
    let status = response.status();
    let mut answer = format!("HTTP/1.1 {status}\r\nconnection: close\r\nx-request-id: {id}\r\n").into_bytes();
    for (name, value) in response.headers() {
        answer.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    let body = response.into_body().try_into_bytes().unwrap_or_default();
    answer.extend(format!("content-length: {}\r\n\r\n", body.len()).into_bytes());
    if has_body {
        answer.extend(body);
    }
    answer
}

/// Returns the error that the HTTP library means by `answer`, if it refuses a head: it says no more than the status.
pub fn find_refusal(answer: &[u8]) -> Option<Error> {
    // No 400 of an operation is empty.
    if answer.starts_with(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n") {
        return Some(malformed_head());
    }
    let is_too_large =
        answer.starts_with(b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n");
    is_too_large.then(|| Error::Refused(Code::HeadTooLarge, "The head of the request is too large.".into()))
}

/// A new connection for which there is no room.
pub fn busy() -> Error {
    Error::Unavailable("too many connections".to_owned())
}

/// A head that takes too long.
pub fn late_head() -> Error {
    Error::Refused(Code::RequestTimeout, "The request took too long to arrive.".into())
}

/// A head that the parser refuses.
fn malformed_head() -> Error {
    Error::Refused(Code::BadRequest, "The request is not HTTP as RFC 9112 has it.".into())
}
