//! The secrets of a site: the ring of keys that sign access tokens, and the seal.
//!
//! The ring lives in the database, so all processes of a site share it: `next`
//! is announced before it signs, `active` signs, `retired` verifies until the
//! last token it signed has expired. Who keeps keys elsewhere names PEM files
//! instead: the first signs, all verify.

mod eddsa;
pub mod queries;
mod ring;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::db::connection::Connection;

pub use ring::Ring;

/// The keys that were configured, and the secret that all processes of the site share.
pub struct Keys {
    /// Without them, the ring is in the database.
    configured: Option<Arc<Ring>>,
    seal: Vec<u8>,
    /// How long a key that no longer signs verifies: at least the life of a token.
    pub retired_for: TimeDelta,
}

impl Keys {
    /// Reads the configured keys, or without any sees to it that there is a ring in the database.
    ///
    /// Fails on a file that holds no Ed25519 key in PKCS #8 PEM.
    pub async fn open(
        conn: &mut Connection,
        files: &[PathBuf],
        retired_for: Duration,
    ) -> anyhow::Result<Self> {
        let configured = if files.is_empty() { None } else { Some(Arc::new(Ring::from_files(files)?)) };
        let seal = queries::site_secret(conn, random()?).await.context("reading the site's secret")?;
        if configured.is_none() {
            queries::fill(conn, &[Ring::seed()?, Ring::seed()?]).await.context("making signing keys")?;
        }
        Ok(Self { configured, seal, retired_for: TimeDelta::from_std(retired_for)? })
    }

    /// The ring of the configured keys, if there are some.
    pub fn configured(&self) -> Option<Arc<Ring>> {
        self.configured.clone()
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

    fn keys_with(seal: u8) -> Keys {
        Keys { configured: None, seal: vec![seal; 32], retired_for: TimeDelta::zero() }
    }

    #[test]
    fn a_seal_covers_every_part_and_where_it_ends() {
        let keys = keys_with(7);
        let seal = keys.seal(&[b"ab", b"c"]);
        assert!(keys.is_sealed(&[b"ab", b"c"], &seal));
        assert!(!keys.is_sealed(&[b"a", b"bc"], &seal));
        assert!(!keys.is_sealed(&[b"ab", b"d"], &seal));
        assert!(!keys.is_sealed(&[b"ab", b"c"], &seal[..15]));
    }

    #[test]
    fn another_site_derives_other_tokens() {
        let (ours, theirs) = (keys_with(7), keys_with(8));
        assert_ne!(ours.derive(&[b"x"]), theirs.derive(&[b"x"]));
        assert_eq!(ours.derive(&[b"x"]), ours.derive(&[b"x"]));
    }
}
