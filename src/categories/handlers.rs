//! Reading and writing categories.

use actix_web::{Responder, delete, get, patch, post, web};
use uuid::Uuid;

use super::model::{Content, Row, Tree};
use super::queries;
use super::view::{Category, CategoryListing, CategoryPatch, NewCategory, Removal};
use crate::app::App;
use crate::changes::model::{Actor, Change};
use crate::error::{Code, Error, Fault, OnConstraint, Result};
use crate::http::body::Json;
use crate::http::conditional::{IfMatch, etag};
use crate::http::id_or_slug::IdOrSlug;
use crate::http::paging::List;
use crate::http::patch::Patch;
use crate::http::query::Query;
use crate::http::reply::{Data, NoContent, Reply};
use crate::members::guard::{Editor, Reader};
use crate::tx::Tx;
use crate::{db, slug};

/// Levels a tree may have: a breadcrumb longer than that helps nobody.
const MOST_LEVELS: usize = 16;

/// List categories
///
/// The whole tree: flat, parents before children, or nested with `tree=true`.
#[utoipa::path(tag = "categories", params(CategoryListing), security((), ("bearer" = [])), responses((status = 200, description = "All categories", body = List<Category>)))]
#[get("")]
pub async fn list_categories(
    app: web::Data<App>,
    _: Reader,
    listing: Query<CategoryListing>,
) -> Result<impl Responder> {
    let tree = queries::tree(&mut *app.conn().await?).await?;
    let categories = match listing.0.tree {
        Some(true) => Category::nested(&tree, None),
        _ => tree.in_order().into_iter().map(|row| Category::flat(&tree, row)).collect(),
    };
    let modified = tree.in_order().iter().map(|row| row.updated_at).max();
    let reply = Reply::list(List::whole(categories)).with_last_modified(modified);
    Ok(reply.with_surrogate_keys(&["categories".to_owned()]))
}

/// Get a category
///
/// With its breadcrumb, the categories in it, and how many articles the public finds there.
#[utoipa::path(tag = "categories", params(("id" = String, Path, description = "Id or slug")), security((), ("bearer" = [])), responses((status = 200, description = "The category", body = Data<Category>)))]
#[get("/{id}")]
pub async fn get_category(app: web::Data<App>, _: Reader, id: IdOrSlug) -> Result<impl Responder> {
    let mut conn = app.conn().await?;
    let tree = queries::tree(&mut conn).await?;
    let row = tree.find(&id).ok_or_else(Error::not_found)?;
    let count = queries::count_public_articles(&mut conn, tree.subtree(row.id)).await?;
    let reply = one(Category::single(&tree, row, count));
    Ok(reply.with_surrogate_keys(&["categories".to_owned(), "articles".to_owned()]))
}

fn one(category: Category) -> Reply<Data<Category>> {
    let (tag, modified) = (etag(category.version, &category), category.updated_at);
    Reply::one(category).with_etag(tag).with_last_modified(Some(modified))
}

/// Create a category
#[utoipa::path(tag = "categories", responses((status = 201, description = "The new category", body = Data<Category>)))]
#[post("")]
pub async fn create_category(
    app: web::Data<App>,
    editor: Editor,
    body: Json<NewCategory>,
) -> Result<impl Responder> {
    let category = app
        .write(async move |tx| {
            let tree = queries::lock_tree(tx).await?;
            let content = new_content(&tree, body.0.clone())?;
            let row = add(tx, editor.0.actor(), &content).await?;
            load_view(tx, row.id).await
        })
        .await?;
    let tag = etag(category.version, &category);
    Ok(Reply::created(format!("/api/v1/categories/{}", category.id), category).with_etag(tag))
}

/// Adds a category and records it; 409 when the slug is taken.
pub async fn add(tx: &mut Tx, actor: Actor, content: &Content) -> Result<Row> {
    let row = queries::insert(tx, content).await.on_constraint("categories_slug_key", slug_taken)?;
    tx.record(actor, Change::new("create", "category", row.id));
    Ok(row)
}

fn slug_taken() -> Fault {
    Fault::body("/slug", Code::SlugTaken, "already used by another category")
}

/// What a new category will be. Needs the locked tree, so that a slug made here stays free.
pub fn new_content(tree: &Tree, new: NewCategory) -> Result<Content> {
    let slug = match new.slug {
        Some(slug) => checked_slug(slug),
        None => {
            let made = slug::from_title(&new.name, "category");
            let taken = tree.find(&IdOrSlug::Slug(made.clone())).is_some();
            Ok(if taken { slug::with_suffix(&made) } else { made })
        }
    };
    let parent_id = new.parent.map(|parent| parent_id(tree, &parent, 1)).transpose();
    let (slug, parent_id) = Error::join(slug, parent_id)?;
    Ok(Content { parent_id, slug, name: new.name, description: new.description, position: new.position })
}

fn checked_slug(slug: String) -> Result<String> {
    match slug::refusal(&slug) {
        Some(detail) => {
            Err(Error::Faults(Code::InvalidFormat, vec![Fault::body("/slug", Code::InvalidFormat, detail)]))
        }
        None => Ok(slug),
    }
}

/// The category that `parent` names, if `height` levels still fit below it.
fn parent_id(tree: &Tree, parent: &str, height: usize) -> Result<Uuid> {
    let refuse = |code, detail: &str| Err(Error::Faults(code, vec![Fault::body("/parent", code, detail)]));
    match tree.find(&IdOrSlug::parse(parent)) {
        None => refuse(Code::UnknownReference, "unknown category"),
        Some(row) if tree.path(row.id).len() + height > MOST_LEVELS => {
            refuse(Code::OutOfRange, &format!("would make the tree deeper than {MOST_LEVELS} levels"))
        }
        Some(row) => Ok(row.id),
    }
}

