//! Durations on the command line.

use std::time::Duration;

/// Parses a duration in whole seconds, at least 1.
pub(super) fn parse_seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => Err("must be a whole number of seconds".to_owned()),
    }
}

/// Parses a duration in whole seconds; 0 turns off what it is for.
pub(super) fn parse_seconds_or_none(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => Err("must be a whole number of seconds".to_owned()),
    }
}
