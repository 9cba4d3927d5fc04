//! The segments of a JPEG (ITU-T T.81, annex B).

use std::ops::Range;

use memchr::memchr;

use crate::pictures::bytes::be16;
use crate::pictures::refused::Refused;

pub const SOF0: u8 = 0xC0;
pub const SOF2: u8 = 0xC2;
pub const DHT: u8 = 0xC4;
pub const JPG: u8 = 0xC8;
pub const DAC: u8 = 0xCC;
pub const EOI: u8 = 0xD9;
pub const SOS: u8 = 0xDA;
pub const DQT: u8 = 0xDB;
pub const DRI: u8 = 0xDD;
pub const APP0: u8 = 0xE0;
pub const APP1: u8 = 0xE1;
pub const APP2: u8 = 0xE2;
pub const APP14: u8 = 0xEE;
pub const APP15: u8 = 0xEF;
pub const COM: u8 = 0xFE;
/// The first bytes of an APP2 segment with a part of an ICC profile; the number of the part and their count follow.
pub const ICC_PREFIX: &[u8] = b"ICC_PROFILE\0";

/// A marker with what follows it.
pub struct Segment<'a> {
    /// The second byte of the marker.
    pub marker: u8,
    /// The payload, without marker and length.
    pub payload: &'a [u8],
    /// All bytes of the segment, with the marker, and for [`SOS`] with the coded pixels.
    pub whole: Range<usize>,
}

/// The segments of a JPEG, from after SOI up to and with the first EOI. What follows EOI is not read.
pub struct Segments<'a> {
    bytes: &'a [u8],
    at: usize,
    is_done: bool,
}

impl<'a> Segments<'a> {
    /// Fails if the bytes do not begin with SOI.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Refused> {
        if !bytes.starts_with(&[0xFF, 0xD8]) {
            return Err(Refused::UnknownType);
        }
        Ok(Self { bytes, at: 2, is_done: false })
    }

    /// Finds the next marker, at least at `from`, and skips bytes that are none.
    fn find_marker(&self, mut from: usize) -> Option<(usize, u8)> {
        loop {
            let at = from + memchr(0xFF, self.bytes.get(from..)?)?;
            match *self.bytes.get(at + 1)? {
                0xFF => from = at + 1,
                0x00 | 0x01 | 0xD0..=0xD8 => from = at + 2,
                marker => return Some((at, marker)),
            }
        }
    }

    fn read_segment(&mut self) -> Option<Segment<'a>> {
        let (start, marker) = self.find_marker(self.at)?;
        if marker == EOI {
            self.is_done = true;
            return Some(Segment { marker, payload: &[], whole: start..start + 2 });
        }
        let length = usize::from(be16(self.bytes, start + 2)?);
        let payload = self.bytes.get(start + 4..(start + 2).checked_add(length)?)?;
        let mut end = start + 2 + length;
        if marker == SOS {
            end = self.find_marker(end)?.0;
        }
        self.at = end;
        Some(Segment { marker, payload, whole: start..end })
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Result<Segment<'a>, Refused>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let segment = self.read_segment();
        self.is_done |= segment.is_none();
        Some(segment.ok_or(Refused::Truncated))
    }
}

/// Whether a marker begins a frame: width, height and components follow.
pub fn is_frame_header(marker: u8) -> bool {
    (SOF0..=0xCF).contains(&marker) && !matches!(marker, DHT | JPG | DAC)
}
