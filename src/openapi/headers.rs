//! The headers of requests and answers.

use serde_json::{Map, Value, json};

use crate::operations::table::Endpoint;
use crate::operations::{CacheClass, Caller, Conditional, RequestBody};

/// The longest id of a request.
pub const MAX_REQUEST_ID_CHARS: u64 = 64;
/// The longest list of entity tags that clients should send.
const MAX_TAGS_CHARS: u64 = 8000;
/// The longest `Idempotency-Key`.
const MAX_IDEMPOTENCY_KEY_CHARS: u64 = 255;
/// The longest date of a header, in a format of RFC 9110 §5.6.7.
const MAX_DATE_CHARS: u64 = 33;

/// A header of answers.
struct Header {
    /// The key of the component. A header that is sent always by some answers and sometimes by others has two.
    component: &'static str,
    name: &'static str,
    is_required: bool,
    /// The most characters of the value. `None` for a number.
    max_chars: Option<u64>,
    description: &'static str,
}

/// Makes a header that its answers always have.
const fn always(name: &'static str, component: &'static str, max: u64, description: &'static str) -> Header {
    Header { component, name, is_required: true, max_chars: Some(max), description }
}

/// Makes a header that its answers have sometimes. The description says when.
const fn sometimes(
    name: &'static str,
    component: &'static str,
    max: u64,
    description: &'static str,
) -> Header {
    Header { is_required: false, ..always(name, component, max, description) }
}

/// All headers of answers, but for those of HTTP itself and those that tell browsers what they must not do.
const HEADERS: &[Header] = &[
    always("X-Request-Id", "RequestId", MAX_REQUEST_ID_CHARS, "The id under which this request was logged"),
    always("Cache-Control", "CacheControl", 100, "How long caches may keep it"),
    always("Vary", "Vary", 200, "The headers of the request that the answer depends on"),
    sometimes("Vary", "VaryByOrigin", 200, "`Origin`, if the server is set to a list of origins"),
    always("ETag", "ETag", 100, "The entity tag, for If-None-Match and If-Match"),
    always("Last-Modified", "LastModified", MAX_DATE_CHARS, "When it last changed, for If-Modified-Since"),
    sometimes(
        "Link",
        "Link",
        4096,
        "Where the first, next and previous pages are (RFC 8288). Absent if it would be longer; the body has the cursors too",
    ),
    always("Link", "LinkToStart", 100, "Where to begin again (RFC 8288)"),
    always("Location", "Location", 300, "Where the new thing, or the job, is"),
    always("Location", "LocationOfMoved", 8000, "Where the thing is now, with the query of the request"),
    always(
        "Surrogate-Key",
        "SurrogateKey",
        4096,
        "Tags for shared caches: a change to any of them makes the answer stale",
    ),
    always("Content-Language", "ContentLanguage", 35, "The language of the sentences"),
    sometimes(
        "Content-Language",
        "ContentLanguageOfWarnings",
        35,
        "The language of the warnings, if the body has any",
    ),
    always("Content-Disposition", "ContentDisposition", 200, "The name of the file"),
    sometimes(
        "Content-Disposition",
        "ContentDispositionOfMedia",
        4096,
        "Whether the file is to be shown in its place or downloaded, and its name",
    ),
    always("Location", "LocationOfFile", 8000, "Where the file is"),
    always("Tus-Resumable", "TusResumable", 10, "The version of tus"),
    sometimes(
        "Tus-Resumable",
        "TusResumableOfProblem",
        10,
        "The version of tus, unless the credential is refused",
    ),
    sometimes("Tus-Version", "TusVersionOfProblem", 10, "The versions of tus that are spoken, with 412"),
    always("Tus-Version", "TusVersion", 10, "The versions of tus that are spoken"),
    always("Tus-Extension", "TusExtension", 200, "The extensions of tus that are spoken"),
    always("Tus-Max-Size", "TusMaxSize", 20, "The most bytes of an upload"),
    always(
        "Tus-Checksum-Algorithm",
        "TusChecksumAlgorithm",
        100,
        "The digests that a part can be checked with",
    ),
    always("Upload-Offset", "UploadOffset", 20, "How many bytes have arrived"),
    always("Upload-Length", "UploadLength", 20, "How many bytes there will be"),
    always("Upload-Expires", "UploadExpires", MAX_DATE_CHARS, "Until when the upload is kept"),
    sometimes(
        "Upload-Offset",
        "UploadOffsetOfChange",
        20,
        "How many bytes have arrived, unless it was ended",
    ),
    sometimes(
        "Upload-Length",
        "UploadLengthOfChange",
        20,
        "How many bytes there will be, unless it was ended",
    ),
    sometimes(
        "Upload-Expires",
        "UploadExpiresOfChange",
        MAX_DATE_CHARS,
        "Until when it is kept, unless it was ended",
    ),
    sometimes("Upload-Media", "UploadMedia", 100, "The path of the media that the upload has become"),
    sometimes(
        "X-Accel-Buffering",
        "AccelBuffering",
        10,
        "`no` for the live stream: proxies must not hold it back",
    ),
    sometimes(
        "Idempotency-Replayed",
        "IdempotencyReplayed",
        10,
        "`true` on an answer that was given before to the same Idempotency-Key",
    ),
    Header {
        component: "RetryAfter",
        name: "Retry-After",
        is_required: true,
        max_chars: None,
        description: "Seconds to wait",
    },
    always(
        "RateLimit",
        "RateLimit",
        100,
        "How many attempts are left, and for how long (draft-ietf-httpapi-ratelimit-headers)",
    ),
    always(
        "RateLimit-Policy",
        "RateLimitPolicy",
        100,
        "The limit's name, how many attempts it leaves free, and in how many seconds",
    ),
    sometimes("RateLimit", "RateLimitOfCounted", 100, "As of a success, if the attempt was counted"),
    sometimes(
        "RateLimit-Policy",
        "RateLimitPolicyOfCounted",
        100,
        "As of a success, if the attempt was counted",
    ),
    always("WWW-Authenticate", "WwwAuthenticate", 200, "How to authenticate"),
];

