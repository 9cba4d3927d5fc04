//! Facts of a picture from its headers, before anything is decoded.

use super::facts::Facts;
use super::limits::Limits;
use super::probe;
use super::refused::{Refused, guard};

/// Reads the facts of a JPEG, PNG, GIF or WebP.
///
/// Takes memory for no more than an ICC profile, and time for one pass over the file. Fails if the picture is above a
/// limit, damaged or of another type.
pub fn inspect(bytes: &[u8], limits: &Limits) -> Result<Facts, Refused> {
    guard(|| probe::probe(bytes, limits).map(|probe| probe.facts))
}
