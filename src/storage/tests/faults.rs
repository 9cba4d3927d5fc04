//! A bucket behind a network that fails.

use std::time::{Duration, Instant};

use futures_util::StreamExt;

use super::super::{PutOutcome, Result, StoreError};
use super::proxy::{Fault, Proxy};
use super::*;

/// A store behind a proxy, its proxy, and the same store without it.
struct Behind {
    store: Store,
    proxy: Proxy,
    direct: TestStore,
}

fn impatient() -> S3Options {
    let limits = Limits {
        connect: Duration::from_millis(500),
        stall: Duration::from_millis(300),
        max_retries: 2,
        retry_window: Duration::from_millis(200),
    };
    S3Options { limits, ..s3_options() }
}

async fn behind(options: &S3Options, next: &[Fault], always: Fault) -> Behind {
    let direct = s3_store();
    let proxy = Proxy::start(direct.server.as_ref().unwrap().address(), next, always).await;
    Behind { store: open_s3(&proxy.endpoint, options), proxy, direct }
}

impl Behind {
    async fn put(&self, object: &str, size: usize) -> Result<PutOutcome> {
        let file = self.direct.folder.path().join("source");
        std::fs::write(&file, make_bytes(size)).unwrap();
        self.store.put_file(&name(object), &file).await
    }

    async fn assert_no_object(&self) {
        assert_eq!(list_all(&self.direct.store, None).await, []);
    }
}

