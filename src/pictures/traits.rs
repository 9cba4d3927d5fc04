//! What is shown before a picture is there, and what its format is chosen by.

use std::collections::HashMap;

use super::geometry::{Region, fit_inside};
use super::pixels::{Layout, Pixels};
use super::refused::Refused;
use super::shrinker::resize;

/// The longest side that a ThumbHash is made from.
const THUMB_SIDE: u32 = 100;
/// The share of pixels that equal their left neighbour, in percent, from which a picture is flat.
const FLAT_PERCENT: usize = 60;
/// Rows that are looked at for it.
const FLAT_ROWS: usize = 256;
/// Below this alpha a pixel has no say about the dominant colour.
const MIN_ALPHA: u8 = 128;

/// A ThumbHash and the dominant colour.
pub struct Placeholder {
    pub thumbhash: Vec<u8>,
    /// As `#rrggbb`.
    pub dominant_color: String,
}

/// Makes the placeholder of a picture in RGB or RGBA.
pub fn make_placeholder(pixels: &Pixels) -> Result<Placeholder, Refused> {
    let (width, height) = fit_inside(pixels.width, pixels.height, THUMB_SIDE);
    let whole = Region::whole(f64::from(pixels.width), f64::from(pixels.height));
    let thumb = resize(pixels, whole, width, height)?;
    let rgba: Vec<u8> = match thumb.layout {
        Layout::Rgba => thumb.data,
        _ => thumb.data.as_chunks::<3>().0.iter().flat_map(|[r, g, b]| [*r, *g, *b, 255]).collect(),
    };
    let thumbhash = thumbhash::rgba_to_thumb_hash(width as usize, height as usize, &rgba);
    Ok(Placeholder { thumbhash, dominant_color: find_dominant_color(&rgba) })
}

/// The mean of the most frequent colours, those that agree in the upper three bits of each channel.
fn find_dominant_color(rgba: &[u8]) -> String {
    let mut groups: HashMap<[u8; 3], (u64, [u64; 3])> = HashMap::new();
    for [r, g, b, alpha] in rgba.as_chunks::<4>().0 {
        if *alpha < MIN_ALPHA {
            continue;
        }
        let (count, sums) = groups.entry([r >> 5, g >> 5, b >> 5]).or_default();
        *count += 1;
        for (sum, channel) in sums.iter_mut().zip([r, g, b]) {
            *sum += u64::from(*channel);
        }
    }
    let largest = groups.into_iter().max_by_key(|(group, (count, _))| (*count, *group));
    let (count, sums) = largest.map_or((1, [255; 3]), |(_, group)| group);
    let [r, g, b] = sums.map(|sum| (sum + count / 2) / count);
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Whether a picture is flat, as screenshots, diagrams and logos are: most pixels equal their left neighbour.
///
/// Meant for pictures that no lossy format has been through. Fully transparent pixels do not count.
pub fn is_flat(pixels: &Pixels) -> bool {
    let channels = pixels.layout.channels();
    let step = (pixels.height as usize / FLAT_ROWS).max(1);
    let (mut equal, mut all) = (0, 0);
    for row in pixels.data.chunks(pixels.row_bytes()).step_by(step) {
        for pair in row.windows(channels * 2).step_by(channels) {
            let (left, right) = pair.split_at(channels);
            if pixels.layout == Layout::Rgba && left[3] == 0 && right[3] == 0 {
                continue;
            }
            all += 1;
            equal += usize::from(left == right);
        }
    }
    equal * 100 >= all * FLAT_PERCENT
}
