//! Headers of JPEG.

use super::{Found, JpegTraits, MetadataCount, Probe, check_profile_length, check_size};
use crate::pictures::bytes::be16;
use crate::pictures::containers::jpeg::{
    APP0, APP1, APP2, APP14, APP15, COM, EOI, ICC_PREFIX, SOF2, SOS, Segments, is_frame_header,
};
use crate::pictures::exif::{Exif, parse_exif};
use crate::pictures::file_type::FileType;
use crate::pictures::limits::{Limits, MAX_SCANS};
use crate::pictures::refused::Refused;

/// Size and components, from the frame header (T.81, B.2.2).
struct Frame {
    width: u32,
    height: u32,
    components: u8,
    /// The pixels of all components together, in pixels of the picture × 16.
    sampled: u64,
}

/// Reads all segments, up to and with EOI.
pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Probe, Refused> {
    let mut metadata = MetadataCount::new(limits);
    let mut traits = JpegTraits::default();
    let mut exif = None;
    let mut profile = ProfileParts::default();
    let mut frame = None;
    for segment in Segments::new(bytes)? {
        let segment = segment?;
        match segment.marker {
            marker if is_frame_header(marker) => {
                if frame.is_some() {
                    return Err(Refused::damaged("two frame headers"));
                }
                traits.is_progressive = marker == SOF2;
                frame = Some(read_frame(marker, segment.payload, limits)?);
            }
            SOS => count_scan(&mut traits, frame.is_some())?,
            APP1 if segment.payload.starts_with(b"Exif\0") => {
                metadata.add(segment.payload)?;
                exif = exif.or_else(|| Some(parse_exif(segment.payload)));
            }
            APP2 if segment.payload.starts_with(ICC_PREFIX) => profile.add(segment.payload, limits)?,
            APP14 if segment.payload.starts_with(b"Adobe") => traits.has_adobe_marker = true,
            APP0..=APP15 | COM => metadata.add(segment.payload)?,
            EOI => break,
            _ => {}
        }
    }
    let frame = frame.filter(|_| traits.scans > 0).ok_or(Refused::damaged("no pixels"))?;
    let profile = profile.join();
    Ok(complete(&frame, exif.unwrap_or_default(), profile, traits))
}

fn count_scan(traits: &mut JpegTraits, has_frame: bool) -> Result<(), Refused> {
    traits.scans += 1;
    if !has_frame {
        return Err(Refused::damaged("a scan before the frame header"));
    }
    if traits.scans > MAX_SCANS {
        return Err(Refused::TooManyScans { max: MAX_SCANS });
    }
    Ok(())
}

fn complete(frame: &Frame, exif: Exif, icc: Option<Vec<u8>>, traits: JpegTraits) -> Probe {
    // Several scans are kept as coefficients of two bytes until the last one; one scan is decoded row by row.
    let decoder_bytes = if traits.scans > 1 { frame.sampled / 8 } else { 0 };
    let found = Found {
        file_type: FileType::Jpeg,
        width: frame.width,
        height: frame.height,
        exif,
        frames: 1,
        icc,
        channels: u64::from(frame.components),
        decoder_bytes,
    };
    found.complete(false, traits)
}

fn read_frame(marker: u8, payload: &[u8], limits: &Limits) -> Result<Frame, Refused> {
    if marker > SOF2 {
        return Err(Refused::Unsupported(
            "this kind of JPEG (lossless or arithmetic): save it as a usual one",
        ));
    }
    let (precision, components) = match (payload.first(), payload.get(5)) {
        (Some(precision), Some(components)) => (*precision, *components),
        _ => return Err(Refused::Truncated),
    };
    if precision != 8 || !matches!(components, 1 | 3 | 4) {
        return Err(Refused::Unsupported("a JPEG must have 8 bits a channel, and 1, 3 or 4 channels"));
    }
    let side = |at| be16(payload, at).map(u32::from).ok_or(Refused::Truncated);
    let (height, width) = (side(1)?, side(3)?);
    check_size(width, height, limits)?;
    let sampled =
        count_samples(payload, width, height, components).ok_or(Refused::damaged("sampling factors"))?;
    Ok(Frame { width, height, components, sampled })
}

/// The pixels of all components, × 16.
fn count_samples(payload: &[u8], width: u32, height: u32, components: u8) -> Option<u64> {
    let factors =
        |i: usize| payload.get(6 + i * 3 + 1).map(|byte| (u64::from(byte >> 4), u64::from(byte & 15)));
    let factors: Vec<(u64, u64)> = (0..usize::from(components)).map(factors).collect::<Option<_>>()?;
    if factors.iter().any(|(x, y)| !(1..=4).contains(x) || !(1..=4).contains(y)) {
        return None;
    }
    let max_x = factors.iter().map(|(x, _)| *x).max()?;
    let max_y = factors.iter().map(|(_, y)| *y).max()?;
    // Sides are rounded up to whole units of up to 32 pixels.
    let area = (u64::from(width) + 8 * max_x) * (u64::from(height) + 8 * max_y);
    Some(factors.iter().map(|(x, y)| area * 16 * x * y / (max_x * max_y)).sum())
}

/// The parts of an ICC profile (ICC.1:2022, B.4).
#[derive(Default)]
struct ProfileParts<'a> {
    parts: Vec<(u8, &'a [u8])>,
    length: usize,
}

impl<'a> ProfileParts<'a> {
    fn add(&mut self, payload: &'a [u8], limits: &Limits) -> Result<(), Refused> {
        let Some([number, _, part @ ..]) = payload.get(ICC_PREFIX.len()..) else { return Ok(()) };
        self.length += part.len();
        self.parts.push((*number, part));
        check_profile_length(self.length.max(self.parts.len()), limits)
    }

    fn join(mut self) -> Option<Vec<u8>> {
        self.parts.sort_by_key(|(number, _)| *number);
        let profile: Vec<u8> = self.parts.into_iter().flat_map(|(_, part)| part.iter().copied()).collect();
        (!profile.is_empty()).then_some(profile)
    }
}
