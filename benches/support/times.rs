//! How long requests take.

use std::time::{Duration, Instant};

use anyhow::ensure;
use reqwest::RequestBuilder;

/// How long `request` takes to be answered with `status`.
pub async fn timed(request: RequestBuilder, status: u16) -> anyhow::Result<Duration> {
    let start = Instant::now();
    let answer = request.send().await?;
    let given = answer.status().as_u16();
    answer.bytes().await?;
    ensure!(given == status, "answered {given} instead of {status}");
    Ok(start.elapsed())
}

/// The time within which `share` of the requests were answered, in milliseconds.
pub fn quantile(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    let rank = (times.len() as f64 * share) as usize;
    times.get(rank.min(times.len().saturating_sub(1))).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}
