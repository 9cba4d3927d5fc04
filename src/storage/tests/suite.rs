//! What every store must do. Each case runs in a folder and in a bucket.

use futures_util::StreamExt;
use futures_util::future::join_all;

use super::super::{PutOutcome, StoreError};
use super::*;

/// Runs each case with both kinds of store.
macro_rules! for_both_stores {
    ($($case:ident),* $(,)?) => {
        mod in_a_folder {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                super::$case(super::local_store()).await;
            })*
        }
        mod in_a_bucket {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                super::$case(super::s3_store()).await;
            })*
        }
    };
}

for_both_stores![
    a_new_store_is_usable_and_empty,
    objects_of_all_sizes_come_back,
    ranges_are_cut_to_the_object,
    parallel_puts_of_one_name_all_succeed,
    an_object_of_the_same_size_is_left_as_it_is,
    an_object_of_another_size_is_replaced,
    what_does_not_exist_is_none,
    a_read_above_its_limit_fails,
    lists_have_names_sizes_and_times,
    a_long_list_has_every_object,
    deleted_objects_are_gone,
    a_spooled_file_becomes_an_object,
    an_aborted_put_leaves_no_object,
    nothing_is_left_to_clean_after_complete_puts,
];

async fn a_new_store_is_usable_and_empty(test: TestStore) {
    test.store.check().await.unwrap();
    assert_eq!(list_all(&test.store, None).await, []);
}

async fn objects_of_all_sizes_come_back(test: TestStore) {
    for size in [0, 1, 5 * MIB - 1, 5 * MIB, 8 * MIB, 8 * MIB + 1, 20 * MIB] {
        let bytes = make_bytes(size);
        let (file, of_file, of_bytes) = (
            test.folder.path().join("source"),
            name(&format!("files/{size}")),
            name(&format!("bytes/{size}.bin")),
        );
        std::fs::write(&file, &bytes).unwrap();
        assert_eq!(test.store.put_file(&of_file, &file).await.unwrap(), PutOutcome::Created);
        assert_eq!(test.store.put_bytes(&of_bytes, bytes.clone()).await.unwrap(), PutOutcome::Created);
        for name in [&of_file, &of_bytes] {
            assert_eq!(test.store.size(name).await.unwrap(), Some(size as u64));
            let read = test.store.read(name, 20 * MIB).await.unwrap().unwrap();
            assert!(read == bytes, "{name} came back changed");
        }
        assert_eq!(std::fs::read(&file).unwrap().len(), size, "the source stays");
    }
}

async fn ranges_are_cut_to_the_object(test: TestStore) {
    let (name, bytes) = (name("a/range"), make_bytes(600 * KIB));
    test.store.put_bytes(&name, bytes.clone()).await.unwrap();
    let size = bytes.len() as u64;
    let cases = [
        (0..1, 0..1),
        (0..size, 0..size),
        (7..300_007, 7..300_007),
        (size - 1..size, size - 1..size),
        (size - 5..u64::MAX, size - 5..size),
        (5..5, 5..5),
        (size..size + 1, size..size),
        (size + 10..size + 20, size..size),
    ];
    for (asked, given) in cases {
        let reader = test.store.open_object(&name, Some(asked.clone())).await.unwrap().unwrap();
        assert_eq!((reader.size, reader.range.clone()), (size, given.clone()), "{asked:?}");
        let read = reader.read_to_end(MIB).await.unwrap();
        assert!(read == bytes[given.start as usize..given.end as usize], "{asked:?} has other bytes");
    }
    let empty = super::name("a/empty");
    test.store.put_bytes(&empty, Bytes::new()).await.unwrap();
    let reader = test.store.open_object(&empty, Some(0..10)).await.unwrap().unwrap();
    assert_eq!((reader.size, reader.range.clone()), (0, 0..0));
}

