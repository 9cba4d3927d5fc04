//! The errors of reading a body of rows.

use std::io;

use crate::error::{Code, Error, Sentence};

/// Largest row, in bytes: twice the largest body of a single write.
pub const MAX_ROW_BYTES: u64 = 8 << 20;

/// The error of a body that is too large. `sentence` says in which way.
pub fn payload_too_large(sentence: impl Into<Sentence>) -> Error {
    Error::Refused(Code::PayloadTooLarge, sentence.into())
}

/// Maps an error of reading the body to an error for the client.
pub fn map_read_error(cause: io::Error) -> Error {
    match cause.kind() {
        io::ErrorKind::FileTooLarge => {
            let detail = Sentence::from("The body is too large: {reason}.");
            payload_too_large(detail.with("reason", cause.to_string()))
        }
        io::ErrorKind::TimedOut => Error::Refused(Code::RequestTimeout, "The body stopped arriving.".into()),
        _ => {
            let detail = Sentence::from("The body ended early: {reason}.");
            Error::Refused(Code::BadRequest, detail.with("reason", cause.to_string()))
        }
    }
}
