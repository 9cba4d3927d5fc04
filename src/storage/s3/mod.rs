//! A store in a bucket of an S3-compatible service.
//!
//! A put is one request, or a multipart upload for a large file: both make the object visible at once, when all its
//! bytes are there. Nothing conditional is asked for, because not every service knows it: two puts of one name write
//! the same bytes twice.

mod causes;
mod fault;
mod http;
mod put;
mod uploads;
mod xml;

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{
    BackoffConfig, GetOptions, GetRange, GetResult, ObjectMeta, ObjectStore, ObjectStoreExt, RetryConfig,
};

use super::error::{Result, StoreError};
use super::limits::Limits;
use super::name::ObjectName;
use super::outcome::PutOutcome;
use super::reader::{ObjectEntry, ObjectList, ObjectReader, clamp_range};
use super::settings::S3Settings;
use fault::{classify, classify_all};
use http::LimitedClient;

/// The folder of objects that are no one's. No object's name can begin with it.
const TEMPORARY_FOLDER: &str = ".tmp";
/// Objects that are deleted at a time.
const PARALLEL_DELETES: usize = 8;

/// A store in a bucket.
pub(super) struct S3Store {
    s3: AmazonS3,
    client: LimitedClient,
    bucket: String,
    prefix: String,
}

impl S3Store {
    pub(super) fn new(settings: &S3Settings) -> Result<Self> {
        let client = LimitedClient::new(settings)?;
        let s3 = AmazonS3Builder::new()
            .with_bucket_name(&settings.bucket)
            .with_endpoint(&settings.endpoint)
            .with_virtual_hosted_style_request(settings.is_virtual_hosted)
            .with_region(&settings.region)
            .with_access_key_id(&settings.access_key_id)
            .with_secret_access_key(settings.secret_access_key.reveal())
            // TLS protects the bytes on the way. Without it the signature covers them, which costs a hash of each.
            .with_unsigned_payload(!settings.is_http)
            // Not every service deletes many objects in one request.
            .with_disable_bulk_delete(true)
            .with_retry(configure_retries(&settings.limits))
            .with_http_connector(client.clone())
            .build()
            .map_err(|cause| StoreError::Other(cause.to_string()))?;
        Ok(Self { s3, client, bucket: settings.bucket.clone(), prefix: settings.prefix.clone() })
    }