fn assert_unavailable(error: &StoreError) {
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_keys_are_refused_with_the_stores_code() {
    let test = s3_store();
    test.store.put_bytes(&name("a"), Bytes::from_static(b"x")).await.unwrap();
    let endpoint = test.server.as_ref().unwrap().endpoint();
    let wrong_secret = S3Options { secret_access_key: Some(Secret::new("no")), ..s3_options() };
    let wrong_id = S3Options { access_key_id: Some("no".to_owned()), ..s3_options() };
    for (options, expected) in [(wrong_secret, "SignatureDoesNotMatch"), (wrong_id, "NotSignedUp")] {
        let store = open_s3(&endpoint, &options);
        let failures = [
            store.check().await.unwrap_err(),
            store.open_object(&name("a"), None).await.unwrap_err(),
            list_failure(&store).await,
            store.delete(&name("a")).await.unwrap_err(),
        ];
        for error in failures {
            assert!(matches!(&error, StoreError::Refused { code, .. } if code == expected), "{error}");
            assert!(!error.to_string().contains(SECRET_KEY));
        }
        // The answer to HEAD has no body, and so no code.
        let error = store.put_bytes(&name("b"), Bytes::from_static(b"x")).await.unwrap_err();
        assert!(matches!(&error, StoreError::Refused { code, .. } if code == "403"), "{error}");
    }
    assert_eq!(list_all(&test.store, None).await.len(), 1);
}

async fn list_failure(store: &Store) -> StoreError {
    let first = store.list(None).next().await.unwrap();
    first.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_does_not_exist_is_refused() {
    let test = s3_store();
    let server = test.server.as_ref().unwrap();
    let options = S3Options { endpoint: Some(server.endpoint()), ..s3_options() };
    let store = Store::open(&StoreSettings::parse("s3://nobody", &options).unwrap()).unwrap();
    let error = list_failure(&store).await;
    assert!(matches!(&error, StoreError::Refused { code, .. } if code == "NoSuchBucket"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_bucket_is_a_store_too() {
    let test = s3_store();
    let endpoint = Some(test.server.as_ref().unwrap().endpoint());
    let settings = StoreSettings::parse("s3://bucket", &S3Options { endpoint, ..s3_options() }).unwrap();
    let whole = Store::open(&settings).unwrap();
    whole.check().await.unwrap();
    test.store.put_bytes(&name("a"), Bytes::from_static(b"x")).await.unwrap();
    whole.put_bytes(&name("some/prefixed"), Bytes::from_static(b"x")).await.unwrap();
    let names = async |store: &Store| -> Vec<String> {
        list_all(store, None).await.into_iter().map(|entry| entry.name.to_string()).collect()
    };
    assert_eq!(names(&whole).await, ["some/prefix/a", "some/prefixed"]);
    assert_eq!(names(&test.store).await, ["a"]);
    assert_eq!(whole.remove_stale_temporaries(Duration::ZERO).await.unwrap(), 0);
    whole.delete(&name("some/prefix/a")).await.unwrap();
    assert_eq!(names(&test.store).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn some_failures_are_overcome() {
    let faults = [Fault::Answer(503), Fault::ResetUpload(700), Fault::Answer(500), Fault::ResetDownload(50)];
    for fault in faults {
        // Two connections fail. They may be of one request, or of two.
        let test = behind(&s3_options_with_retries(), &[fault, fault], Fault::Pass).await;
        assert_eq!(test.put("a", 9 * MIB).await.unwrap(), PutOutcome::Created, "{fault:?}");
        test.proxy.wait_for_faults(2).await;
        let read = test.direct.store.read(&name("a"), 9 * MIB).await.unwrap().unwrap();
        assert!(read == make_bytes(9 * MIB));
    }
}

fn s3_options_with_retries() -> S3Options {
    S3Options { limits: Limits { max_retries: 4, ..Limits::default() }, ..s3_options() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_is_cut_goes_on_where_it_was() {
    let test = behind(&s3_options_with_retries(), &[Fault::ResetDownload(3 * MIB)], Fault::Pass).await;
    test.direct.store.put_bytes(&name("a"), make_bytes(9 * MIB)).await.unwrap();
    let read = test.store.read(&name("a"), 9 * MIB).await.unwrap().unwrap();
    assert!(read == make_bytes(9 * MIB), "the parts do not fit together");
    test.proxy.wait_for_faults(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_always_fails_is_unavailable() {
    let faults = [Fault::Answer(500), Fault::Answer(503), Fault::ResetUpload(10), Fault::ResetDownload(10)];
    for fault in faults {
        let test = behind(&impatient(), &[], fault).await;
        assert_unavailable(&test.put("a", 10).await.unwrap_err());
        assert_unavailable(&test.store.check().await.unwrap_err());
        assert_unavailable(&test.store.open_object(&name("a"), None).await.unwrap_err());
        assert_unavailable(&test.store.size(&name("a")).await.unwrap_err());
        assert_unavailable(&test.store.delete(&name("a")).await.unwrap_err());
        assert_unavailable(&list_failure(&test.store).await);
        assert_unavailable(&test.store.remove_stale_temporaries(Duration::ZERO).await.unwrap_err());
        test.assert_no_object().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_nobody_listens_at_is_unavailable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert_unavailable(&open_s3(&endpoint, &impatient()).check().await.unwrap_err());
    let nowhere = open_s3("http://does-not-exist.invalid", &impatient());
    assert_unavailable(&nowhere.check().await.unwrap_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_that_loses_its_connection_leaves_no_object() {
    for size in [6 * MIB, 12 * MIB] {
        for fault in [Fault::ResetUpload(MIB), Fault::StallUpload(MIB)] {
            let test = behind(&impatient(), &[], fault).await;
            assert_unavailable(&test.put("a", size).await.unwrap_err());
            test.proxy.wait_for_faults(1).await;
            test.assert_no_object().await;
            // The same put succeeds on another way.
            let file = test.direct.folder.path().join("source");
            assert_eq!(test.direct.store.put_file(&name("a"), &file).await.unwrap(), PutOutcome::Created);
            assert!(test.direct.store.read(&name("a"), size).await.unwrap().unwrap() == make_bytes(size));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stall_ends_within_its_limits() {
    for fault in [Fault::StallUpload(100), Fault::StallDownload(0), Fault::StallDownload(100)] {
        let test = behind(&impatient(), &[], fault).await;
        let start = Instant::now();
        assert_unavailable(&test.put("a", 10).await.unwrap_err());
        // One try: the stall is longer than the time in which a request is tried again.
        assert!(start.elapsed() >= Duration::from_millis(300), "{fault:?}");
        assert!(start.elapsed() < Duration::from_secs(3), "{fault:?}: {:?}", start.elapsed());
        test.assert_no_object().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stall_in_the_middle_of_a_read_ends_it_with_a_failure() {
    let test = behind(&impatient(), &[], Fault::StallDownload(MIB)).await;
    test.direct.store.put_bytes(&name("a"), make_bytes(5 * MIB)).await.unwrap();
    let mut reader = test.store.open_object(&name("a"), None).await.unwrap().unwrap();
    let start = Instant::now();
    let mut read = 0;
    let error = loop {
        match reader.next().await.expect("the stream ended as if it were complete") {
            Ok(part) => read += part.len(),
            Err(error) => break error,
        }
    };
    assert_unavailable(&error);
    assert!(read < 5 * MIB && start.elapsed() < Duration::from_secs(5), "{read} {:?}", start.elapsed());
    assert!(reader.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_network_is_no_stall() {
    // 4 MiB at 16 KiB per 20 ms take at least 5 s, more than two stalls. Up to a second of that is in buffers.
    let options = impatient();
    let limits = Limits { stall: Duration::from_secs(2), ..options.limits };
    let test = behind(&S3Options { limits, ..options }, &[], Fault::Slow(16 * KIB)).await;
    let start = Instant::now();
    assert_eq!(test.put("a", 4 * MIB).await.unwrap(), PutOutcome::Created);
    assert!(start.elapsed() > 2 * limits.stall, "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_were_cut_off_are_aborted_later() {
    let test = behind(&impatient(), &[], Fault::ResetUpload(MIB)).await;
    for object in ["a", "b", "c"] {
        assert_unavailable(&test.put(object, 12 * MIB).await.unwrap_err());
    }
    let server = test.direct.server.as_ref().unwrap();
    let (store, day) = (&test.direct.store, Duration::from_secs(86_400));
    // A foreign one, and the rest of a check that was cut off.
    store.put_bytes(&name("kept"), Bytes::from_static(b"x")).await.unwrap();
    let check = server.path("some/prefix/.tmp/check-1");
    std::fs::create_dir_all(check.parent().unwrap()).unwrap();
    std::fs::write(&check, "check").unwrap();
    assert_eq!(store.remove_stale_temporaries(day).await.unwrap(), 0);
    assert!(check.exists());
    store.remove_stale_temporaries(Duration::ZERO).await.unwrap();
    server.wait_until_no_upload_is_open().await;
    assert!(!check.exists());
    assert_eq!(list_all(store, None).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn open_uploads_are_found_on_all_pages() {
    let test = s3_store();
    let server = test.server.as_ref().unwrap();
    let file = test.folder.path().join("source");
    std::fs::write(&file, make_bytes(12 * MIB)).unwrap();
    // Processes that end in the middle cannot abort anything: neither does a runtime that is gone.
    let (store, file) = (test.store.clone(), &file);
    std::thread::scope(|threads| {
        for object in ["a", "b", "c"] {
            let (store, server) = (store.clone(), &server);
            threads.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let object = name(object);
                let mut put = Box::pin(store.put_file(&object, file));
                runtime.block_on(async {
                    tokio::select! { _ = &mut put => panic!("too fast"), () = server.wait_for_part() => {} }
                });
                drop(runtime);
                drop(put);
            });
        }
    });
    let open = server.count_open_uploads();
    assert!(open >= 1);
    assert_eq!(test.store.remove_stale_temporaries(Duration::ZERO).await.unwrap(), open as u64);
    assert_eq!(server.count_open_uploads(), 0);
}
