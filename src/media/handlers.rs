//! The operations on media that are there.

use actix_web::{HttpRequest, Responder, delete, get, patch, post, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::addresses::{Addresses, UsedMedia};
use super::answer_tags::tag_media;
use super::input::{MediaPatch, MediaTag};
use super::model::{MediaKind, Row};
use super::queries::{self, Filter};
use super::view::{Address, Media};
use super::writing;
use crate::app::App;
use crate::config::presets::{MAX_SIDE, Size};
use crate::db::rows::count;
use crate::db::types::Audience;
use crate::db::visibility;
use crate::error::{Error, Result};
use crate::http::body::Json;
use crate::http::conditional::IfMatch;
use crate::http::id_or_slug::Id;
use crate::http::paging::{List, Paging, PagingParams};
use crate::http::query::Query;
use crate::http::reply::{Data, NoContent, Reply};
use crate::idempotency::{NamedRequest, write_once};
use crate::members::guard::{Author, CurrentMember, Reader};
use crate::operations::scope::Scope;
use crate::operations::{Caller, Operation, Role};
use crate::tx::Tx;

/// What a list of media can be cut down to.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MediaFilter {
    /// What the files are.
    #[param(inline, nullable = false)]
    kind: Option<MediaKind>,
    /// All of these words, comma-separated.
    #[param(inline, value_type = Option<Vec<MediaTag>>, style = Form, explode = false, min_items = 1, max_items = 10, nullable = false)]
    tags: Option<Vec<String>>,
    /// A part of the name, the alternative text, the caption or the credit, in any case.
    #[param(min_length = 1, max_length = 200, nullable = false)]
    q: Option<String>,
    /// The SHA-256 digest of the bytes, in hexadecimal.
    #[param(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$", nullable = false)]
    sha256: Option<String>,
    /// The address they were taken from.
    #[param(min_length = 1, max_length = 2000, nullable = false)]
    source_url: Option<String>,
    /// Whether something uses them.
    #[param(nullable = false)]
    used: Option<bool>,
    /// Who uploaded them: your own with `true`.
    #[param(nullable = false)]
    own: Option<bool>,
    /// The trash instead.
    #[param(nullable = false)]
    deleted: Option<bool>,
}

impl MediaFilter {
    fn into_filter(self, member: &CurrentMember) -> Filter {
        Filter {
            kind: self.kind,
            tags: self.tags.unwrap_or_default(),
            text: self.q,
            sha256: self.sha256,
            source_url: self.source_url,
            used: self.used,
            created_by: self.own.filter(|own| *own).map(|_| member.id),
        }
    }
}

/// Locks media that a member of the staff may change. 403 for an author who has not uploaded them.
pub async fn lock_writable(tx: &Tx, member: &CurrentMember, id: Id, exclusively: bool) -> Result<Row> {
    let row = queries::lock(tx, id.0, visibility::Media::ForMembers, exclusively).await?;
    if !member.edits_everything() && row.created_by != Some(member.id) {
        return Err(Error::forbidden("Authors change what they have uploaded only."));
    }
    Ok(row)
}

/// Which media in the trash a member of the staff may see.
fn trash(member: &CurrentMember) -> visibility::Media {
    if member.edits_everything() { visibility::Media::Trash } else { visibility::Media::OwnTrash(member.id) }
}

/// The addresses for members and staff.
pub async fn load_addresses(app: &App) -> Result<Addresses> {
    Ok(Addresses::for_members(app, &*app.snapshot().await?))
}

/// Media as staff see them.
pub async fn view_for_staff(app: &App, rows: Vec<Row>) -> Result<Vec<Media>> {
    let addresses = load_addresses(app).await?;
    let ids = rows.iter().map(|row| row.id).collect();
    let users = queries::load_users(&*app.reader().await?, ids, writing::MAX_NAMED_USES).await?;
    let view = |row: Row| {
        let id = row.id;
        Media::for_staff(row, &addresses, users.iter().filter(|user| user.media_id == id).cloned())
    };
    Ok(rows.into_iter().map(view).collect())
}

/// Media as staff see them, or a receipt for a key that may not read them.
async fn reply_changed(app: &App, member: &CurrentMember, row: Row) -> Result<impl Responder + use<>> {
    let version = row.version;
    if !member.may_read_back {
        return Reply::receipt(row.id, version, row.updated_at).render();
    }
    let view = view_for_staff(app, vec![row]).await?.pop().ok_or_else(Error::not_found)?;
    Reply::one(view).with_version(version).render()
}

