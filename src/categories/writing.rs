//! What a change of the category tree does, for handlers, imports and the demo.
//!
//! Every change is made under the tree's lock, over the tree as it is then.

use uuid::Uuid;

use super::model::{Content, Row, Tree};
use super::moving::{self, Move};
use super::queries;
use super::view::{CategoryPatch, NewCategory};
use crate::changes::model::{Actor, Change};
use crate::error::{Code, Error, Fault, OnConstraint, Result, Sentence};
use crate::http::id_or_slug::IdOrSlug;
use crate::http::patch::Patch;
use crate::jobs::model::Row as Job;
use crate::slug;
use crate::tx::Tx;

/// Levels a tree may have: a breadcrumb longer than that helps nobody.
const MAX_LEVELS: usize = 16;

/// Adds a category to the locked tree and records it; 409 when the slug is taken, or the tree full.
pub async fn add_category(tx: &mut Tx, actor: Actor, tree: &Tree, content: &Content) -> Result<Row> {
    let most = tx.max_categories();
    if tree.len() >= most {
        let detail = Sentence::from("The site may have {max} categories (setting --max-categories).");
        return Err(Error::Refused(Code::TooManyCategories, detail.with("max", most)));
    }
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
        Some(slug) => validate_slug(slug),
        None => {
            let made = slug::from_title(&new.name, "category");
            let taken = tree.find(&IdOrSlug::Slug(made.clone())).is_some();
            Ok(if taken { slug::with_suffix(&made) } else { made })
        }
    };
    let parent_id = new.parent.map(|parent| find_parent(tree, &parent, 1)).transpose();
    let (slug, parent_id) = Error::join(slug, parent_id)?;
    Ok(Content { parent_id, slug, name: new.name, description: new.description, position: new.position })
}

fn validate_slug(slug: String) -> Result<String> {
    match slug::refusal(&slug) {
        Some(detail) => Err(Fault::body("/slug", Code::InvalidFormat, detail).into()),
        None => Ok(slug),
    }
}

/// The category that `parent` names, if `height` levels still fit below it.
fn find_parent(tree: &Tree, parent: &str, height: usize) -> Result<Uuid> {
    let fault = |code, detail: &'static str| Fault::body("/parent", code, detail);
    match tree.find(&IdOrSlug::parse(parent)) {
        None => Err(fault(Code::UnknownReference, "unknown category").into()),
        Some(row) if tree.path(row.id).len() + height > MAX_LEVELS => {
            let fault = fault(Code::OutOfRange, "would make the tree deeper than {max} levels");
            Err(fault.with("max", MAX_LEVELS).into())
        }
        Some(row) => Ok(row.id),
    }
}

/// Changes the category `row` of the locked tree and records it; `None`, and nothing done, where nothing changes.
pub async fn patch_category(
    tx: &mut Tx,
    actor: Actor,
    tree: &Tree,
    row: &Row,
    patch: CategoryPatch,
) -> Result<Option<Row>> {
    let after = apply_patch(tree, row, patch)?;
    if after == row.content {
        return Ok(None);
    }
    let updated =
        queries::update(tx, row.id, &after).await.on_constraint("categories_slug_key", slug_taken)?;
    let change = Change::between("category", row.id, &row.content, &after);
    tx.record(actor, change);
    Ok(Some(updated))
}

/// What the category `row` will be after a change.
pub fn apply_patch(tree: &Tree, row: &Row, patch: CategoryPatch) -> Result<Content> {
    let current = row.content.clone();
    let parent_id = match patch.parent {
        Patch::Keep => Ok(current.parent_id),
        Patch::Clear => Ok(None),
        Patch::Set(parent) => find_new_parent(tree, row, &parent).map(Some),
    };
    let (slug, parent_id) = Error::join(patch.slug.map(validate_slug).transpose(), parent_id)?;
    Ok(Content {
        parent_id,
        slug: slug.unwrap_or(current.slug),
        name: patch.name.unwrap_or(current.name),
        description: patch.description.unwrap_or(current.description),
        position: patch.position.unwrap_or(current.position),
    })
}

/// The category that `parent` names, if the category `row` can move into it.
fn find_new_parent(tree: &Tree, row: &Row, parent: &str) -> Result<Uuid> {
    let parent = find_parent(tree, parent, tree.height(row.id))?;
    if tree.subtree(row.id).contains(&parent) {
        return Err(Fault::body("/parent", Code::CategoryCycle, "is this category or one inside it").into());
    }
    Ok(parent)
}

/// Removes the category `row`, once what it holds is in `move_to`; refused if it holds something
/// and there is no `move_to`. If it holds much, a job does it, which is returned.
pub async fn delete_category(
    tx: &mut Tx,
    actor: Actor,
    tree: &Tree,
    row: &Row,
    move_to: Option<&str>,
) -> Result<Option<Job>> {
    match move_to {
        Some(target) => {
            if let Move::Begun(job) = moving::move_contents(tx, actor, tree, row, target).await? {
                return Ok(Some(job));
            }
        }
        None => refuse_if_used(tx, tree, row.id).await?,
    }
    queries::delete(tx, row.id).await.on_constraint("articles_category_id_fkey", || {
        Fault::parameter(
            "move_to",
            Code::CategoryInUse,
            "an article was just written into the category; try again",
        )
    })?;
    tx.record(actor, Change::new("delete", "category", row.id));
    Ok(None)
}

async fn refuse_if_used(tx: &mut Tx, tree: &Tree, id: Uuid) -> Result<()> {
    let articles = queries::count_articles(tx, id).await?;
    let categories = tree.children(Some(id)).count();
    if articles == 0 && categories == 0 {
        return Ok(());
    }
    let detail = "It holds {articles} articles (drafts and trash included) and {categories} categories; say with \
                  move_to which category takes them.";
    let detail = Sentence::from(detail).with("articles", articles).with("categories", categories);
    Err(Error::Refused(Code::CategoryInUse, detail))
}

/// Gives the category with this slug another one: the slug with a short ending. Returns whether there is one.
pub async fn change_slug(tx: &mut Tx, actor: Actor, tree: &Tree, slug: &str) -> Result<bool> {
    let found = tree.find(&IdOrSlug::Slug(slug.to_owned()));
    let Some(row) = found.filter(|row| row.content.slug == slug) else { return Ok(false) };
    let after = Content { slug: slug::with_suffix(slug), ..row.content.clone() };
    queries::update(tx, row.id, &after).await?;
    tx.record(actor, Change::between("category", row.id, &row.content, &after));
    Ok(true)
}