async fn parallel_puts_of_one_name_all_succeed(test: TestStore) {
    let (name, bytes) = (name("originals/ab/cd/one"), make_bytes(9 * MIB));
    let file = test.folder.path().join("source");
    std::fs::write(&file, &bytes).unwrap();
    let puts = (0..32).map(|_| {
        let (store, name, file) = (test.store.clone(), name.clone(), file.clone());
        tokio::spawn(async move { store.put_file(&name, &file).await })
    });
    let outcomes: Vec<PutOutcome> =
        join_all(puts).await.into_iter().map(|put| put.unwrap().unwrap()).collect();
    assert!(outcomes.contains(&PutOutcome::Created));
    assert!(test.store.read(&name, 9 * MIB).await.unwrap().unwrap() == bytes);
    assert_eq!(list_all(&test.store, None).await.len(), 1);
}

async fn an_object_of_the_same_size_is_left_as_it_is(test: TestStore) {
    let name = name("same");
    test.store.put_bytes(&name, Bytes::from_static(b"first")).await.unwrap();
    let file = test.folder.path().join("source");
    std::fs::write(&file, "other").unwrap();
    assert_eq!(test.store.put_file(&name, &file).await.unwrap(), PutOutcome::Existed);
    let put = test.store.put_bytes(&name, Bytes::from_static(b"third")).await;
    assert_eq!(put.unwrap(), PutOutcome::Existed);
    assert_eq!(test.store.read(&name, 5).await.unwrap().unwrap(), "first");
}

async fn an_object_of_another_size_is_replaced(test: TestStore) {
    let name = name("damaged");
    test.store.put_bytes(&name, Bytes::from_static(b"half")).await.unwrap();
    let put = test.store.put_bytes(&name, Bytes::from_static(b"complete")).await;
    assert_eq!(put.unwrap(), PutOutcome::Created);
    assert_eq!(test.store.read(&name, 8).await.unwrap().unwrap(), "complete");
}

async fn what_does_not_exist_is_none(test: TestStore) {
    test.store.put_bytes(&name("a/b"), Bytes::from_static(b"file")).await.unwrap();
    for missing in ["nothing", "a", "a/b/c", "a/b.c"] {
        // The test's own server keeps objects as files, and fails with 500 for folders and for files in files.
        if matches!(missing, "a" | "a/b/c") && test.server.is_some() {
            continue;
        }
        let missing = name(missing);
        assert_eq!(test.store.size(&missing).await.unwrap(), None, "{missing}");
        assert!(test.store.open_object(&missing, None).await.unwrap().is_none(), "{missing}");
        assert!(test.store.open_object(&missing, Some(3..9)).await.unwrap().is_none(), "{missing}");
        assert!(test.store.open_object(&missing, Some(3..3)).await.unwrap().is_none(), "{missing}");
        assert_eq!(test.store.read(&missing, 9).await.unwrap(), None, "{missing}");
        test.store.delete(&missing).await.unwrap();
    }
    assert_eq!(test.store.size(&name("a/b")).await.unwrap(), Some(4));
}

async fn a_read_above_its_limit_fails(test: TestStore) {
    test.store.put_bytes(&name("large"), make_bytes(101)).await.unwrap();
    assert_eq!(test.store.read(&name("large"), 101).await.unwrap().unwrap().len(), 101);
    let error = test.store.read(&name("large"), 100).await.unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { max_bytes: 100 }), "{error}");
}

async fn lists_have_names_sizes_and_times(test: TestStore) {
    let before = chrono::Utc::now() - chrono::Duration::seconds(2);
    for (object, size) in [("a/b/c", 3), ("a/bb/c", 4), ("z", 0)] {
        test.store.put_bytes(&name(object), make_bytes(size)).await.unwrap();
    }
    let all = list_all(&test.store, None).await;
    let seen: Vec<(&str, u64)> = all.iter().map(|entry| (entry.name.as_str(), entry.size)).collect();
    assert_eq!(seen, [("a/b/c", 3), ("a/bb/c", 4), ("z", 0)]);
    assert!(all.iter().all(|entry| entry.last_modified >= before));
    let reader = test.store.open_object(&name("a/b/c"), None).await.unwrap().unwrap();
    assert_eq!(reader.last_modified.timestamp(), all[0].last_modified.timestamp());
    let inside = list_all(&test.store, Some(&name("a/b"))).await;
    assert_eq!(inside, all[..1], "a/bb is not in a/b");
    assert_eq!(list_all(&test.store, Some(&name("nothing"))).await, []);
}

