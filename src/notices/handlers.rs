//! Reading and changing notices.

use actix_web::{HttpRequest, Responder, delete, get, patch, post, web};
use chrono::{DateTime, Utc};

use super::model::{Audience, Row};
use super::searching::NoticeSearch;
use super::view::{NewNotice, Notice, NoticeFilter, NoticePatch};
use super::{queries, writing};
use crate::app::App;
use crate::cache::tags::Tag;
use crate::db::rows::{Conditions, Value, count};
use crate::db::types::BodyFormat;
use crate::db::visibility::Notices;
use crate::error::{Error, Fault, Result};
use crate::http::body::Unchecked;
use crate::http::conditional::IfMatch;
use crate::http::id_or_slug::Id;
use crate::http::modified::Modified;
use crate::http::paging::{List, Paging, PagingParams};
use crate::http::query::Query;
use crate::http::reply::{Data, NoContent, Rendered, Reply, Written};
use crate::idempotency::{NamedRequest, write_once};
use crate::members::guard::{CurrentMember, Editor, Reader};
use crate::operations::scope::Scope;
use crate::operations::{Caller, Operation, Role};
use crate::search::SEARCH_TAG;
use crate::tx::Tx;
use uuid::Uuid;

/// The entry of [`list_notices`].
pub const LIST_NOTICES: Operation =
    Operation::list("list_notices", Caller::Reader).for_keys_with(Scope::NoticesRead);

/// List notices
///
/// Pinned first, then newest first; with `q`, those that have the words, best first. Visitors get those for everybody that
/// are up now; members also those for members.
#[utoipa::path(tag = "notices", params(NoticeFilter, NoticeSearch, PagingParams), responses((status = 200, description = "A page of notices", body = List<Notice>)))]
#[get("")]
pub async fn list_notices(
    app: web::Data<App>,
    reader: Reader,
    filter: Query<NoticeFilter>,
    search: Query<NoticeSearch>,
    paging: Paging,
) -> Result<impl Responder> {
    let (Query(filter), query) = (filter, search.0.parse()?);
    let visible = visible(&reader, &filter)?;
    // Before the rows are read.
    let ((times, has_members_only), now) = (queries::load_times(&app, reader.notices()).await?, app.now());
    let for_staff = reader.notices() == Notices::All;
    let mut conditions = Conditions::default();
    conditions.and(visible.sql());
    conditions.and_if("notices.kind = ?", filter.kind.map(|kind| Value::Text(kind.as_str().to_owned())));
    let states =
        filter.status.iter().map(|states| states.iter().map(|status| status.as_str().to_owned()).collect());
    states.for_each(|states| conditions.and_if("notices.status = ANY(?)", Some(Value::Texts(states))));
    let mut tags: Vec<Tag> = ["notices", "scheduled_notices"].map(Tag::all).into();
    let is_searched = query.is_some();
    let (page, is_for_all) = match query {
        Some(query) => {
            tags.push(Tag::all(SEARCH_TAG));
            let found = query.load_page(&app, &paging, &filter, visible, conditions).await?;
            // Every notice has a part in which ones are the best.
            (
                found.map(|(row, highlight)| Notice { highlight, ..Notice::new(row, for_staff) }),
                !has_members_only,
            )
        }
        None => {
            let (page, is_for_all) =
                load_page(&app, &paging, visible, conditions, for_staff, has_members_only).await?;
            (page.map(|row| Notice::new(row, for_staff)), is_for_all)
        }
    };
    let is_as_visitors_get = match visible {
        Notices::Public => true,
        Notices::ForMembers => is_for_all && page.data.iter().all(|notice| notice.body_source.is_none()),
        Notices::All | Notices::Trash => false,
    };
    let modified = times.modified(now);
    // Staff see changes of which the times tell nothing, and the index has a change a moment later.
    let modified = if for_staff || is_searched { modified.proving_nothing() } else { modified };
    let reply = Reply::list(page).with_last_modified(modified);
    Ok(reply.as_visitors_get(is_as_visitors_get).kept_for(times.lifetime(now), tags))
}

