//! What answers with articles are made from, as tags of the cache.
//!
//! A change of a published article touches its own tag, those of its category, its tags, its author and its source, before
//! and after; and the tag of all lists. A list needs one of these only: that of the filter which most likely leaves the
//! fewest articles.

use uuid::Uuid;

use super::listing::ArticleFilter;
use super::queries::listing::Listing;
use crate::cache::tags::Tag;
use crate::categories::answer_tags::{
    ARTICLES, tag_articles_in, tag_articles_in_any, tag_category, tag_tree,
};
use crate::categories::model::Tree;
use crate::search::SEARCH_TAG;

/// An article.
pub fn tag_article(id: Uuid) -> Tag {
    Tag::one("article", id, ARTICLES)
}

/// The answer with one article. `with_neighbors`: and with those beside it.
pub fn tag_single(tree: &Tree, id: Uuid, category: Option<Uuid>, with_neighbors: bool) -> Vec<Tag> {
    let mut tags = vec![tag_article(id), Tag::all("site")];
    tags.extend(category.filter(|_| with_neighbors).map(tag_articles_in));
    add_breadcrumbs(&mut tags, tree, [category]);
    tags
}

/// Adds what a list by words is made from besides: the index, and what the index may not know yet.
pub fn add_search(tags: &mut Vec<Tag>) {
    tags.extend([Tag::all(SEARCH_TAG), Tag::all(ARTICLES)]);
}

/// A list, but for the breadcrumbs in it.
pub fn tag_list(tree: &Tree, filter: &ArticleFilter, listing: &Listing) -> Vec<Tag> {
    let mut tags = vec![Tag::all("site")];
    // The slug in the filter may go to another category, and others may come below it.
    for category in filter.roots(tree).ok().flatten().into_iter().flatten() {
        tags.push(tag_category(category));
        if filter.descendants != Some(false) {
            tags.push(tag_tree(category));
        }
    }
    if let Some(names) = &filter.tag {
        tags.extend(names.iter().map(|name| Tag::one("tag", name, ARTICLES)));
    } else if let Some(author) = &filter.author {
        tags.push(Tag::one("author", author, ARTICLES));
    } else if let Some(source) = &filter.source {
        tags.push(Tag::one("source", source, ARTICLES));
    } else {
        tags.extend(tag_articles_in_any(listing.categories.as_deref()));
    }
    tags
}

/// Adds the categories in the breadcrumbs of articles in `categories`.
pub fn add_breadcrumbs(tags: &mut Vec<Tag>, tree: &Tree, categories: impl IntoIterator<Item = Option<Uuid>>) {
    let mut known: Vec<Uuid> = Vec::new();
    for category in categories.into_iter().flatten() {
        if known.contains(&category) {
            continue;
        }
        for row in tree.path(category) {
            if !known.contains(&row.id) {
                known.push(row.id);
                tags.push(tag_category(row.id));
            }
        }
    }
}
