//! Removes metadata without touching a pixel, for pictures that are served as they are.

use super::containers::gif::{APPLICATION, Blocks, GRAPHIC_CONTROL, Kind};
use super::containers::jpeg::{
    APP0, APP1, APP2, APP14, DHT, DQT, DRI, EOI, ICC_PREFIX, SOF0, SOF2, SOS, Segment, Segments,
};
use super::containers::webp::{Chunks as WebpChunks, FLAG_EXIF, FLAG_XMP, write_chunk as write_webp_chunk};
use super::containers::{png, webp};
use super::exif::{parse_exif, write_orientation};
use super::file_type::FileType;
use super::orientation::Orientation;
use super::refused::{Refused, guard};
use super::sniff::sniff;

/// Chunks of a PNG that are kept: pixels, colours, animation.
const PNG_KEPT: &[&[u8; 4]] = &[
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL", b"fcTL", b"fdAT", b"cHRM", b"gAMA", b"iCCP",
    b"sBIT", b"sRGB", b"cICP", b"mDCV", b"cLLI",
];
const WEBP_KEPT: &[&[u8; 4]] = &[b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"];
/// JFIF 1.02 without density and thumbnail.
const JFIF: &[u8] = b"\xFF\xE0\0\x10JFIF\0\x01\x02\0\0\x01\0\x01\0\0";
/// Application extensions of a GIF that are kept: both say how often the animation is shown.
const GIF_LOOPS: &[&[u8]] = &[b"\x0BNETSCAPE2.0\x03\x01", b"\x0BANIMEXTS1.0\x03\x01"];
/// Bytes of an extension with delay and transparency.
const GIF_CONTROL_BYTES: usize = 8;
/// Bytes of an extension with a loop.
const GIF_LOOP_BYTES: usize = 19;

/// Removes metadata from a JPEG, PNG, WebP or GIF, and what follows the end of the picture.
///
/// Pixels, colour profile, animation and orientation stay (the orientation as an EXIF entry of its own). The file is
/// not decoded: use [`super::inspect::inspect`] and [`super::master::make_master`] before to know that it is a picture.
pub fn strip(bytes: &[u8]) -> Result<Vec<u8>, Refused> {
    guard(|| match sniff(&bytes[..bytes.len().min(4096)]) {
        Some(FileType::Jpeg) => strip_jpeg(bytes),
        Some(FileType::Png) => strip_png(bytes),
        Some(FileType::Webp) => strip_webp(bytes),
        Some(FileType::Gif) => strip_gif(bytes),
        _ => Err(Refused::UnknownType),
    })
}

fn strip_jpeg(bytes: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut stripped = vec![0xFF, 0xD8];
    let mut is_turned = false;
    for segment in Segments::new(bytes)? {
        let segment = segment?;
        match segment.marker {
            APP0 if segment.payload.starts_with(b"JFIF\0") => stripped.extend(JFIF),
            APP1 if segment.payload.starts_with(b"Exif\0") && !is_turned => {
                is_turned = add_jpeg_orientation(&mut stripped, segment.payload);
            }
            APP2 if segment.payload.starts_with(ICC_PREFIX) => stripped.extend(&bytes[segment.whole]),
            APP14 if segment.payload.starts_with(b"Adobe") => add_adobe(&mut stripped, &segment),
            EOI => stripped.extend([0xFF, EOI]),
            SOF0..=SOF2 | DHT | DQT | DRI | SOS => stripped.extend(&bytes[segment.whole]),
            _ => {}
        }
    }
    Ok(stripped)
}

/// Adds the orientation of an EXIF segment, if it says that the picture is to be turned.
fn add_jpeg_orientation(stripped: &mut Vec<u8>, exif: &[u8]) -> bool {
    let Some(tiff) = turned(exif) else { return false };
    stripped.extend([0xFF, APP1, 0, (8 + tiff.len()) as u8]);
    stripped.extend(b"Exif\0\0");
    stripped.extend(tiff);
    true
}

/// EXIF with no more than the orientation, if that is another than upright.
fn turned(exif: &[u8]) -> Option<Vec<u8>> {
    parse_exif(exif).orientation.filter(|found| *found != Orientation::UPRIGHT).map(write_orientation)
}

/// Adds the 12 bytes that Adobe's segment has; the last one is the transform of the colours.
fn add_adobe(stripped: &mut Vec<u8>, segment: &Segment) {
    if let Some(known) = segment.payload.get(..12) {
        stripped.extend([0xFF, APP14, 0, 14]);
        stripped.extend(known);
    }
}

fn strip_png(bytes: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut stripped = png::SIGNATURE.to_vec();
    for chunk in png::Chunks::new(bytes)? {
        let chunk = chunk?;
        if PNG_KEPT.contains(&&chunk.kind) {
            stripped.extend(&bytes[chunk.whole]);
        } else if let Some(tiff) = (&chunk.kind == b"eXIf").then(|| turned(chunk.data)).flatten() {
            png::write_chunk(&mut stripped, *b"eXIf", &tiff);
        }
    }
    Ok(stripped)
}

fn strip_webp(bytes: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut stripped = b"RIFF\0\0\0\0WEBP".to_vec();
    let mut orientation = None;
    for chunk in WebpChunks::of_file(bytes)? {
        let chunk = chunk?;
        match &chunk.kind {
            b"EXIF" => orientation = orientation.or_else(|| turned(chunk.data)),
            b"ANMF" => add_webp_frame(&mut stripped, &chunk)?,
            kind if WEBP_KEPT.contains(&kind) => write_webp_chunk(&mut stripped, chunk.kind, chunk.data),
            _ => {}
        }
    }
    if let Some(tiff) = &orientation {
        write_webp_chunk(&mut stripped, *b"EXIF", tiff);
    }
    let is_extended = stripped.get(12..16) == Some(b"VP8X");
    if let Some(flags) = stripped.get_mut(20).filter(|_| is_extended) {
        *flags &= !(FLAG_EXIF | FLAG_XMP);
        *flags |= if orientation.is_some() { FLAG_EXIF } else { 0 };
    }
    let length = u32::try_from(stripped.len() - 8).map_err(|_| Refused::damaged("too long"))?;
    stripped[4..8].copy_from_slice(&length.to_le_bytes());
    Ok(stripped)
}

/// Adds a frame without unknown chunks inside it.
fn add_webp_frame(stripped: &mut Vec<u8>, frame: &webp::Chunk) -> Result<(), Refused> {
    let (head, inside) = frame.data.split_at_checked(16).ok_or(Refused::Truncated)?;
    let mut kept = head.to_vec();
    for chunk in WebpChunks::of_bytes(inside) {
        let chunk = chunk?;
        if matches!(&chunk.kind, b"ALPH" | b"VP8 " | b"VP8L") {
            write_webp_chunk(&mut kept, chunk.kind, chunk.data);
        }
    }
    write_webp_chunk(stripped, *b"ANMF", &kept);
    Ok(())
}

fn strip_gif(bytes: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut blocks = Blocks::new(bytes)?;
    let mut stripped = bytes.get(..blocks.header_end).ok_or(Refused::Truncated)?.to_vec();
    for block in &mut blocks {
        let block = block?;
        let whole = &bytes[block.whole];
        match block.kind {
            Kind::Image { .. } => stripped.extend(whole),
            Kind::Extension(GRAPHIC_CONTROL) if whole.len() == GIF_CONTROL_BYTES => stripped.extend(whole),
            Kind::Extension(APPLICATION) if is_gif_loop(whole) => stripped.extend(whole),
            Kind::Extension(_) | Kind::Trailer => {}
        }
    }
    stripped.push(0x3B);
    Ok(stripped)
}

fn is_gif_loop(extension: &[u8]) -> bool {
    extension.len() == GIF_LOOP_BYTES && GIF_LOOPS.iter().any(|start| extension[2..].starts_with(start))
}
