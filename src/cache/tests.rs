use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::*;
use crate::metrics::Metrics;

const HOUR: Duration = Duration::from_secs(3_600);
const MIB: u64 = 1 << 20;

fn make_cache<V>(bytes: u64) -> Arc<Cache<V>> {
    Arc::new(Cache::new(bytes, Metrics::new().unwrap().cache))
}

fn tag(name: impl std::fmt::Display) -> Tag {
    Tag::one("article", name, "articles")
}

fn begin<V>(cache: &Arc<Cache<V>>, key: &str) -> Fill<V> {
    match cache.take_turn(&key.into()) {
        Turn::Mine(fill) => fill,
        Turn::Others(_) => panic!("another one fills {key}"),
    }
}

fn put(cache: &Arc<Cache<u64>>, key: &str, value: u64, tags: &[Tag]) {
    begin(cache, key).finish(value, 10, tags, HOUR);
}

fn value(cache: &Cache<u64>, key: &str) -> Option<u64> {
    cache.get(key).map(|entry| entry.value)
}

fn forget<V: Send + Sync>(cache: &Cache<V>, name: &str) {
    cache.forget(&[tag(name).as_str().to_owned()]);
}

/// Entries that are known, and tags by which they are found.
fn indexed<V>(cache: &Cache<V>) -> (usize, usize) {
    cache.index().size()
}

#[test]
fn what_carries_a_tag_is_forgotten_with_it_and_nothing_else() {
    let cache = make_cache(MIB);
    put(&cache, "one", 1, &[tag("a"), tag("b")]);
    put(&cache, "other", 2, &[tag("b"), tag("c")]);
    forget(&cache, "a");
    assert_eq!((value(&cache, "one"), value(&cache, "other")), (None, Some(2)));
    assert_eq!(indexed(&cache), (1, 2));
    cache.forget_all();
    assert_eq!((value(&cache, "other"), indexed(&cache)), (None, (0, 0)));
}

#[test]
fn a_fill_that_a_change_has_overtaken_is_not_kept() {
    let cache = make_cache(MIB);
    let fills = ["by its tag", "by all", "by another tag"].map(|key| begin(&cache, key));
    forget(&cache, "a");
    let [overtaken, by_all, kept] = fills;
    assert_eq!(overtaken.finish(1, 10, &[tag("b"), tag("a")], HOUR).value, 1);
    assert_eq!(value(&cache, "by its tag"), None);
    kept.finish(3, 10, &[tag("b")], HOUR);
    assert_eq!(value(&cache, "by another tag"), Some(3));
    cache.forget_all();
    by_all.finish(2, 10, &[tag("b")], HOUR);
    assert_eq!((value(&cache, "by all"), indexed(&cache)), (None, (0, 0)));
    assert_eq!(cache.numbers().dropped_fills.get(), 2);
    // One that begins after the change is not overtaken by it.
    put(&cache, "by its tag", 4, &[tag("a")]);
    assert_eq!(value(&cache, "by its tag"), Some(4));
}

#[test]
fn a_change_is_remembered_for_fills_whatever_number_follows_it() {
    let cache = make_cache(MIB);
    let fill = begin(&cache, "slow");
    forget(&cache, "a");
    for other in 0..60_000 {
        forget(&cache, &other.to_string());
    }
    fill.finish(1, 10, &[tag("a")], HOUR);
    assert_eq!(value(&cache, "slow"), None);
}

#[test]
fn the_tags_of_a_replaced_value_are_forgotten() {
    let cache = make_cache(MIB);
    put(&cache, "key", 1, &[tag("a"), tag("b")]);
    put(&cache, "key", 2, &[tag("b"), tag("c")]);
    assert_eq!(indexed(&cache), (1, 2));
    forget(&cache, "a");
    assert_eq!(value(&cache, "key"), Some(2));
    forget(&cache, "c");
    assert_eq!((value(&cache, "key"), indexed(&cache)), (None, (0, 0)));
}

#[test]
fn an_alias_leads_to_what_is_under_its_key_now() {
    let cache = make_cache(MIB);
    put(&cache, "key", 1, &[tag("a")]);
    cache.add_alias("alias", &"key".into());
    cache.add_alias("key", &"key".into());
    assert_eq!((value(&cache, "alias"), value(&cache, "key")), (Some(1), Some(1)));
    forget(&cache, "a");
    assert_eq!(value(&cache, "alias"), None);
    put(&cache, "key", 2, &[tag("a")]);
    assert_eq!(value(&cache, "alias"), Some(2));
    // What is under a key is not hidden by an alias.
    cache.add_alias("key", &"other".into());
    assert_eq!(value(&cache, "key"), Some(2));
}

#[test]
fn what_had_to_go_is_not_in_the_index_any_more() {
    let cache = make_cache(64 << 10);
    for key in 0..2_000_u64 {
        put(&cache, &key.to_string(), key, &[tag(key), tag("all")]);
    }
    let (entries, tags) = indexed(&cache);
    assert!(entries < 100 && tags == entries + 1, "{entries} entries, {tags} tags");
    let found = (0..2_000_u64).filter(|key| value(&cache, &key.to_string()).is_some()).count();
    assert_eq!(found, entries);
    assert!(cache.numbers().evictions.get() >= 1_900);
    assert!(cache.numbers().bytes.get() <= 64 << 10);
    forget(&cache, "all");
    assert_eq!((indexed(&cache), cache.numbers().bytes.get()), ((0, 0), 0));
}

