//! Changing articles.

use actix_web::{HttpRequest, Responder, delete, patch, post, put, web};
use chrono::{DateTime, Utc};
use futures_util::future::join;

use super::alike;
use super::input::{ArticlePatch, NewArticle};
use super::model::Row;
use super::queries::{self, ArticleRef};
use super::reading::external_id;
use super::view::Article;
use super::view_context::ViewContext;
use super::writing::{self, Put, prepare_article, prepare_patch};
use crate::app::App;
use crate::db::types::{BodyFormat, Status};
use crate::db::visibility::Articles;
use crate::error::Code;
use crate::error::{Error, Fault, Result};
use crate::http::body::Unchecked;
use crate::http::conditional::{CreateOnly, IfMatch};
use crate::http::id_or_slug::IdOrSlug;
use crate::http::modified::Modified;
use crate::http::reply::{Data, NoContent, Rendered, Reply, Written};
use crate::idempotency::{NamedRequest, write_once};
use crate::members::guard::{Author, CurrentMember, Editor};
use crate::operations::scope::Scope;
use crate::operations::{Caller, Operation, Role};
use crate::tx::Tx;

/// Largest body of a request, in bytes: a text of a million Han characters, and the rest of an article.
const MAX_BODY_BYTES: usize = 4 << 20;

/// The entry of [`create_article`].
pub const CREATE_ARTICLE: Operation = Operation::post("create_article", Caller::Role(Role::Author))
    .for_keys_with(Scope::ArticlesWrite)
    .with_body_of(MAX_BODY_BYTES)
    .once_per_key();

/// Create an article
///
/// Authors write drafts; editors also publish. `views` is for admins.
#[utoipa::path(tag = "articles", request_body = NewArticle, responses((status = 201, description = "The new article", body = Written<Article>)))]
#[post("")]
pub async fn create_article(
    req: HttpRequest,
    app: web::Data<App>,
    author: Author,
    body: Unchecked<NewArticle>,
) -> Result<impl Responder> {
    let Author(member) = author;
    let context = ViewContext::load(&app).await?;
    let check = async |new| prepare_article(&app, context.tree(), new).await?.check();
    let mut new = body.check(check).await?;
    new.views = check_rights(&member, new.status, new.views)?;
    check_external_id(&member, None, new.external_id.as_deref())?;
    check_former_slugs(&member, !new.former_slugs.is_empty())?;
    let prepared = prepare_article(&app, context.tree(), new).await?;
    let mut warnings = prepared.warnings();
    let (title, html) = prepared.text();
    let copies =
        alike::find_copies(&app, title, html, None, member.readable_articles(), alike::MAX_COMPARED).await?;
    warnings.extend(alike::warn_of_copies(&copies));
    let named = NamedRequest::read(&app, &req, member.id)?;
    write_once(&app, named, async move |tx| {
        let row = writing::add_article(tx, member.actor(), prepared.clone()).await?;
        reply_created(context.view(row, true)).with_warnings(&warnings).render()
    })
    .await
}

fn reply_created(article: Article) -> Reply<Data<Article>> {
    let version = article.card.version;
    Reply::created(format!("/api/v1/articles/{}", article.card.id), article).with_version(version)
}

/// Returns a changed article, or a receipt to a key that may not read it.
///
/// A key without the scope to read sees what a visitor sees, and only of public articles.
fn reply_changed(
    context: &ViewContext,
    member: &CurrentMember,
    row: Row,
    now: DateTime<Utc>,
    warnings: &[Fault],
) -> Result<Rendered> {
    let is_public = || Articles::is_public(row.content.status, row.content.published_at, now);
    if !member.may_read_back && !is_public() {
        let receipt = Reply::receipt(row.id, row.version, row.updated_at);
        return receipt.with_warnings(warnings).render();
    }
    let article = context.view(row, member.may_read_back);
    let (version, modified) = (article.card.version, article.card.updated_at);
    let reply = Reply::one(article).with_version(version);
    let reply = reply.with_last_modified(Modified::of_row(modified));
    reply.with_warnings(warnings).render()
}

/// Refuses what a role may not write: authors publish nothing, only admins set views.
/// Returns the views to set; another's `0`, the default that scripts send, sets nothing.
fn check_rights(member: &CurrentMember, status: Option<Status>, views: Option<i64>) -> Result<Option<i64>> {
    if !member.edits_everything() && status.is_some_and(|status| status != Status::Draft) {
        return Err(Error::forbidden(
            "Authors write drafts; publishing and archiving take the role editor or admin.",
        ));
    }
    match views {
        Some(1..) if member.role != Role::Admin => {
            Err(Error::forbidden("Setting views takes the role admin."))
        }
        views => Ok(views.filter(|_| member.role == Role::Admin)),
    }
}