/// The entry of [`list_media`].
pub const LIST_MEDIA: Operation = Operation::list("list_media", Caller::Role(Role::Author))
    .for_keys_with(Scope::MediaRead)
    .without_last_modified();

/// List media
///
/// Pictures and files, the newest first. Authors, editors and admins see all of them; in the trash, authors see their own.
#[utoipa::path(tag = "media", params(MediaFilter, PagingParams), responses((status = 200, description = "A page of media", body = List<Media>)))]
#[get("")]
pub async fn list_media(
    app: web::Data<App>,
    author: Author,
    filter: Query<MediaFilter>,
    paging: Paging,
) -> Result<impl Responder> {
    let visible =
        if filter.0.deleted == Some(true) { trash(&author.0) } else { visibility::Media::ForMembers };
    let conditions = queries::conditions(filter.0.into_filter(&author.0), visible);
    let slice = paging.page_slice(queries::order())?;
    let conn = app.long_reader().await?;
    let total = paging.total(|most| count(&conn, "media", conditions.clone(), most)).await?;
    let rows = queries::list(&conn, conditions, &slice).await?;
    drop(conn);
    let page =
        paging.page(&slice, rows, total, |row: &Row| vec![row.created_at.to_rfc3339(), row.id.to_string()]);
    let List { data, page, link } = page;
    Ok(Reply::list(List { data: view_for_staff(&app, data).await?, page, link }))
}

/// The entry of [`get_media`].
pub const GET_MEDIA: Operation =
    Operation::read("get_media", Caller::Reader).for_keys_with(Scope::MediaRead).without_last_modified();

/// Get media
///
/// Visitors get media for everybody. Members get those for members too, with addresses that work for a day or two. Authors,
/// editors and admins see what uses them.
#[utoipa::path(tag = "media", params(("id" = uuid::Uuid, Path, description = "The id")), responses((status = 200, description = "The media", body = Data<Media>)))]
#[get("/{id}")]
pub async fn get_media(app: web::Data<App>, reader: Reader, id: Id) -> Result<impl Responder> {
    let visible = if reader.0.is_some() { visibility::Media::ForMembers } else { visibility::Media::Public };
    let row = queries::get(&*app.reader().await?, id.0, visible).await?;
    let version = row.version;
    let is_as_visitors_get = row.content.audience == Audience::Public && reader.staff().is_none();
    let media = match reader.staff() {
        Some(_) => view_for_staff(&app, vec![row]).await?.pop().ok_or_else(Error::not_found)?,
        None => {
            let site = app.snapshot().await?;
            let addresses = match reader.0 {
                Some(_) => Addresses::for_members(&app, &site),
                None => Addresses::for_visitors(&app, &site),
            };
            Media::new(row, &addresses)
        }
    };
    let tags = vec![tag_media(media.id)];
    let reply = Reply::one(media).with_version(version).as_visitors_get(is_as_visitors_get);
    Ok(reply.kept_for(None, tags))
}

/// A size that no preset has.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FreeSize {
    /// The width in pixels. A picture is never enlarged.
    #[param(minimum = 1, maximum = 2560)]
    width: u32,
    /// The height in pixels, if the picture is to be cropped about its focal point.
    #[param(minimum = 1, maximum = 2560, nullable = false)]
    height: Option<u32>,
}

/// The entry of [`get_media_address`].
pub const GET_MEDIA_ADDRESS: Operation = Operation::read("get_media_address", Caller::Role(Role::Author))
    .for_keys_with(Scope::MediaRead)
    .unconditional()
    .finding_one();

