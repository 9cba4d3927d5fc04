//! What sitemaps are made from, as tags of the cache.

use super::model::SitemapFile;
use crate::cache::tags::Tag;
use crate::categories::answer_tags::{CATEGORIES, tag_articles_in_any};
use crate::notices::answer_tags::tag_notices;

/// The index.
pub fn tag_index() -> Vec<Tag> {
    let mut tags = tag_articles_in_any(None);
    tags.extend(tag_notices());
    tags.extend([CATEGORIES, "site"].map(Tag::all));
    tags
}

/// A file. The slugs of categories are in the addresses of articles.
pub fn tag_file(file: SitemapFile) -> Vec<Tag> {
    match file {
        SitemapFile::Articles(..) | SitemapFile::News => {
            let mut tags = tag_articles_in_any(None);
            tags.extend([CATEGORIES, "site"].map(Tag::all));
            tags
        }
        SitemapFile::Categories(_) => [CATEGORIES, "site"].map(Tag::all).into(),
        SitemapFile::Notices(_) => tag_notices().into_iter().chain([Tag::all("site")]).collect(),
    }
}
