//! What was measured: printed as it comes, and kept as JSON, a table and a plot.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use serde_json::{Map, Value, json};

use crate::cached::OURS;
use crate::wrk::Measured;

mod plot;

/// All figures of a run of the benchmark.
pub struct Results {
    machine: Value,
    figures: Vec<Figure>,
    others: Map<String, Value>,
    aims: Vec<Aim>,
}

/// The rate of one contestant.
pub struct Figure {
    pub part: String,
    pub connections: usize,
    pub contestant: String,
    pub measured: Measured,
}

/// What should be, and what is.
struct Aim {
    name: String,
    value: f64,
    /// At least or at most.
    bound: (&'static str, f64),
}

impl Aim {
    fn is_met(&self) -> bool {
        match self.bound {
            ("at least", least) => self.value >= least,
            (_, most) => self.value <= most,
        }
    }
}

/// The middle of `values`.
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The middle of the rates, and that of the times.
pub fn median_run(runs: &[Measured]) -> Measured {
    let of = |value: fn(&Measured) -> f64| median(&runs.iter().map(value).collect::<Vec<_>>());
    Measured { rate: of(|run| run.rate), p99: of(|run| run.p99) }
}

impl Results {
    /// No figures yet, of this machine.
    pub fn begin() -> anyhow::Result<Self> {
        let cpu = fs::read_to_string("/proc/cpuinfo")?;
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
        let programs = ["nginx -v", "varnishd -V", "wrk -v", "pgbench --version"].map(find_version);
        let machine = json!({
            "cpu": model.trim_start_matches([' ', '\t', ':']),
            "cores": std::thread::available_parallelism()?.get(),
            "kernel": fs::read_to_string("/proc/sys/kernel/osrelease")?.trim(),
            "programs": programs,
            "load_before": read_load()?,
        });
        println!("{machine:#}");
        Ok(Self { machine, figures: Vec::new(), others: Map::new(), aims: Vec::new() })
    }

    /// Keeps and prints the figures of a contestant.
    pub fn note(&mut self, part: &str, connections: usize, contestant: &str, measured: Measured) {
        let Measured { rate, p99 } = measured;
        let slow = if p99.is_nan() { String::new() } else { format!("   p99 {p99:7.2} ms") };
        println!("{part:<30} {connections:>3} connections  {contestant:<26} {rate:9.0}/s{slow}");
        let (part, contestant) = (part.to_owned(), contestant.to_owned());
        self.figures.push(Figure { part, connections, contestant, measured });
    }

    /// The same without times.
    pub fn note_rate(&mut self, part: &str, connections: usize, contestant: &str, rate: f64) {
        self.note(part, connections, contestant, Measured { rate, p99: f64::NAN });
    }

    /// Keeps and prints figures of another kind.
    pub fn note_other(&mut self, name: &str, told: Value) {
        println!("{name}: {told:#}");
        self.others.insert(name.to_owned(), told);
    }

    fn rate(&self, part: &str, connections: usize, contestant: &str) -> Option<f64> {
        let mut figures = self.figures.iter();
        let is_asked = |figure: &&Figure| {
            figure.part == part && figure.connections == connections && figure.contestant == contestant
        };
        figures.find(is_asked).map(|figure| figure.measured.rate)
    }

    /// Compares two contestants, if both were there.
    pub fn judge_ratio(&mut self, part: &str, connections: usize, (one, other): (&str, &str), least: f64) {
        let rate = |name| self.rate(part, connections, name);
        if let (Some(rate), Some(floor)) = (rate(one), rate(other)) {
            let name = format!("{part}, {connections} connections: {one} / {other}");
            self.judge_at_least(&name, rate / floor, least);
        }
    }

    pub fn judge_at_least(&mut self, name: &str, value: f64, least: f64) {
        self.aims.push(Aim { name: name.to_owned(), value, bound: ("at least", least) });
    }

    pub fn judge_at_most(&mut self, name: &str, value: f64, most: f64) {
        self.aims.push(Aim { name: name.to_owned(), value, bound: ("at most", most) });
    }

    /// Prints the aims. Fails for none: figures of a machine with other load prove nothing.
    pub fn finish(&self) -> anyhow::Result<()> {
        println!("\n{}", self.list_aims()?);
        Ok(())
    }

