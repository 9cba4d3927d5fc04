//! Headers of PNG and APNG.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::{Found, JpegTraits, MetadataCount, Probe, check_profile_length, check_size};
use crate::pictures::bytes::be32;
use crate::pictures::containers::png::{Chunk, Chunks};
use crate::pictures::exif::{Exif, parse_exif};
use crate::pictures::file_type::FileType;
use crate::pictures::limits::Limits;
use crate::pictures::refused::Refused;

/// Chunks that are neither metadata nor a profile.
const PICTURE_CHUNKS: &[&[u8; 4]] = &[b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL", b"fcTL", b"fdAT"];

/// The most bytes of a name before a profile, with its NUL and the byte of the method.
const MAX_PROFILE_NAME: usize = 81;

struct Header {
    width: u32,
    height: u32,
    channels: u64,
    is_interlaced: bool,
}

/// What the chunks after the header say.
#[derive(Default)]
struct Seen {
    exif: Exif,
    icc: Option<Vec<u8>>,
    has_pixels: bool,
    has_transparency: bool,
    /// As acTL names them.
    named_frames: u32,
    /// As fcTL chunks are there.
    counted_frames: u32,
}

/// Reads all chunks, up to and with IEND.
pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Probe, Refused> {
    let mut chunks = Chunks::new(bytes)?;
    let header = read_header(&chunks.next().ok_or(Refused::Truncated)??, limits)?;
    let mut metadata = MetadataCount::new(limits);
    let mut seen = Seen::default();
    for chunk in chunks {
        read_chunk(&chunk?, &mut seen, &mut metadata, limits)?;
    }
    if !seen.has_pixels {
        return Err(Refused::damaged("no pixels"));
    }
    let channels = header.channels.max(if seen.has_transparency { 4 } else { 1 });
    let decoder_bytes = if header.is_interlaced {
        u64::from(header.width) * u64::from(header.height) * channels
    } else {
        u64::from(header.width) * 64
    };
    let found = Found {
        file_type: FileType::Png,
        width: header.width,
        height: header.height,
        exif: seen.exif,
        frames: seen.named_frames.max(seen.counted_frames).max(1),
        icc: seen.icc,
        channels,
        decoder_bytes,
    };
    Ok(found.complete(true, JpegTraits::default()))
}

fn read_header(chunk: &Chunk, limits: &Limits) -> Result<Header, Refused> {
    let (Some(width), Some(height), b"IHDR", [.., colour_type, _, _, interlace]) =
        (be32(chunk.data, 0), be32(chunk.data, 4), &chunk.kind, chunk.data)
    else {
        return Err(Refused::damaged("no IHDR"));
    };
    check_size(width, height, limits)?;
    let channels = match colour_type {
        0 => 1,
        2 | 3 => 3,
        4 => 2,
        6 => 4,
        _ => return Err(Refused::damaged("colour type")),
    };
    Ok(Header { width, height, channels, is_interlaced: *interlace != 0 })
}

fn read_chunk(
    chunk: &Chunk,
    seen: &mut Seen,
    metadata: &mut MetadataCount,
    limits: &Limits,
) -> Result<(), Refused> {
    match &chunk.kind {
        b"IDAT" => seen.has_pixels = true,
        b"tRNS" => seen.has_transparency = true,
        b"acTL" => seen.named_frames = be32(chunk.data, 0).unwrap_or(0),
        b"fcTL" => seen.counted_frames += 1,
        b"iCCP" if seen.icc.is_none() => seen.icc = unpack_profile(chunk.data, limits)?,
        b"eXIf" => {
            metadata.add(chunk.data)?;
            seen.exif = parse_exif(chunk.data);
        }
        kind if PICTURE_CHUNKS.contains(&kind) => {}
        _ => metadata.add(chunk.data)?,
    }
    Ok(())
}

/// Unpacks a profile, up to the limit. A damaged one counts as none.
fn unpack_profile(data: &[u8], limits: &Limits) -> Result<Option<Vec<u8>>, Refused> {
    let name = data.iter().take(MAX_PROFILE_NAME).position(|byte| *byte == 0);
    let Some(packed) = name.and_then(|end| data.get(end + 2..)) else { return Ok(None) };
    let mut profile = Vec::new();
    let read =
        ZlibDecoder::new(packed).take(limits.max_icc_bytes.saturating_add(1)).read_to_end(&mut profile);
    check_profile_length(profile.len(), limits)?;
    Ok(read.ok().filter(|length| *length > 0).map(|_| profile))
}
