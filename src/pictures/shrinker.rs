//! Resizing, of pictures in memory and of rows as a decoder gives them.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use super::geometry::Region;
use super::pixels::{Layout, Pixels, count_bytes};
use super::refused::Refused;

/// Half of the width of Lanczos3, in pixels of the result.
const SUPPORT: f64 = 3.0;
/// Bytes of source rows that are collected before they are resized.
const BAND_BYTES: usize = 4 << 20;
/// Source rows that are collected.
const BAND_ROWS: std::ops::RangeInclusive<usize> = 16..=512;

/// Resizes a part of a picture. Alpha is premultiplied for it.
pub fn resize(source: &Pixels, region: Region, width: u32, height: u32) -> Result<Pixels, Refused> {
    let mut resized = Pixels::empty(width, height, source.layout);
    let from = (source.width, source.height, source.data.as_slice());
    let to = (width, height, resized.data.as_mut_slice());
    resize_bytes(&mut Resizer::new(), source.layout, from, region, to)?;
    Ok(resized)
}

/// Resizes `region` of the rows in `from` (width, height, bytes) to fill `to`. Pixels around the region count as well.
fn resize_bytes(
    resizer: &mut Resizer,
    layout: Layout,
    (from_width, from_height, from): (u32, u32, &[u8]),
    region: Region,
    (width, height, to): (u32, u32, &mut [u8]),
) -> Result<(), Refused> {
    let kind = layout.pixel_type();
    let from = ImageRef::new(from_width, from_height, from, kind).map_err(Refused::damaged)?;
    let mut to = Image::from_slice_u8(width, height, to, kind).map_err(Refused::damaged)?;
    // Rounding must not push the region over the edge.
    let region_width = region.width.min(f64::from(from_width) - region.left);
    let region_height = region.height.min(f64::from(from_height) - region.top);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .crop(region.left, region.top, region_width, region_height)
        .use_alpha(layout.has_alpha());
    resizer.resize(&from, &mut to, &options).map_err(Refused::damaged)
}

/// Resizes rows as they come, so that a decoder never holds the whole picture.
pub struct Shrinker {
    layout: Layout,
    /// Source rows as they are stored, and the part of the last column and row that counts.
    source: (u32, u32),
    exact: (f64, f64),
    target: Pixels,
    /// Rows of the target that are there.
    done: u32,
    band: u32,
    rows: Vec<u8>,
    /// The source row that `rows` begins with.
    first_row: usize,
    resizer: Resizer,
}

impl Shrinker {
    /// For `source` columns and rows, of which `exact` count, to be resized to `target`.
    ///
    /// A decoder that reduces by n/8 rounds its size up: `exact` is what it would be without.
    pub fn new(layout: Layout, source: (u32, u32), exact: (f64, f64), target: (u32, u32)) -> Self {
        let scale = exact.1 / f64::from(target.1);
        let rows = BAND_BYTES / count_bytes(source.0, 1, layout).max(1);
        let band = (rows.clamp(*BAND_ROWS.start(), *BAND_ROWS.end()) as f64 / scale).max(4.0) as u32;
        let target = Pixels::empty(target.0, target.1, layout);
        let (rows, resizer) = (Vec::new(), Resizer::new());
        Self { layout, source, exact, target, done: 0, band, rows, first_row: 0, resizer }
    }

    /// Adds whole rows. What is beyond the last row is ignored.
    pub fn push_rows(&mut self, rows: &[u8]) -> Result<(), Refused> {
        if self.is_copy() {
            let from = self.first_row * self.row_bytes();
            let length = rows.len().min(self.target.data.len() - from);
            self.target.data[from..from + length].copy_from_slice(&rows[..length]);
            self.first_row += length / self.row_bytes();
            return Ok(());
        }
        self.rows.extend_from_slice(rows);
        while self.done < self.target.height && self.has_rows_for_band() {
            self.resize_band()?;
        }
        Ok(())
    }

    /// The resized picture. Fails if rows are missing.
    pub fn finish(self) -> Result<Pixels, Refused> {
        let is_complete = if self.is_copy() {
            self.first_row == self.source.1 as usize
        } else {
            self.done == self.target.height
        };
        if is_complete { Ok(self.target) } else { Err(Refused::Truncated) }
    }

    fn is_copy(&self) -> bool {
        self.source == (self.target.width, self.target.height)
            && self.exact == (f64::from(self.source.0), f64::from(self.source.1))
    }

    fn row_bytes(&self) -> usize {
        count_bytes(self.source.0, 1, self.layout)
    }

    fn scale(&self) -> f64 {
        self.exact.1 / f64::from(self.target.height)
    }

    fn band_end(&self) -> u32 {
        self.target.height.min(self.done + self.band)
    }

    /// The source row after the last one that the target rows up to `end` need.
    fn needed_end(&self, end: u32) -> usize {
        let last = (f64::from(end) + SUPPORT) * self.scale();
        (last.ceil() as usize + 1).min(self.source.1 as usize)
    }

    fn has_rows_for_band(&self) -> bool {
        self.first_row + self.rows.len() / self.row_bytes() >= self.needed_end(self.band_end())
    }

    fn resize_band(&mut self) -> Result<(), Refused> {
        let (start, end, scale) = (self.done, self.band_end(), self.scale());
        let rows = self.needed_end(end) - self.first_row;
        let bytes = rows * self.row_bytes();
        let region = Region {
            left: 0.0,
            top: f64::from(start) * scale - self.first_row as f64,
            width: self.exact.0,
            height: f64::from(end - start) * scale,
        };
        let row_bytes = self.target.row_bytes();
        let to = &mut self.target.data[start as usize * row_bytes..end as usize * row_bytes];
        let from = (self.source.0, rows as u32, &self.rows[..bytes]);
        resize_bytes(&mut self.resizer, self.layout, from, region, (self.target.width, end - start, to))?;
        self.done = end;
        self.drop_rows();
        Ok(())
    }

    /// Drops the rows that no later target row needs.
    fn drop_rows(&mut self) {
        let needed = ((f64::from(self.done) - SUPPORT) * self.scale()).floor() - 1.0;
        let count = (needed.max(0.0) as usize).saturating_sub(self.first_row);
        let bytes = (count * self.row_bytes()).min(self.rows.len());
        self.rows.drain(..bytes);
        self.first_row += count;
    }
}
