//! Reading and writing notices.

use actix_web::{Responder, delete, get, patch, post, web};
use uuid::Uuid;

use super::model::{Content, Row};
use super::queries;
use super::view::{NewNotice, Notice, NoticeFilter, NoticePatch};
use crate::app::App;
use crate::changes::model::{Actor, Change};
use crate::db::rows::{Conditions, Value};
use crate::db::visibility::Notices;
use crate::error::{Code, Error, Fault, OnConstraint, Result};
use crate::http::body::Json;
use crate::http::conditional::{IfMatch, etag};
use crate::http::id_or_slug::Id;
use crate::http::paging::{List, Paging, PagingParams};
use crate::http::query::Query;
use crate::http::reply::{Data, NoContent, Reply};
use crate::members::guard::{Editor, Reader};
use crate::tx::Tx;

/// List notices
///
/// Pinned first, then newest first. Visitors get those for everybody that are
/// up now; members also those for members.
#[utoipa::path(tag = "notices", params(NoticeFilter, PagingParams), security((), ("bearer" = [])), responses((status = 200, description = "A page of notices", body = List<Notice>)))]
#[get("")]
pub async fn list_notices(
    app: web::Data<App>,
    reader: Reader,
    filter: Query<NoticeFilter>,
    paging: Paging,
) -> Result<impl Responder> {
    let Query(filter) = filter;
    let visible = visible(&reader, &filter)?;
    let for_staff = reader.notices() == Notices::All;
    let mut conditions = Conditions::default();
    conditions.and(visible.sql());
    conditions.and_if("notices.kind = ?", filter.kind.map(|kind| Value::Text(kind.as_str().to_owned())));
    let states = filter.status.map(|states| states.iter().map(|status| status.as_str().to_owned()).collect());
    conditions.and_if("notices.status = ANY(?)", states.map(Value::Texts));
    let slice = paging.page_slice(queries::order(visible))?;
    let mut conn = app.conn().await?;
    let total = paging.total(&mut conn, "notices", &conditions).await?;
    let rows = queries::list(&mut conn, conditions, &slice).await?;
    let modified = rows.iter().map(|row| row.updated_at).max();
    let page = paging.page(&slice, rows, total, cursor_keys).map(|row| Notice::new(row, for_staff));
    Ok(Reply::list(page).with_last_modified(modified).with_surrogate_keys(&["notices".to_owned()]))
}

/// Which notices a list may show: what is up now, unless an editor asks for more.
fn visible(reader: &Reader, filter: &NoticeFilter) -> Result<Notices> {
    let trash = filter.deleted == Some(true);
    match reader.notices() {
        Notices::All if trash => Ok(Notices::Trash),
        Notices::All if filter.status.is_some() => Ok(Notices::All),
        Notices::All => Ok(Notices::ForMembers),
        _ if (trash || filter.status.is_some()) && reader.0.is_none() => Err(Error::unauthenticated()),
        _ if trash || filter.status.is_some() => {
            Err(Error::forbidden("Asking by status or deleted takes the role editor or admin."))
        }
        narrower => Ok(narrower),
    }
}

fn cursor_keys(row: &Row) -> Vec<String> {
    let hour = row.content.published_at.map_or_else(|| "infinity".to_owned(), |at| at.to_rfc3339());
    vec![row.content.pinned.to_string(), hour, row.id.to_string()]
}

fn one(row: Row, for_staff: bool) -> Reply<Data<Notice>> {
    let notice = Notice::new(row, for_staff);
    let (tag, modified) = (etag(notice.version, &notice), notice.updated_at);
    let surrogate = format!("notice:{}", notice.id);
    Reply::one(notice).with_etag(tag).with_last_modified(Some(modified)).with_surrogate_keys(&[surrogate])
}

/// Get a notice
#[utoipa::path(tag = "notices", params(("id" = uuid::Uuid, Path, description = "The notice's id")), security((), ("bearer" = [])), responses((status = 200, description = "The notice", body = Data<Notice>)))]
#[get("/{id}")]
pub async fn get_notice(app: web::Data<App>, reader: Reader, id: Id) -> Result<impl Responder> {
    let for_staff = reader.notices() == Notices::All;
    Ok(one(queries::by_id(&mut *app.conn().await?, id.0, reader.notices()).await?, for_staff))
}

