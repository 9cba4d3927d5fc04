//! The few facts that are read from EXIF: orientation, and when a photograph was taken.

use chrono::{DateTime, FixedOffset, NaiveDateTime};

use super::bytes::{be16, be32, le16, le32};
use super::facts::TakenAt;
use super::orientation::Orientation;

const ORIENTATION: u16 = 0x0112;
const EXIF_IFD: u16 = 0x8769;
const DATE_TIME_ORIGINAL: u16 = 0x9003;
const OFFSET_TIME_ORIGINAL: u16 = 0x9011;
const TYPE_ASCII: u16 = 2;
const TYPE_SHORT: u16 = 3;
const TYPE_LONG: u16 = 4;
/// Entries of a directory that are read.
const MAX_ENTRIES: u16 = 1_000;

/// What EXIF says. What is damaged or out of range is left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exif {
    pub orientation: Option<Orientation>,
    pub taken_at: Option<TakenAt>,
}

/// Reads EXIF: a TIFF header and its directories, with or without the `Exif` prefix of JPEG.
pub fn parse_exif(bytes: &[u8]) -> Exif {
    let tiff = bytes.strip_prefix(b"Exif\0\0").unwrap_or(bytes);
    let is_big_endian = match tiff.get(..4) {
        Some(b"MM\0*") => true,
        Some(b"II*\0") => false,
        _ => return Exif::default(),
    };
    let reader = Reader { tiff, is_big_endian };
    let Some(main) = reader.u32(4) else { return Exif::default() };
    let orientation = reader.find(main, ORIENTATION).and_then(|entry| reader.short(entry));
    let taken_at = reader.find(main, EXIF_IFD).and_then(|entry| reader.long(entry));
    Exif {
        orientation: orientation.and_then(Orientation::from_exif),
        taken_at: taken_at.and_then(|directory| reader.taken_at(directory)),
    }
}

/// EXIF with an orientation and nothing else, as a TIFF file.
pub fn write_orientation(orientation: Orientation) -> Vec<u8> {
    let mut tiff = b"MM\0*\0\0\0\x08\0\x01".to_vec();
    tiff.extend(ORIENTATION.to_be_bytes());
    tiff.extend(TYPE_SHORT.to_be_bytes());
    tiff.extend([0, 0, 0, 1, 0, orientation.exif_value(), 0, 0, 0, 0, 0, 0]);
    tiff
}

struct Reader<'a> {
    tiff: &'a [u8],
    is_big_endian: bool,
}

impl Reader<'_> {
    fn u16(&self, at: usize) -> Option<u16> {
        if self.is_big_endian { be16(self.tiff, at) } else { le16(self.tiff, at) }
    }

    fn u32(&self, at: usize) -> Option<usize> {
        let value = if self.is_big_endian { be32(self.tiff, at) } else { le32(self.tiff, at) };
        value.map(|value| value as usize)
    }

    /// Where the entry of `tag` is in the directory at `directory`.
    fn find(&self, directory: usize, tag: u16) -> Option<usize> {
        let count = self.u16(directory)?.min(MAX_ENTRIES);
        let mut entries = (0..usize::from(count)).map(|i| directory + 2 + i * 12);
        entries.find(|entry| self.u16(*entry) == Some(tag))
    }

    fn short(&self, entry: usize) -> Option<u16> {
        (self.u16(entry + 2)? == TYPE_SHORT).then(|| self.u16(entry + 8))?
    }

    fn long(&self, entry: usize) -> Option<usize> {
        (self.u16(entry + 2)? == TYPE_LONG).then(|| self.u32(entry + 8))?
    }

    /// A text of at most 64 bytes, up to its NUL.
    fn ascii(&self, directory: usize, tag: u16) -> Option<&str> {
        let entry = self.find(directory, tag)?;
        let count = self.u32(entry + 4)?;
        if self.u16(entry + 2)? != TYPE_ASCII || count > 64 {
            return None;
        }
        let start = if count <= 4 { entry + 8 } else { self.u32(entry + 8)? };
        let text = self.tiff.get(start..start.checked_add(count)?)?;
        let text = text.split(|byte| *byte == 0).next()?;
        std::str::from_utf8(text).ok().map(str::trim)
    }

    fn taken_at(&self, directory: usize) -> Option<TakenAt> {
        let text = self.ascii(directory, DATE_TIME_ORIGINAL)?;
        let local = NaiveDateTime::parse_from_str(text, "%Y:%m:%d %H:%M:%S").ok()?;
        let offset = self.ascii(directory, OFFSET_TIME_ORIGINAL).and_then(parse_offset);
        Some(TakenAt { local, offset })
    }
}

/// An offset as EXIF has it, `+02:00`.
fn parse_offset(text: &str) -> Option<FixedOffset> {
    let whole = format!("1970-01-02 00:00:00 {text}");
    DateTime::parse_from_str(&whole, "%Y-%m-%d %H:%M:%S %:z").ok().map(|time| *time.offset())
}
