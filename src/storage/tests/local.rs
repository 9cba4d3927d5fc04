//! What only a folder can get wrong.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use super::super::{PutOutcome, Spool, StoreError};
use super::spools::make_old;
use super::*;

const DAY: Duration = Duration::from_secs(86_400);

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn files_and_folders_are_their_owners() {
    let test = local_store();
    let source = test.folder.path().join("source");
    std::fs::write(&source, "abc").unwrap();
    std::fs::set_permissions(&source, std::fs::Permissions::from_mode(0o644)).unwrap();
    test.store.put_file(&name("a/b/file"), &source).await.unwrap();
    test.store.put_bytes(&name("a/b/bytes"), Bytes::from_static(b"x")).await.unwrap();
    let mut spool = Spool::create(test.store.temporary_folder().unwrap(), 9).await.unwrap();
    spool.write(b"x").await.unwrap();
    test.store.put_spooled(&name("a/b/spooled"), spool.finish().await.unwrap()).await.unwrap();
    for file in ["a/b/file", "a/b/bytes", "a/b/spooled"] {
        assert_eq!(mode(&test.store.local_path(&name(file)).unwrap()), 0o600, "{file}");
    }
    for folder in ["", ".tmp", "a", "a/b"] {
        assert_eq!(mode(&test.folder.path().join("media").join(folder)), 0o700, "{folder}");
    }
    assert_eq!(std::fs::read(test.store.local_path(&name("a/b/file")).unwrap()).unwrap(), b"abc");
}

#[tokio::test]
async fn a_spooled_file_of_the_store_is_renamed() {
    use std::os::unix::fs::MetadataExt;
    let test = local_store();
    let mut spool = Spool::create(test.store.temporary_folder().unwrap(), 9).await.unwrap();
    spool.write(b"x").await.unwrap();
    let spooled = spool.finish().await.unwrap();
    let inode = std::fs::metadata(spooled.path()).unwrap().ino();
    test.store.put_spooled(&name("a/renamed"), spooled).await.unwrap();
    assert_eq!(std::fs::metadata(test.store.local_path(&name("a/renamed")).unwrap()).unwrap().ino(), inode);
}

#[tokio::test]
async fn a_spooled_file_of_another_disk_is_copied() {
    let test = local_store();
    // Where /dev/shm is on the same file system, this is a rename: then there is nothing to try.
    let Ok(other) = TempDir::new_in("/dev/shm") else { return };
    let bytes = make_bytes(5 * MIB);
    let mut spool = Spool::create(other.path(), bytes.len() as u64).await.unwrap();
    spool.write(&bytes).await.unwrap();
    let spooled = spool.finish().await.unwrap();
    assert_eq!(test.store.put_spooled(&name("a/b"), spooled).await.unwrap(), PutOutcome::Created);
    assert!(test.store.read(&name("a/b"), bytes.len()).await.unwrap().unwrap() == bytes);
    assert_eq!(std::fs::read_dir(other.path()).unwrap().count(), 0);
    assert_eq!(count_temporaries(&test.store), 0);
}

#[test]
fn a_put_that_is_dropped_before_its_thread_runs_stores_nothing() {
    let test = local_store();
    let source = test.folder.path().join("source");
    std::fs::write(&source, "abc").unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().max_blocking_threads(1).build().unwrap();
    let (release, wait) = std::sync::mpsc::channel::<()>();
    runtime.block_on(async {
        // The only thread is taken, so the puts wait for it while their futures are dropped.
        let taken = tokio::task::spawn_blocking(move || wait.recv());
        let (of_file, of_bytes) = (name("file"), name("bytes"));
        let mut put_file = Box::pin(test.store.put_file(&of_file, &source));
        let mut put_bytes = Box::pin(test.store.put_bytes(&of_bytes, Bytes::from_static(b"x")));
        assert!(futures_util::poll!(&mut put_file).is_pending());
        assert!(futures_util::poll!(&mut put_bytes).is_pending());
        drop((put_file, put_bytes));
        drop(release);
        assert!(taken.await.unwrap().is_err());
    });
    // Waits for the threads.
    drop(runtime);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(list_all(&test.store, None)), []);
    assert_eq!(count_temporaries(&test.store), 0);
}

