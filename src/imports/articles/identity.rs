//! Which article a row is about.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The key by which a row finds its article.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// The external id, given or derived from the row.
    ExternalId(String),
    /// The slug, in rows that have one and no external id.
    Slug(String),
}

impl Identity {
    /// The external id, if it is one.
    pub fn external_id(&self) -> Option<String> {
        match self {
            Self::ExternalId(id) => Some(id.clone()),
            Self::Slug(_) => None,
        }
    }

    /// The external id or slug, for reports.
    pub fn as_str(&self) -> &str {
        let (Self::ExternalId(key) | Self::Slug(key)) = self;
        key
    }
}

/// The external id that an earlier import gave an article, and the host of the site that the article is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormerIdentity {
    /// The id.
    pub identity: Identity,
    host: String,
}

impl FormerIdentity {
    /// The identity of a row from `source_url`. `None` if that has no host: two sites may have given the same id.
    pub fn new(external_id: String, source_url: &str) -> Option<Self> {
        Some(Self { identity: Identity::ExternalId(external_id), host: find_host(source_url)? })
    }

    /// Whether an article from `source_url` is of the same site.
    pub fn is_of(&self, source_url: Option<&str>) -> bool {
        source_url.and_then(find_host).is_some_and(|host| host == self.host)
    }
}

/// The host of an address, in lower case, without `www.`.
fn find_host(address: &str) -> Option<String> {
    let url = url::Url::parse(address).ok()?;
    let host = url.host_str()?.trim_end_matches('.');
    Some(host.strip_prefix("www.").unwrap_or(host).to_lowercase()).filter(|host| !host.is_empty())
}

/// Derives an external id from the content of a row. Equal rows get the same id.
pub fn derive_external_id(value: &Value) -> String {
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    let digest = Sha256::digest(sorted.to_string());
    format!("row:{}", HEXLOWER.encode(&digest[..16]))
}

/// Batches that may not be committed when a snapshot is loaded: one is being written, one is queued.
const MAX_BATCHES_AHEAD: usize = 2;
/// Identities remembered of an import in one transaction. Bounds memory.
const MAX_TRACKED_IDENTITIES: usize = 250_000;

/// The identities of earlier rows of the import whose writes a new snapshot may not show.
pub struct UnseenWrites {
    /// The number of the last batch with each identity, by the identity's hash.
    last_batches: HashMap<u64, usize>,
    batch: usize,
    /// Whether the import is one transaction: no snapshot shows any of its writes.
    in_one_tx: bool,
}

impl UnseenWrites {
    /// Those of an import that begins now.
    pub fn new(in_one_tx: bool) -> Self {
        Self { last_batches: HashMap::new(), batch: 0, in_one_tx }
    }

    /// Whether the import may have written to this article without the snapshot showing it.
    pub fn may_include(&self, identity: &Identity) -> bool {
        self.is_full() || self.last_batches.contains_key(&hash(identity))
    }

    /// Adds the identities of a batch, and forgets those that the next snapshot will show.
    pub fn add_batch<'i>(&mut self, identities: impl Iterator<Item = &'i Identity>) {
        self.batch += 1;
        if !self.in_one_tx {
            let oldest = (self.batch + 1).saturating_sub(MAX_BATCHES_AHEAD);
            self.last_batches.retain(|_, batch| *batch >= oldest);
        }
        if !self.is_full() {
            self.last_batches.extend(identities.map(|identity| (hash(identity), self.batch)));
        }
    }

    fn is_full(&self) -> bool {
        self.last_batches.len() >= MAX_TRACKED_IDENTITIES
    }
}

fn hash(identity: &Identity) -> u64 {
    let mut hasher = DefaultHasher::new();
    identity.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_former_id_counts_on_the_same_host_only() {
        let former = |source: &str| FormerIdentity::new("wordpress:7".to_owned(), source);
        let site = former("https://news.example.org/2019/a").unwrap();
        for same in [
            "http://news.example.org/?p=7",
            "https://NEWS.example.org./b",
            "https://www.news.example.org:8443",
        ] {
            assert!(site.is_of(Some(same)), "{same}");
        }
        let others = [
            "https://example.org/",
            "https://old.news.example.org/",
            "https://news.example.org.evil.example/",
            "a",
            "",
        ];
        for other in others {
            assert!(!site.is_of(Some(other)), "{other}");
        }
        assert!(!site.is_of(None));
        for without_a_host in ["", "/a", "news.example.org", "mailto:a@example.org"] {
            assert_eq!(former(without_a_host), None, "{without_a_host}");
        }
    }
}
