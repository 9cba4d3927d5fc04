//! Emails: stored as typed, compared in one canonical form.

use unicode_normalization::UnicodeNormalization;
use url::Host;

/// The most bytes of an email (RFC 5321 §4.5.3.1.3, without the angle brackets).
const MAX_EMAIL_BYTES: usize = 254;

/// Returns the form in which two spellings of one email are equal.
///
/// The form is trimmed, NFKC and lower case, with the domain in IDNA ASCII.
/// Returns `None` if `typed` is not an email.
pub fn canonicalise(typed: &str) -> Option<String> {
    let folded: String = typed.trim().nfkc().collect::<String>().to_lowercase();
    let (local, domain) = folded.rsplit_once('@')?;
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !"@\"(),:;<>[\\]".contains(c);
    let local_ok = !local.is_empty() && local.len() <= 64 && local.chars().all(is_plain);
    let Ok(Host::Domain(domain)) = Host::parse(domain.strip_suffix('.').unwrap_or(domain)) else {
        return None;
    };
    let email = format!("{local}@{domain}");
    (local_ok && email.len() <= MAX_EMAIL_BYTES).then_some(email)
}

/// Returns an email as it is stored: as typed, but without blanks around it and in NFKC.
///
/// Two ways to write one character are one mailbox, and mail goes to the stored form.
pub fn tidy(typed: &str) -> String {
    typed.trim().nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_email_are_equal() {
        let one = canonicalise("ada@example.org");
        assert!(one.is_some());
        for spelling in [" Ada@Example.org ", "ADA@EXAMPLE.ORG", "ａｄａ@example.org", "ada@example.org."]
        {
            assert_eq!(canonicalise(spelling), one, "{spelling}");
        }
        assert_eq!(canonicalise("li@例子.公司").as_deref(), Some("li@xn--fsqu00a.xn--55qx5d"));
    }

    #[test]
    fn other_text_is_refused() {
        for typed in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "a b@example.org",
            "a@b@c",
            "a@exa mple.org",
            "a\r\nBcc:x@example.org",
            "a@127.0.0.1",
        ] {
            assert_eq!(canonicalise(typed), None, "{typed:?}");
        }
    }
}
