//! Walks over the parts of the four picture formats, without decoding a pixel.

pub mod gif;
pub mod jpeg;
pub mod png;
pub mod webp;
