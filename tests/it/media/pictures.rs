//! Pictures and files that are made here.

use std::sync::atomic::{AtomicU32, Ordering};

use jpeg_encoder::{ColorType, Encoder};

/// Grows with every picture, so that no two are the same.
static MADE: AtomicU32 = AtomicU32::new(0);

/// Noise on a slope, as a photograph has it: more colours than a drawing.
pub fn draw(width: u32, height: u32) -> Vec<u8> {
    let mut state =
        MADE.fetch_add(1, Ordering::Relaxed).wrapping_add(std::process::id()).wrapping_mul(2_654_435_761) | 1;
    let mut noise = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as u8 / 4
    };
    let slope = |at: u32, of: u32| (at * 190 / of.max(2)) as u8;
    let pixel = |x: u32, y: u32| [slope(x, width), slope(y, height), slope(x + y, width + height)];
    (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).map(|value| value + noise()).collect()
}

/// A photograph. Each call makes another one.
pub fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encode_jpeg(&draw(width, height), width, height, &[])
}

/// A photograph that has been made small at any price.
pub fn poor_jpeg(width: u32, height: u32) -> Vec<u8> {
    let mut jpeg = Vec::new();
    let sides = [width, height].map(|side| u16::try_from(side).unwrap());
    Encoder::new(&mut jpeg, 20).encode(&draw(width, height), sides[0], sides[1], ColorType::Rgb).unwrap();
    jpeg
}

/// A photograph with what a camera writes: an orientation, a place and a time.
pub fn jpeg_of_camera(width: u32, height: u32, orientation: u8) -> Vec<u8> {
    encode_jpeg(&draw(width, height), width, height, &exif(orientation))
}

pub fn encode_jpeg(rgb: &[u8], width: u32, height: u32, exif: &[u8]) -> Vec<u8> {
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, 90);
    if !exif.is_empty() {
        encoder.add_exif_metadata(exif).unwrap();
    }
    let sides = [width, height].map(|side| u16::try_from(side).unwrap());
    encoder.encode(rgb, sides[0], sides[1], ColorType::Rgb).unwrap();
    jpeg
}

/// What [`exif`] has as the name of the place.
pub const SECRET: &[u8] = b"SECRET-PLACE-52";

/// EXIF with a description, an orientation, a place (latitude 52° 31′ 12″) and a time.
pub fn exif(orientation: u8) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        let mut entry = [tag.to_le_bytes(), kind.to_le_bytes()].concat();
        entry.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
        entry
    };
    let mut tiff = b"II*\0\x08\0\0\0".to_vec();
    // The first directory ends at 8 + 2 + 4 × 12 + 4 = 62, that of EXIF at 80, that of the place at 98.
    tiff.extend(4u16.to_le_bytes());
    tiff.extend(entry(0x010E, 2, 16, 98));
    tiff.extend(entry(0x0112, 3, 1, u32::from(orientation)));
    tiff.extend(entry(0x8769, 4, 1, 62));
    tiff.extend(entry(0x8825, 4, 1, 80));
    tiff.extend([0; 4]);
    tiff.extend(1u16.to_le_bytes());
    tiff.extend(entry(0x9003, 2, 20, 114));
    tiff.extend([0; 4]);
    tiff.extend(1u16.to_le_bytes());
    tiff.extend(entry(0x0002, 5, 3, 134));
    tiff.extend([0; 4]);
    assert_eq!(tiff.len(), 98);
    tiff.extend([SECRET, b"\0"].concat());
    tiff.extend(b"2024:03:09 17:45:12\0");
    tiff.extend([52, 1, 31, 1, 12, 1u32].iter().flat_map(|number| number.to_le_bytes()));
    tiff
}

/// A PNG of these pixels: three bytes each, or four.
pub fn encode_png(pixels: &[u8], width: u32, height: u32, chunks: &[([u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    let has_alpha = pixels.len() == width as usize * height as usize * 4;
    encoder.set_color(if has_alpha { png::ColorType::Rgba } else { png::ColorType::Rgb });
    let mut writer = encoder.write_header().unwrap();
    for (kind, data) in chunks {
        writer.write_chunk(png::chunk::ChunkType(*kind), data).unwrap();
    }
    writer.write_image_data(pixels).unwrap();
    writer.finish().unwrap();
    bytes
}

/// A photograph as PNG.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    encode_png(&draw(width, height), width, height, &[])
}

/// A photograph of which a half can be seen through.
pub fn png_with_alpha(width: u32, height: u32) -> Vec<u8> {
    let rgb = draw(width, height);
    let pixels = rgb.chunks_exact(3).enumerate();
    let rgba: Vec<u8> = pixels
        .flat_map(|(at, rgb)| [rgb[0], rgb[1], rgb[2], if at as u32 % width < width / 2 { 255 } else { 60 }])
        .collect();
    encode_png(&rgba, width, height, &[])
}

/// A drawing of one colour, which no photograph is smaller than.
pub fn flat_png(width: u32, height: u32) -> Vec<u8> {
    let shade = MADE.fetch_add(1, Ordering::Relaxed).to_le_bytes();
    encode_png(&[shade[0], shade[1], 90].repeat((width * height) as usize), width, height, &[])
}

/// An animation on 20 × 10, with a comment in each frame.
pub fn gif(frames: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let shade = MADE.fetch_add(1, Ordering::Relaxed).to_le_bytes();
    let colours = [0, 0, 0, 250, 10, 10, 10, 250, 10, 10, shade[0], shade[1]];
    let mut encoder = gif::Encoder::new(&mut bytes, 20, 10, &colours).unwrap();
    encoder.set_repeat(gif::Repeat::Infinite).unwrap();
    for i in 0..frames {
        let pixels: Vec<u8> = (0..200).map(|at| ((at / 4 + i) % 4) as u8).collect();
        let mut frame = gif::Frame::from_indexed_pixels(20, 10, pixels, None);
        frame.delay = 10;
        encoder.write_frame(&frame).unwrap();
        encoder.write_raw_extension(gif::AnyExtension(0xFE), &[SECRET]).unwrap();
    }
    drop(encoder);
    bytes
}

/// A photograph as WebP.
pub fn webp(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = image_webp::WebPEncoder::new(&mut bytes);
    encoder.encode(&draw(width, height), width, height, image_webp::ColorType::Rgb8).unwrap();
    bytes
}

/// A document of `size` bytes, of which each says where it is.
pub fn pdf(size: usize) -> Vec<u8> {
    let begin = format!("%PDF-1.4\n% {}\n", MADE.fetch_add(1, Ordering::Relaxed) + std::process::id());
    begin.bytes().chain((0..).map(|at: u32| b'a' + (at % 26) as u8)).take(size).collect()
}

/// The width and the height of a picture that is served: JPEG, PNG, GIF or WebP.
pub fn size_of(bytes: &[u8]) -> (u32, u32) {
    let side = |at: usize| u32::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    match bytes {
        [0xFF, 0xD8, ..] => {
            let frame = bytes.windows(2).position(|marker| matches!(marker, [0xFF, 0xC0 | 0xC2])).unwrap();
            (side(frame + 7), side(frame + 5))
        }
        [0x89, b'P', ..] => (side(18), side(22)),
        [b'G', b'I', b'F', ..] => (u32::from(bytes[6]), u32::from(bytes[8])),
        _ => image_webp::WebPDecoder::new(std::io::Cursor::new(bytes)).unwrap().dimensions(),
    }
}

/// Whether `bytes` hold `part`.
pub fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
