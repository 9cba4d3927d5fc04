//! Presets: the sizes in which pictures are to be had.

use std::fmt;
use std::str::FromStr;

/// The longest side that a preset can have, in pixels: that of a master.
pub const MAX_SIDE: u32 = 2560;
/// The most presets.
pub const MAX_PRESETS: usize = 32;
/// The presets of a server that has set none.
pub const DEFAULT_PRESETS: &str =
    "w160=160,w320=320,w640=640,w960=960,w1280=1280,w1920=1920,square=320x320,card=1200x630";
/// The name in addresses of files that are served as they are.
pub const FILE: &str = "file";

/// A size in which pictures are to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Size {
    /// At most so wide, uncropped.
    Width(u32),
    /// Cropped about the focal point to this ratio, at most so large.
    Crop(u32, u32),
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Width(width) => write!(f, "{width}"),
            Self::Crop(width, height) => write!(f, "{width}x{height}"),
        }
    }
}

impl FromStr for Size {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let side = |text: &str| {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
            text.parse().ok().filter(|side| is_plain && (1..=MAX_SIDE).contains(side)).ok_or(())
        };
        match text.split_once('x') {
            None => Ok(Self::Width(side(text)?)),
            Some((width, height)) => Ok(Self::Crop(side(width)?, side(height)?)),
        }
    }
}

impl Size {
    /// The size of what is made from a picture of `width` by `height` pixels: never larger than that.
    pub fn fit(self, width: u32, height: u32) -> (u32, u32) {
        let (width, height) = (u64::from(width.max(1)), u64::from(height.max(1)));
        let to_side = |side: u64| u32::try_from(side).unwrap_or(MAX_SIDE).max(1);
        match self {
            Self::Width(most) => {
                let made = u64::from(most).min(width);
                (to_side(made), to_side((height * made + width / 2) / width))
            }
            Self::Crop(wide, high) => {
                let (wide, high) = (u64::from(wide), u64::from(high));
                if wide <= width && high <= height {
                    return (to_side(wide), to_side(high));
                }
                // The largest part of the picture that has the ratio.
                if width * high <= height * wide {
                    (to_side(width), to_side((width * high + wide / 2) / wide))
                } else {
                    (to_side((height * wide + high / 2) / high), to_side(height))
                }
            }
        }
    }
}

/// A named size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its name in addresses: letters and digits, beginning with a letter.
    pub name: String,
    /// What it makes of a picture.
    pub size: Size,
}

/// Parses `name=640,name=1200x630`. Says what is wanted if it is something else.
pub fn parse_presets(text: &str) -> Result<Vec<Preset>, String> {
    let wanted = || {
        format!(
            "must be presets like w640=640 or card=1200x630, separated by commas: at most {MAX_PRESETS}, each name once, \
             of small letters and digits, and sides of 1 to {MAX_SIDE} pixels"
        )
    };
    let mut presets: Vec<Preset> = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (name, size) = part.split_once('=').ok_or_else(wanted)?;
        let (name, size) = (name.trim(), size.trim().parse().map_err(|()| wanted())?);
        let is_new = presets.iter().all(|known| known.name != name);
        if !is_preset_name(name) || name == FILE || !is_new || presets.len() == MAX_PRESETS {
            return Err(wanted());
        }
        presets.push(Preset { name: name.to_owned(), size });
    }
    Ok(presets)
}

/// Whether `name` can be that of a preset.
fn is_preset_name(name: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= 32
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_is_never_larger_than_its_picture() {
        for (size, picture, expected) in [
            (Size::Width(640), (4000, 3000), (640, 480)),
            (Size::Width(640), (500, 3000), (500, 3000)),
            (Size::Width(160), (10_000, 10), (160, 1)),
            (Size::Crop(320, 320), (4000, 3000), (320, 320)),
            (Size::Crop(320, 320), (200, 100), (100, 100)),
            (Size::Crop(1200, 630), (1000, 2000), (1000, 525)),
            (Size::Crop(1200, 630), (2400, 300), (571, 300)),
            (Size::Crop(1200, 630), (1, 1), (1, 1)),
        ] {
            assert_eq!(size.fit(picture.0, picture.1), expected, "{size} of {picture:?}");
        }
    }

    #[test]
    fn presets_are_words_and_sizes() {
        assert_eq!(parse_presets(DEFAULT_PRESETS).unwrap().len(), 8);
        for wrong in
            ["", "a", "a=0", "a=01", "a=2561", "A=1", "1=1", "a-b=1", "a=1,a=2", "file=1", "a=1x", "a=+1"]
        {
            assert!(parse_presets(wrong).is_err(), "{wrong}");
        }
    }
}