/// The components of headers.
pub fn headers() -> Value {
    let describe = |header: &Header| {
        let schema = match header.max_chars {
            Some(max) => json!({"type": "string", "maxLength": max}),
            None => json!({"type": "integer", "minimum": 0, "maximum": 86_400}),
        };
        let Header { is_required, description, .. } = header;
        let described = json!({"description": description, "required": is_required, "schema": schema});
        (header.component.to_owned(), described)
    };
    HEADERS.iter().map(describe).collect::<Map<_, _>>().into()
}

/// The components of parameters that are headers of requests.
pub fn parameters() -> Value {
    let header = |name: &str, max: u64, description: &str| json!({"name": name, "in": "header", "required": false, "description": description, "schema": {"type": "string", "maxLength": max}});
    json!({
        "IfMatch": header("If-Match", MAX_TAGS_CHARS, "The ETag of what you read: the change is refused with 412 if it is no longer current."),
        "IfNoneMatch": header("If-None-Match", MAX_TAGS_CHARS, "The ETag you have: answered with 304 if it is still current."),
        "IfModifiedSince": header("If-Modified-Since", MAX_DATE_CHARS, "The `Last-Modified` you have: answered with 304 if nothing has changed since. Ignored beside If-None-Match."),
        "CreateOnly": header("If-None-Match", MAX_TAGS_CHARS, "`*` creates only: refused with 412 if the thing exists."),
        "IdempotencyKey": header("Idempotency-Key", MAX_IDEMPOTENCY_KEY_CHARS, "A name of your own for this request, like a UUID. Sent again within 24 hours under the same name, the request acts no second time: you get the first answer, with `Idempotency-Replayed: true`. 422 if the name was given to another request, 409 while the first is being worked on."),
        "RequestId": header("X-Request-Id", MAX_REQUEST_ID_CHARS, "Your id of this request, echoed and logged; made up when absent."),
    })
}

/// The parameters of an operation that are headers, by their components.
pub fn parameters_of(endpoint: &Endpoint) -> Vec<&'static str> {
    let operation = &endpoint.operation;
    let mut names = vec!["RequestId"];
    match operation.conditional {
        Conditional::No => {}
        Conditional::Read => names.push("IfNoneMatch"),
        Conditional::Change => names.push("IfMatch"),
        Conditional::Put => names.extend(["IfMatch", "CreateOnly"]),
    }
    names.extend(operation.has_last_modified.then_some("IfModifiedSince"));
    names.extend(operation.takes_idempotency_key.then_some("IdempotencyKey"));
    names
}