/// A page of a list without a search, and whether everybody gets the same.
async fn load_page(
    app: &App,
    paging: &Paging,
    visible: Notices,
    conditions: Conditions,
    for_staff: bool,
    has_members_only: bool,
) -> Result<(List<Row>, bool)> {
    let slice = paging.page_slice(queries::order(visible))?;
    let (rows, total) = if for_staff || paging.counts() {
        let conn = app.long_reader().await?;
        let total = paging.total(|most| count(&conn, "notices", conditions.clone(), most)).await?;
        (queries::list(&conn, conditions, &slice).await?, total)
    } else {
        (queries::list(&*app.reader().await?, conditions, &slice).await?, None)
    };
    // A page tells of the row after it too, and a number or a count of all rows before and after.
    let shows_all_rows = slice.offset > 0 || total.is_some();
    let is_for_all = rows.iter().all(is_for_all) && !(shows_all_rows && has_members_only);
    Ok((paging.page(&slice, rows, total, cursor_keys), is_for_all))
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

fn is_for_all(row: &Row) -> bool {
    row.content.audience == Audience::Public
}

fn cursor_keys(row: &Row) -> Vec<String> {
    let published_at = row.content.published_at.map_or_else(|| "infinity".to_owned(), |at| at.to_rfc3339());
    vec![row.content.pinned.to_string(), published_at, row.id.to_string()]
}

fn reply_with(row: Row, for_staff: bool, now: DateTime<Utc>) -> Reply<Data<Notice>> {
    let is_public = is_public(&row, now);
    let notice = Notice::new(row, for_staff);
    let is_as_visitors_get = is_public && notice.body_source.is_none();
    let (version, modified) = (notice.version, notice.updated_at);
    Reply::one(notice)
        .with_version(version)
        .with_last_modified(Modified::of_row(modified))
        .as_visitors_get(is_as_visitors_get)
}

/// Whether everybody may read a notice that is not in the trash.
fn is_public(row: &Row, now: DateTime<Utc>) -> bool {
    let times = (row.content.published_at, row.content.expires_at);
    is_for_all(row) && Notices::is_current(row.content.status, times, now)
}

/// Returns a changed notice, or a receipt to a key that may not read it.
///
/// A key without the scope to read sees what a visitor sees, and only of public notices.
fn reply_changed(
    member: &CurrentMember,
    row: Row,
    now: DateTime<Utc>,
    warnings: &[Fault],
) -> Result<Rendered> {
    if member.may_read_back || is_public(&row, now) {
        reply_with(row, member.may_read_back, now).with_warnings(warnings).render()
    } else {
        Reply::receipt(row.id, row.version, row.updated_at).with_warnings(warnings).render()
    }
}

/// The entry of [`get_notice`].
pub const GET_NOTICE: Operation =
    Operation::read("get_notice", Caller::Reader).for_keys_with(Scope::NoticesRead);

/// Get a notice
///
/// By its id, with its body. Visitors get those for everybody that are up now.
#[utoipa::path(tag = "notices", params(("id" = uuid::Uuid, Path, description = "The notice's id")), responses((status = 200, description = "The notice", body = Data<Notice>)))]
#[get("/{id}")]
pub async fn get_notice(app: web::Data<App>, reader: Reader, id: Id) -> Result<impl Responder> {
    let for_staff = reader.notices() == Notices::All;
    // Before the row is read.
    let ((times, _), now) = (queries::load_times(&app, reader.notices()).await?, app.now());
    let row = queries::by_id(&*app.reader().await?, id.0, reader.notices()).await?;
    let modified = if for_staff { Modified::of_row(row.updated_at) } else { times.modified(now) };
    let reply = reply_with(row, for_staff, now).with_last_modified(modified);
    Ok(reply.kept_for(times.lifetime(now), vec![Tag::one("notice", id.0, "notices")]))
}

/// The entry of [`create_notice`].
pub const CREATE_NOTICE: Operation = Operation::post("create_notice", Caller::Role(Role::Editor))
    .for_keys_with(Scope::NoticesWrite)
    .once_per_key();

/// Create a notice
///
/// Editors publish at once with `status` `published`; a time in the future schedules it.
#[utoipa::path(tag = "notices", request_body = NewNotice, responses((status = 201, description = "The new notice", body = Written<Notice>)))]
#[post("")]
pub async fn create_notice(
    req: HttpRequest,
    app: web::Data<App>,
    editor: Editor,
    body: Unchecked<NewNotice>,
) -> Result<impl Responder> {
    let check = async |new| writing::prepare_notice(&app, new).await?.check(app.now());
    let new = body.check(check).await?;
    let prepared = writing::prepare_notice(&app, new).await?;
    let warnings = prepared.warnings();
    let named = NamedRequest::read(&app, &req, editor.0.id)?;
    write_once(&app, named, async move |tx| {
        let row = writing::add_notice(tx, editor.0.actor(), prepared.clone()).await?;
        let notice = Notice::new(row, true);
        let (version, location) = (notice.version, format!("/api/v1/notices/{}", notice.id));
        Reply::created(location, notice).with_version(version).with_warnings(&warnings).render()
    })
    .await
}

/// The entry of [`update_notice`].
pub const UPDATE_NOTICE: Operation =
    Operation::patch("update_notice", Caller::Role(Role::Editor)).for_keys_with(Scope::NoticesWrite);

/// Change a notice
///
/// A merge patch: keys that are absent are kept, null clears those that can be empty.
#[utoipa::path(tag = "notices", params(("id" = uuid::Uuid, Path, description = "The notice's id")), request_body = NoticePatch, responses((status = 200, description = "The notice as changed; a receipt (`id`, `version`, `updated_at`) for a key that may not read it", body = Written<Notice>)))]
#[patch("/{id}")]
pub async fn update_notice(
    app: web::Data<App>,
    editor: Editor,
    id: Id,
    if_match: IfMatch,
    body: Unchecked<NoticePatch>,
) -> Result<impl Responder> {
    let patch = body.check(async |patch| check_patch(&app, id.0, patch).await).await?;
    let format = match (&patch.body, patch.body_format) {
        // A new body that names no format is written in that of the old one.
        (Some(_), None) => {
            queries::by_id(&*app.reader().await?, id.0, Notices::All).await?.content.body_format
        }
        _ => BodyFormat::Html,
    };
    let prepared = writing::prepare_patch(&app, patch, format).await?;
    let warnings = prepared.warnings();
    let (row, now) = app
        .write(async move |tx| {
            let row = queries::lock(tx, id.0, Notices::All).await?;
            if_match.check(row.version)?;
            let row = writing::patch_notice(tx, editor.0.actor(), row, prepared.clone()).await?;
            Ok((row, tx.now().await?))
        })
        .await?;
    reply_changed(&editor.0, row, now, &warnings)
}

/// Fails with the faults of a change that its schema does not tell.
async fn check_patch(app: &App, id: Uuid, patch: NoticePatch) -> Result<()> {
    let current = queries::by_id(&*app.reader().await?, id, Notices::All).await?.content;
    writing::prepare_patch(app, patch, current.body_format).await?.check(current, app.now())
}

/// The entry of [`delete_notice`].
pub const DELETE_NOTICE: Operation =
    Operation::delete("delete_notice", Caller::Role(Role::Editor)).for_keys_with(Scope::NoticesWrite);

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
    app.write(async move |tx| set_deleted(tx, &editor, id.0, &if_match, Notices::All).await).await?;
    Ok(NoContent)
}

