//! PNG by `png`.

use std::collections::HashMap;

use png::{BitDepth, ColorType, Compression, Encoder};

use crate::pictures::pixels::{Layout, Pixels};
use crate::pictures::refused::Refused;

/// Colours of a palette.
const MAX_COLOURS: usize = 256;

/// What is spared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Time.
    Quick,
    /// Bytes.
    Small,
}

/// Encodes RGB or RGBA. A picture of at most 256 colours gets a palette, and so loses nothing.
pub fn encode_png(pixels: &Pixels, effort: Effort) -> Result<Vec<u8>, Refused> {
    write(pixels, effort).map_err(|_| Refused::NotEncoded("PNG"))
}

fn write(pixels: &Pixels, effort: Effort) -> Result<Vec<u8>, png::EncodingError> {
    let mut png = Vec::new();
    let mut encoder = Encoder::new(&mut png, pixels.width, pixels.height);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(match effort {
        Effort::Quick => Compression::Fast,
        Effort::Small => Compression::Balanced,
    });
    let palette = find_palette(pixels);
    match &palette {
        Some(palette) => {
            encoder.set_color(ColorType::Indexed);
            encoder.set_palette(
                palette
                    .colours
                    .iter()
                    .flat_map(|colour| [colour[0], colour[1], colour[2]])
                    .collect::<Vec<u8>>(),
            );
            if pixels.layout == Layout::Rgba {
                encoder.set_trns(palette.colours.iter().map(|colour| colour[3]).collect::<Vec<u8>>());
            }
        }
        None if pixels.layout == Layout::Rgba => encoder.set_color(ColorType::Rgba),
        None => encoder.set_color(ColorType::Rgb),
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(palette.as_ref().map_or(&pixels.data, |palette| &palette.indices))?;
    writer.finish()?;
    Ok(png)
}

struct Palette {
    colours: Vec<[u8; 4]>,
    /// A byte a pixel.
    indices: Vec<u8>,
}

/// The colours of a picture, if they are few.
fn find_palette(pixels: &Pixels) -> Option<Palette> {
    let channels = pixels.layout.channels();
    let mut known: HashMap<[u8; 4], u8> = HashMap::new();
    let mut palette = Palette { colours: Vec::new(), indices: Vec::new() };
    let mut last = None;
    for pixel in pixels.data.chunks_exact(channels) {
        let colour = [pixel[0], pixel[1], pixel[2], pixel.get(3).copied().unwrap_or(255)];
        let index = match last {
            Some((before, index)) if before == colour => index,
            _ => match known.get(&colour) {
                Some(index) => *index,
                None if palette.colours.len() == MAX_COLOURS => return None,
                None => {
                    let index = palette.colours.len() as u8;
                    palette.colours.push(colour);
                    known.insert(colour, index);
                    index
                }
            },
        };
        last = Some((colour, index));
        palette.indices.push(index);
    }
    Some(palette)
}
