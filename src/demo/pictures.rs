//! The pictures of the demo site, drawn when it is loaded.

use jpeg_encoder::{ColorType, Encoder};

use super::canvas::{Canvas, HEIGHT, Point, WIDTH, bar, ellipse, rectangle, ring, turn};

/// The quality of pictures as JPEG.
const JPEG_QUALITY: u8 = 88;

/// Draws a picture of the demo site, as a file. `None` if there is none of this name.
pub fn draw(name: &str) -> Option<Vec<u8>> {
    match name {
        "hills" => encode_jpeg(&draw_hills()),
        "harbour" => encode_jpeg(&draw_harbour()),
        "weights" => encode_jpeg(&draw_weights()),
        "gauge" => encode_jpeg(&draw_gauge()),
        "chart" => encode_png(&draw_chart()),
        "layout" => encode_png(&draw_layout()),
        _ => None,
    }
}

fn encode_jpeg(canvas: &Canvas) -> Option<Vec<u8>> {
    let mut jpeg = Vec::new();
    let encoder = Encoder::new(&mut jpeg, JPEG_QUALITY);
    encoder.encode(canvas.bytes(), WIDTH as u16, HEIGHT as u16, ColorType::Rgb).ok()?;
    Some(jpeg)
}

fn encode_png(canvas: &Canvas) -> Option<Vec<u8>> {
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, WIDTH as u32, HEIGHT as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().ok()?.write_image_data(canvas.bytes()).ok()?;
    Some(png)
}

/// A ridge of hills, down to the lower edge of the picture.
fn ridge(middle: f32, height: f32, shift: f32) -> Vec<Point> {
    let crest = |x: f32| {
        (x * 0.005 + shift).sin() * 0.6
            + (x * 0.014 + shift * 2.3).sin() * 0.3
            + (x * 0.04 + shift).sin() * 0.06
    };
    let edge = (0..=60).map(|step| step as f32 * 20.0).map(|x| (x, middle - height * crest(x)));
    edge.chain([(WIDTH as f32, HEIGHT as f32), (0.0, HEIGHT as f32)]).collect()
}

/// Hills behind each other, and a van on the road before them.
fn draw_hills() -> Canvas {
    let mut canvas = Canvas::new(0x8fb8d8ff, 0xfbe9cfff);
    canvas.fill(&ellipse((860.0, 190.0), 110.0, 110.0), 0xfff6dc50);
    canvas.fill(&ellipse((860.0, 190.0), 70.0, 70.0), 0xfff6dcff);
    let colours = [0xa9bfc9ff, 0x87a5aaff, 0x668b86ff, 0x4a7462ff, 0x3a6446ff_u32];
    for (layer, colour) in colours.into_iter().enumerate() {
        let depth = layer as f32;
        canvas.shade(
            &ridge(330.0 + depth * 75.0, 110.0 - depth * 14.0, 1.3 + depth * 2.1),
            colour,
            0x5d8a4eff,
        );
    }
    canvas.fill(&bar((-20.0, 735.0), (1220.0, 655.0), 46.0), 0xd8cdb4ff);
    canvas.fill(&ellipse((575.0, 702.0), 125.0, 12.0), 0x1d252950);
    canvas.shade(
        &[(470.0, 590.0), (640.0, 590.0), (690.0, 640.0), (690.0, 690.0), (470.0, 690.0)],
        0xffffffff,
        0xdfe5e8ff,
    );
    canvas.fill(&rectangle(470.0, 645.0, 220.0, 14.0), 0x1f4e5fff);
    canvas.fill(&[(598.0, 602.0), (634.0, 602.0), (668.0, 638.0), (598.0, 638.0)], 0x3b5866ff);
    for x in [520.0, 645.0] {
        canvas.fill(&ellipse((x, 692.0), 24.0, 24.0), 0x23292dff);
        canvas.fill(&ellipse((x, 692.0), 10.0, 10.0), 0xb9c2c7ff);
    }
    canvas
}

