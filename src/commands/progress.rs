//! How far a long command is, for whoever looks on.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::imports::view::{Progress, RowProblem};

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// A bar on a terminal, plain lines elsewhere; on standard error.
pub struct Display {
    bar: Option<ProgressBar>,
    read: Arc<AtomicU64>,
    began: Instant,
    to_anyhow: Instant,
}

impl Display {
    /// A display for a file of `length` bytes, if that is known; `read` counts them.
    pub fn new(length: Option<u64>, read: Arc<AtomicU64>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let (bar, form) = match length {
                Some(length) => (ProgressBar::new(length), "{wide_bar} {percent}% {msg}, {eta} left"),
                None => (ProgressBar::new_spinner(), "{spinner} {bytes} {msg}"),
            };
            match ProgressStyle::with_template(form) {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        Self { bar, read, began: Instant::now(), to_anyhow: Instant::now() }
    }

    /// Shows how far the import is.
    pub fn show(&mut self, progress: &Progress) {
        let seconds = self.began.elapsed().as_secs_f64().max(0.001);
        let words = format!(
            "{} rows ({:.0}/s): {} created, {} updated, {} unchanged, {} failed",
            progress.rows,
            progress.rows as f64 / seconds,
            progress.created,
            progress.updated,
            progress.unchanged,
            progress.failed
        );
        match &self.bar {
            Some(bar) => {
                bar.set_position(self.read.load(Ordering::Relaxed));
                bar.set_message(words);
            }
            None if self.to_anyhow.elapsed() >= EVERY => {
                self.to_anyhow = Instant::now();
                self.say(&words);
            }
            None => {}
        }
    }

    /// Tells of a row that needs a second look.
    pub fn warn(&self, problem: &RowProblem) {
        let id = problem.external_id.as_deref().unwrap_or("without an id");
        self.say(&format!("line {} ({id}) {}", problem.line, problem.detail));
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => {
                // Nobody to read it is no reason to stop.
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        }
    }

    /// Clears the display.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
