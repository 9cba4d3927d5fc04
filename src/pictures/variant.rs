//! Variants: other sizes, cuts and formats of a master.

use super::colour::convert_to_srgb;
use super::decode::decode_reduced;
use super::encode::encode;
use super::file_type::FileType;
use super::format::Format;
use super::geometry::{Plan, Region, plan};
use super::limits::Limits;
use super::orientation::Orientation;
use super::pixels::Pixels;
use super::probe::probe;
use super::refused::{Refused, guard};
use super::shrinker::resize;
use super::sniff::sniff;
use super::spec::VariantSpec;
use super::strip::strip;
use super::traits::is_flat;

/// A picture is reduced in steps to not less than this many times the size of a variant, which is then resized well.
const OVERSAMPLING: f64 = 2.0;
/// How far quality is lowered at a time, and at most, to stay below a size in bytes.
const QUALITY_STEP: u8 = 16;
const MIN_QUALITY: u8 = 10;

/// Width and height of a variant of a master of `width` × `height`: never enlarged, a cut keeps its ratio.
pub fn variant_size(width: u32, height: u32, spec: &VariantSpec) -> (u32, u32) {
    let plan = plan(width, height, spec);
    (plan.width, plan.height)
}

/// Makes a variant of a master, as [`super::master::make_master`] has made it.
pub fn render(master: &[u8], spec: &VariantSpec) -> Result<Vec<u8>, Refused> {
    let variants = render_all(master, std::slice::from_ref(spec))?;
    variants.into_iter().next().ok_or(Refused::NotEncoded("no variant"))
}

/// Makes variants of a master, which is decoded once. They are in the order of `specs`.
pub fn render_all(master: &[u8], specs: &[VariantSpec]) -> Result<Vec<Vec<u8>>, Refused> {
    guard(|| {
        let decoded = Decoded::open(master, specs)?;
        render_pixels(&decoded.pixels, decoded.exact, decoded.full, decoded.is_flat, specs)
    })
}

/// A variant that should not be larger in bytes than its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fitted {
    pub bytes: Vec<u8>,
    /// False if even the lowest quality was larger than the source.
    pub fits: bool,
}

/// Makes a variant that is not larger in bytes than `source`, the original that the master was made from.
///
/// If it is larger at first, the source without its metadata is taken if it has the right size and format, else the
/// quality is lowered in steps down to 10. A tiny source can win all the same: then `fits` is false.
pub fn fit_below(master: &[u8], spec: &VariantSpec, source: &[u8]) -> Result<Fitted, Refused> {
    let first = render(master, spec)?;
    if first.len() <= source.len() {
        return Ok(Fitted { bytes: first, fits: true });
    }
    if let Some(bytes) = strip_if_equal(master, spec, source) {
        return Ok(Fitted { bytes, fits: true });
    }
    let mut smallest = first;
    let mut quality = spec.quality;
    while quality > MIN_QUALITY && spec.format != Format::Png && smallest.len() > source.len() {
        quality = quality.saturating_sub(QUALITY_STEP).max(MIN_QUALITY);
        let next = render(master, &VariantSpec { quality, ..*spec })?;
        if next.len() < smallest.len() {
            smallest = next;
        }
    }
    let fits = smallest.len() <= source.len();
    Ok(Fitted { bytes: smallest, fits })
}

/// The source without its metadata, if that is what the variant would be.
fn strip_if_equal(master: &[u8], spec: &VariantSpec, source: &[u8]) -> Option<Vec<u8>> {
    let limits = Limits::default();
    let facts = guard(|| probe(source, &limits)).ok()?.facts;
    let master = guard(|| probe(master, &limits)).ok()?.facts;
    let plan = plan(master.width, master.height, spec);
    let is_whole = plan.region == Region::whole(f64::from(facts.width), f64::from(facts.height));
    let is_equal = is_whole
        && (plan.width, plan.height) == (facts.width, facts.height)
        && facts.file_type == spec.format.file_type()
        && facts.orientation == Orientation::UPRIGHT
        && facts.frames == 1
        && !facts.has_icc;
    let stripped = is_equal.then(|| strip(source).ok()).flatten()?;
    (stripped.len() <= source.len()).then_some(stripped)
}

