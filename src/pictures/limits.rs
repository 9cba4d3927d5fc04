//! How large pictures may be, and what they may cost.

/// The longest side in pixels. JPEG and GIF have no longer ones.
pub const MAX_SIDE: u32 = 65_535;
/// Scans of a progressive JPEG; common encoders write about ten.
pub const MAX_SCANS: u32 = 64;
/// The longer side of a master in pixels, at most.
pub const MAX_MASTER_SIDE: u32 = 2_560;

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
    /// Bytes of memory that decoding and making the master may take, as [`super::facts::Facts::decode_bytes`] estimates
    /// them.
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
