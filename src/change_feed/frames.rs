//! Server-sent events, as the WHATWG HTML standard has them (§9.2).

use actix_web::web::Bytes;

use super::view::Changed;

/// What keeps a connection from being taken for a dead one. It is a comment, which clients leave out.
pub const HEARTBEAT: &[u8] = b":\n\n";

/// A change as an event.
pub fn write_change(line: &Changed) -> Bytes {
    let mut event = b"event: change\ndata: ".to_vec();
    // JSON of this kind always can be written, and has no line breaks.
    event.extend(serde_json::to_vec(line).unwrap_or_default());
    event.extend(b"\n\n");
    event.into()
}

/// The cursor that clients send as `Last-Event-ID` when they come again. It dispatches no event.
pub fn write_cursor(cursor: &str) -> String {
    format!("id: {cursor}\n\n")
}

/// The event that tells that changes were left out.
pub fn write_reset() -> String {
    "event: reset\ndata: {}\n\n".to_owned()
}

/// How long clients are to wait before they come again, in milliseconds.
pub fn write_retry(milliseconds: u16) -> String {
    format!("retry: {milliseconds}\n\n")
}
