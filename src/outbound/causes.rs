//! Finds what is behind an error of the HTTP client.

use std::error::Error;
use std::io;

use super::error::FetchError;
use super::lookup::ResolveError;

/// Explains why the client got no answer of `host`, or lost it halfway.
pub(super) fn explain_failure(host: &str, cause: reqwest::Error) -> FetchError {
    let host = host.to_owned();
    if let Some(cause) = find_cause::<ResolveError>(&cause) {
        return match cause {
            ResolveError::NotFound => FetchError::NameNotFound { host },
            ResolveError::Failed(cause) => {
                FetchError::LookupFailed { host, cause: io::Error::new(cause.kind(), cause.to_string()) }
            }
            ResolveError::Refused(refusal) => FetchError::RefusedAddress { host, refusal: *refusal },
        };
    }
    if let Some(cause) = find_cause::<rustls::Error>(&cause) {
        return FetchError::TlsFailed { host, cause: cause.clone() };
    }
    let cause = cause.without_url();
    if cause.is_builder() {
        FetchError::InvalidRequest(cause)
    } else if cause.is_timeout() {
        FetchError::TimedOut { host }
    } else if cause.is_connect() {
        FetchError::ConnectionFailed { host, cause }
    } else {
        FetchError::ConnectionLost { host, cause }
    }
}

/// Finds an error of a kind below another. An error of I/O hides what it is made of from `source`.
fn find_cause<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    let mut next: Option<&'e (dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
