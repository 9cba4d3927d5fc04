//! What feeds are made from, as tags of the cache.

use uuid::Uuid;

use super::model::ArticleSet;
use crate::articles::answer_tags::add_breadcrumbs;
use crate::cache::tags::Tag;
use crate::categories::answer_tags::{ARTICLES, tag_articles_in_any, tag_category, tag_tree};
use crate::categories::model::Tree;
use crate::notices::answer_tags::tag_notices;

/// A feed of articles that are in `categories`.
pub fn tag_article_feed(
    set: &ArticleSet,
    tree: &Tree,
    categories: impl IntoIterator<Item = Option<Uuid>>,
) -> Vec<Tag> {
    let mut tags = vec![Tag::all("site")];
    match set {
        ArticleSet::All => tags.extend(tag_articles_in_any(None)),
        ArticleSet::Category(id) => {
            tags.extend([tag_category(*id), tag_tree(*id)]);
            tags.extend(tag_articles_in_any(Some(&tree.subtree(*id))));
        }
        ArticleSet::Tag(name) => tags.push(Tag::one("tag", name, ARTICLES)),
        ArticleSet::Author(name) => tags.push(Tag::one("author", name, ARTICLES)),
    }
    add_breadcrumbs(&mut tags, tree, categories);
    tags
}

/// A feed of notices.
pub fn tag_notice_feed() -> Vec<Tag> {
    tag_notices().into_iter().chain([Tag::all("site")]).collect()
}
