//! Masters beside what libvips (npm `sharp`) or ImageMagick make of the same files.
//!
//! `testdata/references.txt` has a line for each sample: name, width, height, and the means of 4 × 4 cells (premultiplied
//! RGB and alpha). To make it again: run this test with `PICTURE_SAMPLES=folder`, which writes the samples there, then
//! `node testdata/references.mjs folder > testdata/references.txt` where `sharp` is installed and `convert` is there.

use super::samples;
use crate::pictures::colour::convert_to_srgb;
use crate::pictures::decode::decode_reduced;
use crate::pictures::limits::Limits;
use crate::pictures::master::make_master;
use crate::pictures::pixels::Pixels;
use crate::pictures::probe::probe;

const REFERENCES: &str = include_str!("../testdata/references.txt");
/// Cells of a side.
const CELLS: u32 = 4;

struct Reference {
    name: &'static str,
    width: u32,
    height: u32,
    means: Vec<f64>,
}

fn references() -> Vec<Reference> {
    let parse = |line: &'static str| {
        let mut parts = line.split(' ');
        let mut next = || parts.next().unwrap();
        let (name, width, height) = (next(), next().parse().unwrap(), next().parse().unwrap());
        Reference { name, width, height, means: parts.map(|mean| mean.parse().unwrap()).collect() }
    };
    REFERENCES.lines().map(parse).collect()
}

/// Of 255. What JPEG loses in the master counts as well.
fn tolerance(name: &str) -> f64 {
    match name {
        // littleCMS is five levels too dark here: see the test with the formula.
        "cmyk_icc" => 6.0,
        // Three rows of hard edges.
        "wide_jpeg" => 3.0,
        _ => 2.0,
    }
}

pub fn decode(master: &[u8]) -> Pixels {
    let probe = probe(master, &Limits::default()).unwrap();
    convert_to_srgb(decode_reduced(master, &probe, 1.0).unwrap().pixels, probe.icc.as_deref())
}

pub fn mean_cells(pixels: &Pixels) -> Vec<f64> {
    let columns = CELLS.min(pixels.width);
    let rows = CELLS.min(pixels.height);
    let mut means = Vec::new();
    for row in 0..rows {
        for column in 0..columns {
            let xs = pixels.width * column / columns..pixels.width * (column + 1) / columns;
            let ys = pixels.height * row / rows..pixels.height * (row + 1) / rows;
            means.extend(mean(pixels, &xs, &ys));
        }
    }
    means
}

fn mean(pixels: &Pixels, xs: &std::ops::Range<u32>, ys: &std::ops::Range<u32>) -> [f64; 4] {
    let channels = pixels.layout.channels();
    let mut sums = [0.0; 4];
    for y in ys.clone() {
        for x in xs.clone() {
            let pixel = &pixels.data[(y * pixels.width + x) as usize * channels..][..channels];
            let alpha = pixel.get(3).map_or(1.0, |alpha| f64::from(*alpha) / 255.0);
            for (sum, channel) in sums.iter_mut().zip(&pixel[..3]) {
                *sum += f64::from(*channel) * alpha;
            }
            sums[3] += alpha * 255.0;
        }
    }
    sums.map(|sum| sum / f64::from(xs.len() as u32 * ys.len() as u32))
}

#[test]
fn masters_look_like_those_of_other_libraries() {
    let samples = samples::all();
    if let Some(folder) = std::env::var_os("PICTURE_SAMPLES") {
        for (name, bytes) in &samples {
            std::fs::write(std::path::Path::new(&folder).join(name), bytes).unwrap();
        }
    }
    let references = references();
    assert_eq!(references.len(), samples.len());
    for reference in references {
        let (name, bytes) = samples.iter().find(|(name, _)| *name == reference.name).unwrap();
        let master = make_master(bytes, &Limits::default()).unwrap();
        let pixels = decode(&master.bytes);
        assert_eq!((pixels.width, pixels.height), (reference.width, reference.height), "{name}");
        assert_eq!((master.width, master.height), (reference.width, reference.height), "{name}");
        let means = mean_cells(&pixels);
        assert_eq!(means.len(), reference.means.len(), "{name}");
        for (i, (ours, theirs)) in means.iter().zip(&reference.means).enumerate() {
            let difference = (ours - theirs).abs();
            assert!(difference <= tolerance(name), "{name}: {i}: {ours:.1} for {theirs:.1}");
        }
    }
}

#[test]
fn the_comparison_tells_a_wrong_turn_from_a_right_one() {
    let upright = samples::pixels(96, 64, false);
    let turned = crate::pictures::orientation::Orientation::from_exif(2).unwrap().apply(upright.clone());
    let differences = mean_cells(&upright).into_iter().zip(mean_cells(&turned));
    assert!(differences.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) > 50.0);
}

#[test]
fn inks_become_the_colours_that_their_profile_names() {
    let inks = [220, 40, 30, 200].repeat(64);
    let options = samples::JpegOptions { icc: Some(super::profiles::cmyk_profile()), ..Default::default() };
    let jpeg = samples::jpeg_of(&inks, 8, 8, jpeg_encoder::ColorType::Cmyk, &options);
    let pixels = decode(&make_master(&jpeg, &Limits::default()).unwrap().bytes);
    // Lab 19.8, -4.4, -6.9 of the profile, computed by hand to sRGB.
    for (ours, right) in pixels.data[..3].iter().zip([36, 50, 58]) {
        assert!(ours.abs_diff(right) <= 2, "{:?}", &pixels.data[..3]);
    }
}
