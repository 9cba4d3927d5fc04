//! Both kinds of store through one suite; then what only one of them can get wrong.

mod faults;
mod kill;
mod local;
mod memory;
mod proxy;
mod rules;
mod s3_server;
mod spools;
mod suite;
mod waits;

use std::path::Path;

use bytes::Bytes;
use futures_util::TryStreamExt;
use tempfile::TempDir;

use super::{Limits, ObjectEntry, ObjectName, S3Options, Secret, Store, StoreSettings};
use s3_server::{ACCESS_KEY, S3Server, SECRET_KEY};
use waits::wait_until_empty;

pub(super) const KIB: usize = 1 << 10;
pub(super) const MIB: usize = 1 << 20;

/// A store that ends with the test.
struct TestStore {
    store: Store,
    folder: TempDir,
    /// Dropped last.
    server: Option<S3Server>,
}

/// A store in a new folder.
fn local_store() -> TestStore {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("media");
    let store = Store::open(&StoreSettings::Folder(root)).unwrap();
    TestStore { store, folder, server: None }
}

/// A store in a new bucket of a server of its own.
fn s3_store() -> TestStore {
    let server = S3Server::start();
    let store = open_s3(&server.endpoint(), &s3_options());
    TestStore { store, folder: TempDir::new().unwrap(), server: Some(server) }
}

fn s3_options() -> S3Options {
    S3Options {
        access_key_id: Some(ACCESS_KEY.to_owned()),
        secret_access_key: Some(Secret::new(SECRET_KEY)),
        allow_http: true,
        limits: Limits { max_retries: 1, ..Limits::default() },
        ..S3Options::default()
    }
}

fn open_s3(endpoint: &str, options: &S3Options) -> Store {
    let options = S3Options { endpoint: Some(endpoint.to_owned()), ..options.clone() };
    Store::open(&StoreSettings::parse("s3://bucket/some/prefix", &options).unwrap()).unwrap()
}

fn name(name: &str) -> ObjectName {
    ObjectName::new(name).unwrap()
}

/// Bytes that are not the same anywhere.
fn make_bytes(size: usize) -> Bytes {
    let words = (0..size.div_ceil(8) as u64).map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
    let mut bytes: Vec<u8> = words.flatten().collect();
    bytes.truncate(size);
    Bytes::from(bytes)
}

async fn list_all(store: &Store, folder: Option<&ObjectName>) -> Vec<ObjectEntry> {
    let mut entries: Vec<ObjectEntry> = store.list(folder).try_collect().await.unwrap();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries
}

/// The temporary files of a local store.
fn count_temporaries(store: &Store) -> usize {
    let folder: &Path = store.temporary_folder().unwrap();
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}
