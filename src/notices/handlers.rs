//! Changing notices.

use actix_web::{HttpRequest, Responder, delete, patch, post, web};
use chrono::{DateTime, Utc};

use super::input::{NewNotice, NoticePatch};
use super::model::Row;
use super::reading::{is_public, reply_with};
use super::view::Notice;
use super::{queries, writing};
use crate::app::App;
use crate::db::types::BodyFormat;
use crate::db::visibility::Notices;
use crate::error::{Fault, Result};
use crate::http::body::Unchecked;
use crate::http::conditional::IfMatch;
use crate::http::id_or_slug::IdOrSlug;
use crate::http::reply::{Data, NoContent, Rendered, Reply, Written};
use crate::idempotency::{NamedRequest, write_once};
use crate::media::addresses::AddressesByAudience;
use crate::members::guard::{CurrentMember, Editor};
use crate::operations::scope::Scope;
use crate::operations::{Caller, Operation, Role};
use crate::tx::Tx;

/// Returns a changed notice, or a receipt to a key that may not read it.
///
/// A key without the scope to read sees what a visitor sees, and only of public notices.
fn reply_changed(
    member: &CurrentMember,
    row: Row,
    addresses: &AddressesByAudience,
    now: DateTime<Utc>,
    warnings: &[Fault],
) -> Result<Rendered> {
    if member.may_read_back || is_public(&row, now) {
        reply_with(row, member.may_read_back, addresses, now).with_warnings(warnings).render()
    } else {
        Reply::receipt(row.id, row.version, row.updated_at).with_warnings(warnings).render()
    }
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
    let addresses = AddressesByAudience::load(&app).await?;
    write_once(&app, named, async move |tx| {
        let row = writing::add_notice(tx, editor.0.actor(), prepared.clone()).await?;
        let (version, location) = (row.version, format!("/api/v1/notices/{}", row.id));
        let notice = Notice::new(row, true, &addresses);
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
#[utoipa::path(tag = "notices", params(("id" = String, Path, description = "Id or slug", max_length = 120)), request_body = NoticePatch, responses((status = 200, description = "The notice as changed; a receipt (`id`, `version`, `updated_at`) for a key that may not read it", body = Written<Notice>)))]
#[patch("/{id}")]
pub async fn update_notice(
    app: web::Data<App>,
    editor: Editor,
    id: IdOrSlug,
    if_match: IfMatch,
    body: Unchecked<NoticePatch>,
) -> Result<impl Responder> {
    let patch = body.check(async |patch| check_patch(&app, &id, patch).await).await?;
    let format = match (&patch.body, patch.body_format) {
        // A new body that names no format is written in that of the old one.
        (Some(_), None) => queries::get(&*app.reader().await?, &id, Notices::All).await?.content.body_format,
        _ => BodyFormat::Html,
    };
    let prepared = writing::prepare_patch(&app, patch, format).await?;
    let addresses = AddressesByAudience::load(&app).await?;
    let warnings = prepared.warnings();
    let (row, now) = app
        .write(async move |tx| {
            let row = queries::lock(tx, &id, Notices::All).await?;
            if_match.check(row.version)?;
            let row = writing::patch_notice(tx, editor.0.actor(), row, prepared.clone()).await?;
            Ok((row, tx.now().await?))
        })
        .await?;
    reply_changed(&editor.0, row, &addresses, now, &warnings)
}

/// Fails with the faults of a change that its schema does not tell.
async fn check_patch(app: &App, id: &IdOrSlug, patch: NoticePatch) -> Result<()> {
    let current = queries::get(&*app.reader().await?, id, Notices::All).await?.content;
    writing::prepare_patch(app, patch, current.body_format).await?.check(current, app.now())
}

/// The entry of [`delete_notice`].
pub const DELETE_NOTICE: Operation =
    Operation::delete("delete_notice", Caller::Role(Role::Editor)).for_keys_with(Scope::NoticesWrite);

/// Delete a notice
///
/// Puts it into the trash, from where it can be restored.
#[utoipa::path(tag = "notices", params(("id" = String, Path, description = "Id or slug", max_length = 120)), responses((status = 204, description = "Deleted")))]
#[delete("/{id}")]
pub async fn delete_notice(
    app: web::Data<App>,
    editor: Editor,
    id: IdOrSlug,
    if_match: IfMatch,
) -> Result<NoContent> {
    app.write(async move |tx| set_deleted(tx, &editor, &id, &if_match, Notices::All).await).await?;
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
#[utoipa::path(tag = "notices", params(("id" = String, Path, description = "Id or slug", max_length = 120)), responses((status = 200, description = "The notice; a receipt (`id`, `version`, `updated_at`) for a key that may not read it", body = Data<Notice>)))]
#[post("/{id}/restore")]
pub async fn restore_notice(
    req: HttpRequest,
    app: web::Data<App>,
    editor: Editor,
    id: IdOrSlug,
    if_match: IfMatch,
) -> Result<impl Responder> {
    let named = NamedRequest::read(&app, &req, editor.0.id)?;
    let addresses = AddressesByAudience::load(&app).await?;
    write_once(&app, named, async move |tx| {
        let row = set_deleted(tx, &editor, &id, &if_match, Notices::Trash).await?;
        reply_changed(&editor.0, row, &addresses, tx.now().await?, &[])
    })
    .await
}

/// Moves a notice that is in `from` to the other side of the trash.
async fn set_deleted(
    tx: &mut Tx,
    editor: &Editor,
    id: &IdOrSlug,
    if_match: &IfMatch,
    from: Notices,
) -> Result<Row> {
    let row = queries::lock(tx, id, from).await?;
    if_match.check(row.version)?;
    writing::set_deleted(tx, editor.0.actor(), &row, from == Notices::All).await
}
