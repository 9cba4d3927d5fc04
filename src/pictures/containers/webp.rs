//! The chunks of a WebP (RFC 9649).

use crate::pictures::bytes::{le16, le24, le32, read};
use crate::pictures::refused::Refused;

/// Bits of the first byte of VP8X.
pub const FLAG_XMP: u8 = 0x04;
pub const FLAG_EXIF: u8 = 0x08;
pub const FLAG_ALPHA: u8 = 0x10;

/// A chunk of RIFF.
pub struct Chunk<'a> {
    pub kind: [u8; 4],
    pub data: &'a [u8],
}

/// Chunks one after the other.
pub struct Chunks<'a> {
    bytes: &'a [u8],
}

impl<'a> Chunks<'a> {
    /// The chunks of a file. What follows the length of RIFF is not read.
    pub fn of_file(bytes: &'a [u8]) -> Result<Self, Refused> {
        if !bytes.starts_with(b"RIFF") || bytes.get(8..12) != Some(b"WEBP") {
            return Err(Refused::UnknownType);
        }
        let length = le32(bytes, 4).ok_or(Refused::Truncated)? as usize;
        let inside = bytes.get(12..length.checked_add(8).ok_or(Refused::Truncated)?);
        inside.map(Self::of_bytes).ok_or(Refused::Truncated)
    }

    /// The chunks inside another chunk.
    pub fn of_bytes(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<Chunk<'a>, Refused>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.bytes.is_empty() {
            return None;
        }
        let kind = read(self.bytes, 0);
        let length = le32(self.bytes, 4).map(|length| length as usize);
        let found = kind.zip(length).and_then(|(kind, length)| {
            let data = self.bytes.get(8..length.checked_add(8)?)?;
            // Chunks begin at even offsets; the padding of the last one may be missing.
            self.bytes = self.bytes.get(8 + length + length % 2..).unwrap_or_default();
            Some(Chunk { kind, data })
        });
        if found.is_none() {
            self.bytes = &[];
        }
        Some(found.ok_or(Refused::Truncated))
    }
}

/// Adds a chunk with its padding to a WebP that is written.
pub fn write_chunk(webp: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    webp.extend(kind);
    webp.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes());
    webp.extend(data);
    webp.extend(&[0][..data.len() % 2]);
}

/// Width and height of a `VP8 ` (RFC 6386, 9.1) or `VP8L` chunk. `None` if it is none or damaged.
pub fn read_frame_size(chunk: &Chunk) -> Option<(u32, u32)> {
    match &chunk.kind {
        b"VP8 " if read(chunk.data, 3) == Some([0x9D, 0x01, 0x2A]) => {
            let side = |at| le16(chunk.data, at).map(|side| u32::from(side & 0x3FFF));
            Some((side(6)?, side(8)?))
        }
        b"VP8L" if chunk.data.first() == Some(&0x2F) => {
            let bits = le32(chunk.data, 1)?;
            Some(((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1))
        }
        _ => None,
    }
}

/// Width and height of the canvas that a VP8X chunk names.
pub fn read_canvas_size(data: &[u8]) -> Option<(u32, u32)> {
    Some((le24(data, 4)? + 1, le24(data, 7)? + 1))
}