async fn a_long_list_has_every_object(test: TestStore) {
    let names: Vec<ObjectName> = (0..1_100).map(|i| name(&format!("v/{:02x}/{i:04}", i % 7))).collect();
    let puts = names.iter().map(|name| test.store.put_bytes(name, Bytes::from_static(b"x")));
    let puts: Vec<_> = futures_util::stream::iter(puts).buffer_unordered(16).collect().await;
    assert!(puts.into_iter().all(|put| put.is_ok()));
    assert_eq!(list_all(&test.store, None).await.len(), names.len());
    // Deleting while the list is read is what a sweep does.
    let mut list = test.store.list(Some(&name("v")));
    let mut seen = 0;
    while let Some(entry) = list.next().await {
        test.store.delete(&entry.unwrap().name).await.unwrap();
        seen += 1;
    }
    assert_eq!(seen, names.len());
    assert_eq!(list_all(&test.store, None).await, []);
}

async fn deleted_objects_are_gone(test: TestStore) {
    let names = ["d/1", "d/2", "d/3", "stays"].map(name);
    for name in &names {
        test.store.put_bytes(name, Bytes::from_static(b"x")).await.unwrap();
    }
    test.store.delete(&names[0]).await.unwrap();
    test.store.delete_many(&names[..3]).await.unwrap();
    let left = list_all(&test.store, None).await;
    assert_eq!(left.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["stays"]);
    test.store.put_bytes(&names[0], Bytes::from_static(b"again")).await.unwrap();
    assert_eq!(test.store.read(&names[0], 9).await.unwrap().unwrap(), "again");
}

async fn a_spooled_file_becomes_an_object(test: TestStore) {
    let folder = test.store.temporary_folder().map_or(test.folder.path().to_owned(), Path::to_owned);
    let bytes = make_bytes(9 * MIB);
    for outcome in [PutOutcome::Created, PutOutcome::Existed] {
        let mut spool = super::super::Spool::create(&folder, 9 * MIB as u64).await.unwrap();
        spool.write(&bytes).await.unwrap();
        let spooled = spool.finish().await.unwrap();
        let path = spooled.path().to_owned();
        assert_eq!(test.store.put_spooled(&name("spooled"), spooled).await.unwrap(), outcome);
        assert!(!path.exists(), "the spooled file is gone");
    }
    assert!(test.store.read(&name("spooled"), 9 * MIB).await.unwrap().unwrap() == bytes);
}

async fn an_aborted_put_leaves_no_object(test: TestStore) {
    let file = test.folder.path().join("source");
    std::fs::write(&file, make_bytes(64 * MIB)).unwrap();
    let (store, object) = (test.store.clone(), name("aborted"));
    let putting = tokio::spawn(async move { store.put_file(&object, &file).await });
    // It runs until something of it is there: a temporary file, or a part of an upload.
    match &test.server {
        Some(server) => server.wait_for_part().await,
        None => {
            while count_temporaries(&test.store) == 0 && !putting.is_finished() {
                tokio::task::yield_now().await;
            }
        }
    }
    putting.abort();
    match putting.await {
        Err(error) if error.is_cancelled() => {}
        // The disk was faster.
        put => return assert_eq!(put.unwrap().unwrap(), PutOutcome::Created),
    }
    match &test.server {
        Some(server) => server.wait_until_no_upload_is_open().await,
        None => wait_until_empty(test.store.temporary_folder().unwrap()).await,
    }
    assert_eq!(list_all(&test.store, None).await, []);
}

async fn nothing_is_left_to_clean_after_complete_puts(test: TestStore) {
    test.store.check().await.unwrap();
    test.store.put_bytes(&name("a/1"), make_bytes(1)).await.unwrap();
    let file = test.folder.path().join("source");
    std::fs::write(&file, make_bytes(9 * MIB)).unwrap();
    test.store.put_file(&name("a/2"), &file).await.unwrap();
    assert_eq!(test.store.remove_stale_temporaries(std::time::Duration::ZERO).await.unwrap(), 0);
    assert_eq!(list_all(&test.store, None).await.len(), 2);
}