    /// The bucket and the prefix, for the log.
    pub(super) fn address(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix)
    }

    /// The key of a name in the bucket.
    fn key(&self, name: &str) -> Key {
        match self.prefix.as_str() {
            "" => Key::from(name),
            prefix => Key::from(format!("{prefix}/{name}")),
        }
    }

    pub(super) async fn check(&self) -> Result<()> {
        let key = self.key(&format!("{TEMPORARY_FOLDER}/check-{}", uuid::Uuid::new_v4()));
        let wrong = |what: &str| StoreError::Other(format!("the store {what} what was just written"));
        self.s3.put(&key, Bytes::from_static(b"check").into()).await.map_err(|cause| classify_all(&cause))?;
        let got = self.s3.get(&key).await;
        let got = got.map_err(|cause| classify(&cause).unwrap_or_else(|| wrong("does not find")))?;
        let bytes = got.bytes().await.map_err(|cause| classify_all(&cause))?;
        if bytes != "check" {
            return Err(wrong("changed"));
        }
        let folder = self.key(TEMPORARY_FOLDER);
        let first = self.s3.list(Some(&folder)).try_next().await.map_err(|cause| classify_all(&cause))?;
        self.delete_key(&key).await?;
        first.map(|_| ()).ok_or_else(|| wrong("does not list"))
    }

    pub(super) async fn open_object(
        &self,
        name: &ObjectName,
        range: Option<Range<u64>>,
    ) -> Result<Option<ObjectReader>> {
        let key = self.key(name.as_str());
        let is_empty = range.as_ref().is_some_and(|range| range.is_empty());
        let asked = range.clone().map(to_header);
        if !is_empty {
            let options = GetOptions { range: asked, ..GetOptions::default() };
            match self.s3.get_opts(&key, options).await {
                Ok(got) => return Ok(Some(into_reader(got))),
                Err(cause) => match classify(&cause) {
                    None => return Ok(None),
                    Some(_) if range.is_some() && fault::is_range_error(&cause) => {}
                    Some(error) => return Err(error),
                },
            }
        }
        // No byte is asked for, or all lie behind the end: only the size is of interest.
        let meta = self.head(&key).await?;
        Ok(meta.map(|meta| {
            let range = clamp_range(range.as_ref(), meta.size);
            let range = range.start..range.start;
            ObjectReader::new(meta.size, range, meta.last_modified, stream::empty().boxed())
        }))
    }

    pub(super) async fn size(&self, name: &ObjectName) -> Result<Option<u64>> {
        Ok(self.head(&self.key(name.as_str())).await?.map(|meta| meta.size))
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        match self.s3.head(key).await {
            Ok(meta) => Ok(Some(meta)),
            Err(cause) => classify(&cause).map_or(Ok(None), Err),
        }
    }

    async fn delete_key(&self, key: &Key) -> Result<()> {
        match self.s3.delete(key).await {
            Ok(()) => Ok(()),
            Err(cause) => classify(&cause).map_or(Ok(()), Err),
        }
    }

    pub(super) async fn delete_many(&self, names: &[ObjectName]) -> Result<()> {
        let keys: Vec<Key> = names.iter().map(|name| self.key(name.as_str())).collect();
        let deletes = stream::iter(keys).map(|key| async move { self.delete_key(&key).await });
        deletes.buffer_unordered(PARALLEL_DELETES).try_collect().await
    }

    pub(super) fn list(&self, folder: Option<&ObjectName>) -> ObjectList {
        let folder = match folder {
            Some(folder) => self.key(folder.as_str()),
            None => Key::from(self.prefix.as_str()),
        };
        let prefix = self.prefix.clone();
        let metas = self.s3.list(Some(&folder)).map_err(|cause| classify_all(&cause));
        metas.try_filter_map(move |meta| std::future::ready(Ok(to_entry(&prefix, meta)))).boxed()
    }

    pub(super) async fn remove_stale_temporaries(&self, min_age: Duration) -> Result<u64> {
        let before = Utc::now() - chrono::Duration::from_std(min_age).unwrap_or(chrono::Duration::MAX);
        let folder = self.key(TEMPORARY_FOLDER);
        let mut metas = self.s3.list(Some(&folder));
        let mut removed = 0;
        while let Some(meta) = metas.try_next().await.map_err(|cause| classify_all(&cause))? {
            if meta.last_modified <= before {
                self.delete_key(&meta.location).await?;
                removed += 1;
            }
        }
        Ok(removed + self.abort_stale_uploads(before).await?)
    }
}

fn configure_retries(limits: &Limits) -> RetryConfig {
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(2),
        base: 2.0,
    };
    RetryConfig { backoff, max_retries: limits.max_retries, retry_timeout: limits.retry_window }
}

/// A range as a store is asked for it. Some stores read numbers of 63 bits only.
fn to_header(range: Range<u64>) -> GetRange {
    match i64::try_from(range.end) {
        Ok(_) => GetRange::Bounded(range),
        Err(_) => GetRange::Offset(range.start),
    }
}

fn into_reader(got: GetResult) -> ObjectReader {
    let (size, range, modified): (u64, Range<u64>, DateTime<Utc>) =
        (got.meta.size, got.range.clone(), got.meta.last_modified);
    let stream = got.into_stream().map_err(|cause| classify_all(&cause)).boxed();
    ObjectReader::new(size, range, modified, stream)
}

/// An object of the bucket as one of the store. `None` if it is not the store's.
fn to_entry(prefix: &str, meta: ObjectMeta) -> Option<ObjectEntry> {
    let key = meta.location.as_ref();
    let name = match prefix {
        "" => key,
        prefix => key.strip_prefix(prefix)?.strip_prefix('/')?,
    };
    let name = ObjectName::new(name).ok()?;
    Some(ObjectEntry { name, size: meta.size, last_modified: meta.last_modified })
}

impl S3Store {
    pub(super) async fn put_bytes(&self, name: &ObjectName, bytes: Bytes) -> Result<PutOutcome> {
        let key = self.key(name.as_str());
        if self.exists(&key, bytes.len() as u64).await? {
            return Ok(PutOutcome::Existed);
        }
        self.s3.put(&key, bytes.into()).await.map_err(|cause| classify_all(&cause))?;
        Ok(PutOutcome::Created)
    }

    pub(super) async fn put_file(&self, name: &ObjectName, file: &Path) -> Result<PutOutcome> {
        let key = self.key(name.as_str());
        let source = put::Source::open(file).await?;
        if self.exists(&key, source.size()).await? {
            return Ok(PutOutcome::Existed);
        }
        put::put(&self.s3, &key, source).await
    }

    async fn exists(&self, key: &Key, size: u64) -> Result<bool> {
        Ok(self.head(key).await?.is_some_and(|meta| meta.size == size))
    }
}
