//! What an import is about, and for whom.

use std::rc::Rc;

use actix_web::web;

use super::params::ImportParams;
use crate::app::App;
use crate::changes::model::Actor;
use crate::interchange::article_row;

/// The keys of a category's row.
const CATEGORY_KEYS: &[&str] = &["slug", "name", "parent", "description", "position"];
/// The keys of a notice's row.
const NOTICE_KEYS: &[&str] = &[
    "external_id",
    "kind",
    "title",
    "body",
    "body_format",
    "pinned",
    "audience",
    "status",
    "published_at",
    "expires_at",
];

/// What can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
            Self::Articles => article_row::KEYS,
            Self::Categories => CATEGORY_KEYS,
            Self::Notices => NOTICE_KEYS,
        }
    }

    /// What the change log calls one.
    pub fn entity(self) -> &'static str {
        match self {
            Self::Articles => "article",
            Self::Categories => "category",
            Self::Notices => "notice",
        }
    }
}

/// Whose import it is, and how it is done.
#[derive(Clone)]
pub struct Job {
    /// The process.
    pub app: web::Data<App>,
    /// How to import.
    pub params: Rc<ImportParams>,
    /// Who imports.
    pub actor: Actor,
    /// What is imported.
    pub resource: Resource,
}
