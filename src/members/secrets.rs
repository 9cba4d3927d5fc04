//! Opaque tokens: a prefix that tells the kind, and 256 bits. Only the SHA-256 of a token is stored.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::keys::Keys;

/// The prefix of refresh tokens.
pub const REFRESH_PREFIX: &str = "inkr_";
/// The prefix of tokens that reset a password.
pub const RESET_PREFIX: &str = "inkp_";
/// The prefix of tokens that verify an email.
pub const VERIFY_PREFIX: &str = "inkv_";

/// Generates a random token.
pub fn generate_token(prefix: &str) -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|cause| Error::Internal(cause.into()))?;
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// Derives a token from `parts` and the site's secret, the same on every node.
pub fn derive_token(keys: &Keys, prefix: &str, parts: &[&[u8]]) -> String {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(keys.derive(parts)))
}

/// Hashes a token, as the database stores it.
pub fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}
