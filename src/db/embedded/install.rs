//! Finding PostgreSQL's programs on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, iter};

use anyhow::{Result, anyhow};

/// The oldest PostgreSQL that is accepted.
const OLDEST: u32 = 14;

/// A folder that holds `postgres` and `initdb`, and their major version.
#[derive(Debug, PartialEq)]
pub(super) struct Install {
    pub bin: PathBuf,
    major: u32,
}

impl Install {
    /// Finds the programs: in `pg_bin` if that is given, else wherever they usually are.
    /// An existing cluster runs only on the `major` version that made it.
    pub fn find(pg_bin: Option<&Path>, major: Option<u32>) -> Result<Install> {
        match pg_bin {
            Some(bin) => choose(iter::once(bin.to_owned()), major)
                .map_err(|error| error.context(format!("INKSTONE_PG_BIN is {}", bin.display()))),
            None => choose(candidates(), major),
        }
    }

    /// The installation in `dir`; a symlinked `postgres` leads to the folder it really lives in,
    /// because PostgreSQL looks for its other files from there.
    fn probe(dir: &Path) -> Option<Install> {
        let postgres = fs::canonicalize(dir.join("postgres")).ok()?;
        let bin = postgres.parent()?.to_owned();
        if !bin.join("initdb").is_file() {
            return None;
        }
        let version = Command::new(&postgres).arg("--version").output().ok()?;
        let major = major_of(&String::from_utf8_lossy(&version.stdout))?;
        Some(Install { bin, major })
    }
}

/// The first of `folders` with the `major` version asked for, or else with any accepted one.
fn choose(folders: impl Iterator<Item = PathBuf>, major: Option<u32>) -> Result<Install> {
    let mut others: Vec<Install> = Vec::new();
    for found in folders.filter_map(|folder| Install::probe(&folder)) {
        if major.map_or(found.major >= OLDEST, |major| major == found.major) {
            return Ok(found);
        }
        if !others.contains(&found) {
            others.push(found);
        }
    }
    let found: Vec<String> =
        others.iter().map(|other| format!("{} in {}", other.major, other.bin.display())).collect();
    let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
    Err(match major {
        Some(major) => anyhow!(
            "this database was made by PostgreSQL {major}, which is not there (found: {found}). \
             Install PostgreSQL {major}, or name the folder of its programs in INKSTONE_PG_BIN."
        ),
        None => anyhow!(
            "PostgreSQL {OLDEST} or newer is not there (found: {found}). Install it (Debian, \
             Ubuntu: `apt install postgresql`; Fedora: `dnf install postgresql-server`; macOS: \
             `brew install postgresql@17`), or name the folder of its programs in \
             INKSTONE_PG_BIN, or name a server that already runs in DATABASE_URL."
        ),
    })
}

/// The folders to look in, best first; none is looked at before its turn.
fn candidates() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = env::split_paths(&path).filter(|dir| dir.is_absolute()).collect();
    let usual = [
        ("/usr/lib/postgresql", ""),
        ("/usr", "pgsql-"),
        ("/opt/homebrew/opt", "postgresql@"),
        ("/usr/local/opt", "postgresql@"),
        ("/Applications/Postgres.app/Contents/Versions", ""),
    ];
    let fixed = ["/usr/bin", "/opt/homebrew/bin", "/usr/local/pgsql/bin"];
    on_path
        .into_iter()
        .chain(iter::once_with(configured).flatten())
        .chain(usual.into_iter().flat_map(|(parent, prefix)| versioned(parent, prefix)))
        .chain(fixed.into_iter().map(PathBuf::from))
}

/// The folder that `pg_config` names.
fn configured() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let bin = String::from_utf8(output.stdout).ok()?;
    Some(bin.trim_end().into()).filter(|bin: &PathBuf| bin.is_absolute())
}

/// The `bin` folders under `parent`'s entries named `prefix` and a version, newest first.
fn versioned(parent: &str, prefix: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let version = name.to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, bin)| bin).collect()
}

/// 15, of `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A folder with an `initdb`, and a `postgres` that says it is of version `major`.
    fn fake(dir: &Path, major: u32) -> PathBuf {
        fs::create_dir_all(dir).unwrap();
        let postgres = dir.join("postgres");
        fs::write(&postgres, format!("#!/bin/sh\necho 'postgres (PostgreSQL) {major}.1'\n")).unwrap();
        fs::set_permissions(&postgres, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(dir.join("initdb"), "").unwrap();
        fs::canonicalize(dir).unwrap()
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 19devel\n"), Some(19));
        assert_eq!(major_of("mysqld 8\n"), None);
    }

    #[test]
    fn the_right_installation_is_chosen() {
        let dir = tempfile::tempdir().unwrap();
        let old = fake(&dir.path().join("9/bin"), 9);
        let (new, newer) = (fake(&dir.path().join("16/bin"), 16), fake(&dir.path().join("17/bin"), 17));
        let links = dir.path().join("links");
        fs::create_dir(&links).unwrap();
        symlink(newer.join("postgres"), links.join("postgres")).unwrap();
        let wrapper = fake(&dir.path().join("wrapper"), 17);
        fs::remove_file(wrapper.join("initdb")).unwrap();
        let all = || [&wrapper, &old, &links, &new].into_iter().cloned();

        assert_eq!(choose(all(), None).unwrap().bin, newer);
        assert_eq!(choose(all(), Some(16)).unwrap().bin, new);
        let missing = choose(all(), Some(15)).unwrap_err().to_string();
        assert!(missing.contains("made by PostgreSQL 15") && missing.contains("17 in"), "{missing}");
        let none = choose(iter::once(old.clone()), None).unwrap_err().to_string();
        for part in ["9 in", "apt install", "dnf install", "brew install", "INKSTONE_PG_BIN", "DATABASE_URL"]
        {
            assert!(none.contains(part), "{none}");
        }
        let given = format!("{:#}", Install::find(Some(&wrapper), None).unwrap_err());
        assert!(given.contains("INKSTONE_PG_BIN is ") && given.contains("found: nothing"), "{given}");

        let parent = dir.path().to_str().unwrap();
        let bins: Vec<_> = ["17/bin", "16/bin", "9/bin"].map(|name| dir.path().join(name)).into();
        assert_eq!(versioned(parent, ""), bins, "newest first, by number");
    }

    #[test]
    fn this_machine_has_one() {
        let found = Install::find(None, None).unwrap();
        assert!(found.bin.join("initdb").is_file() && found.major >= OLDEST);
    }
}
