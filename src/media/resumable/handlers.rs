//! The operations of uploads that arrive in parts.

use std::time::{Duration, UNIX_EPOCH};

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, HttpDate, LOCATION};
use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError, delete, get, options, patch, post, web,
};
use diesel::OptionalExtension;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::checksum::{ALGORITHMS, Checksum};
use super::headers::{
    EXTENSIONS, METHOD_OVERRIDE, TUS_CHECKSUM_ALGORITHM, TUS_EXTENSION, TUS_MAX_SIZE, TUS_RESUMABLE,
    TUS_VERSION, UPLOAD_EXPIRES, UPLOAD_LENGTH, UPLOAD_MEDIA, UPLOAD_OFFSET, VERSION, check_version,
    read_bytes, read_metadata,
};
use super::turns::wait_until_free;
use super::writing;
use crate::app::App;
use crate::error::{Code, Error, Result};
use crate::http::id_or_slug::Id;
use crate::http::reply::Data;
use crate::media::queries::uploads::{self, UploadRow};
use crate::media::receiving::max_bytes;
use crate::media::view::FileBytes;
use crate::members::guard::{Author, CurrentMember};
use crate::operations::scope::Scope;
use crate::operations::{Caller, Operation, Role};

/// The media type of a part.
const PART_TYPE: &str = "application/offset+octet-stream";

/// An upload that arrives in parts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Upload {
    /// Its id.
    id: Uuid,
    /// How many bytes it will have.
    bytes: i64,
    /// How many have arrived.
    received: i64,
    /// The media that it has become, when it has arrived as a whole.
    #[schema(required)]
    media_id: Option<Uuid>,
    /// Whether there were media with the same bytes, which the caller may see.
    duplicate: bool,
    /// Until when it is kept, if it does not go on.
    expires_at: chrono::DateTime<chrono::Utc>,
}

impl From<&UploadRow> for Upload {
    fn from(row: &UploadRow) -> Self {
        Self {
            id: row.id,
            bytes: row.bytes,
            received: row.received,
            media_id: row.media_id,
            duplicate: row.duplicate,
            expires_at: row.expires_at,
        }
    }
}

/// The answer to a request that failed, as tus 1.0 has it.
fn refuse(error: &Error) -> HttpResponse {
    let mut answer = error.error_response();
    let headers = answer.headers_mut();
    headers.insert(TUS_RESUMABLE, HeaderValue::from_static(VERSION));
    match error.code() {
        Code::UnknownTusVersion => {
            headers.insert(TUS_VERSION, HeaderValue::from_static(VERSION));
        }
        Code::ChecksumMismatch => answer.head_mut().reason = Some("Checksum Mismatch"),
        _ => {}
    }
    answer
}

/// An answer with the headers that tell where an upload stands.
fn answer(status: StatusCode, upload: &UploadRow) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    let expires = u64::try_from(upload.expires_at.timestamp()).unwrap_or_default();
    answer
        .insert_header((TUS_RESUMABLE, VERSION))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((UPLOAD_OFFSET, upload.received.to_string()))
        .insert_header((UPLOAD_LENGTH, upload.bytes.to_string()))
        .insert_header((
            UPLOAD_EXPIRES,
            HttpDate::from(UNIX_EPOCH + Duration::from_secs(expires)).to_string(),
        ));
    if let Some(id) = upload.media_id {
        answer.insert_header((UPLOAD_MEDIA, format!("/api/v1/media/{id}")));
    }
    answer
}

/// The upload of the path, if it is the caller's.
async fn find_own(app: &App, member: &CurrentMember, id: Id) -> Result<UploadRow> {
    let found = uploads::find(&*app.reader().await?, id.0, member.id).await.optional()?;
    found.ok_or_else(Error::not_found)
}

/// The entry of [`describe_uploads`].
pub const DESCRIBE_UPLOADS: Operation =
    Operation::post_without_body("describe_uploads", Caller::Anyone).without_conflicts().reading_only();

/// Ask what resumable uploads can do
///
/// tus 1.0: the version, the extensions and the largest file, as headers.
#[utoipa::path(tag = "media", responses((status = 204, description = "What the server can do, in its headers")))]
#[options("")]
pub async fn describe_uploads(app: web::Data<App>) -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((TUS_RESUMABLE, VERSION))
        .insert_header((TUS_VERSION, VERSION))
        .insert_header((TUS_EXTENSION, EXTENSIONS))
        .insert_header((TUS_MAX_SIZE, max_bytes(&app).to_string()))
        .insert_header((TUS_CHECKSUM_ALGORITHM, ALGORITHMS))
        .finish()
}

/// The entry of [`create_upload`].
pub const CREATE_UPLOAD: Operation =
    Operation::upload("create_upload", Caller::Role(Role::Author)).for_keys_with(Scope::MediaWrite);

