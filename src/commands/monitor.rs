//! Follows a running import: shows its progress, stores it, and gathers what became of each row.

use std::collections::BTreeMap;

use super::progress::Display;
use super::report::{ReportFile, RowReport};
use super::resume::ResumeMark;
use crate::imports::view::{Event, OutcomeKind, PlacedFault, Progress, RowProblem, Summary};
use crate::interchange::origins::found::ReaderWarning;
use crate::interchange::origins::notes::{RowNotes, SharedNotes};

/// A row that failed.
pub struct FailedRow {
    /// Where it is in a foreign file.
    pub place: Option<String>,
    /// Why it failed.
    pub problem: RowProblem,
}

/// Follows a running import.
pub struct ImportMonitor {
    /// The progress, on standard error.
    pub display: Display,
    /// Stores the progress, for `--resume`.
    pub mark: Option<ResumeMark>,
    /// What the reader of a foreign file notes.
    pub notes: SharedNotes,
    /// The report of `--report`.
    pub report: Option<ReportFile>,
    /// Rows that are done by an earlier import.
    pub skip: u64,
    /// The rows that failed, by line.
    pub failed: BTreeMap<u64, FailedRow>,
    /// How many warnings there are of each kind.
    pub warnings: BTreeMap<String, u64>,
    /// How far the import is.
    pub progress: Option<Progress>,
    /// The end of the import.
    pub summary: Option<Summary>,
    /// What stopped the import, as the server says.
    pub problem: Option<String>,
    /// Rows of the batch that is being written, as far as something is known of them.
    pending: BTreeMap<u64, RowReport>,
}

impl ImportMonitor {
    /// A monitor of an import that begins now.
    pub fn new(display: Display, mark: Option<ResumeMark>, notes: SharedNotes, skip: u64) -> Self {
        Self {
            display,
            mark,
            notes,
            report: None,
            skip,
            failed: BTreeMap::new(),
            warnings: BTreeMap::new(),
            progress: None,
            summary: None,
            problem: None,
            pending: BTreeMap::new(),
        }
    }

    /// Notes an event.
    pub fn handle_event(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Progress(progress) => {
                self.complete_rows(progress.line)?;
                self.display.show_progress(&progress);
                self.progress = Some(progress);
                if let Some(mark) = &self.mark {
                    mark.save_rows(self.skip + progress.rows)?;
                }
            }
            Event::Error(problem) => {
                let row = self.find_row(problem.line, problem.external_id.as_ref());
                row.outcome = Some(OutcomeKind::Failed);
                row.faults = split_problem(&problem);
                self.failed.insert(problem.line, FailedRow { place: None, problem });
            }
            Event::Warning(problem) => {
                let warnings = split_problem(&problem);
                self.find_row(problem.line, problem.external_id.as_ref()).warnings.extend(warnings);
            }
            Event::Row(event) => {
                let row = self.find_row(event.line, event.external_id.as_ref());
                (row.outcome, row.id, row.slug) = (Some(event.outcome), event.id, event.slug);
            }
            Event::Summary(summary) => {
                self.complete_rows(self.pending.keys().next_back().copied().unwrap_or_default())?;
                self.summary = Some(*summary);
            }
            Event::Problem { code, detail, errors } => {
                self.problem = Some(list_faults(detail.unwrap_or(code), &errors));
            }
        }
        Ok(())
    }

    fn find_row(&mut self, line: u64, external_id: Option<&String>) -> &mut RowReport {
        let row = self.pending.entry(line).or_default();
        row.line = line;
        row.external_id = row.external_id.take().or_else(|| external_id.cloned());
        row
    }

    /// Tells the warnings of the reader that are about no row.
    pub fn tell_file_warnings(&mut self) -> anyhow::Result<()> {
        loop {
            let Some(warning) = self.notes.lock().take_warning()? else { return Ok(()) };
            *self.warnings.entry(warning.code.clone()).or_default() += 1;
            self.display.show_file_warning(&warning);
            if let Some(report) = &mut self.report {
                report.add_file_warning(warning)?;
            }
        }
    }

    /// Tells of the rows up to `line`, which are done, and forgets them.
    fn complete_rows(&mut self, line: u64) -> anyhow::Result<()> {
        loop {
            let noted = self.notes.lock().take_row(line)?;
            let Some((noted_at, RowNotes { place, warnings })) = noted else { break };
            if noted_at <= self.skip {
                continue;
            }
            if let Some(failed) = self.failed.get_mut(&noted_at) {
                failed.place = Some(place.clone());
            }
            if self.report.is_some() || !warnings.is_empty() || self.pending.contains_key(&noted_at) {
                let row = self.find_row(noted_at, None);
                row.place = Some(place);
                row.warnings.extend(warnings.into_iter().map(to_fault));
            }
        }
        let later = self.pending.split_off(&line.saturating_add(1));
        for (_, row) in std::mem::replace(&mut self.pending, later) {
            for warning in &row.warnings {
                *self.warnings.entry(warning.code.clone()).or_default() += 1;
            }
            if !row.warnings.is_empty() {
                self.display.show_warnings(&row);
            }
            if let Some(report) = &mut self.report {
                report.add_row(row)?;
            }
        }
        Ok(())
    }
}

/// All faults of a row, the first among them.
fn split_problem(problem: &RowProblem) -> Vec<PlacedFault> {
    let RowProblem { pointer, code, detail, params, more, .. } = problem.clone();
    std::iter::once(PlacedFault { pointer, code, detail, params }).chain(more).collect()
}

fn to_fault(warning: ReaderWarning) -> PlacedFault {
    let ReaderWarning { pointer, code, detail } = warning;
    let (pointer, code) = (pointer.into_owned(), code.into_owned());
    PlacedFault { pointer, code, detail, params: Default::default() }
}

/// A sentence about one or more faults. The places of several stand below it, one a line.
pub fn list_faults(detail: String, faults: &[PlacedFault]) -> String {
    let describe = |fault: &PlacedFault| format!("{} {}", fault.pointer, fault.detail).trim().to_owned();
    match faults {
        [] => detail,
        [only] => describe(only),
        many => {
            let lines = many.iter().map(|fault| format!("\n  {}", describe(fault)));
            format!("{} faults:{}", many.len(), lines.collect::<String>())
        }
    }
}
