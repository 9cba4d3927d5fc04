//! What the headers of a picture say, with what only the decoders need.

mod gif;
mod jpeg;
mod png;
mod webp;

use super::exif::Exif;
use super::facts::Facts;
use super::file_type::FileType;
use super::geometry::fit_inside;
use super::limits::{Limits, MAX_MASTER_SIDE, MAX_SIDE};
use super::orientation::Orientation;
use super::refused::Refused;
use super::sniff::sniff;

/// The facts, and what the decoders need besides.
#[derive(Debug)]
pub struct Probe {
    pub facts: Facts,
    /// The ICC profile, unpacked.
    pub icc: Option<Vec<u8>>,
    /// Whether the file keeps every pixel as its author drew it.
    pub is_lossless: bool,
    /// Channels of the decoded picture.
    pub channels: u64,
    /// Only for JPEG.
    pub jpeg: JpegTraits,
}

/// What the segments of a JPEG say.
#[derive(Debug, Clone, Copy, Default)]
pub struct JpegTraits {
    /// Adobe writes CMYK inverted.
    pub has_adobe_marker: bool,
    pub scans: u32,
    pub is_progressive: bool,
}

/// Reads the headers of a picture and holds them against the limits.
pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Probe, Refused> {
    let file_type = sniff(&bytes[..bytes.len().min(4096)]).ok_or(Refused::UnknownType)?;
    let found = match file_type {
        FileType::Jpeg => jpeg::probe(bytes, limits)?,
        FileType::Png => png::probe(bytes, limits)?,
        FileType::Gif => gif::probe(bytes, limits)?,
        FileType::Webp => webp::probe(bytes, limits)?,
        FileType::Avif | FileType::Heic => {
            return Err(Refused::Unsupported("save the picture as JPEG, PNG or WebP"));
        }
        _ => return Err(Refused::UnknownType),
    };
    if found.facts.frames > limits.max_frames {
        return Err(Refused::TooManyFrames { max: limits.max_frames });
    }
    if found.facts.decode_bytes > limits.max_decode_bytes {
        return Err(Refused::TooMuchMemory { max: limits.max_decode_bytes });
    }
    Ok(found)
}

/// What a format has found out, to be completed.
struct Found {
    file_type: FileType,
    width: u32,
    height: u32,
    exif: Exif,
    frames: u32,
    icc: Option<Vec<u8>>,
    channels: u64,
    /// Bytes that the decoder itself holds.
    decoder_bytes: u64,
}

impl Found {
    fn complete(self, is_lossless: bool, jpeg: JpegTraits) -> Probe {
        let (width, height) = fit_inside(self.width, self.height, MAX_MASTER_SIDE);
        // Decoded, turned or converted, and encoded; the rows that are being resized.
        let master = u64::from(width) * u64::from(height) * self.channels.max(3) * 3;
        let rows = (u64::from(self.width) * self.channels * 64).max(8 << 20);
        let facts = Facts {
            file_type: self.file_type,
            width: self.width,
            height: self.height,
            orientation: self.exif.orientation.unwrap_or(Orientation::UPRIGHT),
            frames: self.frames,
            has_icc: self.icc.is_some(),
            taken_at: self.exif.taken_at,
            decode_bytes: self.decoder_bytes + master + rows,
        };
        Probe { facts, icc: self.icc, is_lossless, channels: self.channels, jpeg }
    }
}

/// Holds a size against the limits. A size without pixels is damaged.
fn check_size(width: u32, height: u32, limits: &Limits) -> Result<(), Refused> {
    if width == 0 || height == 0 {
        return Err(Refused::damaged("a side of zero pixels"));
    }
    if u64::from(width) * u64::from(height) > limits.max_pixels {
        return Err(Refused::TooManyPixels { width, height, max: limits.max_pixels });
    }
    if width > MAX_SIDE || height > MAX_SIDE {
        return Err(Refused::SideTooLong { max: MAX_SIDE });
    }
    Ok(())
}

/// Counts bytes of metadata.
struct MetadataCount<'a> {
    bytes: u64,
    limits: &'a Limits,
}

impl<'a> MetadataCount<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self { bytes: 0, limits }
    }

    fn add(&mut self, part: &[u8]) -> Result<(), Refused> {
        self.bytes += part.len() as u64;
        if self.bytes > self.limits.max_metadata_bytes {
            return Err(Refused::MetadataTooLarge { max: self.limits.max_metadata_bytes });
        }
        Ok(())
    }
}

/// Holds the length of a profile against the limits.
fn check_profile_length(length: usize, limits: &Limits) -> Result<(), Refused> {
    if length as u64 > limits.max_icc_bytes {
        return Err(Refused::ProfileTooLarge { max: limits.max_icc_bytes });
    }
    Ok(())
}
