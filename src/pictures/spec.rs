//! What is asked of a variant.

use super::format::Format;

/// The part of a picture that a variant shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Crop {
    /// A rectangle, in shares (0..1) of the width and height.
    Rect { left: f64, top: f64, width: f64, height: f64 },
    /// The largest part with a ratio of sides, about a focal point in shares (0..1) of the width and height, as far as
    /// the edges allow.
    Focus { x: f64, y: f64, ratio_width: u32, ratio_height: u32 },
}

/// What a variant is like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VariantSpec {
    /// At most this width in pixels.
    pub width: Option<u32>,
    /// At most this height in pixels.
    pub height: Option<u32>,
    /// The whole picture if there is none.
    pub crop: Option<Crop>,
    pub format: Format,
    /// 1 to 100, for JPEG and lossy WebP.
    pub quality: u8,
}
