//! The normalised master of a picture: turned upright, in sRGB, without metadata, not too large.

use super::colour::convert_to_srgb;
use super::decode::decode_fitted;
use super::encode::{Effort, Subsampling, encode_jpeg, encode_png};
use super::facts::Facts;
use super::file_type::FileType;
use super::limits::{Limits, MAX_MASTER_SIDE};
use super::orientation::Orientation;
use super::pixels::{Layout, Pixels};
use super::probe::{Probe, probe};
use super::refused::{Refused, guard};
use super::spec::VariantSpec;
use super::strip::strip;
use super::traits::{is_flat, make_placeholder};
use super::variant::render_pixels;

/// The quality of a master as JPEG. Variants are made from it, so it must not show.
const MASTER_QUALITY: u8 = 92;

/// A master, and what is known about its picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Master {
    /// The encoded master: JPEG or PNG, see [`Master::file_type`].
    pub bytes: Vec<u8>,
    /// PNG where the picture has alpha or is flat, else JPEG.
    pub file_type: FileType,
    /// Of the master.
    pub width: u32,
    /// Of the master.
    pub height: u32,
    /// Of the original as a person sees it, after its orientation.
    pub original_width: u32,
    /// Of the original as a person sees it, after its orientation.
    pub original_height: u32,
    /// Whether a pixel is not opaque.
    pub has_alpha: bool,
    /// Whether the picture has large parts of one colour, as screenshots, diagrams and logos have.
    pub is_flat: bool,
    /// For `base64` and the `thumbhash` of clients.
    pub thumbhash: Vec<u8>,
    /// As `#rrggbb`.
    pub dominant_color: String,
    /// The facts of the original.
    pub facts: Facts,
}

/// Makes the master of a JPEG, PNG, GIF or WebP; of an animation from its first frame.
///
/// Decodes once, row by row where the format allows it, and never holds a large JPEG in full size. Fails as
/// [`super::inspect::inspect`] does, and if the pixels are damaged.
pub fn make_master(bytes: &[u8], limits: &Limits) -> Result<Master, Refused> {
    guard(|| Upright::decode(bytes, limits)?.into_master(bytes))
}

/// Makes the master, and variants from the same decoded pixels. They are in the order of `specs`.
pub fn make_master_and_variants(
    bytes: &[u8],
    limits: &Limits,
    specs: &[VariantSpec],
) -> Result<(Master, Vec<Vec<u8>>), Refused> {
    guard(|| {
        let upright = Upright::decode(bytes, limits)?;
        let size = (f64::from(upright.pixels.width), f64::from(upright.pixels.height));
        let full = (upright.pixels.width, upright.pixels.height);
        let variants = render_pixels(&upright.pixels, size, full, upright.is_flat, specs)?;
        Ok((upright.into_master(bytes)?, variants))
    })
}

/// The pixels of a master.
struct Upright {
    pixels: Pixels,
    is_flat: bool,
    probe: Probe,
}

impl Upright {
    fn decode(bytes: &[u8], limits: &Limits) -> Result<Self, Refused> {
        let probe = probe(bytes, limits)?;
        let stored = decode_fitted(bytes, &probe, MAX_MASTER_SIDE)?;
        let pixels = convert_to_srgb(stored, probe.icc.as_deref());
        let pixels = probe.facts.orientation.apply(pixels).drop_opaque_alpha();
        let is_flat = probe.is_lossless && is_flat(&pixels);
        Ok(Self { pixels, is_flat, probe })
    }

    fn into_master(self, original: &[u8]) -> Result<Master, Refused> {
        let Self { pixels, is_flat, probe } = self;
        let placeholder = make_placeholder(&pixels)?;
        let has_alpha = pixels.layout == Layout::Rgba;
        let (bytes, file_type) = if has_alpha || is_flat {
            (encode_png(&pixels, Effort::Quick)?, FileType::Png)
        } else if is_master_already(&probe) {
            (strip(original)?, FileType::Jpeg)
        } else {
            (encode_jpeg(&pixels, MASTER_QUALITY, Subsampling::Full)?, FileType::Jpeg)
        };
        let (original_width, original_height) = probe.facts.seen_size();
        Ok(Master {
            bytes,
            file_type,
            width: pixels.width,
            height: pixels.height,
            original_width,
            original_height,
            has_alpha,
            is_flat,
            thumbhash: placeholder.thumbhash,
            dominant_color: placeholder.dominant_color,
            facts: probe.facts,
        })
    }
}

/// Whether a JPEG needs no change but the loss of its metadata: encoding it again would only cost quality.
fn is_master_already(probe: &Probe) -> bool {
    let facts = &probe.facts;
    let is_plain = facts.file_type == FileType::Jpeg && probe.channels != 4 && probe.jpeg.scans == 1;
    is_plain
        && !probe.jpeg.is_progressive
        && !facts.has_icc
        && facts.orientation == Orientation::UPRIGHT
        && facts.width.max(facts.height) <= MAX_MASTER_SIDE
}
