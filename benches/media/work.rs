//! The work that is measured, each in a process of its own: so the memory of one does not count for another.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use inkstone::pictures::format::Format;
use inkstone::pictures::limits::Limits;
use inkstone::pictures::master::make_master;
use inkstone::pictures::source::Source;
use inkstone::pictures::spec::VariantSpec;
use inkstone::pictures::variant::render_all;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use serde::{Deserialize, Serialize};

use crate::{PHOTOGRAPH, QUALITY, WIDTHS};

/// Twelve megapixels.
const WIDTH: u16 = 4_000;
const HEIGHT: u16 = 3_000;
const PHOTOGRAPH_QUALITY: u8 = 90;
const MASTER: &str = "master.jpg";

/// What some work took.
#[derive(Clone, Serialize, Deserialize)]
pub struct Measured {
    /// Milliseconds of processor time, of all threads, in the program and in the kernel.
    pub cpu_ms: f64,
    /// The most memory of the process before the work.
    pub peak_before_kib: u64,
    /// The most memory of the process after it.
    pub peak_kib: u64,
    /// The version of sharp.
    pub version: Option<String>,
}

/// Does `name` with the photograph in `pictures`, and writes the variants into `outputs`.
pub fn run(name: &str, pictures: &Path, outputs: &Path) -> anyhow::Result<Option<Measured>> {
    let photograph = pictures.join(PHOTOGRAPH);
    let master = pictures.join(MASTER);
    match name {
        "draw" => draw_photograph(&photograph)?,
        "master" => fs::write(&master, make_master(&Source::open(&photograph)?, &Limits::default())?.bytes)?,
        "variants" => return measure(outputs, || Ok(render_all(&Source::open(&master)?, &list_specs())?)),
        "upload" => {
            return measure(outputs, || {
                let master = make_master(&Source::open(&photograph)?, &Limits::default())?;
                Ok(render_all(&master.bytes, &list_specs())?)
            });
        }
        _ => bail!("no work is called {name}"),
    }
    Ok(None)
}

/// Five widths, each as WebP and as JPEG.
fn list_specs() -> Vec<VariantSpec> {
    let one = |width, format| VariantSpec {
        width: Some(width),
        height: None,
        crop: None,
        format,
        quality: QUALITY,
    };
    WIDTHS.iter().flat_map(|width| [one(*width, Format::Webp), one(*width, Format::Jpeg)]).collect()
}

fn measure(
    outputs: &Path,
    work: impl FnOnce() -> anyhow::Result<Vec<Vec<u8>>>,
) -> anyhow::Result<Option<Measured>> {
    let (peak_before_kib, before) = (read_peak()?, read_cpu_ms());
    let variants = work()?;
    let (cpu_ms, peak_kib) = (read_cpu_ms() - before, read_peak()?);
    for (i, variant) in variants.iter().enumerate() {
        fs::write(outputs.join(i.to_string()), variant)?;
    }
    Ok(Some(Measured { cpu_ms, peak_before_kib, peak_kib, version: None }))
}

/// Writes a JPEG with soft shades, fine waves and noise, as photographs have them. It is the same each time.
fn draw_photograph(path: &Path) -> anyhow::Result<()> {
    let mut rgb = Vec::with_capacity(usize::from(WIDTH) * usize::from(HEIGHT) * 3);
    let mut seed = 1_u32;
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            seed = seed.wrapping_mul(1_103_515_245).wrapping_add(12_345);
            let noise = f64::from(seed >> 16 & 15) - 8.0;
            let (x, y) = (f64::from(x), f64::from(y));
            let shade =
                (x / 97.0).sin() * 40.0 + (y / 53.0).cos() * 40.0 + ((x + y) / 11.0).sin() * 10.0 + noise;
            let (across, down) = (x / f64::from(WIDTH), y / f64::from(HEIGHT));
            let pixel = [across * 180.0 + shade + 30.0, down * 200.0 + shade * 0.6 + 20.0];
            let blue = 128.0 + shade * 0.8 - across * 60.0;
            rgb.extend([pixel[0], pixel[1], blue].map(|level| level.clamp(0.0, 255.0) as u8));
        }
    }
    let mut encoder = Encoder::new_file(path, PHOTOGRAPH_QUALITY)?;
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    Ok(encoder.encode(&rgb, WIDTH, HEIGHT, ColorType::Rgb)?)
}

fn read_cpu_ms() -> f64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the call writes to the structure that it gets, and zeros are valid for it too.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    let to_ms = |time: libc::timeval| time.tv_sec as f64 * 1e3 + time.tv_usec as f64 / 1e3;
    to_ms(usage.ru_utime) + to_ms(usage.ru_stime)
}

/// The most memory so far in KiB. That of `getrusage` would count that of the process that started this one too.
fn read_peak() -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("a peak")?;
    Ok(peak.trim().trim_end_matches(" kB").parse()?)
}
