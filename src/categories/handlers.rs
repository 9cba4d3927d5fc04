//! Reading and changing categories.

use std::time::Duration;

use actix_web::{Either, HttpRequest, Responder, delete, get, patch, post, web};

use super::answer_tags::{tag_articles_in_any, tag_category, tag_single};
use super::model::Tree;
use super::queries::load_article_times;
use super::view::{Category, CategoryPatch, NewCategory, Removal};
use super::{queries, writing};
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::body::Unchecked;
use crate::http::conditional::IfMatch;
use crate::http::id_or_slug::IdOrSlug;
use crate::http::matched::Matched;
use crate::http::modified::Modified;
use crate::http::moved::Moved;
use crate::http::query::Query;
use crate::http::reply::{Data, NoContent, Reply};
use crate::idempotency::{NamedRequest, write_once};
use crate::jobs::handlers::reply_accepted;
use crate::jobs::view::Job;
use crate::members::guard::{Editor, Reader};
use crate::operations::scope::Scope;
use crate::operations::{Caller, Operation, Role};

/// The entry of [`get_category`].
pub const GET_CATEGORY: Operation = Operation::read("get_category", Caller::Reader)
    .for_keys_with(Scope::CategoriesRead)
    .same_as_visitors_for(Role::Admin);

/// Get a category
///
/// With its breadcrumb, the categories in it, and how many articles the public finds there.
///
/// A slug that the category has had is answered with 301 and the path of the present slug.
#[utoipa::path(tag = "categories", params(("id" = String, Path, description = "Id, slug or former slug", max_length = 120)), responses((status = 200, description = "The category", body = Data<Category>), (status = 301, description = "The category has another slug now")))]
#[get("/{id}")]
pub async fn get_category(
    req: HttpRequest,
    app: web::Data<App>,
    _: Reader,
    id: IdOrSlug,
) -> Result<impl Responder> {
    // Before the articles are counted.
    let (times, now) = (load_article_times(&app).await?, app.now());
    let tree = app.snapshot::<Tree>().await?;
    let row = tree.find(&id).ok_or_else(Error::not_found)?;
    if matches!(&id, IdOrSlug::Slug(slug) if *slug != row.content.slug) {
        let location = Matched::of(&req)?.locate(&format!("/api/v1/categories/{}", row.content.slug));
        let moved = Moved {
            location,
            tag: tag_category(row.id),
            is_as_visitors_get: true,
            lifetime: Some(Duration::MAX),
        };
        return Ok(Either::Right(moved));
    }
    let categories = tree.subtree(row.id);
    let mut tags = tag_single(&tree, row);
    tags.extend(tag_articles_in_any(Some(&categories)));
    let count = queries::count_public_articles(&*app.costly_reader().await?, categories).await?;
    let reply = reply_with(Category::single(&tree, row, count));
    let reply = reply.with_last_modified(times.modified(now)).as_visitors_get(true);
    Ok(Either::Left(reply.kept_for(times.lifetime(now), tags)))
}

fn reply_with(category: Category) -> Reply<Data<Category>> {
    let (version, modified) = (category.version, category.updated_at);
    Reply::one(category).with_version(version).with_last_modified(Modified::of_row(modified))
}

/// The entry of [`create_category`].
pub const CREATE_CATEGORY: Operation = Operation::post("create_category", Caller::Role(Role::Editor))
    .for_keys_with(Scope::CategoriesWrite)
    .once_per_key();

