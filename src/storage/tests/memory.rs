//! Memory while large objects go in and out, in a process of its own.

use std::io::{Read, Write};

use futures_util::StreamExt;
use sha2::{Digest, Sha256};

use super::super::{PutOutcome, Spool};
use super::kill::{path_of_test, run_test_alone};
use super::*;

/// Where the measured process puts its object: a folder, or the endpoint of a server. Unset in the tests themselves.
const CHILD_STORE: &str = "INKSTONE_TEST_MEASURED_STORE";
/// MiB of the object. Hashing is slow unoptimised, so the tests take few if it is unset.
const OBJECT_MIB: &str = "INKSTONE_TEST_STORE_MIB";
const DEFAULT_OBJECT_MIB: usize = 64;
/// What the growth must stay below.
const MAX_GROWTH_KIB: u64 = 40 << 10;

/// A field of `/proc/self/status`, in KiB.
fn read_status(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn measures_itself() {
    let Ok(place) = std::env::var(CHILD_STORE) else { return };
    let size = std::env::var(OBJECT_MIB).map_or(DEFAULT_OBJECT_MIB, |size| size.parse().unwrap());
    let folder = TempDir::new().unwrap();
    let store = match place.starts_with("http") {
        true => open_s3(&place, &s3_options()),
        false => Store::open(&StoreSettings::Folder(place.into())).unwrap(),
    };
    store.check().await.unwrap();
    let part = make_bytes(MIB);
    let before = read_status("VmRSS");
    // Begins the highest mark anew.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let mut spool = Spool::create(folder.path(), u64::MAX).await.unwrap();
    for _ in 0..size {
        spool.write(&part).await.unwrap();
    }
    let spooled = spool.finish().await.unwrap();
    let put = store.put_file(&name("large"), spooled.path()).await.unwrap();
    assert_eq!(put, PutOutcome::Created);
    let mut reader = store.open_object(&name("large"), None).await.unwrap().unwrap();
    let mut hash = Sha256::new();
    while let Some(part) = reader.next().await {
        hash.update(part.unwrap());
    }
    let hash: [u8; 32] = hash.finalize().into();
    assert_eq!(hash, spooled.sha256());
    let growth = read_status("VmHWM").saturating_sub(before);
    writeln!(std::io::stdout(), "growth {growth} KiB").unwrap();
}

fn measure(place: &str) -> u64 {
    let test = path_of_test(module_path!(), "measures_itself");
    let mut child = run_test_alone(&test, &[(CHILD_STORE, place)]);
    let mut output = String::new();
    child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    assert!(child.wait().unwrap().success(), "{output}");
    let (_, rest) = output.split_once("growth ").expect("it measured nothing");
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a_large_object_in_a_folder_takes_little_memory() {
    let folder = TempDir::new().unwrap();
    let growth = measure(folder.path().to_str().unwrap());
    assert!(growth < MAX_GROWTH_KIB, "{growth} KiB");
}

#[test]
fn a_large_object_in_a_bucket_takes_little_memory() {
    let test = s3_store();
    let growth = measure(&test.server.as_ref().unwrap().endpoint());
    assert!(growth < MAX_GROWTH_KIB, "{growth} KiB");
}
