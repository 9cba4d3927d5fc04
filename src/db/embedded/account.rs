//! The account that PostgreSQL runs as when we are root, as whom it refuses to.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow};

/// An unprivileged account to run PostgreSQL as.
pub(super) struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// The account for the cluster in `data`, when we are root: the one that it belongs to, or else
    /// the usual one.
    pub fn for_cluster(data: &Path) -> Result<Option<Account>> {
        if us() != 0 {
            return Ok(None);
        }
        if let Ok(found) = fs::metadata(data)
            && found.uid() != 0
        {
            let (uid, gid) = (found.uid(), found.gid());
            return Ok(Some(Account { name: format!("the user {uid}"), uid, gid }));
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(Account::named)
            .map(Some)
            .ok_or_else(|| anyhow!("there is no account `postgres` or `nobody` to run PostgreSQL as"))
    }

    fn named(name: &str) -> Option<Account> {
        let id = |what| -> Option<u32> {
            let output = Command::new("id").args([what, name]).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        };
        Some(Account { name: format!("`{name}`"), uid: id("-u")?, gid: id("-g")? })
    }

    /// Has `command` run as this account. The standard library drops root's further groups.
    pub fn wear(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Whether this account gets as far as `dir`; the kernel knows, where mode bits may mislead.
    pub fn can_enter(&self, dir: &Path) -> Result<bool> {
        let mut probe = Command::new("/bin/sh");
        self.wear(probe.args(["-c", ":"]).current_dir(dir).stdin(Stdio::null()));
        match probe.status() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(false),
            Err(error) => Err(error).with_context(|| format!("entering {}", dir.display())),
        }
    }

    /// Takes over a cluster that belongs to root, as one copied back from a backup may. The top
    /// folder comes last, so that an interrupted change is begun again.
    pub fn take_over(&self, data: &Path) -> Result<()> {
        match fs::metadata(data) {
            Ok(found) if found.uid() == 0 => {
                self.own(data).with_context(|| format!("giving {} to {}", data.display(), self.name))
            }
            _ => Ok(()),
        }
    }

    fn own(&self, path: &Path) -> io::Result<()> {
        if fs::symlink_metadata(path)?.is_dir() {
            for entry in fs::read_dir(path)? {
                self.own(&entry?.path())?;
            }
        }
        lchown(path, Some(self.uid), Some(self.gid))
    }
}

/// The user we run as.
pub(super) fn us() -> u32 {
    // SAFETY: geteuid only reads, and cannot fail.
    unsafe { libc::geteuid() }
}
