//! Pictures that are drawn and encoded here, in every way that the engine must know.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::profiles::{cmyk_profile, display_p3};
use crate::pictures::containers::{png, webp};
use crate::pictures::encode::{encode_webp, encode_webp_lossless};
use crate::pictures::pixels::{Layout, Pixels};

/// A picture whose corners and sides differ, so that a wrong turn shows, with soft and hard edges.
pub fn draw(width: u32, height: u32) -> Vec<u8> {
    let mut rgb = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (u, v) = (x * 255 / width.max(2), y * 255 / height.max(2));
            let mut pixel = [u as u8, v as u8, (255 - u / 2 - v / 2) as u8];
            if u < 80 && v < 60 {
                pixel = [220, 40, 30];
            } else if u > 190 && v > 150 {
                pixel = [30, 60, 200];
            }
            rgb.extend(pixel);
        }
    }
    rgb
}

pub fn with_alpha(rgb: &[u8], width: u32) -> Vec<u8> {
    let pixels = rgb.chunks_exact(3).enumerate();
    pixels
        .flat_map(|(i, rgb)| {
            let x = i as u32 % width;
            [rgb[0], rgb[1], rgb[2], (x * 255 / width.max(2)) as u8]
        })
        .collect()
}

/// EXIF as a camera writes it: orientation, a place, and when it was taken.
pub fn exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0".to_vec();
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        let mut entry = tag.to_le_bytes().to_vec();
        entry.extend(kind.to_le_bytes());
        entry.extend(count.to_le_bytes());
        entry.extend(value.to_le_bytes());
        entry
    };
    // Directory: 2 + 3 × 12 + 4 = 42 bytes, up to 50. The one of EXIF: 2 + 2 × 12 + 4 = 30, up to 80.
    tiff.extend(3u16.to_le_bytes());
    tiff.extend(entry(0x010E, 2, 16, 80));
    tiff.extend(entry(0x0112, 3, 1, u32::from(orientation)));
    tiff.extend(entry(0x8769, 4, 1, 50));
    tiff.extend([0; 4]);
    tiff.extend(2u16.to_le_bytes());
    tiff.extend(entry(0x9003, 2, 20, 96));
    tiff.extend(entry(0x9011, 2, 7, 116));
    tiff.extend([0; 4]);
    tiff.extend(b"SECRET-PLACE-52\0");
    tiff.extend(b"2024:03:09 17:45:12\0");
    tiff.extend(b"+05:30\0\0");
    tiff
}

/// What a JPEG is like.
#[derive(Default)]
pub struct JpegOptions {
    pub orientation: Option<u8>,
    pub is_progressive: bool,
    pub icc: Option<Vec<u8>>,
    pub is_subsampled: bool,
}

pub fn jpeg_of(data: &[u8], width: u32, height: u32, kind: ColorType, options: &JpegOptions) -> Vec<u8> {
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, 95);
    encoder.set_progressive(options.is_progressive);
    let sampling = if options.is_subsampled { SamplingFactor::F_2_2 } else { SamplingFactor::F_1_1 };
    encoder.set_sampling_factor(sampling);
    if let Some(orientation) = options.orientation {
        encoder.add_exif_metadata(&exif(orientation)).unwrap();
    }
    if let Some(icc) = &options.icc {
        encoder.add_icc_profile(icc).unwrap();
    }
    encoder.encode(data, width as u16, height as u16, kind).unwrap();
    jpeg
}

pub fn jpeg(width: u32, height: u32, options: &JpegOptions) -> Vec<u8> {
    jpeg_of(&draw(width, height), width, height, ColorType::Rgb, options)
}

pub fn plain_jpeg() -> Vec<u8> {
    jpeg(96, 64, &JpegOptions::default())
}

