//! The long texts of articles and notices, on their way in.

use tokio::task::spawn_blocking;

use crate::db::types::BodyFormat;
use crate::error::{Code, Fault};
use crate::markup::Body;

/// Bodies up to this length are rendered at once, in less time than a hop to another thread and back takes.
const MAX_INLINE_BYTES: usize = 8 << 10;

/// Renders and sanitises a body beside the async threads: a long or hostile
/// one takes seconds, in which the others must be served.
///
/// Fails as [`render`].
pub async fn render_off_thread(source: String, format: BodyFormat) -> Result<Body, Fault> {
    if source.len() <= MAX_INLINE_BYTES {
        return render(source, format);
    }
    let rendered = spawn_blocking(move || render(source, format)).await;
    rendered.unwrap_or_else(|_| Err(unreadable("cannot be read")))
}

/// Renders and sanitises a body on this thread.
///
/// One that cannot be parsed in reasonable time is a fault at `/body`.
pub fn render(source: String, format: BodyFormat) -> Result<Body, Fault> {
    Body::render(source, format).map_err(|beyond| unreadable(&beyond))
}

fn unreadable(why: &str) -> Fault {
    Fault::body("/body", Code::InvalidFormat, why)
}
