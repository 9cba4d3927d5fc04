//! What answers with categories are made from, as tags of the cache.

use uuid::Uuid;

use super::model::{Row, Tree};
use crate::cache::tags::Tag;

/// Stands for all categories.
pub const CATEGORIES: &str = "categories";
/// Stands for all lists of articles that are public.
pub const ARTICLES: &str = "articles";
/// Stands for articles that will be public.
const SCHEDULED_ARTICLES: &str = "scheduled_articles";
/// Categories of a list that have a tag each. A list of more has the tag of all lists.
const MAX_LISTED: usize = 200;
/// Children of a category that have a tag each. The answer with more has the tag of all categories.
const MAX_CHILDREN: usize = 100;

/// A category: its own fields, and which categories are directly in it.
pub fn tag_category(id: Uuid) -> Tag {
    Tag::one("category", id, CATEGORIES)
}

/// Which categories are below a category, on any level.
pub fn tag_tree(id: Uuid) -> Tag {
    Tag::one("category_tree", id, CATEGORIES)
}

/// The answer with one category, but for the number of its articles.
pub fn tag_single(tree: &Tree, row: &Row) -> Vec<Tag> {
    let children: Vec<Uuid> = tree.children(Some(row.id)).map(|child| child.id).collect();
    if children.len() > MAX_CHILDREN {
        return vec![Tag::all(CATEGORIES)];
    }
    let path = tree.path(row.id).into_iter().map(|above| above.id);
    let mut tags: Vec<Tag> = path.chain(children).map(tag_category).collect();
    tags.push(tag_tree(row.id));
    tags
}

/// The articles that are in a category itself.
pub fn tag_articles_in(category: Uuid) -> Tag {
    Tag::one("category_articles", category, ARTICLES)
}

/// The articles that are in any of `categories`; all of them for `None`.
pub fn tag_articles_in_any(categories: Option<&[Uuid]>) -> Vec<Tag> {
    match categories {
        Some(categories) if categories.len() <= MAX_LISTED => {
            categories.iter().copied().map(tag_articles_in).collect()
        }
        _ => [ARTICLES, SCHEDULED_ARTICLES].map(Tag::all).into(),
    }
}
