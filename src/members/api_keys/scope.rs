//! What a key may do.

use actix_web::http::Method;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an API key may do.
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
        }
    }

    /// The scope that a request takes, by its path and method; none where keys have no business.
    pub fn needed(method: &Method, path: &str) -> Option<Self> {
        let mut segments = path.strip_prefix("/api/v1/")?.split('/');
        let resource = segments.next()?;
        let last = segments.next_back();
        let action = match last {
            Some("import") => "import",
            Some("views") => "read",
            _ if *method == Method::GET || *method == Method::HEAD => "read",
            _ => "write",
        };
        Self::parse(&format!("{resource}:{action}"))
    }

    /// The scope of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::all().iter().copied().find(|scope| scope.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_takes_the_scope_of_what_it_does() {
        for (method, path, scope) in [
            (Method::GET, "/api/v1/articles", Some("articles:read")),
            (Method::PUT, "/api/v1/articles/by-external-id/7", Some("articles:write")),
            (Method::POST, "/api/v1/articles/import", Some("articles:import")),
            (Method::POST, "/api/v1/articles/x/views", Some("articles:read")),
            (Method::DELETE, "/api/v1/notices/x", Some("notices:write")),
            (Method::GET, "/api/v1/site", None),
            (Method::GET, "/api/v1/members/me", None),
            (Method::POST, "/api/v1/api-keys", None),
            (Method::POST, "/api/v1/auth/password/change", None),
        ] {
            assert_eq!(Scope::needed(&method, path).map(Scope::as_str), scope, "{method} {path}");
        }
    }
}
