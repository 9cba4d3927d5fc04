//! Colours: from a picture's own profile, grey or CMYK to sRGB.

use moxcms::{ColorProfile, DataColorSpace, Layout as IccLayout, RenderingIntent, TransformOptions};

use super::pixels::{Layout, Pixels};

/// Converts to sRGB with three channels, or four with alpha.
///
/// A profile that is damaged, or of another kind of colours than the pixels, is ignored as browsers do. CMYK without a
/// profile is converted by the plain formula.
pub fn convert_to_srgb(pixels: Pixels, icc: Option<&[u8]>) -> Pixels {
    let profile = icc.and_then(|icc| ColorProfile::new_from_slice(icc).ok());
    let converted = profile.and_then(|profile| apply_profile(&pixels, &profile));
    converted.unwrap_or_else(|| convert_plainly(pixels))
}

fn apply_profile(pixels: &Pixels, profile: &ColorProfile) -> Option<Pixels> {
    let (from, space) = match pixels.layout {
        Layout::Grey => (IccLayout::Gray, DataColorSpace::Gray),
        Layout::GreyAlpha => (IccLayout::GrayAlpha, DataColorSpace::Gray),
        Layout::Rgb => (IccLayout::Rgb, DataColorSpace::Rgb),
        Layout::Rgba => (IccLayout::Rgba, DataColorSpace::Rgb),
        Layout::Cmyk => (IccLayout::Rgba, DataColorSpace::Cmyk),
    };
    if profile.color_space != space {
        return None;
    }
    let (to, layout) = if pixels.layout.has_alpha() {
        (IccLayout::Rgba, Layout::Rgba)
    } else {
        (IccLayout::Rgb, Layout::Rgb)
    };
    let options = TransformOptions {
        rendering_intent: RenderingIntent::RelativeColorimetric,
        ..TransformOptions::default()
    };
    let transform = profile.create_transform_8bit(from, &ColorProfile::new_srgb(), to, options).ok()?;
    let is_identity = |from: &[u8], to: &[u8]| from.iter().zip(to).all(|(from, to)| from.abs_diff(*to) <= 1);
    if space == DataColorSpace::Rgb {
        // Most pictures name sRGB: then their pixels stay as they are.
        let probes = probe_colours(pixels.layout.channels());
        let mut converted = vec![0; probes.len()];
        transform.transform(&probes, &mut converted).ok()?;
        if is_identity(&probes, &converted) {
            return None;
        }
    }
    let mut converted = Pixels::empty(pixels.width, pixels.height, layout);
    let from_rows = pixels.data.chunks(pixels.row_bytes());
    let row_bytes = converted.row_bytes();
    for (from, to) in from_rows.zip(converted.data.chunks_mut(row_bytes)) {
        transform.transform(from, to).ok()?;
    }
    Some(converted)
}

/// Colours all over the cube.
fn probe_colours(channels: usize) -> Vec<u8> {
    let levels = [0u8, 51, 102, 153, 204, 255];
    let mut colours = Vec::new();
    for r in levels {
        for g in levels {
            for b in levels {
                colours.extend(&[r, g, b, 255][..channels]);
            }
        }
    }
    colours
}

fn convert_plainly(pixels: Pixels) -> Pixels {
    let layout = if pixels.layout.has_alpha() { Layout::Rgba } else { Layout::Rgb };
    let data = match pixels.layout {
        Layout::Rgb | Layout::Rgba => return pixels,
        Layout::Grey => pixels.data.iter().flat_map(|grey| [*grey; 3]).collect(),
        Layout::GreyAlpha => {
            let (pixels, _) = pixels.data.as_chunks::<2>();
            pixels.iter().flat_map(|[grey, alpha]| [*grey, *grey, *grey, *alpha]).collect()
        }
        Layout::Cmyk => {
            let (pixels, _) = pixels.data.as_chunks::<4>();
            pixels.iter().flat_map(|[c, m, y, k]| [c, m, y].map(|ink| mix_inks(*ink, *k))).collect()
        }
    };
    Pixels { layout, data, ..pixels }
}

/// The light that an ink and black leave.
fn mix_inks(ink: u8, black: u8) -> u8 {
    let light = u32::from(255 - ink) * u32::from(255 - black);
    ((light + 127) / 255) as u8
}
