//! Processes: which are ours, and how they end.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tracing::{info, warn};

/// How long a fast shutdown may take, and then an immediate one.
const FAST: Duration = Duration::from_secs(30);
const IMMEDIATE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// Has the child get the signal `end` when the thread that starts it ends, however that ends.
#[cfg(target_os = "linux")]
pub(super) fn die_with_us(command: &mut Command, end: i32) {
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

/// Elsewhere, the next start ends a server that was left over.
#[cfg(not(target_os = "linux"))]
pub(super) fn die_with_us(_command: &mut Command, _end: i32) {}

/// Whether the server `pid` says that it takes connections. To be asked once it has made its
/// socket: until then, the file may be an old one, of a server that had the same number.
pub(super) fn is_ready(data: &Path, pid: u32) -> bool {
    let text = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.first() == Some(&pid.to_string().as_str())
        && lines.get(7).is_some_and(|status| status.starts_with("ready"))
}

/// Ends a server that a killed Inkstone left over, and sees to it that its `postmaster.pid` does
/// not keep the next one from starting.
pub(super) fn clear_leftover(data: &Path) -> Result<()> {
    let file = data.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&file) else {
        return Ok(());
    };
    let pid = text.lines().next().and_then(|line| line.trim().parse::<i32>().ok());
    match pid {
        // A negative one is somebody's single-user session: PostgreSQL will say so.
        Some(..0) => return Ok(()),
        Some(pid) if pid > 0 => {
            if is_server_of(data, pid) {
                info!("ending the PostgreSQL that was left over (pid {pid})");
                ensure!(
                    end(pid, || !is_server_of(data, pid)),
                    "the PostgreSQL that was left over (pid {pid}) does not end"
                );
                return Ok(());
            }
            // PostgreSQL itself deals with a dead one, better than we could: it learns from the
            // file whether orphaned sessions still use the shared memory.
            if !is_alive(pid) {
                return Ok(());
            }
        }
        _ => {}
    }
    // The number has gone to another process, or the file is broken, and PostgreSQL would not start.
    fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))
}

/// Asks the server for a fast shutdown, and if need be for an immediate one, until it is `gone`.
pub(super) fn end(pid: i32, mut gone: impl FnMut() -> bool) -> bool {
    [(libc::SIGINT, FAST), (libc::SIGQUIT, IMMEDIATE)].into_iter().any(|(signal, patience)| {
        if signal == libc::SIGQUIT {
            warn!("PostgreSQL takes long to stop (pid {pid}): stopping it at once");
        }
        // SAFETY: a signal to a process that is not `gone`, and so still is the one that is meant.
        unsafe { libc::kill(pid, signal) };
        let until = Instant::now() + patience;
        loop {
            if gone() {
                return true;
            }
            if Instant::now() > until {
                return false;
            }
            sleep(POLL);
        }
    })
}

fn is_alive(pid: i32) -> bool {
    // SAFETY: signal 0 only asks.
    let answer = unsafe { libc::kill(pid, 0) };
    answer == 0 || std::io::Error::last_os_error().raw_os_error() != Some(libc::ESRCH)
}

/// Whether `pid` is a server of the cluster in `data`: process numbers are used again.
#[cfg(target_os = "linux")]
fn is_server_of(data: &Path, pid: i32) -> bool {
    use std::os::unix::fs::MetadataExt;

    let process = Path::new("/proc").join(pid.to_string());
    let is_postgres = fs::read_link(process.join("exe")).is_ok_and(|exe| {
        exe.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"postgres"))
    });
    // A server works in its data folder.
    let folder = |path: &Path| fs::metadata(path).map(|folder| (folder.dev(), folder.ino())).ok();
    is_postgres && folder(data).is_some_and(|data| folder(&process.join("cwd")) == Some(data))
}

/// Whether `pid` is a server of the cluster in `data`: process numbers are used again.
#[cfg(not(target_os = "linux"))]
fn is_server_of(data: &Path, pid: i32) -> bool {
    let ps = Command::new("ps").args(["-ww", "-o", "command=", "-p", &pid.to_string()]).output();
    let line = ps.map(|ps| String::from_utf8_lossy(&ps.stdout).into_owned()).unwrap_or_default();
    line.contains("postgres") && line.contains(&*data.to_string_lossy())
}