/// The entry of [`restore_notice`].
pub const RESTORE_NOTICE: Operation =
    Operation::post_without_body("restore_notice", Caller::Role(Role::Editor))
        .for_keys_with(Scope::NoticesWrite)
        .changing_a_version()
        .once_per_key();

/// Restore a notice
///
/// Takes it out of the trash, as it was.
#[utoipa::path(tag = "notices", params(("id" = uuid::Uuid, Path, description = "The notice's id")), responses((status = 200, description = "The notice; a receipt (`id`, `version`, `updated_at`) for a key that may not read it", body = Data<Notice>)))]
#[post("/{id}/restore")]
pub async fn restore_notice(
    req: HttpRequest,
    app: web::Data<App>,
    editor: Editor,
    id: Id,
    if_match: IfMatch,
) -> Result<impl Responder> {
    let named = NamedRequest::read(&app, &req, editor.0.id)?;
    write_once(&app, named, async move |tx| {
        let row = set_deleted(tx, &editor, id.0, &if_match, Notices::Trash).await?;
        reply_changed(&editor.0, row, tx.now().await?, &[])
    })
    .await
}

/// Moves a notice that is in `from` to the other side of the trash.
async fn set_deleted(
    tx: &mut Tx,
    editor: &Editor,
    id: Uuid,
    if_match: &IfMatch,
    from: Notices,
) -> Result<Row> {
    let row = queries::lock(tx, id, from).await?;
    if_match.check(row.version)?;
    writing::set_deleted(tx, editor.0.actor(), &row, from == Notices::All).await
}
