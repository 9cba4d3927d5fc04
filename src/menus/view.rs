//! Menus as clients see and send them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::StoredItem;
use crate::categories::view::CategorySummary;
use crate::notices::model::NoticeKind;

/// A menu.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Menu {
    /// The name that frontends know it by.
    #[schema(example = "main")]
    pub name: String,
    /// Its items, those left out that lead to what readers do not see.
    #[schema(max_items = 500)]
    pub items: Vec<MenuItem>,
    /// Its items as they were sent, to be edited and sent again (editors and admins only).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 500)]
    pub source: Option<Vec<StoredItem>>,
    /// For `If-Match`.
    pub version: i32,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// An item of a menu. It leads to a category, an article, a notice or an address, or is a heading without any.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct MenuItem {
    /// What to show.
    #[schema(example = "地方动态")]
    pub title: String,
    /// The category it leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub category: Option<CategorySummary>,
    /// The article it leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub article: Option<LinkedArticle>,
    /// The notice it leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub notice: Option<LinkedNotice>,
    /// The address it leads to: absolute, or a path of the site that shows the menu.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub url: Option<String>,
    /// The items below it.
    #[schema(no_recursion, max_items = 500)]
    pub items: Vec<MenuItem>,
}

/// An article that a menu leads to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LinkedArticle {
    /// Its id.
    pub id: Uuid,
    /// The slug, used in URLs.
    pub slug: String,
    /// Its title.
    pub title: String,
}

/// A notice that a menu leads to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LinkedNotice {
    /// Its id.
    pub id: Uuid,
    /// `notice` (通知) or `announcement` (公告).
    pub kind: NoticeKind,
    /// The slug, used in URLs.
    pub slug: String,
    /// Its title.
    pub title: String,
}

/// The items of a menu.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"items": [{"title": "首页", "url": "/"}, {"title": "关于我们", "items": [{"title": "联系我们", "url": "https://www.example.org/contact"}]}]}))]
pub struct MenuContent {
    /// Its items: 500 at most, on five levels.
    #[schema(max_items = 500)]
    pub items: Vec<NewMenuItem>,
}

/// An item of a menu. It names one target at most.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMenuItem {
    /// What to show. Absent: the name or title of the category, article or notice.
    #[schema(format = "plain-text", min_length = 1, max_length = 200, pattern = r"\S")]
    pub title: Option<String>,
    /// The category it leads to (id or slug).
    #[schema(min_length = 1, max_length = 120)]
    pub category: Option<String>,
    /// The article it leads to (id or slug). Readers see the item while they can read the article.
    #[schema(min_length = 1, max_length = 120)]
    pub article: Option<String>,
    /// The notice it leads to (id or slug). Readers see the item while everybody can read the notice.
    #[schema(min_length = 1, max_length = 120)]
    pub notice: Option<String>,
    /// The address it leads to: http, https, mailto or tel, or a path of the site that shows the menu.
    #[schema(
        max_length = 2000,
        pattern = r"^(https?://[^\s/?#@\\<>\x22]+([/?#][^\s<>\x22\\]*)?|(mailto|tel):[^\s<>\x22\\]+|/([^\s/<>\x22\\][^\s<>\x22\\]*)?|#[^\s<>\x22\\]*)$"
    )]
    pub url: Option<String>,
    /// The items below it.
    #[schema(no_recursion, max_items = 500)]
    pub items: Option<Vec<NewMenuItem>>,
}