/// References to the headers of these components, by the names of the headers.
pub fn refer_to(components: &[&str]) -> Value {
    let known = HEADERS.iter().filter(|header| components.contains(&header.component));
    let refer = |header: &Header| {
        (header.name.to_owned(), json!({"$ref": format!("#/components/headers/{}", header.component)}))
    };
    known.map(refer).collect::<Map<_, _>>().into()
}

/// The headers of every problem with this status.
pub fn headers_of_problem(status: &str) -> Vec<&'static str> {
    let mut headers = vec!["RequestId", "CacheControl", "Vary", "ContentLanguage"];
    match status {
        "401" => headers.push("WwwAuthenticate"),
        "410" => headers.push("LinkToStart"),
        "429" => headers.extend(["RetryAfter", "RateLimit", "RateLimitPolicy"]),
        "503" => headers.push("RetryAfter"),
        _ => {}
    }
    headers
}

/// Whether a problem with this status can follow a counted attempt, and so tell of the limit.
pub fn follows_counting(status: &str) -> bool {
    matches!(status, "400" | "401" | "403" | "409" | "422" | "500" | "503")
}

/// The headers of an answer with this status that is no problem. `response` is what the document says of it;
/// `has_version` tells whether the thing in it has a version.
pub fn headers_of_success(
    endpoint: &Endpoint,
    status: &str,
    response: &Value,
    has_version: bool,
) -> Vec<&'static str> {
    let operation = &endpoint.operation;
    if status == "301" {
        let vary = if operation.caller == Caller::Anyone { "VaryByOrigin" } else { "Vary" };
        return vec!["RequestId", "CacheControl", vary, "SurrogateKey", "LocationOfMoved"];
    }
    let is_read = operation.conditional == Conditional::Read;
    let varies = operation.caller != Caller::Anyone;
    let schema = response.pointer("/content/application~1json/schema/$ref").and_then(Value::as_str);
    let has_warnings = schema.is_some_and(|schema| schema.contains("/Written_"));
    let mut headers = vec!["RequestId", "CacheControl", if varies { "Vary" } else { "VaryByOrigin" }];
    let mut add = |applies: bool, header| headers.extend(applies.then_some(header));
    add(is_read || has_version, "ETag");
    add(operation.has_last_modified, "LastModified");
    add(operation.is_paged, "Link");
    add(is_read && operation.cache == CacheClass::Public, "SurrogateKey");
    let is_job = schema.is_some_and(|schema| schema.ends_with("/Data_Job"));
    let is_media = operation.is_file && endpoint.pattern.contains("/media/") && status != "302";
    add(is_media, "ContentDispositionOfMedia");
    add(operation.is_file && status == "302", "LocationOfFile");
    add(status == "201" || (status == "202" && is_job), "Location");
    add(response.pointer("/content/text~1csv").is_some(), "ContentDisposition");
    add(has_warnings, "ContentLanguageOfWarnings");
    add(operation.body == RequestBody::Rows, "ContentLanguage");
    let is_event_stream = response.pointer("/content/text~1event-stream").is_some();
    add(operation.body == RequestBody::Rows || is_event_stream, "AccelBuffering");
    add(operation.takes_idempotency_key, "IdempotencyReplayed");
    add(operation.is_throttled, "RateLimit");
    add(operation.is_throttled, "RateLimitPolicy");
    headers.extend(headers_of_tus(operation.id));
    headers
}

/// The headers of tus 1.0 of every problem, of the operations that speak it.
pub fn headers_of_tus_problem(operation: &str) -> &'static [&'static str] {
    match operation {
        "create_upload" | "get_upload" | "update_upload" | "change_upload" | "delete_upload" => {
            &["TusResumableOfProblem", "TusVersionOfProblem"]
        }
        _ => &[],
    }
}

/// The headers of tus 1.0, of the operations that speak it.
fn headers_of_tus(operation: &str) -> &'static [&'static str] {
    match operation {
        "describe_uploads" => {
            &["TusResumable", "TusVersion", "TusExtension", "TusMaxSize", "TusChecksumAlgorithm"]
        }
        "create_upload" | "get_upload" | "update_upload" => {
            &["TusResumable", "UploadOffset", "UploadLength", "UploadExpires", "UploadMedia"]
        }
        "change_upload" => &[
            "TusResumable",
            "UploadOffsetOfChange",
            "UploadLengthOfChange",
            "UploadExpiresOfChange",
            "UploadMedia",
        ],
        "delete_upload" => &["TusResumable"],
        _ => &[],
    }
}
