//! Media as clients see them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::addresses::{Addresses, Image, UsedMedia};
use super::model::{MediaKind, MediaUser, Row, UserRow};
use crate::db::types::Audience;

/// A picture or a file.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Media {
    /// Never changes.
    pub id: Uuid,
    /// What the file is.
    pub kind: MediaKind,
    /// The media type of the file, found by its bytes.
    #[schema(example = "image/jpeg")]
    pub mime: String,
    /// How many bytes the file has.
    pub bytes: i64,
    /// The width of a picture as it is seen, in pixels.
    #[schema(required)]
    pub width: Option<u32>,
    /// The height of a picture as it is seen, in pixels.
    #[schema(required)]
    pub height: Option<u32>,
    /// The SHA-256 digest of the bytes, in hexadecimal.
    pub sha256: String,
    /// The name of the file.
    #[schema(example = "harbour.jpg")]
    pub name: String,
    /// What a picture shows, for those who do not see it.
    pub alt: String,
    /// The text below it.
    pub caption: String,
    /// Whose work it is.
    pub credit: String,
    /// The address it was taken from.
    #[schema(required)]
    pub source_url: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Where a picture is cropped about.
    pub focal_point: FocalPoint,
    /// A very small version of a picture, to be shown until it is there: a ThumbHash in Base64.
    #[schema(required)]
    pub thumbhash: Option<String>,
    /// The colour that a picture mostly has.
    #[schema(required, example = "#3a6b8c")]
    pub dominant_color: Option<String>,
    /// When a picture was taken, by its camera.
    #[schema(required)]
    pub taken_at: Option<DateTime<Utc>>,
    /// Whether a picture moves.
    pub animated: bool,
    /// Whom it is for.
    pub audience: Audience,
    /// The address of the file; of a picture, that of its largest variant.
    pub url: String,
    /// What an `<img>` needs; null if it is no picture.
    #[schema(required)]
    pub image: Option<Image>,
    /// The address of a picture in each preset, by name.
    #[schema(example = json!({"w320": "https://news.example.org/media/019378c4-8a3e-7d10-b1b5-9f7c2f1f3c00/w320-3f2a9c0d5e6b7a8190c1d2e3f4a5b6c7"}))]
    pub variants: BTreeMap<String, String>,
    /// What uses it, at most 20 things; also drafts and what is in the trash (author, editor and admin only).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub used_by: Option<Vec<Use>>,
    /// The member who uploaded it (author, editor and admin only).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub created_by: Option<Uuid>,
    /// For `If-Match`.
    pub version: i32,
    /// When it came in.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A point of a picture, in parts of its width and its height.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FocalPoint {
    /// From the left: 0 to 1.
    #[schema(minimum = 0, maximum = 1, example = 0.5)]
    pub x: f64,
    /// From the top: 0 to 1.
    #[schema(minimum = 0, maximum = 1, example = 0.35)]
    pub y: f64,
}

/// Something that uses media.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Use {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: MediaUser,
    /// Its id.
    pub id: Uuid,
    /// Its title, or its name.
    pub title: String,
}

impl From<UserRow> for Use {
    fn from(row: UserRow) -> Self {
        Self { kind: row.entity, id: row.id, title: row.title }
    }
}

/// What was uploaded.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Uploaded {
    /// The media.
    pub data: Media,
    /// Whether there were media with the same bytes before, which you may see.
    pub duplicate: bool,
}

/// An address.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Address {
    /// The address.
    pub url: String,
}

/// The bytes of a file.
#[derive(Clone, Debug, ToSchema)]
#[schema(value_type = String, format = Binary, max_length = 1_000_000_000)]
pub struct FileBytes(#[expect(dead_code, reason = "it describes bodies in the document")] Vec<u8>);

impl Media {
    /// The media in `row`, as readers of `addresses` see them.
    pub fn new(row: Row, addresses: &Addresses) -> Self {
        let used = UsedMedia::from(&row);
        let picture = used.picture().cloned();
        let (x, y) = row.content.focal().to_parts();
        let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Self {
            id: row.id,
            kind: row.kind,
            mime: row.mime,
            bytes: row.bytes,
            width: picture.as_ref().map(|picture| picture.width),
            height: picture.as_ref().map(|picture| picture.height),
            sha256: HEXLOWER.encode(&row.sha256),
            name: row.content.name,
            alt: row.content.alt,
            caption: row.content.caption,
            credit: row.content.credit,
            source_url: row.content.source_url,
            tags: row.content.tags,
            focal_point: FocalPoint { x, y },
            thumbhash: picture.as_ref().and_then(|picture| text(&picture.thumbhash)),
            dominant_color: picture.as_ref().and_then(|picture| text(&picture.dominant_color)),
            taken_at: picture.as_ref().and_then(|picture| picture.taken_at),
            animated: picture.is_some_and(|picture| picture.is_animated),
            audience: row.content.audience,
            url: addresses.file(&used).unwrap_or_default(),
            image: addresses.image(&used),
            variants: addresses.variants(&used).into_iter().collect(),
            used_by: None,
            created_by: None,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }

    /// The media in `row` as staff see them, with what uses them.
    pub fn for_staff(row: Row, addresses: &Addresses, users: impl Iterator<Item = UserRow>) -> Self {
        let (created_by, used_by) = (row.created_by, Some(users.map(Into::into).collect()));
        Self { created_by, used_by, ..Self::new(row, addresses) }
    }
}
