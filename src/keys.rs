//! The secrets of a process: the key that signs access tokens, and what is derived from it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};

/// The Ed25519 key of this process and what follows from it.
pub struct Keys {
    /// The key's id: its RFC 7638 thumbprint.
    pub kid: String,
    /// Signs access tokens.
    pub signing: EncodingKey,
    /// Verifies access tokens.
    pub verifying: DecodingKey,
    public: String,
    seal: [u8; 64],
}

impl Keys {
    /// Reads the key in `file`, or makes it when `may_create` and there is none.
    ///
    /// A made file is readable by its owner alone. Fails on a file that holds no Ed25519 key in PKCS #8 PEM.
    pub fn load(file: &Path, may_create: bool) -> anyhow::Result<Self> {
        if may_create && !file.exists() {
            create(file).with_context(|| format!("making the signing key {}", file.display()))?;
        }
        let pem = fs::read_to_string(file)
            .with_context(|| format!("reading the signing key {}", file.display()))?;
        let key = SigningKey::from_pkcs8_pem(&pem).map_err(|cause| {
            anyhow::anyhow!("{} holds no Ed25519 key in PKCS #8 PEM: {cause}", file.display())
        })?;
        Self::from_key(&key)
    }

    fn from_key(key: &SigningKey) -> anyhow::Result<Self> {
        if key.to_bytes() == [0; 32] {
            bail!("the signing key is all zeros");
        }
        let public = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
        let thumbprint = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{public}"}}"#));
        let der = key.to_pkcs8_der().context("encoding the signing key")?;
        Ok(Self {
            kid: URL_SAFE_NO_PAD.encode(thumbprint),
            signing: EncodingKey::from_ed_der(der.as_bytes()),
            verifying: DecodingKey::from_ed_components(&public)?,
            public,
            seal: Sha512::new()
                .chain_update(b"inkstone seal\0")
                .chain_update(key.to_bytes())
                .finalize()
                .into(),
        })
    }

    /// The public half as a JSON Web Key Set (RFC 7517, RFC 8037).
    pub fn jwks(&self) -> Value {
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.kid, "x": self.public}]})
    }

    /// A seal over `parts` that nobody else can make: 16 bytes of HMAC-SHA-256 (RFC 2104).
    pub fn seal(&self, parts: &[&[u8]]) -> Vec<u8> {
        self.mac(parts).finalize().into_bytes()[..16].to_vec()
    }

    /// Whether `seal` was made over `parts`; takes the same time either way.
    pub fn is_sealed(&self, parts: &[&[u8]], seal: &[u8]) -> bool {
        seal.len() == 16 && self.mac(parts).verify_truncated_left(seal).is_ok()
    }

    fn mac(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&self.seal.into());
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

/// Writes a new key under a temporary name first, so that two processes that
/// start at once end up with one key and neither reads half of it.
fn create(file: &Path) -> anyhow::Result<()> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)?;
    let pem = SigningKey::from_bytes(&secret).to_pkcs8_pem(LineEnding::LF)?;
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let temporary = file.with_extension(format!("{}.new", uuid::Uuid::new_v4().simple()));
    let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    out.write_all(pem.as_bytes())?;
    out.sync_all()?;
    let linked = fs::hard_link(&temporary, file);
    fs::remove_file(&temporary)?;
    match linked {
        Err(cause) if cause.kind() != std::io::ErrorKind::AlreadyExists => Err(cause.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_then_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys/signing.pem");
        let first = Keys::load(&file, true).unwrap();
        let second = Keys::load(&file, true).unwrap();
        assert_eq!(first.kid, second.kid);
    }

    #[test]
    fn a_configured_key_is_never_made_up() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Keys::load(&folder.path().join("absent.pem"), false).is_err());
    }

    #[test]
    fn a_file_that_is_no_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bad.pem");
        fs::write(&file, "secret").unwrap();
        assert!(Keys::load(&file, true).is_err());
    }

    #[test]
    fn a_seal_covers_every_part_and_where_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::load(&folder.path().join("k.pem"), true).unwrap();
        let seal = keys.seal(&[b"ab", b"c"]);
        assert!(keys.is_sealed(&[b"ab", b"c"], &seal));
        assert!(!keys.is_sealed(&[b"a", b"bc"], &seal));
        assert!(!keys.is_sealed(&[b"ab", b"c"], &seal[..8]));
    }
}
