//! The settings on the command line of the server, and the memory they are based on.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use crate::db::planning::PLANNING;

const MB: u64 = 1 << 20;

/// Builds the server's settings as `name=value`, with its socket in `run`.
pub(super) fn build_settings(run: &Path, durable: bool, lz4: bool) -> Vec<OsString> {
    let memory = detect_memory();
    let safety = if durable { "on" } else { "off" };
    let mut all: Vec<OsString> = [
        "listen_addresses=",
        "port=5432",
        "unix_socket_permissions=0700",
        "max_connections=100",
        "max_wal_size=1GB",
        "timezone=UTC",
        "log_timezone=UTC",
        "logging_collector=off",
        // The causes of a failed start are searched for in the log, in English.
        "lc_messages=C",
    ]
    .map(OsString::from)
    .into();
    all.extend(PLANNING.map(OsString::from));
    let most_buffers = if durable { 1024 } else { 128 };
    all.push(format!("shared_buffers={}MB", (memory / 8 / MB).clamp(32, most_buffers)).into());
    all.push(format!("effective_cache_size={}MB", (memory / 2 / MB).max(64)).into());
    for name in ["fsync", "full_page_writes", "synchronous_commit"] {
        all.push(format!("{name}={safety}").into());
    }
    if !durable {
        all.extend(SCRATCH_SETTINGS.map(OsString::from));
    }
    if lz4 {
        all.extend(LZ4_SETTINGS.map(OsString::from));
    }
    all.push(socket_dir_setting(run));
    all
}

/// The settings of a server whose data nobody needs after it: no log for standbys, and writing to
/// the disk is left to the operating system. Such a server has little data and many short
/// connections, so it gets few buffers.
const SCRATCH_SETTINGS: [&str; 5] = [
    "wal_level=minimal",
    "max_wal_senders=0",
    "checkpoint_flush_after=0",
    "bgwriter_flush_after=0",
    "checkpoint_timeout=1h",
];

/// The settings that need a server built with lz4. PostgreSQL 14 knows only the first, and so
/// gets neither.
pub(super) const LZ4_SETTINGS: [&str; 2] = ["default_toast_compression=lz4", "wal_compression=lz4"];

/// Builds the setting for the socket directory. The setting is a list, so a path with commas or
/// spaces must be quoted.
fn socket_dir_setting(run: &Path) -> OsString {
    let mut bytes = b"unix_socket_directories=\"".to_vec();
    for &byte in run.as_os_str().as_encoded_bytes() {
        bytes.extend(std::iter::repeat_n(byte, if byte == b'"' { 2 } else { 1 }));
    }
    bytes.push(b'"');
    std::os::unix::ffi::OsStringExt::from_vec(bytes)
}

/// Returns the bytes of memory of the machine, or of the control group of this process if it has fewer.
fn detect_memory() -> u64 {
    // SAFETY: sysconf only reads.
    let (pages, size) = unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
    let machine = pages.max(0) as u64 * size.max(0) as u64;
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    read_group_limit(Path::new("/sys/fs/cgroup"), &groups).map_or(machine, |limit| limit.min(machine))
}

/// Returns the lowest `memory.max` of the control group of this process (version 2) and its ancestors.
fn read_group_limit(root: &Path, groups: &str) -> Option<u64> {
    let ours = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    root.join(ours)
        .ancestors()
        .take_while(|group| group.starts_with(root))
        .filter_map(|group| fs::read_to_string(group.join("memory.max")).ok()?.trim().parse().ok())
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_limit_of_all_groups_counts() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        let limit = || read_group_limit(root.path(), "4:memory:/v1\n0::/a/b\n");
        assert_eq!(limit(), None);
        fs::write(inner.join("memory.max"), "max\n").unwrap();
        fs::write(root.path().join("a/memory.max"), "1000\n").unwrap();
        fs::write(root.path().join("memory.max"), "2000\n").unwrap();
        assert_eq!(limit(), Some(1000));
        assert!(detect_memory() > 64 * MB);
    }

    #[test]
    fn a_socket_directory_is_quoted() {
        let quoted = socket_dir_setting(Path::new("/a, \"b"));
        assert_eq!(quoted, "unix_socket_directories=\"/a, \"\"b\"");
    }
}
