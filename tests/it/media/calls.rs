//! Calls of the operations on media that work for whoever has the right.

use serde_json::{Value, json};

use super::{OCTETS, PART, id_of, path_of, pictures, resuming, upload_picture};
use crate::harness::contract::Operation;
use crate::harness::{Client, Request, TestApp};

/// The path and the body of a call of an operation that is about bytes that `author` has uploaded. `None` for others.
pub async fn target(
    app: &TestApp,
    author: &Client,
    operation: &Operation,
) -> Option<(String, Option<Value>)> {
    if !["create_media_from_url", "get_media_file", "get_present_media_file"].contains(&operation.id.as_str())
    {
        return None;
    }
    let media = upload_picture(author).await;
    let path = path_of(&media["variants"]["w160"]);
    Some(match operation.id.as_str() {
        "get_media_file" => (path, None),
        "get_present_media_file" => (format!("/media/{}", id_of(&media)), None),
        // The server fetches what it serves itself.
        _ => (operation.path.clone(), Some(json!({"url": format!("{}{path}", app.url)}))),
    })
}

/// Makes the media, or the upload, that an operation is about, and returns its id.
pub async fn thing(author: &Client, operation: &Operation) -> String {
    if operation.path.contains("/uploads/") {
        return begin_upload(author).await;
    }
    id_of(&upload_picture(author).await).to_owned()
}

/// Begins an upload of one byte, and returns its id.
pub async fn begin_upload(client: &Client) -> String {
    resuming::begin(client, 1, &[]).await.rsplit_once('/').unwrap().1.to_owned()
}

/// A request with the headers and the bytes that an operation takes.
pub fn complete(request: Request, operation: &str) -> Request {
    match operation {
        "create_media" => request.labelled(OCTETS, pictures::jpeg(8, 8)),
        "create_upload" => request.header("tus-resumable", "1.0.0").header("upload-length", "1"),
        // An empty part: the upload goes on.
        "update_upload" => {
            request.header("tus-resumable", "1.0.0").header("upload-offset", "0").labelled(PART, "")
        }
        "change_upload" => {
            let request = request.header("x-http-method-override", "PATCH").header("tus-resumable", "1.0.0");
            request.header("upload-offset", "0").labelled(PART, "")
        }
        _ => request,
    }
}
