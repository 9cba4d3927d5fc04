//! Writing articles.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, Responder, delete, patch, post, put, web};
use diesel::OptionalExtension;
use uuid::Uuid;

use super::input::{ArticlePatch, NewArticle};
use super::model::{Content, Row};
use super::queries::{self, ArticleRef};
use super::reading::{article, external_id};
use super::view::Article;
use crate::app::App;
use crate::changes::model::{Actor, Change};
use crate::db::types::Status;
use crate::db::visibility::Articles;
use crate::error::{Code, Error, Fault, OnConstraint, Result};
use crate::http::body::Json;
use crate::http::conditional::{CreateOnly, IfMatch, etag};
use crate::http::id_or_slug::IdOrSlug;
use crate::http::patch::Patch;
use crate::http::reply::{Data, NoContent, Reply};
use crate::members::guard::{Author, Editor, Member};
use crate::members::model::Role;
use crate::tx::Tx;
use crate::{categories, db, slug};

/// How many slugs are tried before giving up: the first, and some with random endings.
const SLUG_ATTEMPTS: usize = 5;

/// Create an article
///
/// Authors write drafts; editors also publish. `views` is for admins.
#[utoipa::path(tag = "articles", responses((status = 201, description = "The new article", body = Data<Article>)))]
#[post("")]
pub async fn create_article(
    app: web::Data<App>,
    author: Author,
    body: Json<NewArticle>,
) -> Result<impl Responder> {
    let Author(member) = author;
    let Json(mut new) = body;
    new.views = may_write(&member, new.status, new.views)?;
    let article = app
        .write(async move |tx| {
            let id = add(tx, member.actor(), new.clone()).await?;
            load_view(tx, id).await
        })
        .await?;
    Ok(created(article))
}

fn created(article: Article) -> Reply<Data<Article>> {
    let tag = etag(article.card.version, &article);
    Reply::created(format!("/api/v1/articles/{}", article.card.id), article).with_etag(tag)
}

fn one(article: Article) -> Reply<Data<Article>> {
    let (tag, modified) = (etag(article.card.version, &article), article.card.updated_at);
    Reply::one(article).with_etag(tag).with_last_modified(Some(modified))
}

