//! Types of files, and the names of their bytes in the store.

use data_encoding::HEXLOWER;

use super::model::Row;
use crate::error::{Code, Error, Result, Sentence};
use crate::pictures::file_type::FileType;
use crate::storage::{ObjectName, StoreError};

/// The types of files that are kept.
pub const FILE_TYPES: [FileType; 19] = [
    FileType::Jpeg,
    FileType::Png,
    FileType::Gif,
    FileType::Webp,
    FileType::Svg,
    FileType::Pdf,
    FileType::Mp3,
    FileType::Mp4,
    FileType::M4a,
    FileType::Webm,
    FileType::Ogg,
    FileType::Docx,
    FileType::Xlsx,
    FileType::Pptx,
    FileType::Odt,
    FileType::Ods,
    FileType::Odp,
    FileType::Epub,
    FileType::Zip,
];

fn find_type(mime: &str) -> Option<FileType> {
    FILE_TYPES.into_iter().find(|file_type| file_type.mime() == mime)
}

/// The ending of files of a media type that was stored.
pub fn find_ending(mime: &str) -> &'static str {
    find_type(mime).map_or("bin", |file_type| file_type.extension())
}

/// A stored media type as answers have it.
pub fn find_media_type(mime: &str) -> &'static str {
    find_type(mime).map_or("application/octet-stream", |file_type| file_type.mime())
}

/// The folder of what belongs to the bytes with this digest.
fn folder(kind: &str, sha256: &[u8]) -> String {
    let digest = HEXLOWER.encode(sha256);
    format!("{kind}/{}/{digest}", digest.get(..2).unwrap_or_default())
}

/// The name of the bytes as they came in.
pub fn name_original(sha256: &[u8]) -> Result<ObjectName> {
    name(folder("originals", sha256))
}

/// The name of the picture that variants are made from.
pub fn name_master(sha256: &[u8], ending: &str) -> Result<ObjectName> {
    name(format!("{}.{ending}", folder("masters", sha256)))
}

/// The name of the bytes that are served as they are, where these are not the ones that came in.
pub fn name_clean(sha256: &[u8], ending: &str) -> Result<ObjectName> {
    name(format!("{}.{ending}", folder("clean", sha256)))
}

/// The name of the bytes that are served of a file that has no variants.
pub fn name_served(row: &Row) -> Result<ObjectName> {
    match row.read_picture().and_then(|picture| picture.served) {
        Some(ending) => name_clean(&row.sha256, &ending),
        None => name_original(&row.sha256),
    }
}

/// The folder of the variants of a picture.
pub fn name_variants(sha256: &[u8]) -> Result<ObjectName> {
    name(folder("variants", sha256))
}

/// The name of a variant of a picture.
pub fn name_variant(sha256: &[u8], digest: &str, ending: &str) -> Result<ObjectName> {
    name(format!("{}/{digest}.{ending}", folder("variants", sha256)))
}

/// The digest of the bytes that a name is of.
pub fn find_digest(name: &ObjectName) -> Option<Vec<u8>> {
    let digest = name.as_str().split('/').nth(2)?.split('.').next()?;
    HEXLOWER.decode(digest.as_bytes()).ok().filter(|bytes| bytes.len() == 32)
}

/// An object of the store by a name that was made here.
pub fn name(name: String) -> Result<ObjectName> {
    ObjectName::new(name).map_err(|cause| Error::Internal(cause.into()))
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooLarge { max_bytes } => too_large(max_bytes),
            StoreError::Unavailable(_) | StoreError::Full(_) | StoreError::Refused { .. } => {
                Self::Unavailable(format!("media: {error}"))
            }
            StoreError::Other(_) => Self::Internal(error.into()),
        }
    }
}

/// A file has more bytes than it may have.
pub fn too_large(max_bytes: u64) -> Error {
    let sentence = Sentence::from("The file may have at most {max} bytes.");
    Error::Refused(Code::PayloadTooLarge, sentence.with("max", max_bytes))
}
