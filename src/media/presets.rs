//! Digests in the addresses of pictures.
//!
//! An address names a preset and a digest of the bytes, the crop and the definition of the preset. What it leads to never
//! changes, so it can be kept for ever. Definitions and focal points that were in use once still lead to what they did.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::model::Focal;
use crate::config::presets::Size;

/// What a variant of a picture is: its size, and where it is cropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Crop {
    /// Its size.
    pub size: Size,
    /// The point about which it is cropped. Nothing to an uncropped one.
    pub focal: Focal,
}

impl Crop {
    /// A variant of this size about `focal`.
    pub const fn new(size: Size, focal: Focal) -> Self {
        match size {
            Size::Width(_) => Self { size, focal: Focal::MIDDLE },
            Size::Crop(..) => Self { size, focal },
        }
    }

    /// The digest of it in addresses, of a file with these bytes: 128 bits of SHA-256, in hexadecimal.
    pub fn digest(&self, sha256: &[u8]) -> String {
        let Focal { x, y } = self.focal;
        digest_parts(&[b"variant 1", sha256, self.size.to_string().as_bytes(), format!("{x} {y}").as_bytes()])
    }
}

/// The digest in the address of a file that is served as it is.
pub fn digest_file(sha256: &[u8]) -> String {
    digest_parts(&[b"file 1", sha256])
}

fn digest_parts(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    HEXLOWER.encode(&digest.finalize()[..16])
}

/// What an address with this digest leads to: in one of `sizes`, which its preset has or has had, about one of `focals`.
pub fn resolve(
    sizes: impl IntoIterator<Item = Size>,
    focals: &[Focal],
    sha256: &[u8],
    digest: &str,
) -> Option<Crop> {
    let mut crops =
        sizes.into_iter().flat_map(|size| focals.iter().map(move |focal| Crop::new(size, *focal)));
    crops.find(|crop| crop.digest(sha256) == digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_stays_valid_when_the_focal_point_and_the_preset_change() {
        let (sha, was, is) = ([7; 32], Focal { x: 100, y: 200 }, Focal { x: 900, y: 200 });
        let (square, smaller) = (Size::Crop(320, 320), Size::Crop(200, 200));
        let address = Crop::new(square, was).digest(&sha);
        let found = resolve([smaller, square], &[is, was], &sha, &address);
        assert_eq!(found, Some(Crop { size: square, focal: was }));
        assert_eq!(resolve([square], &[is], &sha, &address), None, "another point");
        assert_eq!(resolve([smaller], &[was], &sha, &address), None, "another size");
        assert_eq!(resolve([square], &[was], &[8; 32], &address), None, "another file");
        let uncropped = Crop::new(Size::Width(9), was).digest(&sha);
        assert!(resolve([Size::Width(9)], &[is], &sha, &uncropped).is_some());
    }
}
