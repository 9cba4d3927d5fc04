//! Threads of the lowest priority, which run only when no other thread wants to run.
//!
//! Only implemented for Linux; on other systems the functions do nothing.

#[cfg(target_os = "linux")]
pub use pauses::PauseTimer;

/// A timer that does nothing: other systems are not known to need it.
#[cfg(not(target_os = "linux"))]
pub struct PauseTimer;

#[cfg(not(target_os = "linux"))]
impl PauseTimer {
    /// Returns `None`.
    pub fn start() -> Option<Self> {
        None
    }
}

/// Gives the calling thread the lowest priority. An unprivileged thread cannot raise it again.
pub fn lower_thread_priority() {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: all fields of the parameter may be zero, it is only read, and a thread may always lower its own priority.
        unsafe {
            let parameter: libc::sched_param = std::mem::zeroed();
            libc::sched_setscheduler(0, libc::SCHED_IDLE, &parameter);
        }
    }
}

/// Gives the calling thread, and those that it starts, a third of what a thread that answers requests gets of a busy core:
/// enough to come to an end, however busy the machine is.
pub fn be_modest() {
    #[cfg(target_os = "linux")]
    {
        const NICENESS: libc::c_int = 5;
        // SAFETY: it reads nothing but its arguments. 0 is the calling thread (setpriority(2), "C library/kernel differences").
        unsafe {
            libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS);
        }
    }
}

/// Short pauses of a thread that computes for long.
///
/// Linux divides the processor between sessions before it compares the priorities of their threads
/// (sched(7), "The autogroup feature"). Each PostgreSQL backend is a session of its own, so a query
/// waits up to one clock tick (4 ms) for a computing thread of this process, even one of the lowest
/// priority. A thread that sleeps gives the core away at once.
#[cfg(target_os = "linux")]
mod pauses {
    use std::cell::Cell;
    use std::marker::PhantomData;
    use std::mem::{MaybeUninit, zeroed};
    use std::ptr::null_mut;
    use std::sync::Once;

    use libc::{c_int, timespec};

    thread_local! {
        /// The pause timer of this thread, if it has one.
        static TIMER: Cell<Option<libc::timer_t>> = const { Cell::new(None) };
    }

    /// The running time between two pauses.
    const RUN_TIME: timespec = timespec { tv_sec: 0, tv_nsec: 300_000 };
    /// The requested length of a pause. The kernel rounds it up to about 50 µs.
    const PAUSE_TIME: timespec = timespec { tv_sec: 0, tv_nsec: 1_000 };
    /// Arms the timer for one pause, after [`RUN_TIME`].
    const NEXT_PAUSE: libc::itimerspec =
        libc::itimerspec { it_interval: timespec { tv_sec: 0, tv_nsec: 0 }, it_value: RUN_TIME };

    /// While this guard lives, a timer signal makes the thread sleep about 50 µs after every 0.3 ms of running.
    ///
    /// The timer is armed at the end of each pause, so a thread that waits long for a core still makes progress.
    pub struct PauseTimer(libc::timer_t, PhantomData<*const ()>);

    impl PauseTimer {
        /// Starts the pauses of the calling thread. Returns `None` if the system has no timer left.
        pub fn start() -> Option<Self> {
            static HANDLER: Once = Once::new();
            // SAFETY: all fields of these structures may be zero; they outlive the calls that
            // read them. The handler calls only functions that are safe in a handler; see there.
            unsafe {
                HANDLER.call_once(|| {
                    let mut action: libc::sigaction = zeroed();
                    action.sa_sigaction = pause_thread as extern "C" fn(c_int) as usize;
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
                let timer = Self(timer.assume_init(), PhantomData);
                TIMER.set(Some(timer.0));
                libc::timer_settime(timer.0, 0, &NEXT_PAUSE, null_mut());
                Some(timer)
            }
        }
    }

    impl Drop for PauseTimer {
        fn drop(&mut self) {
            TIMER.set(None);
            // SAFETY: the timer was created in `start` on this thread, and is deleted only here.
            unsafe {
                libc::timer_delete(self.0);
            }
        }
    }

    extern "C" fn pause_thread(_: c_int) {
        let Some(timer) = TIMER.get() else { return };
        // SAFETY: all calls are safe in a handler (signal-safety(7)). So is reading a thread-local
        // cell that needs no initialisation. errno is restored for the interrupted code.
        unsafe {
            let errno = *libc::__errno_location();
            libc::nanosleep(&PAUSE_TIME, null_mut());
            libc::timer_settime(timer, 0, &NEXT_PAUSE, null_mut());
            *libc::__errno_location() = errno;
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// Returns the number of voluntary context switches of this thread.
    fn count_pauses() -> i64 {
        // SAFETY: only the call writes to the structure.
        unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            libc::getrusage(libc::RUSAGE_THREAD, &mut usage);
            usage.ru_nvcsw
        }
    }

    #[test]
    fn a_computing_thread_pauses_until_the_timer_is_dropped() {
        let computes = |enough: &dyn Fn() -> bool| (0..50_000_000).any(|_| enough());
        let before = count_pauses();
        let timer = PauseTimer::start().unwrap();
        assert!(computes(&|| count_pauses() >= before + 5));
        drop(timer);
        let after = count_pauses();
        assert!((0..100_000).all(|_| count_pauses() <= after + 1));
    }
}
