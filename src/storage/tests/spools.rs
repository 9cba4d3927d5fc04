//! Bytes that are received into a temporary file.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::super::{Spool, StoreError, remove_stale_files};
use super::*;

async fn spool(bytes: &[u8], part: usize, max_bytes: u64, folder: &Path) -> Result<Spool, StoreError> {
    let mut spool = Spool::create(folder, max_bytes).await?;
    for part in bytes.chunks(part) {
        spool.write(part).await?;
    }
    Ok(spool)
}

#[tokio::test]
async fn a_spool_counts_hashes_and_keeps_the_beginning() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path().join("made/when/needed");
    for size in [0, 1, 4 * KIB - 1, 4 * KIB + 1, 256 * KIB, 3 * MIB + 7] {
        let bytes = make_bytes(size);
        for part in [1_021, MIB] {
            let spooled = spool(&bytes, part, size as u64, &folder).await.unwrap();
            assert_eq!((spooled.size(), spooled.head()), (size as u64, &bytes[..size.min(4 * KIB)]));
            let spooled = spooled.finish().await.unwrap();
            assert_eq!((spooled.size(), spooled.head()), (size as u64, &bytes[..size.min(4 * KIB)]));
            let expected: [u8; 32] = Sha256::digest(&bytes).into();
            assert_eq!(spooled.sha256(), expected);
            assert!(std::fs::read(spooled.path()).unwrap() == bytes);
            assert!(spooled.read(size as u64).await.unwrap() == bytes);
        }
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "all were dropped");
}

#[tokio::test]
async fn a_hash_is_written_in_small_hexadecimal_digits() {
    let folder = TempDir::new().unwrap();
    let spooled = spool(b"abc", 3, 3, folder.path()).await.unwrap().finish().await.unwrap();
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(spooled.sha256_hex(), expected);
    assert!(matches!(spooled.read(2).await, Err(StoreError::TooLarge { max_bytes: 2 })));
}

#[tokio::test]
async fn more_bytes_than_allowed_fail_and_leave_no_file() {
    let folder = TempDir::new().unwrap();
    let error = spool(&make_bytes(MIB + 1), 64 * KIB, MIB as u64, folder.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { max_bytes } if max_bytes == MIB as u64), "{error}");
    // The thread that still writes removes the file.
    wait_until_empty(folder.path()).await;
}

#[tokio::test]
async fn the_file_is_its_owners_and_goes_with_the_spool() {
    let folder = TempDir::new().unwrap();
    let mut spool = spool(b"abc", 3, 3, folder.path()).await.unwrap();
    let path = spool.sync_path().await;
    let metadata = std::fs::metadata(&path).unwrap();
    assert_eq!((metadata.permissions().mode() & 0o777, metadata.len()), (0o600, 3));
    drop(spool);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_kept_file_stays() {
    let folder = TempDir::new().unwrap();
    let spooled = spool(b"abc", 3, 3, folder.path()).await.unwrap().finish().await.unwrap();
    let path = spooled.keep().unwrap();
    assert_eq!(std::fs::read(path).unwrap(), b"abc");
}

#[tokio::test]
async fn a_write_that_fails_fails_again_at_the_end() {
    let folder = TempDir::new().unwrap();
    let mut spool = Spool::create(folder.path(), 1 << 40).await.unwrap();
    spool.fail_writes().await;
    let bytes = make_bytes(MIB);
    let first = spool.write(&bytes).await.unwrap_err();
    let last = spool.finish().await.unwrap_err();
    assert_eq!(first.to_string(), last.to_string());
}

#[tokio::test]
async fn only_stale_temporary_files_are_removed() {
    let folder = TempDir::new().unwrap();
    for file in ["tmp-old", "tmp-new", "other"] {
        std::fs::write(folder.path().join(file), "x").unwrap();
    }
    std::fs::create_dir(folder.path().join("tmp-folder")).unwrap();
    for old in ["tmp-old", "other"] {
        make_old(&folder.path().join(old));
    }
    assert_eq!(remove_stale_files(folder.path(), Duration::from_secs(86_400)).await.unwrap(), 1);
    assert!(!folder.path().join("tmp-old").exists() && folder.path().join("tmp-new").exists());
    assert_eq!(remove_stale_files(folder.path(), Duration::ZERO).await.unwrap(), 1);
    assert!(folder.path().join("other").exists() && folder.path().join("tmp-folder").exists());
    assert_eq!(remove_stale_files(&folder.path().join("none"), Duration::ZERO).await.unwrap(), 0);
}

/// Makes a file or folder two days old.
pub(super) fn make_old(path: &Path) {
    let time = std::time::SystemTime::now() - Duration::from_secs(2 * 86_400);
    std::fs::File::open(path).unwrap().set_modified(time).unwrap();
}
