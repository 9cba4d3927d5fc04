//! The headers of tus 1.0.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::error::{Code, Error, Fault, Result};

/// The version of the protocol.
pub const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
/// The versions that the server knows.
pub const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
/// The parts of the protocol that the server knows.
pub const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
/// The most bytes of an upload.
pub const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
/// The digests that a part can be checked with.
pub const TUS_CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
/// How many bytes an upload will have.
pub const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
/// How many bytes of an upload have arrived, or come before those of a part.
pub const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
/// What is said of the file.
pub const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
/// Until when an upload that does not go on is kept.
pub const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
/// The digest of a part.
pub const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
/// The media that an upload has become, as a path of the API.
pub const UPLOAD_MEDIA: HeaderName = HeaderName::from_static("upload-media");

/// The method that is meant by a POST, for clients behind proxies that pass on no other.
pub const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

/// The version of the protocol that is spoken here.
pub const VERSION: &str = "1.0.0";
/// The extensions of the protocol that are spoken here.
pub const EXTENSIONS: &str = "creation,creation-with-upload,expiration,checksum,termination";

/// Checks that the client speaks this version (412 otherwise).
pub fn check_version(req: &HttpRequest) -> Result<()> {
    match req.headers().get(TUS_RESUMABLE) {
        Some(version) if version == VERSION => Ok(()),
        _ => Err(Error::Refused(Code::UnknownTusVersion, "Send `Tus-Resumable: 1.0.0`.".into())),
    }
}

/// Reads a header that is a number of bytes.
pub fn read_bytes(req: &HttpRequest, name: &HeaderName) -> Result<i64> {
    let value = req.headers().get(name).and_then(|value| value.to_str().ok());
    let number = value.and_then(|value| value.parse::<i64>().ok()).filter(|number| *number >= 0);
    number.ok_or_else(|| {
        Fault::parameter(title(name), Code::InvalidParameter, "must be a number of bytes").into()
    })
}

/// A header as people write it: `Upload-Length`.
fn title(name: &HeaderName) -> String {
    let word =
        |word: &str| word.get(..1).unwrap_or_default().to_uppercase() + word.get(1..).unwrap_or_default();
    name.as_str().split('-').map(word).collect::<Vec<_>>().join("-")
}

/// Reads what is said of a file: keys, each with its value in Base64, separated by commas.
pub fn read_metadata(req: &HttpRequest) -> Result<Map<String, Value>> {
    let header = req.headers().get(UPLOAD_METADATA).map(|value| value.to_str());
    let refuse = || {
        let detail = "must be keys, each with a value in Base64, separated by commas";
        Error::from(Fault::parameter("Upload-Metadata", Code::InvalidParameter, detail))
    };
    let header = match header {
        None => return Ok(Map::new()),
        Some(header) => header.map_err(|_| refuse())?,
    };
    let mut metadata = Map::new();
    for pair in header.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let bytes = STANDARD.decode(value.trim()).map_err(|_| refuse())?;
        let text = String::from_utf8(bytes).map_err(|_| refuse())?;
        metadata.insert(key.to_owned(), text.into());
    }
    Ok(metadata)
}
