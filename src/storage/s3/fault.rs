//! What the failures of an S3-compatible store mean.

use std::error::Error;
use std::fmt;

use reqwest::StatusCode;

use super::super::error::StoreError;
use super::causes::{causes, find_in_chain};
use super::xml::read_texts;

/// The most characters of a store's message that are repeated.
const MAX_MESSAGE_CHARS: usize = 300;

/// A failure that is understood already, on its way through the errors of `object_store`.
#[derive(Clone, Debug)]
pub(super) struct Fault(pub StoreError);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Fault {}

/// A range that lies behind the end of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct RangeFault;

impl fmt::Display for RangeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the range lies behind the end of the object")
    }
}

impl Error for RangeFault {}

/// What becomes of an answer.
pub(super) enum Verdict {
    /// `object_store` understands it: a success, or 404 for an object.
    Pass,
    /// The request may succeed if it is tried again.
    Retry(StoreError),
    /// It is final.
    Fail(StoreError),
}

/// Code and message of an answer, as `<Error><Code>…</Code><Message>…</Message></Error>`.
struct Answer {
    code: String,
    message: String,
    is_error: bool,
}

/// Decides what becomes of an answer. `body` is its beginning.
pub(super) fn judge_answer(status: StatusCode, body: &[u8]) -> Verdict {
    let answer = read_answer(body);
    let code = match answer.code.as_str() {
        "" => status.as_u16().to_string(),
        code => code.to_owned(),
    };
    let message = describe_answer(status, &answer);
    let is_full = code.contains("QuotaExceeded") || code.contains("StorageFull");
    match status.as_u16() {
        200..300 if answer.is_error => Verdict::Retry(StoreError::Unavailable(message)),
        200..300 => Verdict::Pass,
        404 if !matches!(answer.code.as_str(), "NoSuchBucket" | "NoSuchUpload") => Verdict::Pass,
        _ if is_full || status == StatusCode::INSUFFICIENT_STORAGE => {
            Verdict::Fail(StoreError::Full(message))
        }
        400 if matches!(answer.code.as_str(), "RequestTimeout" | "SlowDown") => {
            Verdict::Retry(StoreError::Unavailable(message))
        }
        400 if is_refusal(&answer.code) => Verdict::Fail(StoreError::Refused { code, message }),
        404 if answer.code == "NoSuchBucket" => Verdict::Fail(StoreError::Refused { code, message }),
        401 | 403 => Verdict::Fail(StoreError::Refused { code, message }),
        300..400 => {
            let message = format!("{message}: the bucket is in another region, or at another endpoint");
            Verdict::Fail(StoreError::Refused { code, message })
        }
        501 => Verdict::Fail(StoreError::Other(message)),
        408 | 409 | 425 | 429 | 500..600 => Verdict::Retry(StoreError::Unavailable(message)),
        _ => Verdict::Fail(StoreError::Other(message)),
    }
}

/// Codes with which a store refuses keys, buckets and regions by 400 instead of 403.
fn is_refusal(code: &str) -> bool {
    const REFUSALS: [&str; 7] = [
        "AuthorizationHeaderMalformed",
        "ExpiredToken",
        "IllegalLocationConstraintException",
        "InvalidAccessKeyId",
        "InvalidBucketName",
        "InvalidToken",
        "SignatureDoesNotMatch",
    ];
    REFUSALS.contains(&code)
}

fn read_answer(body: &[u8]) -> Answer {
    let mut answer = Answer { code: String::new(), message: String::new(), is_error: false };
    read_texts(&String::from_utf8_lossy(body), |path, text| match path {
        ["Error"] => answer.is_error = true,
        ["Error", "Code"] => answer.code = clean(&text),
        ["Error", "Message"] => answer.message = clean(&text),
        _ => {}
    });
    answer
}

/// Text of a store without control characters, at most 300 characters.
fn clean(text: &str) -> String {
    text.trim().chars().filter(|char| !char.is_control()).take(MAX_MESSAGE_CHARS).collect()
}

