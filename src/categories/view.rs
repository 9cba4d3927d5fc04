//! Categories as clients see them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::model::{Row, Tree};
use crate::http::patch::Patch;

/// One step of a breadcrumb.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Crumb {
    /// The category's id.
    pub id: Uuid,
    /// The category's slug, used in URLs.
    #[schema(example = "local")]
    pub slug: String,
    /// The category's name for people.
    #[schema(example = "地方动态")]
    pub name: String,
}

/// A category, as part of something in it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CategorySummary {
    /// The category's id.
    pub id: Uuid,
    /// The category's slug, used in URLs.
    #[schema(example = "local")]
    pub slug: String,
    /// The category's name for people.
    #[schema(example = "地方动态")]
    pub name: String,
    /// The breadcrumb: root first, the category itself last.
    pub path: Vec<Crumb>,
}

/// A category.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Category {
    /// Never changes.
    pub id: Uuid,
    /// The slug, used in URLs.
    #[schema(example = "local")]
    pub slug: String,
    /// Its name for people.
    #[schema(example = "地方动态")]
    pub name: String,
    /// A few words.
    pub description: String,
    /// Its place among its siblings, smallest first.
    pub position: i32,
    /// The breadcrumb: root first, itself last.
    pub path: Vec<Crumb>,
    /// The categories directly in it (single category only).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion, nullable = false)]
    pub children: Option<Vec<Category>>,
    /// How many articles the public finds in it and below (single category, and with `include=article_count` or `latest`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub article_count: Option<i64>,
    /// For `If-Match`.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

fn crumbs(tree: &Tree, id: Uuid) -> Vec<Crumb> {
    let crumb =
        |row: &Row| Crumb { id: row.id, slug: row.content.slug.clone(), name: row.content.name.clone() };
    tree.path(id).into_iter().map(crumb).collect()
}

impl CategorySummary {
    /// The category `id` with its breadcrumb, if it is in the tree.
    pub fn of(tree: &Tree, id: Uuid) -> Option<Self> {
        let path = crumbs(tree, id);
        let Crumb { id, slug, name } = path.last()?.clone();
        Some(Self { id, slug, name, path })
    }
}

impl Category {
    /// The category `row`, without what is in it.
    pub fn flat(tree: &Tree, row: &Row) -> Self {
        Self {
            id: row.id,
            slug: row.content.slug.clone(),
            name: row.content.name.clone(),
            description: row.content.description.clone(),
            position: row.content.position,
            path: crumbs(tree, row.id),
            children: None,
            article_count: None,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }

    /// The category `row` with those directly in it and a count of articles.
    pub fn single(tree: &Tree, row: &Row, article_count: i64) -> Self {
        let children = tree.children(Some(row.id)).map(|child| Self::flat(tree, child)).collect();
        Self { children: Some(children), article_count: Some(article_count), ..Self::flat(tree, row) }
    }
}

/// How to list categories.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CategoryListing {
    /// Nest the categories in each other instead of listing them flat, parents first.
    #[param(default = false, nullable = false)]
    pub tree: Option<bool>,
}

/// How to delete a category that holds something.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Removal {
    /// The category (id or slug) that takes the articles and categories of this one.
    #[param(min_length = 1, max_length = 120, nullable = false)]
    pub move_to: Option<String>,
}

/// A new category.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "地方动态", "slug": "local-news", "position": 0}))]
pub struct NewCategory {
    /// Its name for people.
    #[schema(format = "plain-text", min_length = 1, max_length = 100, pattern = r"\S")]
    pub name: String,
    /// The slug, used in URLs; made from the name when absent.
    #[schema(max_length = 120, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
    pub slug: Option<String>,
    /// The category it is in (id or slug); null for a root.
    #[schema(min_length = 1, max_length = 120)]
    pub parent: Option<String>,
    /// A few words.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub description: String,
    /// Its place among its siblings, smallest first.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub position: i32,
}

/// A change to a category. Absent: kept.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "地方新闻"}))]
pub struct CategoryPatch {
    /// Its name for people.
    #[schema(format = "plain-text", min_length = 1, max_length = 100, pattern = r"\S", nullable = false)]
    pub name: Option<String>,
    /// The slug, used in URLs.
    #[schema(max_length = 120, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", nullable = false)]
    pub slug: Option<String>,
    /// The category it moves into (id or slug); null makes it a root.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 120)]
    pub parent: Patch<String>,
    /// A few words.
    #[schema(max_length = 1000, nullable = false)]
    pub description: Option<String>,
    /// Its place among its siblings, smallest first.
    #[schema(minimum = 0, maximum = 1_000_000, nullable = false)]
    pub position: Option<i32>,
}
