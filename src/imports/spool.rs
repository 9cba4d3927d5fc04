//! Keeps a body in a file, until all of it has arrived.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use super::body_errors::{map_read_error, payload_too_large};
use crate::error::{Error, Result, Sentence};
use crate::http::head::BODY_TOO_LARGE;
use crate::interchange::decode::MAX_DECODED_BYTES;

/// Copies `source` to a file without a name, and returns the file from its beginning. Blocks the thread.
///
/// The file is in `folder` if that can be written, else in the system's folder for temporary files.
/// It is gone when it is closed, also after a crash.
pub fn spool_body(mut source: impl Read, folder: &Path) -> Result<File> {
    let unavailable =
        |cause: io::Error| Error::Unavailable(format!("keeping the body of an import: {cause}"));
    let mut file = tempfile::tempfile_in(folder).or_else(|_| tempfile::tempfile()).map_err(unavailable)?;
    let (mut chunk, mut length) = (vec![0; 64 << 10], 0_u64);
    loop {
        let read = match source.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
            Err(cause) => return Err(map_read_error(cause)),
        };
        length += read as u64;
        if length > MAX_DECODED_BYTES {
            return Err(payload_too_large(Sentence::from(BODY_TOO_LARGE).with("max", MAX_DECODED_BYTES)));
        }
        file.write_all(&chunk[..read]).map_err(unavailable)?;
    }
    file.rewind().map_err(unavailable)?;
    Ok(file)
}
