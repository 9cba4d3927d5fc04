//! Addresses of media, and the pictures that answers carry.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Content, Focal, MediaKind, Picture, Row};
use super::picture_work::VariantFormat;
use super::presets::{Crop, digest_file};
use crate::app::App;
use crate::config::presets::{FILE, Preset, Size};
use crate::db::types::Audience;
use crate::error::Result;
use crate::keys::Keys;
use crate::site::model::Row as Site;

/// The part that a signature for members is made with.
const MEMBERS_SEAL: &[u8] = b"media for members";
/// The part that a signature of a free size is made with.
const SIZE_SEAL: &[u8] = b"media size";
/// How long a signed address for members works at least, in seconds.
const MEMBERS_SECONDS: i64 = 24 * 3600;
/// The width that `src` has at most, for clients that do not read `srcset`.
const SRC_WIDTH: u32 = 1280;

/// A picture, with all that an `<img>` needs.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Image {
    /// Its address.
    #[schema(
        example = "https://news.example.org/media/019378c4-8a3e-7d10-b1b5-9f7c2f1f3c00/w960-3f2a9c0d5e6b7a8190c1d2e3f4a5b6c7"
    )]
    pub src: String,
    /// Its addresses by width, for the attribute `srcset`; null if there is one only.
    #[schema(required)]
    pub srcset: Option<String>,
    /// Its width in pixels; null for a picture that is elsewhere.
    #[schema(required)]
    pub width: Option<u32>,
    /// Its height in pixels; null for a picture that is elsewhere.
    #[schema(required)]
    pub height: Option<u32>,
    /// A very small version of it to be shown until it is there: a ThumbHash in Base64.
    #[schema(required)]
    pub thumbhash: Option<String>,
    /// The colour that it mostly has.
    #[schema(required, example = "#3a6b8c")]
    pub dominant_color: Option<String>,
    /// What it shows, for those who do not see it.
    pub alt: String,
    /// The text below it.
    pub caption: String,
    /// Whose work it is.
    pub credit: String,
}

impl Image {
    /// A picture of which only the address is known.
    pub fn elsewhere(address: String) -> Self {
        Self {
            src: address,
            srcset: None,
            width: None,
            height: None,
            thumbhash: None,
            dominant_color: None,
            alt: String::new(),
            caption: String::new(),
            credit: String::new(),
        }
    }
}

/// Media that something uses, as `media` of its row has them.
#[derive(Clone, Debug, Deserialize)]
pub struct UsedMedia {
    /// The id.
    pub id: Uuid,
    /// The digest of the bytes, in hexadecimal.
    sha256: String,
    /// What the file is.
    pub kind: MediaKind,
    /// The media type of the file.
    pub mime: String,
    /// The bytes of the file.
    pub bytes: i64,
    /// What a picture shows.
    pub alt: String,
    caption: String,
    credit: String,
    focal_x: i16,
    focal_y: i16,
    audience: Audience,
    picture: Option<Picture>,
}

impl UsedMedia {
    /// The media in a row's `media`, which is null without any.
    pub fn read_all(media: Option<Value>) -> Vec<Self> {
        media.and_then(|media| serde_json::from_value(media).ok()).unwrap_or_default()
    }

    /// The digest of the bytes.
    fn digest(&self) -> Vec<u8> {
        HEXLOWER.decode(self.sha256.as_bytes()).unwrap_or_default()
    }

    /// What is known of a picture.
    pub const fn picture(&self) -> Option<&Picture> {
        self.picture.as_ref()
    }
}

impl From<&Row> for UsedMedia {
    fn from(row: &Row) -> Self {
        let Content { alt, caption, credit, focal_x, focal_y, audience, .. } = row.content.clone();
        Self {
            id: row.id,
            sha256: HEXLOWER.encode(&row.sha256),
            kind: row.kind,
            mime: row.mime.clone(),
            bytes: row.bytes,
            alt,
            caption,
            credit,
            focal_x,
            focal_y,
            audience,
            picture: row.read_picture(),
        }
    }
}

/// Makes addresses for readers.
#[derive(Clone)]
pub struct Addresses {
    base: Arc<str>,
    presets: Arc<[Preset]>,
    keys: Arc<Keys>,
    /// Until when addresses for members work. `None` for readers who get none.
    members_until: Option<i64>,
}

impl Addresses {
    /// Those for visitors: media for members have none.
    pub fn for_visitors(app: &App, site: &Site) -> Self {
        let base = app.config.media.base_url.as_deref().unwrap_or(&site.content.base_url);
        Self {
            base: base.into(),
            presets: app.config.media.presets.0.clone(),
            keys: app.keys.clone(),
            members_until: None,
        }
    }

