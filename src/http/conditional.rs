//! Conditional requests (RFC 9110 §13).

use std::future::{Ready, ready};

use actix_web::http::header::{
    CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_MATCH, IF_NONE_MATCH, LINK, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{FromRequest, HttpRequest, dev, web};

use super::encoding::{Effort, Encoding};
use super::matched::Matched;
use super::modified::Modified;
use crate::app::App;
use crate::error::{Code, Error, Result};
use crate::operations::Conditional;

/// What the conditions of a request to read lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// The answer is sent.
    Met,
    /// The client has it already (304).
    NotModified,
    /// It is not what the client expects (412).
    Failed,
}

impl Precondition {
    /// Evaluates the conditions of a request to read what has `etag` and was changed at `modified`, in the order of
    /// RFC 9110 §13.2.2: `If-Match`, else `If-Unmodified-Since`; then `If-None-Match`, else `If-Modified-Since`.
    pub fn evaluate(headers: &HeaderMap, etag: Option<&str>, modified: Option<Modified>) -> Self {
        let is_named = |name| etag.is_some_and(|etag| names_tag(headers, name, etag));
        let has_failed = if headers.contains_key(IF_MATCH) {
            !is_named(IF_MATCH)
        } else {
            modified.is_some_and(|modified| modified.is_after(headers))
        };
        if has_failed {
            return Self::Failed;
        }
        let is_known = if headers.contains_key(IF_NONE_MATCH) {
            is_named(IF_NONE_MATCH)
        } else {
            modified.is_some_and(|modified| modified.is_known(headers))
        };
        if is_known { Self::NotModified } else { Self::Met }
    }
}

/// Whether a header describes a body that 304 does not send: the client has it as it was (RFC 9110 §15.4.5).
pub fn describes_body(name: &HeaderName) -> bool {
    [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS, LINK].contains(name)
}

/// Whether the header `name` lists `etag`, or is `*`.
///
/// The comparison is weak (RFC 9110 §13.1.2): proxies that compress weaken every tag.
pub fn names_tag(headers: &HeaderMap, name: HeaderName, etag: &str) -> bool {
    let etag = strip_weak(etag);
    headers
        .get_all(name)
        .filter_map(|value| value.to_str().ok())
        .any(|list| list.trim() == "*" || list.split(',').any(|tag| strip_weak(tag) == etag))
}

/// The tag without the mark of a weak one.
fn strip_weak(tag: &str) -> &str {
    let tag = tag.trim();
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// The `If-Match` of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// Not sent: the last writer wins.
    Absent,
    /// `*`: any version, as long as it exists.
    Any,
    /// One of these versions. Weak tags count too: what is compared is the version inside, and proxies
    /// that compress weaken every tag.
    Versions(Vec<i32>),
}

impl IfMatch {
    /// Refuses with 412 unless the thing still has a version that the client has seen.
    pub fn check(&self, current: i32) -> Result<()> {
        match self {
            Self::Versions(versions) if !versions.contains(&current) => Err(Error::Stale { current }),
            _ => Ok(()),
        }
    }

    fn read(req: &HttpRequest) -> Self {
        let mut versions = Vec::new();
        let mut sent = false;
        for list in req.headers().get_all(IF_MATCH) {
            sent = true;
            let list = list.to_str().unwrap_or_default();
            if list.trim() == "*" {
                return Self::Any;
            }
            versions.extend(list.split(',').filter_map(find_version));
        }
        if sent { Self::Versions(versions) } else { Self::Absent }
    }
}

/// The tag of what has the strong tag `etag` in another coding, which has other bytes (RFC 9110 §8.8.3). A weak tag is that
/// of all codings.
pub fn tag_encoded(etag: &str, encoding: Encoding, effort: Effort) -> String {
    match etag.strip_suffix('"') {
        Some(start) if !etag.starts_with("W/") => format!("{start}{}\"", encoding.tag_ending(effort)),
        _ => etag.to_owned(),
    }
}

/// Sets the entity tag of an answer.
pub fn set_tag(headers: &mut HeaderMap, etag: Option<String>) {
    if let Some(Ok(etag)) = etag.map(|etag| HeaderValue::from_str(&etag)) {
        headers.insert(ETAG, etag);
    }
}

/// The version in `"7-…"`, `W/"7-…"` or `"7"`.
pub fn find_version(tag: &str) -> Option<i32> {
    let inner = strip_weak(tag).strip_prefix('"')?.strip_suffix('"')?;
    inner.split('-').next()?.parse().ok()
}

impl FromRequest for IfMatch {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let required = req.app_data::<web::Data<App>>().is_some_and(|app| app.config.http.require_if_match);
        ready(match Self::read(req) {
            Self::Absent if required && !creates_only(req) => Err(Error::Refused(
                Code::PreconditionRequired,
                "Send the ETag of what you read as If-Match.".into(),
            )),
            given => Ok(given),
        })
    }
}

fn creates_only(req: &HttpRequest) -> bool {
    let star = req.headers().get(IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == b"*");
    star && Matched::of(req).is_ok_and(|matched| matched.operation().conditional == Conditional::Put)
}

/// Whether a PUT asked to create only (`If-None-Match: *`).
#[derive(Clone, Copy, Debug)]
pub struct CreateOnly(pub bool);

impl FromRequest for CreateOnly {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(req: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(Ok(Self(creates_only(req))))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn if_match(value: &str) -> IfMatch {
        IfMatch::read(&TestRequest::default().insert_header((IF_MATCH, value)).to_http_request())
    }

    #[test]
    fn a_tag_carries_its_version() {
        for value in ["\"7-abc\"", "W/\"7-abc\"", "\"7\"", "\"1\", W/\"7-x\""] {
            assert!(if_match(value).check(7).is_ok(), "{value}");
            assert!(matches!(if_match(value).check(8), Err(Error::Stale { current: 8 })), "{value}");
        }
        assert!(if_match("*").check(7).is_ok());
    }

    #[test]
    fn foreign_tags_match_nothing() {
        for value in ["W/\"abc\"", "\"abc\"", "7", "W/7", "w/\"7\"", ""] {
            assert!(if_match(value).check(7).is_err(), "{value}");
        }
    }
}
