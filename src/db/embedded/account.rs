//! The account that runs PostgreSQL if this process runs as root, because PostgreSQL refuses to run as root.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow};

/// An unprivileged account that runs PostgreSQL.
pub(super) struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// Finds the account for the cluster in `data`: the owner of the cluster, or else `postgres` or `nobody`.
    ///
    /// Returns `None` if this process does not run as root.
    pub fn find_for_cluster(data: &Path) -> Result<Option<Account>> {
        if effective_uid() != 0 {
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
            .find_map(Account::find_named)
            .map(Some)
            .ok_or_else(|| anyhow!("there is no account `postgres` or `nobody` to run PostgreSQL as"))
    }

    fn find_named(name: &str) -> Option<Account> {
        let id = |what| -> Option<u32> {
            let output = Command::new("id").args([what, name]).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        };
        Some(Account { name: format!("`{name}`"), uid: id("-u")?, gid: id("-g")? })
    }

    /// Makes `command` run as this account. The standard library drops root's supplementary groups.
    pub fn apply_to(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Whether this account can enter `dir`. Asks the kernel, because mode bits do not tell everything.
    pub fn can_enter(&self, dir: &Path) -> Result<bool> {
        let mut probe = Command::new("/bin/sh");
        self.apply_to(probe.args(["-c", ":"]).current_dir(dir).stdin(Stdio::null()));
        match probe.status() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(false),
            Err(error) => Err(error).with_context(|| format!("entering {}", dir.display())),
        }
    }

    /// Gives a cluster that belongs to root to this account, as after a restore from a backup.
    ///
    /// The top directory is changed last, so that an interrupted change is repeated.
    pub fn take_ownership(&self, data: &Path) -> Result<()> {
        match fs::metadata(data) {
            Ok(found) if found.uid() == 0 => {
                self.change_owner(data).with_context(|| format!("giving {} to {}", data.display(), self.name))
            }
            _ => Ok(()),
        }
    }

    fn change_owner(&self, path: &Path) -> io::Result<()> {
        if fs::symlink_metadata(path)?.is_dir() {
            for entry in fs::read_dir(path)? {
                self.change_owner(&entry?.path())?;
            }
        }
        lchown(path, Some(self.uid), Some(self.gid))
    }
}

/// Returns the user id of this process.
pub(super) fn effective_uid() -> u32 {
    // SAFETY: geteuid only reads, and cannot fail.
    unsafe { libc::geteuid() }
}