#[test]
fn a_value_of_more_than_an_eighth_is_not_kept() {
    let cache = make_cache(MIB);
    for (bytes, is_kept) in [(MIB / 8 + 1, false), (MIB / 9, true)] {
        let key = bytes.to_string();
        begin(&cache, &key).finish(1, bytes, &[tag("a")], HOUR);
        assert_eq!(value(&cache, &key).is_some(), is_kept, "{bytes}");
    }
    let nothing = make_cache(0);
    put(&nothing, "key", 1, &[tag("a")]);
    assert_eq!((value(&nothing, "key"), indexed(&nothing)), (None, (0, 0)));
}

#[test]
fn a_value_ends_with_its_lifetime() {
    let cache = make_cache(MIB);
    begin(&cache, "over").finish(1, 10, &[tag("a")], Duration::ZERO);
    let short = Duration::from_millis(20);
    begin(&cache, "short").finish(2, 10, &[tag("a")], short);
    assert_eq!(value(&cache, "over"), None);
    while value(&cache, "short").is_some() {
        thread::yield_now();
    }
}

#[actix_web::test]
async fn who_waits_for_a_fill_is_told_how_it_has_ended() {
    let cache = make_cache::<u64>(MIB);
    let wait = || match cache.take_turn(&"key".into()) {
        Turn::Others(wait) => wait.finish(),
        Turn::Mine(_) => panic!("nobody fills"),
    };
    let fill = begin(&cache, "key");
    let waiting = wait();
    drop(fill);
    assert_eq!(waiting.await, FillState::Dropped);
    let fill = begin(&cache, "key");
    let waiting = wait();
    fill.give_up();
    assert_eq!(waiting.await, FillState::NotForKeeping);
    let fill = begin(&cache, "key");
    let waiting = wait();
    fill.finish(1, 10, &[tag("a")], HOUR);
    assert_eq!(waiting.await, FillState::Kept);
}

/// Things that change while threads read them through a cache that is too small for them all.
struct Scene {
    cache: Arc<Cache<Vec<u64>>>,
    /// What each thing is in the place of the database.
    stored: Vec<AtomicU64>,
    /// What each thing was when its last change was acknowledged.
    acknowledged: Vec<AtomicU64>,
    is_over: AtomicBool,
}

/// Keys, each made from three things.
const KEYS: usize = 64;
const THINGS: usize = 16;

impl Scene {
    fn things(key: usize) -> [usize; 3] {
        [key % THINGS, (key * 7 + 3) % THINGS, (key * 5 + 11) % THINGS]
    }

    fn change(&self, thing: usize, by_all: bool) {
        let next = self.stored[thing].fetch_add(1, Ordering::SeqCst) + 1;
        if by_all {
            self.cache.forget_all();
        } else {
            forget(&self.cache, &thing.to_string());
        }
        self.acknowledged[thing].fetch_max(next, Ordering::SeqCst);
    }

    fn read(&self, key: usize, alias: bool) {
        let things = Self::things(key);
        let oldest = things.map(|thing| self.acknowledged[thing].load(Ordering::SeqCst));
        let name: Arc<str> = format!("key-{key}").into();
        let asked = if alias { format!("alias-{key}") } else { name.to_string() };
        let found = self.cache.get(&asked).or_else(|| match self.cache.take_turn(&name) {
            Turn::Others(_) => None,
            Turn::Mine(fill) => {
                let made = things.map(|thing| self.stored[thing].load(Ordering::SeqCst)).to_vec();
                thread::yield_now();
                let tags = things.map(tag);
                let entry = fill.finish(made, 1_000, &tags, HOUR);
                self.cache.add_alias(&format!("alias-{key}"), &name);
                Some(entry)
            }
        });
        if let Some(found) = found {
            let is_new = found.value.iter().zip(oldest).all(|(value, oldest)| *value >= oldest);
            assert!(is_new, "{key}: {:?} is older than {oldest:?}", found.value);
        }
    }
}

#[test]
fn no_thread_gets_what_is_older_than_the_last_change_before_it_asked() {
    const CHANGES: usize = 20_000;
    let zeros = || (0..THINGS).map(|_| AtomicU64::new(0)).collect();
    let scene = Scene {
        cache: make_cache(48 << 10),
        stored: zeros(),
        acknowledged: zeros(),
        is_over: AtomicBool::new(false),
    };
    thread::scope(|scope| {
        for reader in 0..6 {
            let scene = &scene;
            scope.spawn(move || {
                let mut turn: usize = reader * 13;
                while !scene.is_over.load(Ordering::Relaxed) {
                    turn = turn.wrapping_mul(31).wrapping_add(17);
                    scene.read(turn % KEYS, turn.is_multiple_of(3));
                }
            });
        }
        let writers: Vec<_> = (0..2)
            .map(|writer| {
                let scene = &scene;
                scope.spawn(move || {
                    for turn in 0..CHANGES / 2 {
                        scene.change((turn * 11 + writer) % THINGS, turn % 997 == 0);
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        scene.is_over.store(true, Ordering::Relaxed);
    });
    let (entries, _) = indexed(&scene.cache);
    let found = (0..KEYS).filter(|key| scene.cache.get(&format!("key-{key}")).is_some()).count();
    assert_eq!(found, entries, "the index and the cache agree");
}
