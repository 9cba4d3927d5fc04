//! The address of an archive of PostgreSQL's programs.

use std::path::Path;

use url::Url;

use super::values::is_web;

/// The fragment of an address that gives the digest of the archive.
pub const DIGEST_FRAGMENT: &str = "#sha256=";

/// Splits an address into the URL or the path, and the digest that the archive must have, if it is given.
pub fn split_digest(address: &str) -> (&str, Option<String>) {
    match address.split_once(DIGEST_FRAGMENT) {
        Some((place, digest)) => (place, Some(digest.to_ascii_lowercase())),
        None => (address, None),
    }
}

/// Parses the address of an archive: a URL or a file, with or without its digest.
pub(super) fn parse_archive(text: &str) -> Result<String, String> {
    let (place, digest) = split_digest(text);
    let is_digest = |digest: &str| digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !digest.as_deref().is_none_or(is_digest) {
        return Err(format!("must have 64 hexadecimal digits after {DIGEST_FRAGMENT}"));
    }
    let url = Url::parse(place).ok().filter(is_web);
    if url.as_ref().is_some_and(|url| url.fragment().is_some()) {
        return Err(format!("may have no fragment but {DIGEST_FRAGMENT} and 64 hexadecimal digits"));
    }
    let is_found = url.is_some() || Path::new(place).is_file();
    is_found.then(|| text.to_owned()).ok_or_else(|| "must be an http or https URL, or a file".to_owned())
}