/// A ship with containers at a quay with two cranes, in the morning.
fn draw_harbour() -> Canvas {
    let mut canvas = Canvas::new(0x6f9fc4ff, 0xffdcb0ff);
    canvas.fill(&ellipse((250.0, 430.0), 60.0, 60.0), 0xfff3d0ff);
    canvas.shade(&ridge(420.0, 30.0, 0.4), 0x8a9fb0ff, 0xa9b4bbff);
    canvas.shade(&rectangle(0.0, 470.0, 1200.0, 280.0), 0x7fa3b4ff, 0x2c5266ff);
    for wave in 0..26 {
        let (x, y) = ((wave * 257 % 1100) as f32, 482.0 + (wave * 10) as f32);
        canvas.fill(&bar((x, y), (x + 60.0 + (wave * 4) as f32, y), 3.0), 0xffffff38);
    }
    canvas.shade(&[(120.0, 520.0), (860.0, 520.0), (820.0, 610.0), (190.0, 610.0)], 0x9a3a30ff, 0x5e211dff);
    canvas.fill(&rectangle(150.0, 420.0, 80.0, 100.0), 0xf3f1ecff);
    canvas.fill(&rectangle(160.0, 434.0, 60.0, 14.0), 0x3b5866ff);
    let colours = [0xd9a441ff, 0x1f6e8cff, 0xb4503cff, 0x4f7d57ff, 0xd8d4c8ff_u32];
    for place in 0..24_usize {
        let (x, y) = (250.0 + (place % 8) as f32 * 70.0, 490.0 - (place / 8) as f32 * 32.0);
        canvas.fill(&rectangle(x, y, 66.0, 30.0), colours[place * 7 % 5]);
    }
    canvas.shade(&rectangle(0.0, 640.0, 1200.0, 110.0), 0xa39d92ff, 0x77726aff);
    for x in [470.0, 900.0] {
        for leg in [x, x + 130.0] {
            canvas.fill(&bar((leg, 230.0), (leg, 650.0), 16.0), 0x1f4e5fff);
        }
        canvas.fill(&bar((x - 260.0, 240.0), (x + 220.0, 240.0), 18.0), 0x1f4e5fff);
        canvas.fill(&bar((x, 420.0), (x + 130.0, 420.0), 12.0), 0x1f4e5fff);
        for (from, to) in [(x - 240.0, x), (x + 130.0, x), (x + 210.0, x + 10.0)] {
            canvas.fill(&bar((from, 240.0), (to, 130.0), 6.0), 0x2f6478ff);
        }
        canvas.fill(&bar((x - 120.0, 245.0), (x - 120.0, 370.0), 3.0), 0x23292dff);
        canvas.fill(&rectangle(x - 153.0, 370.0, 66.0, 30.0), 0xd9a441ff);
    }
    canvas
}

/// A set of weights on a table, the heaviest first.
fn draw_weights() -> Canvas {
    let mut canvas = Canvas::new(0x2c4651ff, 0x4f7380ff);
    canvas.shade(&rectangle(0.0, 560.0, 1200.0, 190.0), 0x8c6a47ff, 0x5f432bff);
    let mut x = 90.0;
    for (width, height) in
        [(230.0, 330.0), (190.0, 270.0), (150.0, 210.0), (115.0, 165.0), (85.0, 120.0), (60.0, 85.0)]
    {
        draw_weight(&mut canvas, (x, 620.0), width, height);
        x += width + 36.0;
    }
    canvas
}

/// A brass weight whose left lower corner is at a point.
fn draw_weight(canvas: &mut Canvas, (x, base): Point, width: f32, height: f32) {
    let (middle, top) = (x + width / 2.0, base - height * 0.62);
    canvas.fill(&ellipse((middle + width * 0.12, base), width * 0.62, width * 0.1), 0x00000055);
    canvas.shade(
        &rectangle(middle - width * 0.11, base - height * 0.8, width * 0.22, height * 0.22),
        0xa97f2eff,
        0x8a6420ff,
    );
    canvas.shade(
        &ellipse((middle, base - height * 0.86), width * 0.24, height * 0.13),
        0xf0d088ff,
        0xa97f2eff,
    );
    canvas.fill(&ellipse((middle, base), width / 2.0, width * 0.09), 0xb98d38ff);
    canvas.shade(&rectangle(x, top, width, base - top), 0xd9ad55ff, 0xb98d38ff);
    for (from, share, colour) in [
        (0.0, 0.12, 0x6b4a1455),
        (0.2, 0.1, 0xffffff70),
        (0.3, 0.06, 0xffffff38),
        (0.72, 0.28, 0x6b4a1450),
        (0.88, 0.12, 0x6b4a1450),
    ] {
        canvas.fill(&rectangle(x + width * from, top, width * share, base - top), colour);
    }
    canvas.shade(&ellipse((middle, top), width / 2.0, width * 0.09), 0xf4dca0ff, 0xd3a852ff);
    canvas.fill(&ellipse((middle, top), width * 0.16, width * 0.03), 0x8a642080);
}

