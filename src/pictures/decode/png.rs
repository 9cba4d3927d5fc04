//! PNG by `png`, row by row if it is not interlaced. Of an animation the picture that readers without APNG show.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, Limits, Reader, Transformations};

use crate::pictures::pixels::{Layout, Pixels};
use crate::pictures::probe::Probe;
use crate::pictures::refused::Refused;
use crate::pictures::shrinker::Shrinker;

/// Memory for rows and small chunks. Metadata and profiles are not read.
const MAX_BYTES: usize = 64 << 20;

/// Decodes and resizes to `target`. Palettes become RGB, 16 bits become 8.
pub fn decode_fitted(bytes: &[u8], probe: &Probe, target: (u32, u32)) -> Result<Pixels, Refused> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: MAX_BYTES });
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(Refused::damaged)?;
    let layout = match reader.output_color_type() {
        (ColorType::Grayscale, BitDepth::Eight) => Layout::Grey,
        (ColorType::GrayscaleAlpha, BitDepth::Eight) => Layout::GreyAlpha,
        (ColorType::Rgb, BitDepth::Eight) => Layout::Rgb,
        (ColorType::Rgba, BitDepth::Eight) => Layout::Rgba,
        _ => return Err(Refused::damaged("colour type")),
    };
    let size = (probe.facts.width, probe.facts.height);
    let exact = (f64::from(size.0), f64::from(size.1));
    let mut shrinker = Shrinker::new(layout, size, exact, target);
    if reader.info().interlaced {
        let mut whole = Pixels::empty(size.0, size.1, layout);
        reader.next_frame(&mut whole.data).map_err(to_refused)?;
        whole.data.chunks(whole.row_bytes() * 16).try_for_each(|rows| shrinker.push_rows(rows))?;
    } else {
        push_rows(&mut reader, &mut shrinker, size.0 as usize * layout.channels())?;
    }
    shrinker.finish()
}

fn push_rows(
    reader: &mut Reader<Cursor<&[u8]>>,
    shrinker: &mut Shrinker,
    row_bytes: usize,
) -> Result<(), Refused> {
    while let Some(row) = reader.next_row().map_err(to_refused)? {
        shrinker.push_rows(row.data().get(..row_bytes).ok_or(Refused::Truncated)?)?;
    }
    Ok(())
}

fn to_refused(error: png::DecodingError) -> Refused {
    Refused::damaged(error)
}
