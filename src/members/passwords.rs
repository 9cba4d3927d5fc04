//! Passwords: the rules, and hashing that does not slow down readers.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::anyhow;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::oneshot;
use unicode_normalization::UnicodeNormalization;

use super::email;
use crate::error::{Code, Error, Fault, Result};
use crate::permits::CorePermits;
use crate::priority;

/// The most bytes of a password, after normalisation.
const MAX_PASSWORD_BYTES: usize = 1024;
/// The shortest password, in characters.
const MIN_PASSWORD_CHARS: usize = 8;
/// The longest wait of a hash for a permit.
const HASH_PERMIT_TIMEOUT: Duration = Duration::from_millis(500);

/// Checks a password and returns it normalised, as it is hashed.
///
/// Refuses passwords under 8 characters or over 1,024 bytes, the member's own
/// email, and passwords that a guesser finds within 100,000 guesses: common
/// passwords and words, also with the usual substitutions of letters, and passwords
/// made from `Inkstone` or from the email. There is no rule of composition or
/// expiry (NIST SP 800-63B §3.1.1.2).
pub fn validate(pointer: &str, password: &str, email: &str) -> Result<String> {
    validate_for_site("", pointer, password, email)
}

/// Checks a password as [`validate`] does, and refuses the name of the site `site`, also with a few more characters.
pub fn validate_for_site(site: &str, pointer: &str, password: &str, email: &str) -> Result<String> {
    let normalised = normalise(password);
    let folded = normalised.to_lowercase();
    let local = email.split('@').next().unwrap_or_default();
    let refuse = |code, detail: &str| Fault::body(pointer, code, detail);
    let fault = if normalised.chars().count() < MIN_PASSWORD_CHARS {
        refuse(Code::TooShort, "must have at least {min} characters").with("min", MIN_PASSWORD_CHARS)
    } else if normalised.len() > MAX_PASSWORD_BYTES {
        refuse(Code::TooLong, "must have at most {max} bytes").with("max", MAX_PASSWORD_BYTES)
    } else if folded == local.to_lowercase() || Some(&folded) == email::canonicalise(email).as_ref() {
        refuse(Code::WeakPassword, "must not be your email")
    } else if is_site_name(site, &folded) {
        refuse(Code::WeakPassword, "must not be the name of the site")
    } else if is_easily_guessed(&folded, local) {
        refuse(Code::WeakPassword, "is too easy to guess")
    } else {
        return Ok(normalised);
    };
    Err(fault.into())
}

/// Returns the NFKC form of a password, which is the same for all keyboards.
pub fn normalise(password: &str) -> String {
    password.nfkc().collect()
}

/// Whether `password` is the site's name, with at most a few more characters.
fn is_site_name(site: &str, password: &str) -> bool {
    const MAX_EXTRA_CHARS: usize = 4;
    let site = normalise(site.trim()).to_lowercase();
    !site.is_empty()
        && password.contains(&site)
        && password.chars().count() <= site.chars().count() + MAX_EXTRA_CHARS
}

/// Whether a guesser who tries likely passwords first needs fewer than 100,000 guesses.
fn is_easily_guessed(password: &str, local: &str) -> bool {
    // The word lists hold only short ASCII entries.
    let may_be_listed = password.is_ascii() && password.len() <= 40;
    may_be_listed && zxcvbn::zxcvbn(password, &["inkstone", local]).guesses() < 100_000
}

/// What passwords of unknown accounts are verified against; made once for the process.
static DUMMY_HASH: OnceLock<Arc<str>> = OnceLock::new();

/// Hashes and verifies passwords, a few at a time, on threads of the lowest priority.
///
/// A flood of logins waits here and then gets 503, while readers are served.
#[derive(Clone)]
pub struct Hasher {
    permits: CorePermits,
    argon2: Argon2<'static>,
    dummy: Arc<str>,
}

