//! Why an import has brought nothing.

use super::monitor::ImportMonitor;
use super::table::count_kinds;
use crate::config::bulk::Import;

/// Explains why a file that is not empty has brought no row.
pub fn explain_nothing(monitor: &ImportMonitor, import: &Import) -> Option<String> {
    let has_rows = monitor.summary.as_ref().is_none_or(|summary| summary.rows > 0);
    if has_rows || monitor.skip > 0 {
        return None;
    }
    let passed_over = &monitor.notes.lock().passed_over;
    let counted = count_kinds(passed_over);
    Some(match (import.from, counted.is_empty()) {
        (None, _) => "no row in it".to_owned(),
        (Some(_), true) => "no article in it".to_owned(),
        (Some(origin), false) => {
            let is_one = passed_over.values().sum::<u64>() == 1;
            let (were, them) = if is_one { ("was", "it") } else { ("were", "them") };
            let kinds = origin.importable_kinds(passed_over.keys().map(String::as_str)).join(",");
            let hint = match kinds.as_str() {
                "" => String::new(),
                kinds => format!("; --types {kinds} imports {them}"),
            };
            format!("no article in it: {counted} {were} passed over{hint}")
        }
    })
}
