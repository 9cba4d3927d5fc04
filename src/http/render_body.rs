//! Renders the bodies of articles and notices, before the transaction that stores them.

use tokio::sync::oneshot;

use crate::db::types::BodyFormat;
use crate::error::{Code, Error, Fault, Result};
use crate::markup::{Body, Refusal};
use crate::permits::render_permit;
use crate::priority;

/// Bodies up to this length are rendered at once, in less time than a hop to another thread and back takes.
const MAX_INLINE_BYTES: usize = 8 << 10;

/// Renders and sanitises a body. A long one is rendered on a thread of the lowest priority, behind a
/// permit, so that a core is left for readers.
///
/// Fails as [`render`], and with 503 if there is no permit in time.
pub async fn render_off_thread(
    source: String,
    format: BodyFormat,
    max_chars: usize,
) -> Result<Result<Body, Fault>> {
    if source.len() <= MAX_INLINE_BYTES {
        return Ok(render(source, format, max_chars));
    }
    let permit = render_permit().await?;
    // A new thread for each body, because a lowered priority cannot be raised again.
    let (sender, receiver) = oneshot::channel();
    let thread = std::thread::Builder::new().name("render".to_owned());
    let started = thread.spawn(move || {
        priority::lower_thread_priority();
        let _pauses = priority::PauseTimer::start();
        let rendered = render(source, format, max_chars);
        drop(permit);
        // The receiver is gone if the client has disconnected.
        let _ = sender.send(rendered);
    });
    started.map_err(|cause| Error::Unavailable(format!("no thread to render a body: {cause}")))?;
    receiver.await.map_err(|cause| Error::Internal(cause.into()))
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
