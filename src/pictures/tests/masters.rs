use super::references::decode;
use super::samples::{self, JpegOptions};
use crate::pictures::file_type::FileType;
use crate::pictures::format::Format;
use crate::pictures::inspect::inspect;
use crate::pictures::limits::Limits;
use crate::pictures::master::{Master, make_master, make_master_and_variants};
use crate::pictures::pixels::Layout;
use crate::pictures::spec::VariantSpec;
use crate::pictures::variant::render_all;

fn master(bytes: &[u8]) -> Master {
    make_master(bytes, &Limits::default()).unwrap()
}

fn flat_png() -> Vec<u8> {
    let rows: Vec<Vec<u8>> = (0..64).map(|y| [[250, 250, 250], [10, 90, 200]][y / 40].repeat(96)).collect();
    samples::png_of(96, 64, [8, 2, 0, 0, 0], &rows, &[])
}

#[test]
fn nothing_of_the_metadata_is_in_a_master() {
    let exif = JpegOptions { orientation: Some(3), ..JpegOptions::default() };
    let secret = samples::add_segment(&samples::jpeg(96, 64, &exif), 0xFE, b"SECRET-COMMENT");
    for bytes in [secret, samples::webp_with_metadata(6), samples::gif(2)] {
        assert!(bytes.windows(6).any(|bytes| bytes == b"SECRET"));
        let master = master(&bytes);
        assert!(!master.bytes.windows(6).any(|bytes| bytes == b"SECRET"));
        assert_eq!(inspect(&master.bytes, &Limits::default()).unwrap().orientation.exif_value(), 1);
    }
}

#[test]
fn a_plain_jpeg_is_not_encoded_again() {
    let original = samples::add_segment(&samples::plain_jpeg(), 0xFE, b"comment");
    let master = master(&original);
    assert_eq!(decode(&master.bytes), decode(&original));
    assert!(master.bytes.len() < original.len());
}

#[test]
fn the_format_follows_the_picture() {
    let photograph = master(&samples::plain_png());
    assert_eq!(
        (photograph.file_type, photograph.has_alpha, photograph.is_flat),
        (FileType::Jpeg, false, false)
    );
    let drawing = master(&flat_png());
    assert_eq!((drawing.file_type, drawing.has_alpha, drawing.is_flat), (FileType::Png, false, true));
    let transparent = master(&samples::rgba_png(96, 64));
    assert_eq!((transparent.file_type, transparent.has_alpha), (FileType::Png, true));
    let noise: Vec<u8> = (0..96 * 64 * 3u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let jpeg = samples::jpeg_of(&noise, 96, 64, jpeg_encoder::ColorType::Rgb, &JpegOptions::default());
    assert!(!master(&jpeg).is_flat);
}

#[test]
fn alpha_that_is_opaque_everywhere_is_dropped() {
    let rows: Vec<Vec<u8>> =
        (0..8u8).map(|y| (0..8u8).flat_map(|x| [x * 30, y * 30, 99, 255]).collect()).collect();
    let master = master(&samples::png_of(8, 8, [8, 6, 0, 0, 0], &rows, &[]));
    assert!(!master.has_alpha);
    assert_eq!(decode(&master.bytes).layout, Layout::Rgb);
}

#[test]
fn sizes_are_of_the_original_as_seen_and_of_the_master() {
    let options = JpegOptions { orientation: Some(8), is_subsampled: true, ..JpegOptions::default() };
    let master = master(&samples::jpeg(3_000, 1_000, &options));
    assert_eq!((master.original_width, master.original_height), (1_000, 3_000));
    assert_eq!((master.width, master.height), (853, 2_560));
}

#[test]
fn the_dominant_colour_is_that_of_most_pixels() {
    assert_eq!(master(&flat_png()).dominant_color, "#fafafa");
    assert_eq!(master(&samples::gif(1)).dominant_color.len(), 7);
}

#[test]
fn the_thumbhash_shows_the_picture() {
    let master = master(&samples::plain_jpeg());
    assert!((5..=25).contains(&master.thumbhash.len()));
    let (width, height, rgba) = thumbhash::thumb_hash_to_rgba(&master.thumbhash).unwrap();
    assert!(width > height);
    // Red is at the left top, blue at the right bottom.
    assert!(rgba[0] > rgba[2]);
    assert!(rgba[rgba.len() - 4] < rgba[rgba.len() - 2]);
}

#[test]
fn variants_of_the_same_pass_equal_those_of_the_master() {
    let spec = VariantSpec { width: Some(40), height: None, crop: None, format: Format::Png, quality: 80 };
    let png = samples::rgba_png(96, 64);
    let (master, variants) = make_master_and_variants(&png, &Limits::default(), &[spec]).unwrap();
    assert_eq!(variants, render_all(&master.bytes, &[spec]).unwrap());
}

#[test]
fn a_picture_in_bands_equals_one_in_memory() {
    use crate::pictures::geometry::Region;
    use crate::pictures::shrinker::{Shrinker, resize};
    for has_alpha in [false, true] {
        let source = samples::pixels(5_000, 1_200, has_alpha);
        let size = (source.width, source.height);
        let whole = Region::whole(5_000.0, 1_200.0);
        let mut shrinker = Shrinker::new(source.layout, size, (5_000.0, 1_200.0), (1_111, 267));
        source.data.chunks(source.row_bytes() * 7).for_each(|rows| shrinker.push_rows(rows).unwrap());
        let (in_bands, in_memory) = (shrinker.finish().unwrap(), resize(&source, whole, 1_111, 267).unwrap());
        let differences = in_bands.data.iter().zip(&in_memory.data).map(|(a, b)| a.abs_diff(*b));
        assert!(differences.max().unwrap() <= 1);
    }
}

#[test]
fn missing_rows_are_noticed() {
    use crate::pictures::shrinker::Shrinker;
    for target in [(10, 10), (5, 5)] {
        let mut shrinker = Shrinker::new(Layout::Rgb, (10, 10), (10.0, 10.0), target);
        shrinker.push_rows(&[0; 30 * 9]).unwrap();
        assert!(shrinker.finish().is_err());
    }
}
