//! Throttles: attempts are counted in the database, so that all processes count together.
//!
//! A rule gives some attempts for free within its window; then each further one
//! must wait twice as long as the one before, up to a limit. Nobody is locked
//! out for good: after a window without attempts everything is forgiven.

pub mod queries;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::app::App;
use crate::error::{Error, Result};

/// How many attempts, and how long to wait after them.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name in the headers.
    pub name: &'static str,
    /// Attempts without a wait.
    pub free: i32,
    /// Seconds after the last attempt until all is forgiven.
    pub window: i32,
    /// The longest wait, in seconds.
    pub longest: i32,
}

/// Where a client stands with a rule.
#[derive(Clone, Debug)]
pub struct LimitState {
    rule: Rule,
    /// Under which attempts are counted.
    key: Vec<u8>,
    /// Attempts in this window, this one included.
    attempts: i32,
    /// Seconds until the next attempt is taken.
    wait: i32,
    refused: bool,
}

impl Rule {
    /// Counts an attempt of `subject`; 429 when it comes too early.
    ///
    /// It is counted before its outcome is known, so that attempts made at once
    /// are no way around the limit; [`forgive`] takes it back.
    pub async fn take(self, app: &App, subject: &[&str]) -> Result<LimitState> {
        let key = self.key(app, subject);
        let state = queries::take(&mut *app.conn().await?, self, key).await?;
        match state.refused {
            true => Err(Error::Throttled { rule: self.name, wait: state.wait.max(1) }),
            false => Ok(state),
        }
    }

    /// The name under which attempts are counted: a keyed hash, so that the table tells nobody who tried.
    fn key(self, app: &App, subject: &[&str]) -> Vec<u8> {
        let mut parts: Vec<&[u8]> = vec![b"throttle", self.name.as_bytes()];
        parts.extend(subject.iter().map(|part| part.as_bytes()));
        app.keys.derive(&parts).to_vec()
    }
}

/// Takes back an attempt that was no abuse, by each of the rules that counted it.
pub async fn forgive(app: &App, states: &[LimitState]) -> Result<()> {
    let keys: Vec<&[u8]> = states.iter().map(|state| state.key.as_slice()).collect();
    Ok(queries::forgive(&mut *app.conn().await?, &keys).await?)
}

impl LimitState {
    /// Whether this was the last attempt without a wait.
    pub fn is_spent(&self) -> bool {
        self.attempts == self.rule.free
    }

    /// Tells the client, as draft-ietf-httpapi-ratelimit-headers has it.
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