fn describe_answer(status: StatusCode, answer: &Answer) -> String {
    let parts = [answer.code.as_str(), answer.message.as_str()];
    let known: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    match known.is_empty() {
        true => format!("it answered {status}"),
        false => format!("it answered {status}, {}", known.join(": ")),
    }
}

/// A failure of the network, without the address of the request.
pub(super) fn unavailable(cause: &reqwest::Error) -> StoreError {
    let what = match (cause.is_connect(), cause.is_timeout()) {
        (true, true) => "no connection in time",
        (true, false) => "no connection",
        (false, _) => "the connection failed",
    };
    StoreError::Unavailable(format!("{what}: {}", describe_cause(cause)))
}

/// The innermost cause of an error: the outer ones repeat addresses.
pub(super) fn describe_cause(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

/// The failure in a chain of causes; the network's fault if none is known.
pub(super) fn classify_chain(error: &(dyn Error + 'static)) -> StoreError {
    match find_in_chain::<Fault>(error) {
        Some(fault) => fault.0.clone(),
        None => match find_in_chain::<reqwest::Error>(error) {
            Some(cause) => unavailable(cause),
            None => StoreError::Other(describe_cause(error)),
        },
    }
}

/// The failure of a request. `None` if the object does not exist.
pub(super) fn classify(error: &object_store::Error) -> Option<StoreError> {
    match error {
        object_store::Error::NotFound { .. } => None,
        error => Some(classify_chain(error)),
    }
}

/// Whether a store refused a range because it lies behind the end of the object.
pub(super) fn is_range_error(error: &object_store::Error) -> bool {
    find_in_chain::<RangeFault>(error).is_some()
}

/// The failure of a request for which nothing can be missing.
pub(super) fn classify_all(error: &object_store::Error) -> StoreError {
    let missing = || StoreError::Other("the store answered 404 to a request without an object".to_owned());
    classify(error).unwrap_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(status: u16, code: &str) -> &'static str {
        let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>No.</Message></Error>");
        match judge_answer(StatusCode::from_u16(status).unwrap(), body.as_bytes()) {
            Verdict::Pass => "pass",
            Verdict::Retry(StoreError::Unavailable(_)) => "retry",
            Verdict::Fail(StoreError::Refused { code: told, message }) => {
                assert_eq!(told, code);
                assert!(message.ends_with(&format!("{code}: No.")) || status == 301, "{message}");
                "refused"
            }
            Verdict::Fail(StoreError::Full(_)) => "full",
            Verdict::Fail(StoreError::Other(_)) => "other",
            Verdict::Retry(_) | Verdict::Fail(_) => "?",
        }
    }

    #[test]
    fn answers_are_judged_by_what_can_be_done() {
        let cases = [
            (404, "NoSuchKey", "pass"),
            (404, "NoSuchBucket", "refused"),
            (404, "NoSuchUpload", "other"),
            (403, "SignatureDoesNotMatch", "refused"),
            (400, "InvalidAccessKeyId", "refused"),
            (400, "MalformedXML", "other"),
            (400, "RequestTimeout", "retry"),
            (301, "PermanentRedirect", "refused"),
            (507, "XMinioStorageFull", "full"),
            (403, "QuotaExceeded", "full"),
            (500, "InternalError", "retry"),
            (503, "SlowDown", "retry"),
            (501, "NotImplemented", "other"),
            (200, "InternalError", "retry"),
        ];
        for (status, code, expected) in cases {
            assert_eq!(judge(status, code), expected, "{status} {code}");
        }
    }

    #[test]
    fn an_answer_that_is_no_xml_is_judged_by_its_status() {
        let Verdict::Fail(StoreError::Refused { code, message }) =
            judge_answer(StatusCode::FORBIDDEN, b"<html>\xff<p>no")
        else {
            panic!("not refused");
        };
        assert_eq!((code.as_str(), message.as_str()), ("403", "it answered 403 Forbidden"));
    }
}
