//! The secrets of webhooks, and signatures with them (Standard Webhooks 1.0.0, "Signature scheme").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::keys::Keys;

/// What a webhook signs with: a secret that its receiver shares, and a key of which the receiver has the public half.
pub struct SigningSecret {
    shared: Vec<u8>,
    key: SigningKey,
}

impl SigningSecret {
    /// The secret with this number of a webhook.
    pub fn derive(keys: &Keys, webhook: Uuid, number: i32) -> Self {
        let derive = |purpose: &[u8]| keys.derive(&[purpose, webhook.as_bytes(), &number.to_be_bytes()]);
        Self {
            shared: derive(b"webhook secret").to_vec(),
            key: SigningKey::from_bytes(&derive(b"webhook key")),
        }
    }

    /// The shared secret as receivers are given it.
    pub fn write_secret(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&self.shared))
    }

    /// The public key as receivers are given it.
    pub fn write_public_key(&self) -> String {
        format!("whpk_{}", STANDARD.encode(self.key.verifying_key().as_bytes()))
    }

    /// Both signatures of `content`: HMAC-SHA-256 (RFC 2104), and Ed25519 (RFC 8032).
    fn sign(&self, content: &[u8]) -> anyhow::Result<String> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.shared)?;
        mac.update(content);
        let shared = STANDARD.encode(mac.finalize().into_bytes());
        let public = STANDARD.encode(self.key.try_sign(content)?.to_bytes());
        Ok(format!("v1,{shared} v1a,{public}"))
    }
}

/// The header `webhook-signature` of a body that is sent at `timestamp`, in seconds since 1970: signatures with each secret.
pub fn sign(secrets: &[SigningSecret], id: &str, timestamp: i64, body: &str) -> anyhow::Result<String> {
    let content = format!("{id}.{timestamp}.{body}");
    let signatures: Vec<String> =
        secrets.iter().map(|secret| secret.sign(content.as_bytes())).collect::<anyhow::Result<_>>()?;
    Ok(signatures.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that the libraries of the standard are tested with.
    #[test]
    fn the_shared_signature_is_that_of_the_libraries() {
        let shared = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let secret = SigningSecret { shared, key: SigningKey::from_bytes(&[7; 32]) };
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signed = sign(&[secret], id, 1_614_265_330, "{\"test\": 2432232314}").unwrap();
        assert!(signed.starts_with("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1a,"), "{signed}");
    }
}