/// Refuses an external id from an author. By it editors and scripts find what they replace; an author
/// could claim one before them, or find out which are in use.
fn check_external_id(member: &CurrentMember, before: Option<&str>, after: Option<&str>) -> Result<()> {
    if member.edits_everything() || before == after {
        return Ok(());
    }
    Err(Error::forbidden("Setting external_id takes the role editor or admin."))
}

/// Refuses former slugs from an author, who could claim addresses of the site.
fn check_former_slugs(member: &CurrentMember, changes: bool) -> Result<()> {
    if member.edits_everything() || !changes {
        return Ok(());
    }
    Err(Error::forbidden("Setting former_slugs takes the role editor or admin."))
}

/// The entry of [`update_article`].
pub const UPDATE_ARTICLE: Operation = Operation::patch("update_article", Caller::Role(Role::Author))
    .for_keys_with(Scope::ArticlesWrite)
    .with_body_of(MAX_BODY_BYTES);

/// Change an article
///
/// Authors change their own drafts; editors change everything.
#[utoipa::path(tag = "articles", params(("id" = String, Path, description = "Id or slug", max_length = 120)), request_body = ArticlePatch, responses((status = 200, description = "The article as changed; a receipt (`id`, `version`, `updated_at`) for a key that may not read it", body = Written<Article>)))]
#[patch("/{id}")]
pub async fn update_article(
    app: web::Data<App>,
    author: Author,
    id: IdOrSlug,
    if_match: IfMatch,
    body: Unchecked<ArticlePatch>,
) -> Result<impl Responder> {
    let Author(member) = author;
    let context = ViewContext::load(&app).await?;
    let article = ArticleRef::IdOrSlug(id);
    let check = async |patch| check_patch(&app, &member, &context, &article, patch).await;
    let mut patch = body.check(check).await?;
    patch.views = check_rights(&member, patch.status, patch.views)?;
    let format = format_of_new_body(&app, &member, &article, &patch).await?;
    let external_id = patch.external_id.clone();
    let prepared = prepare_patch(&app, context.tree(), patch, format).await?;
    let warnings = prepared.warnings();
    let (row, now) = app
        .write(async move |tx| {
            let row = lock_editable(tx, &member, &article).await?;
            let before = row.content.external_id.clone();
            check_external_id(
                &member,
                before.as_deref(),
                external_id.clone().over(before.clone()).as_deref(),
            )?;
            check_former_slugs(&member, prepared.changes_former_slugs(&row))?;
            if_match.check(row.version)?;
            let row = writing::patch_article(tx, member.actor(), row, prepared.clone()).await?;
            Ok((row, tx.now().await?))
        })
        .await?;
    reply_changed(&context.renew(&app).await, &member, row, now, &warnings)
}

/// Fails with the faults of a change that its schema does not tell.
async fn check_patch(
    app: &App,
    member: &CurrentMember,
    context: &ViewContext,
    article: &ArticleRef,
    patch: ArticlePatch,
) -> Result<()> {
    let current = queries::get(&*app.reader().await?, article, member.articles()).await?.content;
    let prepared = prepare_patch(app, context.tree(), patch, current.body_format).await?;
    prepared.check(current, app.now())
}

/// What a new body that names no format is written in: what the article's body is written in.
async fn format_of_new_body(
    app: &App,
    member: &CurrentMember,
    article: &ArticleRef,
    patch: &ArticlePatch,
) -> Result<BodyFormat> {
    if patch.body.is_none() || patch.body_format.is_some() {
        return Ok(BodyFormat::Html);
    }
    let row = queries::get(&*app.reader().await?, article, member.articles()).await?;
    Ok(row.content.body_format)
}

/// The article, locked, if the member may change it: 404 for what they may not see, 403 for what they may only read.
async fn lock_editable(tx: &mut Tx, member: &CurrentMember, article: &ArticleRef) -> Result<Row> {
    // Together with BEGIN, in one round trip; the time is needed for what is published now.
    let (now, row) = join(tx.now(), queries::lock(tx, article, member.articles())).await;
    now?;
    let row = row?;
    let is_own_draft = row.created_by == Some(member.id) && row.content.status == Status::Draft;
    if member.edits_everything() || is_own_draft {
        Ok(row)
    } else {
        Err(Error::forbidden("Authors change their own drafts only."))
    }
}

