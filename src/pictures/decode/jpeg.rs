//! JPEG by libjpeg, row by row and reduced while it is decoded.

use mozjpeg::{ColorSpace, Decompress};

use super::Reduced;
use crate::pictures::pixels::{Layout, Pixels};
use crate::pictures::probe::Probe;
use crate::pictures::refused::Refused;
use crate::pictures::shrinker::Shrinker;

/// Rows that are read at once.
const ROWS: usize = 16;
/// The reduction is by eighths.
const WHOLE: u32 = 8;
/// Below this many pixels of the shorter side nothing is reduced: rounding would show.
const MIN_REDUCED_SIDE: u32 = 64;

/// Decodes and resizes to `target`.
pub fn decode_fitted(bytes: &[u8], probe: &Probe, target: (u32, u32)) -> Result<Pixels, Refused> {
    let share = f64::from(target.0.max(target.1)) / f64::from(probe.facts.width.max(probe.facts.height));
    let plan = Reduction::plan(probe, share);
    let exact = plan.exact;
    decode_to(bytes, probe, &plan, target, exact)
}

/// Decodes to at least `share` of the size, and leaves it at that.
pub fn decode_reduced(bytes: &[u8], probe: &Probe, share: f64) -> Result<Reduced, Refused> {
    let plan = Reduction::plan(probe, share);
    let stored = (f64::from(plan.size.0), f64::from(plan.size.1));
    let pixels = decode_to(bytes, probe, &plan, plan.size, stored)?;
    Ok(Reduced { pixels, exact: plan.exact })
}

/// How much a picture is reduced while it is decoded.
struct Reduction {
    /// Of eight.
    numerator: u32,
    /// The size that the decoder gives.
    size: (u32, u32),
    /// The size without rounding up.
    exact: (f64, f64),
}

impl Reduction {
    /// The least eighths that give at least `share` of the size.
    fn plan(probe: &Probe, share: f64) -> Self {
        let (width, height) = (probe.facts.width, probe.facts.height);
        let fits = |numerator: &u32| {
            let is_enough = f64::from(*numerator) / f64::from(WHOLE) >= share;
            is_enough && width.min(height) * numerator / WHOLE >= MIN_REDUCED_SIDE
        };
        let numerator = (1..WHOLE).find(fits).unwrap_or(WHOLE);
        let reduce = |side: u32| (side * numerator).div_ceil(WHOLE);
        let exact = |side: u32| f64::from(side * numerator) / f64::from(WHOLE);
        Self { numerator, size: (reduce(width), reduce(height)), exact: (exact(width), exact(height)) }
    }
}

fn decode_to(
    bytes: &[u8],
    probe: &Probe,
    plan: &Reduction,
    target: (u32, u32),
    exact: (f64, f64),
) -> Result<Pixels, Refused> {
    let (space, layout) = match probe.channels {
        1 => (ColorSpace::JCS_GRAYSCALE, Layout::Grey),
        4 => (ColorSpace::JCS_CMYK, Layout::Cmyk),
        _ => (ColorSpace::JCS_RGB, Layout::Rgb),
    };
    let mut decoder = Decompress::new_mem(bytes).map_err(Refused::damaged)?;
    decoder.scale(plan.numerator as u8);
    let mut decoder = decoder.to_colorspace(space).map_err(Refused::damaged)?;
    if (decoder.width(), decoder.height()) != (plan.size.0 as usize, plan.size.1 as usize) {
        return Err(Refused::damaged("another size than its header names"));
    }
    let mut shrinker = Shrinker::new(layout, plan.size, exact, target);
    let row_bytes = plan.size.0 as usize * layout.channels();
    let mut rows = vec![0; row_bytes * ROWS];
    let mut left = plan.size.1 as usize;
    while left > 0 {
        let count = left.min(ROWS);
        let rows = decoder.read_scanlines_into(&mut rows[..count * row_bytes]).map_err(Refused::damaged)?;
        if layout == Layout::Cmyk && probe.jpeg.has_adobe_marker {
            rows.iter_mut().for_each(|ink| *ink = 255 - *ink);
        }
        shrinker.push_rows(rows)?;
        left -= count;
    }
    shrinker.finish()
}
