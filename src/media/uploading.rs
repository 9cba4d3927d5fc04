//! The operations that bring files in as a whole.

use actix_web::{HttpRequest, Responder, post, web};
use utoipa::ToSchema;

use super::addresses::Addresses;
use super::fetching;
use super::handlers::load_addresses;
use super::input::{FetchRequest, UploadParams};
use super::intake;
use super::receiving::{Received, receive};
use super::view::{FileBytes, Media, Uploaded};
use crate::app::App;
use crate::db::types::Audience;
use crate::error::{Error, Result};
use crate::http::body::{Json, note_digest};
use crate::http::query::Query;
use crate::http::reply::{Rendered, Reply};
use crate::idempotency::{NamedRequest, write_once};
use crate::members::guard::{Author, CurrentMember};
use crate::operations::scope::Scope;
use crate::operations::{Caller, Operation, Role};

/// A form with a file.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the form in the document; the parts are read as they arrive")]
pub struct UploadForm {
    /// The file.
    #[schema(value_type = String, format = Binary, max_length = 1_000_000_000)]
    file: Vec<u8>,
    /// The name of the file; that of the part when absent.
    #[schema(max_length = 200)]
    name: Option<String>,
    /// What a picture shows, for those who do not see it.
    #[schema(max_length = 2000)]
    alt: Option<String>,
    /// The text below it.
    #[schema(max_length = 2000)]
    caption: Option<String>,
    /// Whose work it is.
    #[schema(max_length = 2000)]
    credit: Option<String>,
    /// The address it was taken from.
    #[schema(max_length = 2000)]
    source_url: Option<String>,
    /// Words to find it by, comma-separated.
    #[schema(max_length = 4000)]
    tags: Option<String>,
    /// Whom it is for; `public` when absent.
    audience: Option<Audience>,
}

/// The entry of [`create_media`].
pub const CREATE_MEDIA: Operation = Operation::upload("create_media", Caller::Role(Role::Author))
    .for_keys_with(Scope::MediaWrite)
    .once_per_key();

/// Upload a file
///
/// As a form (`multipart/form-data`) with the part `file`, or as the bytes alone with any other `Content-Type`. What is said of
/// the file stands in parts of the form or in parameters. The type of the file is found by its bytes, whatever its name and
/// its `Content-Type` say. Bytes that are there already are stored once: `duplicate` says so of media that you may see.
#[utoipa::path(tag = "media", params(UploadParams), request_body(content((UploadForm = "multipart/form-data", example = json!({"file": "(the bytes)", "alt": "The harbour at dawn"})), (FileBytes = "application/octet-stream", example = json!("(the bytes)")))), responses((status = 201, description = "The new media; a receipt (`id`, `version`, `updated_at`) for a key that may not read them", body = Uploaded), (status = 415, description = "A type of file that is not taken")))]
#[post("")]
pub async fn create_media(
    req: HttpRequest,
    app: web::Data<App>,
    author: Author,
    params: Query<UploadParams>,
    payload: web::Payload,
) -> Result<impl Responder> {
    check_id(&author.0, &params.0)?;
    let _turn = app.uploads.take(author.0.id)?;
    let received = receive(&app, &req, params.0, payload).await?;
    check_id(&author.0, &received.params)?;
    // The bytes, and what is said of them.
    let said = format!("{:?}", received.params);
    note_digest(&req, [&received.file.sha256()[..], said.as_bytes()].concat());
    let named = NamedRequest::read(&app, &req, author.0.id)?;
    keep(&app, author.0, named, received).await
}

/// The entry of [`create_media_from_url`].
pub const CREATE_MEDIA_FROM_URL: Operation =
    Operation::post("create_media_from_url", Caller::Role(Role::Author))
        .for_keys_with(Scope::MediaWrite)
        .without_time_limit()
        .once_per_key();

/// Fetch a file from an address
///
/// The server downloads the file, from public addresses only, and keeps it as if it were uploaded.
#[utoipa::path(tag = "media", request_body = FetchRequest, responses((status = 201, description = "The new media; a receipt (`id`, `version`, `updated_at`) for a key that may not read them", body = Uploaded), (status = 415, description = "A type of file that is not taken")))]
#[post("/from-url")]
pub async fn create_media_from_url(
    req: HttpRequest,
    app: web::Data<App>,
    author: Author,
    body: Json<FetchRequest>,
) -> Result<impl Responder> {
    let named = NamedRequest::read(&app, &req, author.0.id)?;
    let _turn = app.uploads.take(author.0.id)?;
    let received = fetching::fetch(&app, body.0).await?;
    keep(&app, author.0, named, received).await
}

/// Stores what has arrived, adds media over it, once for each key, and answers with them.
async fn keep(
    app: &App,
    member: CurrentMember,
    named: Option<NamedRequest>,
    received: Received,
) -> Result<impl Responder + use<>> {
    let stored = intake::store(app, received).await?;
    let addresses = load_addresses(app).await?;
    write_once(app, named, async move |tx| {
        let (row, is_duplicate) = intake::add(tx, &member, &stored).await?;
        reply_uploaded(&member, row, is_duplicate, &addresses)
    })
    .await
}

/// Refuses an id from somebody who may not choose it.
pub fn check_id(member: &CurrentMember, params: &UploadParams) -> Result<()> {
    if params.id.is_some() && !member.edits_everything() {
        return Err(Error::forbidden("Setting the id takes the role editor or admin."));
    }
    Ok(())
}

/// 201 with the media in `row`, or a receipt for a key that may not read them.
fn reply_uploaded(
    member: &CurrentMember,
    row: super::model::Row,
    duplicate: bool,
    addresses: &Addresses,
) -> Result<Rendered> {
    let location = format!("/api/v1/media/{}", row.id);
    let version = row.version;
    if !member.may_read_back {
        return Reply::created_receipt(location, row.id, version, row.updated_at).render();
    }
    let data = Media::for_staff(row, addresses, std::iter::empty());
    Reply::created_with(location, Uploaded { data, duplicate }).with_version(version).render()
}
