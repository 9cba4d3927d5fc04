//! Ed25519 keys (RFC 8037): one signs, all verify.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use diesel::QueryResult;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::queries::KeyRow;
use super::{eddsa, queries};
use crate::db::connection::Connection;
use crate::follower::Snapshot;

/// The key that signs, and all that verify.
pub struct Ring {
    /// The id of the key that signs: its RFC 7638 thumbprint.
    pub kid: String,
    /// Signs access tokens.
    pub signing: EncodingKey,
    verifying: Vec<Verifier>,
}

struct Verifier {
    kid: String,
    key: DecodingKey,
    public: String,
    /// When the key stopped signing.
    retired_at: Option<DateTime<Utc>>,
}

impl Verifier {
    /// Whether the key verifies still: it signs, or it stopped signing after `oldest`.
    fn is_valid(&self, oldest: DateTime<Utc>) -> bool {
        self.retired_at.is_none_or(|at| oldest < at)
    }
}

impl Snapshot for Ring {
    const ENTITIES: &'static [&'static str] = &["signing_key"];

    async fn load(conn: &Connection) -> QueryResult<Self> {
        let rows = queries::list(conn).await?;
        Self::from_rows(&rows).map_err(|cause| diesel::result::Error::DeserializationError(cause.into()))
    }
}

impl Ring {
    /// A ring of one new key.
    pub fn generate() -> anyhow::Result<Self> {
        Self::of(&[(Self::seed()?.1, None)])
    }

    /// A new key: its id, and its secret half.
    pub fn seed() -> anyhow::Result<(String, [u8; 32])> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        Ok((thumbprint(&public(&SigningKey::from_bytes(&secret))), secret))
    }

    /// The keys in `files`; the first signs.
    pub fn from_files(files: &[PathBuf]) -> anyhow::Result<Self> {
        let keys = files.iter().map(|file| Ok((read(file)?, None))).collect::<anyhow::Result<Vec<_>>>()?;
        Self::of(&keys)
    }

    /// The keys of the database; the active one signs.
    pub(super) fn from_rows(rows: &[KeyRow]) -> anyhow::Result<Self> {
        let mut rows: Vec<&KeyRow> = rows.iter().collect();
        rows.sort_by_key(|row| row.state != "active");
        let secrets =
            rows.iter().map(|row| Ok((<[u8; 32]>::try_from(row.secret.as_slice())?, row.retired_at)));
        let secrets = secrets.collect::<anyhow::Result<Vec<_>>>().context("a signing key has 32 bytes")?;
        match rows.first() {
            Some(first) if first.state == "active" => Self::of(&secrets),
            _ => bail!("the database holds no active signing key"),
        }
    }

    fn of(secrets: &[([u8; 32], Option<DateTime<Utc>>)]) -> anyhow::Result<Self> {
        // No token is signed or verified without a ring.
        eddsa::install();
        let first = SigningKey::from_bytes(&secrets.first().context("a ring has a key")?.0);
        let der = first.to_pkcs8_der().context("encoding the signing key")?;
        let verifying = secrets.iter().map(|(secret, retired_at)| {
            let public = public(&SigningKey::from_bytes(secret));
            let key = DecodingKey::from_ed_components(&public)?;
            Ok(Verifier { kid: thumbprint(&public), key, public, retired_at: *retired_at })
        });
        Ok(Self {
            kid: thumbprint(&public(&first)),
            signing: EncodingKey::from_ed_der(der.as_bytes()),
            verifying: verifying.collect::<anyhow::Result<_>>()?,
        })
    }

    /// The key that verifies what `kid` signed, unless it stopped signing before `oldest`.
    pub fn verifying_key(&self, kid: &str, oldest: DateTime<Utc>) -> Option<&DecodingKey> {
        let found = self.verifying.iter().find(|one| one.kid == kid && one.is_valid(oldest));
        found.map(|one| &one.key)
    }

    /// The public halves as a JSON Web Key Set (RFC 7517, RFC 8037), without the keys that stopped
    /// signing before `oldest`.
    pub fn jwks(&self, oldest: DateTime<Utc>) -> Value {
        let key = |one: &Verifier| json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": one.kid, "x": one.public});
        json!({"keys": self.verifying.iter().filter(|one| one.is_valid(oldest)).map(key).collect::<Vec<_>>()})
    }
}

fn read(file: &Path) -> anyhow::Result<[u8; 32]> {
    let pem =
        fs::read_to_string(file).with_context(|| format!("reading the signing key {}", file.display()))?;
    let key = SigningKey::from_pkcs8_pem(&pem)
        .map_err(|cause| anyhow!("{} holds no Ed25519 key in PKCS #8 PEM: {cause}", file.display()))?;
    let secret = key.to_bytes();
    // A key that somebody typed is no key.
    if secret.iter().all(|byte| *byte == secret[0]) || secret.is_ascii() {
        bail!("{} holds a sample key", file.display());
    }
    Ok(secret)
}

fn public(key: &SigningKey) -> String {
    URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes())
}

fn thumbprint(public: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{public}"}}"#)))
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;

    use super::*;

    fn file(secret: [u8; 32]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key.pem");
        fs::write(&file, SigningKey::from_bytes(&secret).to_pkcs8_pem(LineEnding::LF).unwrap()).unwrap();
        (folder, file)
    }

    #[test]
    fn the_first_file_signs_and_all_verify() {
        let (one, other) = (Ring::seed().unwrap(), Ring::seed().unwrap());
        let ((_a, first), (_b, second)) = (file(one.1), file(other.1));
        let ring = Ring::from_files(&[first, second]).unwrap();
        assert_eq!(ring.kid, one.0);
        assert!([&one.0, &other.0].into_iter().all(|kid| ring.verifying_key(kid, Utc::now()).is_some()));
    }

    #[test]
    fn a_file_that_is_absent_no_key_or_a_sample_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let bad = folder.path().join("bad.pem");
        fs::write(&bad, "secret").unwrap();
        assert!(Ring::from_files(&[bad]).is_err());
        assert!(Ring::from_files(&[folder.path().join("absent.pem")]).is_err());
        for sample in [[0; 32], [0x61; 32], *b"change-me-change-me-change-me-ok"] {
            let (_folder, file) = file(sample);
            assert!(Ring::from_files(&[file]).is_err());
        }
    }
}
