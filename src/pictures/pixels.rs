//! Decoded pixels, eight bits a channel, rows without gaps.

use fast_image_resize::PixelType;

/// The channels of a pixel, in the order of its bytes. Alpha is not premultiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    Grey,
    GreyAlpha,
    Rgb,
    Rgba,
    /// Ink, 255 = full.
    Cmyk,
}

impl Layout {
    /// Bytes of a pixel.
    pub fn channels(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::GreyAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba | Self::Cmyk => 4,
        }
    }

    /// Whether the last channel is alpha.
    pub fn has_alpha(self) -> bool {
        matches!(self, Self::GreyAlpha | Self::Rgba)
    }

    pub fn pixel_type(self) -> PixelType {
        match self {
            Self::Grey => PixelType::U8,
            Self::GreyAlpha => PixelType::U8x2,
            Self::Rgb => PixelType::U8x3,
            Self::Rgba | Self::Cmyk => PixelType::U8x4,
        }
    }
}

/// A picture in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pixels {
    pub width: u32,
    pub height: u32,
    pub layout: Layout,
    pub data: Vec<u8>,
}

impl Pixels {
    /// A picture of zeros.
    pub fn empty(width: u32, height: u32, layout: Layout) -> Self {
        Self { width, height, layout, data: vec![0; count_bytes(width, height, layout)] }
    }

    /// The bytes of one row.
    pub fn row_bytes(&self) -> usize {
        self.width as usize * self.layout.channels()
    }

    /// Removes alpha if every pixel is opaque.
    pub fn drop_opaque_alpha(self) -> Self {
        if self.layout != Layout::Rgba || self.data.chunks_exact(4).any(|pixel| pixel[3] != 255) {
            return self;
        }
        let mut data = self.data;
        for i in 1..data.len() / 4 {
            data.copy_within(i * 4..i * 4 + 3, i * 3);
        }
        data.truncate(data.len() / 4 * 3);
        Self { layout: Layout::Rgb, data, ..self }
    }
}

/// The bytes of `width` × `height` pixels.
pub fn count_bytes(width: u32, height: u32, layout: Layout) -> usize {
    width as usize * height as usize * layout.channels()
}