    /// Those for members and staff. Signed ones change once a day, so that answers stay the same meanwhile.
    pub fn for_members(app: &App, site: &Site) -> Self {
        let now = app.now().timestamp();
        let until = now - now.rem_euclid(MEMBERS_SECONDS) + 2 * MEMBERS_SECONDS;
        Self { members_until: Some(until), ..Self::for_visitors(app, site) }
    }

    /// The address of media whatever their file is; it leads to the present one.
    pub fn path_of(id: Uuid) -> String {
        format!("/media/{id}")
    }

    /// The picture of these media. `None` if they are none, or are for others.
    pub fn image(&self, media: &UsedMedia) -> Option<Image> {
        let picture = media.picture()?;
        let signature = self.sign(media)?;
        let widths = self.widths(media, picture);
        let write = |(width, path): &(u32, String)| format!("{}{path}{signature} {width}w", self.base);
        let srcset = (widths.len() > 1).then(|| widths.iter().map(write).collect::<Vec<_>>().join(", "));
        let src = widths.iter().rfind(|(width, _)| *width <= SRC_WIDTH).or(widths.first());
        let src = src.map_or_else(|| file_path(media), |(_, path)| path.clone());
        Some(Image {
            src: format!("{}{src}{signature}", self.base),
            srcset,
            width: Some(picture.width),
            height: Some(picture.height),
            thumbhash: Some(picture.thumbhash.clone()).filter(|hash| !hash.is_empty()),
            dominant_color: Some(picture.dominant_color.clone()).filter(|color| !color.is_empty()),
            alt: media.alt.clone(),
            caption: media.caption.clone(),
            credit: media.credit.clone(),
        })
    }

    /// The address of the file: for a picture, that of its largest variant. `None` if it is for others.
    pub fn file(&self, media: &UsedMedia) -> Option<String> {
        let signature = self.sign(media)?;
        let largest = media.picture().and_then(|picture| self.widths(media, picture).pop());
        let path = largest.map_or_else(|| file_path(media), |(_, path)| path);
        Some(format!("{}{path}{signature}", self.base))
    }

    /// A picture in a format that all clients know, for those that say nothing of what they take; with its media type.
    pub fn plain_file(&self, media: &UsedMedia) -> Option<(String, &'static str)> {
        let picture = media.picture()?;
        let signature = self.sign(media)?;
        let widths = self.widths(media, picture);
        let Some((_, path)) = widths.iter().rfind(|(width, _)| *width <= SRC_WIDTH).or(widths.first()) else {
            let address = format!("{}{}{signature}", self.base, file_path(media));
            return Some((address, super::files::find_media_type(&media.mime)));
        };
        let format = VariantFormat::plain(picture);
        Some((format!("{}{path}.{}{signature}", self.base, format.ending()), format.media_type()))
    }

    /// The address of each preset of a picture, by name.
    pub fn variants(&self, media: &UsedMedia) -> Vec<(String, String)> {
        let (Some(picture), Some(signature)) = (media.picture(), self.sign(media)) else { return Vec::new() };
        let file = picture.served.as_ref().map(|_| (FILE.to_owned(), file_path(media)));
        let presets = self.presets.iter().filter(|_| picture.master.is_some());
        let presets =
            presets.map(|preset| (preset.name.clone(), variant_path(media, &preset.name, preset.size)));
        file.into_iter()
            .chain(presets)
            .map(|(name, path)| (name, format!("{}{path}{signature}", self.base)))
            .collect()
    }

    /// The address of a picture in a size that no preset has, which nobody else can make.
    pub fn free_size(&self, media: &UsedMedia, size: Size) -> Option<String> {
        let signature = self.sign(media)?;
        let name = name_free_size(Crop::new(size, Focal { x: media.focal_x, y: media.focal_y }));
        let seal = seal_size(&self.keys, media.id, &name);
        Some(format!("{}{}/{name}-{seal}{signature}", self.base, Self::path_of(media.id)))
    }

    /// The variants that differ in width, the narrowest first.
    fn widths(&self, media: &UsedMedia, picture: &Picture) -> Vec<(u32, String)> {
        // What is served as it is has no variants that say the same.
        if picture.served.is_some() {
            return Vec::new();
        }
        let mut presets: Vec<&Preset> =
            self.presets.iter().filter(|preset| matches!(preset.size, Size::Width(_))).collect();
        presets.sort_by_key(|preset| preset.size.fit(u32::MAX, 1).0);
        let mut widths: Vec<(u32, String)> = Vec::new();
        for preset in presets {
            let (width, _) = preset.size.fit(picture.master_width, picture.master_height);
            if widths.last().is_none_or(|(last, _)| *last < width) {
                widths.push((width, variant_path(media, &preset.name, preset.size)));
            }
        }
        widths
    }

