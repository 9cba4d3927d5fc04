//! What a process keeps in memory of the database, and how it stays true.
//!
//! Small shared data (the category tree, the site, the signing keys) is kept as
//! immutable snapshots. A commit on this node drops the snapshots that it makes
//! stale before it is acknowledged. Commits of other nodes are found in the
//! change log: by one connection that listens for notifications, and that polls
//! the log twice a second for what a notification missed. Snapshots are
//! served only while the last completed poll began less than a second ago:
//! without one, every read loads its own copy.

use std::any::{Any, TypeId};
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use diesel::QueryResult;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use uuid::Uuid;

use crate::changes::{CHANNEL, queries};
use crate::db::clock::{Clock, MEASURE_INTERVAL};
use crate::db::connection::Connection;
use crate::db::pool;
use crate::error::Result;

/// How often the log is polled, notification or not.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// How long a poll of the log may take before its connection counts as lost.
const POLL_TIMEOUT: Duration = Duration::from_secs(1);
/// How long after the beginning of the last completed poll snapshots are served.
const MAX_POLL_AGE: Duration = Duration::from_secs(1);
/// How long commits are gathered before the other nodes are notified of them.
const NOTIFY_DELAY: Duration = Duration::from_millis(5);
/// The pause before a lost connection is opened again.
const RECONNECT_DELAY: Duration = Duration::from_millis(200);

/// Small data that many requests read and few change, kept in memory as a whole.
pub trait Snapshot: Send + Sync + Sized + 'static {
    /// What makes it stale: kinds of things, as the change log names them, or tags of answers, as [`crate::cache`]
    /// has them.
    const ENTITIES: &'static [&'static str];

    /// Reads it from the database.
    fn load(conn: &Connection) -> impl Future<Output = QueryResult<Self>>;
}

/// The snapshots of a process, and the state of its poll of the log.
pub struct Follower {
    /// The name under which this process notifies the others, made up at its start.
    node: String,
    /// The database's clock.
    pub clock: Clock,
    began: Instant,
    slots: RwLock<HashMap<TypeId, Arc<Slot>>>,
    /// When the last completed poll began, in milliseconds after `began`; [`NEVER`] while nobody polls.
    last_poll: AtomicU64,
    /// Commits of this node that other nodes were not yet notified of.
    has_unannounced: AtomicBool,
    /// Until when tags that this node has taken itself are looked for too, in milliseconds after `began`.
    doubtful_until: AtomicU64,
    listeners: RwLock<Vec<Arc<dyn TagListener>>>,
    committed: Notify,
}

const NEVER: u64 = u64::MAX;
/// How long a transaction whose outcome is not known may still be committed.
const DOUBT_DURATION: Duration = Duration::from_secs(60);
/// The tag that stands for all.
const EVERYTHING: &str = "*";

/// What keeps answers ready, and has to drop those that have become stale.
pub trait TagListener: Send + Sync {
    /// Drops the answers that carry one of `tags`.
    fn forget(&self, tags: &[String]);

    /// Drops all answers.
    fn forget_all(&self);

    /// Notes that things of a kind were changed by a commit of this process, in whatever way.
    fn note_changed(&self, _entity: &str, _ids: &[Uuid]) {}
}

/// The place of one snapshot.
struct Slot {
    entities: &'static [&'static str],
    state: RwLock<SlotState>,
    /// Lets one load run for all who wait for it: the last one, and when it began.
    loading: tokio::sync::Mutex<Option<(Instant, Value)>>,
}

#[derive(Default)]
struct SlotState {
    /// Grows whenever the value is dropped; what was loaded before that is not kept.
    generation: u64,
    value: Option<Value>,
}

type Value = Arc<dyn Any + Send + Sync>;

impl Default for Follower {
    fn default() -> Self {
        Self {
            node: Uuid::new_v4().simple().to_string(),
            clock: Clock::default(),
            began: Instant::now(),
            slots: RwLock::default(),
            last_poll: AtomicU64::new(NEVER),
            has_unannounced: AtomicBool::new(false),
            doubtful_until: AtomicU64::new(0),
            listeners: RwLock::default(),
            committed: Notify::new(),
        }
    }
}