#[tokio::test]
async fn foreign_files_are_not_listed() {
    let test = local_store();
    test.store.check().await.unwrap();
    test.store.put_bytes(&name("a/mine"), Bytes::from_static(b"x")).await.unwrap();
    let root = test.folder.path().join("media");
    std::fs::write(root.join("a/Not Mine"), "x").unwrap();
    std::fs::write(root.join(".tmp/tmp-half"), "x").unwrap();
    std::fs::create_dir(root.join("a/.hidden")).unwrap();
    std::fs::write(root.join("a/.hidden/file"), "x").unwrap();
    symlink("/etc", root.join("a/link")).unwrap();
    symlink("/etc/passwd", root.join("a/passwd")).unwrap();
    let all = list_all(&test.store, None).await;
    assert_eq!(all.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["a/mine"]);
}

#[tokio::test]
async fn stale_temporaries_and_empty_folders_are_removed() {
    let test = local_store();
    let root = test.folder.path().join("media");
    for object in ["a/b/c", "a/kept", "d/e"] {
        test.store.put_bytes(&name(object), Bytes::from_static(b"x")).await.unwrap();
    }
    test.store.delete_many(&[name("a/b/c"), name("d/e")]).await.unwrap();
    std::fs::write(root.join(".tmp/tmp-half"), "x").unwrap();
    assert_eq!(test.store.remove_stale_temporaries(DAY).await.unwrap(), 0);
    for old in [".tmp/tmp-half", "a/b", "a", "d"] {
        make_old(&root.join(old));
    }
    assert_eq!(test.store.remove_stale_temporaries(DAY).await.unwrap(), 3);
    assert!(root.join("a/kept").exists() && !root.join("a/b").exists() && !root.join("d").exists());
    // A folder that another process removed is made again.
    test.store.put_bytes(&name("a/kept2"), Bytes::from_static(b"x")).await.unwrap();
    test.store.delete_many(&[name("a/kept"), name("a/kept2")]).await.unwrap();
    std::fs::remove_dir(root.join("a")).unwrap();
    test.store.put_bytes(&name("a/again"), Bytes::from_static(b"x")).await.unwrap();
    assert_eq!(test.store.size(&name("a/again")).await.unwrap(), Some(1));
}

#[tokio::test]
async fn a_put_into_folders_that_vanish_makes_them_again() {
    let test = local_store();
    let (root, object) = (test.folder.path().join("media"), name("x/y/z"));
    let (begin, begun) = std::sync::mpsc::channel::<()>();
    // Removes the folders once during each put, if they are empty then.
    let remover = std::thread::spawn(move || {
        let remove = |folder| std::fs::remove_dir(root.join(folder)).is_ok();
        begun.iter().filter(|()| remove("x/y") && remove("x")).count()
    });
    for i in 0..300 {
        begin.send(()).unwrap();
        test.store.put_bytes(&object, make_bytes(i + 1)).await.unwrap();
        assert_eq!(test.store.size(&object).await.unwrap(), Some(i as u64 + 1));
        test.store.delete(&object).await.unwrap();
    }
    drop(begin);
    assert!(remover.join().unwrap() > 0);
}

#[tokio::test]
async fn an_object_that_shrinks_while_it_is_read_is_a_failure() {
    let test = local_store();
    let object = name("shrinks");
    test.store.put_bytes(&object, make_bytes(MIB)).await.unwrap();
    let mut reader = test.store.open_object(&object, None).await.unwrap().unwrap();
    assert!(reader.try_next().await.unwrap().is_some());
    let file = std::fs::File::options().write(true).open(test.store.local_path(&object).unwrap()).unwrap();
    file.set_len(300 * KIB as u64).unwrap();
    let error = reader.read_to_end(MIB).await.unwrap_err();
    assert!(matches!(error, StoreError::Other(_)), "{error}");
}

#[tokio::test]
async fn a_root_that_is_a_file_fails_the_check() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("file");
    std::fs::write(&root, "x").unwrap();
    let store = Store::open(&StoreSettings::Folder(root)).unwrap();
    assert!(store.check().await.is_err());
    assert!(store.put_bytes(&name("a"), Bytes::new()).await.is_err());
    assert_eq!(store.size(&name("a")).await.unwrap(), None);
}

#[tokio::test]
async fn a_source_that_does_not_exist_is_a_failure() {
    for test in [local_store(), s3_store()] {
        let error = test.store.put_file(&name("a"), Path::new("/nothing/here")).await.unwrap_err();
        assert!(error.to_string().contains("/nothing/here"), "{error}");
    }
}