    /// What follows the path of an address: a signature, if only members get it. `None` if this reader gets none.
    fn sign(&self, media: &UsedMedia) -> Option<String> {
        if media.audience == Audience::Public {
            return Some(String::new());
        }
        let until = self.members_until?;
        Some(format!("?exp={until}&sig={}", write_members_signature(&self.keys, media.id, until)))
    }

    /// The one of `media` that an address of this server leads to.
    pub fn find<'m>(&self, address: &str, media: &'m [UsedMedia]) -> Option<&'m UsedMedia> {
        let id = self.find_id(address)?;
        media.iter().find(|media| media.id == id)
    }

    fn find_id(&self, address: &str) -> Option<Uuid> {
        let path = match address.strip_prefix(&*self.base) {
            Some(path) if path.starts_with('/') => path,
            _ => address,
        };
        let rest = path.strip_prefix("/media/")?;
        let id =
            rest.get(..36).filter(|_| matches!(rest.as_bytes().get(36), None | Some(b'/' | b'?' | b'#')))?;
        Uuid::try_parse(id).ok()
    }
}

/// The addresses in texts for everybody, and in texts for members.
pub struct AddressesByAudience {
    for_everybody: Addresses,
    for_members: Addresses,
}

impl AddressesByAudience {
    /// Loads what they are made with.
    pub async fn load(app: &App) -> Result<Self> {
        let site = app.snapshot().await?;
        Ok(Self {
            for_everybody: Addresses::for_visitors(app, &site),
            for_members: Addresses::for_members(app, &site),
        })
    }

    /// Those in a text for `audience`.
    pub const fn of(&self, audience: Audience) -> &Addresses {
        match audience {
            Audience::Public => &self.for_everybody,
            Audience::Members => &self.for_members,
        }
    }
}

/// The path of a preset of a picture.
fn variant_path(media: &UsedMedia, name: &str, size: Size) -> String {
    let crop = Crop::new(size, Focal { x: media.focal_x, y: media.focal_y });
    let digest = crop.digest(&media.digest());
    format!("/media/{}/{name}-{digest}", media.id)
}

/// The path of a file that is served as it is.
fn file_path(media: &UsedMedia) -> String {
    let ending = super::files::find_ending(&media.mime);
    format!("/media/{}/{FILE}-{}.{ending}", media.id, digest_file(&media.digest()))
}

/// A signature with which media for members are to be had until `until`, in seconds since 1970.
fn write_members_signature(keys: &Keys, id: Uuid, until: i64) -> String {
    URL_SAFE_NO_PAD.encode(keys.seal(&[MEMBERS_SEAL, id.as_bytes(), &until.to_be_bytes()]))
}

/// Whether an address for members is signed, until `until`.
pub fn is_signed_for_members(keys: &Keys, id: Uuid, until: i64, signature: &str) -> bool {
    let seal = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
    keys.is_sealed(&[MEMBERS_SEAL, id.as_bytes(), &until.to_be_bytes()], &seal)
}

/// The name of a free size in addresses: `640`, or `640x480c500c500` with the point it is cropped about.
fn name_free_size(crop: Crop) -> String {
    match crop.size {
        Size::Width(width) => width.to_string(),
        Size::Crop(..) => format!("{}c{}c{}", crop.size, crop.focal.x, crop.focal.y),
    }
}

/// The crop that the name of a free size means.
fn read_free_size(name: &str) -> Option<Crop> {
    let mut parts = name.split('c');
    let size: Size = parts.next()?.parse().ok()?;
    let mut part =
        || parts.next().map_or(Some(500), |text| text.parse().ok().filter(|at| (0..=1000).contains(at)));
    let focal = Focal { x: part()?, y: part()? };
    let crop = Crop::new(size, focal);
    (name_free_size(crop) == name).then_some(crop)
}

fn seal_size(keys: &Keys, id: Uuid, name: &str) -> String {
    HEXLOWER.encode(&keys.seal(&[SIZE_SEAL, id.as_bytes(), name.as_bytes()]))
}

/// The free size that an address leads to, if it is signed.
pub fn find_free_size(keys: &Keys, id: Uuid, name: &str, seal: &str) -> Option<Crop> {
    let crop = read_free_size(name)?;
    keys.is_sealed(
        &[SIZE_SEAL, id.as_bytes(), name.as_bytes()],
        &HEXLOWER.decode(seal.as_bytes()).unwrap_or_default(),
    )
    .then_some(crop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_size_has_one_name() {
        for (name, crop) in [
            ("640", Some(Crop::new(Size::Width(640), Focal::MIDDLE))),
            ("640x480c0c1000", Some(Crop::new(Size::Crop(640, 480), Focal { x: 0, y: 1000 }))),
            ("0640", None),
            ("640c5c5", None),
            ("640x480", None),
            ("640x480c1c1001", None),
            ("640x480c1c2c3", None),
        ] {
            assert_eq!(read_free_size(name), crop, "{name}");
        }
    }
}
