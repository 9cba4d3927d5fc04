//! JPEG by `jpeg-encoder`.

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

use crate::pictures::pixels::{Layout, Pixels};
use crate::pictures::refused::Refused;

/// The resolution of colour beside that of brightness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subsampling {
    /// 4:4:4, in one scan, so that it is decoded row by row.
    Full,
    /// 4:2:0, progressive.
    Halved,
}

/// Encodes RGB. Alpha is laid on white.
pub fn encode_jpeg(pixels: &Pixels, quality: u8, subsampling: Subsampling) -> Result<Vec<u8>, Refused> {
    let flattened = (pixels.layout == Layout::Rgba).then(|| lay_on_white(pixels));
    let data = flattened.as_ref().unwrap_or(&pixels.data);
    let sides = (u16::try_from(pixels.width), u16::try_from(pixels.height));
    let (Ok(width), Ok(height)) = sides else {
        return Err(Refused::NotEncoded("a side is too long for JPEG"));
    };
    let mut jpeg = Vec::with_capacity(data.len() / 8);
    let mut encoder = Encoder::new(&mut jpeg, quality);
    if subsampling == Subsampling::Full {
        encoder.set_sampling_factor(SamplingFactor::F_1_1);
    } else {
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
        // Two scans a channel compress best here: the encoder has no runs of empty blocks across more.
        encoder.set_progressive_scans(2);
        encoder.set_optimized_huffman_tables(true);
    }
    encoder.encode(data, width, height, ColorType::Rgb).map_err(|_| Refused::NotEncoded("JPEG"))?;
    Ok(jpeg)
}

fn lay_on_white(pixels: &Pixels) -> Vec<u8> {
    let (rgba, _) = pixels.data.as_chunks::<4>();
    let mix = |channel: u8, alpha: u8| {
        let (channel, alpha) = (u32::from(channel), u32::from(alpha));
        ((channel * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    rgba.iter().flat_map(|[r, g, b, alpha]| [mix(*r, *alpha), mix(*g, *alpha), mix(*b, *alpha)]).collect()
}
