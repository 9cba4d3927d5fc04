//! Work that may wait: threads that the machine runs only when nothing else wants to run.

/// Lets the calling thread give way to all others from now on. There is no way back.
///
/// A niceness of one thread is known to Linux alone; elsewhere nothing happens.
pub fn background() {
    #[cfg(target_os = "linux")]
    {
        /// The lowest priority there is.
        const NICEST: libc::c_int = 19;
        // SAFETY: it touches no memory, and a thread may always lower its own priority.
        unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICEST) };
    }
}
