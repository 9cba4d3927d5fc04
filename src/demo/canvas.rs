//! Shapes, painted into a picture with smooth edges.

/// Width of the pictures in pixels.
pub const WIDTH: usize = 1200;
/// Height of the pictures in pixels.
pub const HEIGHT: usize = 750;
/// Lines that are looked at in each row of pixels.
const LINES: usize = 4;

/// A point: from the left, and from the top.
pub type Point = (f32, f32);

/// A picture in RGB.
pub struct Canvas {
    pixels: Vec<[u8; 3]>,
}

impl Canvas {
    /// A picture whose colour goes from `top` to `bottom`.
    pub fn new(top: u32, bottom: u32) -> Self {
        let mut canvas = Self { pixels: vec![[0; 3]; WIDTH * HEIGHT] };
        canvas.shade(&rectangle(0.0, 0.0, WIDTH as f32, HEIGHT as f32), top, bottom);
        canvas
    }

    /// The bytes of the pixels, row by row.
    pub fn bytes(&self) -> &[u8] {
        self.pixels.as_flattened()
    }

    /// Paints what is inside an outline. Colours are `0xRRGGBBAA`.
    pub fn fill(&mut self, outline: &[Point], colour: u32) {
        self.shade(outline, colour, colour);
    }

    /// Paints what is inside an outline: inside are the points from which a ray crosses it an odd number of times.
    pub fn shade(&mut self, outline: &[Point], top: u32, bottom: u32) {
        let (above, below) = find_extent(outline.iter().map(|point| point.1));
        let (left, right) = find_extent(outline.iter().map(|point| point.0));
        let column = |x: f32| x.clamp(0.0, WIDTH as f32) as usize;
        let (left, right) = (column(left), column(right.ceil()));
        let mut steps = [0.0; WIDTH + 2];
        for row in above.max(0.0) as usize..below.ceil().clamp(0.0, HEIGHT as f32) as usize {
            for line in 0..LINES {
                note_line(&mut steps, outline, row as f32 + (line as f32 + 0.5) / LINES as f32);
            }
            let [red, green, blue, alpha] = mix(top, bottom, (row as f32 - above) / (below - above).max(1.0));
            let mut covered = 0.0;
            let pixels = &mut self.pixels[row * WIDTH..][left..right];
            for (pixel, step) in pixels.iter_mut().zip(&mut steps[left..]) {
                covered += std::mem::take(step);
                let share = covered * alpha / 255.0;
                let lay =
                    |below: u8, colour: f32| (f32::from(below) * (1.0 - share) + colour * share + 0.5) as u8;
                if share > 0.002 {
                    *pixel = [lay(pixel[0], red), lay(pixel[1], green), lay(pixel[2], blue)];
                }
            }
            steps[right..].fill(0.0);
        }
    }
}

/// Notes where the horizontal line at `y` enters and leaves an outline, as steps of the coverage from pixel to pixel.
fn note_line(steps: &mut [f32], outline: &[Point], y: f32) {
    let mut before = outline.last().copied().unwrap_or_default();
    let mut crossings = Vec::new();
    for &point in outline {
        if (before.1 <= y) != (point.1 <= y) {
            crossings.push(before.0 + (y - before.1) / (point.1 - before.1) * (point.0 - before.0));
        }
        before = point;
    }
    crossings.sort_by(f32::total_cmp);
    let mut step = 1.0 / LINES as f32;
    for crossing in crossings {
        let x = crossing.clamp(0.0, WIDTH as f32);
        let (pixel, part) = (x as usize, x.fract());
        steps[pixel] += step * (1.0 - part);
        steps[pixel + 1] += step * part;
        step = -step;
    }
}

fn find_extent(values: impl Iterator<Item = f32>) -> (f32, f32) {
    values.fold((f32::MAX, f32::MIN), |(low, high), value| (low.min(value), high.max(value)))
}

/// The colour at a share of the way from one colour to another.
fn mix(top: u32, bottom: u32, share: f32) -> [f32; 4] {
    let (top, bottom) = (top.to_be_bytes(), bottom.to_be_bytes());
    std::array::from_fn(|at| f32::from(top[at]) * (1.0 - share) + f32::from(bottom[at]) * share)
}

/// A rectangle from its upper left corner.
pub fn rectangle(x: f32, y: f32, width: f32, height: f32) -> Vec<Point> {
    vec![(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
}

/// An ellipse about a point.
pub fn ellipse((x, y): Point, across: f32, down: f32) -> Vec<Point> {
    let at = |step: i32| turn((x, y), step as f32 / 72.0, across, down);
    (0..72).map(at).collect()
}

/// The part of a ring about a point from one angle to another, in turns clockwise from the top.
pub fn ring(middle: Point, (inner, outer): (f32, f32), (from, to): (f32, f32)) -> Vec<Point> {
    let angle = |step: i32| from + (to - from) * step as f32 / 72.0;
    let there = (0..=72).map(|step| turn(middle, angle(step), outer, outer));
    there.chain((0..=72).rev().map(|step| turn(middle, angle(step), inner, inner))).collect()
}

/// The point of an ellipse at an angle, in turns clockwise from the top.
pub fn turn((x, y): Point, angle: f32, across: f32, down: f32) -> Point {
    let (sin, cos) = (angle * std::f32::consts::TAU).sin_cos();
    (x + across * sin, y - down * cos)
}

/// A line of some width between two points.
pub fn bar(from: Point, to: Point, width: f32) -> Vec<Point> {
    let (x, y) = (to.0 - from.0, to.1 - from.1);
    let half = width / 2.0 / x.hypot(y).max(f32::EPSILON);
    let (x, y) = (-y * half, x * half);
    vec![(from.0 + x, from.1 + y), (to.0 + x, to.1 + y), (to.0 - x, to.1 - y), (from.0 - x, from.1 - y)]
}
