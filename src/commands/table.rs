//! What became of an import, as a table for people.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use super::monitor::ImportMonitor;
use super::report::name_row;
use crate::imports::view::{Ending, Summary};
use crate::interchange::text_filters::FilterCounts;

/// Failed rows that are listed.
const MAX_LISTED_ROWS: usize = 20;
/// Most characters of a line about a row.
const MAX_LINE_CHARS: usize = 500;
/// Where the numbers stand.
const NUMBER_COLUMN: usize = 28;

/// Builds the table of an import that has ended. `failed_path` is the file with the rows that failed.
pub fn build_table(monitor: &ImportMonitor, failed_path: Option<&Path>) -> String {
    let mut text = String::new();
    let ending = monitor.summary.as_ref().map(|summary| summary.ending);
    match ending {
        Some(Ending::DryRun) => add_line(&mut text, "Nothing is stored: this is what an import would do."),
        Some(Ending::RolledBack) => add_line(&mut text, "Nothing is stored."),
        Some(Ending::Completed | Ending::Aborted) | None => {}
    }
    for (name, count, is_always_shown) in list_counts(monitor) {
        if is_always_shown || count > 0 {
            add_count(&mut text, name, count);
        }
    }
    add_kinds(&mut text, "warnings", &monitor.warnings);
    add_kinds(&mut text, "passed over", &monitor.notes.lock().passed_over);
    if !monitor.failed.is_empty() {
        add_line(&mut text, "rows that failed:");
    }
    for (line, row) in monitor.failed.iter().take(MAX_LISTED_ROWS) {
        let (place, id) = (row.place.as_deref(), row.problem.external_id.as_deref());
        let mut reasons = format!("{} {}", row.problem.pointer, row.problem.detail);
        for more in &row.problem.more {
            // A formatter of text does not fail.
            let _ = write!(reasons, "; {} {}", more.pointer, more.detail);
        }
        add_line(&mut text, &format!("  {}: {}", name_row(*line, place, id), reasons.trim()));
    }
    let others = monitor.failed.len().saturating_sub(MAX_LISTED_ROWS);
    if others > 0 {
        let path = failed_path.map(|path| format!(", in {}", path.display())).unwrap_or_default();
        add_line(&mut text, &format!("  and {others} more{path}"));
    }
    text
}

/// The counts of rows: name, number, and whether a zero is told too.
fn list_counts(monitor: &ImportMonitor) -> Vec<(&'static str, u64, bool)> {
    match (&monitor.summary, &monitor.progress) {
        (Some(summary), _) => vec![
            ("created", summary.created, true),
            ("updated", summary.updated, true),
            ("unchanged", summary.unchanged, true),
            ("failed", summary.failed, true),
            ("superseded", summary.superseded, false),
            ("kept in the trash", summary.kept_in_trash, false),
            ("edits kept", summary.kept_edits, false),
            ("edits overwritten", summary.overwritten_edits, false),
            ("duplicates left out", summary.skipped_duplicates, false),
            ("categories created", summary.created_categories, false),
        ],
        (None, Some(progress)) => vec![
            ("created", progress.created, true),
            ("updated", progress.updated, true),
            ("unchanged", progress.unchanged, true),
            ("failed", progress.failed, true),
        ],
        (None, None) => Vec::new(),
    }
}

fn add_kinds(text: &mut String, name: &str, kinds: &BTreeMap<String, u64>) {
    if kinds.is_empty() {
        return;
    }
    add_count(text, name, kinds.values().sum());
    for (kind, count) in kinds {
        add_count(text, &format!("  {kind}"), *count);
    }
}

fn add_count(text: &mut String, name: &str, count: u64) {
    add_line(text, &format!("{name:<NUMBER_COLUMN$} {count:>9}"));
}

/// Adds a line. Files of others must not steer a terminal: control characters become spaces.
fn add_line(text: &mut String, line: &str) {
    text.extend(line.chars().take(MAX_LINE_CHARS).map(|c| if c.is_control() { ' ' } else { c }));
    text.push('\n');
}

/// Says how many things of each kind there are, like `3 pages and 1 news`.
pub fn count_kinds(kinds: &BTreeMap<String, u64>) -> String {
    let parts: Vec<String> =
        kinds.iter().map(|(kind, count)| format!("{count} {}", in_plural(kind, *count))).collect();
    match parts.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The name of a kind for so many. Names that an English plural does not fit stay as they are.
fn in_plural(kind: &str, count: u64) -> String {
    let is_word = kind.ends_with(|last: char| last.is_ascii_lowercase()) && !kind.ends_with('s');
    match kind.strip_suffix('y') {
        _ if count == 1 || !is_word => kind.to_owned(),
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{kind}s"),
    }
}

/// What became of the rows, in a line.
pub fn describe_counts(summary: &Summary) -> String {
    let mut text = format!(
        "{} rows in {:.1} s: {} created, {} updated, {} unchanged, {} failed",
        summary.rows,
        summary.elapsed_ms as f64 / 1000.0,
        summary.created,
        summary.updated,
        summary.unchanged,
        summary.failed
    );
    if summary.superseded > 0 {
        text += &format!(", {} superseded", summary.superseded);
    }
    let kept_and_overwritten = [
        (summary.kept_in_trash, "left in the trash (--restore takes them out)"),
        (summary.kept_edits, "left as edited here"),
        (summary.overwritten_edits, "replaced what was edited here (--keep-edited leaves it)"),
        (summary.skipped_duplicates, "left out as copies of other articles"),
    ];
    for (count, text_of) in kept_and_overwritten.into_iter().filter(|(count, _)| *count > 0) {
        text += &format!(", {count} {text_of}");
    }
    if summary.created_categories > 0 {
        text += &format!("; {} categories created", summary.created_categories);
    }
    if summary.cleaned != FilterCounts::default() {
        let counts = summary.cleaned;
        text +=
            &format!("; {} glosses removed, {} characters folded", counts.pinyin_glosses, counts.simplified);
    }
    let dropped = summary.markup.elements.values().chain(summary.markup.attributes.values()).sum::<u64>();
    if dropped > 0 {
        text += &format!("; {dropped} elements and attributes removed from bodies");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_counted_in_words() {
        let count = |kinds: &[(&str, u64)]| {
            count_kinds(&kinds.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect())
        };
        assert_eq!(count(&[("news", 1), ("page", 3)]), "1 news and 3 pages");
        assert_eq!(count(&[("comment", 1)]), "1 comment");
        assert_eq!(count(&[("category", 2), ("公告", 2), ("essay", 2)]), "2 categories, 2 essays and 2 公告");
        assert_eq!(count(&[]), "");
    }

    #[test]
    fn lines_cannot_steer_a_terminal() {
        let mut text = String::new();
        add_line(&mut text, "a\u{1b}[2Jb\rc\nd\u{9b}");
        assert_eq!(text, "a [2Jb c d \n");
    }
}
