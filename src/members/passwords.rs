//! Passwords: what is allowed, and hashing that cannot starve the readers.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use unicode_normalization::UnicodeNormalization;

use super::email;
use crate::error::{Code, Error, Fault, Result};
use crate::priority;

/// Longest password, in bytes after normalisation.
const MAX_BYTES: usize = 1024;
/// How long a hash may wait for its turn.
const WAIT: Duration = Duration::from_millis(500);

/// The password as it is hashed: NFKC, so that every keyboard's form of it is one.
///
/// Refused: under 8 characters, over 1,024 bytes, the member's own address, and
/// what is among the first 100,000 guesses: common passwords and words, also
/// with the usual changes of templates, and what follows from `Inkstone` or the address.
/// There is no rule of composition or expiry (NIST SP 800-63B §3.1.1.2).
pub fn validate(pointer: &str, password: &str, address: &str) -> Result<String> {
    validate_for_site("", pointer, password, address)
}

/// [`validate`], which also refuses the name of the site `site` with little around it.
pub fn validate_for_site(site: &str, pointer: &str, password: &str, address: &str) -> Result<String> {
    let normal = normalise(password);
    let folded = normal.to_lowercase();
    let local = address.split('@').next().unwrap_or_default();
    let fault = if normal.chars().count() < 8 {
        Some((Code::TooShort, "must have at least 8 characters"))
    } else if normal.len() > MAX_BYTES {
        Some((Code::TooLong, "must have at most 1024 bytes"))
    } else if folded == local.to_lowercase() || Some(&folded) == email::canonicalise(address).as_ref() {
        Some((Code::WeakPassword, "must not be your e-mail address"))
    } else if is_name_of(site, &folded) {
        Some((Code::WeakPassword, "must not be the name of the site"))
    } else if is_guessed_first(&folded, local) {
        Some((Code::WeakPassword, "is one of those that are guessed first"))
    } else {
        None
    };
    match fault {
        Some((code, detail)) => Err(Error::Faults(code, vec![Fault::body(pointer, code, detail)])),
        None => Ok(normal),
    }
}

/// The one form of a password, whatever keyboard it was typed on.
pub fn normalise(password: &str) -> String {
    password.nfkc().collect()
}

/// Whether `password` is the site's name with no more than a few characters around it.
fn is_name_of(site: &str, password: &str) -> bool {
    const FEW: usize = 4;
    let site = normalise(site.trim()).to_lowercase();
    !site.is_empty() && password.contains(&site) && password.chars().count() <= site.chars().count() + FEW
}

/// Whether a guesser who tries the likely ones first is there within 100,000 guesses.
fn is_guessed_first(password: &str, local: &str) -> bool {
    // The lists are in ASCII, and what is longer stands in none.
    let listed = password.is_ascii() && password.len() <= 40;
    listed && zxcvbn::zxcvbn(password, &["inkstone", local]).guesses() < 100_000
}

/// Hashes and verifies, a few at a time and on threads that give way to all
/// others: a flood of logins waits here, and is turned away, while readers are served.
#[derive(Clone)]
pub struct Hasher {
    permits: Arc<Semaphore>,
    argon2: Argon2<'static>,
    dummy: Arc<str>,
}

impl Hasher {
    /// argon2id with 19 MiB, two passes and one lane (OWASP), one core fewer at once than there are.
    pub fn new() -> anyhow::Result<Self> {
        let params = Params::new(19_456, 2, 1, None).map_err(|cause| anyhow!("argon2: {cause}"))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let dummy = argon2
            .hash_password(uuid::Uuid::new_v4().as_bytes())
            .map_err(|cause| anyhow!("argon2: {cause}"))?;
        // A core stays free of hashing where there are several.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let permits = Arc::new(Semaphore::new((cores - 1).max(1)));
        Ok(Self { permits, argon2, dummy: dummy.to_string().into() })
    }

    /// The PHC string of `password`. Fails with 503 when the queue is too long.
    pub async fn hash(&self, password: String) -> Result<String> {
        let argon2 = self.argon2.clone();
        self.run(move || {
            let hash = argon2.hash_password(password.as_bytes());
            hash.map(|hash| hash.to_string()).map_err(|cause| Error::Internal(anyhow!("argon2: {cause}")))
        })
        .await?
    }

    /// Whether `hash` was made with other parameters than today's.
    pub fn is_stale(hash: &str) -> bool {
        !hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
    }

    /// Whether `password` is the one behind `hash`. Without a hash it does the same
    /// work and says no, so that the time tells nobody whether an account exists.
    pub async fn verify(&self, password: &str, hash: Option<String>) -> Result<bool> {
        let argon2 = self.argon2.clone();
        let password = normalise(password);
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy.to_string());
        self.run(move || {
            let matches = PasswordHash::new(&hash)
                .is_ok_and(|hash| argon2.verify_password(password.as_bytes(), &hash).is_ok());
            matches && known
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let turn = tokio::time::timeout(WAIT, self.permits.clone().acquire_owned()).await;
        let permit: OwnedSemaphorePermit = match turn {
            Ok(Ok(permit)) => permit,
            _ => return Err(Error::Unavailable("too many passwords to check".to_owned())),
        };
        // A thread of its own, which a hash outlives a hundred times: once lowered, its priority stays low.
        let (tell, told) = oneshot::channel();
        let thread = std::thread::Builder::new().name("password".to_owned());
        let started = thread.spawn(move || {
            priority::background();
            let _naps = priority::Naps::begin();
            let result = work();
            drop(permit);
            // Nobody waits any more if the client has hung up.
            let _ = tell.send(result);
        });
        started.map_err(|cause| Error::Unavailable(format!("no thread for a password: {cause}")))?;
        told.await.map_err(|cause| Error::Internal(cause.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_the_only_rule_but_for_the_own_address() {
        let admitted = |password: &str| validate("/password", password, "ada@example.org").is_ok();
        assert!(admitted("eight ch"));
        assert!(admitted("密码八个字符够了"));
        assert!(!admitted("seven c"));
        assert!(!admitted(&"x".repeat(1025)));
        assert!(!admitted("ADA@example.org"));
        for guessed in
            ["password1", "iloveyou", "sunshine", "12345678", "qwertyuiop", "Inkstone", "inkstone1"]
        {
            assert!(!admitted(guessed), "{guessed}");
        }
        assert!(admitted("correct horse"));
        let on_site = |password: &str| validate_for_site("中国计量门户网站", "", password, "").is_ok();
        assert!(
            !on_site("中国计量门户网站")
                && !on_site("中国计量门户网站2026")
                && on_site("中国计量门户网站的六把新锁")
        );
    }

    #[tokio::test]
    async fn one_password_in_two_forms_is_one_password() {
        let hasher = Hasher::new().unwrap();
        let composed = validate("", "caf\u{e9}-caf\u{e9}", "").unwrap();
        let hash = hasher.hash(composed).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(hasher.verify("cafe\u{301}-cafe\u{301}", Some(hash.clone())).await.unwrap());
        assert!(!hasher.verify("cafe-cafe", Some(hash)).await.unwrap());
        assert!(!hasher.verify("anything", None).await.unwrap());
    }
}