impl Follower {
    /// The name of this process in the log.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Tells `listener` from now on what has become stale.
    pub fn add_listener(&self, listener: Arc<dyn TagListener>) {
        self.listeners.write().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    /// Drops what a commit of this node has made stale, and lets the other nodes be notified.
    ///
    /// `changed`: the kinds of things that have changed, each with the ids that are known.
    pub fn note_commit<'c>(
        &self,
        changed: impl Iterator<Item = (&'static str, &'c [Uuid])> + Clone,
        stale_tags: Vec<String>,
    ) {
        let entities: BTreeSet<&str> = changed.clone().map(|(entity, _)| entity).collect();
        for entity in entities {
            self.drop_stale(entity);
        }
        for listener in self.listeners.read().unwrap_or_else(PoisonError::into_inner).iter() {
            for (entity, ids) in changed.clone() {
                listener.note_changed(entity, ids);
            }
        }
        self.forget_tags(&stale_tags);
        self.has_unannounced.store(true, Ordering::Release);
        self.committed.notify_one();
    }

    /// Drops everything, as a transaction may have been committed, or may still be: whether it was is not known.
    pub fn note_unknown_outcome(&self) {
        let until = self.began.elapsed() + DOUBT_DURATION;
        self.doubtful_until.store(until.as_millis().try_into().unwrap_or(NEVER), Ordering::Release);
        self.forget_all();
    }

    fn is_doubtful(&self) -> bool {
        self.began.elapsed() < Duration::from_millis(self.doubtful_until.load(Ordering::Acquire))
    }

    /// Drops the snapshots that name one of `tags`, and tells the listeners.
    pub fn forget_tags(&self, tags: &[String]) {
        if tags.is_empty() {
            return;
        }
        if tags.iter().any(|tag| tag == EVERYTHING) {
            return self.forget_all();
        }
        for tag in tags {
            self.drop_stale(tag);
        }
        for listener in self.listeners.read().unwrap_or_else(PoisonError::into_inner).iter() {
            listener.forget(tags);
        }
    }

    fn drop_stale(&self, entity: &str) {
        for slot in self.slots.read().unwrap_or_else(PoisonError::into_inner).values() {
            if slot.entities.contains(&entity) {
                slot.drop_value();
            }
        }
    }

    /// Drops all snapshots and answers, as after a change that no log tells of.
    pub fn forget_all(&self) {
        for slot in self.slots.read().unwrap_or_else(PoisonError::into_inner).values() {
            slot.drop_value();
        }
        self.forget_answers();
    }

    /// Drops all answers.
    pub fn forget_answers(&self) {
        for listener in self.listeners.read().unwrap_or_else(PoisonError::into_inner).iter() {
            listener.forget_all();
        }
    }

    /// Whether snapshots may be served: what other nodes committed over a second ago is known here.
    pub fn is_current(&self) -> bool {
        let last_poll = self.last_poll.load(Ordering::Acquire);
        last_poll != NEVER && self.began.elapsed() < Duration::from_millis(last_poll) + MAX_POLL_AGE
    }

    /// Returns how long ago the last completed poll began. Without one, that is when the process began.
    pub fn lag(&self) -> Duration {
        match self.last_poll.load(Ordering::Acquire) {
            NEVER => self.began.elapsed(),
            last_poll => self.began.elapsed().saturating_sub(Duration::from_millis(last_poll)),
        }
    }

    /// Reads the database's clock. If it was set, drops all snapshots and answers: they end by the clock as it was.
    pub async fn measure_clock(&self, conn: &Connection) -> QueryResult<()> {
        if self.clock.measure(conn).await? {
            self.forget_all();
        }
        Ok(())
    }

    /// The snapshot `T`, read over a connection that `connect` gives if it is not in memory.
    ///
    /// It is no older than the last commit acknowledged here, and at most a second behind the
    /// commits of other nodes.
    pub async fn snapshot<T: Snapshot>(
        &self,
        connect: impl AsyncFnOnce() -> Result<Arc<Connection>>,
    ) -> Result<Arc<T>> {
        let slot = self.slot::<T>();
        if let Some(value) = slot.get().filter(|_| self.is_current()) {
            return Ok(value);
        }
        let asked_at = Instant::now();
        let mut last_load = slot.loading.lock().await;
        // Whoever waited takes a load that began after the question: it is as good as one of its own.
        if let Some((began_at, value)) = &*last_load
            && *began_at >= asked_at
            && let Ok(value) = value.clone().downcast()
        {
            return Ok(value);
        }
        if let Some(value) = slot.get().filter(|_| self.is_current()) {
            return Ok(value);
        }
        let (began_at, generation) = (Instant::now(), slot.generation());
        let value = Arc::new(T::load(&*connect().await?).await?);
        slot.put(generation, value.clone());
        *last_load = Some((began_at, value.clone()));
        Ok(value)
    }

