use super::references::{decode, mean_cells};
use super::samples;
use crate::pictures::encode::encode_webp;
use crate::pictures::file_type::FileType;
use crate::pictures::format::{Format, choose_format};
use crate::pictures::inspect::inspect;
use crate::pictures::limits::Limits;
use crate::pictures::master::make_master;
use crate::pictures::sniff::sniff;
use crate::pictures::spec::{Crop, VariantSpec};
use crate::pictures::variant::{fit_below, render, render_all, variant_size};

fn spec(width: u32, format: Format) -> VariantSpec {
    VariantSpec { width: Some(width), height: None, crop: None, format, quality: 80 }
}

fn square(x: f64, y: f64, side: u32) -> VariantSpec {
    let crop = Some(Crop::Focus { x, y, ratio_width: 1, ratio_height: 1 });
    VariantSpec { width: Some(side), height: Some(side), crop, format: Format::Png, quality: 80 }
}

fn master_of(width: u32, height: u32) -> Vec<u8> {
    make_master(&samples::jpeg(width, height, &Default::default()), &Limits::default()).unwrap().bytes
}

fn size(bytes: &[u8]) -> (u32, u32) {
    let facts = inspect(bytes, &Limits::default()).unwrap();
    (facts.width, facts.height)
}

#[test]
fn formats_are_chosen_by_picture_and_client() {
    assert_eq!(choose_format(true, false, true), Format::Webp);
    assert_eq!(choose_format(false, false, true), Format::Webp);
    assert_eq!(choose_format(false, true, false), Format::Png);
    assert_eq!(choose_format(true, false, false), Format::Png);
    assert_eq!(choose_format(false, false, false), Format::Jpeg);
}

#[test]
fn a_variant_has_the_width_and_format_that_were_asked_for() {
    let master = master_of(960, 640);
    for format in [Format::Jpeg, Format::Webp, Format::Png] {
        let variant = render(&master, &spec(320, format)).unwrap();
        assert_eq!(sniff(&variant), Some(format.file_type()));
        assert_eq!(size(&variant), (320, 213));
    }
}

#[test]
fn nothing_is_enlarged() {
    let master = master_of(96, 64);
    assert_eq!(size(&render(&master, &spec(1_920, Format::Webp)).unwrap()), (96, 64));
    assert_eq!(size(&render(&master, &square(0.5, 0.5, 320)).unwrap()), (64, 64));
    let card = VariantSpec {
        width: Some(1_200),
        height: Some(630),
        crop: Some(Crop::Focus { x: 0.5, y: 0.5, ratio_width: 1_200, ratio_height: 630 }),
        ..spec(0, Format::Jpeg)
    };
    assert_eq!(variant_size(96, 64, &card), (96, 50));
    assert_eq!(variant_size(4_000, 3_000, &card), (1_200, 630));
    assert_eq!(size(&render(&master, &card).unwrap()), (96, 50));
}

#[test]
fn a_cut_is_about_its_focal_point() {
    let master = master_of(600, 200);
    let red = |x: f64| decode(&render(&master, &square(x, 0.5, 50)).unwrap()).data[0];
    assert!(red(0.0) > 200);
    let right = decode(&render(&master, &square(1.0, 0.5, 50)).unwrap());
    let (last, left_top) = (&right.data[right.data.len() - 3..], right.data[0]);
    assert!(last[2] > 150 && last[0] < 80, "{last:?}");
    assert!((150..=190).contains(&left_top), "{left_top}");
    assert_eq!(red(-3.0), red(0.0));
    assert_eq!(red(f64::NAN), red(0.5));
}

#[test]
fn a_rectangle_is_cut_out() {
    let crop = Some(Crop::Rect { left: 0.5, top: 0.0, width: 0.5, height: 0.5 });
    let master = master_of(400, 400);
    let variant = render(&master, &VariantSpec { crop, ..spec(1_000, Format::Png) }).unwrap();
    assert_eq!(size(&variant), (200, 200));
    let wild = Some(Crop::Rect { left: 2.0, top: f64::NAN, width: -1.0, height: 0.0 });
    assert_eq!(variant_size(400, 400, &VariantSpec { crop: wild, ..spec(10, Format::Png) }), (1, 1));
}

#[test]
fn a_shared_decode_gives_what_single_ones_give() {
    let master = master_of(2_560, 1_700);
    let specs =
        [square(0.2, 0.8, 320), spec(160, Format::Png), spec(1_280, Format::Png), spec(640, Format::Png)];
    let shared = render_all(&master, &specs).unwrap();
    for (spec, shared) in specs.iter().zip(&shared) {
        let (single, shared) = (decode(&render(&master, spec).unwrap()), decode(shared));
        assert_eq!((single.width, single.height), (shared.width, shared.height));
        for (a, b) in mean_cells(&single).into_iter().zip(mean_cells(&shared)) {
            assert!((a - b).abs() <= 1.0, "{spec:?}: {a} {b}");
        }
    }
}

#[test]
fn alpha_lies_on_white_in_jpeg_and_stays_elsewhere() {
    let master = make_master(&samples::rgba_png(96, 64), &Limits::default()).unwrap().bytes;
    let jpeg = decode(&render(&master, &spec(48, Format::Jpeg)).unwrap());
    assert!(jpeg.data[..3].iter().all(|channel| *channel > 240));
    let variants = render_all(&master, &[spec(48, Format::Webp), spec(48, Format::Png)]).unwrap();
    for variant in variants {
        let pixels = decode(&variant);
        assert_eq!(pixels.data.len(), 48 * 32 * 4);
        assert!(pixels.data[3] < 10);
    }
}

#[test]
fn a_flat_picture_becomes_a_lossless_webp_or_a_palette() {
    let rows: Vec<Vec<u8>> = (0..64).map(|y| [[250, 250, 250], [10, 90, 200]][y / 40].repeat(96)).collect();
    let png = samples::png_of(96, 64, [8, 2, 0, 0, 0], &rows, &[]);
    let master = make_master(&png, &Limits::default()).unwrap().bytes;
    let webp = render(&master, &spec(500, Format::Webp)).unwrap();
    assert_eq!(&webp[12..16], b"VP8L");
    assert_eq!(decode(&webp), decode(&png));
    let indexed = render(&master, &spec(500, Format::Png)).unwrap();
    assert_eq!((indexed[25], decode(&indexed)), (3, decode(&png)));
}

#[test]
fn a_variant_is_not_larger_than_its_source() {
    // A source of low quality, whose variant of high quality would be larger.
    let pixels = samples::pixels(400, 300, false);
    let source = encode_webp(&pixels, 5).unwrap();
    let master = make_master(&source, &Limits::default()).unwrap().bytes;
    let high = VariantSpec { quality: 95, ..spec(400, Format::Webp) };
    assert!(render(&master, &high).unwrap().len() > source.len());
    let fitted = fit_below(&master, &high, &source).unwrap();
    assert!(fitted.fits);
    assert_eq!(fitted.bytes, source);
    let smaller = fit_below(&master, &VariantSpec { width: Some(390), ..high }, &vec![0; 3_000]).unwrap();
    assert!(smaller.fits && smaller.bytes.len() <= 3_000);
    let impossible = fit_below(&master, &high, &[0; 30]).unwrap();
    assert!(!impossible.fits && sniff(&impossible.bytes) == Some(FileType::Webp));
}

#[test]
fn only_masters_are_rendered() {
    assert!(render(b"<html>", &spec(10, Format::Png)).is_err());
    assert!(render(&samples::gif(1), &spec(10, Format::Png)).is_err());
}
