//! Counting attempts, and taking counted attempts back.

use super::model::{LimitState, Rule};
use super::queries;
use crate::app::App;
use crate::error::{Error, Result};

/// Counts an attempt of `subject` under `rule`; fails with 429 if it comes too early.
///
/// An attempt is counted before its result is known, so that parallel attempts
/// do not evade the limit. [`forgive_attempts`] takes it back.
pub async fn count_attempt(app: &App, rule: Rule, subject: &[&str]) -> Result<LimitState> {
    let key = subject_key(app, rule, subject);
    let state = app.write(async move |tx| Ok(queries::count_attempt(tx, rule, key.clone()).await?)).await?;
    if state.refused {
        let Rule { name, free, window, .. } = rule;
        return Err(Error::Throttled { rule: name, free, window, wait: state.wait.max(1) });
    }
    Ok(state)
}

/// Returns the key of a subject: a keyed hash, so that the table does not tell who made an attempt.
fn subject_key(app: &App, rule: Rule, subject: &[&str]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = vec![b"throttle", rule.name.as_bytes()];
    parts.extend(subject.iter().map(|part| part.as_bytes()));
    app.keys.derive(&parts).to_vec()
}

/// Takes back an attempt that succeeded, under each rule that counted it.
pub async fn forgive_attempts(app: &App, states: &[LimitState]) -> Result<()> {
    let keys: Vec<Vec<u8>> = states.iter().map(|state| state.key.clone()).collect();
    app.write(async move |tx| Ok(queries::forgive_attempts(tx, &keys).await?)).await
}
