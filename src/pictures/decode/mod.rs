//! Decoders: rows of the first frame, resized as they come.

mod gif;
mod jpeg;
mod png;
mod webp;

use super::file_type::FileType;
use super::geometry::fit_inside;
use super::pixels::Pixels;
use super::probe::Probe;
use super::refused::Refused;

/// A decoded picture that its decoder may have reduced.
pub struct Reduced {
    pub pixels: Pixels,
    /// What width and height would be without rounding up.
    pub exact: (f64, f64),
}

/// Decodes the first frame, resized to a longer side of at most `max_side`, as stored: not turned, in its own colours.
pub fn decode_fitted(bytes: &[u8], probe: &Probe, max_side: u32) -> Result<Pixels, Refused> {
    let (width, height) = (probe.facts.width, probe.facts.height);
    let target = fit_inside(width, height, max_side);
    match probe.facts.file_type {
        FileType::Jpeg => jpeg::decode_fitted(bytes, probe, target),
        FileType::Png => png::decode_fitted(bytes, probe, target),
        FileType::Gif => gif::decode_fitted(bytes, probe, target),
        _ => webp::decode_fitted(bytes, probe, target),
    }
}

/// Decodes a whole master. A JPEG is reduced while it is decoded, to not less than `share` (0..1) of its size.
pub fn decode_reduced(bytes: &[u8], probe: &Probe, share: f64) -> Result<Reduced, Refused> {
    if probe.facts.file_type == FileType::Jpeg {
        return jpeg::decode_reduced(bytes, probe, share);
    }
    let pixels = decode_fitted(bytes, probe, u32::MAX)?;
    let exact = (f64::from(pixels.width), f64::from(pixels.height));
    Ok(Reduced { pixels, exact })
}