impl Hasher {
    /// Creates a hasher: argon2id with 19 MiB, two passes and one lane (OWASP).
    ///
    /// It runs one hash fewer at a time than there are cores, but at least one.
    pub fn new() -> anyhow::Result<Self> {
        let params = Params::new(19_456, 2, 1, None).map_err(|cause| anyhow!("argon2: {cause}"))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let dummy = match DUMMY_HASH.get() {
            Some(dummy) => dummy.clone(),
            None => {
                let made = argon2.hash_password(uuid::Uuid::new_v4().as_bytes());
                let made = made.map_err(|cause| anyhow!("argon2: {cause}"))?;
                DUMMY_HASH.get_or_init(|| made.to_string().into()).clone()
            }
        };
        let permits = CorePermits::new(HASH_PERMIT_TIMEOUT, "too many passwords to check");
        Ok(Self { permits, argon2, dummy })
    }

    /// Returns the PHC string of `password`; fails with 503 if it gets no permit in time.
    pub async fn hash(&self, password: String) -> Result<String> {
        let argon2 = self.argon2.clone();
        self.run(move || {
            let hash = argon2.hash_password(password.as_bytes());
            hash.map(|hash| hash.to_string()).map_err(|cause| Error::Internal(anyhow!("argon2: {cause}")))
        })
        .await?
    }

    /// Whether `hash` was made with other parameters than the current ones.
    pub fn is_stale(hash: &str) -> bool {
        !hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
    }

    /// Whether `hash` is a hash of `password`.
    ///
    /// Without a hash, it does the same work and returns false, so that the time
    /// does not tell whether an account exists.
    pub async fn verify(&self, password: &str, hash: Option<String>) -> Result<bool> {
        let argon2 = self.argon2.clone();
        let password = normalise(password);
        let has_hash = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy.to_string());
        self.run(move || {
            let matches = PasswordHash::new(&hash)
                .is_ok_and(|hash| argon2.verify_password(password.as_bytes(), &hash).is_ok());
            matches && has_hash
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let permit = self.permits.take().await?;
        // A new thread for each hash, because a lowered priority cannot be raised again.
        // Starting a thread takes about a hundredth of the time of a hash.
        let (sender, receiver) = oneshot::channel();
        let thread = std::thread::Builder::new().name("password".to_owned());
        let started = thread.spawn(move || {
            priority::lower_thread_priority();
            let _pauses = priority::PauseTimer::start();
            let result = work();
            drop(permit);
            // The receiver is gone if the client has disconnected.
            let _ = sender.send(result);
        });
        started.map_err(|cause| Error::Unavailable(format!("no thread for a password: {cause}")))?;
        receiver.await.map_err(|cause| Error::Internal(cause.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_and_guessability_are_the_only_rules() {
        let is_valid = |password: &str| validate("/password", password, "ada@example.org").is_ok();
        assert!(is_valid("eight ch"));
        assert!(is_valid("密码八个字符够了"));
        assert!(!is_valid("seven c"));
        assert!(!is_valid(&"x".repeat(1025)));
        assert!(!is_valid("ADA@example.org"));
        for guessed in
            ["password1", "iloveyou", "sunshine", "12345678", "qwertyuiop", "Inkstone", "inkstone1"]
        {
            assert!(!is_valid(guessed), "{guessed}");
        }
        assert!(is_valid("correct horse"));
        let on_site = |password: &str| validate_for_site("中国计量门户网站", "", password, "").is_ok();
        assert!(
            !on_site("中国计量门户网站")
                && !on_site("中国计量门户网站2026")
                && on_site("中国计量门户网站的六把新锁")
        );
    }

    #[tokio::test]
    async fn two_unicode_forms_of_a_password_are_equal() {
        let hasher = Hasher::new().unwrap();
        let composed = validate("", "caf\u{e9}-caf\u{e9}", "").unwrap();
        let hash = hasher.hash(composed).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(hasher.verify("cafe\u{301}-cafe\u{301}", Some(hash.clone())).await.unwrap());
        assert!(!hasher.verify("cafe-cafe", Some(hash)).await.unwrap());
        assert!(!hasher.verify("anything", None).await.unwrap());
    }
}
