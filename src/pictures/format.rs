//! The formats of variants.

use super::file_type::FileType;

/// The format of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Alpha is laid on white.
    Jpeg,
    /// Lossless for flat pictures, where that is smaller.
    Webp,
    /// With a palette where the picture has at most 256 colours.
    Png,
}

impl Format {
    /// The type of files of this format.
    pub fn file_type(self) -> FileType {
        match self {
            Self::Jpeg => FileType::Jpeg,
            Self::Webp => FileType::Webp,
            Self::Png => FileType::Png,
        }
    }
}

/// The format for a client, by what the picture is like and whether the client takes WebP.
pub fn choose_format(has_alpha: bool, is_flat: bool, takes_webp: bool) -> Format {
    match (takes_webp, has_alpha || is_flat) {
        (true, _) => Format::Webp,
        (false, true) => Format::Png,
        (false, false) => Format::Jpeg,
    }
}