/// CMYK with some black, as Adobe writes it: inverted.
pub fn cmyk_jpeg(kind: ColorType, icc: Option<Vec<u8>>) -> Vec<u8> {
    let inks = draw(96, 64);
    let inverted: Vec<u8> =
        inks.chunks_exact(3).flat_map(|rgb| [rgb[0], rgb[1], rgb[2], 255 - rgb[0] / 4]).collect();
    jpeg_of(&inverted, 96, 64, kind, &JpegOptions { icc, ..JpegOptions::default() })
}

pub fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A PNG by its header's last five bytes, its rows without filters, and chunks before them.
pub fn png_of(
    width: u32,
    height: u32,
    kind: [u8; 5],
    rows: &[Vec<u8>],
    before: &[([u8; 4], Vec<u8>)],
) -> Vec<u8> {
    let mut bytes = png::SIGNATURE.to_vec();
    let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
    png::write_chunk(&mut bytes, *b"IHDR", &[sides, kind.to_vec()].concat());
    for (kind, data) in before {
        png::write_chunk(&mut bytes, *kind, data);
    }
    let filtered: Vec<u8> =
        rows.iter().flat_map(|row| std::iter::once(0).chain(row.iter().copied())).collect();
    png::write_chunk(&mut bytes, *b"IDAT", &zlib(&filtered));
    png::write_chunk(&mut bytes, *b"IEND", b"");
    bytes
}

fn rows_of(data: &[u8], width: u32, channels: usize) -> Vec<Vec<u8>> {
    data.chunks(width as usize * channels).map(<[u8]>::to_vec).collect()
}

pub fn rgb_png(width: u32, height: u32, before: &[([u8; 4], Vec<u8>)]) -> Vec<u8> {
    png_of(width, height, [8, 2, 0, 0, 0], &rows_of(&draw(width, height), width, 3), before)
}

pub fn plain_png() -> Vec<u8> {
    rgb_png(96, 64, &[])
}

pub fn rgba_png(width: u32, height: u32) -> Vec<u8> {
    let rgba = with_alpha(&draw(width, height), width);
    png_of(width, height, [8, 6, 0, 0, 0], &rows_of(&rgba, width, 4), &[])
}

/// 16 bits a channel, whose lower byte differs from the upper one.
pub fn png16(kind: u8, channels: usize) -> Vec<u8> {
    let rgba = with_alpha(&draw(96, 64), 96);
    let pixel = |rgba: &[u8]| match channels {
        1 => vec![rgba[1]],
        2 => vec![rgba[1], rgba[3]],
        3 => rgba[..3].to_vec(),
        _ => rgba.to_vec(),
    };
    let data: Vec<u8> =
        rgba.chunks_exact(4).flat_map(pixel).flat_map(|value| [value, value ^ 0x55]).collect();
    png_of(96, 64, [16, kind, 0, 0, 0], &rows_of(&data, 96, channels * 2), &[])
}

/// Sixteen colours in four bits, one of them half transparent.
pub fn palette_png() -> Vec<u8> {
    let colours: Vec<u8> = (0..16u8).flat_map(|i| [i * 17, 255 - i * 10, i * i]).collect();
    let rows: Vec<Vec<u8>> =
        (0..64u8).map(|y| (0..48u8).map(|x| (x / 6) << 4 | (y / 8 + 8)).collect()).collect();
    let alpha = vec![255, 255, 255, 128];
    png_of(96, 64, [4, 3, 0, 0, 0], &rows, &[(*b"PLTE", colours), (*b"tRNS", alpha)])
}

/// The seven passes of Adam7.
pub fn interlaced_png() -> Vec<u8> {
    let (width, height) = (96, 64);
    let rgb = draw(width, height);
    let passes =
        [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];
    let mut rows = Vec::new();
    for (left, top, right, down) in passes {
        for y in (top..height).step_by(down) {
            let pixel = |x: u32| &rgb[((y * width + x) * 3) as usize..][..3];
            rows.push((left..width).step_by(right).flat_map(|x| pixel(x).to_vec()).collect());
        }
    }
    png_of(width, height, [8, 2, 0, 0, 1], &rows, &[])
}