    /// Drops the snapshot `T`, so that the next one who asks loads it.
    pub fn drop_snapshot<T: Snapshot>(&self) {
        self.slot::<T>().drop_value();
    }

    fn slot<T: Snapshot>(&self) -> Arc<Slot> {
        let kind = TypeId::of::<T>();
        if let Some(slot) = self.slots.read().unwrap_or_else(PoisonError::into_inner).get(&kind) {
            return slot.clone();
        }
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        slots.entry(kind).or_insert_with(|| Arc::new(Slot::new(T::ENTITIES))).clone()
    }

    /// Looks at the log for ever, over a connection to `url`.
    pub async fn follow(&self, url: &str) {
        loop {
            if let Err(cause) = self.follow_connection(url).await {
                tracing::warn!(%cause, "Not listening for changes; reads load what they need until it is back");
            }
            self.last_poll.store(NEVER, Ordering::Release);
            self.forget_all();
            sleep(RECONNECT_DELAY).await;
        }
    }

    /// Looks at the log until the connection is lost.
    async fn follow_connection(&self, url: &str) -> anyhow::Result<()> {
        let (conn, mut notified) = timeout(POLL_TIMEOUT, pool::open_listening(url, CHANNEL)).await??;
        let mut position = timeout(POLL_TIMEOUT, queries::position(&conn)).await??;
        timeout(POLL_TIMEOUT, self.measure_clock(&conn)).await??;
        let mut measured_at = Instant::now();
        let mut ticks = interval(POLL_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What was loaded before the position was taken may be older than it.
        self.forget_all();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                notification = notified.recv() => match notification {
                    None => anyhow::bail!("the connection is closed"),
                    Some(node) if node == self.node => continue,
                    Some(_) => drain(&mut notified),
                },
                () = self.committed.notified() => {
                    sleep(NOTIFY_DELAY).await;
                    if self.has_unannounced.swap(false, Ordering::AcqRel) {
                        timeout(POLL_TIMEOUT, queries::notify(&conn, &self.node)).await??;
                    }
                    continue;
                }
            }
            let began = self.began.elapsed().as_millis().try_into().unwrap_or(NEVER);
            let look = queries::look_since(&conn, &position, &self.node, self.is_doubtful());
            let look = timeout(POLL_TIMEOUT, look).await??;
            for entity in look.entities {
                self.drop_stale(&entity);
            }
            self.forget_tags(&look.stale_tags);
            position = look.position;
            self.last_poll.store(began, Ordering::Release);
            if measured_at.elapsed() >= MEASURE_INTERVAL {
                timeout(POLL_TIMEOUT, self.measure_clock(&conn)).await??;
                measured_at = Instant::now();
            }
        }
    }
}

/// Takes what has arrived: one poll is enough for all of it.
fn drain(notified: &mut mpsc::UnboundedReceiver<String>) {
    while notified.try_recv().is_ok() {}
}

impl Slot {
    fn new(entities: &'static [&'static str]) -> Self {
        Self { entities, state: RwLock::default(), loading: tokio::sync::Mutex::default() }
    }

    fn drop_value(&self) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.generation += 1;
        state.value = None;
    }

    fn get<T: Snapshot>(&self) -> Option<Arc<T>> {
        let value = self.state.read().unwrap_or_else(PoisonError::into_inner).value.clone();
        value?.downcast().ok()
    }

    fn generation(&self) -> u64 {
        self.state.read().unwrap_or_else(PoisonError::into_inner).generation
    }

    fn put<T: Snapshot>(&self, generation: u64, value: Arc<T>) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.generation == generation {
            state.value = Some(value);
        }
    }
}
