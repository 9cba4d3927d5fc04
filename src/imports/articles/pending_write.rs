//! A row that is to be written, and its comparison with the existing article.

use std::borrow::Cow;

use uuid::Uuid;

use super::identity::Identity;
use super::prepare::PreparedImport;
use super::queries::{ArticleWrite, LockedArticle};
use crate::articles::model::Content;
use crate::changes::model::Change;
use crate::db::types::Status;
use crate::error::Fault;

/// A row that is to be written.
pub(super) struct PendingWrite<'b> {
    /// The index of its row in the batch.
    pub(super) index: usize,
    /// The article to write. It is copied only if the batch changes it.
    pub(super) article: Cow<'b, PreparedImport>,
    pub(super) id: Uuid,
    /// The article before the write, if it exists.
    pub(super) before: Option<LockedArticle>,
    /// Slugs that are to lead to it, besides those that do.
    pub(super) claims: Vec<String>,
    /// Whether it replaces what was edited since the last import.
    pub(super) overwrites_edits: bool,
    /// What was changed of the row, or of the article besides.
    pub(super) warnings: Vec<Fault>,
}

impl PreparedImport {
    /// Whether the row is about the article: by its external id, or by the one that it had. Another import may have
    /// changed that since it was found.
    pub(super) fn is_about(&self, before: &LockedArticle) -> bool {
        let Some(id) = before.article.content.external_id.as_deref() else { return true };
        self.identities().any(|identity| *identity == Identity::ExternalId(id.to_owned()))
    }

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

impl<'b> PendingWrite<'b> {
    /// The write of the row at `index`, of an article that may not exist yet.
    pub(super) fn new(index: usize, article: &'b PreparedImport) -> Self {
        let (article, id) = (Cow::Borrowed(article), Uuid::now_v7());
        Self {
            index,
            article,
            id,
            before: None,
            claims: Vec::new(),
            overwrites_edits: false,
            warnings: Vec::new(),
        }
    }

    /// The fields in which the article differs from the row, by the names clients know.
    pub(super) fn changed_fields(&self, before: &LockedArticle) -> Vec<String> {
        Change::between("article", self.id, &before.article.content, &self.article.content).fields
    }

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
                let mut fields = self.changed_fields(before);
                fields.extend((!self.claims.is_empty()).then(|| "former_slugs".to_owned()));
                (if before.trashed { "restore" } else { "update" }, fields.join(","))
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
