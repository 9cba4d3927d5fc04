//! Sizes and cuts of variants.

use super::spec::{Crop, VariantSpec};

/// A part of a picture, in pixels, and the size that it gets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    pub region: Region,
    pub width: u32,
    pub height: u32,
}

/// A rectangle in a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Region {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Region {
    /// The whole of a picture.
    pub fn whole(width: f64, height: f64) -> Self {
        Self { left: 0.0, top: 0.0, width, height }
    }

    /// The same part of the picture after it was resized by `x` and `y`.
    pub fn scale(self, x: f64, y: f64) -> Self {
        Self { left: self.left * x, top: self.top * y, width: self.width * x, height: self.height * y }
    }

    fn round(self) -> Self {
        let width = self.width.round().max(1.0);
        let height = self.height.round().max(1.0);
        Self { left: self.left.round(), top: self.top.round(), width, height }
    }
}

/// The size of a picture whose longer side is at most `max_side`. Never enlarged, no side below 1.
pub fn fit_inside(width: u32, height: u32, max_side: u32) -> (u32, u32) {
    let longer = width.max(height);
    if longer <= max_side {
        return (width, height);
    }
    let scale = f64::from(max_side) / f64::from(longer);
    (scale_side(width, scale), scale_side(height, scale))
}

/// What a variant of a picture of `width` × `height` shows, and how large it is.
pub fn plan(width: u32, height: u32, spec: &VariantSpec) -> Plan {
    let region = cut(f64::from(width), f64::from(height), spec.crop);
    let limit = |max: Option<u32>, side: f64| max.map_or(1.0, |max| f64::from(max.max(1)) / side);
    let scale = limit(spec.width, region.width).min(limit(spec.height, region.height)).min(1.0);
    if scale >= 1.0 {
        let region = clamp(region.round(), f64::from(width), f64::from(height));
        return Plan { region, width: region.width as u32, height: region.height as u32 };
    }
    let side = |length: f64| ((length * scale).round() as u32).max(1);
    Plan { region, width: side(region.width), height: side(region.height) }
}

fn cut(width: f64, height: f64, crop: Option<Crop>) -> Region {
    match crop {
        None => Region::whole(width, height),
        Some(Crop::Rect { left, top, width: share_x, height: share_y }) => {
            let (left, top) = (unit(left) * width, unit(top) * height);
            let region = Region { left, top, width: unit(share_x) * width, height: unit(share_y) * height };
            clamp(region, width, height)
        }
        Some(Crop::Focus { x, y, ratio_width, ratio_height }) => {
            let ratio = f64::from(ratio_width.max(1)) / f64::from(ratio_height.max(1));
            let (cut_width, cut_height) =
                if width > height * ratio { (height * ratio, height) } else { (width, width / ratio) };
            let left = unit(x) * width - cut_width / 2.0;
            let top = unit(y) * height - cut_height / 2.0;
            clamp(Region { left, top, width: cut_width, height: cut_height }, width, height)
        }
    }
}

/// Moves a region into the picture, and makes it at least one pixel and at most the picture.
fn clamp(region: Region, width: f64, height: f64) -> Region {
    let cut_width = region.width.clamp(1.0, width);
    let cut_height = region.height.clamp(1.0, height);
    Region {
        left: region.left.clamp(0.0, width - cut_width),
        top: region.top.clamp(0.0, height - cut_height),
        width: cut_width,
        height: cut_height,
    }
}

fn unit(value: f64) -> f64 {
    if value.is_nan() { 0.5 } else { value.clamp(0.0, 1.0) }
}

fn scale_side(side: u32, scale: f64) -> u32 {
    ((f64::from(side) * scale).round() as u32).max(1)
}
