//! Names of objects.

use std::fmt;
use std::str::FromStr;

/// The most bytes of a name. S3 allows 1,024, of which a prefix needs some.
const MAX_NAME_BYTES: usize = 512;
/// The most bytes of one segment. Most file systems allow 255.
const MAX_SEGMENT_BYTES: usize = 200;

/// The name of an object: segments of `[a-z0-9._-]` with `/` between them.
///
/// At most 512 bytes, and 200 for a segment. No segment is empty or begins with a dot, so that no name leaves the
/// store or meets its temporary files. The same name is valid in both kinds of store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName(String);

/// A name that [`ObjectName`] does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidName(&'static str);

impl ObjectName {
    /// Checks a name. Fails with a sentence that tells the broken rule.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidName> {
        let name = name.into();
        if name.len() > MAX_NAME_BYTES {
            return Err(InvalidName("The name of an object has at most 512 bytes."));
        }
        name.split('/').try_for_each(check_segment)?;
        Ok(Self(name))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_segment(segment: &str) -> Result<(), InvalidName> {
    let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    match segment {
        "" => Err(InvalidName("No part of an object's name is empty.")),
        _ if segment.starts_with('.') => {
            Err(InvalidName("No part of an object's name begins with a full stop."))
        }
        _ if segment.len() > MAX_SEGMENT_BYTES => {
            Err(InvalidName("A part of an object's name has at most 200 bytes."))
        }
        _ if segment.bytes().all(is_allowed) => Ok(()),
        _ => Err(InvalidName(
            "The name of an object has only the characters a to z, 0 to 9, '.', '_' and '-'.",
        )),
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ObjectName {
    type Err = InvalidName;

    fn from_str(name: &str) -> Result<Self, InvalidName> {
        Self::new(name)
    }
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidName {}
