//! How long a request takes.

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
