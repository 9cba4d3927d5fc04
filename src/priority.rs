//! Work that may wait: threads that the machine runs only when nothing else wants to run.

/// Lets the calling thread give way to all others from now on. There is no way back.
///
/// Linux alone schedules a thread as idle; elsewhere nothing happens.
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
