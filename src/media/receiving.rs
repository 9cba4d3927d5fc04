//! The bodies of uploads: a form, or the bytes alone; stored as they arrive.

use std::io;
use std::path::PathBuf;

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, ContentDisposition, HeaderMap};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, web};
use futures_util::{StreamExt, stream};
use url::form_urlencoded;

use super::input::{MAX_NAME_CHARS, UploadParams};
use crate::app::App;
use crate::error::{Code, Error, Fault, Result, Sentence};
use crate::http::query;
use crate::http::slow_body::SlowBody;
use crate::storage::{Spool, Spooled};

/// Bytes of a part of a form that is a text.
const MAX_FIELD_BYTES: usize = 16 << 10;
/// Parts of a form.
const MAX_PARTS: usize = 64;

/// A file that has arrived.
pub struct Received {
    /// Its bytes.
    pub file: Spooled,
    /// What is said of it.
    pub params: UploadParams,
}

/// Where uploads are while they arrive.
pub fn spool_folder(app: &App) -> PathBuf {
    let own = app.config.media.spool.clone();
    let of_store = app.store.temporary_folder().map(std::path::Path::to_path_buf);
    own.or(of_store).unwrap_or_else(|| app.config.database.data_dir.join("uploads"))
}

/// The most bytes that any file may have.
pub fn max_bytes(app: &App) -> u64 {
    app.config.media.max_file.max(app.config.media.max_image)
}

/// An empty spool.
pub async fn create_spool(app: &App) -> Result<Spool> {
    Ok(Spool::create(&spool_folder(app), max_bytes(app)).await?)
}

/// Receives the body of an upload: a form with the part `file`, or the bytes alone.
pub async fn receive(
    app: &App,
    req: &HttpRequest,
    params: UploadParams,
    payload: web::Payload,
) -> Result<Received> {
    let content_type =
        req.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type.trim_start().to_ascii_lowercase().starts_with("multipart/") {
        return receive_form(app, req, payload).await;
    }
    let named = params.name.clone().or_else(|| find_name(req.headers()));
    let mut body = SlowBody::new(payload);
    let mut spool = create_spool(app).await?;
    while let Some(chunk) = body.next().await {
        spool.write(&chunk.map_err(map_read_error)?).await?;
    }
    Ok(Received { file: spool.finish().await?, params: UploadParams { name: named, ..params } })
}

/// The name of the file in `Content-Disposition` (RFC 6266).
fn find_name(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_DISPOSITION)?;
    name_of(&ContentDisposition::from_raw(value).ok()?)
}

fn name_of(disposition: &ContentDisposition) -> Option<String> {
    let extended =
        disposition.get_filename_ext().map(|name| String::from_utf8_lossy(&name.value).into_owned());
    let name = extended.or_else(|| disposition.get_filename().map(str::to_owned))?;
    // The end of a name tells most.
    let skipped = name.chars().count().saturating_sub(MAX_NAME_CHARS);
    Some(name.chars().skip(skipped).collect())
}

async fn receive_form(app: &App, req: &HttpRequest, payload: web::Payload) -> Result<Received> {
    let mut form = Multipart::new(req.headers(), read_slowly(payload));
    let mut texts = form_urlencoded::Serializer::new(req.query_string().to_owned());
    let (mut file, mut named, mut parts) = (None, None, 0);
    while let Some(field) = form.next().await {
        let mut field = field.map_err(map_form_error)?;
        parts += 1;
        if parts > MAX_PARTS {
            let sentence = Sentence::from("A form may have at most {max} parts.");
            return Err(Error::Refused(Code::PayloadTooLarge, sentence.with("max", MAX_PARTS)));
        }
        match field.name().unwrap_or_default().to_owned().as_str() {
            "file" if file.is_some() => {
                return Err(
                    Fault::parameter("file", Code::RepeatedParameter, "is given more than once").into()
                );
            }
            "file" => {
                named = field.content_disposition().and_then(name_of);
                file = Some(store_field(app, &mut field).await?);
            }
            name => {
                texts.append_pair(name, &read_text(&mut field, name).await?);
            }
        }
    }
    // The texts of a form are those that the query can have, and are checked as these are.
    let params: UploadParams = query::read(&texts.finish())?;
    let missing = || Fault::parameter("file", Code::MissingField, "is required");
    let file = file.ok_or_else(missing)?;
    Ok(Received { file, params: UploadParams { name: params.name.clone().or(named), ..params } })
}

async fn store_field(app: &App, field: &mut Field) -> Result<Spooled> {
    let mut spool = create_spool(app).await?;
    while let Some(chunk) = field.next().await {
        spool.write(&chunk.map_err(map_form_error)?).await?;
    }
    Ok(spool.finish().await?)
}

/// Reads a part that is a text.
async fn read_text(field: &mut Field, name: &str) -> Result<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.next().await {
        let chunk: Bytes = chunk.map_err(map_form_error)?;
        if bytes.len() + chunk.len() > MAX_FIELD_BYTES {
            let sentence = Sentence::from("A text of a form may have at most {max} bytes.");
            return Err(Error::Refused(Code::PayloadTooLarge, sentence.with("max", MAX_FIELD_BYTES)));
        }
        bytes.extend_from_slice(&chunk);
    }
    let name: String = name.chars().take(100).collect();
    String::from_utf8(bytes).map_err(|_| Fault::parameter(name, Code::InvalidEncoding, "is not UTF-8").into())
}

/// The bytes of a body, from a client that may be slow.
fn read_slowly(payload: web::Payload) -> impl futures_util::Stream<Item = Result<Bytes, PayloadError>> {
    stream::unfold(SlowBody::new(payload), |mut body| async move {
        let chunk = body.next().await?;
        Some((chunk.map_err(PayloadError::Io), body))
    })
    // The reader of forms asks once more after the end.
    .fuse()
}

/// What is told of a body that did not arrive.
pub fn map_read_error(cause: io::Error) -> Error {
    match cause.kind() {
        io::ErrorKind::TimedOut => {
            Error::Refused(Code::RequestTimeout, "The body took too long to arrive.".into())
        }
        _ => Error::Refused(Code::BadRequest, "The body ended early.".into()),
    }
}

fn map_form_error(cause: MultipartError) -> Error {
    match cause {
        MultipartError::Payload(PayloadError::Io(cause)) => map_read_error(cause),
        MultipartError::Payload(_) | MultipartError::Incomplete => {
            Error::Refused(Code::BadRequest, "The body ended early.".into())
        }
        cause => {
            tracing::debug!(%cause, "A form could not be read");
            Error::Refused(Code::BadRequest, "The body is no multipart/form-data that can be read.".into())
        }
    }
}
