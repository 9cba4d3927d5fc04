//! Renders the bodies of articles and notices, before the transaction that stores them.

use tokio::task::spawn_blocking;

use crate::db::types::BodyFormat;
use crate::error::{Code, Error, Fault, Result};
use crate::markup::{Body, Refusal};
use crate::permits::CorePermits;
use crate::priority;

/// Bodies up to this length are rendered at once, in less time than a hop to another thread and back takes.
const MAX_INLINE_BYTES: usize = 8 << 10;

/// Renders and sanitises a body. A long one is rendered on a thread that pauses often, behind a
/// permit, so that readers are served besides.
///
/// Fails as [`render`], and with 503 if there is no permit in time.
pub async fn render_off_thread(
    permits: &CorePermits,
    source: String,
    format: BodyFormat,
    max_chars: usize,
) -> Result<Result<Body, Fault>> {
    if source.len() <= MAX_INLINE_BYTES {
        return Ok(render(source, format, max_chars));
    }
    let permit = permits.take().await?;
    let rendering = spawn_blocking(move || {
        let _permit = permit;
        let _pauses = priority::PauseTimer::start();
        render(source, format, max_chars)
    });
    rendering.await.map_err(|cause| Error::Internal(cause.into()))
}

/// Renders and sanitises a body on this thread. Its HTML has at most `max_chars` characters.
///
/// A body that cannot be parsed in reasonable time is a fault at `/body`.
pub fn render(source: String, format: BodyFormat, max_chars: usize) -> Result<Body, Fault> {
    Body::render(source, format, max_chars).map_err(|refusal| match refusal {
        Refusal::Unreadable(reason) => Fault::body("/body", Code::InvalidFormat, reason),
        Refusal::TooLong(reason) => Fault::body("/body", Code::TooLong, reason),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn long_bodies_wait_for_a_permit_and_short_ones_do_not() {
        let permits = CorePermits::new(Duration::from_secs(10), "too many bodies to render");
        let mut taken = Vec::new();
        let cores = std::thread::available_parallelism().unwrap().get();
        for _ in 0..(cores - 1).max(1) {
            taken.push(permits.take().await.unwrap());
        }
        let render = |paragraphs: usize| {
            render_off_thread(&permits, "*text*\n\n".repeat(paragraphs), BodyFormat::Markdown, 1_000_000)
        };
        let long = render(2_000);
        tokio::pin!(long);
        tokio::select! {
            biased;
            _ = &mut long => panic!("rendered without a permit"),
            short = render(20) => assert!(short.unwrap().is_ok()),
        }
        drop(taken);
        assert!(long.await.unwrap().is_ok());
    }
}
