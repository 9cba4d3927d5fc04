//! An index that is kept true while things change: which index is in use, and what it does not know yet.
//!
//! A thing that a commit touches is left out of searches at once, until the index has it as it is now. So hits, totals and
//! counts never hold what was unpublished, on this process from the acknowledgement on, on others within a second.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use uuid::Uuid;

use super::Index;
use crate::follower::TagListener;

/// Kinds of things that are documents. Tags name one as `article:<id>`.
const KINDS: [&str; 2] = ["article", "notice"];

/// How long after the beginning of a look what it found is all that is to be left out.
const MAX_LOOK_AGE: Duration = Duration::from_secs(1);

/// A look at the log that has begun.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    seq: u64,
    began_at: Instant,
}

/// An index in use, and what is to be left out of its answers.
#[derive(Clone)]
pub struct View {
    /// The index.
    pub index: Index,
    /// Documents that have changed since its last commit.
    pub without: Arc<HashSet<Uuid>>,
}

/// The index of a process, and what it does not know yet.
pub struct LiveIndex {
    state: RwLock<State>,
    /// Wakes what keeps the index true.
    changed: Notify,
    /// Tells those who wait that the state is another.
    renewed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    index: Option<Index>,
    /// Grows with every change that is noted, and with every look.
    seq: u64,
    /// When each document was touched last.
    touched: HashMap<Uuid, u64>,
    /// The documents of `touched`.
    without: Arc<HashSet<Uuid>>,
    /// When documents were touched that are not known one by one.
    all_touched: Option<u64>,
    /// When the last look began whose findings are known.
    looked_at: Option<Instant>,
    /// When the last look began whose findings are in the index.
    followed_at: Option<Instant>,
}

impl Default for LiveIndex {
    fn default() -> Self {
        Self { state: RwLock::default(), changed: Notify::new(), renewed: watch::Sender::default() }
    }
}

impl LiveIndex {
    /// The index in use, as soon as it is known what is to be left out. `None` if that is not so within `patience`.
    ///
    /// `is_followed` tells whether somebody else notes what other processes touch.
    pub async fn view(&self, patience: Duration, is_followed: impl Fn() -> bool) -> Option<View> {
        let mut renewed = self.renewed.subscribe();
        let known = async {
            loop {
                renewed.borrow_and_update();
                if let Some(view) = self.view_now(is_followed()) {
                    return Some(view);
                }
                renewed.changed().await.ok()?;
            }
        };
        timeout(patience, known).await.ok().flatten()
    }

    /// The index in use, unless there is none, or it is not known what is to be left out.
    pub fn view_now(&self, is_followed: bool) -> Option<View> {
        let state = self.read();
        let is_fresh = || state.looked_at.is_some_and(|at| at.elapsed() < MAX_LOOK_AGE);
        let is_known = state.all_touched.is_none() && (is_followed || is_fresh());
        let index = state.index.clone().filter(|_| is_known)?;
        Some(View { index, without: state.without.clone() })
    }

    /// The index in use, whatever it does not know yet.
    pub fn index(&self) -> Option<Index> {
        self.read().index.clone()
    }

    /// Uses `index` from now on.
    pub fn replace(&self, index: Index) {
        self.write().index = Some(index);
        self.renewed.send_replace(());
    }

    /// Uses `index`, which lacks what nobody has noted, once a look has found what that is.
    pub fn replace_by_old(&self, index: Index) {
        self.forget_all();
        self.replace(index);
    }

    /// Stops using the index.
    pub fn remove(&self) {
        self.write().index = None;
    }

    /// Stops using an index that has failed, unless another has taken its place.
    pub fn remove_failed(&self, failed: &Index) {
        let mut state = self.write();
        if state.index.as_ref().is_some_and(|index| index.is_same(failed)) {
            state.index = None;
        }
    }

    /// Waits until something has changed.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Begins a look at the log.
    pub fn begin_look(&self) -> Look {
        let mut state = self.write();
        state.seq += 1;
        Look { seq: state.seq, began_at: Instant::now() }
    }

    /// Notes what a look has found: the index lacks `ids`, and nothing else that was touched before.
    pub fn note_found(&self, look: Look, ids: &[Uuid]) {
        let mut state = self.write();
        state.looked_at = Some(look.began_at);
        if !ids.is_empty() {
            let State { touched, without, .. } = &mut *state;
            let without = Arc::make_mut(without);
            for id in ids {
                // A later look may have found another change than an earlier one.
                let seq = touched.entry(*id).or_insert(look.seq);
                *seq = look.seq.max(*seq);
                without.insert(*id);
            }
        }
        state.all_touched = state.all_touched.filter(|seq| *seq > look.seq);
        drop(state);
        self.renewed.send_replace(());
    }

    /// Ends a look: the index has everything that was touched before it. Returns whether something is not left out any
    /// more.
    pub fn end_look(&self, look: Look) -> bool {
        let mut state = self.write();
        let State { touched, without, .. } = &mut *state;
        let before = touched.len();
        touched.retain(|_, seq| *seq > look.seq);
        let is_other = touched.len() < before;
        if is_other {
            *without = Arc::new(touched.keys().copied().collect());
        }
        (state.looked_at, state.followed_at) = (Some(look.began_at), Some(look.began_at));
        state.all_touched = state.all_touched.filter(|seq| *seq > look.seq);
        drop(state);
        self.renewed.send_replace(());
        is_other
    }

    /// Notes that documents were touched.
    pub fn note_touched(&self, ids: impl IntoIterator<Item = Uuid>) {
        let mut ids = ids.into_iter().peekable();
        if ids.peek().is_none() {
            return;
        }
        let mut state = self.write();
        state.seq += 1;
        let State { seq, touched, without, .. } = &mut *state;
        let without = Arc::make_mut(without);
        for id in ids {
            touched.insert(id, *seq);
            without.insert(id);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Waits for the end of a look that begins from now on: the index has everything then that is committed now. Returns
    /// whether there was one within `patience`.
    pub async fn catch_up(&self, patience: Duration) -> bool {
        let (mut renewed, since) = (self.renewed.subscribe(), Instant::now());
        let caught_up = async {
            loop {
                renewed.borrow_and_update();
                if self.read().followed_at.is_some_and(|began| began >= since) {
                    return true;
                }
                self.changed.notify_one();
                if renewed.changed().await.is_err() {
                    return false;
                }
            }
        };
        timeout(patience, caught_up).await.unwrap_or(false)
    }

    /// How long ago the last look that has ended began; `None` before the first one.
    pub fn lag(&self) -> Option<Duration> {
        self.read().followed_at.map(|began| began.elapsed())
    }

    /// How many documents are left out of searches for a moment.
    pub fn count_touched(&self) -> usize {
        self.read().touched.len()
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TagListener for LiveIndex {
    fn forget(&self, tags: &[String]) {
        self.note_touched(tags.iter().filter_map(|tag| find_document(tag)));
    }

    fn note_changed(&self, entity: &str, ids: &[Uuid]) {
        if KINDS.contains(&entity) {
            self.note_touched(ids.iter().copied());
        }
    }

    fn forget_all(&self) {
        let mut state = self.write();
        state.seq += 1;
        state.all_touched = Some(state.seq);
        drop(state);
        self.changed.notify_one();
    }
}

/// The id of the document that a tag names.
pub fn find_document(tag: &str) -> Option<Uuid> {
    let (kind, id) = tag.split_once(':')?;
    KINDS.contains(&kind).then(|| id.parse().ok()).flatten()
}