/// Create a notice
#[utoipa::path(tag = "notices", responses((status = 201, description = "The new notice", body = Data<Notice>)))]
#[post("")]
pub async fn create_notice(
    app: web::Data<App>,
    editor: Editor,
    body: Json<NewNotice>,
) -> Result<impl Responder> {
    let row = app
        .write(async move |tx| {
            let content = body.0.clone().content(crate::db::now(tx).await?).await?;
            add(tx, editor.0.actor(), &content).await
        })
        .await?;
    let notice = Notice::new(row, true);
    let tag = etag(notice.version, &notice);
    Ok(Reply::created(format!("/api/v1/notices/{}", notice.id), notice).with_etag(tag))
}

/// Adds a notice and records it.
pub async fn add(tx: &mut Tx, actor: Actor, content: &Content) -> Result<Row> {
    let row = map_constraint_errors(queries::insert(tx, content).await)?;
    tx.record(actor, Change::new("create", "notice", row.id));
    Ok(row)
}

/// Names the constraints of notices to the client.
fn map_constraint_errors<T>(result: diesel::QueryResult<T>) -> Result<T> {
    result
        .on_constraint("notices_window", || {
            Fault::body("/expires_at", Code::OutOfRange, "must be later than published_at")
        })
        .on_constraint("notices_external_id_key", || {
            Fault::body("/external_id", Code::ExternalIdTaken, "already used by another notice")
        })
}

/// Change a notice
#[utoipa::path(tag = "notices", params(("id" = uuid::Uuid, Path, description = "The notice's id")), responses((status = 200, description = "The notice as changed", body = Data<Notice>)))]
#[patch("/{id}")]
pub async fn update_notice(
    app: web::Data<App>,
    editor: Editor,
    id: Id,
    if_match: IfMatch,
    body: Json<NoticePatch>,
) -> Result<impl Responder> {
    let row = app
        .write(async move |tx| {
            let row = queries::lock(tx, id.0, Notices::All).await?;
            if_match.check(row.version)?;
            let after = body.0.clone().over(row.content.clone(), crate::db::now(tx).await?).await?;
            Ok(replace(tx, editor.0.actor(), &row, &after).await?.unwrap_or(row))
        })
        .await?;
    Ok(one(row, true))
}

/// Replaces what a notice says and records it; `None` where nothing changes.
pub async fn replace(tx: &mut Tx, actor: Actor, row: &Row, after: &Content) -> Result<Option<Row>> {
    if *after == row.content {
        return Ok(None);
    }
    let change = Change::between("notice", row.id, &row.content, after);
    tx.record(actor, change);
    Ok(Some(map_constraint_errors(queries::update(tx, row.id, after).await)?))
}

/// Delete a notice
///
/// Puts it into the trash, from where it can be restored.
#[utoipa::path(tag = "notices", params(("id" = uuid::Uuid, Path, description = "The notice's id")), responses((status = 204, description = "Deleted")))]
#[delete("/{id}")]
pub async fn delete_notice(
    app: web::Data<App>,
    editor: Editor,
    id: Id,
    if_match: IfMatch,
) -> Result<NoContent> {
    set_deleted(app, editor, id, if_match, Notices::All).await?;
    Ok(NoContent)
}

/// Restore a notice
///
/// Takes it out of the trash, as it was.
#[utoipa::path(tag = "notices", params(("id" = uuid::Uuid, Path, description = "The notice's id")), responses((status = 200, description = "The notice", body = Data<Notice>)))]
#[post("/{id}/restore")]
pub async fn restore_notice(
    app: web::Data<App>,
    editor: Editor,
    id: Id,
    if_match: IfMatch,
) -> Result<impl Responder> {
    Ok(one(set_deleted(app, editor, id, if_match, Notices::Trash).await?, true))
}

/// Moves a notice that is in `from` to the other side of the trash.
async fn set_deleted(
    app: web::Data<App>,
    editor: Editor,
    id: Id,
    if_match: IfMatch,
    from: Notices,
) -> Result<Row> {
    app.write(async move |tx| {
        let row = queries::lock(tx, id.0, from).await?;
        if_match.check(row.version)?;
        move_across(tx, editor.0.actor(), row.id, from == Notices::All).await
    })
    .await
}

/// Puts a notice into the trash, or takes it out, and records it.
pub async fn move_across(tx: &mut Tx, actor: Actor, id: Uuid, deleted: bool) -> Result<Row> {
    let action = if deleted { "delete" } else { "restore" };
    tx.record(actor, Change::new(action, "notice", id));
    Ok(queries::set_deleted(tx, id, deleted).await?)
}
