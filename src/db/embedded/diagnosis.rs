//! What a start of the private PostgreSQL would use. Changes nothing.

use std::fs;
use std::path::{Path, PathBuf};

use super::data_dir::find_base;
use super::install::Install;
use super::programs::{list_all_copies, list_ways_on_machine};

/// What a start of the private PostgreSQL would use, and what else there is.
pub struct Diagnosis {
    /// The directory of the cluster.
    pub cluster: PathBuf,
    /// The major version that created the cluster, if it exists.
    pub major: Option<String>,
    /// The programs that a start uses, or why there are none.
    pub used: Result<String, String>,
    /// The other programs on the machine and in the data directory.
    pub others: Vec<String>,
    /// The ways to fetch a private copy that work on this machine.
    pub ways: Vec<String>,
}

/// Finds out what a start with the data directory `data_dir` and the programs `pg_bin` would use.
pub fn diagnose(data_dir: &Path, pg_bin: Option<&Path>) -> Diagnosis {
    let base = find_base(data_dir);
    let cluster = base.join("postgres");
    let major = fs::read_to_string(cluster.join("PG_VERSION")).ok().map(|text| text.trim().to_owned());
    let number = major.as_ref().and_then(|major| major.parse().ok());
    let copies = list_all_copies(&base.join("programs"));
    let used = match pg_bin {
        Some(bin) => Install::find_in(bin, number),
        None => Install::find(copies.clone(), number),
    };
    let all = Install::list_all(copies.into_iter());
    let others = all.iter().filter(|found| used.as_ref().ok() != Some(found)).map(Install::describe);
    let others = others.collect();
    let used = used.map(|found| found.describe()).map_err(|cause| format!("{cause:#}"));
    Diagnosis { cluster, major, used, others, ways: list_ways_on_machine() }
}