/// An animation whose default picture is the first frame.
pub fn apng(frames: u32) -> Vec<u8> {
    let mut bytes = png::SIGNATURE.to_vec();
    let rows = |red: u8| zlib(&[0, red, 0, 0, red, 0, 0].repeat(2));
    let control = |number: u32| {
        let numbers = [number, 2, 2, 0, 0].map(u32::to_be_bytes).concat();
        [numbers, vec![0, 1, 0, 10, 0, 0]].concat()
    };
    png::write_chunk(&mut bytes, *b"IHDR", &[0, 0, 0, 2, 0, 0, 0, 2, 8, 2, 0, 0, 0]);
    png::write_chunk(&mut bytes, *b"acTL", &[frames.to_be_bytes(), [0; 4]].concat());
    png::write_chunk(&mut bytes, *b"fcTL", &control(0));
    png::write_chunk(&mut bytes, *b"IDAT", &rows(200));
    for i in 1..frames {
        png::write_chunk(&mut bytes, *b"fcTL", &control(i * 2 - 1));
        png::write_chunk(&mut bytes, *b"fdAT", &[(i * 2).to_be_bytes().to_vec(), rows(i as u8)].concat());
    }
    png::write_chunk(&mut bytes, *b"IEND", b"");
    bytes
}

/// An animation on 20 × 10, whose first frame of 16 × 8 is at 2, 1, with a comment and a loop.
pub fn gif(frames: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let colours = [0, 0, 0, 250, 10, 10, 10, 250, 10, 10, 10, 250];
    let mut encoder = ::gif::Encoder::new(&mut bytes, 20, 10, &colours).unwrap();
    encoder.set_repeat(::gif::Repeat::Infinite).unwrap();
    for i in 0..frames {
        let pixels: Vec<u8> = (0..128).map(|at| ((at / 4 + i) % 4) as u8).collect();
        let mut frame = ::gif::Frame::from_indexed_pixels(16, 8, pixels, Some(3));
        (frame.left, frame.top, frame.delay) = (2, 1, 10);
        encoder.write_frame(&frame).unwrap();
        let comment = [b"SECRET-COMMENT".as_slice()];
        encoder.write_raw_extension(::gif::AnyExtension(0xFE), &comment).unwrap();
    }
    drop(encoder);
    bytes
}

pub fn pixels(width: u32, height: u32, has_alpha: bool) -> Pixels {
    let rgb = draw(width, height);
    if has_alpha {
        return Pixels { width, height, layout: Layout::Rgba, data: with_alpha(&rgb, width) };
    }
    Pixels { width, height, layout: Layout::Rgb, data: rgb }
}

pub fn webp(has_alpha: bool, is_lossless: bool) -> Vec<u8> {
    let pixels = pixels(96, 64, has_alpha);
    if is_lossless { encode_webp_lossless(&pixels).unwrap() } else { encode_webp(&pixels, 95).unwrap() }
}

/// A WebP with VP8X, EXIF and XMP around the picture.
pub fn webp_with_metadata(orientation: u8) -> Vec<u8> {
    let plain = webp(false, false);
    let mut bytes = b"RIFF\0\0\0\0WEBP".to_vec();
    let mut head = vec![webp::FLAG_EXIF | webp::FLAG_XMP, 0, 0, 0];
    head.extend(&95u32.to_le_bytes()[..3]);
    head.extend(&63u32.to_le_bytes()[..3]);
    webp::write_chunk(&mut bytes, *b"VP8X", &head);
    bytes.extend(&plain[12..]);
    webp::write_chunk(&mut bytes, *b"EXIF", &exif(orientation));
    webp::write_chunk(&mut bytes, *b"XMP ", b"<x:xmpmeta>SECRET-XMP</x:xmpmeta>");
    let length = (bytes.len() - 8) as u32;
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    bytes
}

