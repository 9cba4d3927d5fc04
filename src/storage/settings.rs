//! Where a store is, and how it is entered.

use std::fmt;
use std::path::PathBuf;

use url::{Host, Url};

use super::limits::Limits;
use super::name::ObjectName;

/// The region of requests if none is set. Most stores besides AWS accept it.
const DEFAULT_REGION: &str = "us-east-1";

/// The place of a store.
#[derive(Clone, Debug)]
pub enum StoreSettings {
    /// A local folder. It is made if it does not exist.
    Folder(PathBuf),
    /// A bucket of an S3-compatible store, or a part of it.
    S3(S3Settings),
}

/// A bucket and how it is entered. Made by [`StoreSettings::parse`].
#[derive(Clone, Debug)]
pub struct S3Settings {
    pub(super) bucket: String,
    /// The beginning of all names in the bucket, without `/` at its ends. Empty for the whole bucket.
    pub(super) prefix: String,
    /// Without `/` at its end. If the store is virtual-hosted, the host begins with the bucket.
    pub(super) endpoint: String,
    pub(super) is_virtual_hosted: bool,
    pub(super) is_http: bool,
    /// Whether the store runs on this machine. Requests to it never go through a proxy.
    pub(super) is_loopback: bool,
    pub(super) region: String,
    pub(super) access_key_id: String,
    pub(super) secret_access_key: Secret,
    /// Limits of the requests.
    pub limits: Limits,
}

/// What an address such as `s3://bucket/prefix` does not tell.
#[derive(Clone, Debug, Default)]
pub struct S3Options {
    /// The address of a store that is not AWS, as `https://s3.example.org`. It has no path.
    pub endpoint: Option<String>,
    /// `us-east-1` if there is none.
    pub region: Option<String>,
    /// Required, as is the secret.
    pub access_key_id: Option<String>,
    /// The secret that belongs to the access key id.
    pub secret_access_key: Option<Secret>,
    /// Where a request names its bucket.
    pub addressing: Addressing,
    /// Allows an endpoint that begins with `http://`. The bytes of the objects are then readable on the way.
    pub allow_http: bool,
    /// Limits of the requests.
    pub limits: Limits,
}

/// Where a request names its bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Addressing {
    /// In the host at AWS, in the path with an endpoint of one's own.
    #[default]
    Auto,
    /// In the path: `https://endpoint/bucket/name`.
    Path,
    /// In the host: `https://bucket.endpoint/name`.
    VirtualHosted,
}

/// A secret. It shows itself only to who calls [`Secret::reveal`].
#[derive(Clone, Default)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Settings that make no store. The sentence says which, and never repeats a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSettings(String);

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidSettings {}

impl StoreSettings {
    /// Reads the address of a store: a path, `file:///path`, or `s3://bucket` with or without `/prefix`.
    ///
    /// `options` count for `s3://` only. Buckets are named as AWS asks: 3 to 63 of `[a-z0-9.-]`. A prefix is named
    /// as an [`ObjectName`]. Fails with a sentence if something is missing or contradictory.
    pub fn parse(address: &str, options: &S3Options) -> Result<Self, InvalidSettings> {
        if let Some(rest) = address.strip_prefix("s3://") {
            return parse_s3(rest, options).map(Self::S3);
        }
        if address.starts_with("file://") {
            let path = Url::parse(address).ok().and_then(|url| url.to_file_path().ok());
            return path
                .map(Self::Folder)
                .ok_or_else(|| invalid("A file:// address needs an absolute path."));
        }
        match address {
            "" => Err(invalid("The address of the store is empty.")),
            _ if address.contains("://") => {
                Err(invalid("The address of the store begins with s3:// or file://, or is a path."))
            }
            path => Ok(Self::Folder(PathBuf::from(path))),
        }
    }
}

fn invalid(sentence: impl Into<String>) -> InvalidSettings {
    InvalidSettings(sentence.into())
}

