//! The fingerprints of the rows of an import, which the index may not have yet.

use std::cmp::Reverse;
use std::collections::HashMap;

/// Rows of one table. A row takes some 400 bytes.
const MAX_TABLE_ROWS: usize = 100_000;
/// Rows with one term that are looked at, the newest first.
const MAX_ROWS_OF_TERM: usize = 2_000;
/// The end of a list of rows.
const END: u32 = u32::MAX;

/// Rows by the terms of their fingerprints.
pub(super) struct Fingerprints<T> {
    rows: Vec<T>,
    /// The newest entry of each term, by half of its bits: texts are compared anyhow.
    newest: HashMap<u32, u32>,
    /// Each entry's row, and the entry before it with the same term.
    entries: Vec<(u32, u32)>,
}

impl<T> Default for Fingerprints<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), newest: HashMap::new(), entries: Vec::new() }
    }
}

impl<T: Copy> Fingerprints<T> {
    /// Adds a row.
    pub(super) fn add(&mut self, row: T, terms: &[u64]) {
        let number = self.rows.len() as u32;
        self.rows.push(row);
        for term in terms {
            let before = self.newest.insert(*term as u32, self.entries.len() as u32).unwrap_or(END);
            self.entries.push((number, before));
        }
    }

    /// The rows that share the most terms with `terms`, and how many: at most `top`, the earliest first of those that
    /// share as many.
    pub(super) fn find(&self, terms: &[u64], top: usize) -> Vec<(T, usize)> {
        let mut shared: HashMap<u32, usize> = HashMap::new();
        for term in terms {
            let mut next = self.newest.get(&(*term as u32)).copied().unwrap_or(END);
            for _ in 0..MAX_ROWS_OF_TERM {
                let Some((row, before)) = self.entries.get(next as usize) else { break };
                *shared.entry(*row).or_default() += 1;
                next = *before;
            }
        }
        let mut found: Vec<(u32, usize)> = shared.into_iter().collect();
        found.sort_unstable_by_key(|(row, count)| (Reverse(*count), *row));
        found.truncate(top);
        let named = found.into_iter().filter_map(|(row, count)| Some((*self.rows.get(row as usize)?, count)));
        named.collect()
    }
}

/// The last rows of an import: at least 100,000 and at most twice as many. The index knows the older ones of an import
/// that is committed batch by batch; those of a longer import in one transaction are not compared.
pub(super) struct LastRows<T> {
    older: Fingerprints<T>,
    newer: Fingerprints<T>,
}

impl<T> Default for LastRows<T> {
    fn default() -> Self {
        Self { older: Fingerprints::default(), newer: Fingerprints::default() }
    }
}

impl<T: Copy> LastRows<T> {
    /// Adds a row, and forgets the oldest if there are too many.
    pub(super) fn add(&mut self, row: T, terms: &[u64]) {
        if self.newer.rows.len() >= MAX_TABLE_ROWS {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.add(row, terms);
    }

    /// The rows that share the most terms with `terms`, at most `top`.
    pub(super) fn find(&self, terms: &[u64], top: usize) -> impl Iterator<Item = T> + use<T> {
        let mut found = self.older.find(terms, top);
        found.extend(self.newer.find(terms, top));
        found.sort_by_key(|(_, count)| Reverse(*count));
        found.into_iter().take(top).map(|(row, _)| row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_share_the_most_terms_come_first_and_the_earliest_of_these() {
        let mut rows = Fingerprints::default();
        for (row, terms) in [('a', [1, 2, 3]), ('b', [3, 4, 5]), ('c', [3, 4, 6]), ('d', [7, 8, 9])] {
            rows.add(row, &terms);
        }
        assert_eq!(rows.find(&[3, 4, 9], 9), [('b', 2), ('c', 2), ('a', 1), ('d', 1)]);
        assert_eq!(rows.find(&[3, 4, 9], 1), [('b', 2)]);
        assert!(rows.find(&[10], 9).is_empty());
        assert!(rows.find(&[], 9).is_empty());
    }

    #[test]
    fn the_last_rows_are_remembered_and_the_memory_has_a_bound() {
        let mut rows = LastRows::default();
        let count = 3 * MAX_TABLE_ROWS as u64 + 7;
        (0..count).for_each(|row| rows.add(row, &[row, u64::MAX]));
        let find = |row: u64| rows.find(&[row], 3).collect::<Vec<_>>();
        assert_eq!(find(count - 1), [count - 1]);
        assert_eq!(find(count - MAX_TABLE_ROWS as u64), [count - MAX_TABLE_ROWS as u64]);
        assert!(find(0).is_empty());
        assert!(rows.older.rows.len() + rows.newer.rows.len() <= 2 * MAX_TABLE_ROWS);
        assert_eq!(rows.find(&[u64::MAX], 3).count(), 3);
    }
}
