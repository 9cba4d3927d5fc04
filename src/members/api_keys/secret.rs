//! The text of a key: `ink_<8 characters that name it>_<43 secret ones>_<6 of a checksum>`.

use super::super::secrets;
use crate::error::{Error, Result};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Begins every key.
pub const PREFIX: &str = "ink_";

/// A new key, to be shown once.
pub struct NewKey {
    /// All of it.
    pub text: String,
    /// The part that names it.
    pub prefix: String,
    /// What is kept.
    pub hash: Vec<u8>,
}

/// Makes a key.
pub fn generate() -> Result<NewKey> {
    let (prefix, secret) = (random(8)?, random(43)?);
    let body = format!("{PREFIX}{prefix}_{secret}");
    let text = format!("{body}_{}", checksum(&body));
    Ok(NewKey { hash: secrets::hash(&text), text, prefix })
}

/// The part that names the key `text`; none if it was mistyped or made up, which takes no database to see.
pub fn name(text: &str) -> Option<&str> {
    let (body, sum) = text.rsplit_once('_')?;
    let (prefix, secret) = body.strip_prefix(PREFIX)?.split_once('_')?;
    (prefix.len() == 8 && secret.len() == 43 && checksum(body) == sum).then_some(prefix)
}

fn random(length: usize) -> Result<String> {
    let mut text = String::new();
    while text.len() < length {
        let mut bytes = [0; 64];
        getrandom::fill(&mut bytes).map_err(|cause| Error::Internal(cause.into()))?;
        // What does not divide evenly is thrown away, so that all characters are equally likely.
        let even = bytes
            .iter()
            .filter(|byte| **byte < 248)
            .map(|byte| char::from(ALPHABET[usize::from(*byte % 62)]));
        text.extend(even.take(length - text.len()));
    }
    Ok(text)
}

/// CRC-32 in base 62: catches typing errors, keeps no secret.
fn checksum(body: &str) -> String {
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
    fn a_key_names_itself_until_a_character_is_changed() {
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
