//! The least that an actix server can do: bytes from memory, under a header or two.
//!
//! It runs as a process of its own: this program, started again.

use std::fs;
use std::path::Path;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH};
use actix_web::web::{self, Bytes};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use anyhow::Context;

/// The first argument of a process that is the bare handler.
pub const WORD: &str = "bare";
/// The tag of everything that the handler answers.
pub const TAG: &str = "\"bare\"";

/// Serves `NAME.json` of `folder` as `/NAME.json`, and with the headers in `NAME.head` as `/whole/NAME.json`.
pub fn serve(port: u16, folder: &Path) -> anyhow::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_name().and_then(|name| name.to_str()).context("a name")?.to_owned();
            let head = fs::read_to_string(path.with_extension("head"))?;
            files.push((name, Bytes::from(fs::read(&path)?), parse_head(&head)?));
        }
    }
    let server = HttpServer::new(move || {
        files.iter().fold(App::new(), |app, (name, body, head)| {
            let (body, whole, head) = (body.clone(), body.clone(), head.clone());
            let answer = move |req: HttpRequest| {
                let answer = answer(&req, body.clone());
                async move { answer }
            };
            let answer_whole = move || {
                let answer = answer_with(head.clone(), whole.clone());
                async move { answer }
            };
            app.route(&format!("/{name}"), web::get().to(answer))
                .route(&format!("/whole/{name}"), web::get().to(answer_whole))
        })
    });
    let server = server.workers(1).bind(("127.0.0.1", port))?.run();
    Ok(actix_web::rt::System::new().block_on(server)?)
}

fn answer(req: &HttpRequest, body: Bytes) -> HttpResponse {
    if req.headers().get(IF_NONE_MATCH).is_some_and(|tags| tags == TAG) {
        return HttpResponse::NotModified().insert_header((ETAG, TAG)).finish();
    }
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).insert_header((ETAG, TAG)).body(body)
}

fn answer_with(head: HeaderMap, body: Bytes) -> HttpResponse {
    let mut response = HttpResponse::with_body(StatusCode::OK, body);
    *response.headers_mut() = head;
    response.map_into_boxed_body()
}

fn parse_head(text: &str) -> anyhow::Result<HeaderMap> {
    let pairs = text.lines().filter_map(|line| line.split_once(": "));
    pairs.map(|(name, value)| Ok((HeaderName::try_from(name)?, HeaderValue::from_str(value)?))).collect()
}
