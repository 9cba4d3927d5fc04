//! What the head of a request must keep, beyond what the parser checks.

use actix_web::http::Uri;
use actix_web::http::header::{CONTENT_LENGTH, HOST, HeaderMap};

use crate::error::{Code, Error, Result, Sentence};
use crate::operations::RequestBody;

/// What is told of a body that is larger than the operation takes.
pub const BODY_TOO_LARGE: &str = "The body may have at most {max} bytes.";

/// The longest body that anybody may announce: 1 TiB.
const MAX_ANNOUNCED_BYTES: u64 = 1 << 40;

/// Checks the host that a request is for (RFC 9110 §7.2): a name or an address, and perhaps a port.
///
/// Anything else is read by one proxy in one way and by the next in another.
pub fn check_host(headers: &HeaderMap, target: &Uri) -> Result<()> {
    let named = headers.get_all(HOST).map(|host| host.to_str().unwrap_or("?"));
    let is_valid = named.chain(target.authority().map(|authority| authority.as_str())).all(is_host);
    let refused =
        || Error::Refused(Code::BadRequest, "The Host header is not a name with an optional port.".into());
    if is_valid { Ok(()) } else { Err(refused()) }
}

/// Whether `text` is `host[:port]`, or empty.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (text, ""),
    };
    let is_name =
        |host: &str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte));
    let is_valid_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => is_name(host),
    };
    is_valid_host
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && (port.is_empty() || port.parse::<u16>().is_ok())
}

/// Checks the length that a request announces against what its operation takes, before any of it is read.
pub fn check_length(headers: &HeaderMap, body: RequestBody) -> Result<()> {
    let length =
        headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.trim().parse::<u64>().ok());
    let length = length.unwrap_or(0);
    if length > MAX_ANNOUNCED_BYTES {
        return Err(Error::Refused(Code::BadRequest, "The Content-Length is beyond all measure.".into()));
    }
    match body {
        RequestBody::Json { max_bytes } if usize::try_from(length).is_ok_and(|length| length > max_bytes) => {
            Err(Error::Refused(Code::PayloadTooLarge, Sentence::from(BODY_TOO_LARGE).with("max", max_bytes)))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_with_an_optional_port() {
        for host in
            ["", "a", "www.example.org", "a_b:8080", "127.0.0.1:1", "[::1]", "[2001:db8::1]:443", "a:"]
        {
            assert!(is_host(host), "{host}");
        }
        for host in [
            "a b", "a@b", "u:p@b", "a/b", "a?b", "a#b", "a\\b", "a,b", "a:x", "a:99999", "a:1:2", "[::1",
            "::1", "[a]", "a\tb", "\"a\"", "?",
        ] {
            assert!(!is_host(host), "{host}");
        }
    }
}