    /// Writes all of it into `folder`.
    pub fn write(&mut self, folder: &Path) -> anyhow::Result<()> {
        self.machine["load_after"] = read_load()?.into();
        fs::create_dir_all(folder)?;
        let figures = self.figures.iter().map(|figure| {
            json!({"part": figure.part, "connections": figure.connections, "contestant": figure.contestant,
                "rate": figure.measured.rate.round(), "p99_ms": figure.measured.p99})
        });
        let aims = self.aims.iter().map(|aim| {
            json!({"name": aim.name, "value": aim.value, "bound": aim.bound.0, "limit": aim.bound.1, "is_met": aim.is_met()})
        });
        let all = json!({"machine": self.machine, "figures": figures.collect::<Vec<_>>(), "others": self.others,
            "aims": aims.collect::<Vec<_>>()});
        fs::write(folder.join("reading.json"), format!("{all:#}\n"))?;
        fs::write(folder.join("reading.svg"), plot::draw(&self.figures)?)?;
        fs::write(folder.join("reading.md"), self.write_tables()?).context("writing the table")
    }

    fn write_tables(&self) -> anyhow::Result<String> {
        let mut text = String::from("# Reading\n\nWritten by `cargo bench --bench reading`.\n\n");
        let machine = &self.machine;
        writeln!(
            text,
            "{}, {} cores, Linux {}. Load average before: {}, after: {}.\n",
            machine["cpu"].as_str().unwrap_or_default(),
            machine["cores"],
            machine["kernel"].as_str().unwrap_or_default(),
            machine["load_before"].as_str().unwrap_or_default(),
            machine["load_after"].as_str().unwrap_or_default()
        )?;
        text.push_str("Cached reads: each server on one core with one worker, wrk on the other. Uncached: all on all cores.\n\n");
        text.push_str("![Rates](reading.svg)\n\n## Rates\n\n| part | connections | who | a second | p99, ms | share of the first |\n|---|--:|---|--:|--:|--:|\n");
        for figure in &self.figures {
            let first = self
                .figures
                .iter()
                .find(|one| one.part == figure.part && one.connections == figure.connections);
            let share = figure.measured.rate / first.map_or(f64::NAN, |first| first.measured.rate);
            let p99 = Some(figure.measured.p99).filter(|p99| !p99.is_nan());
            let p99 = p99.map(|p99| format!("{p99:.2}")).unwrap_or_default();
            writeln!(
                text,
                "| {} | {} | {} | {:.0} | {p99} | {share:.2} |",
                figure.part, figure.connections, figure.contestant, figure.measured.rate
            )?;
        }
        for (name, told) in &self.others {
            writeln!(text, "\n## {name}\n\n| what | value |\n|---|--:|")?;
            for (key, value) in told.as_object().into_iter().flatten() {
                let value = value
                    .as_f64()
                    .map_or_else(|| value.to_string(), |number| format!("{}", (number * 1e3).round() / 1e3));
                writeln!(text, "| {} | {value} |", key.replace('_', " "))?;
            }
        }
        write!(text, "\n## Aims\n\n{}", self.list_aims()?)?;
        Ok(text)
    }

    fn list_aims(&self) -> anyhow::Result<String> {
        let mut text = String::from("| aim | is | should be | met |\n|---|--:|--:|---|\n");
        for aim in &self.aims {
            let (bound, limit) = aim.bound;
            writeln!(
                text,
                "| {} | {:.2} | {bound} {limit} | {} |",
                aim.name,
                aim.value,
                if aim.is_met() { "yes" } else { "no" }
            )?;
        }
        Ok(text)
    }
}

/// The name of the contestant that others are compared with in a plot.
pub fn is_ours(name: &str) -> bool {
    name == OURS
}

fn read_load() -> anyhow::Result<String> {
    let load = fs::read_to_string("/proc/loadavg")?;
    Ok(load.split(' ').take(3).collect::<Vec<_>>().join(" "))
}

/// The first line that a program says of its version; empty without the program.
fn find_version(command: &str) -> String {
    let mut words = command.split(' ');
    let told = Command::new(words.next().unwrap_or_default()).args(words).output();
    let told = told.map(|told| [told.stdout, told.stderr].concat()).unwrap_or_default();
    String::from_utf8_lossy(&told).lines().next().unwrap_or_default().to_owned()
}
