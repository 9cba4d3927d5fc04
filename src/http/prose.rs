//! The long texts of articles and notices, on their way in.

use tokio::task::spawn_blocking;

use crate::db::types::BodyFormat;
use crate::error::{Code, Fault};
use crate::markup::Body;

/// Renders and sanitises a body beside the async threads: a long or hostile
/// one takes seconds, in which the others must be served.
///
/// One that cannot be parsed in reasonable time is a fault at `/body`.
pub async fn written(source: String, format: BodyFormat) -> Result<Body, Fault> {
    let rendering = spawn_blocking(move || Body::written(source, format));
    match rendering.await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) | Err(_) => Err(Fault::body("/body", Code::InvalidFormat, "is nested too deeply")),
    }
}
