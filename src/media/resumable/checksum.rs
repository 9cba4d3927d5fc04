//! Checksums of parts (the extension `checksum` of tus 1.0).

use actix_web::HttpRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256, Sha512};

use super::headers::UPLOAD_CHECKSUM;
use crate::error::{Code, Fault, Result};

/// The digests that are known, as `Tus-Checksum-Algorithm` names them.
pub const ALGORITHMS: &str = "sha1,sha256,sha512,crc32";

/// A digest of a part, while it arrives, and what it is to be.
pub struct Checksum {
    digest: PartDigest,
    expected: Vec<u8>,
}

enum PartDigest {
    Sha1(sha1::Sha1),
    Sha256(Sha256),
    Sha512(Sha512),
    Crc32(crc32fast::Hasher),
}

impl Checksum {
    /// Reads the checksum that a client has sent with a part. `None` without one.
    pub fn read(req: &HttpRequest) -> Result<Option<Self>> {
        let Some(header) = req.headers().get(UPLOAD_CHECKSUM) else { return Ok(None) };
        let refuse = || {
            let detail = "must be sha1, sha256, sha512 or crc32, a blank, and the digest in Base64";
            Fault::parameter("Upload-Checksum", Code::InvalidParameter, detail)
        };
        let header = header.to_str().map_err(|_| refuse())?;
        let (algorithm, expected) = header.trim().split_once(' ').ok_or_else(refuse)?;
        let digest = match algorithm {
            "sha1" => PartDigest::Sha1(sha1::Sha1::new()),
            "sha256" => PartDigest::Sha256(Sha256::new()),
            "sha512" => PartDigest::Sha512(Sha512::new()),
            "crc32" => PartDigest::Crc32(crc32fast::Hasher::new()),
            _ => return Err(refuse().into()),
        };
        let expected = STANDARD.decode(expected.trim()).map_err(|_| refuse())?;
        Ok(Some(Self { digest, expected }))
    }

    /// Adds bytes of the part.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.digest {
            PartDigest::Sha1(digest) => digest.update(bytes),
            PartDigest::Sha256(digest) => digest.update(bytes),
            PartDigest::Sha512(digest) => digest.update(bytes),
            PartDigest::Crc32(digest) => digest.update(bytes),
        }
    }

    /// Whether the part has the checksum.
    pub fn is_met(self) -> bool {
        let found = match self.digest {
            PartDigest::Sha1(digest) => digest.finalize().to_vec(),
            PartDigest::Sha256(digest) => digest.finalize().to_vec(),
            PartDigest::Sha512(digest) => digest.finalize().to_vec(),
            PartDigest::Crc32(digest) => digest.finalize().to_be_bytes().to_vec(),
        };
        found == self.expected
    }
}