/// The category as the answer to its change.
async fn load_view(tx: &mut Tx, id: Uuid) -> Result<Category> {
    let tree = queries::tree(tx).await?;
    let row = tree.find(&IdOrSlug::Id(id)).ok_or_else(Error::not_found)?;
    let count = queries::count_public_articles(tx, tree.subtree(id)).await?;
    Ok(Category::single(&tree, row, count))
}

/// Change a category
///
/// With `parent` it moves, with all that is in it; never into itself.
#[utoipa::path(tag = "categories", params(("id" = String, Path, description = "Id or slug")), responses((status = 200, description = "The category as changed", body = Data<Category>)))]
#[patch("/{id}")]
pub async fn update_category(
    app: web::Data<App>,
    editor: Editor,
    id: IdOrSlug,
    if_match: IfMatch,
    body: Json<CategoryPatch>,
) -> Result<impl Responder> {
    let category = app
        .write(async move |tx| {
            let tree = queries::lock_tree(tx).await?;
            let row = tree.find(&id).ok_or_else(Error::not_found)?;
            if_match.check(row.version)?;
            change(tx, editor.0.actor(), &tree, row, body.0.clone()).await?;
            load_view(tx, row.id).await
        })
        .await?;
    Ok(one(category))
}

/// Changes a category of the locked tree and records it; does nothing, and says so, where nothing changes.
pub async fn change(tx: &mut Tx, actor: Actor, tree: &Tree, row: &Row, patch: CategoryPatch) -> Result<bool> {
    let after = patched(tree, row, patch)?;
    if after == row.content {
        return Ok(false);
    }
    queries::update(tx, row.id, &after).await.on_constraint("categories_slug_key", slug_taken)?;
    let change = Change::between("category", row.id, &row.content, &after);
    tx.record(actor, change);
    Ok(true)
}

fn patched(tree: &Tree, row: &Row, patch: CategoryPatch) -> Result<Content> {
    let current = row.content.clone();
    let parent_id = match patch.parent {
        Patch::Keep => current.parent_id,
        Patch::Clear => None,
        Patch::Set(parent) => Some(parent_id(tree, &parent, tree.height(row.id))?),
    };
    if parent_id.is_some_and(|parent| tree.subtree(row.id).contains(&parent)) {
        let fault = Fault::body("/parent", Code::CategoryCycle, "is this category or one inside it");
        return Err(Error::Faults(Code::CategoryCycle, vec![fault]));
    }
    Ok(Content {
        parent_id,
        slug: patch.slug.map(checked_slug).transpose()?.unwrap_or(current.slug),
        name: patch.name.unwrap_or(current.name),
        description: patch.description.unwrap_or(current.description),
        position: patch.position.unwrap_or(current.position),
    })
}

/// Delete a category
///
/// Refused with 409 while it holds articles (drafts and trash included) or
/// categories, unless `move_to` names the category that takes them.
#[utoipa::path(tag = "categories", params(("id" = String, Path, description = "Id or slug"), Removal), responses((status = 204, description = "Deleted")))]
#[delete("/{id}")]
pub async fn delete_category(
    app: web::Data<App>,
    editor: Editor,
    id: IdOrSlug,
    if_match: IfMatch,
    removal: Query<Removal>,
) -> Result<NoContent> {
    app.write(async move |tx| {
        let tree = queries::lock_tree(tx).await?;
        let row = tree.find(&id).ok_or_else(Error::not_found)?;
        if_match.check(row.version)?;
        match &removal.0.move_to {
            Some(target) => empty_into(tx, editor.0.actor(), &tree, row.id, target).await?,
            None => refuse_if_used(tx, &tree, row.id).await?,
        }
        queries::delete(tx, row.id).await.on_constraint("articles_category_id_fkey", || {
            Fault::parameter(
                "move_to",
                Code::CategoryInUse,
                "an article was just written into the category; try again",
            )
        })?;
        Ok(tx.record(editor.0.actor(), Change::new("delete", "category", row.id)))
    })
    .await?;
    Ok(NoContent)
}

async fn refuse_if_used(tx: &mut Tx, tree: &Tree, id: Uuid) -> Result<()> {
    let articles = queries::count_articles(tx, id).await?;
    let categories = tree.children(Some(id)).count();
    if articles == 0 && categories == 0 {
        return Ok(());
    }
    let detail = format!(
        "It holds {articles} articles (drafts and trash included) and {categories} categories; say with move_to which category takes them."
    );
    Err(Error::Refused(Code::CategoryInUse, detail))
}

/// Moves all that the category `id` holds into `target`.
async fn empty_into(tx: &mut Tx, actor: Actor, tree: &Tree, id: Uuid, target: &str) -> Result<()> {
    let refuse = |detail: &str| {
        let fault = Fault::parameter("move_to", Code::InvalidParameter, detail);
        Error::Faults(Code::InvalidParameter, vec![fault])
    };
    let target = tree.find(&IdOrSlug::parse(target)).ok_or_else(|| refuse("unknown category"))?.id;
    if tree.subtree(id).contains(&target) {
        return Err(refuse("is the category itself or one inside it"));
    }
    db::allow_bulk(tx, db::LONG_WAIT).await?;
    let articles = queries::move_articles(tx, id, target).await?;
    let change = Change::new("update", "article", id).of_fields(vec!["category".to_owned()]);
    tx.record_many(actor, change, articles);
    let categories = queries::move_children(tx, id, target).await?;
    let change = Change::new("update", "category", id).of_fields(vec!["parent".to_owned()]);
    tx.record_many(actor, change, categories);
    Ok(())
}
