//! Ten variants of a 12-megapixel photograph beside those of npm `sharp` in the same run: processor time, memory,
//! bytes, and likeness to the photograph. Then the library on a running server, beside nginx and beside plain copies.
//!
//! `cargo bench --bench media [-- --quick] [-- site]`, with `site` only the last. Serving needs nginx and wrk. `SHARP_DIR` names a folder whose `node_modules` has sharp; if it is not
//! set, npm installs sharp into a temporary folder. Without Node.js or sharp, that part is left out.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "media/likeness.rs"]
mod likeness;
#[path = "media/site.rs"]
mod site;
mod support;
#[path = "media/work.rs"]
mod work;
#[path = "reading/wrk.rs"]
#[expect(dead_code, reason = "not all that it measures is told here")]
mod wrk;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use likeness::Luma;
use serde_json::{Value, json};
use work::Measured;

/// What the server allocates with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The argument that makes this program one that is measured.
const WORD: &str = "work";
const WIDTHS: [u32; 5] = [320, 640, 960, 1280, 1920];
const QUALITY: u8 = 80;
const PHOTOGRAPH: &str = "photograph.jpg";
/// Runs, of which the median counts. The contestants take turns.
const RUNS: usize = 5;
/// Files that are uploaded.
const FILES: usize = 10_000;
const OURS: &str = "master and variants";
const FLOOR: &str = "sharp, each from the file";

/// A program that makes the ten variants.
struct Contestant {
    name: &'static str,
    command: Vec<String>,
    /// Where its variants are.
    outputs: PathBuf,
    runs: Vec<Measured>,
}

impl Contestant {
    /// One of ours: `work` in another process.
    fn ours(name: &'static str, work: &str, folder: &Path) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        let outputs = folder.join(work);
        fs::create_dir_all(&outputs)?;
        let command = [&show(&program), WORD, work, &show(folder), &show(&outputs)].map(str::to_owned);
        Ok(Self { name, command: command.to_vec(), outputs, runs: Vec::new() })
    }

    fn sharp(name: &'static str, way: &str, packages: &Path, folder: &Path) -> anyhow::Result<Self> {
        let outputs = folder.join(way);
        fs::create_dir_all(&outputs)?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/media/sharp.mjs");
        let widths = WIDTHS.map(|width| width.to_string()).join(",");
        let (photograph, quality) = (show(&folder.join(PHOTOGRAPH)), QUALITY.to_string());
        let command = ["node", script, &show(packages), way, &photograph, &show(&outputs), &widths, &quality];
        Ok(Self { name, command: command.map(str::to_owned).to_vec(), outputs, runs: Vec::new() })
    }

    fn run(&mut self) -> anyhow::Result<()> {
        let told = run(&self.command)?;
        self.runs.push(serde_json::from_str(&told).with_context(|| format!("{}: {told}", self.name))?);
        Ok(())
    }

    /// The middle of the processor times.
    fn cpu_ms(&self) -> f64 {
        let mut times: Vec<f64> = self.runs.iter().map(|run| run.cpu_ms).collect();
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The most memory in MiB: that the work added, and of the whole process.
    fn memory_mib(&self) -> (u64, u64) {
        let added = self.runs.iter().map(|run| run.peak_kib - run.peak_before_kib).max();
        let whole = self.runs.iter().map(|run| run.peak_kib).max();
        (added.unwrap_or_default() >> 10, whole.unwrap_or_default() >> 10)
    }

    fn version(&self) -> Option<&str> {
        self.runs.iter().find_map(|run| run.version.as_deref())
    }
}

/// The bytes of the variants of a contestant, and how like each is to the photograph.
struct Variants {
    bytes: Vec<usize>,
    ssim: Vec<f64>,
}

impl Variants {
    fn read(outputs: &Path, photograph: &Luma) -> anyhow::Result<Self> {
        let (mut bytes, mut ssim) = (Vec::new(), Vec::new());
        for i in 0..WIDTHS.len() * 2 {
            let variant = fs::read(outputs.join(i.to_string()))?;
            let luma = Luma::decode(&variant)?;
            ensure!(luma.width == WIDTHS[i / 2] as usize, "{} pixels wide", luma.width);
            ssim.push(luma.ssim(&photograph.resize(luma.width, luma.height)?)?);
            bytes.push(variant.len());
        }
        Ok(Self { bytes, ssim })
    }

