//! E-mail addresses: kept as typed, compared in one canonical form.

use unicode_normalization::UnicodeNormalization;
use url::Host;

/// Longest address (RFC 5321 §4.5.3.1.3, without the angle brackets).
pub const MAX: usize = 254;

/// The form in which two spellings of one address are equal: trimmed, NFKC,
/// lower case, the domain in IDNA ASCII. `None` when `typed` is no address.
pub fn canonicalise(typed: &str) -> Option<String> {
    let folded: String = typed.trim().nfkc().collect::<String>().to_lowercase();
    let (local, domain) = folded.rsplit_once('@')?;
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"@\"(),:;<>[\\]".contains(c);
    let local_ok = !local.is_empty() && local.len() <= 64 && local.chars().all(plain);
    let Ok(Host::Domain(domain)) = Host::parse(domain.strip_suffix('.').unwrap_or(domain)) else {
        return None;
    };
    let address = format!("{local}@{domain}");
    (local_ok && address.len() <= MAX).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_address_meet() {
        let one = canonicalise("ada@example.org");
        assert!(one.is_some());
        for spelling in [" Ada@Example.org ", "ADA@EXAMPLE.ORG", "ａｄａ@example.org", "ada@example.org."]
        {
            assert_eq!(canonicalise(spelling), one, "{spelling}");
        }
        assert_eq!(canonicalise("li@例子.公司").as_deref(), Some("li@xn--fsqu00a.xn--55qx5d"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
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
