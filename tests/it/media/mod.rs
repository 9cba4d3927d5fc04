//! Pictures and files: uploading, serving, and what becomes of them.

mod articles;
mod buckets;
pub mod calls;
mod commands;
mod crashes;
mod documents;
mod fetching;
mod hostile;
mod hostile_files;
mod lists;
mod members;
pub mod pictures;
pub mod resuming;
#[path = "../../../src/storage/tests/s3_server.rs"]
#[expect(dead_code, reason = "the tests of the store use more of it")]
mod s3_server;
mod scanning;
mod server;
pub mod serving;
mod sweeping;
mod uploading;
mod uses;
#[path = "../../../src/storage/tests/waits.rs"]
#[expect(dead_code, clippy::expect_used, reason = "the tests of the store use more of it")]
mod waits;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cache::staying;
use crate::harness::{Answer, Client, Request, TestApp};

pub const MEDIA: &str = "/api/v1/media";
pub const UPLOADS: &str = "/api/v1/media/uploads";
/// The media type of bytes of which nothing is said.
pub const OCTETS: &str = "application/octet-stream";
/// The media type of a part of a tus upload.
pub const PART: &str = "application/offset+octet-stream";
const BOUNDARY: &str = "a-boundary-of-no-file";

/// Sends bytes alone; `query` is what is said of them.
pub async fn upload(client: &Client, query: &str, bytes: &[u8]) -> Answer {
    client.request(Method::POST, &format!("{MEDIA}{query}")).labelled(OCTETS, bytes.to_vec()).send().await
}

/// Uploads a small photograph that no other call makes, and returns the media.
pub async fn upload_picture(client: &Client) -> Value {
    upload(client, "", &pictures::jpeg(96, 64)).await.data(201)
}

/// A form, part by part.
#[derive(Default)]
pub struct Form(Vec<u8>);

impl Form {
    /// Adds a text.
    pub fn text(self, name: &str, value: &str) -> Self {
        self.part(&format!("form-data; name=\"{name}\""), value.as_bytes())
    }

    /// Adds the file under a name.
    pub fn file(self, name: &str, bytes: &[u8]) -> Self {
        self.part(&format!("form-data; name=\"file\"; filename=\"{name}\""), bytes)
    }

    /// Adds a part with any `Content-Disposition`.
    pub fn part(mut self, disposition: &str, bytes: &[u8]) -> Self {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n");
        self.0.extend([head.as_bytes(), bytes, b"\r\n"].concat());
        self
    }

    /// The label and the bytes.
    pub fn finish(self) -> (String, Vec<u8>) {
        let end = format!("--{BOUNDARY}--\r\n");
        (format!("multipart/form-data; boundary={BOUNDARY}"), [&self.0, end.as_bytes()].concat())
    }

    pub async fn send(self, client: &Client) -> Answer {
        let (label, body) = self.finish();
        client.request(Method::POST, MEDIA).labelled(&label, body).send().await
    }
}

/// A request of tus 1.0.
pub fn tus(client: &Client, method: Method, path: &str) -> Request {
    client.request(method, path).header("tus-resumable", "1.0.0")
}

/// The path of an address that the server has handed out.
pub fn path_of(address: &Value) -> String {
    let address = address.as_str().unwrap_or_else(|| panic!("no address: {address}"));
    address[address.find("/media/").unwrap()..].to_owned()
}

/// The path of media in the API.
pub fn api_path(media: &Value) -> String {
    format!("{MEDIA}/{}", id_of(media))
}

pub fn id_of(thing: &Value) -> &str {
    thing["id"].as_str().unwrap_or_else(|| panic!("no id: {thing}"))
}

/// A visitor who is not led on by redirects.
pub fn visitor(app: &TestApp) -> Client {
    staying(&Client::new(&app.url, None), &app.url)
}

/// A client with a key of these scopes.
pub async fn key_with(app: &TestApp, admin: &Client, scopes: &[&str]) -> Client {
    let made = admin.post("/api/v1/api-keys", json!({"name": "script", "scopes": scopes})).await.data(201);
    Client::new(&app.url, made["key"].as_str().map(str::to_owned))
}

/// A folder for the media of one server, and the flags that name it: what the tests of a run share in their store is not
/// there.
pub fn own_store() -> (TempDir, Vec<String>) {
    let folder = tempfile::tempdir_in(crate::harness::cluster::folder()).unwrap();
    let flags = vec!["--media-url".to_owned(), folder.path().to_str().unwrap().to_owned()];
    (folder, flags)
}
