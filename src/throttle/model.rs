//! The rules that limit attempts, and the state of a client under one of them.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

/// How many attempts are free, and how long later ones must wait.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The rule's name in the headers.
    pub name: &'static str,
    /// The number of attempts without a wait.
    pub free: i32,
    /// Seconds after the last attempt until the count is reset.
    pub window: i32,
    /// The longest wait, in seconds.
    pub longest: i32,
}

/// The state of a client under a rule, after an attempt was counted.
#[derive(Clone, Debug)]
pub struct LimitState {
    pub(super) rule: Rule,
    /// The key under which attempts are counted.
    pub(super) key: Vec<u8>,
    /// Attempts in this window, this one included.
    pub(super) attempts: i32,
    /// Seconds until the next attempt is accepted.
    pub(super) wait: i32,
    pub(super) refused: bool,
}

impl LimitState {
    /// Whether this was the last attempt without a wait.
    pub fn is_spent(&self) -> bool {
        self.attempts == self.rule.free
    }

    /// Adds the headers `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).
    pub fn tell(&self, headers: &mut HeaderMap) {
        let Rule { name, free, window, .. } = self.rule;
        let left = (free - self.attempts).max(0);
        let policy = format!("\"{name}\";q={free};w={window}");
        let state = format!("\"{name}\";r={left};t={}", if left > 0 { window } else { self.wait });
        for (name, value) in [("ratelimit-policy", policy), ("ratelimit", state)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}
