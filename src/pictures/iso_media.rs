//! Files of boxes: MP4, M4A, AVIF, HEIC (ISO/IEC 14496-12).

use super::bytes::be32;
use super::file_type::FileType;

/// Brands of video that browsers know.
const VIDEO: &[&[u8; 4]] = &[
    b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9", b"avc1", b"mp41",
    b"mp42", b"M4V ", b"M4VH", b"M4VP", b"MSNV", b"dash", b"f4v ", b"mmp4",
];
const SOUND: &[&[u8; 4]] = &[b"M4A ", b"M4B ", b"M4P "];
const AVIF: &[&[u8; 4]] = &[b"avif", b"avis"];
const HEIC: &[&[u8; 4]] =
    &[b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"];

/// The type that the brands of the first box name. The major brand decides, then the first compatible one.
pub fn sniff_iso_media(head: &[u8]) -> Option<FileType> {
    let length = be32(head, 0)? as usize;
    if head.get(4..8) != Some(b"ftyp") || !(16..=1024).contains(&length) || !length.is_multiple_of(4) {
        return None;
    }
    let (major, _) = head.get(8..16)?.split_at(4);
    let compatible = head.get(16..length.min(head.len()))?.chunks_exact(4);
    // `mif1` says only that there is a picture: a compatible brand may say of which kind.
    let brands = || std::iter::once(major).chain(compatible.clone());
    if brands().any(|brand| is_one_of(brand, AVIF)) {
        return Some(FileType::Avif);
    }
    brands().find_map(find_brand)
}

fn find_brand(brand: &[u8]) -> Option<FileType> {
    let kinds = [(HEIC, FileType::Heic), (SOUND, FileType::M4a), (VIDEO, FileType::Mp4)];
    kinds.into_iter().find_map(|(brands, kind)| is_one_of(brand, brands).then_some(kind))
}

fn is_one_of(brand: &[u8], brands: &[&[u8; 4]]) -> bool {
    brands.iter().any(|known| known.as_slice() == brand)
}