/// The entry of [`put_article`].
pub const PUT_ARTICLE: Operation = Operation::put("put_article", Caller::Role(Role::Editor))
    .for_keys_with(Scope::ArticlesWrite)
    .with_body_of(MAX_BODY_BYTES);

/// Create or replace an article by its external id
///
/// Repeating it changes nothing, so it can be retried blindly. Keys left out
/// are reset to their defaults, but the slug is kept; an article in the trash
/// comes back. `If-None-Match: *` creates only.
#[utoipa::path(tag = "articles", params(("external_id" = String, Path, description = "The id it has in the system it comes from", max_length = 200)), request_body = NewArticle, responses((status = 200, description = "The article as replaced; a receipt (`id`, `version`, `updated_at`) for a key that may not read it", body = Written<Article>), (status = 201, description = "The new article", body = Written<Article>)))]
#[put("/by-external-id/{external_id}")]
pub async fn put_article(
    req: HttpRequest,
    app: web::Data<App>,
    editor: Editor,
    if_match: IfMatch,
    only: CreateOnly,
    body: Unchecked<NewArticle>,
) -> Result<impl Responder> {
    let Editor(member) = editor;
    let external_id = external_id(&req)?;
    let context = ViewContext::load(&app).await?;
    let differs = body
        .text("external_id")
        .is_some_and(|given| *given != external_id)
        .then(|| Fault::body("/external_id", Code::InvalidFormat, "differs from the one in the path"));
    let prepare = async |new| prepare_article(&app, context.tree(), new).await;
    let check = async |new| prepare(new).await?.with_faults(differs.clone()).check();
    let mut new = body.check(check).await?;
    new.views = check_rights(&member, None, new.views)?;
    new.external_id = Some(external_id.clone());
    let prepared = prepare(new).await?.with_faults(differs);
    let warnings = prepared.warnings();
    let actor = member.actor();
    let (put, now) = app
        .write(async move |tx| {
            let put =
                writing::put_article(tx, actor, &external_id, prepared.clone(), &if_match, only.0).await?;
            Ok((put, tx.now().await?))
        })
        .await?;
    let context = context.renew(&app).await;
    match put {
        Put::Created(row) => reply_created(context.view(row, true)).with_warnings(&warnings).render(),
        Put::Replaced(row) => reply_changed(&context, &member, row, now, &warnings),
    }
}

/// The entry of [`delete_article`].
pub const DELETE_ARTICLE: Operation =
    Operation::delete("delete_article", Caller::Role(Role::Author)).for_keys_with(Scope::ArticlesWrite);

/// Delete an article
///
/// Puts it into the trash, from where it can be restored.
#[utoipa::path(tag = "articles", params(("id" = String, Path, description = "Id or slug", max_length = 120)), responses((status = 204, description = "Deleted")))]
#[delete("/{id}")]
pub async fn delete_article(
    app: web::Data<App>,
    author: Author,
    id: IdOrSlug,
    if_match: IfMatch,
) -> Result<NoContent> {
    let Author(member) = author;
    let article = ArticleRef::IdOrSlug(id);
    app.write(async move |tx| {
        let row = lock_editable(tx, &member, &article).await?;
        if_match.check(row.version)?;
        writing::delete_article(tx, member.actor(), &row).await
    })
    .await?;
    Ok(NoContent)
}

/// The entry of [`restore_article`].
pub const RESTORE_ARTICLE: Operation =
    Operation::post_without_body("restore_article", Caller::Role(Role::Author))
        .for_keys_with(Scope::ArticlesWrite)
        .changing_a_version()
        .once_per_key();

/// Restore an article
///
/// Takes it out of the trash, as it was.
#[utoipa::path(tag = "articles", params(("id" = String, Path, description = "Id or slug", max_length = 120)), responses((status = 200, description = "The article; a receipt (`id`, `version`, `updated_at`) for a key that may not read it", body = Data<Article>)))]
#[post("/{id}/restore")]
pub async fn restore_article(
    req: HttpRequest,
    app: web::Data<App>,
    author: Author,
    id: IdOrSlug,
    if_match: IfMatch,
) -> Result<impl Responder> {
    let Author(member) = author;
    let trash = member.trashed_articles().ok_or_else(Error::not_found)?;
    let article = ArticleRef::IdOrSlug(id);
    let context = ViewContext::load(&app).await?;
    let named = NamedRequest::read(&app, &req, member.id)?;
    write_once(&app, named, async move |tx| {
        let row = writing::restore_article(tx, member.actor(), &article, trash, &if_match).await?;
        reply_changed(&context, &member, row, tx.now().await?, &[])
    })
    .await
}