/// The dial of a pressure gauge.
fn draw_gauge() -> Canvas {
    let mut canvas = Canvas::new(0x9fb0b8ff, 0x5c707aff);
    let middle = (600.0, 350.0);
    canvas.shade(&rectangle(560.0, 620.0, 80.0, 130.0), 0xc9a45cff, 0x8a6a2cff);
    canvas.fill(&ellipse((618.0, 372.0), 310.0, 310.0), 0x1d252940);
    canvas.shade(&ellipse(middle, 305.0, 305.0), 0xe9edefff, 0x6d7a81ff);
    canvas.shade(&ellipse(middle, 275.0, 275.0), 0x7d898fff, 0xe3e7e9ff);
    canvas.shade(&ellipse(middle, 262.0, 262.0), 0xffffffff, 0xf0eee8ff);
    for (from, to, colour) in
        [(-0.375, 0.15, 0x3f8f63ff), (0.15, 0.27, 0xe0a93aff), (0.27, 0.375, 0xb83a32ff)]
    {
        canvas.fill(&ring(middle, (218.0, 236.0), (from, to)), colour);
    }
    for tick in 0..=50 {
        let angle = -0.375 + tick as f32 * 0.015;
        let (inner, width) = if tick % 5 == 0 { (178.0, 6.0) } else { (198.0, 2.5) };
        canvas.fill(
            &bar(turn(middle, angle, inner, inner), turn(middle, angle, 214.0, 214.0), width),
            0x23292dff,
        );
    }
    let needle = [
        turn(middle, 0.07, 205.0, 205.0),
        turn(middle, 0.32, 12.0, 12.0),
        turn(middle, 0.57, 60.0, 60.0),
        turn(middle, 0.82, 12.0, 12.0),
    ];
    canvas.fill(&needle.map(|(x, y)| (x + 6.0, y + 9.0)), 0x1d252938);
    canvas.fill(&needle, 0xa11d1dff);
    canvas.shade(&ellipse(middle, 26.0, 26.0), 0x5b666cff, 0x23292dff);
    canvas
}

/// Columns, each lower than the one before, and the line of their sum.
fn draw_chart() -> Canvas {
    let mut canvas = Canvas::new(0xfbfaf7ff, 0xfbfaf7ff);
    for line in 0..=5 {
        let y = 650.0 - line as f32 * 110.0;
        canvas.fill(&bar((100.0, y), (1130.0, y), 2.0), 0xd5d2c9ff);
    }
    let (mut sum, mut points) = (0.0, Vec::new());
    for (place, share) in [0.558, 0.387, 0.04, 0.015].into_iter().enumerate() {
        let middle = 230.0 + place as f32 * 255.0;
        canvas.fill(&rectangle(middle - 70.0, 650.0 - share * 550.0, 140.0, share * 550.0), 0x1f6e8cff);
        sum += share;
        points.push((middle, 650.0 - sum * 550.0));
    }
    for pair in points.windows(2) {
        canvas.fill(&bar(pair[0], pair[1], 6.0), 0xd9772bff);
    }
    for point in points {
        canvas.fill(&ellipse(point, 13.0, 13.0), 0xd9772bff);
    }
    canvas.fill(&bar((100.0, 651.0), (1130.0, 651.0), 5.0), 0x1d2529ff);
    canvas.fill(&bar((100.0, 80.0), (100.0, 653.0), 5.0), 0x1d2529ff);
    canvas
}

/// A page on a desk's screen and on a telephone.
fn draw_layout() -> Canvas {
    let mut canvas = Canvas::new(0xe5f3eaff, 0xe5f3eaff);
    draw_page(&mut canvas, (90.0, 90.0), (800.0, 560.0), 3);
    draw_page(&mut canvas, (860.0, 220.0), (240.0, 460.0), 1);
    canvas
}

/// A page with a head, a picture and lines of text in columns, in a frame.
fn draw_page(canvas: &mut Canvas, (x, y): Point, (width, height): Point, columns: usize) {
    canvas.fill(&rectangle(x - 12.0, y - 12.0, width + 24.0, height + 24.0), 0x1d2529ff);
    canvas.fill(&rectangle(x, y, width, height), 0xffffffff);
    canvas.fill(&rectangle(x, y, width, 64.0), 0x1f4e5fff);
    canvas.fill(&rectangle(x + 20.0, y + 22.0, 110.0, 20.0), 0xffffffff);
    canvas.fill(&rectangle(x + 20.0, y + 84.0, width - 40.0, height * 0.34), 0xd9a441ff);
    let top = y + 104.0 + height * 0.34;
    let column = (width - 20.0) / columns as f32 - 20.0;
    for line in 0..columns * 5 {
        let (left, row) = (x + 20.0 + (line % columns) as f32 * (column + 20.0), (line / columns) as f32);
        let length = if line / columns == 4 { 0.6 } else { 1.0 };
        canvas.fill(&rectangle(left, top + row * 36.0, column * length, 16.0), 0xbfc8ccff);
    }
}
