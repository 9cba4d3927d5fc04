//! Facts of a picture from its headers, before anything is decoded.

use super::file_type::FileType;
use super::probe;
use super::refused::{Refused, guard};

pub use super::exif::TakenAt;
pub use super::orientation::Orientation;

/// The longest side in pixels. JPEG and GIF have no longer ones.
pub const MAX_SIDE: u32 = 65_535;
/// Scans of a progressive JPEG; common encoders write about ten.
pub const MAX_SCANS: u32 = 64;

/// What a picture may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Width × height.
    pub max_pixels: u64,
    /// Frames of an animation.
    pub max_frames: u32,
    /// Bytes of EXIF, XMP, comments, thumbnails and unknown parts, as they are in the file.
    pub max_metadata_bytes: u64,
    /// Bytes of an ICC profile, unpacked.
    pub max_icc_bytes: u64,
    /// Bytes of memory that decoding and making the master may take, as [`Facts::decode_bytes`] estimates them.
    pub max_decode_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pixels: 50_000_000,
            max_frames: 1_000,
            max_metadata_bytes: 16 << 20,
            max_icc_bytes: 4 << 20,
            // 42 million pixels of WebP, 50 million of a progressive JPEG in 4:2:0 or of anything that is read by rows.
            max_decode_bytes: 300 << 20,
        }
    }
}

/// What the headers of a picture say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// JPEG, PNG, GIF or WebP.
    pub file_type: FileType,
    /// As stored, before the orientation.
    pub width: u32,
    /// As stored, before the orientation.
    pub height: u32,
    pub orientation: Orientation,
    /// Frames of an animation; 1 for a still picture.
    pub frames: u32,
    pub has_icc: bool,
    pub taken_at: Option<TakenAt>,
    /// An estimate, rather too high, of the memory that [`super::master::make_master`] needs, without the file itself.
    /// For budgets that several pictures share.
    pub decode_bytes: u64,
}

impl Facts {
    /// Width and height as a person sees the picture, after the orientation.
    pub fn seen_size(&self) -> (u32, u32) {
        self.orientation.apply_to_size(self.width, self.height)
    }
}

/// Reads the facts of a JPEG, PNG, GIF or WebP.
///
/// Takes memory for no more than an ICC profile, and time for one pass over the file. Fails if the picture is above a
/// limit, damaged or of another type.
pub fn inspect(bytes: &[u8], limits: &Limits) -> Result<Facts, Refused> {
    guard(|| probe::probe(bytes, limits).map(|probe| probe.facts))
}
