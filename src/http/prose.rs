//! The long texts of articles and notices, on their way in.

use tokio::task::spawn_blocking;

use crate::db::types::BodyFormat;
use crate::error::{Code, Fault};
use crate::markup::Body;

/// Renders and sanitises a body beside the async threads: a long or hostile
/// one takes seconds, in which the others must be served.
///
/// Fails as [`render`].
pub async fn written(source: String, format: BodyFormat) -> Result<Body, Fault> {
    spawn_blocking(move || render(source, format)).await.unwrap_or_else(|_| Err(too_deep()))
}

/// Renders and sanitises a body on this thread.
///
/// One that cannot be parsed in reasonable time is a fault at `/body`.
pub fn render(source: String, format: BodyFormat) -> Result<Body, Fault> {
    Body::written(source, format).map_err(|_| too_deep())
}

fn too_deep() -> Fault {
    Fault::body("/body", Code::InvalidFormat, "is nested too deeply")
}
