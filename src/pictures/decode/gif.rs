//! The first frame of a GIF, on its canvas.

use ::gif::{ColorOutput, DecodeOptions, Decoder, MemoryLimit};

use crate::pictures::pixels::{Layout, Pixels, count_bytes};
use crate::pictures::probe::Probe;
use crate::pictures::refused::Refused;
use crate::pictures::shrinker::Shrinker;

/// The first frame, and where it is on the canvas.
struct Frame {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    /// A byte a pixel: the index of its colour.
    indices: Vec<u8>,
    /// RGBA by index. Indices without a colour are transparent.
    colours: Vec<[u8; 4]>,
}

/// Decodes and resizes to `target`. The canvas around the frame is transparent.
pub fn decode_fitted(bytes: &[u8], probe: &Probe, target: (u32, u32)) -> Result<Pixels, Refused> {
    let frame = read_frame(bytes)?;
    let size = (probe.facts.width, probe.facts.height);
    let exact = (f64::from(size.0), f64::from(size.1));
    let mut shrinker = Shrinker::new(Layout::Rgba, size, exact, target);
    let mut row = vec![0; count_bytes(size.0, 1, Layout::Rgba)];
    for y in 0..size.1 as usize {
        draw_row(&frame, y, &mut row);
        shrinker.push_rows(&row)?;
    }
    shrinker.finish()
}

fn read_frame(bytes: &[u8]) -> Result<Frame, Refused> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    // The probe has held every frame against the limit of pixels.
    options.set_memory_limit(MemoryLimit::Unlimited);
    let mut decoder = options.read_info(bytes).map_err(Refused::damaged)?;
    let frame = decoder.next_frame_info().map_err(Refused::damaged)?.ok_or(Refused::Truncated)?;
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let (width, height) = (usize::from(frame.width), usize::from(frame.height));
    let colours = read_colours(&decoder)?;
    let mut indices = vec![0; width * height];
    decoder.read_into_buffer(&mut indices).map_err(Refused::damaged)?;
    Ok(Frame { left, top, width, height, indices, colours })
}

fn read_colours(decoder: &Decoder<&[u8]>) -> Result<Vec<[u8; 4]>, Refused> {
    let palette = decoder.palette().map_err(Refused::damaged)?;
    let mut colours = vec![[0; 4]; 256];
    for (colour, [r, g, b]) in colours.iter_mut().zip(palette.as_chunks::<3>().0) {
        *colour = [*r, *g, *b, 255];
    }
    let transparent = decoder.current_frame_info().and_then(|frame| frame.transparent);
    if let Some(index) = transparent {
        colours[usize::from(index)] = [0; 4];
    }
    Ok(colours)
}

/// Fills a row of the canvas.
fn draw_row(frame: &Frame, y: usize, row: &mut [u8]) {
    row.fill(0);
    let Some(line) = y.checked_sub(frame.top).filter(|line| *line < frame.height) else { return };
    let indices = &frame.indices[line * frame.width..(line + 1) * frame.width];
    let (pixels, _) = row.as_chunks_mut::<4>();
    for (pixel, index) in pixels.iter_mut().skip(frame.left).zip(indices) {
        *pixel = frame.colours[usize::from(*index)];
    }
}
