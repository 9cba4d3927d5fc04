//! Quantiles of times.

use std::time::Duration;

/// The time within which `share` of the requests were answered, in milliseconds.
pub fn quantile(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    let rank = (times.len() as f64 * share) as usize;
    times.get(rank.min(times.len().saturating_sub(1))).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}