    fn total(&self) -> usize {
        self.bytes.iter().sum()
    }
}

fn show(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The output of a program that succeeds.
fn run(command: &[String]) -> anyhow::Result<String> {
    let [program, arguments @ ..] = command else { return Ok(String::new()) };
    let done = Command::new(program).args(arguments).output().with_context(|| program.clone())?;
    ensure!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr).trim());
    Ok(String::from_utf8(done.stdout)?)
}

/// A folder whose `node_modules` has a sharp that runs here.
fn find_sharp(folder: &Path) -> anyhow::Result<PathBuf> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    run(&words(&["node", "--version"]))?;
    let packages = match std::env::var_os("SHARP_DIR") {
        Some(named) => fs::canonicalize(&named).with_context(|| named.display().to_string())?,
        None => {
            let packages = folder.join("packages");
            fs::create_dir_all(&packages)?;
            let install = ["npm", "install", "--no-audit", "--no-fund", "--fetch-retries=0", "--prefix"];
            run(&words(&[&install[..], &[&show(&packages), "sharp"]].concat()))?;
            packages
        }
    };
    run(&words(&["node", "-e", "require(process.argv[1])", &show(&packages.join("node_modules/sharp"))]))?;
    Ok(packages)
}

/// The contestants that are there, and why the others are not.
fn list_contestants(folder: &Path) -> anyhow::Result<(Vec<Contestant>, Option<String>)> {
    let mut contestants = vec![
        Contestant::ours("variants of a stored master", "variants", folder)?,
        Contestant::ours(OURS, "upload", folder)?,
    ];
    match find_sharp(folder) {
        Ok(packages) => {
            contestants.push(Contestant::sharp(FLOOR, "loop", &packages, folder)?);
            contestants.push(Contestant::sharp("sharp, all from one decoded", "once", &packages, folder)?);
            Ok((contestants, None))
        }
        Err(cause) => Ok((contestants, Some(format!("{cause:#}")))),
    }
}

/// Prints a line for each contestant, beside the first of sharp.
fn print_contestants(all: &[(Contestant, Variants)]) {
    let floor = all.iter().find(|(contestant, _)| contestant.name == FLOOR);
    println!(
        "\n{:<28}{:>8}{:>7}{:>11}{:>11}{:>10}{:>7}{:>8}",
        "ten variants", "CPU ms", "ratio", "MiB added", "MiB in all", "bytes", "ratio", "SSIM"
    );
    let show_ratio = |ratio: Option<f64>| ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
    for (contestant, variants) in all {
        let (added, whole) = contestant.memory_mib();
        let time = show_ratio(floor.map(|(floor, _)| contestant.cpu_ms() / floor.cpu_ms()));
        let size = show_ratio(floor.map(|(_, floor)| variants.total() as f64 / floor.total() as f64));
        let ssim = variants.ssim.iter().copied().fold(1.0, f64::min);
        println!(
            "{:<28}{:>8.0}{time:>7}{added:>11}{whole:>11}{:>10}{size:>7}{ssim:>8.4}",
            contestant.name,
            contestant.cpu_ms(),
            variants.total()
        );
    }
    println!("SSIM: of the variant that is least like the photograph.");
}

/// Prints each variant, ours and sharp's.
fn print_variants(ours: &Variants, floor: &Variants) {
    println!(
        "\n{:<12}{:>10}{:>10}{:>7}{:>9}{:>9}",
        "variant", "bytes", "sharp's", "ratio", "SSIM", "sharp's"
    );
    for i in 0..ours.bytes.len() {
        let name = format!("{} {}", WIDTHS[i / 2], ["WebP", "JPEG"][i % 2]);
        let (bytes, floor_bytes) = (ours.bytes[i], floor.bytes[i]);
        let ratio = bytes as f64 / floor_bytes as f64;
        let (ssim, floor_ssim) = (ours.ssim[i], floor.ssim[i]);
        println!("{name:<12}{bytes:>10}{floor_bytes:>10}{ratio:>7.2}{ssim:>9.4}{floor_ssim:>9.4}");
    }
}

