//! Work on the bytes of files: off the async threads, behind permits and a budget of memory.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::Tz;
use tokio::task::spawn_blocking;

use super::model::{MediaKind, Picture, Row};
use super::presets::Crop;
use crate::app::App;
use crate::config::presets::Size;
use crate::error::{Code, Error, Result, Sentence};
use crate::pictures::facts::{Facts, TakenAt};
use crate::pictures::file_type::{FileType, Kind};
use crate::pictures::format::{Format, choose_format};
use crate::pictures::inspect::inspect;
use crate::pictures::limits::Limits;
use crate::pictures::master::make_master;
use crate::pictures::refused::Refused;
use crate::pictures::sniff::{SNIFF_BYTES, sniff};
use crate::pictures::source::Source;
use crate::pictures::spec::{self, VariantSpec};
use crate::pictures::strip::strip;
use crate::pictures::svg::sanitise_svg;
use crate::pictures::variant::{fit_below, render};
use crate::storage::Spooled;

/// The quality of variants as JPEG.
const JPEG_QUALITY: u8 = 80;
/// The quality of variants as WebP.
const WEBP_QUALITY: u8 = 78;
/// The largest original that is read to compare a variant with it. A larger one is larger than any variant.
const MAX_COMPARED_BYTES: u64 = 8 << 20;

/// What is known of a file before it is unpacked.
#[derive(Clone, Copy, Debug)]
pub struct FileFacts {
    file_type: FileType,
    /// Of pictures that are made of pixels.
    picture: Option<Facts>,
}

impl FileFacts {
    /// The media type of the file.
    pub fn mime(&self) -> &'static str {
        self.file_type.mime()
    }

    /// What the file is.
    pub fn kind(&self) -> MediaKind {
        match self.file_type.kind() {
            Kind::Image => MediaKind::Image,
            Kind::Audio => MediaKind::Audio,
            Kind::Video => MediaKind::Video,
            Kind::Document => MediaKind::Document,
        }
    }
}

/// What was made of a picture.
pub struct MadePicture {
    /// What was found in it.
    pub picture: Picture,
    /// The picture that variants are made from.
    pub master: Option<Vec<u8>>,
    /// The bytes that are served as they are, if these are not the ones that came in.
    pub served: Option<Vec<u8>>,
}

/// The limits of this server on pictures.
fn limits(app: &App) -> Limits {
    let max_pixels = u64::from(app.config.media.max_megapixels) * 1_000_000;
    Limits { max_pixels, max_decode_bytes: app.config.media.memory, ..Limits::default() }
}

/// Finds out what a file is, and whether it may be kept. Unpacks nothing.
pub async fn look_at(app: &App, file: &Spooled) -> Result<FileFacts> {
    let (path, size, limits) = (file.path().to_path_buf(), file.size(), limits(app));
    let takes_svg = app.config.media.svg;
    let media = &app.config.media;
    let (max_image, max_file) = (media.max_image, media.max_file);
    spawn_blocking(move || {
        let source = open(&path)?;
        let file_type = check_type(&source, takes_svg)?;
        let max = if file_type.kind() == Kind::Image { max_image } else { max_file };
        if size > max {
            return Err(super::files::too_large(max));
        }
        let is_raster = file_type.kind() == Kind::Image && file_type != FileType::Svg;
        let picture = is_raster.then(|| inspect(&source, &limits)).transpose().map_err(refuse)?;
        Ok(FileFacts { file_type, picture })
    })
    .await
    .map_err(|cause| Error::Internal(cause.into()))?
}

/// Refuses a file whose beginning says that it is of a type that is not taken.
pub async fn check_beginning(app: &App, beginning: &Spooled) -> Result<()> {
    let (path, takes_svg) = (beginning.path().to_path_buf(), app.config.media.svg);
    // What is shorter may tell its type with the bytes to come.
    if beginning.size() < SNIFF_BYTES as u64 {
        return Ok(());
    }
    spawn_blocking(move || check_type(&open(&path)?, takes_svg).map(drop))
        .await
        .map_err(|cause| Error::Internal(cause.into()))?
}

fn open(path: &Path) -> Result<Source> {
    Source::open(path).map_err(|cause| Error::Internal(cause.into()))
}

/// The type of a file, by its first bytes. Refuses types that are not taken, with a hint where there is one.
fn check_type(file: &[u8], takes_svg: bool) -> Result<FileType> {
    let file_type = sniff(file.get(..SNIFF_BYTES).unwrap_or(file));
    let refuse = |detail: &str| Err(Error::Refused(Code::UnsupportedFile, detail.into()));
    match file_type {
        None => refuse(
            "The file is none of JPEG, PNG, GIF, WebP, PDF, MP3, M4A, MP4, WebM, Ogg, ZIP and office documents.",
        ),
        Some(FileType::Avif | FileType::Heic) => {
            refuse("AVIF and HEIC pictures are not taken: save the picture as JPEG, PNG or WebP.")
        }
        Some(FileType::Svg) if !takes_svg => refuse(
            "SVG pictures are not taken here: save the picture as PNG, or have the server set to take them.",
        ),
        Some(file_type) => Ok(file_type),
    }
}

fn refuse(cause: Refused) -> Error {
    let reason = cause.to_string();
    match cause {
        Refused::Damaged(cause) => tracing::debug!(cause, "A damaged picture was refused"),
        Refused::NotEncoded(_) => return Error::Internal(anyhow::anyhow!("{reason}")),
        _ => {}
    }
    Error::Refused(Code::RefusedFile, Sentence::from("The file was refused: {reason}").with("reason", reason))
}