/// Begin a resumable upload
///
/// tus 1.0 (`creation`, `creation-with-upload`): `Upload-Length` says how many bytes there will be, `Upload-Metadata` what the
/// parameters of an upload in one piece say, and `filename`. `Location` in the answer is where the bytes go.
#[utoipa::path(tag = "media", params(("Tus-Resumable" = String, Header, description = "`1.0.0`"), ("Upload-Length" = i64, Header, description = "How many bytes there will be"), ("Upload-Metadata" = Option<String>, Header, description = "Keys, each with a value in Base64, separated by commas")), request_body(content((FileBytes = "application/offset+octet-stream", example = json!("(the bytes)"))), description = "The first bytes; may be empty"), responses((status = 201, description = "The upload has begun; `Location` is where its bytes go"), (status = 412, description = "Another version of tus")))]
#[post("")]
pub async fn create_upload(
    req: HttpRequest,
    app: web::Data<App>,
    author: Author,
    payload: web::Payload,
) -> HttpResponse {
    begin(&req, &app, &author.0, payload).await.unwrap_or_else(|error| refuse(&error))
}

async fn begin(
    req: &HttpRequest,
    app: &App,
    member: &CurrentMember,
    payload: web::Payload,
) -> Result<HttpResponse> {
    check_version(req)?;
    let bytes = read_bytes(req, &UPLOAD_LENGTH)?;
    let mut upload = writing::begin(app, member, bytes, read_metadata(req)?).await?;
    let has_first_bytes = req.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == PART_TYPE);
    if has_first_bytes {
        let _turn = app.uploads.take(member.id)?;
        upload = writing::append(app, upload, payload, Checksum::read(req)?).await?;
    }
    upload = writing::finish(app, member, upload).await?;
    let location = format!("/api/v1/media/uploads/{}", upload.id);
    Ok(answer(StatusCode::CREATED, &upload).insert_header((LOCATION, location)).finish())
}

/// The entry of [`get_upload`].
pub const GET_UPLOAD: Operation = Operation::export("get_upload", Caller::Role(Role::Author))
    .for_keys_with(Scope::MediaWrite)
    .finding_one();

/// Get a resumable upload
///
/// How much of it has arrived (tus 1.0 asks by `HEAD`), and which media it has become. One that has arrived as a whole is brought to its end
/// first, if that was interrupted.
#[utoipa::path(tag = "media", params(("id" = Uuid, Path, description = "The upload's id")), responses((status = 200, description = "The upload", body = Data<Upload>), (status = 412, description = "Another version of tus"), (status = 413, description = "The file was refused when it had arrived"), (status = 415, description = "The file was refused when it had arrived"), (status = 422, description = "The file was refused when it had arrived")))]
#[get("/{id}")]
pub async fn get_upload(req: HttpRequest, app: web::Data<App>, author: Author, id: Id) -> HttpResponse {
    look_at(&req, &app, &author.0, id).await.unwrap_or_else(|error| refuse(&error))
}

async fn look_at(req: &HttpRequest, app: &App, member: &CurrentMember, id: Id) -> Result<HttpResponse> {
    if req.headers().contains_key(TUS_RESUMABLE) {
        check_version(req)?;
    }
    wait_until_free(app, id.0).await?;
    let upload = find_own(app, member, id).await?;
    let upload = writing::finish(app, member, upload).await?;
    if let Some(refusal) = &upload.refusal {
        return Err(writing::tell_refusal(refusal));
    }
    Ok(answer(StatusCode::OK, &upload).json(Data { data: Upload::from(&upload) }))
}

/// The entry of [`update_upload`].
pub const UPDATE_UPLOAD: Operation =
    Operation::upload("update_upload", Caller::Role(Role::Author)).for_keys_with(Scope::MediaWrite);

/// Add to a resumable upload
///
/// tus 1.0: the bytes from `Upload-Offset` on; 409 if another number of bytes has arrived. With `Upload-Checksum`, bytes that do not have the checksum are not added
/// (460). When the last bytes have arrived, the upload becomes media, which `Upload-Media` in the answer names.
#[utoipa::path(tag = "media", params(("id" = Uuid, Path, description = "The upload's id"), ("Tus-Resumable" = String, Header, description = "`1.0.0`"), ("Upload-Offset" = i64, Header, description = "How many bytes come before these"), ("Upload-Checksum" = Option<String>, Header, description = "The digest of the bytes: its name, a blank, and Base64")), request_body(content((FileBytes = "application/offset+octet-stream", example = json!("(the bytes)")))), responses((status = 204, description = "The bytes are stored"), (status = 412, description = "Another version of tus"), (status = 415, description = "Another `Content-Type`, or a type of file that is not taken"), (status = 460, description = "The bytes do not have the checksum")))]
#[patch("/{id}")]
pub async fn update_upload(
    req: HttpRequest,
    app: web::Data<App>,
    author: Author,
    id: Id,
    payload: web::Payload,
) -> HttpResponse {
    append(&req, &app, &author.0, id, payload).await.unwrap_or_else(|error| refuse(&error))
}

