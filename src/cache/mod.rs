//! Bytes that are ready, under keys, with tags and a lifetime. It knows no feature and no protocol.
//!
//! A value is made by a [`Fill`], one at a time for each key. It carries the [`Tag`]s of all that it was made from. A
//! change says which tags it has touched ([`Cache::forget`]), and the values that carry one of them are gone before the
//! change is acknowledged. A fill that began before that is not kept afterwards.

mod index;
pub mod tags;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use quick_cache::sync::Cache as Slots;
use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter};
use tokio::sync::watch;

use crate::follower::TagListener;
use crate::metrics::CacheNumbers;
use index::Index;
use tags::Tag;

/// Parts of the cache that are locked one by one. A value has at most the bytes of one part.
const SHARDS: usize = 8;
/// Bytes that an entry takes beside its value and its key.
const ENTRY_BYTES: u64 = 512;
/// Bytes that a tag of an entry takes.
const TAG_BYTES: u64 = 96;
/// Bytes that an alias takes beside its text.
const ALIAS_BYTES: u64 = 128;
/// Bytes of an entry that the capacity in entries is guessed by.
const USUAL_ENTRY_BYTES: u64 = 4 << 10;
/// The longest time that a fill may take to be kept.
const MAX_FILL_TIME: Duration = Duration::from_secs(60);

/// Values under keys.
pub struct Cache<V> {
    slots: Slots<Arc<str>, Slot<V>, SlotWeight, DefaultHashBuilder, Evictions>,
    index: Mutex<Index<V>>,
    flights: Mutex<HashMap<Arc<str>, watch::Receiver<FillState>>>,
    numbers: CacheNumbers,
}

/// A value that is ready.
pub struct Entry<V> {
    /// The value.
    pub value: V,
    key: Arc<str>,
    tags: Box<[u64]>,
    bytes: u64,
    ends_at: Instant,
}

/// What is under a key.
enum Slot<V> {
    Value(Arc<Entry<V>>),
    /// Another way to write the key.
    Alias(Arc<str>),
}

impl<V> Clone for Slot<V> {
    fn clone(&self) -> Self {
        match self {
            Self::Value(entry) => Self::Value(entry.clone()),
            Self::Alias(key) => Self::Alias(key.clone()),
        }
    }
}

/// Weighs what is under a key, in bytes.
#[derive(Clone)]
struct SlotWeight;

impl<V> Weighter<Arc<str>, Slot<V>> for SlotWeight {
    fn weight(&self, key: &Arc<str>, slot: &Slot<V>) -> u64 {
        match slot {
            Slot::Value(entry) => entry.bytes,
            Slot::Alias(_) => key.len() as u64 + ALIAS_BYTES,
        }
    }
}

/// Hands what has to go to whoever made room.
#[derive(Clone)]
struct Evictions;

impl<V> Lifecycle<Arc<str>, Slot<V>> for Evictions {
    type RequestState = Evicted<V>;

    fn on_evict(&self, evicted: &mut Evicted<V>, _: Arc<str>, slot: Slot<V>) {
        evicted.0.push(slot);
    }
}

/// What had to go.
struct Evicted<V>(Vec<Slot<V>>);

impl<V> Default for Evicted<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// How a fill has ended, for those who wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillState {
    /// It has not ended.
    Running,
    /// Its value is kept.
    Kept,
    /// Its value, if there is one, is not kept: another one may be.
    Dropped,
    /// What is under the key cannot be kept.
    NotForKeeping,
}

/// Who makes the value of a key that has none.
pub enum Turn<V> {
    /// The caller.
    Mine(Fill<V>),
    /// Another one, who is waited for.
    Others(Wait),
}

/// A fill of another request.
pub struct Wait(watch::Receiver<FillState>);

impl Wait {
    /// Waits for its end.
    pub async fn finish(mut self) -> FillState {
        let ended = self.0.wait_for(|state| *state != FillState::Running).await;
        // Whoever made it was dropped.
        ended.map_or(FillState::Dropped, |state| *state)
    }
}

impl<V> Cache<V> {
    /// A cache of at most `bytes`. With 0 nothing is kept.
    pub fn new(bytes: u64, numbers: CacheNumbers) -> Self {
        let options = OptionsBuilder::new()
            .shards(SHARDS)
            .estimated_items_capacity(
                usize::try_from(bytes / USUAL_ENTRY_BYTES).unwrap_or(usize::MAX).max(SHARDS),
            )
            .weight_capacity(bytes)
            .build();
        // The options lack nothing that the builder asks for.
        let slots = match options {
            Ok(options) => Slots::with_options(options, SlotWeight, DefaultHashBuilder::default(), Evictions),
            Err(_) => Slots::with(SHARDS, bytes, SlotWeight, DefaultHashBuilder::default(), Evictions),
        };
        Self { slots, index: Mutex::default(), flights: Mutex::default(), numbers }
    }

    /// Whether anything can be kept.
    pub fn is_enabled(&self) -> bool {
        self.slots.capacity() > 0
    }

