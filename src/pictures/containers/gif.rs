//! The blocks of a GIF (GIF89a specification).

use std::ops::Range;

use crate::pictures::bytes::{le16, read};
use crate::pictures::refused::Refused;

pub const GRAPHIC_CONTROL: u8 = 0xF9;
pub const APPLICATION: u8 = 0xFF;

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An image of `width` × `height`.
    Image { width: u16, height: u16 },
    /// An extension, with its label.
    Extension(u8),
    /// The end.
    Trailer,
}

/// A block with its sub-blocks.
pub struct Block {
    pub kind: Kind,
    pub whole: Range<usize>,
}

/// The blocks of a GIF. What follows the trailer is not read.
pub struct Blocks<'a> {
    bytes: &'a [u8],
    at: usize,
    is_done: bool,
    /// Where the first block begins: what is before it are header, screen and colours.
    pub header_end: usize,
    /// The size of the screen.
    pub size: (u16, u16),
}

impl<'a> Blocks<'a> {
    /// Fails if the bytes do not begin with a header of GIF.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Refused> {
        if !bytes.starts_with(b"GIF87a") && !bytes.starts_with(b"GIF89a") {
            return Err(Refused::UnknownType);
        }
        let screen: [u8; 7] = read(bytes, 6).ok_or(Refused::Truncated)?;
        let size = (u16::from_le_bytes([screen[0], screen[1]]), u16::from_le_bytes([screen[2], screen[3]]));
        let header_end = 13 + count_colour_bytes(screen[4]);
        Ok(Self { bytes, at: header_end, is_done: false, header_end, size })
    }

    fn read_block(&mut self) -> Option<Block> {
        let start = self.at;
        let (kind, sub_blocks) = match *self.bytes.get(start)? {
            0x21 => (Kind::Extension(*self.bytes.get(start + 1)?), start + 2),
            0x2C => {
                let kind =
                    Kind::Image { width: le16(self.bytes, start + 5)?, height: le16(self.bytes, start + 7)? };
                let flags = *self.bytes.get(start + 9)?;
                // One byte after the colours is the size of the codes.
                (kind, start + 10 + count_colour_bytes(flags) + 1)
            }
            0x3B => (Kind::Trailer, start + 1),
            _ => return None,
        };
        self.at = if kind == Kind::Trailer { sub_blocks } else { self.skip_sub_blocks(sub_blocks)? };
        self.is_done = kind == Kind::Trailer;
        Some(Block { kind, whole: start..self.at })
    }

    fn skip_sub_blocks(&self, mut at: usize) -> Option<usize> {
        loop {
            let length = usize::from(*self.bytes.get(at)?);
            at += 1 + length;
            if length == 0 {
                return Some(at);
            }
        }
    }
}

impl Iterator for Blocks<'_> {
    type Item = Result<Block, Refused>;

    fn next(&mut self) -> Option<Self::Item> {
        // Many encoders leave the trailer away: the end of the file after a whole block is the end as well.
        if self.is_done || self.at == self.bytes.len() {
            return None;
        }
        let block = self.read_block();
        self.is_done |= block.is_none();
        Some(block.ok_or(Refused::Truncated))
    }
}

/// The bytes of a table of colours, by the flags of the screen or of an image.
fn count_colour_bytes(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}
