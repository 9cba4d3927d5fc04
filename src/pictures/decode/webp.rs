//! WebP by `image-webp`. Of an animation the first frame.

use std::io::Cursor;

use image_webp::WebPDecoder;

use crate::pictures::pixels::{Layout, Pixels};
use crate::pictures::probe::Probe;
use crate::pictures::refused::Refused;
use crate::pictures::shrinker::Shrinker;

/// Decodes and resizes to `target`.
pub fn decode_fitted(bytes: &[u8], probe: &Probe, target: (u32, u32)) -> Result<Pixels, Refused> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(Refused::damaged)?;
    let size = (probe.facts.width, probe.facts.height);
    if decoder.dimensions() != size {
        return Err(Refused::damaged("another size than its header names"));
    }
    let layout = if decoder.has_alpha() { Layout::Rgba } else { Layout::Rgb };
    let mut whole = Pixels::empty(size.0, size.1, layout);
    decoder.read_image(&mut whole.data).map_err(Refused::damaged)?;
    if size == target {
        return Ok(whole);
    }
    let exact = (f64::from(size.0), f64::from(size.1));
    let mut shrinker = Shrinker::new(layout, size, exact, target);
    whole.data.chunks(whole.row_bytes() * 16).try_for_each(|rows| shrinker.push_rows(rows))?;
    shrinker.finish()
}
