//! The folder of private copies: what is locked, what is kept, and what is on the disk.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Child, Command};

use inkstone::db::embedded::programs::{Missing, prepare_programs};

use super::programs::{ARCHIVE, Machine, archive, copies, program};
use crate::harness::machine::{is_root, until};
use crate::harness::process::{inkstone, open_folder, run};

#[actix_web::test]
async fn a_process_says_once_that_it_waits_for_another_one() {
    let dir = open_folder();
    let programs = dir.path().join("programs");
    fs::create_dir(&programs).unwrap();
    let lock = File::create(programs.join("fetch.lock")).unwrap();
    lock.lock().unwrap();
    let told = dir.path().join("told");
    let mut command = inkstone(&["migrate", "--postgres-archive", &archive()]);
    command.arg("--data-dir").arg(dir.path()).stderr(File::create(&told).unwrap());
    let mut waiting = KillOnDrop(command.spawn().unwrap());
    let says_it = || {
        let told = fs::read_to_string(&told).unwrap();
        let lines = told.lines().filter(|line| line.starts_with("Waiting for another process"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    until("the line", async || !says_it().is_empty()).await;
    drop(lock);
    assert!(waiting.0.wait().unwrap().success());
    let [line] = says_it().try_into().unwrap();
    assert!(line.ends_with(&programs.display().to_string()), "{line}");
}

/// A process that does not outlive a test that fails.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_system_s_package_is_installed_by_one_process_at_a_time() {
    let Some(machine) = Machine::new() else { return };
    let dir = open_folder();
    let (lock, seen) = (dir.path().join("programs/fetch.lock"), dir.path().join("seen"));
    let flock = "/usr/bin/flock";
    let script = format!("{flock} -n {} /bin/true; echo $1 $? >> {}; exit 1", lock.display(), seen.display());
    machine.add_program("apt-get", &script);
    let (code, _, told) = run(machine.inkstone(dir.path(), &["migrate", "--get-postgres"]));
    assert_eq!(code, Some(1), "{told}");
    assert_eq!(fs::read_to_string(&seen).unwrap(), "update 1\n", "the lock is held: {told}");
}

#[test]
fn a_copy_whose_look_failed_once_is_kept() {
    let dir = open_folder();
    let archive = archive();
    let prepare = || prepare_programs(dir.path(), Missing::UseArchive(&archive)).unwrap().unwrap();
    let postgres = prepare().join("postgres");
    // It fails once, as where the machine has no room for another process.
    let (real, failed) = (postgres.with_extension("real"), dir.path().join("failed"));
    fs::rename(&postgres, &real).unwrap();
    let (real, failed) = (real.display(), failed.display());
    let script = format!("#!/bin/sh\n[ -e {failed} ] && exec {real} \"$@\"\n: > {failed}\nexit 1\n");
    fs::write(&postgres, &script).unwrap();
    fs::set_permissions(&postgres, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(prepare().join("postgres"), postgres);
    assert_eq!(fs::read_to_string(&postgres).unwrap(), script);
    let entries = fs::read_dir(dir.path()).unwrap().flatten().map(|entry| entry.file_name());
    let left: Vec<_> = entries.filter(|name| name.as_encoded_bytes().starts_with(b"new-")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_a_link_in_place_of_the_folder_leads_to_keeps_its_mode() {
    if !is_root() {
        println!("skipped: only root runs the programs by another account");
        return;
    }
    let (dir, elsewhere) = (open_folder(), open_folder());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    fs::set_permissions(elsewhere.path(), fs::Permissions::from_mode(0o751)).unwrap();
    let programs = dir.path().join("programs");
    symlink(elsewhere.path(), &programs).unwrap();
    prepare_programs(&programs, Missing::UseArchive(&archive())).unwrap().unwrap();
    assert_eq!(mode(elsewhere.path()), 0o751);

    let own = dir.path().join("own");
    fs::create_dir(&own).unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o700)).unwrap();
    prepare_programs(&own, Missing::UseArchive(&archive())).unwrap().unwrap();
    assert_eq!(mode(&own), 0o755);
}

/// Makes a copy in the folder of the environment, to be watched by the test below.
#[test]
fn a_copy_is_made_where_the_environment_says() {
    if let Some(dir) = std::env::var_os("INKSTONE_TEST_PROGRAMS") {
        prepare_programs(Path::new(&dir), Missing::UseArchive(&archive())).unwrap();
    }
}

#[test]
fn a_copy_is_on_the_disk_before_it_has_its_name() {
    let tried = Command::new("strace").args(["-qq", "true"]).output();
    if !tried.is_ok_and(|tried| tried.status.success()) {
        println!("skipped: needs strace");
        return;
    }
    let dir = open_folder();
    let log = dir.path().join("calls");
    let programs = dir.path().join("programs");
    fs::create_dir(&programs).unwrap();
    let mut strace = program("strace", &[Path::new("-f"), Path::new("-y"), Path::new("-o"), &log]);
    strace.args(["-e", "trace=fsync,rename,renameat,renameat2", "-e", "signal=none"]);
    strace.arg(std::env::current_exe().unwrap()).args(["--exact", "--test-threads=1"]);
    strace.arg("embedded::program_folders::a_copy_is_made_where_the_environment_says");
    let (code, said, told) = run({
        strace.env("INKSTONE_TEST_PROGRAMS", &programs);
        strace
    });
    assert_eq!(code, Some(0), "{said}{told}");
    let calls = fs::read_to_string(&log).unwrap();
    let copy = format!("postgresql-{}", &ARCHIVE.1[..16]);
    let named = calls.lines().position(|line| line.contains("rename") && line.contains(&copy)).unwrap();
    let synced = |lines: &mut dyn Iterator<Item = &str>| -> BTreeSet<String> {
        let paths = lines.filter(|line| line.contains("fsync(")).filter_map(|line| line.split_once('<'));
        paths.map(|(_, rest)| rest.split('>').next().unwrap().to_owned()).collect()
    };
    let before = synced(&mut calls.lines().take(named));
    let mut wanted = 0;
    count_files(&programs.join(&copy), &mut wanted);
    assert!(before.len() >= wanted && wanted > 100, "{} of {wanted}", before.len());
    let after = synced(&mut calls.lines().skip(named));
    assert!(after.contains(&programs.display().to_string()), "{after:?}");
    assert_eq!(copies(dir.path()), [copy]);
}

/// Counts the files and folders of a copy, without links.
fn count_files(folder: &Path, number: &mut usize) {
    *number += 1;
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            count_files(&entry.path(), number);
        } else {
            *number += usize::from(kind.is_file());
        }
    }
}
