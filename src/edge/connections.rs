//! All connections of the process: how many there are, and which one makes room.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

use futures_util::task::AtomicWaker;
use ipnet::IpNet;

use super::backlog::{Backlog, MAX_WAITING_BYTES};
use crate::http::client::network_of;

/// All open connections.
///
/// Beyond a limit the connection that has waited longest for its client makes room for a new one: clients that send
/// slowly, send nothing or do not read cannot keep others out. If all connections are at work, the new one is refused.
pub struct Connections {
    limit: usize,
    limit_of_network: usize,
    /// Networks without a limit of their own: proxies, behind which are many clients.
    proxies: Vec<IpNet>,
    began: Instant,
    open: Mutex<Open>,
    /// The bytes that wait on all connections.
    backlog: Arc<Backlog>,
}

#[derive(Default)]
struct Open {
    next_id: u64,
    slots: HashMap<u64, Arc<Shared>>,
    of_network: HashMap<IpAddr, usize>,
}

/// What a connection shares with those that look for room.
struct Shared {
    network: IpAddr,
    /// The milliseconds at which the connection began to wait for its client, counted from 1; 0 while it is at work.
    waits_since: AtomicU64,
    makes_room: AtomicBool,
    waker: AtomicWaker,
}

/// The place of one connection among all. Dropping it gives the place back.
pub struct Slot {
    id: u64,
    shared: Arc<Shared>,
    connections: Arc<Connections>,
}

impl Connections {
    /// At most `limit` connections, and `limit_of_network` of each network that is not one of `proxies`.
    pub fn new(limit: usize, limit_of_network: usize, proxies: &[IpNet]) -> Self {
        Self {
            limit: limit.max(1),
            limit_of_network: limit_of_network.max(1),
            proxies: proxies.to_vec(),
            began: Instant::now(),
            open: Mutex::default(),
            backlog: Arc::new(Backlog::new(MAX_WAITING_BYTES)),
        }
    }

    /// The limit of all connections together.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Takes a connection from `address`. Returns `None` if there is no room and none can be made.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Slot> {
        let address = address.to_canonical();
        let network = network_of(address);
        let mut open = self.lock();
        let is_proxy = self.proxies.iter().any(|proxies| proxies.contains(&address));
        let of_network = open.of_network.get(&network).copied().unwrap_or_default();
        if !is_proxy && of_network >= self.limit_of_network {
            open.make_room(|slot| slot.network == network)?;
        } else if open.slots.len() >= self.limit {
            open.make_room(|_| true)?;
        }
        let shared = Arc::new(Shared {
            network,
            waits_since: AtomicU64::new(self.now()),
            makes_room: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        });
        let id = open.next_id;
        open.next_id += 1;
        open.slots.insert(id, Arc::clone(&shared));
        *open.of_network.entry(network).or_default() += 1;
        Some(Slot { id, shared, connections: Arc::clone(self) })
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_millis() as u64 + 1
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Tells the connection that has waited longest for its client to close, among those that `may_close`.
    fn make_room(&mut self, may_close: impl Fn(&Shared) -> bool) -> Option<()> {
        let waiting = self.slots.values().filter(|slot| may_close(slot)).filter_map(|slot| {
            let since = slot.waits_since.load(Ordering::Relaxed);
            (since > 0 && !slot.makes_room.load(Ordering::Relaxed)).then_some((since, slot))
        });
        let (_, longest) = waiting.min_by_key(|(since, _)| *since)?;
        longest.makes_room.store(true, Ordering::Relaxed);
        longest.waker.wake();
        Some(())
    }
}

impl Slot {
    /// The bytes that wait on all connections.
    pub fn backlog(&self) -> &Arc<Backlog> {
        &self.connections.backlog
    }

    /// Notes that the connection waits for its client, if it did not do so already.
    pub fn note_waiting(&self) {
        if self.shared.waits_since.load(Ordering::Relaxed) == 0 {
            self.shared.waits_since.store(self.connections.now(), Ordering::Relaxed);
        }
    }

    /// Notes that the connection is at work.
    pub fn note_working(&self) {
        self.shared.waits_since.store(0, Ordering::Relaxed);
    }

    /// Whether the connection has to close, so that another finds room.
    pub fn makes_room(&self) -> bool {
        self.shared.makes_room.load(Ordering::Relaxed)
    }

    /// Wakes the connection's task with `waker` when the connection has to close.
    pub fn register(&self, waker: &Waker) {
        self.shared.waker.register(waker);
    }

    /// Wakes the connection's task.
    pub fn wake(&self) {
        self.shared.waker.wake();
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.connections.lock();
        open.slots.remove(&self.id);
        if let Some(count) = open.of_network.get_mut(&self.shared.network) {
            *count -= 1;
            if *count == 0 {
                open.of_network.remove(&self.shared.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_connection_that_has_waited_longest_makes_room() {
        let connections = Arc::new(Connections::new(3, 2, &[]));
        let slots =
            ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|one| connections.admit(address(one)).unwrap());
        slots[0].note_working();
        slots[1].shared.waits_since.store(2, Ordering::Relaxed);
        slots[2].shared.waits_since.store(3, Ordering::Relaxed);
        let new = connections.admit(address("192.0.2.4")).unwrap();
        assert_eq!(slots.each_ref().map(Slot::makes_room), [false, true, false]);
        new.note_working();
        assert!(connections.admit(address("192.0.2.5")).is_some());
        assert!(slots[2].makes_room());
    }

    #[test]
    fn a_network_makes_room_among_its_own_and_is_refused_when_all_are_at_work() {
        let connections = Arc::new(Connections::new(100, 2, &["198.51.100.0/24".parse().unwrap()]));
        let other = connections.admit(address("2001:db8::1")).unwrap();
        other.shared.waits_since.store(1, Ordering::Relaxed);
        let slots =
            ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9"].map(|one| connections.admit(address(one)).unwrap());
        slots.iter().for_each(Slot::note_working);
        assert!(connections.admit(address("2001:db8:1:2::3")).is_none());
        slots[1].note_waiting();
        assert!(connections.admit(address("2001:db8:1:2::3")).is_some());
        assert!(slots[1].makes_room() && !other.makes_room());
        let behind: Vec<_> = (0..9).map(|_| connections.admit(address("198.51.100.7"))).collect();
        assert!(behind.iter().all(Option::is_some), "a proxy has many clients");
        drop(slots);
        assert!(connections.admit(address("2001:db8:1:2::4")).is_some(), "places are given back");
    }
}
