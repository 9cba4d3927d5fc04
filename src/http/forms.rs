//! The patterns and formats of schemas, in words. A person never reads a regular expression.

use crate::text::PLAIN_TEXT;

/// The pattern of text that holds more than white space.
pub const NOT_BLANK: &str = r"\S";

/// What a value must be to match the pattern.
pub fn describe_pattern(pattern: &str) -> &'static str {
    let found = PATTERNS.iter().find(|(known, _)| *known == pattern);
    found.map_or("is not valid", |(_, sentence)| sentence)
}

/// What a value must be to have the format.
pub fn describe_format(format: &str) -> &'static str {
    match format {
        PLAIN_TEXT => "must not contain invisible or bidirectional control characters",
        "date-time" => "must be a time as in RFC 3339, like 2019-09-20T08:00:00Z",
        "uuid" => "must be a UUID",
        "email" | "idn-email" => "must be an e-mail address",
        "uri" => "must be an absolute URL",
        _ => "is not valid",
    }
}

/// The patterns of the document, and what each asks for.
const PATTERNS: &[(&str, &str)] = &[
    (NOT_BLANK, "must not be blank"),
    ("^[12]", "must be a time of the years 1000 to 2999, like 2019-09-20T08:00:00Z"),
    ("^(zh-CN|en)$", "must be zh-CN or en"),
    ("^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", "must be a language tag, like zh-CN"),
    ("^[A-Za-z0-9_-]*$", "must be a cursor that an answer gave"),
    ("^[a-z0-9-]+$", "must have only the letters a to z, digits and hyphens"),
    (
        "^[a-z0-9]+(-[a-z0-9]+)*$",
        "must have only the letters a to z and digits, with single hyphens between them",
    ),
    (r"^[^/?#\x00-\x1f\x7f]+$", "must have no /, ?, # or control characters"),
    (r"^[^,]*[^,\s][^,]*$", "must not be blank, and must have no commas"),
    (
        r"^https?://[^\s/?#@\\<>\x22]+$",
        "must be an http or https address without a path, like https://example.org",
    ),
    (
        r"^https?://[^\s/?#@\\<>\x22]+([/?#][^\s<>\x22]*)?$",
        "must be an http or https address, like https://example.org/page",
    ),
    (
        r"^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|https?://[^\s/?#@\\<>\x22]+([/?#][^\s<>\x22]*)?|/([^\s/\\<>\x22][^\s<>\x22]*)?)$",
        "must be the id of media, an http or https address, or a path that begins with /",
    ),
    ("^[0-9a-f]{64}$", "must be 64 hexadecimal digits"),
    (
        r"^(https?://[^\s/?#@\\<>\x22]+([/?#][^\s<>\x22]*)?|/([^\s/\\<>\x22][^\s<>\x22]*)?)$",
        "must be an http or https address, or a path that begins with /",
    ),
    (
        r"^(https?://[^\s/?#@\\<>\x22]+([/?][^\s#\\<>\x22]*)?|/([^\s/#\\<>\x22][^\s#\\<>\x22]*)?)?$",
        "must be an http or https address, or a path that begins with /",
    ),
    (
        r"^(https?://[^\s/?#@\\<>\x22]+([/?][^\s#<>\x22]*)?)?$",
        "must be an http or https address, like https://example.org/page",
    ),
    (
        r"^(https?://[^\s/?#@\\<>\x22]+([/?#][^\s<>\x22]*)?|mailto:[^\s<>\x22]*)$",
        "must be an http, https or mailto address",
    ),
    (
        r"^(https?://[^\s/?#@\\<>\x22]+([/?#][^\s<>\x22\\]*)?|(mailto|tel):[^\s<>\x22\\]+|/([^\s/<>\x22\\][^\s<>\x22\\]*)?|#[^\s<>\x22\\]*)$",
        "must be an http, https, mailto or tel address, or a path that begins with / or #",
    ),
];
