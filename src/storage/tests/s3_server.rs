//! An S3 server for one test: `s3s-fs`, and the list of open uploads that it lacks.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::SystemTime;

use async_trait::async_trait;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput,
    DeleteObjectInput, DeleteObjectOutput, GetObjectInput, GetObjectOutput, HeadObjectInput,
    HeadObjectOutput, ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectsV2Input,
    ListObjectsV2Output, MultipartUpload, PutObjectInput, PutObjectOutput, UploadPartInput, UploadPartOutput,
};
use s3s::service::S3ServiceBuilder;
use s3s::{S3, S3Request, S3Response, S3Result};
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use super::waits::within_limit;

pub(super) const ACCESS_KEY: &str = "test-key";
pub(super) const SECRET_KEY: &str = "test-secret";

/// Open uploads by their ids, each with its key and when it began.
type Uploads = BTreeMap<String, (String, SystemTime)>;

/// A server with the bucket `bucket`, on a runtime of its own. It ends when it is dropped.
pub(super) struct S3Server {
    address: SocketAddr,
    folder: TempDir,
    uploads: watch::Receiver<Uploads>,
    /// Parts that came in, of all uploads.
    parts: watch::Receiver<usize>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl S3Server {
    pub(super) fn start() -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("bucket")).unwrap();
        let (sender, uploads) = watch::channel(Uploads::new());
        let (part_sender, parts) = watch::channel(0);
        let fs = FileSystem::new(folder.path()).unwrap();
        let s3 = TestS3 { fs, uploads: sender, parts: part_sender };
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                tokio::select! { () = serve(listener, s3) => {}, _ = stopped => {} }
            });
        });
        let address = told.recv().unwrap();
        Self { address, folder, uploads, parts, stop: Some(stop), thread: Some(thread) }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) async fn wait_for_part(&self) {
        within_limit(self.parts.clone().wait_for(|parts| *parts > 0)).await.unwrap();
    }

    pub(super) async fn wait_until_no_upload_is_open(&self) {
        within_limit(self.uploads.clone().wait_for(Uploads::is_empty)).await.unwrap();
    }

    pub(super) fn count_open_uploads(&self) -> usize {
        self.uploads.borrow().len()
    }

    /// Where the server keeps an object of the bucket.
    pub(super) fn path(&self, key: &str) -> std::path::PathBuf {
        self.folder.path().join("bucket").join(key)
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().map(JoinHandle::join);
    }
}

async fn serve(listener: TcpListener, s3: TestS3) {
    let mut service = S3ServiceBuilder::new(s3);
    service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
    let service = service.build();
    let server = Arc::new(Builder::new(TokioExecutor::new()));
    while let Ok((socket, _)) = listener.accept().await {
        let (server, service) = (server.clone(), service.clone());
        tokio::spawn(async move { server.serve_connection(TokioIo::new(socket), service).await.is_ok() });
    }
}

/// `s3s-fs` that tells which uploads are open.
struct TestS3 {
    fs: FileSystem,
    uploads: watch::Sender<Uploads>,
    parts: watch::Sender<usize>,
}

#[async_trait]
impl S3 for TestS3 {
    async fn put_object(&self, req: S3Request<PutObjectInput>) -> S3Result<S3Response<PutObjectOutput>> {
        self.fs.put_object(req).await
    }

    async fn get_object(&self, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        self.fs.get_object(req).await
    }

    async fn head_object(&self, req: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        self.fs.head_object(req).await
    }

    async fn delete_object(
        &self,
        req: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.fs.delete_object(req).await
    }

    async fn list_objects_v2(
        &self,
        req: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        self.fs.list_objects_v2(req).await
    }

    async fn upload_part(&self, req: S3Request<UploadPartInput>) -> S3Result<S3Response<UploadPartOutput>> {
        self.parts.send_modify(|parts| *parts += 1);
        self.fs.upload_part(req).await
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let key = req.input.key.clone();
        let created = self.fs.create_multipart_upload(req).await?;
        let id = created.output.upload_id.clone().unwrap();
        self.uploads.send_modify(|uploads| assert!(uploads.insert(id, (key, SystemTime::now())).is_none()));
        Ok(created)
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let id = req.input.upload_id.clone();
        let completed = self.fs.complete_multipart_upload(req).await?;
        self.uploads.send_modify(|uploads| assert!(uploads.remove(&id).is_some()));
        Ok(completed)
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let id = req.input.upload_id.clone();
        let aborted = self.fs.abort_multipart_upload(req).await?;
        self.uploads.send_modify(|uploads| assert!(uploads.remove(&id).is_some()));
        Ok(aborted)
    }

    /// One upload a page, so that the pages are tried too.
    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let prefix = req.input.prefix.unwrap_or_default();
        let marker = req.input.upload_id_marker.unwrap_or_default();
        let uploads = self.uploads.borrow();
        let mut rest = uploads.iter().filter(|(id, (key, _))| key.starts_with(&prefix) && **id > marker);
        let first = rest.next().map(|(id, (key, began))| MultipartUpload {
            key: Some(key.clone()),
            upload_id: Some(id.clone()),
            initiated: Some((*began).into()),
            ..MultipartUpload::default()
        });
        Ok(S3Response::new(ListMultipartUploadsOutput {
            is_truncated: Some(rest.next().is_some()),
            next_key_marker: first.as_ref().and_then(|upload| upload.key.clone()),
            next_upload_id_marker: first.as_ref().and_then(|upload| upload.upload_id.clone()),
            uploads: Some(first.into_iter().collect()),
            ..ListMultipartUploadsOutput::default()
        }))
    }
}
