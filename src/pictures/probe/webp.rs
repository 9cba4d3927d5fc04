//! Headers of WebP.

use super::{Found, JpegTraits, MetadataCount, Probe, check_profile_length, check_size};
use crate::pictures::containers::webp::{Chunk, Chunks, FLAG_ALPHA, read_canvas_size, read_frame_size};
use crate::pictures::exif::{Exif, parse_exif};
use crate::pictures::file_type::FileType;
use crate::pictures::limits::Limits;
use crate::pictures::refused::Refused;

/// Bytes of the head of an ANMF chunk, before the chunks inside.
const FRAME_HEAD: usize = 16;

/// What the chunks say.
#[derive(Default)]
struct Seen {
    canvas: Option<(u32, u32)>,
    has_alpha: bool,
    is_lossless: bool,
    frames: u32,
    exif: Exif,
    icc: Option<Vec<u8>>,
    /// The size of a still picture.
    still: Option<(u32, u32)>,
}

/// Reads all chunks.
pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Probe, Refused> {
    let mut metadata = MetadataCount::new(limits);
    let mut seen = Seen::default();
    for chunk in Chunks::of_file(bytes)? {
        read_chunk(&chunk?, &mut seen, &mut metadata, limits)?;
    }
    let (width, height) = match (seen.canvas, seen.still) {
        // The decoder takes memory by the inner size before it compares the two.
        (Some(canvas), Some(still)) if canvas != still => return Err(Refused::damaged("two sizes")),
        (Some(size), _) | (None, Some(size)) => size,
        (None, None) => return Err(Refused::damaged("no pixels")),
    };
    if seen.still.is_none() && seen.frames == 0 {
        return Err(Refused::damaged("no pixels"));
    }
    let channels = if seen.has_alpha { 4 } else { 3 };
    let decoder_bytes = u64::from(width) * u64::from(height) * count_pixel_bytes(&seen);
    let found = Found {
        file_type: FileType::Webp,
        width,
        height,
        exif: seen.exif,
        frames: seen.frames.max(1),
        icc: seen.icc,
        channels,
        decoder_bytes,
    };
    Ok(found.complete(seen.is_lossless, JpegTraits::default()))
}

/// Bytes that the decoder holds for a pixel: the whole picture and a copy of it on the way; with alpha that as well; of
/// an animation a canvas.
fn count_pixel_bytes(seen: &Seen) -> u64 {
    let still = if seen.has_alpha { 11 } else { 7 };
    still + if seen.frames > 0 { 4 } else { 0 }
}

fn read_chunk(
    chunk: &Chunk,
    seen: &mut Seen,
    metadata: &mut MetadataCount,
    limits: &Limits,
) -> Result<(), Refused> {
    match &chunk.kind {
        b"VP8X" => {
            let (width, height) = read_canvas_size(chunk.data).ok_or(Refused::Truncated)?;
            check_size(width, height, limits)?;
            seen.canvas = Some((width, height));
            seen.has_alpha |= chunk.data.first().is_some_and(|flags| flags & FLAG_ALPHA != 0);
        }
        b"VP8 " | b"VP8L" => seen.still = Some(read_still(chunk, seen, limits)?),
        b"ANMF" => {
            seen.frames += 1;
            check_frame(chunk, seen, limits)?;
        }
        b"EXIF" => {
            metadata.add(chunk.data)?;
            seen.exif = parse_exif(chunk.data);
        }
        b"ICCP" => {
            check_profile_length(chunk.data.len(), limits)?;
            seen.icc = Some(chunk.data.to_vec());
        }
        b"ALPH" | b"ANIM" => {}
        _ => metadata.add(chunk.data)?,
    }
    Ok(())
}

fn read_still(chunk: &Chunk, seen: &mut Seen, limits: &Limits) -> Result<(u32, u32), Refused> {
    let (width, height) = read_frame_size(chunk).ok_or(Refused::damaged("no frame header"))?;
    check_size(width, height, limits)?;
    if &chunk.kind == b"VP8L" {
        seen.is_lossless = true;
        // The bit after the sizes.
        seen.has_alpha |= chunk.data.get(4).is_some_and(|byte| byte & 0x10 != 0);
    }
    Ok((width, height))
}

/// Looks at the picture inside a frame of an animation. Its size must not exceed the canvas.
fn check_frame(frame: &Chunk, seen: &mut Seen, limits: &Limits) -> Result<(), Refused> {
    let canvas = seen.canvas.ok_or(Refused::damaged("a frame before its canvas"))?;
    for chunk in Chunks::of_bytes(frame.data.get(FRAME_HEAD..).ok_or(Refused::Truncated)?) {
        let chunk = chunk?;
        if matches!(&chunk.kind, b"VP8 " | b"VP8L") {
            let (width, height) = read_still(&chunk, seen, limits)?;
            if width > canvas.0 || height > canvas.1 {
                return Err(Refused::damaged("a frame beyond its canvas"));
            }
        }
    }
    Ok(())
}