    /// The value under `key`, or under the key of which `key` is an alias, unless it has ended.
    pub fn get(&self, key: &str) -> Option<Arc<Entry<V>>> {
        let entry = match self.slots.get(key)? {
            Slot::Value(entry) => entry,
            Slot::Alias(key) => match self.slots.get(&*key)? {
                Slot::Value(entry) => entry,
                Slot::Alias(_) => return None,
            },
        };
        (Instant::now() < entry.ends_at).then_some(entry)
    }

    /// Lets `alias` lead to `key` from now on.
    pub fn add_alias(&self, alias: &str, key: &Arc<str>) {
        if *alias != **key && !self.slots.contains_key(alias) {
            let mut evicted = Evicted::default();
            self.slots.insert_with_lifecycle(alias.into(), Slot::Alias(key.clone()), &mut evicted);
            self.unlink(&mut self.index(), evicted);
            self.note_size();
        }
    }

    /// The turn to make the value of `key`.
    pub fn take_turn(self: &Arc<Self>, key: &Arc<str>) -> Turn<V> {
        let began_after = self.index().seq();
        let mut flights = self.flights();
        if let Some(flight) = flights.get(key) {
            self.numbers.waits.inc();
            return Turn::Others(Wait(flight.clone()));
        }
        let (ending, flight) = watch::channel(FillState::Running);
        flights.insert(key.clone(), flight);
        let ending = Some(ending);
        Turn::Mine(Fill {
            cache: self.clone(),
            key: key.clone(),
            began_after,
            began_at: Instant::now(),
            ending,
        })
    }

    /// What the cache counts.
    pub fn numbers(&self) -> &CacheNumbers {
        &self.numbers
    }

    fn index(&self) -> MutexGuard<'_, Index<V>> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<Arc<str>, watch::Receiver<FillState>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unlink(&self, index: &mut Index<V>, evicted: Evicted<V>) {
        for slot in evicted.0 {
            // One that was replaced by another of its key is gone from the index already.
            if let Slot::Value(entry) = slot
                && index.remove(&entry)
            {
                self.numbers.evictions.inc();
            }
        }
    }

    fn note_size(&self) {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.numbers.bytes.set(number(self.slots.weight()));
        self.numbers.entries.set(number(self.slots.len() as u64));
    }
}

impl<V: Send + Sync> TagListener for Cache<V> {
    fn forget(&self, tags: &[String]) {
        let mut index = self.index();
        for tag in tags {
            self.numbers.count_invalidation(tag);
            for entry in index.forget(tag) {
                self.slots.remove(&entry.key);
            }
        }
        self.note_size();
    }

    fn forget_all(&self) {
        let mut index = self.index();
        self.numbers.count_invalidation("*");
        index.forget_all();
        self.slots.clear();
        self.note_size();
    }
}

/// The making of the value of a key. Dropped, it lets the next one try.
pub struct Fill<V> {
    cache: Arc<Cache<V>>,
    key: Arc<str>,
    began_after: u64,
    began_at: Instant,
    /// Until it has ended.
    ending: Option<watch::Sender<FillState>>,
}

impl<V> Fill<V> {
    /// Ends the making with a value of so many bytes, and keeps it for `lifetime`, unless one of its tags was touched
    /// since the fill began.
    pub fn finish(mut self, value: V, bytes: u64, tags: &[Tag], lifetime: Duration) -> Arc<Entry<V>> {
        let mut index = self.cache.index();
        let tags: Box<[u64]> = tags.iter().map(|tag| index.digest(tag.as_str())).collect();
        let bytes = bytes + ENTRY_BYTES + TAG_BYTES * tags.len() as u64 + 2 * self.key.len() as u64;
        let ends_at = self.began_at + lifetime;
        let entry = Arc::new(Entry { value, key: self.key.clone(), tags, bytes, ends_at });
        let is_in_time = self.began_at.elapsed() < MAX_FILL_TIME.min(lifetime);
        let state = if !is_in_time || index.is_touched_since(&entry.tags, self.began_after) {
            self.cache.numbers.dropped_fills.inc();
            FillState::Dropped
        } else if bytes <= self.cache.slots.shard_capacity() {
            // Under the lock of the index, so that no change comes between the question and this.
            index.insert(entry.clone());
            let mut evicted = Evicted::default();
            self.cache.slots.insert_with_lifecycle(
                self.key.clone(),
                Slot::Value(entry.clone()),
                &mut evicted,
            );
            self.cache.unlink(&mut index, evicted);
            self.cache.note_size();
            FillState::Kept
        } else {
            FillState::NotForKeeping
        };
        drop(index);
        self.end(state);
        entry
    }

    /// Ends the making without a value that can be kept.
    pub fn give_up(mut self) {
        self.end(FillState::NotForKeeping);
    }

    fn end(&mut self, state: FillState) {
        if let Some(ending) = self.ending.take() {
            self.cache.flights().remove(&self.key);
            ending.send_replace(state);
        }
    }
}

impl<V> Drop for Fill<V> {
    fn drop(&mut self) {
        self.end(FillState::Dropped);
    }
}
