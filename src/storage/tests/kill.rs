//! kill -9 in the middle of puts.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::super::Spool;
use super::*;

/// The folder in which a process of this test puts objects. Unset in the tests themselves.
const CHILD_FOLDER: &str = "INKSTONE_TEST_KILLED_STORE";
const OBJECT_BYTES: usize = 3 * MIB;

/// Runs one test of this binary as a process of its own.
pub(super) fn run_test_alone(test: &str, variables: &[(&str, &str)]) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).envs(variables.iter().copied());
    command.stdout(Stdio::piped()).spawn().unwrap()
}

/// The path of a test in this binary.
pub(super) fn path_of_test(module: &str, test: &str) -> String {
    let (_, module) = module.split_once("::").unwrap();
    format!("{module}::{test}")
}

/// What the killed process does: it holds a half spooled file, and puts objects for ever.
#[tokio::test]
async fn puts_until_it_is_killed() {
    let Ok(root) = std::env::var(CHILD_FOLDER) else { return };
    let source = Path::new(&root).with_extension("source");
    let store = Store::open(&StoreSettings::Folder(root.into())).unwrap();
    let mut spool = Spool::create(store.temporary_folder().unwrap(), u64::MAX).await.unwrap();
    spool.write(&make_bytes(MIB)).await.unwrap();
    spool.sync_path().await;
    for i in 0_u64.. {
        writeln!(std::io::stdout(), "put {i}").unwrap();
        store.put_file(&name(&format!("o/{:x}/{i}", i % 5)), &source).await.unwrap();
        let bytes = Bytes::from(std::fs::read(&source).unwrap());
        store.put_bytes(&name(&format!("p/{:x}/{i}", i % 5)), bytes).await.unwrap();
    }
}

#[tokio::test]
async fn a_killed_process_leaves_no_half_object() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("media");
    let bytes = make_bytes(OBJECT_BYTES);
    std::fs::write(root.with_extension("source"), &bytes).unwrap();
    let store = Store::open(&StoreSettings::Folder(root.clone())).unwrap();
    let test = path_of_test(module_path!(), "puts_until_it_is_killed");
    for round in 1..=8 {
        let mut child = run_test_alone(&test, &[(CHILD_FOLDER, root.to_str().unwrap())]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // The line is written before the put begins, so the kill meets it in its middle.
        let started = format!("put {round}");
        assert!(lines.any(|line| line.unwrap().ends_with(&started)), "the process ended early");
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());
        let all = list_all(&store, None).await;
        assert!(!all.is_empty());
        for entry in all {
            let read = store.read(&entry.name, OBJECT_BYTES).await.unwrap().unwrap();
            assert!(read == bytes, "{} is damaged", entry.name);
            store.delete(&entry.name).await.unwrap();
        }
        assert!(count_temporaries(&store) > 0, "at least the spooled file is left");
        assert!(store.remove_stale_temporaries(Duration::ZERO).await.unwrap() > 0);
        assert_eq!(count_temporaries(&store), 0);
    }
}
