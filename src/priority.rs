//! Work that may wait: threads that the machine runs only when nothing else wants to run.
//!
//! Linux alone is told so; elsewhere nothing happens.

#[cfg(target_os = "linux")]
pub use naps::Naps;

/// No naps: this machine is not known to need them.
#[cfg(not(target_os = "linux"))]
pub struct Naps;

#[cfg(not(target_os = "linux"))]
impl Naps {
    /// None.
    pub fn begin() -> Option<Self> {
        None
    }
}

/// Lets the calling thread give way to all others from now on. There is no way back.
pub fn background() {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: all fields of the parameter may be zero, it is only read, and a thread may always lower its own priority.
        unsafe {
            let parameter: libc::sched_param = std::mem::zeroed();
            libc::sched_setscheduler(0, libc::SCHED_IDLE, &parameter);
        }
    }
}

/// Pauses of a thread that computes without end.
///
/// Linux weighs sessions against each other before it looks at the priorities of their threads
/// (sched(7), "The autogroup feature"), and each connection of PostgreSQL is a session: a query
/// waits until the next tick of the clock, 4 ms, for a thread of ours that has the core, however
/// low its priority. A thread that pauses of its own accord gives the core away at once.
#[cfg(target_os = "linux")]
mod naps {
    use std::cell::Cell;
    use std::marker::PhantomData;
    use std::mem::{MaybeUninit, zeroed};
    use std::ptr::null_mut;
    use std::sync::Once;

    use libc::{c_int, timespec};

    thread_local! {
        /// The timer of this thread's naps, if it takes some.
        static TIMER: Cell<Option<libc::timer_t>> = const { Cell::new(None) };
    }

    /// The time between two pauses.
    const AWAKE: timespec = timespec { tv_sec: 0, tv_nsec: 300_000 };
    /// The least that a thread can sleep; the machine makes some 50 µs of it.
    const ASLEEP: timespec = timespec { tv_sec: 0, tv_nsec: 1_000 };
    const NEXT: libc::itimerspec =
        libc::itimerspec { it_interval: timespec { tv_sec: 0, tv_nsec: 0 }, it_value: AWAKE };

    /// While it lives, the thread that began it pauses 0.3 ms after each pause has ended: it
    /// gets on, however long it has to wait for a core.
    pub struct Naps(libc::timer_t, PhantomData<*const ()>);

    impl Naps {
        /// Begins them on the calling thread; None where the machine has no timer left.
        pub fn begin() -> Option<Self> {
            static HANDLER: Once = Once::new();
            // SAFETY: all fields of these structures may be zero; they outlive the calls that
            // read them. What the handler does is safe in one, as it says itself.
            unsafe {
                HANDLER.call_once(|| {
                    let mut action: libc::sigaction = zeroed();
                    action.sa_sigaction = nap as extern "C" fn(c_int) as usize;
                    action.sa_flags = libc::SA_RESTART;
                    libc::sigaction(libc::SIGVTALRM, &action, null_mut());
                });
                let mut event: libc::sigevent = zeroed();
                event.sigev_notify = libc::SIGEV_THREAD_ID;
                event.sigev_signo = libc::SIGVTALRM;
                event.sigev_notify_thread_id = libc::gettid();
                let mut timer = MaybeUninit::uninit();
                if libc::timer_create(libc::CLOCK_MONOTONIC, &mut event, timer.as_mut_ptr()) != 0 {
                    return None;
                }
                let naps = Self(timer.assume_init(), PhantomData);
                TIMER.set(Some(naps.0));
                libc::timer_settime(naps.0, 0, &NEXT, null_mut());
                Some(naps)
            }
        }
    }

    impl Drop for Naps {
        fn drop(&mut self) {
            TIMER.set(None);
            // SAFETY: the timer was made in `begin` on this thread and is deleted here alone.
            unsafe {
                libc::timer_delete(self.0);
            }
        }
    }

    extern "C" fn nap(_: c_int) {
        let Some(timer) = TIMER.get() else { return };
        // SAFETY: all calls are safe in a handler (signal-safety(7)), reading a thread's own cell
        // that needs no initialisation too; whom it interrupted finds errno as it was.
        unsafe {
            let errno = *libc::__errno_location();
            libc::nanosleep(&ASLEEP, null_mut());
            libc::timer_settime(timer, 0, &NEXT, null_mut());
            *libc::__errno_location() = errno;
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// How often this thread has given a core away of its own accord.
    fn pauses() -> i64 {
        // SAFETY: the structure is written by the call alone.
        unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            libc::getrusage(libc::RUSAGE_THREAD, &mut usage);
            usage.ru_nvcsw
        }
    }

    #[test]
    fn a_thread_that_computes_pauses_until_its_naps_end() {
        let computes = |enough: &dyn Fn() -> bool| (0..50_000_000).any(|_| enough());
        let before = pauses();
        let naps = Naps::begin().unwrap();
        assert!(computes(&|| pauses() >= before + 5));
        drop(naps);
        let after = pauses();
        assert!((0..100_000).all(|_| pauses() <= after + 1));
    }
}