async fn append(
    req: &HttpRequest,
    app: &App,
    member: &CurrentMember,
    id: Id,
    payload: web::Payload,
) -> Result<HttpResponse> {
    check_version(req)?;
    if req.headers().get(CONTENT_TYPE).is_none_or(|kind| kind != PART_TYPE) {
        let detail = "Send the bytes as application/offset+octet-stream.";
        return Err(Error::Refused(Code::UnsupportedMediaType, detail.into()));
    }
    let offset = read_bytes(req, &UPLOAD_OFFSET)?;
    let checksum = Checksum::read(req)?;
    wait_until_free(app, id.0).await?;
    let upload = find_own(app, member, id).await?;
    if let Some(refusal) = &upload.refusal {
        return Err(writing::tell_refusal(refusal));
    }
    if upload.received != offset {
        let detail =
            crate::error::Sentence::from("{bytes} bytes have arrived.").with("bytes", upload.received);
        return Err(Error::Refused(Code::OffsetMismatch, detail));
    }
    let _turn = app.uploads.take(member.id)?;
    let upload = writing::append(app, upload, payload, checksum).await?;
    let upload = writing::finish(app, member, upload).await?;
    Ok(answer(StatusCode::NO_CONTENT, &upload).finish())
}

/// The entry of [`change_upload`].
pub const CHANGE_UPLOAD: Operation =
    Operation::upload("change_upload", Caller::Role(Role::Author)).for_keys_with(Scope::MediaWrite);

/// Add to a resumable upload, or end it, by POST
///
/// tus 1.0: for clients behind proxies that pass on no PATCH and no DELETE. `X-HTTP-Method-Override` says which of the two is meant. Nowhere else
/// does that header mean anything.
#[utoipa::path(tag = "media", params(("id" = Uuid, Path, description = "The upload's id"), ("X-HTTP-Method-Override" = String, Header, description = "`PATCH` or `DELETE`"), ("Tus-Resumable" = String, Header, description = "`1.0.0`"), ("Upload-Offset" = Option<i64>, Header, description = "How many bytes come before these"), ("Upload-Checksum" = Option<String>, Header, description = "The digest of the bytes: its name, a blank, and Base64")), request_body(content((FileBytes = "application/offset+octet-stream", example = json!("(the bytes)")))), responses((status = 204, description = "The bytes are stored, or the upload is ended"), (status = 412, description = "Another version of tus"), (status = 415, description = "Another `Content-Type`, or a type of file that is not taken"), (status = 460, description = "The bytes do not have the checksum")))]
#[post("/{id}")]
pub async fn change_upload(
    req: HttpRequest,
    app: web::Data<App>,
    author: Author,
    id: Id,
    payload: web::Payload,
) -> HttpResponse {
    let method = req.headers().get(METHOD_OVERRIDE).map(HeaderValue::as_bytes);
    let answer = match method {
        Some(b"PATCH") => append(&req, &app, &author.0, id, payload).await,
        Some(b"DELETE") => end(&req, &app, author.0.id, id).await,
        _ => {
            let detail = "Name the method in `X-HTTP-Method-Override`: PATCH or DELETE.";
            Err(Error::Refused(Code::InvalidParameter, detail.into()))
        }
    };
    answer.unwrap_or_else(|error| refuse(&error))
}

/// The entry of [`delete_upload`].
pub const DELETE_UPLOAD: Operation = Operation::delete("delete_upload", Caller::Role(Role::Author))
    .for_keys_with(Scope::MediaWrite)
    .without_version()
    .without_conflicts();

/// End a resumable upload
///
/// What has arrived is thrown away. Media that the upload has become stay.
#[utoipa::path(tag = "media", params(("id" = Uuid, Path, description = "The upload's id")), responses((status = 204, description = "Ended"), (status = 412, description = "Another version of tus")))]
#[delete("/{id}")]
pub async fn delete_upload(req: HttpRequest, app: web::Data<App>, author: Author, id: Id) -> HttpResponse {
    end(&req, &app, author.0.id, id).await.unwrap_or_else(|error| refuse(&error))
}

async fn end(req: &HttpRequest, app: &App, owner: Uuid, id: Id) -> Result<HttpResponse> {
    if req.headers().contains_key(TUS_RESUMABLE) {
        check_version(req)?;
    }
    let parts = app.write(async move |tx| Ok(uploads::delete(tx, id.0, owner).await?)).await?;
    writing::delete_parts(app, &parts.ok_or_else(Error::not_found)?).await;
    Ok(HttpResponse::NoContent()
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((TUS_RESUMABLE, VERSION))
        .finish())
}
