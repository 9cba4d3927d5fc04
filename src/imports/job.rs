//! The description of one import: its resource, its parameters, its actor.

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

/// A resource that can be imported.
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
    /// The resource of the rows.
    pub resource: Resource,
}
