//! Shows the progress of an import on standard error.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::report::{RowReport, name_row};
use crate::imports::view::Progress;
use crate::interchange::origins::notes::FileWarning;

/// Warnings that are shown, so that dirty rows do not drown the progress.
const MAX_SHOWN_WARNINGS: u64 = 50;
/// Interval between lines if standard error is not a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// A progress bar on a terminal, plain lines elsewhere.
pub struct Display {
    bar: Option<ProgressBar>,
    bytes_read: Arc<AtomicU64>,
    started_at: Instant,
    last_line_at: Instant,
    /// Rows with warnings so far.
    warnings: u64,
    /// Warnings about no row so far.
    file_warnings: u64,
}

impl Display {
    /// A display for a file. `length` is its size, if known; `bytes_read` counts the bytes read.
    pub fn new(length: Option<u64>, bytes_read: Arc<AtomicU64>) -> Self {
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
        let (started_at, last_line_at) = (Instant::now(), Instant::now());
        Self { bar, bytes_read, started_at, last_line_at, warnings: 0, file_warnings: 0 }
    }

    /// Shows the progress.
    pub fn show_progress(&mut self, progress: &Progress) {
        let seconds = self.started_at.elapsed().as_secs_f64().max(0.001);
        let text = format!(
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
                bar.set_position(self.bytes_read.load(Ordering::Relaxed));
                bar.set_message(text);
            }
            None if self.last_line_at.elapsed() >= LINE_INTERVAL => {
                self.last_line_at = Instant::now();
                self.print_line(&text);
            }
            None => {}
        }
    }

    /// Shows the warnings about a row. After the first [`MAX_SHOWN_WARNINGS`] rows only says that there are more.
    pub fn show_warnings(&mut self, row: &RowReport) {
        self.warnings += 1;
        if self.warnings > MAX_SHOWN_WARNINGS {
            if self.warnings == MAX_SHOWN_WARNINGS + 1 {
                self.print_line("More rows have warnings; the end says their sum.");
            }
            return;
        }
        let details: Vec<&str> = row.warnings.iter().map(|warning| warning.detail.as_str()).collect();
        let name = name_row(row.line, row.place.as_deref(), row.external_id.as_deref());
        self.print_line(&format!("{name} {}", details.join("; ")));
    }

    /// Shows a warning that is about no row.
    pub fn show_file_warning(&mut self, warning: &FileWarning) {
        self.file_warnings += 1;
        match self.file_warnings {
            1..=MAX_SHOWN_WARNINGS => self.print_line(&format!("{} {}", warning.place, warning.detail)),
            count if count == MAX_SHOWN_WARNINGS + 1 => {
                self.print_line("More of the file is not in articles; the end says the sum.");
            }
            _ => {}
        }
    }

    /// Returns how many warnings are about no row.
    pub const fn count_file_warnings(&self) -> u64 {
        self.file_warnings
    }

    /// Returns how many rows have warnings.
    pub const fn count_warnings(&self) -> u64 {
        self.warnings
    }

    /// Shows a line of its own.
    pub fn print_line(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => {
                // A closed standard error does not stop the import.
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        }
    }

    /// Clears the display.
    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
