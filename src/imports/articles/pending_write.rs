//! A row that is to be written, and its comparison with the existing article.

use std::borrow::Cow;

use uuid::Uuid;

use super::prepare::PreparedImport;
use super::queries::{ArticleWrite, LockedArticle};
use crate::articles::model::Content;
use crate::changes::model::Change;
use crate::db::types::Status;

/// A row that is to be written.
pub(super) struct PendingWrite<'b> {
    /// The index of its row in the batch.
    pub(super) index: usize,
    /// The article to write. It is copied only if the batch changes it.
    pub(super) article: Cow<'b, PreparedImport>,
    pub(super) id: Uuid,
    /// The article before the write, if it exists.
    pub(super) before: Option<LockedArticle>,
}

impl PreparedImport {
    /// Whether the article is already as the row describes it.
    pub(super) fn changes_nothing(&self, before: &LockedArticle) -> bool {
        let row = &before.article;
        !before.trashed
            && self.content == row.content
            // Views only grow: an import never lowers the counter.
            && self.views.is_none_or(|views| views <= row.views)
            && self.created_at.is_none_or(|created_at| created_at == row.created_at)
    }
}

impl PendingWrite<'_> {
    /// Changes the content if it `differs`. Content that does not is not copied.
    pub(super) fn change_content(
        &mut self,
        differs: impl FnOnce(&Content) -> bool,
        change: impl FnOnce(&mut Content),
    ) {
        if differs(&self.article.content) {
            change(&mut self.article.to_mut().content);
        }
    }

    /// Keeps the slug and the publication time of the article if the row has none.
    pub(super) fn keep_unspecified(&mut self, before: &LockedArticle) {
        let old = &before.article.content;
        if !self.article.slug_is_given {
            self.change_content(
                |content| content.slug != old.slug,
                |content| content.slug.clone_from(&old.slug),
            );
        }
        let published_at = old.published_at.filter(|_| self.article.content.status == Status::Published);
        if !self.article.published_at_is_given && published_at.is_some() {
            self.change_content(
                |content| content.published_at != published_at,
                |content| content.published_at = published_at,
            );
        }
    }

    pub(super) fn to_article_write(&self) -> ArticleWrite<'_> {
        let article = &self.article;
        let (action, fields) = match &self.before {
            None => ("create", String::new()),
            Some(before) => {
                let change = Change::between("article", self.id, &before.article.content, &article.content);
                (if before.trashed { "restore" } else { "update" }, change.fields.join(","))
            }
        };
        ArticleWrite {
            id: self.id,
            content: &article.content,
            source_hash: &article.source_hash,
            views: article.views,
            created_at: article.created_at.or(self.before.as_ref().map(|before| before.article.created_at)),
            action,
            fields,
        }
    }
}
