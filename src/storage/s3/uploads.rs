//! Multipart uploads that were begun and never ended. A service keeps their parts until they are aborted.

use std::time::Duration;

use chrono::{DateTime, Utc};
use object_store::multipart::MultipartStore;
use object_store::path::Path as Key;
use object_store::signer::{SignedUrlOptions, Signer};
use reqwest::Method;

use super::super::error::{Result, StoreError};
use super::S3Store;
use super::fault::{classify, classify_all};
use super::http::fetch_signed;
use super::xml::read_texts;

/// The most pages of a list that are read, of up to 1,000 uploads each. The rest is left to the next time.
const MAX_PAGES: usize = 100;
/// How long the signature of a request is valid.
const SIGNATURE_LIFETIME: Duration = Duration::from_secs(300);

/// An upload that has not ended.
#[derive(Default)]
struct OpenUpload {
    key: String,
    id: String,
    initiated: Option<DateTime<Utc>>,
}

/// A page of open uploads.
#[derive(Default)]
struct UploadPage {
    uploads: Vec<OpenUpload>,
    is_truncated: bool,
    next_key: String,
    next_id: String,
}

impl S3Store {
    /// Aborts the uploads below the prefix that were begun before a time. Returns how many.
    ///
    /// A service that cannot list uploads has none to be found: that is no failure.
    pub(super) async fn abort_stale_uploads(&self, before: DateTime<Utc>) -> Result<u64> {
        let mut aborted = 0;
        let mut last = UploadPage::default();
        for _ in 0..MAX_PAGES {
            let page = match self.list_uploads(&last).await {
                Err(StoreError::Other(_)) if last.next_key.is_empty() => return Ok(0),
                page => page?,
            };
            for upload in &page.uploads {
                if upload.initiated.is_some_and(|initiated| initiated <= before) {
                    aborted += u64::from(self.abort_upload(upload).await?);
                }
            }
            if !page.is_truncated || page.next_key.is_empty() {
                break;
            }
            last = page;
        }
        Ok(aborted)
    }

    /// The uploads that follow a page.
    async fn list_uploads(&self, last: &UploadPage) -> Result<UploadPage> {
        let mut query = vec![("uploads", String::new())];
        if !self.prefix.is_empty() {
            query.push(("prefix", format!("{}/", self.prefix)));
        }
        if !last.next_key.is_empty() {
            query.push(("key-marker", last.next_key.clone()));
            query.push(("upload-id-marker", last.next_id.clone()));
        }
        let options = SignedUrlOptions::default().with_query(query);
        let bucket = Key::default();
        let signed = self.s3.signed_url_opts(Method::GET, &bucket, SIGNATURE_LIFETIME, &options);
        let url = signed.await.map_err(|cause| classify_all(&cause))?;
        let answer = fetch_signed(&self.client, url.as_str()).await?;
        Ok(read_page(&String::from_utf8_lossy(&answer)))
    }

    /// Aborts an upload. False if it has ended meanwhile, or is not the store's.
    async fn abort_upload(&self, upload: &OpenUpload) -> Result<bool> {
        let Ok(key) = Key::parse(&upload.key) else { return Ok(false) };
        if !key.prefix_matches(&Key::from(self.prefix.as_str())) {
            return Ok(false);
        }
        match self.s3.abort_multipart(&key, &upload.id).await {
            Ok(()) => Ok(true),
            Err(cause) => match classify(&cause) {
                None | Some(StoreError::Other(_)) => Ok(false),
                Some(error) => Err(error),
            },
        }
    }
}

fn read_page(xml: &str) -> UploadPage {
    let mut page = UploadPage::default();
    let mut upload = OpenUpload::default();
    read_texts(xml, |path, text| match path {
        ["ListMultipartUploadsResult", "IsTruncated"] => page.is_truncated = text == "true",
        ["ListMultipartUploadsResult", "NextKeyMarker"] => page.next_key = text,
        ["ListMultipartUploadsResult", "NextUploadIdMarker"] => page.next_id = text,
        ["ListMultipartUploadsResult", "Upload", "Key"] => upload.key = text,
        ["ListMultipartUploadsResult", "Upload", "UploadId"] => upload.id = text,
        ["ListMultipartUploadsResult", "Upload", "Initiated"] => {
            upload.initiated = DateTime::parse_from_rfc3339(&text).ok().map(|time| time.to_utc());
        }
        ["ListMultipartUploadsResult", "Upload"] => page.uploads.push(std::mem::take(&mut upload)),
        _ => {}
    });
    page
}
