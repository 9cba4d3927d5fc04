//! Bytes of files of the media library: what they are, facts of pictures, masters and variants.
//!
//! Everything here is synchronous, takes bytes and gives bytes, and stores nothing. Every entry bounds memory and
//! time by [`limits::Limits`] before a decoder runs, and turns the panic of a decoder into a [`refused::Refused`].
//! `unsafe` is in two files: [`source`] maps a file, `encode/webp.rs` calls libwebp.

mod bytes;
mod colour;
mod containers;
mod decode;
mod encode;
mod exif;
pub mod facts;
pub mod file_type;
pub mod format;
mod geometry;
pub mod inspect;
mod iso_media;
pub mod limits;
pub mod master;
mod mpeg_audio;
pub mod orientation;
mod pixels;
mod probe;
pub mod refused;
mod shrinker;
pub mod sniff;
pub mod source;
pub mod spec;
pub mod strip;
pub mod svg;
mod traits;
pub mod variant;
mod zip_kinds;

#[cfg(test)]
mod tests;
