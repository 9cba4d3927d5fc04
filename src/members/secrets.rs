//! Opaque tokens: 256 bits behind a prefix that says what they are. Only their SHA-256 is kept.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::keys::Keys;

/// Begins a refresh token.
pub const REFRESH: &str = "inkr_";
/// Begins a token that resets a password.
pub const RESET: &str = "inkp_";
/// Begins a token that confirms an address.
pub const VERIFY: &str = "inkv_";

/// A new token.
pub fn random(prefix: &str) -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|cause| Error::Internal(cause.into()))?;
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// The token that follows from `parts`, the same on every node.
pub fn derived(keys: &Keys, prefix: &str, parts: &[&[u8]]) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(keys.derive(parts)))
}

/// What is kept of a token.
pub fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}
