//! The eight orientations of EXIF.

use super::pixels::Pixels;

/// How stored pixels are turned to be seen: the values 1 to 8 of EXIF tag 0x0112 (CIPA DC-008, 4.6.5.1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Orientation(u8);

impl Orientation {
    /// Stored as seen.
    pub const UPRIGHT: Self = Self(1);

    /// `None` if the value is not 1 to 8.
    pub fn from_exif(value: u16) -> Option<Self> {
        u8::try_from(value).ok().filter(|value| (1..=8).contains(value)).map(Self)
    }

    /// The value of the EXIF tag, 1 to 8.
    pub fn exif_value(self) -> u8 {
        self.0
    }

    /// Whether width and height change places.
    pub fn swaps_sides(self) -> bool {
        self.0 >= 5
    }

    /// The size as seen of a picture that is stored with `width` and `height`.
    pub fn apply_to_size(self, width: u32, height: u32) -> (u32, u32) {
        if self.swaps_sides() { (height, width) } else { (width, height) }
    }

    /// Turns stored pixels upright. Needs a second picture of memory if there is something to turn.
    pub fn apply(self, pixels: Pixels) -> Pixels {
        if self == Self::UPRIGHT {
            return pixels;
        }
        match pixels.layout.channels() {
            1 => self.turn::<1>(&pixels),
            2 => self.turn::<2>(&pixels),
            3 => self.turn::<3>(&pixels),
            _ => self.turn::<4>(&pixels),
        }
    }

    fn turn<const N: usize>(self, pixels: &Pixels) -> Pixels {
        let (width, height) = self.apply_to_size(pixels.width, pixels.height);
        let mut turned = Pixels::empty(width, height, pixels.layout);
        let (from, _) = pixels.data.as_chunks::<N>();
        let (to, _) = turned.data.as_chunks_mut::<N>();
        let (width, height) = (width as usize, height as usize);
        // Tiles keep both pictures in the cache where rows become columns.
        for top in (0..height).step_by(TILE) {
            for left in (0..width).step_by(TILE) {
                for y in top..height.min(top + TILE) {
                    for x in left..width.min(left + TILE) {
                        to[y * width + x] = from[self.stored_index(x, y, width, height)];
                    }
                }
            }
        }
        turned
    }

    /// Where the pixel that is seen at `x`, `y` of `width` × `height` is stored.
    fn stored_index(self, x: usize, y: usize, width: usize, height: usize) -> usize {
        let (right, below) = (width - 1 - x, height - 1 - y);
        match self.0 {
            2 => y * width + right,
            3 => below * width + right,
            4 => below * width + x,
            5 => x * height + y,
            6 => right * height + y,
            7 => right * height + below,
            8 => x * height + below,
            _ => y * width + x,
        }
    }
}

/// Pixels of a side of a tile.
const TILE: usize = 32;
