//! Server processes: recognising, stopping and cleaning up after them.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tracing::{info, warn};

/// The longest time of a fast shutdown.
const FAST_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest time of an immediate shutdown, after a fast one has failed.
const IMMEDIATE_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause between two looks at a server that is stopping.
const SHUTDOWN_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Makes the kernel send the signal `end` to the child when the thread that starts it ends.
#[cfg(target_os = "linux")]
pub(super) fn end_with_parent(command: &mut Command, end: i32) {
    use std::os::unix::process::{CommandExt, parent_id};

    let parent = std::process::id();
    // SAFETY: between fork and exec, this only makes two system calls and allocates nothing.
    // It runs after the change of user, which would undo the request.
    unsafe {
        command.pre_exec(move || {
            if libc::prctl(libc::PR_SET_PDEATHSIG, end) == -1 {
                return Err(std::io::Error::last_os_error());
            }
            // The parent may have died before the request.
            if parent_id() != parent {
                return Err(std::io::Error::from_raw_os_error(libc::ESRCH));
            }
            Ok(())
        });
    }
}

/// Does nothing: on other systems, the next start stops a server that was left over.
#[cfg(not(target_os = "linux"))]
pub(super) fn end_with_parent(_command: &mut Command, _end: i32) {}

/// Whether the server `pid` accepts connections, according to its `postmaster.pid`.
///
/// Valid only once the server has created its socket: until then, the file may be of an older
/// server with the same process id.
pub(super) fn is_ready(data: &Path, pid: u32) -> bool {
    let text = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.first() == Some(&pid.to_string().as_str())
        && lines.get(7).is_some_and(|status| status.starts_with("ready"))
}

/// Stops a server that a killed Inkstone left over, and removes its `postmaster.pid` if the file
/// would prevent the next start.
pub(super) fn stop_leftover_server(data: &Path) -> Result<()> {
    let file = data.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&file) else {
        return Ok(());
    };
    let pid = text.lines().next().and_then(|line| line.trim().parse::<i32>().ok());
    match pid {
        // A negative number means a single-user session; PostgreSQL reports that itself.
        Some(..0) => return Ok(()),
        Some(pid) if pid > 0 => {
            if is_server_of(data, pid) {
                info!("stopping a PostgreSQL that was left over (pid {pid})");
                ensure!(
                    stop_server(pid, || !is_server_of(data, pid)),
                    "a PostgreSQL that was left over (pid {pid}) does not stop"
                );
                return Ok(());
            }
            // PostgreSQL handles the file of a dead server itself: it reads in the file whether
            // orphaned sessions still use the shared memory.
            if !is_alive(pid) {
                return Ok(());
            }
        }
        _ => {}
    }
    // Another process has the process id, or the file is broken. PostgreSQL would refuse to start.
    fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))
}

/// Requests a fast shutdown, and if that fails an immediate one; returns whether the server has ended.
pub(super) fn stop_server(pid: i32, mut has_ended: impl FnMut() -> bool) -> bool {
    [(libc::SIGINT, FAST_SHUTDOWN_TIMEOUT), (libc::SIGQUIT, IMMEDIATE_SHUTDOWN_TIMEOUT)].into_iter().any(
        |(signal, timeout)| {
            if signal == libc::SIGQUIT {
                warn!("PostgreSQL does not stop in time (pid {pid}): requesting an immediate shutdown");
            }
            // SAFETY: the process has not ended yet, so the process id still is that of the server.
            unsafe { libc::kill(pid, signal) };
            let until = Instant::now() + timeout;
            loop {
                if has_ended() {
                    return true;
                }
                if Instant::now() > until {
                    return false;
                }
                sleep(SHUTDOWN_POLL_INTERVAL);
            }
        },
    )
}

fn is_alive(pid: i32) -> bool {
    // SAFETY: signal 0 only checks whether the process exists.
    let answer = unsafe { libc::kill(pid, 0) };
    answer == 0 || std::io::Error::last_os_error().raw_os_error() != Some(libc::ESRCH)
}

/// Whether `pid` is a server of the cluster in `data`. Process ids are reused.
#[cfg(target_os = "linux")]
fn is_server_of(data: &Path, pid: i32) -> bool {
    use std::os::unix::fs::MetadataExt;

    let process = Path::new("/proc").join(pid.to_string());
    let is_postgres = fs::read_link(process.join("exe")).is_ok_and(|exe| {
        exe.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"postgres"))
    });
    // The working directory of a server is its data directory.
    let folder = |path: &Path| fs::metadata(path).map(|folder| (folder.dev(), folder.ino())).ok();
    is_postgres && folder(data).is_some_and(|data| folder(&process.join("cwd")) == Some(data))
}

/// Whether `pid` is a server of the cluster in `data`. Process ids are reused.
#[cfg(not(target_os = "linux"))]
fn is_server_of(data: &Path, pid: i32) -> bool {
    let ps = Command::new("ps").args(["-ww", "-o", "command=", "-p", &pid.to_string()]).output();
    let line = ps.map(|ps| String::from_utf8_lossy(&ps.stdout).into_owned()).unwrap_or_default();
    line.contains("postgres") && line.contains(&*data.to_string_lossy())
}
