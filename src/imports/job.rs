//! The description of one import: its resource, its parameters, its actor.

use std::rc::Rc;

use actix_web::web;
use serde::Serialize;

use super::params::{Duplicates, ImportParams};
use crate::app::App;
use crate::changes::model::Actor;
use crate::db::visibility::Articles;
use crate::error::Result;
use crate::interchange::article_row;
use crate::search::finding;

/// The keys of a category's row.
const CATEGORY_KEYS: &[&str] = &["slug", "name", "parent", "description", "position"];
/// The keys of a notice's row.
const NOTICE_KEYS: &[&str] = &[
    "external_id",
    "slug",
    "kind",
    "title",
    "summary",
    "body",
    "body_format",
    "pinned",
    "audience",
    "status",
    "published_at",
    "expires_at",
];

/// A resource that can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Articles.
    Articles,
    /// Categories.
    Categories,
    /// Notices.
    Notices,
}

impl Resource {
    /// The keys that its rows can have.
    pub fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Articles => article_row::ARTICLE_KEYS,
            Self::Categories => CATEGORY_KEYS,
            Self::Notices => NOTICE_KEYS,
        }
    }

    /// Its name in the change log.
    pub fn entity(self) -> &'static str {
        match self {
            Self::Articles => "article",
            Self::Categories => "category",
            Self::Notices => "notice",
        }
    }
}

/// One import.
#[derive(Clone)]
pub struct Job {
    /// The application.
    pub app: web::Data<App>,
    /// The parameters.
    pub params: Rc<ImportParams>,
    /// The caller.
    pub actor: Actor,
    /// The articles that the caller may read.
    pub readable: Articles,
    /// The resource of the rows.
    pub resource: Resource,
}

impl Job {
    /// Whether rows are compared with other articles.
    pub fn compares_texts(&self) -> bool {
        self.resource == Resource::Articles && self.params.duplicates() != Duplicates::Off
    }

    /// Fails with 503 if the import needs the index, and there is none yet.
    pub fn check_index(&self) -> Result<()> {
        if self.compares_texts() { finding::check(&self.app) } else { Ok(()) }
    }

    /// Has the index, if the import needs it, catch up with what is committed: an import that is sent again must find
    /// what was written of it. Fails with 503 if that takes a minute.
    pub async fn catch_up_index(&self) -> Result<()> {
        if self.compares_texts() {
            finding::catch_up(&self.app).await?;
        }
        Ok(())
    }
}