/// What should be: a name, what is, and the most that it should be.
fn list_aims(all: &[(Contestant, Variants)]) -> Vec<(&'static str, f64, f64)> {
    let find = |name: &str| all.iter().find(|(contestant, _)| contestant.name == name);
    let Some((ours, variants)) = find(OURS) else { return Vec::new() };
    let mut aims = vec![("MiB added", ours.memory_mib().0 as f64, 120.0)];
    if let Some((floor, floor_variants)) = find(FLOOR) {
        let worse = variants.ssim.iter().zip(&floor_variants.ssim).map(|(ours, floor)| floor - ours);
        aims.extend([
            ("processor time / sharp's", ours.cpu_ms() / floor.cpu_ms(), 0.7),
            ("bytes / sharp's", variants.total() as f64 / floor_variants.total() as f64, 1.05),
            ("SSIM below sharp's", worse.fold(f64::MIN, f64::max), 0.005),
        ]);
    }
    aims
}

fn read_machine() -> anyhow::Result<Value> {
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    Ok(json!({
        "cpu": model.trim_start_matches([' ', '\t', ':']),
        "cores": std::thread::available_parallelism()?.get(),
        "load": fs::read_to_string("/proc/loadavg")?.trim(),
    }))
}

fn to_json(contestant: &Contestant, variants: &Variants) -> Value {
    let (added, whole) = contestant.memory_mib();
    json!({"name": contestant.name, "version": contestant.version(), "cpu_ms": contestant.cpu_ms(), "added_mib": added,
        "peak_mib": whole, "bytes": variants.bytes, "ssim": variants.ssim})
}

/// Prints all that was measured, and fails for none: the figures of a busy machine prove nothing.
fn report(all: &[(Contestant, Variants)], left_out: Option<&str>, machine: &Value) {
    print_contestants(all);
    let variants = |name: &str| all.iter().find(|(contestant, _)| contestant.name == name).map(|one| &one.1);
    if let (Some(ours), Some(floor)) = (variants(OURS), variants(FLOOR)) {
        print_variants(ours, floor);
    }
    if let Some(cause) = left_out {
        println!("\nsharp was left out: {cause}");
    }
    println!("\n{:<28}{:>9}{:>9}  met", "aim", "is", "at most");
    let aims = list_aims(all);
    for (name, is, most) in &aims {
        println!("{name:<28}{is:>9.4}{most:>9}  {}", if is <= most { "yes" } else { "no" });
    }
    let aims = aims
        .iter()
        .map(|(name, is, most)| json!({"name": name, "value": is, "at_most": most, "is_met": is <= most}));
    let contestants = all.iter().map(|(contestant, variants)| to_json(contestant, variants));
    let told = json!({"machine": machine, "sharp_left_out": left_out, "contestants": contestants.collect::<Vec<_>>(),
        "aims": aims.collect::<Vec<_>>()});
    println!("\n{told}");
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, name, pictures, outputs] = &arguments[..]
        && word == WORD
    {
        if let Some(measured) = work::run(name, pictures.as_ref(), outputs.as_ref())? {
            println!("{}", serde_json::to_string(&measured)?);
        }
        return Ok(());
    }
    let runs = if arguments.iter().any(|argument| argument == "--quick") { 1 } else { RUNS };
    let folder = tempfile::tempdir()?;
    let machine = read_machine()?;
    for work in ["draw", "master"] {
        run(&Contestant::ours("", work, folder.path())?.command)?;
    }
    if arguments.iter().any(|argument| argument == "site") {
        return report_site(folder.path(), runs);
    }
    let (mut contestants, left_out) = list_contestants(folder.path())?;
    for _ in 0..runs {
        contestants.iter_mut().try_for_each(Contestant::run)?;
    }
    let photograph = Luma::decode(&fs::read(folder.path().join(PHOTOGRAPH))?)?;
    let mut all = Vec::new();
    for contestant in contestants {
        let variants = Variants::read(&contestant.outputs, &photograph)?;
        all.push((contestant, variants));
    }
    report(&all, left_out.as_deref(), &machine);
    report_site(folder.path(), runs)
}

/// Measures the library on a running server, and prints what was measured.
fn report_site(folder: &Path, runs: usize) -> anyhow::Result<()> {
    let files = if runs == 1 { FILES / 10 } else { FILES };
    let serving = site::compare_serving(&folder.join(PHOTOGRAPH), folder, runs);
    println!("\n{:<28}{:>9}{:>9}{:>7}", "a second", "ours", "floor", "ratio");
    for compared in [serving, site::compare_uploads(folder, files)] {
        match compared {
            Ok(one) => println!(
                "{:<28}{:>9.0}{:>9.0}{:>7.2}",
                one.name,
                site::median(&one.ours),
                site::median(&one.floor),
                one.ratio()
            ),
            Err(cause) => println!("left out: {cause:#}"),
        }
    }
    Ok(())
}
