//! Answers that are written without the HTTP library.

use actix_web::ResponseError;
use actix_web::body::MessageBody;

use crate::error::{Code, Error};
use crate::http::page_headers;

/// Returns the bytes of the answer that tells of `error` and closes the connection.
pub fn write_answer(error: &Error, has_body: bool) -> Vec<u8> {
    let mut response = error.error_response();
    page_headers::write_headers(response.headers_mut());
    let mut answer = format!("HTTP/1.1 {}\r\nconnection: close\r\n", response.status()).into_bytes();
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

/// A new connection for which there is no room.
pub fn busy() -> Error {
    Error::Unavailable("too many connections".to_owned())
}

/// A head that takes too long.
pub fn late_head() -> Error {
    Error::Refused(Code::RequestTimeout, "The request took too long to arrive.".into())
}

/// A head that the parser refuses.
pub fn malformed_head() -> Error {
    Error::Refused(Code::BadRequest, "The request is not HTTP as RFC 9112 has it.".into())
}
