//! The scopes of API keys.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A right that an API key can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, ValueEnum)]
pub enum Scope {
    /// Reads all articles, drafts too.
    #[serde(rename = "articles:read")]
    #[value(name = "articles:read")]
    ArticlesRead,
    /// Creates, changes, publishes and deletes articles.
    #[serde(rename = "articles:write")]
    #[value(name = "articles:write")]
    ArticlesWrite,
    /// Imports articles in bulk.
    #[serde(rename = "articles:import")]
    #[value(name = "articles:import")]
    ArticlesImport,
    /// Reads the category tree.
    #[serde(rename = "categories:read")]
    #[value(name = "categories:read")]
    CategoriesRead,
    /// Creates, changes and deletes categories.
    #[serde(rename = "categories:write")]
    #[value(name = "categories:write")]
    CategoriesWrite,
    /// Imports categories in bulk.
    #[serde(rename = "categories:import")]
    #[value(name = "categories:import")]
    CategoriesImport,
    /// Reads all notices, drafts too.
    #[serde(rename = "notices:read")]
    #[value(name = "notices:read")]
    NoticesRead,
    /// Creates, changes, publishes and deletes notices.
    #[serde(rename = "notices:write")]
    #[value(name = "notices:write")]
    NoticesWrite,
    /// Imports notices in bulk.
    #[serde(rename = "notices:import")]
    #[value(name = "notices:import")]
    NoticesImport,
    /// Reads all media.
    #[serde(rename = "media:read")]
    #[value(name = "media:read")]
    MediaRead,
    /// Uploads, changes and deletes media.
    #[serde(rename = "media:write")]
    #[value(name = "media:write")]
    MediaWrite,
}

impl Scope {
    /// Every scope there is.
    pub fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// The scope as clients write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ArticlesRead => "articles:read",
            Self::ArticlesWrite => "articles:write",
            Self::ArticlesImport => "articles:import",
            Self::CategoriesRead => "categories:read",
            Self::CategoriesWrite => "categories:write",
            Self::CategoriesImport => "categories:import",
            Self::NoticesRead => "notices:read",
            Self::NoticesWrite => "notices:write",
            Self::NoticesImport => "notices:import",
            Self::MediaRead => "media:read",
            Self::MediaWrite => "media:write",
        }
    }

    /// The scope that reads what this one writes.
    pub const fn to_read(self) -> Self {
        match self {
            Self::ArticlesRead | Self::ArticlesWrite | Self::ArticlesImport => Self::ArticlesRead,
            Self::CategoriesRead | Self::CategoriesWrite | Self::CategoriesImport => Self::CategoriesRead,
            Self::NoticesRead | Self::NoticesWrite | Self::NoticesImport => Self::NoticesRead,
            Self::MediaRead | Self::MediaWrite => Self::MediaRead,
        }
    }

    /// The scope of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::all().iter().copied().find(|scope| scope.as_str() == text)
    }
}
