//! Encoders.

mod jpeg;
mod png;
mod webp;

use super::format::Format;
use super::pixels::Pixels;
use super::refused::Refused;

pub use jpeg::{Subsampling, encode_jpeg};
pub use png::{Effort, encode_png};
pub use webp::{encode_webp, encode_webp_lossless};

/// Encodes a variant. Quality is 1 to 100. A flat picture becomes a lossless WebP if that is smaller.
pub fn encode(pixels: &Pixels, format: Format, quality: u8, is_flat: bool) -> Result<Vec<u8>, Refused> {
    let quality = quality.clamp(1, 100);
    match format {
        Format::Jpeg => encode_jpeg(pixels, quality, Subsampling::Halved),
        Format::Png => encode_png(pixels, Effort::Small),
        Format::Webp if is_flat => {
            let lossy = encode_webp(pixels, quality)?;
            let lossless = encode_webp_lossless(pixels)?;
            Ok(if lossless.len() <= lossy.len() { lossless } else { lossy })
        }
        Format::Webp => encode_webp(pixels, quality),
    }
}