/// Unpacks a picture once, for its master. `None` for a file that is no picture.
pub async fn make_picture(app: &App, file: &Spooled, facts: &FileFacts) -> Result<Option<MadePicture>> {
    let (path, facts, limits) = (file.path().to_path_buf(), *facts, limits(app));
    let timezone = app.snapshot::<crate::site::model::Row>().await?.timezone();
    let Some(found) = facts.picture else {
        if facts.file_type != FileType::Svg {
            return Ok(None);
        }
        return app.picture_makers.run(move || make_svg(&open(&path)?)).await?.map(Some);
    };
    let needed = usize::try_from(found.decode_bytes).unwrap_or(usize::MAX);
    let _memory = app.picture_memory.take(needed).await?;
    app.picture_makers.run(move || make_raster(&open(&path)?, &found, &limits, timezone)).await?.map(Some)
}

fn make_raster(source: &[u8], found: &Facts, limits: &Limits, timezone: Tz) -> Result<MadePicture> {
    let made = make_master(source, limits).map_err(refuse)?;
    let is_animated = found.frames > 1;
    let served = is_animated.then(|| strip(source)).transpose().map_err(refuse)?;
    let picture = Picture {
        width: made.original_width,
        height: made.original_height,
        master: Some(made.file_type.extension().to_owned()),
        master_width: made.width,
        master_height: made.height,
        served: is_animated.then(|| found.file_type.extension().to_owned()),
        has_alpha: made.has_alpha,
        is_flat: made.is_flat,
        is_animated,
        thumbhash: STANDARD.encode(&made.thumbhash),
        dominant_color: made.dominant_color,
        taken_at: found.taken_at.and_then(|at| to_utc(at, timezone)),
    };
    Ok(MadePicture { picture, master: Some(made.bytes), served })
}

fn make_svg(source: &[u8]) -> Result<MadePicture> {
    let clean = sanitise_svg(source).map_err(refuse)?;
    // A drawing has no size of its own in pixels; one that says none is shown as a square.
    let (width, height) = clean.size.unwrap_or((300.0, 300.0));
    let side = |side: f64| side.round().clamp(1.0, 65_535.0) as u32;
    let picture = Picture {
        width: side(width),
        height: side(height),
        master: None,
        master_width: 0,
        master_height: 0,
        served: Some(FileType::Svg.extension().to_owned()),
        has_alpha: true,
        is_flat: true,
        is_animated: false,
        thumbhash: String::new(),
        dominant_color: String::new(),
        taken_at: None,
    };
    Ok(MadePicture { picture, master: None, served: Some(clean.bytes) })
}

/// The time of a camera, which mostly knows no time zone: then that of the site counts.
fn to_utc(at: TakenAt, timezone: Tz) -> Option<DateTime<Utc>> {
    match at.offset {
        Some(offset) => offset.from_local_datetime(&at.local).single().map(|at| at.to_utc()),
        None => timezone.from_local_datetime(&at.local).earliest().map(|at| at.to_utc()),
    }
}

/// A format in which variants are to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VariantFormat(Format);

impl VariantFormat {
    /// For clients that take it.
    pub const WEBP: Self = Self(Format::Webp);

    /// For all clients: JPEG, or PNG where a picture asks for it.
    pub fn plain(picture: &Picture) -> Self {
        Self(choose_format(picture.has_alpha, picture.is_flat, false))
    }

    /// The ending of files in this format.
    pub fn ending(self) -> &'static str {
        self.0.file_type().extension()
    }

    /// The media type of files in this format.
    pub fn media_type(self) -> &'static str {
        self.0.file_type().mime()
    }
}

/// Makes a variant of a picture. It is not larger than the picture, neither in pixels nor in bytes.
pub async fn make_variant(
    app: &App,
    master: actix_web::web::Bytes,
    row: &Row,
    crop: Crop,
    format: VariantFormat,
) -> Result<Vec<u8>> {
    let quality = if format == VariantFormat::WEBP { WEBP_QUALITY } else { JPEG_QUALITY };
    let (x, y) = crop.focal.to_parts();
    let variant = match crop.size {
        Size::Width(width) => {
            VariantSpec { width: Some(width), height: None, crop: None, format: format.0, quality }
        }
        Size::Crop(width, height) => VariantSpec {
            width: Some(width),
            height: Some(height),
            crop: Some(spec::Crop::Focus { x, y, ratio_width: width, ratio_height: height }),
            format: format.0,
            quality,
        },
    };
    let pixels = row
        .read_picture()
        .map_or(0, |picture| u64::from(picture.master_width) * u64::from(picture.master_height));
    let needed = usize::try_from(pixels.saturating_mul(8)).unwrap_or(usize::MAX) + master.len();
    let _memory = app.picture_memory.take(needed).await?;
    let (kept, max_bytes) = (master.clone(), u64::try_from(row.bytes).unwrap_or(u64::MAX));
    let made = app.picture_makers.run(move || render(&kept, &variant)).await?.map_err(refuse)?;
    if made.len() as u64 <= max_bytes || max_bytes > MAX_COMPARED_BYTES {
        return Ok(made);
    }
    let original = super::files::name_original(&row.sha256)?;
    let Some(original) = app.store.read(&original, MAX_COMPARED_BYTES as usize).await? else {
        return Ok(made);
    };
    let fitted = app.picture_makers.run(move || fit_below(&master, &variant, &original)).await?;
    Ok(fitted.map_err(refuse)?.bytes)
}
