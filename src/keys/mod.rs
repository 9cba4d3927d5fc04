//! The secrets of a site: the ring of keys that sign access tokens, and the seal.
//!
//! The ring lives in the database, so all processes of a site share it: `next`
//! is announced before it signs, `active` signs, `retired` verifies until the
//! last token it signed has expired. Who keeps keys elsewhere names PEM files
//! instead: the first signs, all verify.

pub mod queries;
mod ring;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::db::connection::Connection;
use anyhow::Context;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub use ring::Ring;

/// A ring is read again at most this often for the sake of a token that names an unknown key.
const REREAD: Duration = Duration::from_secs(1);

/// The ring in use, and the secret that all processes of the site share.
pub struct Keys {
    ring: RwLock<(Arc<Ring>, Instant)>,
    seal: Vec<u8>,
    /// How long a retired key verifies; `None` when the keys were configured.
    kept: Option<Duration>,
}

impl Keys {
    /// These keys, which stay as they are.
    pub fn new(ring: Ring, seal: Vec<u8>) -> Self {
        Self { ring: RwLock::new((Arc::new(ring), Instant::now())), seal, kept: None }
    }

    /// The configured keys, or without any the ring in the database, made on first use.
    ///
    /// A retired key verifies for `kept`, which is at least the life of a token.
    /// Fails on a file that holds no Ed25519 key in PKCS #8 PEM.
    pub async fn open(conn: &mut Connection, files: &[PathBuf], kept: Duration) -> anyhow::Result<Self> {
        let configured = if files.is_empty() { None } else { Some(Ring::from_files(files)?) };
        let seal = queries::site_secret(conn, random()?).await.context("reading the site's secret")?;
        if let Some(ring) = configured {
            return Ok(Self::new(ring, seal));
        }
        queries::fill(conn, &[Ring::seed()?, Ring::seed()?]).await.context("making signing keys")?;
        let ring = Ring::from_rows(&queries::list(conn, kept).await?)?;
        Ok(Self { kept: Some(kept), ..Self::new(ring, seal) })
    }

    /// The ring as it is now.
    pub fn ring(&self) -> Arc<Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Whether a key of this name may have been added since the ring was read.
    pub fn may_have_missed(&self, kid: &str) -> bool {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        self.kept.is_some() && !ring.0.knows(kid) && ring.1.elapsed() > REREAD
    }

    /// Reads the ring again; configured keys stay.
    pub async fn reread(&self, conn: &Connection) -> anyhow::Result<()> {
        if let Some(kept) = self.kept {
            let ring = Ring::from_rows(&queries::list(conn, kept).await?)?;
            *self.ring.write().unwrap_or_else(PoisonError::into_inner) = (Arc::new(ring), Instant::now());
        }
        Ok(())
    }

    /// A seal over `parts` that nobody else can make: 16 bytes of HMAC-SHA-256 (RFC 2104).
    pub fn seal(&self, parts: &[&[u8]]) -> Vec<u8> {
        self.derive(parts)[..16].to_vec()
    }

    /// Whether `seal` was made over `parts`; takes the same time either way.
    pub fn is_sealed(&self, parts: &[&[u8]], seal: &[u8]) -> bool {
        seal.len() == 16 && self.mac(parts).is_ok_and(|mac| mac.verify_truncated_left(seal).is_ok())
    }

    /// 256 bits that follow from `parts` for whoever has the site's secret: HMAC-SHA-256.
    pub fn derive(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.mac(parts).map(|mac| mac.finalize().into_bytes().into()).unwrap_or_default()
    }

    fn mac(&self, parts: &[&[u8]]) -> anyhow::Result<Hmac<Sha256>> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.seal)?;
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Ok(mac)
    }
}

/// 256 random bits.
fn random() -> anyhow::Result<Vec<u8>> {
    let mut bytes = vec![0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_covers_every_part_and_where_it_ends() {
        let keys = Keys::new(Ring::generate().unwrap(), vec![7; 32]);
        let seal = keys.seal(&[b"ab", b"c"]);
        assert!(keys.is_sealed(&[b"ab", b"c"], &seal));
        assert!(!keys.is_sealed(&[b"a", b"bc"], &seal));
        assert!(!keys.is_sealed(&[b"ab", b"d"], &seal));
        assert!(!keys.is_sealed(&[b"ab", b"c"], &seal[..15]));
    }

    #[test]
    fn another_site_derives_other_tokens() {
        let ours = Keys::new(Ring::generate().unwrap(), vec![7; 32]);
        let theirs = Keys::new(Ring::generate().unwrap(), vec![8; 32]);
        assert_ne!(ours.derive(&[b"x"]), theirs.derive(&[b"x"]));
        assert_eq!(ours.derive(&[b"x"]), ours.derive(&[b"x"]));
    }
}
