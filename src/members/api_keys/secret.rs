//! The text of a key: `ink_<8 public characters>_<43 secret characters>_<6 characters of checksum>`.

use super::super::secrets;
use crate::error::{Error, Result};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The prefix of all keys.
pub const PREFIX: &str = "ink_";

/// A new key.
pub struct NewKey {
    /// The whole key, to be shown once.
    pub text: String,
    /// The public part, which identifies the key.
    pub prefix: String,
    /// The hash, which is stored.
    pub hash: Vec<u8>,
}

/// Generates a key.
pub fn generate() -> Result<NewKey> {
    let (prefix, secret) = (generate_text(8)?, generate_text(43)?);
    let body = format!("{PREFIX}{prefix}_{secret}");
    let text = format!("{body}_{}", compute_checksum(&body));
    Ok(NewKey { hash: secrets::hash(&text), text, prefix })
}

/// Returns the public part of the key `text`, or `None` if its form or its checksum is wrong.
pub fn name(text: &str) -> Option<&str> {
    let (body, sum) = text.rsplit_once('_')?;
    let (prefix, secret) = body.strip_prefix(PREFIX)?.split_once('_')?;
    (prefix.len() == 8 && secret.len() == 43 && compute_checksum(body) == sum).then_some(prefix)
}

fn generate_text(length: usize) -> Result<String> {
    let mut text = String::new();
    while text.len() < length {
        let mut bytes = [0; 64];
        getrandom::fill(&mut bytes).map_err(|cause| Error::Internal(cause.into()))?;
        // Bytes from 248 on are dropped, so that all characters are equally likely.
        let characters = bytes
            .iter()
            .filter(|byte| **byte < 248)
            .map(|byte| char::from(ALPHABET[usize::from(*byte % 62)]));
        text.extend(characters.take(length - text.len()));
    }
    Ok(text)
}

/// Computes the CRC-32 in base 62. It detects typing errors; it is no protection.
fn compute_checksum(body: &str) -> String {
    let mut rest = crc32fast::hash(body.as_bytes()) as usize;
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[rest % 62];
        rest /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_character_is_detected() {
        let key = generate().unwrap();
        assert_eq!(key.text.len(), 4 + 8 + 1 + 43 + 1 + 6);
        assert_eq!(name(&key.text), Some(key.prefix.as_str()));
        for at in 4..key.text.len() {
            let mut bytes = key.text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
            assert_eq!(name(&String::from_utf8(bytes).unwrap()), None);
        }
        for other in ["", "ink_", "ink___", "inkr_x", &key.text[..60]] {
            assert_eq!(name(other), None);
        }
        assert_ne!(generate().unwrap().text, key.text);
    }
}
