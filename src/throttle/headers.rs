//! The headers that tell a client its limits.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use super::model::{LimitState, Rule};

/// Adds the headers `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).
pub fn write_headers(state: &LimitState, headers: &mut HeaderMap) {
    let Rule { name, free, window, .. } = state.rule;
    let left = (free - state.attempts).max(0);
    let policy = format!("\"{name}\";q={free};w={window}");
    let limit = format!("\"{name}\";r={left};t={}", if left > 0 { window } else { state.wait });
    for (name, value) in [("ratelimit-policy", policy), ("ratelimit", limit)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