/// A decoded master.
struct Decoded {
    pixels: Pixels,
    /// Width and height of the pixels without rounding up.
    exact: (f64, f64),
    /// Width and height of the master.
    full: (u32, u32),
    is_flat: bool,
}

impl Decoded {
    fn open(master: &[u8], specs: &[VariantSpec]) -> Result<Self, Refused> {
        let sniffed = sniff(master);
        if !matches!(sniffed, Some(FileType::Jpeg | FileType::Png)) {
            return Err(Refused::UnknownType);
        }
        let limits = Limits { max_decode_bytes: u64::MAX, ..Limits::default() };
        let probe = probe(master, &limits)?;
        let full = (probe.facts.width, probe.facts.height);
        let shares = specs.iter().map(|spec| find_share(&plan(full.0, full.1, spec)));
        let reduced = decode_reduced(master, &probe, shares.fold(0.0, f64::max) * OVERSAMPLING)?;
        let pixels = convert_to_srgb(reduced.pixels, probe.icc.as_deref());
        let is_flat = sniffed == Some(FileType::Png) && is_flat(&pixels);
        Ok(Self { pixels, exact: reduced.exact, full, is_flat })
    }
}

/// The size of a variant beside the size of its part of the picture.
fn find_share(plan: &Plan) -> f64 {
    (f64::from(plan.width) / plan.region.width).max(f64::from(plan.height) / plan.region.height)
}

/// Makes variants of decoded pixels that are `exact` large and stand for a master of `full` pixels.
pub(super) fn render_pixels(
    pixels: &Pixels,
    exact: (f64, f64),
    full: (u32, u32),
    is_flat: bool,
    specs: &[VariantSpec],
) -> Result<Vec<Vec<u8>>, Refused> {
    let plans: Vec<Plan> = specs.iter().map(|spec| plan(full.0, full.1, spec)).collect();
    let mut order: Vec<usize> = (0..specs.len()).collect();
    // The larger ones first: the smaller ones are made from them.
    order.sort_by(|a, b| find_share(&plans[*b]).total_cmp(&find_share(&plans[*a])));
    let mut sizes = Sizes { pixels, exact, full, made: Vec::new() };
    let mut variants = vec![Vec::new(); specs.len()];
    for i in order {
        let resized = sizes.make(&plans[i])?;
        variants[i] = encode(resized, specs[i].format, specs[i].quality, is_flat)?;
    }
    Ok(variants)
}

/// Resized pictures, each made from the smallest one that is large enough.
struct Sizes<'a> {
    pixels: &'a Pixels,
    exact: (f64, f64),
    full: (u32, u32),
    made: Vec<(Plan, Pixels)>,
}

impl Sizes<'_> {
    fn make(&mut self, plan: &Plan) -> Result<&Pixels, Refused> {
        let known = self.made.iter().position(|(made, _)| made == plan);
        let index = match known {
            Some(index) => index,
            None => {
                let resized = self.resize(plan)?;
                self.made.push((*plan, resized));
                self.made.len() - 1
            }
        };
        Ok(&self.made[index].1)
    }

    fn resize(&self, plan: &Plan) -> Result<Pixels, Refused> {
        let (full_width, full_height) = (f64::from(self.full.0), f64::from(self.full.1));
        let whole = Region::whole(full_width, full_height);
        let is_enough =
            |made: &Plan| made.region == whole && find_share(made) >= find_share(plan) * OVERSAMPLING;
        let smaller = self.made.iter().rfind(|(made, _)| is_enough(made));
        let (from, exact) = match smaller {
            Some((_, pixels)) => (pixels, (f64::from(pixels.width), f64::from(pixels.height))),
            None => (self.pixels, self.exact),
        };
        let region = plan.region.scale(exact.0 / full_width, exact.1 / full_height);
        resize(from, region, plan.width, plan.height)
    }
}
