//! Which entries carry which tags, and which tags were touched while fills ran.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Entry;

/// Touched tags that are remembered for the fills that run. With more, all of these fills count as stale.
const MAX_TOUCHED: usize = 50_000;
/// How long a touched tag is remembered: longer than a fill is let run.
const TOUCHED_KEPT: Duration = Duration::from_secs(120);

/// The entries by their tags.
pub struct Index<V> {
    hasher: RandomState,
    entries: HashMap<Arc<str>, Arc<Entry<V>>>,
    by_tag: HashMap<u64, HashSet<Arc<str>>>,
    /// Grows with every change.
    seq: u64,
    /// The last change of each tag.
    touched: HashMap<u64, (u64, Instant)>,
    /// The last change that stood for all tags.
    all_touched: u64,
}

impl<V> Default for Index<V> {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            entries: HashMap::new(),
            by_tag: HashMap::new(),
            seq: 0,
            touched: HashMap::new(),
            all_touched: 0,
        }
    }
}

impl<V> Index<V> {
    /// The number of the last change.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The number that stands for a tag here. Two tags with one number are forgotten together.
    pub fn digest(&self, tag: &str) -> u64 {
        self.hasher.hash_one(tag)
    }

    /// Whether one of `tags` was touched after the change `seq`.
    pub fn is_touched_since(&self, tags: &[u64], seq: u64) -> bool {
        self.all_touched > seq
            || tags.iter().any(|tag| self.touched.get(tag).is_some_and(|(touched, _)| *touched > seq))
    }

    /// Adds an entry, in the place of the one that had its key.
    pub fn insert(&mut self, entry: Arc<Entry<V>>) {
        for tag in &entry.tags {
            self.by_tag.entry(*tag).or_default().insert(entry.key.clone());
        }
        if let Some(replaced) = self.entries.insert(entry.key.clone(), entry.clone()) {
            self.unlink_tags(&replaced, &entry.tags);
        }
    }

    /// Removes an entry. Returns `false` if another one has taken its place.
    pub fn remove(&mut self, entry: &Arc<Entry<V>>) -> bool {
        let is_there = self.entries.get(&entry.key).is_some_and(|current| Arc::ptr_eq(current, entry));
        if is_there {
            self.entries.remove(&entry.key);
            self.unlink_tags(entry, &[]);
        }
        is_there
    }

    /// Notes a change of what `tag` stands for, and removes the entries that carry it.
    pub fn forget(&mut self, tag: &str) -> Vec<Arc<Entry<V>>> {
        let tag = self.digest(tag);
        self.seq += 1;
        self.note_touched(tag);
        let keys = self.by_tag.remove(&tag).unwrap_or_default();
        let entries: Vec<_> = keys.iter().filter_map(|key| self.entries.remove(key)).collect();
        for entry in &entries {
            self.unlink_tags(entry, &[]);
        }
        entries
    }

    /// Notes a change of everything, and removes all entries.
    pub fn forget_all(&mut self) {
        self.seq += 1;
        self.all_touched = self.seq;
        self.touched.clear();
        self.entries.clear();
        self.by_tag.clear();
    }

    /// How many entries there are, and how many tags they carry together.
    #[cfg(test)]
    pub fn size(&self) -> (usize, usize) {
        (self.entries.len(), self.by_tag.len())
    }

    fn note_touched(&mut self, tag: u64) {
        let now = Instant::now();
        if self.touched.len() >= MAX_TOUCHED {
            self.touched.retain(|_, (_, at)| now.duration_since(*at) < TOUCHED_KEPT);
            // With more left, each of the next changes would look through all of them.
            if self.touched.len() > MAX_TOUCHED / 2 {
                self.all_touched = self.seq;
                self.touched.clear();
            }
        }
        self.touched.insert(tag, (self.seq, now));
    }

    /// Removes the key of `entry` from its tags, but for those in `kept`.
    fn unlink_tags(&mut self, entry: &Entry<V>, kept: &[u64]) {
        for tag in entry.tags.iter().filter(|tag| !kept.contains(tag)) {
            if let Some(keys) = self.by_tag.get_mut(tag) {
                keys.remove(&entry.key);
                if keys.is_empty() {
                    self.by_tag.remove(tag);
                }
            }
        }
    }
}
