//! How like a variant is to its photograph.

use std::io::Cursor;

use anyhow::{Context, ensure};
use fast_image_resize::images::Image;
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image_webp::WebPDecoder;
use mozjpeg::Decompress;

/// Pixels of a side of a window of SSIM.
const WINDOW: usize = 8;
/// Pixels between windows.
const STEP: usize = 4;
/// The constants of SSIM, for 255 levels.
const C1: f64 = 6.5025;
const C2: f64 = 58.5225;

/// The brightness of a picture, a byte a pixel.
pub struct Luma {
    pub width: usize,
    pub height: usize,
    data: Vec<u8>,
}

impl Luma {
    /// Decodes a JPEG or WebP.
    pub fn decode(bytes: &[u8]) -> anyhow::Result<Self> {
        if bytes.starts_with(b"RIFF") { Self::decode_webp(bytes) } else { Self::decode_jpeg(bytes) }
    }

    fn decode_jpeg(bytes: &[u8]) -> anyhow::Result<Self> {
        let mut decoder = Decompress::new_mem(bytes)?.grayscale()?;
        let (width, height) = (decoder.width(), decoder.height());
        let mut data = vec![0; width * height];
        decoder.read_scanlines_into(&mut data)?;
        Ok(Self { width, height, data })
    }

    fn decode_webp(bytes: &[u8]) -> anyhow::Result<Self> {
        let mut decoder = WebPDecoder::new(Cursor::new(bytes))?;
        ensure!(!decoder.has_alpha(), "a photograph has no alpha");
        let (width, height) = decoder.dimensions();
        let mut rgb = vec![0; decoder.output_buffer_size().context("its size")?];
        decoder.read_image(&mut rgb)?;
        let luma = |[r, g, b]: &[u8; 3]| {
            (0.299 * f64::from(*r) + 0.587 * f64::from(*g) + 0.114 * f64::from(*b)).round() as u8
        };
        let data = rgb.as_chunks::<3>().0.iter().map(luma).collect();
        Ok(Self { width: width as usize, height: height as usize, data })
    }

    /// The same picture in another size, by Lanczos3.
    pub fn resize(&self, width: usize, height: usize) -> anyhow::Result<Self> {
        let from =
            Image::from_vec_u8(self.width as u32, self.height as u32, self.data.clone(), PixelType::U8)?;
        let mut to = Image::new(width as u32, height as u32, PixelType::U8);
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
        Resizer::new().resize(&from, &mut to, &options)?;
        Ok(Self { width, height, data: to.into_vec() })
    }

    /// The mean structural similarity of two pictures of one size (Wang et al. 2004), over square windows without
    /// weights: 1 for the same picture.
    pub fn ssim(&self, other: &Self) -> anyhow::Result<f64> {
        ensure!((self.width, self.height) == (other.width, other.height), "other sizes");
        let (mut sum, mut windows) = (0.0, 0.0);
        for top in (0..=self.height - WINDOW).step_by(STEP) {
            for left in (0..=self.width - WINDOW).step_by(STEP) {
                sum += self.window_ssim(other, left, top);
                windows += 1.0;
            }
        }
        Ok(sum / windows)
    }

    fn window_ssim(&self, other: &Self, left: usize, top: usize) -> f64 {
        let [mut a, mut b, mut aa, mut bb, mut ab] = [0.0; 5];
        for y in top..top + WINDOW {
            let row = y * self.width + left..y * self.width + left + WINDOW;
            for (one, two) in self.data[row.clone()].iter().zip(&other.data[row]) {
                let (one, two) = (f64::from(*one), f64::from(*two));
                a += one;
                b += two;
                aa += one * one;
                bb += two * two;
                ab += one * two;
            }
        }
        let count = (WINDOW * WINDOW) as f64;
        let (a, b) = (a / count, b / count);
        let (variances, covariance) = (aa / count - a * a + bb / count - b * b, ab / count - a * b);
        (2.0 * a * b + C1) * (2.0 * covariance + C2) / ((a * a + b * b + C1) * (variances + C2))
    }
}
