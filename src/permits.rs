//! Bounds on what runs at a time: turns of long work, the memory of all imports, threads that render.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::priority;

/// Permits for work that keeps a core busy: one fewer than there are cores, at least one.
#[derive(Clone)]
pub struct CorePermits {
    free: Arc<Semaphore>,
    max_wait: Duration,
    refusal: &'static str,
}

impl CorePermits {
    /// Permits that are waited for at most `max_wait`; `refusal` tells the log why a request was turned away.
    pub fn new(max_wait: Duration, refusal: &'static str) -> Self {
        Self { free: Arc::new(Semaphore::new((count_cores() - 1).max(1))), max_wait, refusal }
    }

    /// Waits for a permit. Fails with 503 if none is free in time.
    pub async fn take(&self) -> Result<OwnedSemaphorePermit> {
        match timeout(self.max_wait, self.free.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Error::Unavailable(self.refusal.to_owned())),
        }
    }

    /// Runs long work with a permit, on a thread that pauses often. Fails with 503 if none is free in time.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let permit = self.take().await?;
        let working = spawn_blocking(move || {
            let _permit = permit;
            let _pauses = priority::PauseTimer::start();
            work()
        });
        working.await.map_err(|cause| Error::Internal(cause.into()))
    }
}

/// The number of cores that this process may use, at least one.
pub fn count_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Turns of one kind of long work, of which each caller has a share at most.
pub struct Turns {
    /// The kind of work, in the plural.
    work: &'static str,
    max_of_caller: usize,
    free: Arc<Semaphore>,
    taken: Arc<Mutex<HashMap<Uuid, usize>>>,
}

/// A turn. It ends when it is dropped.
pub struct Turn {
    caller: Uuid,
    taken: Arc<Mutex<HashMap<Uuid, usize>>>,
    _permit: OwnedSemaphorePermit,
}

impl Turns {
    /// Allows `count` turns of `work` at a time, and one caller at most `max_of_caller` of them.
    pub fn new(work: &'static str, count: usize, max_of_caller: usize) -> Self {
        Self { work, max_of_caller, free: Arc::new(Semaphore::new(count)), taken: Arc::default() }
    }

    /// Counts the turns that are taken.
    pub fn count_turns(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    /// Takes a turn for a member or an API key. Fails with 503 if the caller or all have used theirs up.
    pub fn take(&self, caller: Uuid) -> Result<Turn> {
        let refused = |who: &str| Error::Unavailable(format!("{who}: too many {} in parallel", self.work));
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.get(&caller).copied().unwrap_or_default();
        if count >= self.max_of_caller {
            return Err(refused("the caller"));
        }
        let permit = self.free.clone().try_acquire_owned().map_err(|_| refused("all callers"))?;
        taken.insert(caller, count + 1);
        Ok(Turn { caller, taken: self.taken.clone(), _permit: permit })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.caller) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                taken.remove(&self.caller);
            }
        }
    }
}

/// Memory that several tasks share. It is counted in KiB.
#[derive(Clone)]
pub struct MemoryBudget {
    free: Arc<Semaphore>,
    total: u32,
    max_wait: Duration,
    refusal: &'static str,
}

/// A part of a [`MemoryBudget`]. It is given back when it is dropped.
#[derive(Default)]
pub struct MemoryShare(Option<OwnedSemaphorePermit>);

impl MemoryShare {
    /// Adds another share of the same budget.
    pub fn add(&mut self, other: Self) {
        match (&mut self.0, other.0) {
            (Some(permit), Some(more)) => permit.merge(more),
            (permit @ None, more) => *permit = more,
            (Some(_), None) => {}
        }
    }
}

impl MemoryBudget {
    /// A budget of `bytes`, which are waited for at most `max_wait`; `refusal` tells the log why work was turned away.
    pub fn new(bytes: usize, max_wait: Duration, refusal: &'static str) -> Self {
        let total = u32::try_from(bytes >> 10).unwrap_or(u32::MAX).max(1);
        Self { free: Arc::new(Semaphore::new(total as usize)), total, max_wait, refusal }
    }

    /// Takes `bytes`, at most the whole budget. `None` if they are not free.
    pub fn try_take(&self, bytes: usize) -> Option<MemoryShare> {
        let permit = self.free.clone().try_acquire_many_owned(self.to_permits(bytes));
        permit.ok().map(|permit| MemoryShare(Some(permit)))
    }

    /// Takes `bytes`, at most the whole budget, and waits until they are free. Fails with 503 if they are not in time.
    pub async fn take(&self, bytes: usize) -> Result<MemoryShare> {
        let permit = timeout(self.max_wait, self.free.clone().acquire_many_owned(self.to_permits(bytes)));
        match permit.await {
            Ok(Ok(permit)) => Ok(MemoryShare(Some(permit))),
            _ => Err(Error::Unavailable(self.refusal.to_owned())),
        }
    }

    fn to_permits(&self, bytes: usize) -> u32 {
        u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX).min(self.total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn long_work_waits_for_a_permit() {
        let permits = CorePermits::new(Duration::from_secs(10), "too much work");
        let mut taken = Vec::new();
        for _ in 0..(count_cores() - 1).max(1) {
            taken.push(permits.take().await.unwrap());
        }
        let long = permits.run(|| "done");
        tokio::pin!(long);
        tokio::select! {
            biased;
            _ = &mut long => panic!("done without a permit"),
            () = std::future::ready(()) => {}
        }
        drop(taken);
        assert_eq!(long.await.unwrap(), "done");
    }

    #[test]
    fn a_caller_has_two_turns_and_leaves_the_others_to_the_rest() {
        let turns = Turns::new("imports", 3, 2);
        let (one, other) = (Uuid::new_v4(), Uuid::new_v4());
        let (first, _second) = (turns.take(one).unwrap(), turns.take(one).unwrap());
        assert!(turns.take(one).is_err());
        let _third = turns.take(other).unwrap();
        assert!(turns.take(other).is_err());
        drop(first);
        let _fourth = turns.take(one).unwrap();
        assert!(turns.take(one).is_err());
        assert_eq!(turns.count_turns(), 3);
    }

    #[test]
    fn more_than_the_whole_budget_is_the_whole_budget() {
        let budget = MemoryBudget::new(8 << 10, Duration::ZERO, "no memory");
        let mut share = budget.try_take(1).unwrap();
        assert!(budget.try_take(9 << 10).is_none());
        share.add(budget.try_take(7 << 10).unwrap());
        assert!(budget.try_take(1).is_none());
        drop(share);
        assert!(budget.try_take(9 << 10).is_some());
    }
}