/// An animation of WebP with as many equal frames.
pub fn animated_webp(frames: usize) -> Vec<u8> {
    let plain = webp(false, false);
    let mut bytes = b"RIFF\0\0\0\0WEBP".to_vec();
    let size = [&95u32.to_le_bytes()[..3], &63u32.to_le_bytes()[..3]].concat();
    webp::write_chunk(&mut bytes, *b"VP8X", &[vec![2, 0, 0, 0], size.clone()].concat());
    webp::write_chunk(&mut bytes, *b"ANIM", &[0; 6]);
    for _ in 0..frames {
        let frame = [vec![0; 6], size.clone(), vec![100, 0, 0, 0], plain[12..].to_vec()].concat();
        webp::write_chunk(&mut bytes, *b"ANMF", &frame);
    }
    let length = (bytes.len() - 8) as u32;
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    bytes
}

/// Adds a segment after the beginning of a JPEG.
pub fn add_segment(jpeg: &[u8], marker: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xFF, marker], &length, payload, &jpeg[2..]].concat()
}

/// One of each kind, by name.
pub fn all() -> Vec<(&'static str, Vec<u8>)> {
    let progressive = JpegOptions { is_progressive: true, is_subsampled: true, ..JpegOptions::default() };
    let p3 = JpegOptions { icc: Some(display_p3()), ..JpegOptions::default() };
    let grey = draw(96, 64).chunks_exact(3).map(|rgb| rgb[1]).collect::<Vec<u8>>();
    let p3_chunk = [b"p3\0\0".to_vec(), zlib(&display_p3())].concat();
    let mut samples = turned();
    samples.extend([
        ("jpeg", plain_jpeg()),
        ("progressive", jpeg(300, 200, &progressive)),
        ("grey_jpeg", jpeg_of(&grey, 96, 64, ColorType::Luma, &JpegOptions::default())),
        ("cmyk", cmyk_jpeg(ColorType::Cmyk, None)),
        ("ycck", cmyk_jpeg(ColorType::CmykAsYcck, None)),
        ("cmyk_icc", cmyk_jpeg(ColorType::Cmyk, Some(cmyk_profile()))),
        ("p3_jpeg", jpeg(96, 64, &p3)),
        ("p3_png", rgb_png(96, 64, &[(*b"iCCP", p3_chunk)])),
        ("png", plain_png()),
        ("rgba_png", rgba_png(96, 64)),
        ("rgb16", png16(2, 3)),
        ("rgba16", png16(6, 4)),
        ("grey16", png16(0, 1)),
        ("grey_alpha16", png16(4, 2)),
        ("palette", palette_png()),
        ("interlaced", interlaced_png()),
        ("gif", gif(3)),
        ("webp", webp(false, false)),
        ("webp_alpha", webp(true, false)),
        ("webp_lossless", webp(false, true)),
        ("webp_exif", webp_with_metadata(6)),
        ("webp_animated", animated_webp(3)),
        ("apng", apng(3)),
        ("one_pixel", rgb_png(1, 1, &[])),
        ("one_pixel_jpeg", jpeg(1, 1, &JpegOptions::default())),
        ("wide", rgb_png(10_000, 10, &[])),
        ("wide_jpeg", jpeg(10_000, 10, &JpegOptions::default())),
        ("tall_alpha", rgba_png(100, 5_000)),
        ("large_jpeg", jpeg(4_100, 2_300, &JpegOptions { is_subsampled: true, ..JpegOptions::default() })),
    ]);
    samples
}

/// One of each orientation.
fn turned() -> Vec<(&'static str, Vec<u8>)> {
    let names = ["o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8"];
    let turn = |orientation| JpegOptions { orientation: Some(orientation), ..JpegOptions::default() };
    names.into_iter().zip(1..).map(|(name, orientation)| (name, jpeg(96, 64, &turn(orientation)))).collect()
}
