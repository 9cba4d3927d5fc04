//! The chunks of a PNG (W3C PNG, third edition).

use std::ops::Range;

use crate::pictures::bytes::{be32, read};
use crate::pictures::refused::Refused;

pub const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A chunk. Its checksum is not checked here.
pub struct Chunk<'a> {
    pub kind: [u8; 4],
    pub data: &'a [u8],
    /// All bytes of the chunk, with length and checksum.
    pub whole: Range<usize>,
}

/// The chunks of a PNG up to and with IEND. What follows IEND is not read.
pub struct Chunks<'a> {
    bytes: &'a [u8],
    at: usize,
    is_done: bool,
}

impl<'a> Chunks<'a> {
    /// Fails if the bytes do not begin with the signature of PNG.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Refused> {
        if !bytes.starts_with(SIGNATURE) {
            return Err(Refused::UnknownType);
        }
        Ok(Self { bytes, at: SIGNATURE.len(), is_done: false })
    }

    fn read_chunk(&mut self) -> Option<Chunk<'a>> {
        let length = be32(self.bytes, self.at)? as usize;
        let kind = read(self.bytes, self.at + 4)?;
        let end = self.at.checked_add(length)?.checked_add(12)?;
        let data = self.bytes.get(..end)?.get(self.at + 8..end - 4)?;
        let whole = self.at..end;
        self.at = end;
        self.is_done = &kind == b"IEND";
        Some(Chunk { kind, data, whole })
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<Chunk<'a>, Refused>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let chunk = self.read_chunk();
        self.is_done |= chunk.is_none();
        Some(chunk.ok_or(Refused::Truncated))
    }
}

/// Adds a chunk with its checksum to a PNG that is written.
pub fn write_chunk(png: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    png.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&kind);
    crc.update(data);
    png.extend(kind);
    png.extend(data);
    png.extend(crc.sum().to_be_bytes());
}