/// Get the address of a picture in any size
///
/// For sizes that no preset has. The address is signed; nobody else can make one.
#[utoipa::path(tag = "media", params(("id" = uuid::Uuid, Path, description = "The id"), FreeSize), responses((status = 200, description = "The address", body = Data<Address>)))]
#[get("/{id}/address")]
pub async fn get_media_address(
    app: web::Data<App>,
    _: Author,
    id: Id,
    size: Query<FreeSize>,
) -> Result<impl Responder> {
    let row = queries::get(&*app.reader().await?, id.0, visibility::Media::ForMembers).await?;
    let side = |side: u32| side.clamp(1, MAX_SIDE);
    let size = match size.0.height {
        None => Size::Width(side(size.0.width)),
        Some(height) => Size::Crop(side(size.0.width), side(height)),
    };
    let used = UsedMedia::from(&row);
    let has_variants = used.picture().is_some_and(|picture| picture.master.is_some());
    let addresses = load_addresses(&app).await?;
    let url = addresses.free_size(&used, size).filter(|_| has_variants).ok_or_else(Error::not_found)?;
    Ok(Reply::one(Address { url }))
}

/// The entry of [`update_media`].
pub const UPDATE_MEDIA: Operation =
    Operation::patch("update_media", Caller::Role(Role::Author)).for_keys_with(Scope::MediaWrite);

/// Change media
///
/// A merge patch of what is said of a file. Authors change what they have uploaded. What uses the media shows the change at
/// once; addresses that were handed out stay valid.
#[utoipa::path(tag = "media", params(("id" = uuid::Uuid, Path, description = "The id")), request_body = MediaPatch, responses((status = 200, description = "The media as changed; a receipt (`id`, `version`, `updated_at`) for a key that may not read them", body = Data<Media>)))]
#[patch("/{id}")]
pub async fn update_media(
    app: web::Data<App>,
    author: Author,
    id: Id,
    if_match: IfMatch,
    body: Json<MediaPatch>,
) -> Result<impl Responder> {
    let Json(patch) = body;
    let row = app
        .write(async move |tx| {
            let row = lock_writable(tx, &author.0, id, false).await?;
            if_match.check(row.version)?;
            let after = patch.clone().apply(row.content.clone());
            writing::change_media(tx, author.0.actor(), row, &after).await
        })
        .await?;
    reply_changed(&app, &author.0, row).await
}

/// The entry of [`delete_media`].
pub const DELETE_MEDIA: Operation =
    Operation::delete("delete_media", Caller::Role(Role::Author)).for_keys_with(Scope::MediaWrite);

/// Delete media
///
/// Puts them into the trash, from where they can be restored; after some time they are deleted for good. Refused with 409
/// while something uses them, also a draft or an article in the trash.
#[utoipa::path(tag = "media", params(("id" = uuid::Uuid, Path, description = "The id")), responses((status = 204, description = "Deleted")))]
#[delete("/{id}")]
pub async fn delete_media(
    app: web::Data<App>,
    author: Author,
    id: Id,
    if_match: IfMatch,
) -> Result<NoContent> {
    app.write(async move |tx| {
        let row = lock_writable(tx, &author.0, id, true).await?;
        if_match.check(row.version)?;
        writing::delete_media(tx, author.0.actor(), &row).await
    })
    .await?;
    Ok(NoContent)
}

/// The entry of [`restore_media`].
pub const RESTORE_MEDIA: Operation =
    Operation::post_without_body("restore_media", Caller::Role(Role::Author))
        .for_keys_with(Scope::MediaWrite)
        .changing_a_version()
        .once_per_key();

/// Restore media
///
/// Takes them out of the trash, as they were.
#[utoipa::path(tag = "media", params(("id" = uuid::Uuid, Path, description = "The id")), responses((status = 200, description = "The media; a receipt (`id`, `version`, `updated_at`) for a key that may not read them", body = Data<Media>)))]
#[post("/{id}/restore")]
pub async fn restore_media(
    req: HttpRequest,
    app: web::Data<App>,
    author: Author,
    id: Id,
    if_match: IfMatch,
) -> Result<impl Responder> {
    let named = NamedRequest::read(&app, &req, author.0.id)?;
    let addresses = load_addresses(&app).await?;
    write_once(&app, named, async move |tx| {
        let row = queries::lock(tx, id.0, trash(&author.0), false).await?;
        if_match.check(row.version)?;
        let row = writing::set_deleted(tx, author.0.actor(), &row, false).await?;
        let version = row.version;
        if !author.0.may_read_back {
            return Reply::receipt(row.id, version, row.updated_at).render();
        }
        let users = queries::load_users(&*tx, vec![row.id], writing::MAX_NAMED_USES).await?;
        Reply::one(Media::for_staff(row, &addresses, users.into_iter())).with_version(version).render()
    })
    .await
}