/// Create a category
///
/// Without a parent it is a root. The slug is made from the name when absent; one that is taken is
/// refused with 409.
#[utoipa::path(tag = "categories", request_body = NewCategory, responses((status = 201, description = "The new category", body = Data<Category>)))]
#[post("")]
pub async fn create_category(
    req: HttpRequest,
    app: web::Data<App>,
    editor: Editor,
    body: Unchecked<NewCategory>,
) -> Result<impl Responder> {
    let tree = app.snapshot::<Tree>().await?;
    let new = body.check(async |new| writing::new_content(&tree, new).map(drop)).await?;
    let named = NamedRequest::read(&app, &req, editor.0.id)?;
    write_once(&app, named, async move |tx| {
        let tree = queries::lock_tree(tx).await?;
        let content = writing::new_content(&tree, new.clone())?;
        let row = writing::add_category(tx, editor.0.actor(), &tree, &content).await?;
        // Nothing is in it yet.
        let category = Category::single(&tree.with(row.clone()), &row, 0);
        let (version, location) = (category.version, format!("/api/v1/categories/{}", category.id));
        Reply::created(location, category).with_version(version).render()
    })
    .await
}

/// The entry of [`update_category`].
pub const UPDATE_CATEGORY: Operation =
    Operation::patch("update_category", Caller::Role(Role::Editor)).for_keys_with(Scope::CategoriesWrite);

/// Change a category
///
/// With `parent` it moves, with all that is in it; never into itself.
#[utoipa::path(tag = "categories", params(("id" = String, Path, description = "Id or slug", max_length = 120)), request_body = CategoryPatch, responses((status = 200, description = "The category as changed", body = Data<Category>)))]
#[patch("/{id}")]
pub async fn update_category(
    app: web::Data<App>,
    editor: Editor,
    id: IdOrSlug,
    if_match: IfMatch,
    body: Unchecked<CategoryPatch>,
) -> Result<impl Responder> {
    let tree = app.snapshot::<Tree>().await?;
    let check = async |patch| {
        let row = tree.find(&id).ok_or_else(Error::not_found)?;
        writing::apply_patch(&tree, row, patch).map(drop)
    };
    let patch = body.check(check).await?;
    // Counted before the change: after the commit nothing may fail any more.
    let categories = tree.find(&id).map(|row| tree.subtree(row.id)).unwrap_or_default();
    let count = queries::count_public_articles(&*app.long_reader().await?, categories).await?;
    let (tree, row) = app
        .write(async move |tx| {
            let tree = queries::lock_tree(tx).await?;
            let row = tree.find(&id).ok_or_else(Error::not_found)?.clone();
            if_match.check(row.version)?;
            let updated = writing::patch_category(tx, editor.0.actor(), &tree, &row, patch.clone()).await?;
            let row = updated.unwrap_or(row);
            Ok((tree.with(row.clone()), row))
        })
        .await?;
    Ok(reply_with(Category::single(&tree, &row, count)))
}

/// The entry of [`delete_category`].
pub const DELETE_CATEGORY: Operation =
    Operation::delete("delete_category", Caller::Role(Role::Editor)).for_keys_with(Scope::CategoriesWrite);

/// Delete a category
///
/// Refused with 409 while it holds articles (drafts and trash included) or
/// categories, unless `move_to` names the category that takes them. Where these are over a thousand
/// articles, they move in steps, and the answer is 202 with the job that moves them.
#[utoipa::path(tag = "categories", params(("id" = String, Path, description = "Id or slug", max_length = 120), Removal), responses((status = 204, description = "Deleted"), (status = 202, description = "Accepted: the job moves the articles, and then deletes the category", body = Data<Job>)))]
#[delete("/{id}")]
pub async fn delete_category(
    app: web::Data<App>,
    editor: Editor,
    id: IdOrSlug,
    if_match: IfMatch,
    removal: Query<Removal>,
) -> Result<Either<NoContent, Reply<Data<Job>>>> {
    let deleting = app.write(async move |tx| {
        let tree = queries::lock_tree(tx).await?;
        let row = tree.find(&id).ok_or_else(Error::not_found)?;
        if_match.check(row.version)?;
        let move_to = removal.0.move_to.as_deref();
        writing::delete_category(tx, editor.0.actor(), &tree, row, move_to).await
    });
    Ok(match deleting.await? {
        None => Either::Left(NoContent),
        Some(job) => {
            app.job_begun.notify_one();
            Either::Right(reply_accepted(job))
        }
    })
}