/// Reads `bucket/prefix`.
fn parse_s3(rest: &str, options: &S3Options) -> Result<S3Settings, InvalidSettings> {
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    if !is_bucket(bucket) {
        return Err(invalid("The name of a bucket has 3 to 63 characters of a to z, 0 to 9, '.' and '-'."));
    }
    if !prefix.is_empty() {
        ObjectName::new(prefix)
            .map_err(|cause| invalid(format!("The prefix is not a valid name: {cause}")))?;
    }
    let region = options.region.as_deref().unwrap_or(DEFAULT_REGION);
    if !is_region(region) {
        return Err(invalid("The region has only the characters a to z, 0 to 9, '_' and '-'."));
    }
    let endpoint = parse_endpoint(options, region)?;
    let (access_key_id, secret_access_key) = find_keys(options)?;
    let is_virtual_hosted = match options.addressing {
        // A certificate for *.amazonaws.com does not cover a bucket with a dot.
        Addressing::Auto => options.endpoint.is_none() && !bucket.contains('.'),
        Addressing::Path => false,
        Addressing::VirtualHosted => true,
    };
    Ok(S3Settings {
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
        endpoint: build_endpoint(&endpoint, bucket, is_virtual_hosted)?,
        is_virtual_hosted,
        is_http: endpoint.scheme() == "http",
        is_loopback: is_loopback(&endpoint),
        region: region.to_owned(),
        access_key_id,
        secret_access_key,
        limits: options.limits,
    })
}

fn is_bucket(bucket: &str) -> bool {
    let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-');
    let is_end = |end: Option<&u8>| end.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = bucket.as_bytes();
    (3..=63).contains(&bytes.len())
        && bucket.bytes().all(is_allowed)
        && is_end(bytes.first())
        && is_end(bytes.last())
        && !bucket.contains("..")
}

fn is_region(region: &str) -> bool {
    !region.is_empty() && region.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

fn parse_endpoint(options: &S3Options, region: &str) -> Result<Url, InvalidSettings> {
    let aws = format!("https://s3.{region}.amazonaws.com");
    let endpoint = Url::parse(options.endpoint.as_deref().unwrap_or(&aws))
        .map_err(|cause| invalid(format!("The endpoint is not an address: {cause}.")))?;
    if !endpoint.username().is_empty() || endpoint.password().is_some() {
        return Err(invalid("The endpoint has no user and password: keys have settings of their own."));
    }
    if endpoint.host().is_none() || !matches!(endpoint.path(), "" | "/") {
        return Err(invalid("The endpoint has a host and no path: the bucket is named in s3://bucket."));
    }
    if endpoint.query().is_some() || endpoint.fragment().is_some() {
        return Err(invalid("The endpoint has neither a query nor a fragment."));
    }
    match endpoint.scheme() {
        "https" => Ok(endpoint),
        "http" if options.allow_http => Ok(endpoint),
        "http" => Err(invalid("The endpoint is http: allow that, or use https.")),
        _ => Err(invalid("The endpoint begins with https:// or http://.")),
    }
}

fn find_keys(options: &S3Options) -> Result<(String, Secret), InvalidSettings> {
    let id = options.access_key_id.as_deref().map(str::trim).filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| invalid("An S3 store needs an access key id."))?;
    let secret = options.secret_access_key.as_ref().map(|secret| secret.reveal().trim());
    let secret = secret.filter(|secret| !secret.is_empty());
    let secret = secret.ok_or_else(|| invalid("An S3 store needs a secret access key."))?;
    if !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid("The access key id has only visible ASCII characters."));
    }
    Ok((id.to_owned(), Secret::new(secret)))
}

/// The endpoint without `/` at its end, with the bucket in its host if that is wanted.
fn build_endpoint(endpoint: &Url, bucket: &str, is_virtual_hosted: bool) -> Result<String, InvalidSettings> {
    let mut url = endpoint.clone();
    if is_virtual_hosted {
        let Some(Host::Domain(host)) = endpoint.host() else {
            return Err(invalid("A bucket in the host needs an endpoint with a name, not an IP address."));
        };
        let host = format!("{bucket}.{host}");
        url.set_host(Some(&host)).map_err(|cause| invalid(format!("The host is not valid: {cause}.")))?;
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn is_loopback(endpoint: &Url) -> bool {
    match endpoint.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