/// Refuses what a role may not write: authors publish nothing, only admins set views.
/// Returns the views to set; another's `0`, the default that scripts send, sets nothing.
fn may_write(member: &Member, status: Option<Status>, views: Option<i64>) -> Result<Option<i64>> {
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

/// Adds an article with its views, and records it.
pub async fn add(tx: &mut Tx, actor: Actor, new: NewArticle) -> Result<Uuid> {
    let (slug_is_made, views) = (new.slug.is_none(), new.views);
    let (category, faults) = category_id(tx, new.category.as_deref()).await?;
    let content = new.content(category, db::now(tx).await?, faults).await?;
    let id = insert(tx, content, actor.member_id(), slug_is_made).await?;
    if let Some(views) = views {
        queries::set_views(tx, id, views).await?;
    }
    tx.record(actor, Change::new("create", "article", id));
    Ok(id)
}

/// Adds an article; a made slug that is taken gets a short random ending.
async fn insert(
    tx: &mut Tx,
    mut content: Content,
    created_by: Option<Uuid>,
    slug_is_made: bool,
) -> Result<Uuid> {
    let made = content.slug.clone();
    for _ in 0..SLUG_ATTEMPTS {
        let inserted = map_constraint_errors(queries::insert(tx, &content, created_by, slug_is_made).await)?;
        if let Some(id) = inserted {
            return Ok(id);
        }
        content.slug = slug::with_suffix(&made);
    }
    Err(Error::Internal(anyhow::anyhow!("no free slug for {made}")))
}

/// Names the constraints of articles to the client.
fn map_constraint_errors<T>(result: diesel::QueryResult<T>) -> Result<T> {
    result
        .on_constraint("articles_slug_key", || {
            Fault::body("/slug", Code::SlugTaken, "already used by another article")
        })
        .on_constraint("articles_external_id_key", || {
            Fault::body("/external_id", Code::ExternalIdTaken, "already used by another article")
        })
        .on_constraint("articles_category_id_fkey", unknown_category)
}

fn unknown_category() -> Fault {
    Fault::body("/category", Code::UnknownReference, "unknown category")
}

/// The category of this name, or the fault that there is none.
async fn category_id(tx: &mut Tx, category: Option<&str>) -> Result<(Option<Uuid>, Vec<Fault>)> {
    let Some(category) = category else { return Ok((None, Vec::new())) };
    let tree = categories::queries::tree(tx).await?;
    Ok(match tree.find(&IdOrSlug::parse(category)) {
        Some(row) => (Some(row.id), Vec::new()),
        None => (None, vec![unknown_category()]),
    })
}

/// The article as the answer to its change.
async fn load_view(tx: &mut Tx, id: Uuid) -> Result<Article> {
    let row = queries::get(tx, &id.into(), Articles::All).await?;
    article(tx, row, true, false).await
}

/// Change an article
///
/// Authors change their own drafts; editors change everything.
#[utoipa::path(tag = "articles", params(("id" = String, Path, description = "Id or slug")), responses((status = 200, description = "The article as changed", body = Data<Article>)))]
#[patch("/{id}")]
pub async fn update_article(
    app: web::Data<App>,
    author: Author,
    id: IdOrSlug,
    if_match: IfMatch,
    body: Json<ArticlePatch>,
) -> Result<impl Responder> {
    let Author(member) = author;
    let article = app
        .write(async move |tx| {
            let row = lock_own(tx, &member, id.clone()).await?;
            let mut patch = body.0.clone();
            patch.views = may_write(&member, patch.status, patch.views)?;
            if_match.check(row.version)?;
            change(tx, member.actor(), &row, patch).await?;
            load_view(tx, row.id).await
        })
        .await?;
    Ok(one(article))
}

/// The article, locked, if the member may change it: 404 for what they may not see, 403 for what they may only read.
async fn lock_own(tx: &mut Tx, member: &Member, id: IdOrSlug) -> Result<Row> {
    let row = queries::lock(tx, &ArticleRef::IdOrSlug(id), member.articles()).await?;
    let is_own_draft = row.created_by == Some(member.id) && row.content.status == Status::Draft;
    if member.edits_everything() || is_own_draft {
        Ok(row)
    } else {
        Err(Error::forbidden("Authors change their own drafts only."))
    }
}

async fn change(tx: &mut Tx, actor: Actor, row: &Row, patch: ArticlePatch) -> Result<()> {
    let (category, faults) = match &patch.category {
        Patch::Keep => (row.content.category_id, Vec::new()),
        Patch::Clear => (None, Vec::new()),
        Patch::Set(category) => category_id(tx, Some(category)).await?,
    };
    let views = patch.views;
    let after = patch.over(row.content.clone(), category, db::now(tx).await?, faults).await?;
    replace(tx, actor, row, &after, views).await
}

/// Replaces what an article says, and records it; does nothing where nothing changes.
async fn replace(tx: &mut Tx, actor: Actor, row: &Row, after: &Content, views: Option<i64>) -> Result<()> {
    if let Some(views) = views.filter(|views| *views != row.views) {
        queries::set_views(tx, row.id, views).await?;
        let change = Change::new("update", "article", row.id).of_fields(vec!["views".to_owned()]);
        tx.record(actor, change);
    }
    if *after != row.content {
        map_constraint_errors(queries::update(tx, row.id, after).await)?;
        tx.record(actor, Change::between("article", row.id, &row.content, after));
    }
    Ok(())
}

/// Create or replace an article by its external id
///
/// Repeating it changes nothing, so it can be retried blindly. Keys left out
/// are reset to their defaults, but the slug is kept; an article in the trash
/// comes back. `If-None-Match: *` creates only.
#[utoipa::path(tag = "articles", params(("external_id" = String, Path, description = "The id it has in the system it comes from")), responses((status = 200, description = "The article as replaced", body = Data<Article>), (status = 201, description = "The new article", body = Data<Article>)))]
#[put("/by-external-id/{external_id}")]
pub async fn put_article(
    req: HttpRequest,
    app: web::Data<App>,
    editor: Editor,
    if_match: IfMatch,
    only: CreateOnly,
    body: Json<NewArticle>,
) -> Result<impl Responder> {
    let (Editor(member), Json(mut new)) = (editor, body);
    let external = external_id(&req)?;
    if new.external_id.as_ref().is_some_and(|given| *given != external) {
        let fault = Fault::body("/external_id", Code::InvalidFormat, "is not the one in the path");
        return Err(Error::Faults(fault.code, vec![fault]));
    }
    new.views = may_write(&member, None, new.views)?;
    new.external_id = Some(external.clone());
    let (status, article) = app
        .write(async move |tx| match queries::lock_external(tx, &external).await? {
            Some(_) if only.0 => Err(Error::Refused(
                Code::AlreadyExists,
                "An article with this external id exists.".to_owned(),
            )),
            Some((row, trashed)) => {
                if_match.check(row.version)?;
                put_over(tx, member.actor(), &row, trashed, new.clone()).await?;
                Ok((StatusCode::OK, load_view(tx, row.id).await?))
            }
            None if matches!(if_match, IfMatch::Any | IfMatch::Versions(_)) => {
                Err(Error::Refused(Code::VersionMismatch, "There is no such article to match.".to_owned()))
            }
            None => {
                let id = add(tx, member.actor(), new.clone()).await?;
                Ok((StatusCode::CREATED, load_view(tx, id).await?))
            }
        })
        .await?;
    Ok(if status == StatusCode::CREATED { created(article) } else { one(article) })
}

async fn put_over(tx: &mut Tx, actor: Actor, row: &Row, trashed: bool, mut new: NewArticle) -> Result<()> {
    if trashed {
        queries::set_deleted(tx, row.id, false).await?;
        tx.record(actor, Change::new("restore", "article", row.id));
    }
    let views = new.views;
    let (category, faults) = category_id(tx, new.category.as_deref()).await?;
    new.slug.get_or_insert_with(|| row.content.slug.clone());
    // Published again without an hour, it keeps the one it had.
    new.published_at =
        new.published_at.or(row.content.published_at.filter(|_| new.status == Some(Status::Published)));
    let after = new.content(category, db::now(tx).await?, faults).await?;
    replace(tx, actor, row, &after, views).await
}

/// Delete an article
///
/// Puts it into the trash, from where it can be restored.
#[utoipa::path(tag = "articles", params(("id" = String, Path, description = "Id or slug")), responses((status = 204, description = "Deleted")))]
#[delete("/{id}")]
pub async fn delete_article(
    app: web::Data<App>,
    author: Author,
    id: IdOrSlug,
    if_match: IfMatch,
) -> Result<NoContent> {
    let Author(member) = author;
    app.write(async move |tx| {
        let row = lock_own(tx, &member, id.clone()).await?;
        if_match.check(row.version)?;
        queries::set_deleted(tx, row.id, true).await?;
        Ok(tx.record(member.actor(), Change::new("delete", "article", row.id)))
    })
    .await?;
    Ok(NoContent)
}

/// Restore an article
///
/// Takes it out of the trash, as it was.
#[utoipa::path(tag = "articles", params(("id" = String, Path, description = "Id or slug")), responses((status = 200, description = "The article", body = Data<Article>)))]
#[post("/{id}/restore")]
pub async fn restore_article(
    app: web::Data<App>,
    author: Author,
    id: IdOrSlug,
    if_match: IfMatch,
) -> Result<impl Responder> {
    let Author(member) = author;
    let article = app
        .write(async move |tx| {
            let trash = member.trashed_articles().ok_or_else(Error::not_found)?;
            let row = queries::lock(tx, &ArticleRef::IdOrSlug(id.clone()), trash).await.optional()?;
            let row = row.ok_or_else(Error::not_found)?;
            if_match.check(row.version)?;
            queries::set_deleted(tx, row.id, false).await?;
            tx.record(member.actor(), Change::new("restore", "article", row.id));
            load_view(tx, row.id).await
        })
        .await?;
    Ok(one(article))
}
