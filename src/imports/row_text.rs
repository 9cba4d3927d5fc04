//! The text of a row, without the marks of what could not be decoded.

use std::borrow::Cow;

use crate::config::charsets::EncodingErrors;
use crate::error::{Code, Fault};
use crate::interchange::charsets::marks::{Undecoded, resolve_marks};

/// Takes the marks out of the parts of a row, and counts them.
pub struct RowText {
    errors: EncodingErrors,
    undecoded: Undecoded,
}

impl RowText {
    /// For a row of an import that treats undecodable characters so.
    pub fn new(errors: EncodingErrors) -> Self {
        Self { errors, undecoded: Undecoded::default() }
    }

    /// The text of the part at `pointer`. Fails if something of it could not be decoded, unless that is accepted.
    pub fn resolve<'t>(&mut self, bytes: &'t [u8], pointer: &str) -> Result<Cow<'t, str>, Fault> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Err(Fault::body(pointer, Code::InvalidEncoding, "is not UTF-8"));
        };
        let resolved = resolve_marks(text);
        let found = resolved.undecoded;
        self.undecoded.count += found.count;
        self.undecoded.first = self.undecoded.first.or(found.first);
        if found.count == 0 || self.errors == EncodingErrors::Replace {
            return Ok(resolved.text);
        }
        let detail = "has {count} characters that cannot be decoded, the first at byte {offset}; name the character \
                      set with encoding=, or accept U+FFFD in their place with encoding_errors=replace";
        Err(add_params(Fault::body(pointer, Code::InvalidEncoding, detail), found))
    }

    /// The warning of a row in which U+FFFD took the place of something.
    pub fn into_warning(self) -> Option<Fault> {
        let detail =
            "has U+FFFD in place of {count} characters that cannot be decoded, the first at byte {offset}";
        let warning = Fault::body("", Code::CharactersReplaced, detail);
        (self.undecoded.count > 0).then(|| add_params(warning, self.undecoded))
    }
}

fn add_params(fault: Fault, undecoded: Undecoded) -> Fault {
    fault.with("count", undecoded.count).with("offset", undecoded.first.unwrap_or_default())
}
