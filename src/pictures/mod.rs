//! Bytes of files of the media library: what they are, facts of pictures, masters and variants.
//!
//! Everything here is synchronous, takes bytes and gives bytes, and stores nothing. Every entry bounds memory and
//! time by [`inspect::Limits`] before a decoder runs, and turns the panic of a decoder into a [`refused::Refused`].
//! `unsafe` is in two files: [`source`] maps a file, `encode/webp.rs` calls libwebp.

mod bytes;
mod colour;
mod containers;
mod decode;
mod encode;
mod exif;
pub mod file_type;
mod geometry;
pub mod inspect;
mod iso_media;
pub mod master;
mod mpeg_audio;
mod orientation;
mod pixels;
mod probe;
pub mod refused;
mod shrinker;
pub mod source;
pub mod strip;
pub mod svg;
mod traits;
pub mod variant;
mod zip_kinds;

#[cfg(test)]
mod tests;
